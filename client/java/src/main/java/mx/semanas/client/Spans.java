package mx.semanas.client;

import java.time.Duration;

/** Spans of time from outside, so tamed that no sum or product of them overflows. */
final class Spans {
  /** More than anybody waits. */
  private static final Duration LONGEST = Duration.ofDays(3650);

  private Spans() {}

  static long nanos(Duration span) {
    return span.compareTo(LONGEST) > 0 ? LONGEST.toNanos() : Math.max(0, span.toNanos());
  }

  /** Zero for a span that is negative; at most ten years. */
  static Duration of(com.google.protobuf.Duration span) {
    if (span.getSeconds() < 0 || span.getNanos() < 0) {
      return Duration.ZERO;
    }
    long seconds = Math.min(span.getSeconds(), LONGEST.toSeconds());
    return Duration.ofSeconds(seconds, span.getNanos());
  }
}
