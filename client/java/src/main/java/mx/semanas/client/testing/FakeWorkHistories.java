package mx.semanas.client.testing;

import com.google.protobuf.Duration;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import mx.semanas.v1.CancelWorkHistoryRequest;
import mx.semanas.v1.CancelWorkHistoryResponse;
import mx.semanas.v1.Date;
import mx.semanas.v1.Disposition;
import mx.semanas.v1.Employment;
import mx.semanas.v1.FeedSynced;
import mx.semanas.v1.GetWorkHistoryRequest;
import mx.semanas.v1.GetWorkHistoryResponse;
import mx.semanas.v1.JobEvent;
import mx.semanas.v1.JobSnapshot;
import mx.semanas.v1.JobState;
import mx.semanas.v1.ListWorkHistoriesRequest;
import mx.semanas.v1.ListWorkHistoriesResponse;
import mx.semanas.v1.LookupNssRequest;
import mx.semanas.v1.LookupNssResponse;
import mx.semanas.v1.Person;
import mx.semanas.v1.SnapshotCause;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WatchWorkHistoriesRequest;
import mx.semanas.v1.WatchWorkHistoriesResponse;
import mx.semanas.v1.WatchWorkHistoryRequest;
import mx.semanas.v1.WatchWorkHistoryResponse;
import mx.semanas.v1.WorkHistory;
import mx.semanas.v1.WorkHistoryJob;
import mx.semanas.v1.WorkHistoryServiceGrpc;

/**
 * A fake that tells a story of its own: every person has an NSS and a work history with one
 * employment, every job succeeds after two events, and nothing is charged. Every name and number is
 * invented. Override what should answer otherwise; {@link Refusal} makes errors. Methods are called
 * by many threads at once.
 */
public class FakeWorkHistories extends WorkHistoryServiceGrpc.WorkHistoryServiceImplBase {
  private static final String NSS = "12345678903";
  private static final int CURP_LENGTH = 18;

  /** The states after the job's events: its acceptance, its start, its end. */
  private static final List<JobState> STATES =
      List.of(JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_SUCCEEDED);

  private static final String CURSOR = "fake-";
  private static final Duration HOUR = Duration.newBuilder().setSeconds(3600).build();

  /** In the order in which they were submitted, as they end. */
  private final List<WorkHistoryJob> jobs = Collections.synchronizedList(new ArrayList<>());

  /** A fake without jobs. */
  public FakeWorkHistories() {}

  @Override
  public void lookupNss(LookupNssRequest request, StreamObserver<LookupNssResponse> answer) {
    checkCurp(request.getCurp());
    give(
        answer,
        LookupNssResponse.newBuilder()
            .setNss(NSS)
            .setDisposition(Disposition.DISPOSITION_STARTED)
            .build());
  }

  @Override
  public void submitWorkHistory(
      SubmitWorkHistoryRequest request, StreamObserver<SubmitWorkHistoryResponse> answer) {
    String curp = request.getSubject().getCurp().toUpperCase(Locale.ROOT);
    checkCurp(curp);
    WorkHistoryJob job;
    synchronized (jobs) {
      job =
          WorkHistoryJob.newBuilder()
              .setJobId("wh_fake_" + (jobs.size() + 1))
              .setState(JobState.JOB_STATE_SUCCEEDED)
              .setEventSequence(STATES.size())
              .setWorkHistory(history(curp))
              .setLimit(request.getLimit())
              .putAllLabels(request.getLabelsMap())
              .setPurpose(request.getPurpose())
              .build();
      jobs.add(job);
    }
    give(
        answer,
        SubmitWorkHistoryResponse.newBuilder()
            .setJob(at(job, 1))
            .setDisposition(Disposition.DISPOSITION_STARTED)
            .setWatchCursor(CURSOR + 1)
            .build());
  }

  @Override
  public void watchWorkHistory(
      WatchWorkHistoryRequest request, StreamObserver<WatchWorkHistoryResponse> answer) {
    WorkHistoryJob job = find(request.getJobId());
    int seen = 1;
    if (request.getCursor().startsWith(CURSOR)) {
      seen = Integer.parseInt(request.getCursor().substring(CURSOR.length()));
    } else {
      JobSnapshot snapshot =
          JobSnapshot.newBuilder()
              .setJob(at(job, 1))
              .setHeartbeatInterval(HOUR)
              .setCause(SnapshotCause.SNAPSHOT_CAUSE_START)
              .build();
      answer.onNext(message(1).setSnapshot(snapshot).build());
    }
    for (int sequence = seen + 1; sequence <= STATES.size(); sequence++) {
      JobEvent.Builder event =
          JobEvent.newBuilder().setSequence(sequence).setState(STATES.get(sequence - 1));
      if (sequence == STATES.size()) {
        event.setJob(job);
      }
      answer.onNext(message(sequence).setEvent(event).build());
    }
    answer.onCompleted();
  }

  private static WatchWorkHistoryResponse.Builder message(int sequence) {
    return WatchWorkHistoryResponse.newBuilder()
        .setCursor(CURSOR + sequence)
        .setTerminal(sequence == STATES.size());
  }

  @Override
  public void getWorkHistory(
      GetWorkHistoryRequest request, StreamObserver<GetWorkHistoryResponse> answer) {
    give(answer, GetWorkHistoryResponse.newBuilder().setJob(find(request.getJobId())).build());
  }

  @Override
  public void cancelWorkHistory(
      CancelWorkHistoryRequest request, StreamObserver<CancelWorkHistoryResponse> answer) {
    give(answer, CancelWorkHistoryResponse.newBuilder().setJob(find(request.getJobId())).build());
  }

  @Override
  public void listWorkHistories(
      ListWorkHistoriesRequest request, StreamObserver<ListWorkHistoriesResponse> answer) {
    give(answer, ListWorkHistoriesResponse.newBuilder().addAllJobs(newestFirst()).build());
  }

  /** Gives the jobs that are there, and then waits until it is left. */
  @Override
  public void watchWorkHistories(
      WatchWorkHistoriesRequest request, StreamObserver<WatchWorkHistoriesResponse> answer) {
    for (WorkHistoryJob job : newestFirst()) {
      answer.onNext(
          WatchWorkHistoriesResponse.newBuilder().setCursor(CURSOR + "feed").setJob(job).build());
    }
    FeedSynced synced = FeedSynced.newBuilder().setHeartbeatInterval(HOUR).build();
    answer.onNext(
        WatchWorkHistoriesResponse.newBuilder()
            .setCursor(CURSOR + "feed")
            .setSynced(synced)
            .build());
  }

  /**
   * Answers a call with one message.
   *
   * @param answer to whom
   * @param message the answer
   * @param <T> its type
   */
  protected static <T> void give(StreamObserver<T> answer, T message) {
    answer.onNext(message);
    answer.onCompleted();
  }

  private static void checkCurp(String curp) {
    if (curp.length() != CURP_LENGTH) {
      throw Refusal.of(
              Status.Code.INVALID_ARGUMENT, "INVALID_CURP", "the CURP must have 18 characters")
          .asException();
    }
  }

  private WorkHistoryJob find(String jobId) {
    return List.copyOf(jobs).stream()
        .filter(job -> job.getJobId().equals(jobId))
        .findFirst()
        .orElseThrow(
            () ->
                Refusal.of(Status.Code.NOT_FOUND, "JOB_NOT_FOUND", "there is no such job")
                    .asException());
  }

  private List<WorkHistoryJob> newestFirst() {
    List<WorkHistoryJob> listed = new ArrayList<>();
    for (WorkHistoryJob job : List.copyOf(jobs)) {
      listed.add(0, job.toBuilder().clearWorkHistory().build());
    }
    return listed;
  }

  /** The job as it stood after its event of that number. */
  private static WorkHistoryJob at(WorkHistoryJob job, int sequence) {
    return job.toBuilder()
        .setState(STATES.get(sequence - 1))
        .setEventSequence(sequence)
        .clearWorkHistory()
        .build();
  }

  private static WorkHistory history(String curp) {
    Person person =
        Person.newBuilder().setCurp(curp).setNss(NSS).setFullName("PERSONA DE PRUEBA").build();
    Employment employment =
        Employment.newBuilder()
            .setEmployer("EMPRESA DE PRUEBA SA DE CV")
            .setStartDate(Date.newBuilder().setYear(2023).setMonth(1).setDay(2))
            .setCurrent(true)
            .build();
    return WorkHistory.newBuilder()
        .setPerson(person)
        .addEmployments(employment)
        .setEmploymentCount(1)
        .build();
  }
}
