package mx.semanas.client;

import static mx.semanas.client.Messages.got;
import static mx.semanas.client.ScriptedServer.await;
import static mx.semanas.client.ScriptedServer.fail;
import static mx.semanas.client.ScriptedServer.give;
import static mx.semanas.client.ScriptedServer.silence;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import mx.semanas.client.testing.Refusal;
import mx.semanas.v1.Charge;
import mx.semanas.v1.GetWorkHistoryRequest;
import mx.semanas.v1.JobFilter;
import mx.semanas.v1.ListChargesRequest;
import mx.semanas.v1.ListChargesResponse;
import mx.semanas.v1.ListWorkHistoriesRequest;
import mx.semanas.v1.ListWorkHistoriesResponse;
import mx.semanas.v1.LookupNssRequest;
import mx.semanas.v1.ResolveWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WorkHistoryJob;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Unary calls against a real server on loopback. */
class UnaryTest {
  private static final RetryPolicy QUICK = RetryPolicy.CALLS.withDelayFirst(Duration.ofMillis(5));

  private final ScriptedServer server = new ScriptedServer();

  @AfterEach
  void stop() {
    server.close();
  }

  private SemanasClient quick() {
    return server.client().retry(QUICK).build();
  }

  private static ScriptedServer.Action unavailable() {
    return fail(Refusal.of(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", "later").asException());
  }

  @Test
  void anOutageIsRetriedWithOneRequestIdAndTheHooksAreTold() {
    List<Attempt> told = new CopyOnWriteArrayList<>();
    Hooks hooks =
        new Hooks() {
          @Override
          public void attempt(Attempt attempt) {
            told.add(attempt);
            throw new IllegalStateException("a hook's defect is no reason for a call to fail");
          }
        };
    SubmitWorkHistoryResponse started =
        SubmitWorkHistoryResponse.newBuilder().setJob(WorkHistoryJob.getDefaultInstance()).build();
    server.on("SubmitWorkHistory", unavailable(), unavailable(), give(started));
    try (SemanasClient client = server.client().retry(QUICK).hooks(hooks).build()) {
      client.submitWorkHistory(SubmitWorkHistoryRequest.getDefaultInstance());
    }
    assertEquals(
        1,
        server.seen.stream()
            .map(one -> ((SubmitWorkHistoryRequest) one.request).getRequestId())
            .distinct()
            .filter(id -> !id.isEmpty())
            .count());
    assertEquals(List.of(1, 2, 3), told.stream().map(Attempt::number).toList());
    assertEquals(
        List.of(Status.Code.UNAVAILABLE, Status.Code.UNAVAILABLE, Status.Code.OK),
        told.stream().map(Attempt::code).toList());
    assertTrue(told.get(0).delay().isPresent());
    assertTrue(told.get(2).delay().isEmpty());
  }

  @Test
  void retriesEndAndCanBeSwitchedOff() {
    server.on("GetWorkHistory", unavailable());
    try (SemanasClient client = quick()) {
      assertThrows(SemanasException.Unavailable.class, () -> client.getWorkHistory("wh_1"));
    }
    assertEquals(4, server.seen.size());
    try (SemanasClient client = server.client().retry(RetryPolicy.OFF).build()) {
      assertThrows(SemanasException.Unavailable.class, () -> client.getWorkHistory("wh_1"));
    }
    assertEquals(5, server.seen.size());
  }

  @Test
  void aPurchaseIsRepeatedOnTheServersWordOnly() {
    server.on("LookupNss", fail(Status.Code.UNAVAILABLE), unavailable(), fail(Status.Code.ABORTED));
    LookupNssRequest anew = LookupNssRequest.newBuilder().setAllowRepeatCharge(true).build();
    try (SemanasClient client = quick()) {
      assertThrows(SemanasException.Unavailable.class, () -> client.lookupNss(anew));
      assertEquals(1, server.seen.size());
      assertThrows(SemanasException.Other.class, () -> client.lookupNss(anew));
      assertEquals(3, server.seen.size());
    }
    server.on("ResolveWorkHistory", fail(Status.Code.UNAVAILABLE));
    try (SemanasClient client = quick()) {
      assertThrows(
          SemanasException.Unavailable.class,
          () -> client.resolveWorkHistory(ResolveWorkHistoryRequest.getDefaultInstance()));
    }
    assertEquals(4, server.seen.size());
  }

  @Test
  void everyWayToACallHasADeadline() {
    server.on("GetWorkHistory", give(got()));
    ManagedChannel channel =
        NettyChannelBuilder.forTarget("dns:///localhost:" + server.port()).usePlaintext().build();
    try (SemanasClient client = server.client().build();
        SemanasClient over = SemanasClient.over(channel).build();
        SemanasClient without = server.client().noUnaryDeadline().build()) {
      client.getWorkHistory("wh_1");
      client.async().getWorkHistory(GetWorkHistoryRequest.getDefaultInstance()).join();
      client.raw().workHistories().getWorkHistory(GetWorkHistoryRequest.getDefaultInstance());
      over.getWorkHistory("wh_1");
      over.raw().workHistories().getWorkHistory(GetWorkHistoryRequest.getDefaultInstance());
      client.withUnaryDeadline(Duration.ofSeconds(5)).getWorkHistory("wh_1");
      without.getWorkHistory("wh_1");
    } finally {
      channel.shutdownNow();
    }
    for (int call = 1; call <= 5; call++) {
      assertNotNull(server.call(call).deadline, "call " + call);
      assertTrue(server.call(call).deadline.timeRemaining(TimeUnit.SECONDS) <= 30);
    }
    assertTrue(server.call(6).deadline.timeRemaining(TimeUnit.SECONDS) <= 5);
    assertNull(server.call(7).deadline);
  }

  @Test
  void theDeadlineEndsACallAndTheServerLearnsIt() {
    server.on("LookupNss", silence());
    try (SemanasClient client = server.client().unaryDeadline(Duration.ofMillis(300)).build()) {
      SemanasException failed =
          assertThrows(
              SemanasException.DeadlineExceeded.class,
              () -> client.lookupNss(LookupNssRequest.getDefaultInstance()));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, failed.code().orElseThrow());
    }
    assertTrue(server.call(1).isCancelled());
  }

  @Test
  void aWaitThatWouldPassTheDeadlineIsNotBegun() {
    RuntimeException late =
        Refusal.of(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", "later")
            .retryAfter(Duration.ofSeconds(10))
            .asException();
    server.on("GetWorkHistory", fail(late));
    try (SemanasClient client = server.client().unaryDeadline(Duration.ofSeconds(2)).build()) {
      assertThrows(SemanasException.Unavailable.class, () -> client.getWorkHistory("wh_1"));
    }
    assertEquals(1, server.seen.size());
  }

  @Test
  void theCallersContextHoldsToo() {
    server.on("GetWorkHistory", silence());
    ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
    try (SemanasClient client = server.client().build()) {
      Context.current()
          .withDeadlineAfter(200, TimeUnit.MILLISECONDS, clock)
          .run(
              () ->
                  assertThrows(
                      SemanasException.DeadlineExceeded.class,
                      () -> client.getWorkHistory("wh_1")));
    } finally {
      clock.shutdownNow();
    }
  }

  @Test
  void cancellingTheFutureOrTheThreadReleasesTheCall() {
    server.on("GetWorkHistory", silence());
    try (SemanasClient client = server.client().build()) {
      CompletableFuture<WorkHistoryJob> future =
          client.async().getWorkHistory(GetWorkHistoryRequest.getDefaultInstance());
      server.call(1);
      future.cancel(false);
      assertTrue(server.call(1).isCancelled());

      CompletableFuture<WorkHistoryJob> late =
          client
              .async()
              .getWorkHistory(GetWorkHistoryRequest.getDefaultInstance())
              .orTimeout(50, TimeUnit.MILLISECONDS);
      assertThrows(RuntimeException.class, late::join);
      assertTrue(server.call(2).isCancelled());

      CompletableFuture<Throwable> thrown = new CompletableFuture<>();
      Thread waiting =
          new Thread(
              () -> {
                try {
                  client.getWorkHistory("wh_1");
                } catch (SemanasException failed) {
                  thrown.complete(Thread.currentThread().isInterrupted() ? failed : null);
                }
              });
      waiting.start();
      server.call(3);
      waiting.interrupt();
      assertInstanceOf(SemanasException.Cancelled.class, thrown.join());
      assertTrue(server.call(3).isCancelled());
    }
  }

  @Test
  void closingTheClientEndsWhatIsUnderWay() {
    server.on("GetWorkHistory", silence());
    SemanasClient client = server.client().build();
    CompletableFuture<WorkHistoryJob> future =
        client.async().getWorkHistory(GetWorkHistoryRequest.getDefaultInstance());
    server.call(1);
    client.close();
    client.close();
    Throwable failed = assertThrows(RuntimeException.class, future::join).getCause();
    assertInstanceOf(SemanasException.Cancelled.class, failed);
    assertThrows(SemanasException.Cancelled.class, () -> client.getWorkHistory("wh_1"));
    assertThrows(SemanasException.Cancelled.class, () -> client.watchWorkHistory("wh_1").hasNext());
  }

  @Test
  void noThreadOutlivesTheClient() {
    server.on("GetWorkHistory", give(got()));
    for (int round = 0; round < 3; round++) {
      try (SemanasClient client = server.client().build()) {
        client.getWorkHistory("wh_1");
      }
    }
    await(
        "the threads to end",
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(
                    thread -> thread.isAlive() && thread.getName().startsWith("semanas-client")));
  }

  @Test
  void aServerThatIsNotThereIsSaidSoAndFoundWhenItComes() {
    int port;
    try (ScriptedServer gone = new ScriptedServer()) {
      port = gone.port();
    }
    try (SemanasClient client = SemanasClient.builder("http://localhost:" + port).build()) {
      SemanasException failed =
          assertThrows(SemanasException.Unavailable.class, () -> client.getWorkHistory("wh_1"));
      assertTrue(failed.getMessage().contains("refused"), failed.getMessage());
      assertTrue(failed.getMessage().endsWith(":" + port), failed.getMessage());
      assertFalse(failed.getMessage().contains("finishConnect"), failed.getMessage());
      assertThrows(SemanasException.Unavailable.class, client::health);
      // Within our own tries, since an earlier connection may still be failing.
      try (ScriptedServer there = new ScriptedServer(null, port)) {
        there.on("GetWorkHistory", give(got()));
        client.getWorkHistory("wh_1");
      }
    }
  }

  @Test
  void pagesAreFetchedWhenTheyAreReached() {
    server.on(
        "ListWorkHistories",
        give(
            ListWorkHistoriesResponse.newBuilder()
                .addJobs(WorkHistoryJob.newBuilder().setJobId("wh_1"))
                .setNextPageToken("p2")
                .build()),
        give(ListWorkHistoriesResponse.newBuilder().setNextPageToken("p3").build()),
        give(
            ListWorkHistoriesResponse.newBuilder()
                .addJobs(WorkHistoryJob.newBuilder().setJobId("wh_2"))
                .build()));
    JobFilter filter = JobFilter.newBuilder().putLabels("flow", "loan").build();
    try (SemanasClient client = server.client().build()) {
      var jobs = client.listWorkHistories(filter).iterator();
      assertEquals("wh_1", jobs.next().getJobId());
      assertEquals(1, server.seen.size());
      assertEquals("wh_2", jobs.next().getJobId());
      assertFalse(jobs.hasNext());
    }
    ListWorkHistoriesRequest third = (ListWorkHistoriesRequest) server.call(3).request;
    assertEquals("p3", third.getPageToken());
    assertEquals(filter, third.getFilter());

    server.on(
        "ListCharges",
        give(ListChargesResponse.newBuilder().addCharges(Charge.getDefaultInstance()).build()));
    try (SemanasClient client = server.client().build()) {
      ListChargesRequest all = ListChargesRequest.getDefaultInstance();
      assertEquals(1, SemanasClient.stream(client.listCharges(all)).count());
    }
  }

  @Test
  void theUserAgentAndTheConnectionsStatesAreTold() {
    List<ConnectionState> states = new CopyOnWriteArrayList<>();
    Hooks hooks =
        new Hooks() {
          @Override
          public void connection(ConnectionState state) {
            states.add(state);
          }
        };
    server.on("GetWorkHistory", give(got()));
    try (SemanasClient client = server.client().userAgent("payroll/2.1").hooks(hooks).build()) {
      client.getWorkHistory("wh_1");
      await("it to be ready", () -> states.contains(ConnectionState.READY));
    }
    assertEquals(ConnectionState.IDLE, states.get(0));
    String agent = server.call(1).header("user-agent");
    assertTrue(agent.startsWith("payroll/2.1 semanas-client-java/"), agent);
  }

  @Test
  void theRawStubsHaveNoRetriesAndTheirErrorsCanBeRead() {
    server.on("GetWorkHistory", unavailable());
    try (SemanasClient client = server.client().bearerToken("s3cret").build()) {
      StatusRuntimeException thrown =
          assertThrows(
              StatusRuntimeException.class,
              () ->
                  client
                      .raw()
                      .workHistories()
                      .getWorkHistory(GetWorkHistoryRequest.getDefaultInstance()));
      assertEquals("STORE_UNAVAILABLE", Raw.read(thrown).reason());
    }
    assertEquals(1, server.seen.size());
    assertEquals("Bearer s3cret", server.call(1).header("authorization"));
  }

  @Test
  void aSourceOfTokensThatFailsIsTheCallersToMend() {
    server.on("GetWorkHistory", give(got()));
    SemanasClientBuilder builder =
        server
            .client()
            .tokenSource(
                () -> {
                  throw new IllegalStateException("no s3cret today");
                });
    try (SemanasClient client = builder.build()) {
      SemanasException failed =
          assertThrows(SemanasException.Unauthenticated.class, () -> client.getWorkHistory("wh_1"));
      assertFalse(failed.getMessage().contains("s3cret"));
    }
  }

  @Test
  void optionsAboutTheConnectionAreRefusedOverAChannel() {
    ManagedChannel channel = NettyChannelBuilder.forTarget("dns:///localhost:1").build();
    SemanasException refused =
        assertThrows(
            SemanasException.Configuration.class,
            () -> SemanasClient.over(channel).bearerToken("x").userAgent("y").build());
    assertTrue(refused.getMessage().startsWith("bearerToken, userAgent: "));
    channel.shutdownNow();
  }
}
