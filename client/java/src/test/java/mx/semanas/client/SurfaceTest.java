package mx.semanas.client;

import static mx.semanas.client.Messages.got;
import static mx.semanas.client.ScriptedServer.fail;
import static mx.semanas.client.ScriptedServer.give;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.MessageOrBuilder;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import mx.semanas.client.opentelemetry.OpenTelemetryTracing;
import mx.semanas.client.testing.FakeWorkHistories;
import mx.semanas.client.testing.Refusal;
import mx.semanas.client.testing.SemanasServer;
import mx.semanas.v1.Employment;
import mx.semanas.v1.JobEvent;
import mx.semanas.v1.JobFilter;
import mx.semanas.v1.JobSnapshot;
import mx.semanas.v1.LookupNssRequest;
import mx.semanas.v1.LookupNssResponse;
import mx.semanas.v1.Person;
import mx.semanas.v1.Subject;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.WatchWorkHistoriesRequest;
import mx.semanas.v1.WorkHistory;
import mx.semanas.v1.WorkHistoryJob;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What users meet besides calls: traces, what is printed, the testing part, the README. */
class SurfaceTest {
  private static final String CURP = "GOAA970724HYNNNL08";
  private static final SubmitWorkHistoryRequest REQUEST =
      SubmitWorkHistoryRequest.newBuilder()
          .setSubject(Subject.newBuilder().setCurp(CURP).setPaternalSurname("GONZALEZ"))
          .setPurpose("hiring")
          .build();

  @Test
  void eachAttemptIsASpanBelowTheCallersAndTheServerIsToldIt() {
    InMemorySpanExporter spans = InMemorySpanExporter.create();
    SdkTracerProvider provider =
        SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(spans)).build();
    OpenTelemetrySdk telemetry =
        OpenTelemetrySdk.builder()
            .setTracerProvider(provider)
            .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
            .build();
    Span parent = telemetry.getTracer("test").spanBuilder("caller").startSpan();
    try (ScriptedServer server = new ScriptedServer()) {
      server.on("GetWorkHistory", fail(Status.Code.UNAVAILABLE), give(got()));
      RetryPolicy quick = RetryPolicy.CALLS.withDelayFirst(Duration.ofMillis(5));
      try (SemanasClient client =
              server.client().retry(quick).tracing(OpenTelemetryTracing.of(telemetry)).build();
          Scope scope = parent.makeCurrent()) {
        client.getWorkHistory("wh_1");
        assertFalse(scope == null);
      }
      List<SpanData> attempts = spans.getFinishedSpanItems();
      assertEquals(2, attempts.size());
      for (int number = 1; number <= 2; number++) {
        SpanData attempt = attempts.get(number - 1);
        assertEquals("semanas.v1.WorkHistoryService/GetWorkHistory", attempt.getName());
        assertEquals(parent.getSpanContext().getSpanId(), attempt.getParentSpanId());
        String expected = "00-" + attempt.getTraceId() + "-" + attempt.getSpanId() + "-01";
        assertEquals(expected, server.call(number).header("traceparent"));
      }
    }
    telemetry.close();
  }

  @Test
  void nothingOfOursPrintsPersonalData() {
    WorkHistory history =
        WorkHistory.newBuilder()
            .setPerson(Person.newBuilder().setCurp(CURP).setFullName("GONZALEZ"))
            .addEmployments(Employment.newBuilder().setEmployer("GONZALEZ SA"))
            .setEmploymentCount(1)
            .build();
    WorkHistoryJob job =
        WorkHistoryJob.newBuilder().setJobId("wh_1").setWorkHistory(history).build();
    List<Object> ours =
        List.of(
            new JobUpdate.Snapshot("c", true, JobSnapshot.newBuilder().setJob(job).build()),
            new JobUpdate.Event("c", true, JobEvent.newBuilder().setJob(job).build()),
            new FeedUpdate.Job("c", job),
            Errors.ofJob(job, "c"),
            SafeText.of(job),
            SafeText.of(REQUEST),
            SafeText.of(REQUEST.toBuilder()),
            SafeText.of(LookupNssRequest.newBuilder().setCurp(CURP)),
            SafeText.of(LookupNssResponse.newBuilder().setNss(CURP).setFullName("GONZALEZ")));
    for (Object one : ours) {
      assertFalse(one.toString().contains(CURP), one::toString);
      assertFalse(one.toString().contains("GONZALEZ"), one::toString);
    }
    assertEquals("subject { } purpose: \"hiring\" [personal data withheld]", SafeText.of(REQUEST));
    try (SemanasClient client =
        SemanasClient.builder("https://localhost").bearerToken("s3cret").build()) {
      assertFalse((client + "" + client.async()).contains("s3cret"));
    }
  }

  /** A record prints its components, unless it says otherwise; other classes print their names. */
  @Test
  void everyTypeOfOursThatHoldsAMessageSaysItselfWhatItPrints() throws Exception {
    Path ours = Path.of(SemanasClient.class.getResource("SemanasClient.class").toURI()).getParent();
    Path root = ours.getParent().getParent().getParent();
    List<Path> files;
    try (Stream<Path> found = Files.walk(ours)) {
      files = found.filter(file -> file.toString().endsWith(".class")).toList();
    }
    List<String> holding = new ArrayList<>();
    for (Path file : files) {
      String name = root.relativize(file).toString().replaceFirst("\\.class$", "");
      Class<?> type = Class.forName(name.replace(file.getFileSystem().getSeparator(), "."));
      if (!type.isRecord()) {
        continue;
      }
      for (RecordComponent component : type.getRecordComponents()) {
        if (MessageOrBuilder.class.isAssignableFrom(component.getType())) {
          holding.add(type.getSimpleName());
          // The one that the compiler makes, which prints every component, is final.
          int modifiers = type.getDeclaredMethod("toString").getModifiers();
          assertFalse(Modifier.isFinal(modifiers), type + " needs a toString of its own");
        }
      }
    }
    assertTrue(
        holding.containsAll(List.of("Snapshot", "Event", "Job", "Shown")), holding::toString);
  }

  @Test
  void theFakeTellsAStoryUnlessItIsToldAnother() {
    FakeWorkHistories refusing =
        new FakeWorkHistories() {
          @Override
          public void lookupNss(
              LookupNssRequest request, StreamObserver<LookupNssResponse> answer) {
            throw Refusal.of(Status.Code.NOT_FOUND, "NSS_NOT_FOUND", "there is none").asException();
          }
        };
    try (SemanasServer server = SemanasServer.startFake(refusing);
        SemanasClient client = server.client()) {
      assertEquals(Health.SERVING, client.health());
      SemanasException refused =
          assertThrows(
              SemanasException.NotFound.class,
              () -> client.lookupNss(LookupNssRequest.getDefaultInstance()));
      assertEquals("NSS_NOT_FOUND", refused.reason());
      WorkHistoryJob job = client.getWorkHistoryWhenDone(REQUEST);
      assertEquals(1, job.getWorkHistory().getEmploymentsCount());
      assertEquals(3, client.watchWorkHistory(job.getJobId()).stream().count());
      assertEquals(job, client.getWorkHistory(job.getJobId()));
      assertThrows(SemanasException.NotFound.class, () -> client.cancelWorkHistory("wh_no"));
      JobFilter all = JobFilter.getDefaultInstance();
      assertEquals(1, SemanasClient.stream(client.listWorkHistories(all)).count());
      try (Watch<FeedUpdate> feed =
          client.watchWorkHistories(WatchWorkHistoriesRequest.getDefaultInstance())) {
        assertEquals("Job[wh_fake_1, SUCCEEDED]", feed.next().toString());
        assertEquals("Synced[]", feed.next().toString());
      }
    }
  }

  /** Runs a program with this classpath, against a server. */
  private static String run(SemanasServer server, String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>();
    command.add(System.getProperty("java.home") + "/bin/java");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(arguments));
    ProcessBuilder building = new ProcessBuilder(command).redirectErrorStream(true);
    building.environment().put("SEMANAS_SERVER", server.endpoint());
    Process process = building.start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), printed);
    return printed;
  }

  @Test
  void theExampleOfTheReadmeRunsAsWritten(@TempDir Path folder) throws Exception {
    Path program = folder.resolve("Example.java");
    Files.writeString(program, fence());
    try (SemanasServer server = SemanasServer.start(new FakeWorkHistories())) {
      String printed = run(server, program.toString());
      assertTrue(printed.contains(" since "), printed);
      assertEquals(server.isReal() ? 3 : 1, printed.lines().count(), printed);
    }
  }

  private static String fence() throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    int from = readme.indexOf("```java\n") + "```java\n".length();
    return readme.substring(from, readme.indexOf("```", from));
  }

  @Test
  void theExampleProgramFollowsAJobToItsEnd() throws Exception {
    try (SemanasServer server = SemanasServer.start(new FakeWorkHistories())) {
      String printed = run(server, "mx.semanas.examples.WatchJob", CURP);
      assertTrue(printed.contains("STARTED"), printed);
      assertTrue(printed.contains("SUCCEEDED: "), printed);
    }
  }

  @Test
  void theVersionIsThatOfTheArtifact() throws IOException {
    String pom = Files.readString(Path.of("pom.xml"));
    Optional<String> version = pom.lines().filter(line -> line.contains("<version>")).findFirst();
    assertEquals("<version>" + SemanasClient.VERSION + "</version>", version.orElse("").strip());
  }
}
