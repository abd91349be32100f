package mx.semanas.client;

import io.grpc.Channel;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** The choices of a client. Each has a default; a mistake is told by {@link #build}. */
public final class SemanasClientBuilder {
  private final String endpoint;
  private final Channel given;
  private final ConnectionOptions options = new ConnectionOptions();
  private Settings settings = Settings.DEFAULT;

  SemanasClientBuilder(String endpoint, Channel given) {
    this.endpoint = endpoint;
    this.given = given;
  }

  /**
   * Sends the token with each call. Never over plaintext to anything but this machine.
   *
   * @param token the token
   * @return this
   */
  public SemanasClientBuilder bearerToken(String token) {
    options.given.add("bearerToken");
    options.token = () -> token;
    options.fixedToken = Optional.ofNullable(token).or(() -> Optional.of(""));
    return this;
  }

  /**
   * Asks for the bearer token of each attempt of each call. What the source throws ends the attempt
   * as Unauthenticated.
   *
   * @param source called by many threads at once; it may take its time, within the deadline
   * @return this
   */
  public SemanasClientBuilder tokenSource(Supplier<String> source) {
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
  public SemanasClientBuilder clientCertificatePem(String certificate, String key) {
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
  public SemanasClientBuilder caCertificatePem(String pem) {
    options.given.add("caCertificatePem");
    options.authorities = pem;
    return this;
  }

  /**
   * Gives leave to send personal data unencrypted to another machine: only where the network itself
   * encrypts, as a service mesh does. It gives no leave for bearer tokens.
   *
   * @return this
   */
  public SemanasClientBuilder allowPlaintext() {
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
  public SemanasClientBuilder userAgent(String product) {
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
  public SemanasClientBuilder intercept(ClientInterceptor... more) {
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
  public SemanasClientBuilder connectTimeout(Duration timeout) {
    needPositive("the connect timeout", timeout);
    settings = settings.withConnectTimeout(timeout);
    return this;
  }

  /**
   * How long a unary call may take with all its tries; 30 s unless said. The earlier of it and the
   * deadline of {@link io.grpc.Context} holds.
   *
   * @param deadline greater than zero
   * @return this
   */
  public SemanasClientBuilder unaryDeadline(Duration deadline) {
    needPositive("the deadline", deadline);
    settings = settings.withUnaryDeadline(Optional.of(deadline));
    return this;
  }

  /**
   * Lets unary calls take as long as they do.
   *
   * @return this
   */
  public SemanasClientBuilder noUnaryDeadline() {
    settings = settings.withUnaryDeadline(Optional.empty());
    return this;
  }

  /**
   * When a unary call is made again; {@link RetryPolicy#CALLS} unless said.
   *
   * @param policy {@link RetryPolicy#OFF} = never
   * @return this
   */
  public SemanasClientBuilder retry(RetryPolicy policy) {
    settings = settings.withRetry(policy);
    return this;
  }

  /**
   * How watches are read; {@link WatchOptions#DEFAULT} unless said.
   *
   * @param watch the options
   * @return this
   */
  public SemanasClientBuilder watch(WatchOptions watch) {
    settings = settings.withWatch(watch);
    return this;
  }

  /**
   * Who is told of attempts and of the connection.
   *
   * @param hooks the hooks
   * @return this
   */
  public SemanasClientBuilder hooks(Hooks hooks) {
    settings = settings.withHooks(hooks);
    return this;
  }

  /**
   * Traces each attempt of each call.
   *
   * @param tracing for example OpenTelemetryTracing
   * @return this
   */
  public SemanasClientBuilder tracing(Tracing tracing) {
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
