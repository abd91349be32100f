package mx.semanas.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import mx.semanas.client.Attempt;
import mx.semanas.client.Hooks;
import mx.semanas.client.RetryPolicy;
import mx.semanas.client.SemanasClient;
import mx.semanas.client.SemanasClientBuilder;
import mx.semanas.client.SemanasException;
import mx.semanas.client.WatchOptions;
import mx.semanas.client.opentelemetry.OpenTelemetryTracing;

/** Reads a case a line, and prints what the client made of it. */
public final class Driver {
  /** Any that is not zero. */
  private static final String CALLERS_SPAN = "b7ad6b7169203331";

  private static final OpenTelemetry TELEMETRY =
      OpenTelemetrySdk.builder()
          .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
          .build();

  private Driver() {}

  /** Runs cases until the end of input. */
  public static void main(String[] arguments) throws IOException {
    boolean isAsync = List.of(arguments).contains("async");
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonObject told = run(JsonParser.parseString(line).getAsJsonObject(), isAsync);
      out.println(told);
    }
  }

  // The caller's trace is in force while it is open; nobody has to name it.
  @SuppressWarnings("try")
  private static JsonObject run(JsonObject given, boolean isAsync) {
    List<JsonObject> attempts = Collections.synchronizedList(new ArrayList<>());
    AtomicInteger number = new AtomicInteger();
    Hooks hooks =
        new Hooks() {
          @Override
          public void attempt(Attempt attempt) {
            JsonObject one = new JsonObject();
            one.addProperty("call", number.get());
            one.addProperty("method", attempt.method());
            one.addProperty("number", attempt.number());
            one.addProperty("code", attempt.code().name());
            attempts.add(one);
          }
        };
    JsonArray results = new JsonArray();
    JsonArray calls = given.getAsJsonArray("calls");
    try (SemanasClient client = client(given, hooks);
        Scope inTrace = callersContext(given).makeCurrent()) {
      Face face = isAsync ? new AsyncFace(client.async()) : new BlockingFace(client);
      Calls made = new Calls(face);
      for (JsonElement call : calls) {
        results.add(made.run(call.getAsJsonObject()));
        number.incrementAndGet();
      }
    } catch (SemanasException failed) {
      for (int call = 0; call < calls.size(); call++) {
        results.add(Report.failed(failed));
      }
    }
    JsonArray tried = new JsonArray();
    List.copyOf(attempts).forEach(tried::add);
    JsonObject told = new JsonObject();
    told.add("case", given.get("case"));
    told.add("results", results);
    told.add("attempts", tried);
    return told;
  }

  private static SemanasClient client(JsonObject given, Hooks hooks) {
    SemanasClientBuilder builder =
        SemanasClient.builder(given.get("endpoint").getAsString()).hooks(hooks);
    Options options = new Options(given.getAsJsonObject("options"));
    options.span("unary_deadline_ms").ifPresent(builder::unaryDeadline);
    if (options.isNull("unary_deadline_ms")) {
      builder.noUnaryDeadline();
    }
    options.span("connect_timeout_ms").ifPresent(builder::connectTimeout);
    options.text("ca_certificate_pem").ifPresent(builder::caCertificatePem);
    options.text("user_agent").ifPresent(builder::userAgent);
    if (options.text("trace_id").isPresent()) {
      builder.tracing(OpenTelemetryTracing.of(TELEMETRY));
    }
    if (options.isSet("allow_plaintext")) {
      builder.allowPlaintext();
    }
    builder.retry(policy(options, "retry", "retry", RetryPolicy.CALLS));
    WatchOptions watch =
        WatchOptions.DEFAULT
            .withResume(policy(options, "watch_resume", "watch", RetryPolicy.WATCHES))
            .withReportsStale(options.isSet("watch_reports_stale"));
    Duration heartbeat =
        options.span("watch_heartbeat_interval_ms").orElse(watch.heartbeatInterval());
    builder.watch(watch.withHeartbeatInterval(heartbeat));
    credentials(builder, given.getAsJsonObject("credentials"));
    return builder.build();
  }

  /** With a span of the case's trace, if it names one. */
  private static Context callersContext(JsonObject given) {
    return new Options(given.getAsJsonObject("options"))
        .text("trace_id")
        .map(
            trace ->
                SpanContext.createFromRemoteParent(
                    trace, CALLERS_SPAN, TraceFlags.getSampled(), TraceState.getDefault()))
        .map(span -> Context.root().with(Span.wrap(span)))
        .orElse(Context.root());
  }

  private static void credentials(SemanasClientBuilder builder, JsonObject given) {
    Options credentials = new Options(given);
    credentials.text("bearer_token").ifPresent(builder::bearerToken);
    if (given != null && given.has("bearer_tokens")) {
      Iterator<JsonElement> tokens = given.getAsJsonArray("bearer_tokens").iterator();
      String[] last = new String[1];
      builder.tokenSource(
          () -> {
            synchronized (last) {
              if (tokens.hasNext()) {
                last[0] = tokens.next().getAsString();
              }
              return last[0];
            }
          });
    }
    String certificate = credentials.text("client_certificate_pem").orElse(null);
    String key = credentials.text("client_key_pem").orElse(null);
    if (certificate != null || key != null) {
      builder.clientCertificatePem(certificate, key);
    }
  }

  private static RetryPolicy policy(
      Options options, String name, String prefix, RetryPolicy otherwise) {
    if (options.text(name).filter("off"::equals).isPresent()) {
      return RetryPolicy.OFF;
    }
    return new RetryPolicy(
        options.number(prefix + "_tries_max").orElse(otherwise.triesMax()),
        options.span(prefix + "_delay_first_ms").orElse(otherwise.delayFirst()),
        options.span(prefix + "_delay_max_ms").orElse(otherwise.delayMax()),
        options.span(prefix + "_retry_after_max_ms").orElse(otherwise.serverDelayMax()));
  }
}
