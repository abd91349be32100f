package mx.semanas.client;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What every call has on whichever path it is made, the raw stubs' too: credentials, the limit of
 * an answer's size, and on unary calls a deadline.
 */
record Outfit(Optional<CallCredentials> credentials, Optional<Duration> unaryDeadline)
    implements ClientInterceptor {
  /** A history of ten thousand employments with their movements stays below. */
  static final int ANSWER_BYTES_MAX = 32 << 20;

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions given, Channel next) {
    CallOptions options = given;
    if (options.getMaxInboundMessageSize() == null) {
      options = options.withMaxInboundMessageSize(ANSWER_BYTES_MAX);
    }
    if (credentials.isPresent() && options.getCredentials() == null) {
      options = options.withCallCredentials(credentials.get());
    }
    boolean hasDeadline = options.getDeadline() != null || Context.current().getDeadline() != null;
    if (method.getType().clientSendsOneMessage()
        && method.getType().serverSendsOneMessage()
        && unaryDeadline.isPresent()
        && !hasDeadline) {
      options = options.withDeadlineAfter(Spans.nanos(unaryDeadline.get()), TimeUnit.NANOSECONDS);
    }
    return next.newCall(method, options);
  }
}
