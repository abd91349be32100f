package mx.semanas.client;

import java.time.Duration;

/**
 * How watches are read.
 *
 * @param resume when a broken watch is resumed; the tries count anew with each event, change and
 *     heartbeat
 * @param heartbeatInterval assumed until the server names its own; a stream that is silent for
 *     three of them is taken for dead
 * @param reportsStale whether the reader is told that the server's store does not answer
 */
public record WatchOptions(RetryPolicy resume, Duration heartbeatInterval, boolean reportsStale) {
  /** Unless said: {@link RetryPolicy#WATCHES}, 15 s, not told of staleness. */
  public static final WatchOptions DEFAULT =
      new WatchOptions(RetryPolicy.WATCHES, Duration.ofSeconds(15), false);

  /**
   * Checks them.
   *
   * @param resume when a broken watch is resumed
   * @param heartbeatInterval assumed until the server names its own
   * @param reportsStale whether the reader is told that the server's store does not answer
   * @throws SemanasException.Configuration if the interval is not greater than zero
   */
  public WatchOptions {
    if (heartbeatInterval.isNegative() || heartbeatInterval.isZero()) {
      throw new SemanasException.Configuration("the heartbeat interval must be greater than zero");
    }
  }

  /**
   * The same with another policy.
   *
   * @param policy when a broken watch is resumed; {@link RetryPolicy#OFF} = never
   * @return the other options
   */
  public WatchOptions withResume(RetryPolicy policy) {
    return new WatchOptions(policy, heartbeatInterval, reportsStale);
  }

  /**
   * The same with another interval.
   *
   * @param interval assumed until the server names its own
   * @return the other options
   */
  public WatchOptions withHeartbeatInterval(Duration interval) {
    return new WatchOptions(resume, interval, reportsStale);
  }

  /**
   * The same, told of staleness or not.
   *
   * @param reports whether the reader is told
   * @return the other options
   */
  public WatchOptions withReportsStale(boolean reports) {
    return new WatchOptions(resume, heartbeatInterval, reports);
  }
}
