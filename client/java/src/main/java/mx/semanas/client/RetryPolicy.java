package mx.semanas.client;

import java.time.Duration;
import java.util.Optional;

/**
 * How often and after how long a call is made again, or a watch resumed.
 *
 * @param triesMax tries altogether, the first one too; 1 = never again
 * @param delayFirst the wait after the first failure; it doubles with each one, half of it random
 * @param delayMax the longest wait that the doubling leads to
 * @param serverDelayMax the longest wait that the server may ask for; if it asks for more, the call
 *     fails with that figure
 */
public record RetryPolicy(
    int triesMax, Duration delayFirst, Duration delayMax, Duration serverDelayMax) {
  /** Never again. */
  public static final RetryPolicy OFF =
      new RetryPolicy(1, Duration.ZERO, Duration.ZERO, Duration.ZERO);

  /** Of unary calls, unless said: 4 tries, 100 ms doubling to 5 s, at most 20 s if it is named. */
  public static final RetryPolicy CALLS =
      new RetryPolicy(4, Duration.ofMillis(100), Duration.ofSeconds(5), Duration.ofSeconds(20));

  /**
   * Of watches, unless said: 11 tries without progress, 200 ms doubling to 15 s, at most 120 s if
   * it is named. Altogether more than a minute, enough for a restart of the server.
   */
  public static final RetryPolicy WATCHES =
      new RetryPolicy(11, Duration.ofMillis(200), Duration.ofSeconds(15), Duration.ofSeconds(120));

  /**
   * Checks it.
   *
   * @param triesMax tries altogether
   * @param delayFirst the wait after the first failure
   * @param delayMax the longest wait that the doubling leads to
   * @param serverDelayMax the longest wait that the server may ask for
   * @throws SemanasException.Configuration if there is less than one try or a delay is negative
   */
  public RetryPolicy {
    if (triesMax < 1
        || delayFirst.isNegative()
        || delayMax.isNegative()
        || serverDelayMax.isNegative()) {
      throw new SemanasException.Configuration(
          "a retry policy needs one try or more, and delays that are not negative");
    }
  }

  /**
   * The same with other tries.
   *
   * @param tries tries altogether
   * @return the other policy
   */
  public RetryPolicy withTriesMax(int tries) {
    return new RetryPolicy(tries, delayFirst, delayMax, serverDelayMax);
  }

  /**
   * The same with another first wait.
   *
   * @param delay the wait after the first failure
   * @return the other policy
   */
  public RetryPolicy withDelayFirst(Duration delay) {
    return new RetryPolicy(triesMax, delay, delayMax, serverDelayMax);
  }

  /**
   * The same with another longest wait.
   *
   * @param delay the longest wait that the doubling leads to
   * @return the other policy
   */
  public RetryPolicy withDelayMax(Duration delay) {
    return new RetryPolicy(triesMax, delayFirst, delay, serverDelayMax);
  }

  /**
   * The same with another patience with the server.
   *
   * @param delay the longest wait that the server may ask for
   * @return the other policy
   */
  public RetryPolicy withServerDelayMax(Duration delay) {
    return new RetryPolicy(triesMax, delayFirst, delayMax, delay);
  }

  /**
   * How long to wait before a unary call is made again; empty when it is not. UNAVAILABLE is
   * retried; RESOURCE_EXHAUSTED only if the server says when, because a limit without an end is not
   * waited out.
   *
   * @param jitter in [0, 1)
   */
  Optional<Duration> retryDelay(SemanasException failed, int triesMade, double jitter) {
    boolean mayRepeat =
        failed instanceof SemanasException.Unavailable
            || (failed instanceof SemanasException.Exhausted && failed.retryDelay().isPresent());
    return mayRepeat ? delay(failed, triesMade, jitter) : Optional.empty();
  }

  /**
   * How long to wait before a broken watch is resumed; empty when resuming is of no use.
   *
   * <p>A watch costs nothing to resume, so everything is that says nothing about the job itself: a
   * stream that broke in transport carries no reason of Semanas, and a slow reader is told to come
   * back.
   *
   * @param jitter in [0, 1)
   */
  Optional<Duration> resumeDelay(SemanasException failed, int failures, double jitter) {
    if (failed.code().isEmpty()) {
      return Optional.empty();
    }
    return switch (failed.code().get()) {
      case UNAVAILABLE, RESOURCE_EXHAUSTED -> delay(failed, failures, jitter);
      case INTERNAL, UNKNOWN, CANCELLED, DEADLINE_EXCEEDED ->
          failed.isOfSemanas() ? Optional.empty() : delay(failed, failures, jitter);
      default -> Optional.empty();
    };
  }

  /**
   * Keeps to the server's word in full, with up to half as much again so that not all come back at
   * once; otherwise the wait doubles from try to try and half of it is random.
   */
  private Optional<Duration> delay(SemanasException failed, int triesMade, double jitter) {
    if (triesMade >= triesMax) {
      return Optional.empty();
    }
    if (failed.retryDelay().isPresent()) {
      Duration named = failed.retryDelay().get();
      if (named.compareTo(serverDelayMax) > 0) {
        return Optional.empty();
      }
      return Optional.of(scale(later(named, delayFirst), 1 + 0.5 * jitter));
    }
    long longest = Spans.nanos(delayMax);
    long full = Math.min(Spans.nanos(delayFirst), longest);
    for (int tries = 1; tries < triesMade && full > 0 && full < longest; tries++) {
      full = Math.min(2 * full, longest);
    }
    return Optional.of(scale(Duration.ofNanos(full), 0.5 + 0.5 * jitter));
  }

  private static Duration scale(Duration delay, double factor) {
    return Duration.ofNanos((long) (Spans.nanos(delay) * factor));
  }

  private static Duration later(Duration one, Duration other) {
    return one.compareTo(other) > 0 ? one : other;
  }
}
