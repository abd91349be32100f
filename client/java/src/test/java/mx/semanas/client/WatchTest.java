package mx.semanas.client;

import static mx.semanas.client.Messages.draining;
import static mx.semanas.client.Messages.end;
import static mx.semanas.client.Messages.event;
import static mx.semanas.client.Messages.heartbeat;
import static mx.semanas.client.Messages.snapshot;
import static mx.semanas.client.ScriptedServer.await;
import static mx.semanas.client.ScriptedServer.fail;
import static mx.semanas.client.ScriptedServer.give;
import static mx.semanas.client.ScriptedServer.silence;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import mx.semanas.client.testing.Refusal;
import mx.semanas.v1.FeedSynced;
import mx.semanas.v1.JobState;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WatchWorkHistoriesRequest;
import mx.semanas.v1.WatchWorkHistoriesResponse;
import mx.semanas.v1.WatchWorkHistoryRequest;
import mx.semanas.v1.WorkHistoryJob;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Watches against a real server on loopback, by iterator, by reactive stream, and when done. */
class WatchTest {
  private static final WatchOptions QUICK =
      WatchOptions.DEFAULT.withResume(
          RetryPolicy.WATCHES.withDelayFirst(Duration.ofMillis(5)).withTriesMax(3));
  private final StatusRuntimeException reset = Status.INTERNAL.asRuntimeException();
  private static final WatchWorkHistoryRequest REQUEST =
      WatchWorkHistoryRequest.newBuilder().setJobId("wh_1").build();

  private final ScriptedServer server = new ScriptedServer();
  private final List<Attempt> told = new CopyOnWriteArrayList<>();

  @AfterEach
  void stop() {
    server.close();
  }

  private SemanasClient client() {
    return client(QUICK);
  }

  private SemanasClient client(WatchOptions options) {
    Hooks hooks =
        new Hooks() {
          @Override
          public void attempt(Attempt attempt) {
            told.add(attempt);
          }
        };
    return server.client().watch(options).hooks(hooks).build();
  }

  private List<String> cursors() {
    try (SemanasClient client = client();
        Stream<JobUpdate> updates = client.watchWorkHistory("wh_1").stream()) {
      return updates.map(JobUpdate::cursor).toList();
    }
  }

  private String cursorOf(int call) {
    return ((WatchWorkHistoryRequest) server.call(call).request).getCursor();
  }

  @Test
  void aBreakIsHealedWithTheLastCursorWithoutGapOrRepeat() {
    server.on(
        "WatchWorkHistory",
        fail(reset, snapshot(1, "c1"), event(2, "c2")),
        give(event(2, "c2"), heartbeat("h2"), event(3, "c3"), end(4, "c4")));
    assertEquals(List.of("c1", "c2", "c3", "c4"), cursors());
    assertEquals("", cursorOf(1));
    assertEquals("c2", cursorOf(2));
    assertEquals(
        List.of(Status.Code.INTERNAL, Status.Code.OK), told.stream().map(Attempt::code).toList());
    assertFalse(server.call(2).cancelled.isDone());
  }

  @Test
  void anEndWithoutTerminalUpdateAndAGapAreBreaksToo() {
    server.on(
        "WatchWorkHistory",
        give(snapshot(1, "c1")),
        silence(event(2, "c2"), event(4, "c4")),
        give(event(3, "c3"), end(4, "c4")));
    assertEquals(List.of("c1", "c2", "c3", "c4"), cursors());
    assertTrue(server.call(2).isCancelled());
    assertEquals("c2", cursorOf(3));
  }

  @Test
  void silenceForThreeHeartbeatsIsABreak() {
    server.on("WatchWorkHistory", silence(snapshot(1, "c1", 100)), silence(), give(end(2, "c2")));
    assertEquals(List.of("c1", "c2"), cursors());
    assertTrue(server.call(1).isCancelled());
    assertTrue(server.call(2).isCancelled());
    assertEquals("c1", cursorOf(3));
  }

  @Test
  void aDrainingServerIsLeftForAsLongAsItSays() {
    server.on(
        "WatchWorkHistory", give(snapshot(1, "c1"), draining("c1d", 300)), give(end(2, "c2")));
    assertEquals(List.of("c1", "c2"), cursors());
    assertEquals("c1d", cursorOf(2));
    assertTrue(told.get(0).delay().orElseThrow().toMillis() >= 300);
  }

  @Test
  void withoutProgressItGivesUpAndWithItGoesOn() {
    StatusRuntimeException down = Status.UNAVAILABLE.asRuntimeException();
    server.on(
        "WatchWorkHistory",
        fail(down, snapshot(1, "c1")),
        fail(down, event(2, "c2")),
        fail(down),
        fail(down, heartbeat("h2")),
        fail(down),
        fail(down));
    try (SemanasClient client = client();
        Watch<JobUpdate> watch = client.watchWorkHistory("wh_1")) {
      assertEquals("c1", watch.next().cursor());
      assertEquals("c2", watch.next().cursor());
      assertThrows(SemanasException.Unavailable.class, watch::hasNext);
      assertFalse(watch.hasNext());
      assertThrows(NoSuchElementException.class, watch::next);
    }
    assertEquals(6, server.seen.size());
  }

  @Test
  void anErrorThatResumingDoesNotMendEndsIt() {
    server.on(
        "WatchWorkHistory",
        fail(
            Refusal.of(Status.Code.OUT_OF_RANGE, "CURSOR_EXPIRED", "it is too old").asException()));
    try (SemanasClient client = client()) {
      Watch<JobUpdate> watch = client.watchWorkHistory("wh_1");
      assertThrows(SemanasException.OutOfRange.class, watch::next);
    }
    assertEquals(1, server.seen.size());
  }

  @Test
  void leavingItReleasesTheCallAtOnce() {
    server.on("WatchWorkHistory", silence(snapshot(1, "c1")));
    try (SemanasClient client = client()) {
      Watch<JobUpdate> watch = client.watchWorkHistory("wh_1");
      watch.next();
      watch.close();
      assertFalse(watch.hasNext());
      assertTrue(server.call(1).isCancelled());

      Watch<JobUpdate> waited = client.watchWorkHistory("wh_1");
      waited.next();
      CompletableFuture<Void> closing = CompletableFuture.runAsync(waited::close);
      boolean isMore;
      try {
        isMore = waited.hasNext();
      } catch (SemanasException.Cancelled closed) {
        isMore = false;
      }
      assertFalse(isMore);
      closing.join();
      assertTrue(server.call(2).isCancelled());
    }
  }

  @Test
  void aStreamThatHasSaidAllIsLeftToTheServerToEnd() {
    server.on("WatchWorkHistory", silence(end(1, "c1")));
    server.on("GetWorkHistory", give(Messages.got()));
    try (SemanasClient client = client()) {
      assertEquals(1, client.watchWorkHistory("wh_1").stream().count());
      // On the same connection: a cancel would have come before it.
      client.getWorkHistory("wh_1");
      assertFalse(server.call(1).cancelled.isDone());
    }
    assertTrue(server.call(1).isCancelled());
  }

  @Test
  void closingTheClientEndsAWatch() {
    server.on("WatchWorkHistory", silence(snapshot(1, "c1")));
    SemanasClient client = client();
    Watch<JobUpdate> watch = client.watchWorkHistory("wh_1");
    watch.next();
    CompletableFuture<Void> closing = CompletableFuture.runAsync(client::close);
    assertThrows(SemanasException.Cancelled.class, watch::next);
    closing.join();
  }

  @Test
  void anInterruptedReaderIsCancelled() {
    server.on("WatchWorkHistory", silence());
    try (SemanasClient client = client()) {
      Thread.currentThread().interrupt();
      Watch<JobUpdate> watch = client.watchWorkHistory("wh_1");
      assertThrows(SemanasException.Cancelled.class, watch::hasNext);
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void stalenessIsToldIfAskedFor() {
    var stale =
        snapshot(1, "c1s").toBuilder().setStale(mx.semanas.v1.Stale.getDefaultInstance()).build();
    server.on("WatchWorkHistory", give(snapshot(1, "c1"), stale, end(2, "c2")));
    assertEquals(List.of("c1", "c2"), cursors());
    try (SemanasClient client = client(QUICK.withReportsStale(true))) {
      List<JobUpdate> updates = client.watchWorkHistory("wh_1").stream().toList();
      assertInstanceOf(JobUpdate.Stale.class, updates.get(1));
    }
  }

  @Test
  void theFeedGoesOn() {
    WatchWorkHistoriesResponse job =
        WatchWorkHistoriesResponse.newBuilder()
            .setCursor("f1")
            .setJob(WorkHistoryJob.newBuilder().setStateValue(77))
            .build();
    WatchWorkHistoriesResponse synced =
        job.toBuilder().setCursor("f2").setSynced(FeedSynced.getDefaultInstance()).build();
    server.on("WatchWorkHistories", fail(reset, job), silence(synced));
    WatchWorkHistoriesRequest all = WatchWorkHistoriesRequest.getDefaultInstance();
    try (SemanasClient client = client();
        Watch<FeedUpdate> feed = client.watchWorkHistories(all)) {
      assertEquals("Job[, UNKNOWN(77)]", feed.next().toString());
      assertInstanceOf(FeedUpdate.Synced.class, feed.next());
    }
    assertEquals("f1", ((WatchWorkHistoriesRequest) server.call(2).request).getCursor());
  }

  /** Takes what it asks for. */
  private static class Reader implements Flow.Subscriber<JobUpdate> {
    final List<JobUpdate> updates = new CopyOnWriteArrayList<>();
    final CompletableFuture<Void> done = new CompletableFuture<>();
    volatile Flow.Subscription subscription;

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
    }

    @Override
    public void onNext(JobUpdate update) {
      updates.add(update);
    }

    @Override
    public void onError(Throwable failed) {
      done.completeExceptionally(failed);
    }

    @Override
    public void onComplete() {
      done.complete(null);
    }
  }

  @Test
  void aSubscriberGetsWhatItAsksForAndItsDemandHoldsBackTheServer() {
    byte[] large = new byte[60_000];
    AtomicInteger sent = new AtomicInteger();
    server.on(
        "WatchWorkHistory",
        (request, answer) -> {
          answer.onNext(snapshot(1, "c1"));
          Runnable more =
              () -> {
                while (answer.isReady() && sent.get() < 500) {
                  int sequence = sent.incrementAndGet() + 1;
                  answer.onNext(event(sequence, "c".repeat(large.length) + sequence));
                }
                if (sent.get() == 500) {
                  sent.incrementAndGet();
                  answer.onNext(end(502, "last"));
                  answer.onCompleted();
                }
              };
          answer.setOnReadyHandler(more);
          more.run();
        });
    server.on("GetWorkHistory", give(Messages.got()));
    try (SemanasClient client = client()) {
      Reader reader = new Reader();
      client.async().watchWorkHistory(REQUEST).subscribe(reader);
      assertEquals(0, server.seen.size());
      reader.subscription.request(2);
      await("two updates", () -> reader.updates.size() >= 2);
      // What was on its way before this answer has arrived as well.
      client.getWorkHistory("wh_1");
      assertEquals(2, reader.updates.size());
      assertTrue(sent.get() < 500, "the server was not held back");
      reader.subscription.request(Long.MAX_VALUE);
      reader.done.join();
      assertEquals(502, reader.updates.size());
    }
  }

  @Test
  void aSubscribersCancelReleasesTheCallAndNothingFollows() {
    server.on("WatchWorkHistory", silence(snapshot(1, "c1")));
    try (SemanasClient client = client()) {
      Reader reader =
          new Reader() {
            @Override
            public void onNext(JobUpdate update) {
              super.onNext(update);
              subscription.cancel();
            }
          };
      client.async().watchWorkHistory(REQUEST).subscribe(reader);
      reader.subscription.request(10);
      assertTrue(server.call(1).isCancelled());
      assertFalse(reader.done.isDone());
      assertEquals(1, reader.updates.size());
    }
  }

  @Test
  void aSubscriberThatFailsOrAsksForNothingIsLeft() {
    server.on("WatchWorkHistory", silence(snapshot(1, "c1")));
    try (SemanasClient client = client()) {
      Reader failing =
          new Reader() {
            @Override
            public void onNext(JobUpdate update) {
              throw new IllegalStateException("a defect of the reader");
            }
          };
      client.async().watchWorkHistory(REQUEST).subscribe(failing);
      failing.subscription.request(1);
      assertTrue(server.call(1).isCancelled());

      Reader wrong = new Reader();
      client.async().watchWorkHistory(REQUEST).subscribe(wrong);
      wrong.subscription.request(0);
      RuntimeException told = assertThrows(RuntimeException.class, wrong.done::join);
      assertInstanceOf(IllegalArgumentException.class, told.getCause());
    }
  }

  private void submitted() {
    server.on(
        "SubmitWorkHistory",
        give(
            SubmitWorkHistoryResponse.newBuilder()
                .setJob(Messages.job(JobState.JOB_STATE_QUEUED, 1))
                .setWatchCursor("c0")
                .build()));
  }

  @Test
  void whenDoneGivesTheJobThatSucceededAndNoOther() {
    submitted();
    server.on(
        "WatchWorkHistory",
        give(event(2, "c2"), end(3, "c3")),
        give(end(3, "c3", JobState.JOB_STATE_FAILED)),
        give(
            end(3, "c3").toBuilder()
                .setEvent(mx.semanas.v1.JobEvent.newBuilder().setSequence(3).setStateValue(77))
                .build()));
    SubmitWorkHistoryRequest request = SubmitWorkHistoryRequest.newBuilder().setLimit(3).build();
    try (SemanasClient client = client()) {
      assertEquals("wh_1", client.getWorkHistoryWhenDone(request).getJobId());
      SemanasException.JobNotSucceeded failed =
          assertThrows(
              SemanasException.JobNotSucceeded.class, () -> client.getWorkHistoryWhenDone(request));
      assertEquals(JobState.JOB_STATE_FAILED, failed.job().getState());
      assertTrue(failed.code().isEmpty());
      SemanasException.JobNotSucceeded newer =
          assertThrows(
              SemanasException.JobNotSucceeded.class, () -> client.getWorkHistoryWhenDone(request));
      assertEquals(77, newer.job().getStateValue());
    }
    assertEquals("c0", cursorOf(2));
    assertEquals(3, ((WatchWorkHistoryRequest) server.call(2).request).getLimit());
  }

  @Test
  void whenDoneKeepsToItsTimeLimitAndSaysWhereItWas() {
    submitted();
    server.on("WatchWorkHistory", silence(event(2, "c2")));
    try (SemanasClient client = client()) {
      SemanasException failed =
          assertThrows(
              SemanasException.DeadlineExceeded.class,
              () ->
                  client.getWorkHistoryWhenDone(
                      SubmitWorkHistoryRequest.getDefaultInstance(), Duration.ofMillis(800)));
      assertEquals("wh_1", failed.jobId().orElseThrow());
      assertEquals("c2", failed.cursor().orElseThrow());
      assertTrue(server.call(2).isCancelled());

      CompletableFuture<WorkHistoryJob> left =
          client.async().getWorkHistoryWhenDone(SubmitWorkHistoryRequest.getDefaultInstance());
      server.call(4);
      left.cancel(true);
      assertTrue(server.call(4).isCancelled());
    }
  }

  @Test
  void manyWatchesRunAtOnce() {
    server.on("WatchWorkHistory", give(snapshot(1, "c1"), event(2, "c2"), end(3, "c3")));
    try (SemanasClient client = client()) {
      List<Reader> readers = new ArrayList<>();
      for (int number = 0; number < 200; number++) {
        Reader reader = new Reader();
        client.async().watchWorkHistory(REQUEST).subscribe(reader);
        reader.subscription.request(Long.MAX_VALUE);
        readers.add(reader);
      }
      for (Reader reader : readers) {
        reader.done.join();
        assertEquals(3, reader.updates.size());
      }
    }
  }
}
