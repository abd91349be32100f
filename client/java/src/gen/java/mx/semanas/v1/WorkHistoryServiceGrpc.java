package mx.semanas.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Employment verification. Every status that is not OK carries one google.rpc.ErrorInfo of domain "semanas".
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class WorkHistoryServiceGrpc {

  private WorkHistoryServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "semanas.v1.WorkHistoryService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<mx.semanas.v1.LookupNssRequest,
      mx.semanas.v1.LookupNssResponse> getLookupNssMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "LookupNss",
      requestType = mx.semanas.v1.LookupNssRequest.class,
      responseType = mx.semanas.v1.LookupNssResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<mx.semanas.v1.LookupNssRequest,
      mx.semanas.v1.LookupNssResponse> getLookupNssMethod() {
    io.grpc.MethodDescriptor<mx.semanas.v1.LookupNssRequest, mx.semanas.v1.LookupNssResponse> getLookupNssMethod;
    if ((getLookupNssMethod = WorkHistoryServiceGrpc.getLookupNssMethod) == null) {
      synchronized (WorkHistoryServiceGrpc.class) {
        if ((getLookupNssMethod = WorkHistoryServiceGrpc.getLookupNssMethod) == null) {
          WorkHistoryServiceGrpc.getLookupNssMethod = getLookupNssMethod =
              io.grpc.MethodDescriptor.<mx.semanas.v1.LookupNssRequest, mx.semanas.v1.LookupNssResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "LookupNss"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.LookupNssRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.LookupNssResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkHistoryServiceMethodDescriptorSupplier("LookupNss"))
              .build();
        }
      }
    }
    return getLookupNssMethod;
  }

  private static volatile io.grpc.MethodDescriptor<mx.semanas.v1.SubmitWorkHistoryRequest,
      mx.semanas.v1.SubmitWorkHistoryResponse> getSubmitWorkHistoryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SubmitWorkHistory",
      requestType = mx.semanas.v1.SubmitWorkHistoryRequest.class,
      responseType = mx.semanas.v1.SubmitWorkHistoryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<mx.semanas.v1.SubmitWorkHistoryRequest,
      mx.semanas.v1.SubmitWorkHistoryResponse> getSubmitWorkHistoryMethod() {
    io.grpc.MethodDescriptor<mx.semanas.v1.SubmitWorkHistoryRequest, mx.semanas.v1.SubmitWorkHistoryResponse> getSubmitWorkHistoryMethod;
    if ((getSubmitWorkHistoryMethod = WorkHistoryServiceGrpc.getSubmitWorkHistoryMethod) == null) {
      synchronized (WorkHistoryServiceGrpc.class) {
        if ((getSubmitWorkHistoryMethod = WorkHistoryServiceGrpc.getSubmitWorkHistoryMethod) == null) {
          WorkHistoryServiceGrpc.getSubmitWorkHistoryMethod = getSubmitWorkHistoryMethod =
              io.grpc.MethodDescriptor.<mx.semanas.v1.SubmitWorkHistoryRequest, mx.semanas.v1.SubmitWorkHistoryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SubmitWorkHistory"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.SubmitWorkHistoryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.SubmitWorkHistoryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkHistoryServiceMethodDescriptorSupplier("SubmitWorkHistory"))
              .build();
        }
      }
    }
    return getSubmitWorkHistoryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<mx.semanas.v1.WatchWorkHistoryRequest,
      mx.semanas.v1.WatchWorkHistoryResponse> getWatchWorkHistoryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchWorkHistory",
      requestType = mx.semanas.v1.WatchWorkHistoryRequest.class,
      responseType = mx.semanas.v1.WatchWorkHistoryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<mx.semanas.v1.WatchWorkHistoryRequest,
      mx.semanas.v1.WatchWorkHistoryResponse> getWatchWorkHistoryMethod() {
    io.grpc.MethodDescriptor<mx.semanas.v1.WatchWorkHistoryRequest, mx.semanas.v1.WatchWorkHistoryResponse> getWatchWorkHistoryMethod;
    if ((getWatchWorkHistoryMethod = WorkHistoryServiceGrpc.getWatchWorkHistoryMethod) == null) {
      synchronized (WorkHistoryServiceGrpc.class) {
        if ((getWatchWorkHistoryMethod = WorkHistoryServiceGrpc.getWatchWorkHistoryMethod) == null) {
          WorkHistoryServiceGrpc.getWatchWorkHistoryMethod = getWatchWorkHistoryMethod =
              io.grpc.MethodDescriptor.<mx.semanas.v1.WatchWorkHistoryRequest, mx.semanas.v1.WatchWorkHistoryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchWorkHistory"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.WatchWorkHistoryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.WatchWorkHistoryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkHistoryServiceMethodDescriptorSupplier("WatchWorkHistory"))
              .build();
        }
      }
    }
    return getWatchWorkHistoryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<mx.semanas.v1.GetWorkHistoryRequest,
      mx.semanas.v1.GetWorkHistoryResponse> getGetWorkHistoryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetWorkHistory",
      requestType = mx.semanas.v1.GetWorkHistoryRequest.class,
      responseType = mx.semanas.v1.GetWorkHistoryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<mx.semanas.v1.GetWorkHistoryRequest,
      mx.semanas.v1.GetWorkHistoryResponse> getGetWorkHistoryMethod() {
    io.grpc.MethodDescriptor<mx.semanas.v1.GetWorkHistoryRequest, mx.semanas.v1.GetWorkHistoryResponse> getGetWorkHistoryMethod;
    if ((getGetWorkHistoryMethod = WorkHistoryServiceGrpc.getGetWorkHistoryMethod) == null) {
      synchronized (WorkHistoryServiceGrpc.class) {
        if ((getGetWorkHistoryMethod = WorkHistoryServiceGrpc.getGetWorkHistoryMethod) == null) {
          WorkHistoryServiceGrpc.getGetWorkHistoryMethod = getGetWorkHistoryMethod =
              io.grpc.MethodDescriptor.<mx.semanas.v1.GetWorkHistoryRequest, mx.semanas.v1.GetWorkHistoryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetWorkHistory"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.GetWorkHistoryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.GetWorkHistoryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkHistoryServiceMethodDescriptorSupplier("GetWorkHistory"))
              .build();
        }
      }
    }
    return getGetWorkHistoryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<mx.semanas.v1.ListWorkHistoriesRequest,
      mx.semanas.v1.ListWorkHistoriesResponse> getListWorkHistoriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListWorkHistories",
      requestType = mx.semanas.v1.ListWorkHistoriesRequest.class,
      responseType = mx.semanas.v1.ListWorkHistoriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<mx.semanas.v1.ListWorkHistoriesRequest,
      mx.semanas.v1.ListWorkHistoriesResponse> getListWorkHistoriesMethod() {
    io.grpc.MethodDescriptor<mx.semanas.v1.ListWorkHistoriesRequest, mx.semanas.v1.ListWorkHistoriesResponse> getListWorkHistoriesMethod;
    if ((getListWorkHistoriesMethod = WorkHistoryServiceGrpc.getListWorkHistoriesMethod) == null) {
      synchronized (WorkHistoryServiceGrpc.class) {
        if ((getListWorkHistoriesMethod = WorkHistoryServiceGrpc.getListWorkHistoriesMethod) == null) {
          WorkHistoryServiceGrpc.getListWorkHistoriesMethod = getListWorkHistoriesMethod =
              io.grpc.MethodDescriptor.<mx.semanas.v1.ListWorkHistoriesRequest, mx.semanas.v1.ListWorkHistoriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListWorkHistories"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.ListWorkHistoriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.ListWorkHistoriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkHistoryServiceMethodDescriptorSupplier("ListWorkHistories"))
              .build();
        }
      }
    }
    return getListWorkHistoriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<mx.semanas.v1.CancelWorkHistoryRequest,
      mx.semanas.v1.CancelWorkHistoryResponse> getCancelWorkHistoryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelWorkHistory",
      requestType = mx.semanas.v1.CancelWorkHistoryRequest.class,
      responseType = mx.semanas.v1.CancelWorkHistoryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<mx.semanas.v1.CancelWorkHistoryRequest,
      mx.semanas.v1.CancelWorkHistoryResponse> getCancelWorkHistoryMethod() {
    io.grpc.MethodDescriptor<mx.semanas.v1.CancelWorkHistoryRequest, mx.semanas.v1.CancelWorkHistoryResponse> getCancelWorkHistoryMethod;
    if ((getCancelWorkHistoryMethod = WorkHistoryServiceGrpc.getCancelWorkHistoryMethod) == null) {
      synchronized (WorkHistoryServiceGrpc.class) {
        if ((getCancelWorkHistoryMethod = WorkHistoryServiceGrpc.getCancelWorkHistoryMethod) == null) {
          WorkHistoryServiceGrpc.getCancelWorkHistoryMethod = getCancelWorkHistoryMethod =
              io.grpc.MethodDescriptor.<mx.semanas.v1.CancelWorkHistoryRequest, mx.semanas.v1.CancelWorkHistoryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelWorkHistory"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.CancelWorkHistoryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.CancelWorkHistoryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkHistoryServiceMethodDescriptorSupplier("CancelWorkHistory"))
              .build();
        }
      }
    }
    return getCancelWorkHistoryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<mx.semanas.v1.WatchWorkHistoriesRequest,
      mx.semanas.v1.WatchWorkHistoriesResponse> getWatchWorkHistoriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchWorkHistories",
      requestType = mx.semanas.v1.WatchWorkHistoriesRequest.class,
      responseType = mx.semanas.v1.WatchWorkHistoriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<mx.semanas.v1.WatchWorkHistoriesRequest,
      mx.semanas.v1.WatchWorkHistoriesResponse> getWatchWorkHistoriesMethod() {
    io.grpc.MethodDescriptor<mx.semanas.v1.WatchWorkHistoriesRequest, mx.semanas.v1.WatchWorkHistoriesResponse> getWatchWorkHistoriesMethod;
    if ((getWatchWorkHistoriesMethod = WorkHistoryServiceGrpc.getWatchWorkHistoriesMethod) == null) {
      synchronized (WorkHistoryServiceGrpc.class) {
        if ((getWatchWorkHistoriesMethod = WorkHistoryServiceGrpc.getWatchWorkHistoriesMethod) == null) {
          WorkHistoryServiceGrpc.getWatchWorkHistoriesMethod = getWatchWorkHistoriesMethod =
              io.grpc.MethodDescriptor.<mx.semanas.v1.WatchWorkHistoriesRequest, mx.semanas.v1.WatchWorkHistoriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchWorkHistories"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.WatchWorkHistoriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.WatchWorkHistoriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkHistoryServiceMethodDescriptorSupplier("WatchWorkHistories"))
              .build();
        }
      }
    }
    return getWatchWorkHistoriesMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static WorkHistoryServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WorkHistoryServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WorkHistoryServiceStub>() {
        @java.lang.Override
        public WorkHistoryServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WorkHistoryServiceStub(channel, callOptions);
        }
      };
    return WorkHistoryServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static WorkHistoryServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WorkHistoryServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WorkHistoryServiceBlockingV2Stub>() {
        @java.lang.Override
        public WorkHistoryServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WorkHistoryServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return WorkHistoryServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static WorkHistoryServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WorkHistoryServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WorkHistoryServiceBlockingStub>() {
        @java.lang.Override
        public WorkHistoryServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WorkHistoryServiceBlockingStub(channel, callOptions);
        }
      };
    return WorkHistoryServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static WorkHistoryServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WorkHistoryServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WorkHistoryServiceFutureStub>() {
        @java.lang.Override
        public WorkHistoryServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WorkHistoryServiceFutureStub(channel, callOptions);
        }
      };
    return WorkHistoryServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Employment verification. Every status that is not OK carries one google.rpc.ErrorInfo of domain "semanas".
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Gives the NSS for a CURP: from a recent answer, from a lookup that is under way, or bought once.
     * </pre>
     */
    default void lookupNss(mx.semanas.v1.LookupNssRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.LookupNssResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getLookupNssMethod(), responseObserver);
    }

    /**
     * <pre>
     * Starts a job, joins the one that is under way for this person, or gives back a recent answer. Returns at once.
     * </pre>
     */
    default void submitWorkHistory(mx.semanas.v1.SubmitWorkHistoryRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.SubmitWorkHistoryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSubmitWorkHistoryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Follows a job until it ends: a snapshot first, then every event in order, one terminal message, then OK.
     * A stream that ends without a terminal message is to be resumed with its last cursor.
     * </pre>
     */
    default void watchWorkHistory(mx.semanas.v1.WatchWorkHistoryRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.WatchWorkHistoryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchWorkHistoryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gives a job as it stands, with the work history once it is there.
     * </pre>
     */
    default void getWorkHistory(mx.semanas.v1.GetWorkHistoryRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.GetWorkHistoryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetWorkHistoryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists jobs, newest first, without work histories.
     * </pre>
     */
    default void listWorkHistories(mx.semanas.v1.ListWorkHistoriesRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.ListWorkHistoriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListWorkHistoriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Asks a job to stop. Before a paid call it is cancelled at once; a call under way is not thrown away.
     * </pre>
     */
    default void cancelWorkHistory(mx.semanas.v1.CancelWorkHistoryRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.CancelWorkHistoryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelWorkHistoryMethod(), responseObserver);
    }

    /**
     * <pre>
     * The feed of all jobs that the caller may see: the newest jobs first, then every change.
     * </pre>
     */
    default void watchWorkHistories(mx.semanas.v1.WatchWorkHistoriesRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.WatchWorkHistoriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchWorkHistoriesMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service WorkHistoryService.
   * <pre>
   * Employment verification. Every status that is not OK carries one google.rpc.ErrorInfo of domain "semanas".
   * </pre>
   */
  public static abstract class WorkHistoryServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return WorkHistoryServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service WorkHistoryService.
   * <pre>
   * Employment verification. Every status that is not OK carries one google.rpc.ErrorInfo of domain "semanas".
   * </pre>
   */
  public static final class WorkHistoryServiceStub
      extends io.grpc.stub.AbstractAsyncStub<WorkHistoryServiceStub> {
    private WorkHistoryServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WorkHistoryServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WorkHistoryServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gives the NSS for a CURP: from a recent answer, from a lookup that is under way, or bought once.
     * </pre>
     */
    public void lookupNss(mx.semanas.v1.LookupNssRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.LookupNssResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getLookupNssMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Starts a job, joins the one that is under way for this person, or gives back a recent answer. Returns at once.
     * </pre>
     */
    public void submitWorkHistory(mx.semanas.v1.SubmitWorkHistoryRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.SubmitWorkHistoryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSubmitWorkHistoryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Follows a job until it ends: a snapshot first, then every event in order, one terminal message, then OK.
     * A stream that ends without a terminal message is to be resumed with its last cursor.
     * </pre>
     */
    public void watchWorkHistory(mx.semanas.v1.WatchWorkHistoryRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.WatchWorkHistoryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchWorkHistoryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gives a job as it stands, with the work history once it is there.
     * </pre>
     */
    public void getWorkHistory(mx.semanas.v1.GetWorkHistoryRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.GetWorkHistoryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetWorkHistoryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists jobs, newest first, without work histories.
     * </pre>
     */
    public void listWorkHistories(mx.semanas.v1.ListWorkHistoriesRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.ListWorkHistoriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListWorkHistoriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Asks a job to stop. Before a paid call it is cancelled at once; a call under way is not thrown away.
     * </pre>
     */
    public void cancelWorkHistory(mx.semanas.v1.CancelWorkHistoryRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.CancelWorkHistoryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelWorkHistoryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The feed of all jobs that the caller may see: the newest jobs first, then every change.
     * </pre>
     */
    public void watchWorkHistories(mx.semanas.v1.WatchWorkHistoriesRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.WatchWorkHistoriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchWorkHistoriesMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service WorkHistoryService.
   * <pre>
   * Employment verification. Every status that is not OK carries one google.rpc.ErrorInfo of domain "semanas".
   * </pre>
   */
  public static final class WorkHistoryServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<WorkHistoryServiceBlockingV2Stub> {
    private WorkHistoryServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WorkHistoryServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WorkHistoryServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Gives the NSS for a CURP: from a recent answer, from a lookup that is under way, or bought once.
     * </pre>
     */
    public mx.semanas.v1.LookupNssResponse lookupNss(mx.semanas.v1.LookupNssRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getLookupNssMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Starts a job, joins the one that is under way for this person, or gives back a recent answer. Returns at once.
     * </pre>
     */
    public mx.semanas.v1.SubmitWorkHistoryResponse submitWorkHistory(mx.semanas.v1.SubmitWorkHistoryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSubmitWorkHistoryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Follows a job until it ends: a snapshot first, then every event in order, one terminal message, then OK.
     * A stream that ends without a terminal message is to be resumed with its last cursor.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, mx.semanas.v1.WatchWorkHistoryResponse>
        watchWorkHistory(mx.semanas.v1.WatchWorkHistoryRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchWorkHistoryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives a job as it stands, with the work history once it is there.
     * </pre>
     */
    public mx.semanas.v1.GetWorkHistoryResponse getWorkHistory(mx.semanas.v1.GetWorkHistoryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetWorkHistoryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists jobs, newest first, without work histories.
     * </pre>
     */
    public mx.semanas.v1.ListWorkHistoriesResponse listWorkHistories(mx.semanas.v1.ListWorkHistoriesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListWorkHistoriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks a job to stop. Before a paid call it is cancelled at once; a call under way is not thrown away.
     * </pre>
     */
    public mx.semanas.v1.CancelWorkHistoryResponse cancelWorkHistory(mx.semanas.v1.CancelWorkHistoryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCancelWorkHistoryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The feed of all jobs that the caller may see: the newest jobs first, then every change.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, mx.semanas.v1.WatchWorkHistoriesResponse>
        watchWorkHistories(mx.semanas.v1.WatchWorkHistoriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchWorkHistoriesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service WorkHistoryService.
   * <pre>
   * Employment verification. Every status that is not OK carries one google.rpc.ErrorInfo of domain "semanas".
   * </pre>
   */
  public static final class WorkHistoryServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<WorkHistoryServiceBlockingStub> {
    private WorkHistoryServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WorkHistoryServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WorkHistoryServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gives the NSS for a CURP: from a recent answer, from a lookup that is under way, or bought once.
     * </pre>
     */
    public mx.semanas.v1.LookupNssResponse lookupNss(mx.semanas.v1.LookupNssRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getLookupNssMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Starts a job, joins the one that is under way for this person, or gives back a recent answer. Returns at once.
     * </pre>
     */
    public mx.semanas.v1.SubmitWorkHistoryResponse submitWorkHistory(mx.semanas.v1.SubmitWorkHistoryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSubmitWorkHistoryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Follows a job until it ends: a snapshot first, then every event in order, one terminal message, then OK.
     * A stream that ends without a terminal message is to be resumed with its last cursor.
     * </pre>
     */
    public java.util.Iterator<mx.semanas.v1.WatchWorkHistoryResponse> watchWorkHistory(
        mx.semanas.v1.WatchWorkHistoryRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchWorkHistoryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives a job as it stands, with the work history once it is there.
     * </pre>
     */
    public mx.semanas.v1.GetWorkHistoryResponse getWorkHistory(mx.semanas.v1.GetWorkHistoryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetWorkHistoryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists jobs, newest first, without work histories.
     * </pre>
     */
    public mx.semanas.v1.ListWorkHistoriesResponse listWorkHistories(mx.semanas.v1.ListWorkHistoriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListWorkHistoriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks a job to stop. Before a paid call it is cancelled at once; a call under way is not thrown away.
     * </pre>
     */
    public mx.semanas.v1.CancelWorkHistoryResponse cancelWorkHistory(mx.semanas.v1.CancelWorkHistoryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelWorkHistoryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The feed of all jobs that the caller may see: the newest jobs first, then every change.
     * </pre>
     */
    public java.util.Iterator<mx.semanas.v1.WatchWorkHistoriesResponse> watchWorkHistories(
        mx.semanas.v1.WatchWorkHistoriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchWorkHistoriesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service WorkHistoryService.
   * <pre>
   * Employment verification. Every status that is not OK carries one google.rpc.ErrorInfo of domain "semanas".
   * </pre>
   */
  public static final class WorkHistoryServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<WorkHistoryServiceFutureStub> {
    private WorkHistoryServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WorkHistoryServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WorkHistoryServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gives the NSS for a CURP: from a recent answer, from a lookup that is under way, or bought once.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<mx.semanas.v1.LookupNssResponse> lookupNss(
        mx.semanas.v1.LookupNssRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getLookupNssMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Starts a job, joins the one that is under way for this person, or gives back a recent answer. Returns at once.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<mx.semanas.v1.SubmitWorkHistoryResponse> submitWorkHistory(
        mx.semanas.v1.SubmitWorkHistoryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSubmitWorkHistoryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gives a job as it stands, with the work history once it is there.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<mx.semanas.v1.GetWorkHistoryResponse> getWorkHistory(
        mx.semanas.v1.GetWorkHistoryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetWorkHistoryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists jobs, newest first, without work histories.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<mx.semanas.v1.ListWorkHistoriesResponse> listWorkHistories(
        mx.semanas.v1.ListWorkHistoriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListWorkHistoriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Asks a job to stop. Before a paid call it is cancelled at once; a call under way is not thrown away.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<mx.semanas.v1.CancelWorkHistoryResponse> cancelWorkHistory(
        mx.semanas.v1.CancelWorkHistoryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelWorkHistoryMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_LOOKUP_NSS = 0;
  private static final int METHODID_SUBMIT_WORK_HISTORY = 1;
  private static final int METHODID_WATCH_WORK_HISTORY = 2;
  private static final int METHODID_GET_WORK_HISTORY = 3;
  private static final int METHODID_LIST_WORK_HISTORIES = 4;
  private static final int METHODID_CANCEL_WORK_HISTORY = 5;
  private static final int METHODID_WATCH_WORK_HISTORIES = 6;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_LOOKUP_NSS:
          serviceImpl.lookupNss((mx.semanas.v1.LookupNssRequest) request,
              (io.grpc.stub.StreamObserver<mx.semanas.v1.LookupNssResponse>) responseObserver);
          break;
        case METHODID_SUBMIT_WORK_HISTORY:
          serviceImpl.submitWorkHistory((mx.semanas.v1.SubmitWorkHistoryRequest) request,
              (io.grpc.stub.StreamObserver<mx.semanas.v1.SubmitWorkHistoryResponse>) responseObserver);
          break;
        case METHODID_WATCH_WORK_HISTORY:
          serviceImpl.watchWorkHistory((mx.semanas.v1.WatchWorkHistoryRequest) request,
              (io.grpc.stub.StreamObserver<mx.semanas.v1.WatchWorkHistoryResponse>) responseObserver);
          break;
        case METHODID_GET_WORK_HISTORY:
          serviceImpl.getWorkHistory((mx.semanas.v1.GetWorkHistoryRequest) request,
              (io.grpc.stub.StreamObserver<mx.semanas.v1.GetWorkHistoryResponse>) responseObserver);
          break;
        case METHODID_LIST_WORK_HISTORIES:
          serviceImpl.listWorkHistories((mx.semanas.v1.ListWorkHistoriesRequest) request,
              (io.grpc.stub.StreamObserver<mx.semanas.v1.ListWorkHistoriesResponse>) responseObserver);
          break;
        case METHODID_CANCEL_WORK_HISTORY:
          serviceImpl.cancelWorkHistory((mx.semanas.v1.CancelWorkHistoryRequest) request,
              (io.grpc.stub.StreamObserver<mx.semanas.v1.CancelWorkHistoryResponse>) responseObserver);
          break;
        case METHODID_WATCH_WORK_HISTORIES:
          serviceImpl.watchWorkHistories((mx.semanas.v1.WatchWorkHistoriesRequest) request,
              (io.grpc.stub.StreamObserver<mx.semanas.v1.WatchWorkHistoriesResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getLookupNssMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              mx.semanas.v1.LookupNssRequest,
              mx.semanas.v1.LookupNssResponse>(
                service, METHODID_LOOKUP_NSS)))
        .addMethod(
          getSubmitWorkHistoryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              mx.semanas.v1.SubmitWorkHistoryRequest,
              mx.semanas.v1.SubmitWorkHistoryResponse>(
                service, METHODID_SUBMIT_WORK_HISTORY)))
        .addMethod(
          getWatchWorkHistoryMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              mx.semanas.v1.WatchWorkHistoryRequest,
              mx.semanas.v1.WatchWorkHistoryResponse>(
                service, METHODID_WATCH_WORK_HISTORY)))
        .addMethod(
          getGetWorkHistoryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              mx.semanas.v1.GetWorkHistoryRequest,
              mx.semanas.v1.GetWorkHistoryResponse>(
                service, METHODID_GET_WORK_HISTORY)))
        .addMethod(
          getListWorkHistoriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              mx.semanas.v1.ListWorkHistoriesRequest,
              mx.semanas.v1.ListWorkHistoriesResponse>(
                service, METHODID_LIST_WORK_HISTORIES)))
        .addMethod(
          getCancelWorkHistoryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              mx.semanas.v1.CancelWorkHistoryRequest,
              mx.semanas.v1.CancelWorkHistoryResponse>(
                service, METHODID_CANCEL_WORK_HISTORY)))
        .addMethod(
          getWatchWorkHistoriesMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              mx.semanas.v1.WatchWorkHistoriesRequest,
              mx.semanas.v1.WatchWorkHistoriesResponse>(
                service, METHODID_WATCH_WORK_HISTORIES)))
        .build();
  }

  private static abstract class WorkHistoryServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    WorkHistoryServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return mx.semanas.v1.WorkHistoryServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("WorkHistoryService");
    }
  }

  private static final class WorkHistoryServiceFileDescriptorSupplier
      extends WorkHistoryServiceBaseDescriptorSupplier {
    WorkHistoryServiceFileDescriptorSupplier() {}
  }

  private static final class WorkHistoryServiceMethodDescriptorSupplier
      extends WorkHistoryServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    WorkHistoryServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (WorkHistoryServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new WorkHistoryServiceFileDescriptorSupplier())
              .addMethod(getLookupNssMethod())
              .addMethod(getSubmitWorkHistoryMethod())
              .addMethod(getWatchWorkHistoryMethod())
              .addMethod(getGetWorkHistoryMethod())
              .addMethod(getListWorkHistoriesMethod())
              .addMethod(getCancelWorkHistoryMethod())
              .addMethod(getWatchWorkHistoriesMethod())
              .build();
        }
      }
    }
    return result;
  }
}
