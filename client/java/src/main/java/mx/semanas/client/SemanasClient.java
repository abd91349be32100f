package mx.semanas.client;

import io.grpc.Channel;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import mx.semanas.v1.Charge;
import mx.semanas.v1.GetWorkHistoryRequest;
import mx.semanas.v1.JobFilter;
import mx.semanas.v1.ListChargesRequest;
import mx.semanas.v1.ListChargesResponse;
import mx.semanas.v1.ListWorkHistoriesRequest;
import mx.semanas.v1.ListWorkHistoriesResponse;
import mx.semanas.v1.LookupNssRequest;
import mx.semanas.v1.LookupNssResponse;
import mx.semanas.v1.ProviderStatus;
import mx.semanas.v1.ResolveWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WatchWorkHistoriesRequest;
import mx.semanas.v1.WatchWorkHistoryRequest;
import mx.semanas.v1.WorkHistoryJob;

/**
 * Calls one Semanas deployment. The methods wait for their answer; {@link #async} has those that do
 * not. One client serves a whole program: it is safe for many threads, and they share a connection.
 *
 * <p>All methods throw a {@link SemanasException}: {@link SemanasException.Cancelled} when their
 * thread is interrupted, which ends the call.
 */
public final class SemanasClient implements AutoCloseable {
  /** This client's version; servers see it in the user agent. */
  public static final String VERSION = "0.1.0";

  private final SemanasAsyncClient async;

  SemanasClient(SemanasAsyncClient async) {
    this.async = async;
  }

  /**
   * Begins a client of the server at an endpoint. Nothing is sent before the first call.
   *
   * @param endpoint {@code https://host[:port]}, or {@code http://} for a server on this machine
   * @return its builder
   */
  public static Builder builder(String endpoint) {
    return new Builder(endpoint, null);
  }

  /**
   * Begins a client over a channel of the caller's making: other transports, balancing, own TLS.
   * Options that are about the connection are refused, and {@link #close} leaves it open. Build it
   * with {@code disableRetry()}: grpc-java does not know which calls may be repeated.
   *
   * @param channel the channel
   * @return its builder
   */
  public static Builder over(Channel channel) {
    return new Builder(null, channel);
  }

  /**
   * The same client for those who do not wait.
   *
   * @return a client that shares the connection, and is closed with this one
   */
  public SemanasAsyncClient async() {
    return async;
  }

  /**
   * The generated stubs over the same connection, without our retries and typed errors.
   *
   * @return the stubs
   */
  public Raw raw() {
    return new Raw(async.connection(), async.settings());
  }

  /**
   * The same client with another deadline for its unary calls.
   *
   * @param deadline for a call with all its tries
   * @return a client that shares the connection
   */
  public SemanasClient withUnaryDeadline(Duration deadline) {
    return new SemanasClient(async.withUnaryDeadline(deadline));
  }

  /**
   * Gives the NSS for a CURP. It takes as long as the provider does, within the deadline; after
   * {@link SemanasException.DeadlineExceeded} the lookup goes on, and the same call later gets its
   * answer. A lookup that asks for a new purchase is made again only where the server itself says
   * that nothing was bought.
   *
   * @param request the person
   * @return the NSS
   * @throws SemanasException NotFound and FailedPrecondition are definite answers about the person
   */
  public LookupNssResponse lookupNss(LookupNssRequest request) {
    return Waiting.get(async.lookupNss(request));
  }

  /**
   * Starts or joins a job, or gets a recent answer. A request without a request_id is sent with
   * one, so that a retry after a broken connection gets the same job.
   *
   * @param request the person, and what is wanted
   * @return the job at once, as it stands
   */
  public SubmitWorkHistoryResponse submitWorkHistory(SubmitWorkHistoryRequest request) {
    return Waiting.get(async.submitWorkHistory(request));
  }

  /**
   * Follows a job from its beginning until it ends.
   *
   * @param jobId the job
   * @return the updates
   * @see #watchWorkHistory(WatchWorkHistoryRequest)
   */
  public Watch<JobUpdate> watchWorkHistory(String jobId) {
    return watchWorkHistory(WatchWorkHistoryRequest.newBuilder().setJobId(jobId).build());
  }

  /**
   * Follows a job until it ends, across broken connections and restarts of the server. Without a
   * cursor it begins with a snapshot; then each event comes once, in order, none missing. Close it
   * unless it is read to its end.
   *
   * @param request the job, and perhaps a cursor and a limit
   * @return the updates
   */
  public Watch<JobUpdate> watchWorkHistory(WatchWorkHistoryRequest request) {
    return new Watch<>(reader -> async.watchJob(request, reader));
  }

  /**
   * Follows all jobs that the caller may see, without end. Close it.
   *
   * @param request which jobs, and perhaps a cursor
   * @return the updates
   */
  public Watch<FeedUpdate> watchWorkHistories(WatchWorkHistoriesRequest request) {
    return new Watch<>(reader -> async.watchFeed(request, reader));
  }

  /**
   * Submits, then follows the job to its end, which its own deadline sets.
   *
   * @param request the person, and what is wanted
   * @return the job that SUCCEEDED, with its work history
   * @throws SemanasException.JobNotSucceeded if it ended otherwise
   */
  public WorkHistoryJob getWorkHistoryWhenDone(SubmitWorkHistoryRequest request) {
    return Waiting.get(async.getWorkHistoryWhenDone(request));
  }

  /**
   * Submits, then follows the job to its end.
   *
   * @param request the person, and what is wanted
   * @param timeLimit for all of it
   * @return the job that SUCCEEDED, with its work history
   * @throws SemanasException.JobNotSucceeded if it ended otherwise
   * @throws SemanasException.DeadlineExceeded if the limit has passed; the job goes on, and a watch
   *     of its jobId from its cursor misses nothing
   */
  public WorkHistoryJob getWorkHistoryWhenDone(
      SubmitWorkHistoryRequest request, Duration timeLimit) {
    return Waiting.get(async.getWorkHistoryWhenDone(request, timeLimit));
  }

  /**
   * Gives a job as it stands, with the work history once it is there.
   *
   * @param jobId the job
   * @return the job
   */
  public WorkHistoryJob getWorkHistory(String jobId) {
    return getWorkHistory(GetWorkHistoryRequest.newBuilder().setJobId(jobId).build());
  }

  /**
   * Gives a job as it stands, with the work history once it is there.
   *
   * @param request the job, and perhaps a limit
   * @return the job
   */
  public WorkHistoryJob getWorkHistory(GetWorkHistoryRequest request) {
    return Waiting.get(async.getWorkHistory(request));
  }

  /**
   * Asks a job to stop. Before a paid call it is cancelled at once; a call under way is not thrown
   * away.
   *
   * @param jobId the job
   * @return the job as it stands
   */
  public WorkHistoryJob cancelWorkHistory(String jobId) {
    return Waiting.get(async.cancelWorkHistory(jobId));
  }

  /**
   * All jobs, newest first and without work histories.
   *
   * @param filter which jobs
   * @return the jobs; a page is fetched when it is reached, which may throw
   */
  public Iterable<WorkHistoryJob> listWorkHistories(JobFilter filter) {
    return () -> pages(filter);
  }

  private Iterator<WorkHistoryJob> pages(JobFilter filter) {
    return new Pages<>(
        "",
        token -> {
          ListWorkHistoriesResponse page =
              Waiting.get(
                  async.listWorkHistoriesPage(
                      ListWorkHistoriesRequest.newBuilder()
                          .setFilter(filter)
                          .setPageToken(token)
                          .build()));
          return new Pages.Page<>(page.getJobsList(), page.getNextPageToken());
        });
  }

  /**
   * One page of jobs, for those who hand pages on.
   *
   * @param request which jobs, and which page
   * @return the page
   */
  public ListWorkHistoriesResponse listWorkHistoriesPage(ListWorkHistoriesRequest request) {
    return Waiting.get(async.listWorkHistoriesPage(request));
  }

  /**
   * The ledger of charges, newest first.
   *
   * @param request which rows, and from which page on
   * @return the rows; a page is fetched when it is reached, which may throw
   */
  public Iterable<Charge> listCharges(ListChargesRequest request) {
    return () ->
        new Pages<>(
            request.getPageToken(),
            token -> {
              ListChargesResponse page =
                  Waiting.get(
                      async.listChargesPage(request.toBuilder().setPageToken(token).build()));
              return new Pages.Page<>(page.getChargesList(), page.getNextPageToken());
            });
  }

  /**
   * Gives each provider's state as this deployment sees it.
   *
   * @return one for each provider that Semanas knows
   */
  public List<ProviderStatus> getProviderStatus() {
    return Waiting.get(async.getProviderStatus()).getProvidersList();
  }

  /**
   * Settles a job whose charge is unknown, after the provider's books were asked. It is not made
   * again after a broken connection, when it may have been done.
   *
   * @param request the job, and whether it was charged
   * @return the job
   * @throws SemanasException.FailedPrecondition if there is nothing to settle
   */
  public WorkHistoryJob resolveWorkHistory(ResolveWorkHistoryRequest request) {
    return Waiting.get(async.resolveWorkHistory(request));
  }

  /**
   * Asks the server whether it takes work. Never retried: whoever asks wants to know it as it is.
   *
   * @return UNKNOWN of a server that does not say
   */
  public Health health() {
    return Waiting.get(async.health());
  }

  /**
   * The items of an iterable as a stream.
   *
   * @param items what {@link #listWorkHistories} or {@link #listCharges} gave
   * @param <T> an item
   * @return a sequential stream, as lazy as the iterable
   */
  public static <T> Stream<T> stream(Iterable<T> items) {
    return StreamSupport.stream(items.spliterator(), false);
  }

  /** Closes the connection; calls and watches that are under way end with Cancelled. */
  @Override
  public void close() {
    async.close();
  }

  /** Says no more than what it is: options may hold secrets. */
  @Override
  public String toString() {
    return "SemanasClient";
  }

  /** The choices of a client. Each has a default; a mistake is told by {@link #build}. */
  public static final class Builder {
    private final String endpoint;
    private final Channel given;
    private final ConnectionOptions options = new ConnectionOptions();
    private Settings settings = Settings.DEFAULT;

    private Builder(String endpoint, Channel given) {
      this.endpoint = endpoint;
      this.given = given;
    }

    /**
     * Sends the token with each call. Never over plaintext to anything but this machine.
     *
     * @param token the token
     * @return this
     */
    public Builder bearerToken(String token) {
      options.given.add("bearerToken");
      options.token = () -> token;
      options.fixedToken = Optional.ofNullable(token).or(() -> Optional.of(""));
      return this;
    }

    /**
     * Asks for the bearer token of each attempt of each call. What the source throws ends the
     * attempt as Unauthenticated.
     *
     * @param source called by many threads at once; it may take its time, within the deadline
     * @return this
     */
    public Builder tokenSource(Supplier<String> source) {
      options.given.add("tokenSource");
      options.token = source;
      options.fixedToken = Optional.empty();
      return this;
    }

    /**
     * Shows the server a client certificate (mTLS).
     *
     * @param certificate the certificate, and what is between it and the authority, in PEM
     * @param key its key in PEM, PKCS#8 without a password
     * @return this
     */
    public Builder clientCertificatePem(String certificate, String key) {
      options.given.add("clientCertificatePem");
      options.certificate = certificate;
      options.key = key;
      return this;
    }

    /**
     * Trusts these certificate authorities besides the system's (those of this Java).
     *
     * @param pem one or more certificates in PEM
     * @return this
     */
    public Builder caCertificatePem(String pem) {
      options.given.add("caCertificatePem");
      options.authorities = pem;
      return this;
    }

    /**
     * Gives leave to send personal data unencrypted to another machine: only where the network
     * itself encrypts, as a service mesh does. It gives no leave for bearer tokens.
     *
     * @return this
     */
    public Builder allowPlaintext() {
      options.given.add("allowPlaintext");
      options.allowsPlaintext = true;
      return this;
    }

    /**
     * Puts a product before the client's own user agent.
     *
     * @param product for example {@code payroll/2.1}
     * @return this
     */
    public Builder userAgent(String product) {
      options.given.add("userAgent");
      options.userAgent = product;
      return this;
    }

    /**
     * Adds interceptors of grpc-java around every attempt of every call.
     *
     * @param more the interceptors
     * @return this
     */
    public Builder intercept(ClientInterceptor... more) {
      options.given.add("intercept");
      options.interceptors.addAll(List.of(more));
      return this;
    }

    /**
     * How long a connection may take to stand; 5 s unless said.
     *
     * @param timeout greater than zero
     * @return this
     */
    public Builder connectTimeout(Duration timeout) {
      needPositive("the connect timeout", timeout);
      settings = settings.withConnectTimeout(timeout);
      return this;
    }

    /**
     * How long a unary call may take with all its tries; 30 s unless said. The earlier of it and
     * the deadline of {@link io.grpc.Context} holds.
     *
     * @param deadline greater than zero
     * @return this
     */
    public Builder unaryDeadline(Duration deadline) {
      needPositive("the deadline", deadline);
      settings = settings.withUnaryDeadline(Optional.of(deadline));
      return this;
    }

    /**
     * Lets unary calls take as long as they do.
     *
     * @return this
     */
    public Builder noUnaryDeadline() {
      settings = settings.withUnaryDeadline(Optional.empty());
      return this;
    }

    /**
     * When a unary call is made again; {@link RetryPolicy#CALLS} unless said.
     *
     * @param policy {@link RetryPolicy#OFF} = never
     * @return this
     */
    public Builder retry(RetryPolicy policy) {
      settings = settings.withRetry(policy);
      return this;
    }

    /**
     * How watches are read; {@link WatchOptions#DEFAULT} unless said.
     *
     * @param watch the options
     * @return this
     */
    public Builder watch(WatchOptions watch) {
      settings = settings.withWatch(watch);
      return this;
    }

    /**
     * Who is told of attempts and of the connection.
     *
     * @param hooks the hooks
     * @return this
     */
    public Builder hooks(Hooks hooks) {
      settings = settings.withHooks(hooks);
      return this;
    }

    /**
     * Traces each attempt of each call.
     *
     * @param tracing for example OpenTelemetryTracing
     * @return this
     */
    public Builder tracing(Tracing tracing) {
      settings = settings.withTracing(tracing);
      return this;
    }

    /**
     * Makes the client. Nothing is sent before its first call.
     *
     * @return the client
     * @throws SemanasException.Configuration if the endpoint, the credentials or the options cannot
     *     be used; it says what to write
     */
    public SemanasClient build() {
      if (given == null) {
        return new SemanasClient(
            new SemanasAsyncClient(options.connect(Endpoint.parse(endpoint), settings), settings));
      }
      if (!options.given.isEmpty()) {
        throw new SemanasException.Configuration(
            String.join(", ", options.given)
                + ": this is about the connection, which is made already: say it there");
      }
      Outfit outfit = new Outfit(Optional.empty(), Optional.empty());
      Channel dressed = ClientInterceptors.intercept(given, outfit);
      return new SemanasClient(new SemanasAsyncClient(Connection.over(dressed), settings));
    }

    /**
     * Makes the client for those who do not wait.
     *
     * @return {@link SemanasClient#async} of a new client
     * @throws SemanasException.Configuration as {@link #build}
     */
    public SemanasAsyncClient buildAsync() {
      return build().async();
    }

    static void needPositive(String what, Duration span) {
      if (span.isNegative() || span.isZero()) {
        throw new SemanasException.Configuration(what + " must be greater than zero");
      }
    }
  }
}
