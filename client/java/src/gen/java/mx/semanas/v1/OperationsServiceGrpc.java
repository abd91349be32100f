package mx.semanas.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * For operators only.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class OperationsServiceGrpc {

  private OperationsServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "semanas.v1.OperationsService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<mx.semanas.v1.ListChargesRequest,
      mx.semanas.v1.ListChargesResponse> getListChargesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListCharges",
      requestType = mx.semanas.v1.ListChargesRequest.class,
      responseType = mx.semanas.v1.ListChargesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<mx.semanas.v1.ListChargesRequest,
      mx.semanas.v1.ListChargesResponse> getListChargesMethod() {
    io.grpc.MethodDescriptor<mx.semanas.v1.ListChargesRequest, mx.semanas.v1.ListChargesResponse> getListChargesMethod;
    if ((getListChargesMethod = OperationsServiceGrpc.getListChargesMethod) == null) {
      synchronized (OperationsServiceGrpc.class) {
        if ((getListChargesMethod = OperationsServiceGrpc.getListChargesMethod) == null) {
          OperationsServiceGrpc.getListChargesMethod = getListChargesMethod =
              io.grpc.MethodDescriptor.<mx.semanas.v1.ListChargesRequest, mx.semanas.v1.ListChargesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListCharges"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.ListChargesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.ListChargesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OperationsServiceMethodDescriptorSupplier("ListCharges"))
              .build();
        }
      }
    }
    return getListChargesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<mx.semanas.v1.GetProviderStatusRequest,
      mx.semanas.v1.GetProviderStatusResponse> getGetProviderStatusMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetProviderStatus",
      requestType = mx.semanas.v1.GetProviderStatusRequest.class,
      responseType = mx.semanas.v1.GetProviderStatusResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<mx.semanas.v1.GetProviderStatusRequest,
      mx.semanas.v1.GetProviderStatusResponse> getGetProviderStatusMethod() {
    io.grpc.MethodDescriptor<mx.semanas.v1.GetProviderStatusRequest, mx.semanas.v1.GetProviderStatusResponse> getGetProviderStatusMethod;
    if ((getGetProviderStatusMethod = OperationsServiceGrpc.getGetProviderStatusMethod) == null) {
      synchronized (OperationsServiceGrpc.class) {
        if ((getGetProviderStatusMethod = OperationsServiceGrpc.getGetProviderStatusMethod) == null) {
          OperationsServiceGrpc.getGetProviderStatusMethod = getGetProviderStatusMethod =
              io.grpc.MethodDescriptor.<mx.semanas.v1.GetProviderStatusRequest, mx.semanas.v1.GetProviderStatusResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetProviderStatus"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.GetProviderStatusRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.GetProviderStatusResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OperationsServiceMethodDescriptorSupplier("GetProviderStatus"))
              .build();
        }
      }
    }
    return getGetProviderStatusMethod;
  }

  private static volatile io.grpc.MethodDescriptor<mx.semanas.v1.ResolveWorkHistoryRequest,
      mx.semanas.v1.ResolveWorkHistoryResponse> getResolveWorkHistoryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResolveWorkHistory",
      requestType = mx.semanas.v1.ResolveWorkHistoryRequest.class,
      responseType = mx.semanas.v1.ResolveWorkHistoryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<mx.semanas.v1.ResolveWorkHistoryRequest,
      mx.semanas.v1.ResolveWorkHistoryResponse> getResolveWorkHistoryMethod() {
    io.grpc.MethodDescriptor<mx.semanas.v1.ResolveWorkHistoryRequest, mx.semanas.v1.ResolveWorkHistoryResponse> getResolveWorkHistoryMethod;
    if ((getResolveWorkHistoryMethod = OperationsServiceGrpc.getResolveWorkHistoryMethod) == null) {
      synchronized (OperationsServiceGrpc.class) {
        if ((getResolveWorkHistoryMethod = OperationsServiceGrpc.getResolveWorkHistoryMethod) == null) {
          OperationsServiceGrpc.getResolveWorkHistoryMethod = getResolveWorkHistoryMethod =
              io.grpc.MethodDescriptor.<mx.semanas.v1.ResolveWorkHistoryRequest, mx.semanas.v1.ResolveWorkHistoryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResolveWorkHistory"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.ResolveWorkHistoryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  mx.semanas.v1.ResolveWorkHistoryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OperationsServiceMethodDescriptorSupplier("ResolveWorkHistory"))
              .build();
        }
      }
    }
    return getResolveWorkHistoryMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static OperationsServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OperationsServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OperationsServiceStub>() {
        @java.lang.Override
        public OperationsServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OperationsServiceStub(channel, callOptions);
        }
      };
    return OperationsServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static OperationsServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OperationsServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OperationsServiceBlockingV2Stub>() {
        @java.lang.Override
        public OperationsServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OperationsServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return OperationsServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static OperationsServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OperationsServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OperationsServiceBlockingStub>() {
        @java.lang.Override
        public OperationsServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OperationsServiceBlockingStub(channel, callOptions);
        }
      };
    return OperationsServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static OperationsServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OperationsServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OperationsServiceFutureStub>() {
        @java.lang.Override
        public OperationsServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OperationsServiceFutureStub(channel, callOptions);
        }
      };
    return OperationsServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * For operators only.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Lists the ledger of charges, newest first: one row for every billed call that was intended.
     * </pre>
     */
    default void listCharges(mx.semanas.v1.ListChargesRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.ListChargesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListChargesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gives each provider's state as this deployment sees it.
     * </pre>
     */
    default void getProviderStatus(mx.semanas.v1.GetProviderStatusRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.GetProviderStatusResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetProviderStatusMethod(), responseObserver);
    }

    /**
     * <pre>
     * Settles a job with a charge that is unknown, after the provider's books were asked. The person can then be submitted again.
     * </pre>
     */
    default void resolveWorkHistory(mx.semanas.v1.ResolveWorkHistoryRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.ResolveWorkHistoryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResolveWorkHistoryMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service OperationsService.
   * <pre>
   * For operators only.
   * </pre>
   */
  public static abstract class OperationsServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return OperationsServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service OperationsService.
   * <pre>
   * For operators only.
   * </pre>
   */
  public static final class OperationsServiceStub
      extends io.grpc.stub.AbstractAsyncStub<OperationsServiceStub> {
    private OperationsServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OperationsServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OperationsServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists the ledger of charges, newest first: one row for every billed call that was intended.
     * </pre>
     */
    public void listCharges(mx.semanas.v1.ListChargesRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.ListChargesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListChargesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gives each provider's state as this deployment sees it.
     * </pre>
     */
    public void getProviderStatus(mx.semanas.v1.GetProviderStatusRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.GetProviderStatusResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetProviderStatusMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Settles a job with a charge that is unknown, after the provider's books were asked. The person can then be submitted again.
     * </pre>
     */
    public void resolveWorkHistory(mx.semanas.v1.ResolveWorkHistoryRequest request,
        io.grpc.stub.StreamObserver<mx.semanas.v1.ResolveWorkHistoryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResolveWorkHistoryMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service OperationsService.
   * <pre>
   * For operators only.
   * </pre>
   */
  public static final class OperationsServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<OperationsServiceBlockingV2Stub> {
    private OperationsServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OperationsServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OperationsServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists the ledger of charges, newest first: one row for every billed call that was intended.
     * </pre>
     */
    public mx.semanas.v1.ListChargesResponse listCharges(mx.semanas.v1.ListChargesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListChargesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives each provider's state as this deployment sees it.
     * </pre>
     */
    public mx.semanas.v1.GetProviderStatusResponse getProviderStatus(mx.semanas.v1.GetProviderStatusRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetProviderStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Settles a job with a charge that is unknown, after the provider's books were asked. The person can then be submitted again.
     * </pre>
     */
    public mx.semanas.v1.ResolveWorkHistoryResponse resolveWorkHistory(mx.semanas.v1.ResolveWorkHistoryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResolveWorkHistoryMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service OperationsService.
   * <pre>
   * For operators only.
   * </pre>
   */
  public static final class OperationsServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<OperationsServiceBlockingStub> {
    private OperationsServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OperationsServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OperationsServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists the ledger of charges, newest first: one row for every billed call that was intended.
     * </pre>
     */
    public mx.semanas.v1.ListChargesResponse listCharges(mx.semanas.v1.ListChargesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListChargesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives each provider's state as this deployment sees it.
     * </pre>
     */
    public mx.semanas.v1.GetProviderStatusResponse getProviderStatus(mx.semanas.v1.GetProviderStatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetProviderStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Settles a job with a charge that is unknown, after the provider's books were asked. The person can then be submitted again.
     * </pre>
     */
    public mx.semanas.v1.ResolveWorkHistoryResponse resolveWorkHistory(mx.semanas.v1.ResolveWorkHistoryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResolveWorkHistoryMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service OperationsService.
   * <pre>
   * For operators only.
   * </pre>
   */
  public static final class OperationsServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<OperationsServiceFutureStub> {
    private OperationsServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OperationsServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OperationsServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists the ledger of charges, newest first: one row for every billed call that was intended.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<mx.semanas.v1.ListChargesResponse> listCharges(
        mx.semanas.v1.ListChargesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListChargesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gives each provider's state as this deployment sees it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<mx.semanas.v1.GetProviderStatusResponse> getProviderStatus(
        mx.semanas.v1.GetProviderStatusRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetProviderStatusMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Settles a job with a charge that is unknown, after the provider's books were asked. The person can then be submitted again.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<mx.semanas.v1.ResolveWorkHistoryResponse> resolveWorkHistory(
        mx.semanas.v1.ResolveWorkHistoryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResolveWorkHistoryMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_LIST_CHARGES = 0;
  private static final int METHODID_GET_PROVIDER_STATUS = 1;
  private static final int METHODID_RESOLVE_WORK_HISTORY = 2;

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
        case METHODID_LIST_CHARGES:
          serviceImpl.listCharges((mx.semanas.v1.ListChargesRequest) request,
              (io.grpc.stub.StreamObserver<mx.semanas.v1.ListChargesResponse>) responseObserver);
          break;
        case METHODID_GET_PROVIDER_STATUS:
          serviceImpl.getProviderStatus((mx.semanas.v1.GetProviderStatusRequest) request,
              (io.grpc.stub.StreamObserver<mx.semanas.v1.GetProviderStatusResponse>) responseObserver);
          break;
        case METHODID_RESOLVE_WORK_HISTORY:
          serviceImpl.resolveWorkHistory((mx.semanas.v1.ResolveWorkHistoryRequest) request,
              (io.grpc.stub.StreamObserver<mx.semanas.v1.ResolveWorkHistoryResponse>) responseObserver);
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
          getListChargesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              mx.semanas.v1.ListChargesRequest,
              mx.semanas.v1.ListChargesResponse>(
                service, METHODID_LIST_CHARGES)))
        .addMethod(
          getGetProviderStatusMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              mx.semanas.v1.GetProviderStatusRequest,
              mx.semanas.v1.GetProviderStatusResponse>(
                service, METHODID_GET_PROVIDER_STATUS)))
        .addMethod(
          getResolveWorkHistoryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              mx.semanas.v1.ResolveWorkHistoryRequest,
              mx.semanas.v1.ResolveWorkHistoryResponse>(
                service, METHODID_RESOLVE_WORK_HISTORY)))
        .build();
  }

  private static abstract class OperationsServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    OperationsServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return mx.semanas.v1.OperationsServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("OperationsService");
    }
  }

  private static final class OperationsServiceFileDescriptorSupplier
      extends OperationsServiceBaseDescriptorSupplier {
    OperationsServiceFileDescriptorSupplier() {}
  }

  private static final class OperationsServiceMethodDescriptorSupplier
      extends OperationsServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    OperationsServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (OperationsServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new OperationsServiceFileDescriptorSupplier())
              .addMethod(getListChargesMethod())
              .addMethod(getGetProviderStatusMethod())
              .addMethod(getResolveWorkHistoryMethod())
              .build();
        }
      }
    }
    return result;
  }
}
