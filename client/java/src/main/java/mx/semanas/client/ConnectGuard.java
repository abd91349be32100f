package mx.semanas.client;

import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import java.util.concurrent.ScheduledFuture;

/**
 * Ends an attempt for which no connection stands in time: grpc-java bounds the connect of a socket,
 * but waits for ever for a peer that accepts it and then says nothing.
 */
final class ConnectGuard extends ClientStreamTracer.Factory {
  private final Connection connection;
  private final long timeoutNanos;
  private ScheduledFuture<?> timer;
  private boolean isConnected;
  private volatile boolean hasFired;

  ConnectGuard(Connection connection, Settings settings) {
    this.connection = connection;
    this.timeoutNanos = Spans.nanos(settings.connectTimeout());
  }

  CallOptions on(CallOptions options) {
    return options.withExecutor(connection.callbacks()).withStreamTracerFactory(this);
  }

  /** Begins to wait for the connection of a call that has been started. */
  synchronized void watch(ClientCall<?, ?> call) {
    if (!isConnected) {
      timer = connection.after(timeoutNanos, () -> fire(call));
    }
  }

  private void fire(ClientCall<?, ?> call) {
    synchronized (this) {
      if (isConnected) {
        return;
      }
      hasFired = true;
    }
    connection.isStuck();
    call.cancel("there was no connection in time", null);
  }

  /** Tells that the call has got its connection, or needs none any more. */
  synchronized void over() {
    isConnected = true;
    Connection.stop(timer);
  }

  /** What really ended the call. */
  SemanasException named(SemanasException read) {
    return hasFired && read instanceof SemanasException.Cancelled
        ? Errors.broken("no connection stood within the connect timeout")
        : read;
  }

  @Override
  public ClientStreamTracer newClientStreamTracer(
      ClientStreamTracer.StreamInfo info, Metadata headers) {
    return new ClientStreamTracer() {
      @Override
      public void streamCreated(Attributes transport, Metadata sent) {
        connection.isNotStuck();
        over();
      }
    };
  }
}
