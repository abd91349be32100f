package mx.semanas.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import mx.semanas.client.FeedUpdate;
import mx.semanas.client.Health;
import mx.semanas.client.JobUpdate;
import mx.semanas.client.Names;
import mx.semanas.client.SemanasException;
import mx.semanas.v1.Charge;
import mx.semanas.v1.ChargeState;
import mx.semanas.v1.Disposition;
import mx.semanas.v1.ErrorReason;
import mx.semanas.v1.LookupNssResponse;
import mx.semanas.v1.Provider;
import mx.semanas.v1.ProviderStatus;
import mx.semanas.v1.SnapshotCause;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WorkHistoryJob;

/** What a client gave, in the protocol's words. */
final class Report {
  private Report() {}

  static JsonObject lookup(LookupNssResponse answer) {
    JsonObject told = new JsonObject();
    told.addProperty("nss", answer.getNss());
    told.addProperty("disposition", disposition(answer.getDispositionValue()));
    return told;
  }

  static JsonObject submitted(SubmitWorkHistoryResponse answer) {
    JsonObject told = oneJob(answer.getJob());
    told.addProperty("disposition", disposition(answer.getDispositionValue()));
    told.addProperty("watch_cursor", answer.getWatchCursor());
    return told;
  }

  private static String disposition(int number) {
    return Names.of(Disposition.getDescriptor(), number);
  }

  static JsonObject oneJob(WorkHistoryJob job) {
    JsonObject told = new JsonObject();
    told.add("job", job(job));
    return told;
  }

  static JsonObject job(WorkHistoryJob job) {
    JsonObject told = new JsonObject();
    told.addProperty("job_id", job.getJobId());
    told.addProperty("state", Names.ofState(job));
    told.addProperty("sequence", job.getEventSequence());
    told.addProperty("terminal", Names.isTerminal(job.getState()));
    told.addProperty("attempts", job.getAttemptsCount());
    told.add("labels", map(job.getLabelsMap()));
    if (job.hasWorkHistory()) {
      told.addProperty("employments", job.getWorkHistory().getEmploymentsCount());
    }
    if (job.hasFailure()) {
      int reason = job.getFailure().getReasonValue();
      told.addProperty("reason", Names.of(ErrorReason.getDescriptor(), reason));
    }
    return told;
  }

  static JsonObject charges(List<Charge> rows) {
    JsonArray all = new JsonArray();
    for (Charge row : rows) {
      JsonObject one = new JsonObject();
      one.addProperty("charge_id", row.getChargeId());
      one.addProperty("job_id", row.getJobId());
      one.addProperty("state", Names.of(ChargeState.getDescriptor(), row.getStateValue()));
      all.add(one);
    }
    JsonObject told = new JsonObject();
    told.add("charges", all);
    return told;
  }

  static JsonObject providers(List<ProviderStatus> states) {
    JsonArray all = new JsonArray();
    for (ProviderStatus state : states) {
      JsonObject one = new JsonObject();
      one.addProperty("provider", Names.of(Provider.getDescriptor(), state.getProviderValue()));
      one.addProperty("configured", state.getConfigured());
      all.add(one);
    }
    JsonObject told = new JsonObject();
    told.add("providers", all);
    return told;
  }

  static JsonObject health(Health health) {
    JsonObject told = new JsonObject();
    told.addProperty("health", health.name());
    return told;
  }

  static JsonObject update(JobUpdate update) {
    JsonObject told = new JsonObject();
    told.addProperty("cursor", update.cursor());
    if (update instanceof JobUpdate.Snapshot snapshot) {
      told.addProperty("kind", "snapshot");
      told.addProperty("cause", cause(snapshot.snapshot().getCauseValue()));
      told.addProperty("terminal", update.isTerminal());
    } else if (update instanceof JobUpdate.Event event) {
      told.addProperty("kind", "event");
      told.addProperty("sequence", event.event().getSequence());
      told.addProperty("state", update.stateName());
      told.addProperty("terminal", update.isTerminal());
    } else {
      told.addProperty("kind", "stale");
    }
    update.job().ifPresent(job -> told.add("job", job(job)));
    return told;
  }

  static JsonObject feedUpdate(FeedUpdate update) {
    JsonObject told = new JsonObject();
    told.addProperty("cursor", update.cursor());
    if (update instanceof FeedUpdate.Job changed) {
      told.addProperty("kind", "job");
      told.add("job", job(changed.job()));
    } else if (update instanceof FeedUpdate.Reset reset) {
      told.addProperty("kind", "reset");
      told.addProperty("cause", cause(reset.reset().getCauseValue()));
    } else {
      told.addProperty("kind", update instanceof FeedUpdate.Synced ? "synced" : "stale");
    }
    return told;
  }

  private static String cause(int number) {
    return Names.of(SnapshotCause.getDescriptor(), number);
  }

  static <T> JsonObject read(String name, Face.Read<T> read, Function<T, JsonObject> tell) {
    JsonArray items = new JsonArray();
    read.items().forEach(item -> items.add(tell.apply(item)));
    JsonElement end = new JsonPrimitive(read.isStopped() ? "stopped" : "done");
    JsonObject told = new JsonObject();
    told.add(name, items);
    told.add("end", read.failed() == null ? end : error(read.failed()));
    return told;
  }

  static JsonObject failed(SemanasException failed) {
    JsonObject told = new JsonObject();
    told.add("error", error(failed));
    return told;
  }

  static JsonObject unsupported(String call) {
    JsonObject told = new JsonObject();
    told.addProperty("unsupported", "there is no call " + call);
    return told;
  }

  private static JsonObject error(SemanasException failed) {
    JsonObject told = new JsonObject();
    told.addProperty("kind", failed.kind());
    failed.code().ifPresent(code -> told.addProperty("code", code.name()));
    told.addProperty("reason", failed.reason());
    told.addProperty("known", failed.knownReason().isPresent());
    told.addProperty("domain", failed.domain());
    told.add("metadata", map(failed.metadata()));
    failed.retryDelay().ifPresent(delay -> told.addProperty("retry_delay_ms", delay.toMillis()));
    JsonArray violations = new JsonArray();
    failed
        .violations()
        .forEach(
            violation -> {
              JsonObject one = new JsonObject();
              one.addProperty("field", violation.field());
              one.addProperty("description", violation.description());
              violations.add(one);
            });
    told.add("violations", violations);
    told.addProperty("message", failed.text());
    if (failed instanceof SemanasException.JobNotSucceeded ended) {
      told.add("job", job(ended.job()));
    }
    failed.jobId().ifPresent(job -> told.addProperty("job_id", job));
    failed.cursor().ifPresent(cursor -> told.addProperty("cursor", cursor));
    return told;
  }

  private static JsonObject map(Map<String, String> values) {
    JsonObject told = new JsonObject();
    values.forEach(told::addProperty);
    return told;
  }
}
