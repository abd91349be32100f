package mx.semanas.client;

import java.time.Duration;
import java.util.Optional;

/** What the calls of a client go by, whatever the connection is. */
record Settings(
    Optional<Duration> unaryDeadline,
    Duration connectTimeout,
    RetryPolicy retry,
    WatchOptions watch,
    Hooks hooks,
    Optional<Tracing> tracing) {
  static final Settings DEFAULT =
      new Settings(
          Optional.of(Duration.ofSeconds(30)),
          Duration.ofSeconds(5),
          RetryPolicy.CALLS,
          WatchOptions.DEFAULT,
          new Hooks() {},
          Optional.empty());

  Settings withUnaryDeadline(Optional<Duration> deadline) {
    return new Settings(deadline, connectTimeout, retry, watch, hooks, tracing);
  }

  Settings withConnectTimeout(Duration timeout) {
    return new Settings(unaryDeadline, timeout, retry, watch, hooks, tracing);
  }

  Settings withRetry(RetryPolicy policy) {
    return new Settings(unaryDeadline, connectTimeout, policy, watch, hooks, tracing);
  }

  Settings withWatch(WatchOptions options) {
    return new Settings(unaryDeadline, connectTimeout, retry, options, hooks, tracing);
  }

  Settings withHooks(Hooks told) {
    return new Settings(unaryDeadline, connectTimeout, retry, watch, told, tracing);
  }

  Settings withTracing(Tracing traced) {
    return new Settings(unaryDeadline, connectTimeout, retry, watch, hooks, Optional.of(traced));
  }

  /** A hook that fails is its owner's defect, and no reason for a call to fail. */
  @SuppressWarnings("CatchingUnchecked")
  void tell(Attempt attempt) {
    try {
      hooks.attempt(attempt);
    } catch (RuntimeException ignored) {
      return;
    }
  }

  @SuppressWarnings("CatchingUnchecked")
  void tell(ConnectionState state) {
    try {
      hooks.connection(state);
    } catch (RuntimeException ignored) {
      return;
    }
  }
}
