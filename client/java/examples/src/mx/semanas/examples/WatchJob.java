package mx.semanas.examples;

import java.util.Optional;
import mx.semanas.client.JobUpdate;
import mx.semanas.client.Names;
import mx.semanas.client.SemanasClient;
import mx.semanas.client.SemanasException;
import mx.semanas.client.Watch;
import mx.semanas.v1.Disposition;
import mx.semanas.v1.ErrorReason;
import mx.semanas.v1.JobStage;
import mx.semanas.v1.Subject;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WatchWorkHistoryRequest;
import mx.semanas.v1.WorkHistoryJob;

/**
 * Submits one person and shows how the job goes, event by event, until it has ended. When it is
 * interrupted, it has said after each event how to go on from there.
 */
public final class WatchJob {
  private static final String USAGE = "usage: WatchJob CURP | WatchJob --job JOB_ID [CURSOR]";

  private WatchJob() {}

  /**
   * Exits with 1 when there is no work history in the end, and with 2 when it is called wrongly.
   */
  public static void main(String[] arguments) {
    if (arguments.length < 1 || arguments.length > 3) {
      System.err.println(USAGE);
      System.exit(2);
    }
    String server = Optional.ofNullable(System.getenv("SEMANAS_SERVER")).orElse("");
    try (SemanasClient client =
        SemanasClient.builder(server.isEmpty() ? "http://127.0.0.1:50051" : server).build()) {
      follow(client, begin(client, arguments));
    } catch (SemanasException failed) {
      System.err.println("error: " + advice(failed));
      System.exit(1);
    }
  }

  private static WatchWorkHistoryRequest begin(SemanasClient client, String[] arguments) {
    WatchWorkHistoryRequest.Builder watch = WatchWorkHistoryRequest.newBuilder();
    if (arguments[0].equals("--job") && arguments.length > 1) {
      watch.setJobId(arguments[1]);
      return watch.setCursor(arguments.length > 2 ? arguments[2] : "").build();
    }
    Subject.Builder subject = Subject.newBuilder().setCurp(arguments[0]);
    SubmitWorkHistoryResponse submitted =
        client.submitWorkHistory(SubmitWorkHistoryRequest.newBuilder().setSubject(subject).build());
    String disposition = Names.of(Disposition.getDescriptor(), submitted.getDispositionValue());
    System.out.println(submitted.getJob().getJobId() + " " + disposition);
    return watch.setJobId(submitted.getJob().getJobId()).build();
  }

  private static void follow(SemanasClient client, WatchWorkHistoryRequest request) {
    try (Watch<JobUpdate> watch = client.watchWorkHistory(request)) {
      while (watch.hasNext()) {
        JobUpdate update = watch.next();
        if (update instanceof JobUpdate.Event event) {
          String stage = Names.of(JobStage.getDescriptor(), event.event().getStageValue());
          System.out.printf("%3d %s %s%n", event.event().getSequence(), update.stateName(), stage);
        }
        if (update.isTerminal()) {
          update.job().ifPresent(WatchJob::showEnd);
        } else {
          System.err.println("go on: --job " + request.getJobId() + " " + update.cursor());
        }
      }
    }
  }

  private static void showEnd(WorkHistoryJob job) {
    if (job.hasFailure()) {
      String reason = Names.of(ErrorReason.getDescriptor(), job.getFailure().getReasonValue());
      System.out.println(Names.ofState(job) + ": " + reason + ": " + job.getFailure().getMessage());
      return;
    }
    System.out.printf(
        "%s: %d employments, %d weeks%n",
        Names.ofState(job),
        job.getWorkHistory().getEmploymentsCount(),
        job.getWorkHistory().getWeeks().getTotal());
  }

  /** What the person at the keyboard can do. */
  private static String advice(SemanasException failed) {
    String more =
        failed instanceof SemanasException.Unavailable
            ? "\nis the server there? start one with: semanas demo --serve"
            : failed.retryDelay().map(delay -> "\ntry again in " + delay).orElse("");
    return failed.getMessage() + more;
  }
}
