package mx.semanas.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Optional;
import mx.semanas.client.testing.Refusal;
import mx.semanas.v1.ErrorReason;
import mx.semanas.v1.JobState;
import mx.semanas.v1.LookupNssRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is decided without a network: errors, retries, frames, endpoints, names. */
class DecisionsTest {
  private static SemanasException of(Refusal refusal) {
    return Raw.read(refusal.asException());
  }

  private static SemanasException ours(Status.Code code, int delayMs) {
    Refusal refusal = Refusal.of(code, "REASON", "it failed");
    return of(delayMs < 0 ? refusal : refusal.retryAfter(Duration.ofMillis(delayMs)));
  }

  @ParameterizedTest
  @CsvSource({
    "UNAVAILABLE, -1, 1, 0.0, 50",
    "UNAVAILABLE, -1, 2, 0.0, 100",
    "UNAVAILABLE, -1, 3, 0.5, 300",
    "UNAVAILABLE, -1, 4, 0.0, -1",
    "UNAVAILABLE, 2000, 1, 0.0, 2000",
    "UNAVAILABLE, 2000, 1, 0.5, 2500",
    "UNAVAILABLE, 60000, 1, 0.0, -1",
    "UNAVAILABLE, 1, 1, 0.0, 100",
    "RESOURCE_EXHAUSTED, 2000, 1, 0.0, 2000",
    "RESOURCE_EXHAUSTED, -1, 1, 0.0, -1",
    "INTERNAL, 10, 1, 0.0, -1",
    "DEADLINE_EXCEEDED, 10, 1, 0.0, -1",
  })
  void aCallIsMadeAgainOnlyWhereItIsSafeAndNeverTooEarly(
      Status.Code code, int namedMs, int tries, double jitter, long expectedMs) {
    Optional<Duration> found = RetryPolicy.CALLS.retryDelay(ours(code, namedMs), tries, jitter);
    assertEquals(expectedMs, found.map(Duration::toMillis).orElse(-1L));
  }

  @Test
  void aWaitNeverPassesTheLongestOne() {
    RetryPolicy patient = RetryPolicy.CALLS.withTriesMax(Integer.MAX_VALUE);
    Duration wait =
        patient.retryDelay(ours(Status.Code.UNAVAILABLE, -1), 4_000_000, 0.999_999).orElseThrow();
    assertTrue(wait.compareTo(patient.delayMax()) <= 0);
    RetryPolicy endless = patient.withDelayMax(Duration.ofSeconds(Long.MAX_VALUE));
    assertTrue(endless.retryDelay(ours(Status.Code.UNAVAILABLE, -1), 4_000_000, 0).isPresent());
  }

  @Test
  void aWatchIsResumedAfterABreakOfTheTransportButNotAfterAWordOfTheServer() {
    RetryPolicy policy = RetryPolicy.WATCHES;
    for (Status.Code code :
        new Status.Code[] {
          Status.Code.INTERNAL,
          Status.Code.UNKNOWN,
          Status.Code.CANCELLED,
          Status.Code.DEADLINE_EXCEEDED
        }) {
      assertTrue(policy.resumeDelay(Errors.of(code.toStatus()), 1, 0).isPresent(), code.name());
      assertFalse(policy.resumeDelay(ours(code, -1), 1, 0).isPresent(), code.name());
    }
    assertTrue(policy.resumeDelay(ours(Status.Code.RESOURCE_EXHAUSTED, -1), 1, 0).isPresent());
    assertFalse(policy.resumeDelay(ours(Status.Code.OUT_OF_RANGE, -1), 1, 0).isPresent());
  }

  @Test
  void anErrorHasAllThatWasSaid() {
    SemanasException failed =
        of(
            Refusal.of(Status.Code.INVALID_ARGUMENT, "INVALID_CURP", "the request is wrong")
                .violation("subject.curp", "wrong check digit")
                .retryAfter(Duration.ofMillis(1_500)));
    assertInstanceOf(SemanasException.InvalidRequest.class, failed);
    assertEquals(Optional.of(ErrorReason.ERROR_REASON_INVALID_CURP), failed.knownReason());
    assertEquals("subject.curp", failed.violations().get(0).field());
    assertEquals(Optional.of(Duration.ofMillis(1_500)), failed.retryDelay());
    assertEquals(
        "the request is wrong [INVALID_CURP]: subject.curp: wrong check digit",
        failed.getMessage());
    assertEquals("the request is wrong", failed.text());
  }

  @Test
  void aReasonOfTomorrowKeepsItsTextAndTheCodeDecides() {
    SemanasException failed =
        of(Refusal.of(Status.Code.NOT_FOUND, "MOON_TOO_BRIGHT", "not at night"));
    assertInstanceOf(SemanasException.NotFound.class, failed);
    assertEquals("MOON_TOO_BRIGHT", failed.reason());
    assertTrue(failed.knownReason().isEmpty());
  }

  @Test
  void detailsThatCannotBeReadDoNotHideTheStatus() {
    Metadata trailers = new Metadata();
    trailers.put(
        Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER),
        new byte[] {-1, -1, -1});
    SemanasException failed = Errors.of(Status.UNAVAILABLE.withDescription("later"), trailers);
    assertEquals("later", failed.getMessage());
    assertTrue(failed.retryDelay().isEmpty());
  }

  @Test
  void aBrokenConnectionIsUnavailableWhateverTheTransportCallsIt() {
    Status closed = Status.UNKNOWN.withCause(new ClosedChannelException());
    assertInstanceOf(SemanasException.Unavailable.class, Errors.of(closed));
    Status reset = Status.INTERNAL.withCause(new IOException("Connection reset by peer"));
    assertTrue(Errors.of(reset).getMessage().contains("Connection reset by peer"));
    Status garbage =
        Status.INTERNAL.withCause(new com.google.protobuf.InvalidProtocolBufferException("x"));
    assertInstanceOf(SemanasException.Internal.class, Errors.of(garbage));
  }

  @Test
  void whatAProxyAnsweredIsNotQuoted() {
    String text =
        "HTTP status code 503\ninvalid content-type: text/html\nheaders: Metadata(curp=X)\nDATA---";
    SemanasException failed = Errors.of(Status.UNAVAILABLE.withDescription(text));
    assertFalse(failed.getMessage().contains("curp"), failed.getMessage());
  }

  @Test
  void anErrorWithoutWordsIsNamedByItsKind() {
    SemanasException failed = Raw.read(new StatusRuntimeException(Status.PERMISSION_DENIED));
    assertTrue(failed.getMessage().contains("PermissionDenied"));
    assertEquals("PermissionDenied", failed.kind());
  }

  @ParameterizedTest
  @CsvSource({
    "http://127.0.0.1:50051, true",
    "http://127.8.7.6, true",
    "http://localhost:50051, true",
    "http://[::1]:50051, true",
    "http://[0:0:0:0:0:0:0:1]:50051, true",
    "http://[::ffff:127.0.0.1], true",
    "http://10.0.0.7:50051, false",
    "http://semanas.internal:50051, false",
    "http://localhost.example.mx:50051, false",
    "http://[2001:db8::1]:50051, false",
  })
  void plaintextStaysOnThisMachine(String endpoint, boolean isLoopback) {
    assertEquals(isLoopback, Endpoint.parse(endpoint).isLoopback());
    if (isLoopback) {
      SemanasClient.builder(endpoint).build().close();
      return;
    }
    SemanasClient.Builder builder = SemanasClient.builder(endpoint);
    SemanasException refused = assertThrows(SemanasException.Configuration.class, builder::build);
    assertTrue(refused.getMessage().contains("https://"), refused.getMessage());
    builder.allowPlaintext().build().close();
    builder.bearerToken("s3cret");
    refused = assertThrows(SemanasException.Configuration.class, builder::build);
    assertFalse(refused.getMessage().contains("s3cret"));
  }

  @ParameterizedTest
  @CsvSource({
    "semanas.internal:50051",
    "ftp://semanas.internal",
    "http://127.1:50051",
    "'http:// spaces'",
    "https://",
    "https://host/path",
    "https://user@host",
    "https://host:0",
    "https://host:70000",
    "''",
  })
  void anEndpointThatCannotBeUsedIsRefusedInWords(String endpoint) {
    SemanasException refused =
        assertThrows(SemanasException.Configuration.class, () -> Endpoint.parse(endpoint));
    assertTrue(refused.getMessage().contains("https://host:port"));
  }

  @Test
  void portsHaveTheirDefaults() {
    assertEquals(
        "dns:///semanas.example.mx:443", Endpoint.parse("https://semanas.example.mx").target());
    assertEquals("dns:///%5B::1%5D:80", Endpoint.parse("http://[::1]/").target());
  }

  @Test
  void aTokenThatNoHeaderCanCarryIsRefused() {
    for (String token : new String[] {"", "two words", "line\nend", null}) {
      assertThrows(
          SemanasException.Configuration.class,
          () -> SemanasClient.builder("http://127.0.0.1").bearerToken(token).build());
    }
  }

  @Test
  void aLookupThatCouldPayTwiceIsToldFromOneThatCannot() {
    LookupNssRequest plain = LookupNssRequest.getDefaultInstance();
    assertFalse(SemanasAsyncClient.buysAnew(plain));
    assertTrue(SemanasAsyncClient.buysAnew(plain.toBuilder().setAllowRepeatCharge(true).build()));
    assertTrue(SemanasAsyncClient.buysAnew(plain.toBuilder().setMaxAge(Messages.ms(0)).build()));
    assertFalse(
        SemanasAsyncClient.buysAnew(plain.toBuilder().setMaxAge(Messages.ms(300_000)).build()));
  }

  @Test
  void namesOfTomorrowKeepTheirNumber() {
    assertEquals("UNKNOWN(77)", Names.of(JobState.getDescriptor(), 77));
    assertEquals("UNSPECIFIED", Names.of(JobState.getDescriptor(), 0));
    assertEquals("OUTCOME_UNKNOWN", Names.of(JobState.getDescriptor(), 6));
    assertFalse(Names.isTerminal(JobState.UNRECOGNIZED));
  }

  @Test
  void anIntervalOfZeroOrOfACenturyLeavesThePatienceSensible() {
    JobFollower follower = new JobFollower(WatchOptions.DEFAULT, "");
    follower.step(Messages.snapshot(1, "c1", 0));
    assertEquals(Duration.ofSeconds(45), follower.patience());
    follower.step(Messages.snapshot(1, "c1", Integer.MAX_VALUE));
    assertEquals(Duration.ofDays(3), follower.patience());
  }

  @Test
  void aRepeatedEventIsNoPlaceToResumeFrom() {
    JobFollower follower = new JobFollower(WatchOptions.DEFAULT, "");
    follower.step(Messages.snapshot(2, "c2"));
    assertInstanceOf(Follower.Step.Nothing.class, follower.step(Messages.event(1, "c1")));
    assertEquals("c2", follower.cursor());
    assertInstanceOf(Follower.Step.Broken.class, follower.step(Messages.event(4, "c4")));
    assertEquals("c2", follower.cursor());
    assertInstanceOf(Follower.Step.Give.class, follower.step(Messages.event(3, "c3")));
  }
}
