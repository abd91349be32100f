package mx.semanas.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.Supplier;
import mx.semanas.client.SemanasException;
import mx.semanas.v1.ChargeState;
import mx.semanas.v1.GetWorkHistoryRequest;
import mx.semanas.v1.JobFilter;
import mx.semanas.v1.JobState;
import mx.semanas.v1.ListChargesRequest;
import mx.semanas.v1.ListWorkHistoriesRequest;
import mx.semanas.v1.LookupNssRequest;
import mx.semanas.v1.Provider;
import mx.semanas.v1.ResolveWorkHistoryRequest;
import mx.semanas.v1.Subject;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.WatchWorkHistoriesRequest;
import mx.semanas.v1.WatchWorkHistoryRequest;

/** The calls of a case. */
final class Calls {
  private static final long NANOS_PER_MS = 1_000_000;

  private final Face face;

  /** What {@code $job_id} and {@code $cursor} stand for. */
  private String jobId = "";

  private String cursor = "";

  Calls(Face face) {
    this.face = face;
  }

  JsonElement run(JsonObject call) {
    if (call.get("call").getAsString().equals("together")) {
      return together(call.getAsJsonArray("calls"));
    }
    JsonObject told = one(call);
    remember(told);
    return told;
  }

  private JsonObject one(JsonObject call) {
    Options given = new Options(call);
    Options request = new Options(call.getAsJsonObject("request"));
    String job = given.text("job_id").map(this::known).orElse("");
    int stopAfter = given.number("stop_after").orElse(-1);
    Optional<java.time.Duration> cancelAfter = given.span("cancel_after_ms");
    return switch (call.get("call").getAsString()) {
      case "lookup_nss" -> answer(() -> face.lookupNss(lookup(request)), Report::lookup);
      case "submit_work_history" -> answer(() -> face.submit(submit(request)), Report::submitted);
      case "get_work_history_when_done" ->
          answer(() -> face.whenDone(submit(request), given.span("time_limit_ms")), Report::oneJob);
      case "get_work_history" -> {
        GetWorkHistoryRequest.Builder get = GetWorkHistoryRequest.newBuilder().setJobId(job);
        given.number("limit").ifPresent(get::setLimit);
        yield answer(() -> face.get(get.build()), Report::oneJob);
      }
      case "cancel_work_history" -> answer(() -> face.cancel(job), Report::oneJob);
      case "resolve_work_history" -> {
        ResolveWorkHistoryRequest resolve =
            ResolveWorkHistoryRequest.newBuilder()
                .setJobId(job)
                .setCharge(ChargeState.valueOf("CHARGE_STATE_" + given.text("charge").orElse("")))
                .setNote(given.text("note").orElse(""))
                .build();
        yield answer(() -> face.resolve(resolve), Report::oneJob);
      }
      case "list_charges" ->
          answer(
              () -> face.charges(ListChargesRequest.newBuilder().setJobId(job).build()),
              Report::charges);
      case "get_provider_status" -> answer(face::providers, Report::providers);
      case "health" -> answer(face::health, Report::health);
      case "list_work_histories" -> {
        ListWorkHistoriesRequest list =
            ListWorkHistoriesRequest.newBuilder().setFilter(filter(call)).build();
        yield Report.read("jobs", face.list(list, stopAfter), Report::job);
      }
      case "watch_work_history" -> {
        WatchWorkHistoryRequest.Builder watch = WatchWorkHistoryRequest.newBuilder();
        watch.setJobId(job).setCursor(given.text("cursor").map(this::known).orElse(""));
        given.number("limit").ifPresent(watch::setLimit);
        yield Report.read(
            "updates", face.watch(watch.build(), stopAfter, cancelAfter), Report::update);
      }
      case "watch_work_histories" -> {
        WatchWorkHistoriesRequest watch =
            WatchWorkHistoriesRequest.newBuilder()
                .setFilter(filter(call))
                .setCursor(given.text("cursor").map(this::known).orElse(""))
                .build();
        yield Report.read(
            "updates", face.watchAll(watch, stopAfter, cancelAfter), Report::feedUpdate);
      }
      default -> Report.unsupported(call.get("call").getAsString());
    };
  }

  private JsonArray together(JsonArray calls) {
    ExecutorService threads = Executors.newCachedThreadPool();
    try {
      List<Future<JsonObject>> running = new ArrayList<>();
      for (JsonElement call : calls) {
        running.add(threads.submit(() -> one(call.getAsJsonObject())));
      }
      JsonArray results = new JsonArray();
      for (Future<JsonObject> one : running) {
        results.add(one.get());
      }
      return results;
    } catch (InterruptedException | ExecutionException impossible) {
      throw new IllegalStateException(impossible);
    } finally {
      threads.shutdown();
    }
  }

  private String known(String text) {
    return switch (text) {
      case "$job_id" -> jobId;
      case "$cursor" -> cursor;
      default -> text;
    };
  }

  /** Keeps what a result gives for later calls: the last name and the last cursor in it. */
  private void remember(JsonElement told) {
    if (told.isJsonArray()) {
      told.getAsJsonArray().forEach(this::remember);
    } else if (told.isJsonObject()) {
      told.getAsJsonObject()
          .entrySet()
          .forEach(
              entry -> {
                if (entry.getValue() instanceof JsonPrimitive value) {
                  switch (entry.getKey()) {
                    case "job_id" -> jobId = value.getAsString();
                    case "cursor", "watch_cursor" -> cursor = value.getAsString();
                    default -> {}
                  }
                } else if (!entry.getKey().equals("metadata")) {
                  remember(entry.getValue());
                }
              });
    }
  }

  private static <T> JsonObject answer(Supplier<T> call, Function<T, JsonObject> tell) {
    try {
      JsonObject told = new JsonObject();
      told.add("ok", tell.apply(call.get()));
      return told;
    } catch (SemanasException failed) {
      return Report.failed(failed);
    }
  }

  private static LookupNssRequest lookup(Options given) {
    LookupNssRequest.Builder request = LookupNssRequest.newBuilder();
    given.text("curp").ifPresent(request::setCurp);
    given.span("max_age_ms").map(Calls::duration).ifPresent(request::setMaxAge);
    request.setAllowRepeatCharge(given.isSet("allow_repeat_charge"));
    given.text("purpose").ifPresent(request::setPurpose);
    given.text("consent_reference").ifPresent(request::setConsentReference);
    return request.build();
  }

  private static SubmitWorkHistoryRequest submit(Options given) {
    Subject.Builder subject = Subject.newBuilder();
    given.text("curp").ifPresent(subject::setCurp);
    given.text("nss").ifPresent(subject::setNss);
    given.text("given_names").ifPresent(subject::setGivenNames);
    given.text("paternal_surname").ifPresent(subject::setPaternalSurname);
    given.text("maternal_surname").ifPresent(subject::setMaternalSurname);
    SubmitWorkHistoryRequest.Builder request = SubmitWorkHistoryRequest.newBuilder();
    request.setSubject(subject);
    given.number("limit").ifPresent(request::setLimit);
    given.text("request_id").ifPresent(request::setRequestId);
    given.span("max_age_ms").map(Calls::duration).ifPresent(request::setMaxAge);
    request.setAllowRepeatCharge(given.isSet("allow_repeat_charge"));
    given
        .text("provider")
        .ifPresent(name -> request.setProvider(Provider.valueOf("PROVIDER_" + name)));
    given.text("purpose").ifPresent(request::setPurpose);
    given.text("consent_reference").ifPresent(request::setConsentReference);
    if (given.given().has("labels")) {
      given
          .given()
          .getAsJsonObject("labels")
          .entrySet()
          .forEach(label -> request.putLabels(label.getKey(), label.getValue().getAsString()));
    }
    return request.build();
  }

  private static JobFilter filter(JsonObject call) {
    JobFilter.Builder filter = JobFilter.newBuilder();
    JsonObject given = call.getAsJsonObject("filter");
    if (given != null && given.has("states")) {
      given
          .getAsJsonArray("states")
          .forEach(name -> filter.addStates(JobState.valueOf("JOB_STATE_" + name.getAsString())));
    }
    if (given != null && given.has("labels")) {
      given
          .getAsJsonObject("labels")
          .entrySet()
          .forEach(label -> filter.putLabels(label.getKey(), label.getValue().getAsString()));
    }
    return filter.build();
  }

  private static Duration duration(java.time.Duration span) {
    long nanos = span.toMillis() % 1_000 * NANOS_PER_MS;
    return Duration.newBuilder().setSeconds(span.toSeconds()).setNanos((int) nanos).build();
  }
}
