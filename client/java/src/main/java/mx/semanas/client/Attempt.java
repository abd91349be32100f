package mx.semanas.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;

/**
 * One attempt of a call, or one stream of a watch, that has ended.
 *
 * @param method the method's name in the contract, for example {@code SubmitWorkHistory}
 * @param number counts the attempts of one call or watch from 1 on
 * @param code the outcome; OK for an answer, and for a stream that was read to its end or left by
 *     its reader
 * @param error what went wrong; empty when the code is OK
 * @param delay the time until the next attempt; empty when there is none
 */
public record Attempt(
    String method,
    int number,
    Status.Code code,
    Optional<SemanasException> error,
    Optional<Duration> delay) {}
