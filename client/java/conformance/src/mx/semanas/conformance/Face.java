package mx.semanas.conformance;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import mx.semanas.client.FeedUpdate;
import mx.semanas.client.Health;
import mx.semanas.client.JobUpdate;
import mx.semanas.client.SemanasException;
import mx.semanas.v1.GetWorkHistoryRequest;
import mx.semanas.v1.ListChargesRequest;
import mx.semanas.v1.ListChargesResponse;
import mx.semanas.v1.ListWorkHistoriesRequest;
import mx.semanas.v1.LookupNssRequest;
import mx.semanas.v1.LookupNssResponse;
import mx.semanas.v1.ProviderStatus;
import mx.semanas.v1.ResolveWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WatchWorkHistoriesRequest;
import mx.semanas.v1.WatchWorkHistoryRequest;
import mx.semanas.v1.WorkHistoryJob;

/** One of the client's faces, as the cases call it. */
interface Face {
  LookupNssResponse lookupNss(LookupNssRequest request);

  SubmitWorkHistoryResponse submit(SubmitWorkHistoryRequest request);

  WorkHistoryJob whenDone(SubmitWorkHistoryRequest request, Optional<Duration> timeLimit);

  WorkHistoryJob get(GetWorkHistoryRequest request);

  WorkHistoryJob cancel(String jobId);

  WorkHistoryJob resolve(ResolveWorkHistoryRequest request);

  List<ProviderStatus> providers();

  Health health();

  /** All rows. */
  List<mx.semanas.v1.Charge> charges(ListChargesRequest request);

  Read<WorkHistoryJob> list(ListWorkHistoriesRequest request, int stopAfter);

  Read<JobUpdate> watch(WatchWorkHistoryRequest request, int stopAfter, Optional<Duration> cancel);

  Read<FeedUpdate> watchAll(
      WatchWorkHistoriesRequest request, int stopAfter, Optional<Duration> cancel);

  /** What was read, and how it ended: with an error, by the reader, or by itself. */
  record Read<T>(List<T> items, SemanasException failed, boolean isStopped) {}

  /** For faces that have pages and no lists. */
  static List<mx.semanas.v1.Charge> allCharges(
      ListChargesRequest request, Function<ListChargesRequest, ListChargesResponse> fetch) {
    List<mx.semanas.v1.Charge> rows = new java.util.ArrayList<>();
    String token = request.getPageToken();
    do {
      ListChargesResponse page = fetch.apply(request.toBuilder().setPageToken(token).build());
      rows.addAll(page.getChargesList());
      token = page.getNextPageToken();
    } while (!token.isEmpty());
    return rows;
  }
}
