package mx.semanas.client;

import java.time.Duration;
import java.util.Optional;

/**
 * Where the reader of a watch stands, and what each message means to them. Pure: it opens no stream
 * and waits for nothing; {@link WatchCall} does both, for all faces of the client.
 *
 * @param <M> a message of the stream
 * @param <U> what the reader is given
 */
abstract class Follower<M, U> {
  /** The contract: three missed heartbeats mean a dead connection. */
  private static final int HEARTBEATS_MISSED_MAX = 3;

  /** More than any server says; who waits for three days may as well wait for ever. */
  private static final Duration INTERVAL_MAX = Duration.ofDays(1);

  private final WatchOptions options;
  private String cursor;
  private Duration heartbeatInterval;

  /** Breaks since the last sign of health. */
  private int failures;

  Follower(WatchOptions options, String cursor) {
    this.options = options;
    this.cursor = cursor;
    this.heartbeatInterval = tamed(options.heartbeatInterval());
  }

  /** What is to be done about a message. */
  sealed interface Step<U> {
    /** Give the update to the reader. */
    record Give<U>(U update) implements Step<U> {}

    /** Give it, and nothing follows. */
    record GiveLast<U>(U update) implements Step<U> {}

    /** Nothing: the reader does not see it. */
    record Nothing<U>() implements Step<U> {}

    /** The stream is of no more use. */
    record Broken<U>(SemanasException why) implements Step<U> {}
  }

  /** What a message means. */
  sealed interface Frame<U> {
    /** For the reader; no sign of health, since a server may begin and break again and again. */
    record Start<U>(U update) implements Frame<U> {}

    /** For the reader; the stream makes progress. */
    record Progress<U>(U update) implements Frame<U> {}

    /** For the reader, and nothing follows. */
    record Last<U>(U update) implements Frame<U> {}

    /** For a reader who asked to be told. */
    record Stale<U>(U update) implements Frame<U> {}

    /** Seen before; its cursor is none to resume from. */
    record Repeated<U>() implements Frame<U> {}

    /** Something before it is missing. */
    record Gap<U>() implements Frame<U> {}

    /** A sign of life. */
    record Heartbeat<U>() implements Frame<U> {}

    /** The server asks to resume after this long. */
    record Draining<U>(Duration resumeDelay) implements Frame<U> {}

    /** Not known to this version. */
    record Unknown<U>() implements Frame<U> {}
  }

  /** Reads a message. */
  abstract Frame<U> read(M message);

  abstract String cursorOf(M message);

  final String cursor() {
    return cursor;
  }

  /** How long a stream may be silent. */
  final Duration patience() {
    return heartbeatInterval.multipliedBy(HEARTBEATS_MISSED_MAX);
  }

  final Step<U> step(M message) {
    Frame<U> frame = read(message);
    boolean isInPlace = !(frame instanceof Frame.Repeated || frame instanceof Frame.Gap);
    if (isInPlace && !cursorOf(message).isEmpty()) {
      cursor = cursorOf(message);
    }
    if (frame instanceof Frame.Start<U> start) {
      return new Step.Give<>(start.update());
    } else if (frame instanceof Frame.Progress<U> progress) {
      failures = 0;
      return new Step.Give<>(progress.update());
    } else if (frame instanceof Frame.Last<U> last) {
      return new Step.GiveLast<>(last.update());
    } else if (frame instanceof Frame.Stale<U> stale && options.reportsStale()) {
      return new Step.Give<>(stale.update());
    } else if (frame instanceof Frame.Heartbeat) {
      failures = 0;
    } else if (frame instanceof Frame.Gap) {
      return new Step.Broken<>(Errors.broken("the stream left out an event"));
    } else if (frame instanceof Frame.Draining<U> draining) {
      return new Step.Broken<>(Errors.draining(draining.resumeDelay()));
    }
    return new Step.Nothing<>();
  }

  /**
   * After how long a broken stream is to be opened again; empty when there is no use in that.
   *
   * @param jitter in [0, 1)
   */
  final Optional<Duration> resumeDelay(SemanasException why, double jitter) {
    failures++;
    return options.resume().resumeDelay(why, failures, jitter);
  }

  /** Takes the server's interval. One of zero would make every stream look dead at once. */
  final void learnHeartbeat(com.google.protobuf.Duration interval) {
    Duration named = Spans.of(interval);
    if (!named.isZero()) {
      heartbeatInterval = tamed(named);
    }
  }

  private static Duration tamed(Duration interval) {
    return interval.compareTo(INTERVAL_MAX) < 0 ? interval : INTERVAL_MAX;
  }
}
