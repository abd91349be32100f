package mx.semanas.client;

import io.grpc.ClientInterceptor;

/**
 * What follows calls through systems. {@code mx.semanas.client.opentelemetry.OpenTelemetryTracing}
 * is one; any interceptor of grpc-java will do as well, but does not know the caller's context in
 * the later attempts of a call, which other threads make.
 */
@FunctionalInterface
public interface Tracing {
  /**
   * Asked in the caller's thread when a call or a watch begins.
   *
   * @return what goes around each of its attempts, in whichever thread that begins
   */
  ClientInterceptor ofCall();
}
