package mx.semanas.client.opentelemetry;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapPropagator;
import mx.semanas.client.SemanasClient;
import mx.semanas.client.Tracing;

/**
 * A span for each attempt of a call and each stream of a watch, below the span that is current when
 * the call is made; the server is sent its {@code traceparent}. No span holds personal data.
 */
public final class OpenTelemetryTracing implements Tracing {
  private final Tracer tracer;
  private final TextMapPropagator propagator;

  private OpenTelemetryTracing(OpenTelemetry telemetry) {
    tracer = telemetry.getTracer("mx.semanas.client", SemanasClient.VERSION);
    propagator = telemetry.getPropagators().getTextMapPropagator();
  }

  /**
   * Traces with this OpenTelemetry, and propagates as it says.
   *
   * @param telemetry for example {@code GlobalOpenTelemetry.get()}
   * @return what the client's builder takes
   */
  public static OpenTelemetryTracing of(OpenTelemetry telemetry) {
    return new OpenTelemetryTracing(telemetry);
  }

  @Override
  public ClientInterceptor ofCall() {
    return new Attempts(Context.current());
  }

  private static void put(Metadata headers, String name, String value) {
    headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
  }

  private final class Attempts implements ClientInterceptor {
    private final Context parent;

    Attempts(Context parent) {
      this.parent = parent;
    }

    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(
        MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
      Span span =
          tracer
              .spanBuilder(method.getFullMethodName())
              .setParent(parent)
              .setSpanKind(SpanKind.CLIENT)
              .setAttribute("rpc.system", "grpc")
              .setAttribute("rpc.service", method.getServiceName())
              .setAttribute("rpc.method", method.getBareMethodName())
              .startSpan();
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<R> listener, Metadata headers) {
          propagator.inject(parent.with(span), headers, OpenTelemetryTracing::put);
          super.start(new Ending<>(listener, span), headers);
        }
      };
    }
  }

  private static final class Ending<R> extends SimpleForwardingClientCallListener<R> {
    private final Span span;

    Ending(ClientCall.Listener<R> listener, Span span) {
      super(listener);
      this.span = span;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      span.setAttribute("rpc.grpc.status_code", status.getCode().value());
      if (!status.isOk()) {
        span.setStatus(StatusCode.ERROR, status.getCode().name());
      }
      span.end();
      super.onClose(status, trailers);
    }
  }
}
