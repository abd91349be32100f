package mx.semanas.client;

import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import java.util.Optional;
import mx.semanas.v1.OperationsServiceGrpc;
import mx.semanas.v1.WorkHistoryServiceGrpc;

/**
 * The generated stubs over the client's own connection, with its credentials, deadline and user
 * agent, and without its retries and typed errors; {@link #read} reads theirs.
 */
public final class Raw {
  private final Channel channel;

  Raw(Connection connection, Settings settings) {
    Outfit outfit = new Outfit(Optional.empty(), settings.unaryDeadline());
    Channel dressed = ClientInterceptors.intercept(connection.channel(), outfit);
    channel =
        settings
            .tracing()
            .map(tracing -> ClientInterceptors.intercept(dressed, tracing.ofCall()))
            .orElse(dressed);
  }

  /**
   * What any stub can be made with.
   *
   * @return the channel; it is closed with the client
   */
  public Channel channel() {
    return channel;
  }

  /**
   * The calls of callers, blocking.
   *
   * @return the stub
   */
  public WorkHistoryServiceGrpc.WorkHistoryServiceBlockingStub workHistories() {
    return WorkHistoryServiceGrpc.newBlockingStub(channel);
  }

  /**
   * The calls of operators, blocking.
   *
   * @return the stub
   */
  public OperationsServiceGrpc.OperationsServiceBlockingStub operations() {
    return OperationsServiceGrpc.newBlockingStub(channel);
  }

  /**
   * Reads any error of a gRPC call, as the stubs throw them.
   *
   * @param thrown what was thrown, or is the cause of it
   * @return the same as a typed error
   */
  public static SemanasException read(Throwable thrown) {
    return Errors.of(thrown);
  }
}
