package mx.semanas.client;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** Gives each attempt of each call its token. */
final class BearerToken extends CallCredentials {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Supplier<String> source;

  BearerToken(Supplier<String> source) {
    this.source = source;
  }

  /** The token itself; what a header cannot carry is refused, and not repeated. */
  static String checked(String token) {
    if (token == null || !token.matches("[!-~]+")) {
      throw new SemanasException.Configuration(
          "the bearer token is empty, or has spaces, line ends or other characters that a header"
              + " cannot carry");
    }
    return token;
  }

  @Override
  @SuppressWarnings("CatchingUnchecked")
  public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
    executor.execute(
        () -> {
          Metadata headers = new Metadata();
          try {
            headers.put(AUTHORIZATION, "Bearer " + checked(source.get()));
          } catch (SemanasException wrong) {
            applier.fail(Status.UNAUTHENTICATED.withDescription(wrong.text()));
            return;
          } catch (RuntimeException failed) {
            // No text of the cause: it may quote the token.
            Status status = Status.UNAUTHENTICATED.withCause(failed);
            applier.fail(status.withDescription("the source of bearer tokens failed"));
            return;
          }
          applier.apply(headers);
        });
  }
}
