package mx.semanas.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import mx.semanas.v1.ErrorReason;
import mx.semanas.v1.WorkHistoryJob;

/**
 * Every error of this library, as a subclass for what the caller can do about it. Its text holds no
 * personal data.
 *
 * <p>A reason or a detail that this version does not know never gets in the way: the text is kept,
 * the gRPC code decides. New subclasses may come.
 */
public abstract sealed class SemanasException extends RuntimeException {
  /** The domain of every reason that Semanas itself gives. */
  public static final String DOMAIN = "semanas";

  private static final long serialVersionUID = 1L;

  private final transient Told told;
  private transient String jobId;
  private transient String cursor;

  private SemanasException(Told told) {
    super(told.message(), told.status() == null ? null : told.status().getCause());
    this.told = told;
  }

  /**
   * One plain sentence, as the server said it; {@link #getMessage} adds the reason and violations.
   *
   * @return the sentence; may be empty
   */
  public final String text() {
    return told == null ? super.getMessage() : told.message();
  }

  @Override
  public String getMessage() {
    StringBuilder text = new StringBuilder(text());
    if (text.isEmpty()) {
      text.append("the server answered ").append(kind()).append(" without a word");
    }
    if (!reason().isEmpty()) {
      text.append(" [").append(reason()).append(']');
    }
    String separator = ": ";
    for (Violation violation : violations()) {
      text.append(separator).append(violation.field()).append(": ").append(violation.description());
      separator = "; ";
    }
    return text.toString();
  }

  /**
   * The kind's name, the same in all clients of Semanas.
   *
   * @return for example {@code NotFound}
   */
  public final String kind() {
    return getClass().getSimpleName();
  }

  /**
   * The reason in UPPER_SNAKE, also one that this version does not know.
   *
   * @return empty when none was given, as by a proxy
   */
  public final String reason() {
    return told == null ? "" : told.reason();
  }

  /**
   * The reason as a constant.
   *
   * @return empty when this version does not know it, or Semanas did not give it
   */
  public final Optional<ErrorReason> knownReason() {
    if (!isOfSemanas() || reason().isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(ErrorReason.valueOf("ERROR_REASON_" + reason().toUpperCase(Locale.ROOT)));
    } catch (IllegalArgumentException newer) {
      return Optional.empty();
    }
  }

  /**
   * Who gave the reason.
   *
   * @return {@link #DOMAIN}, or another service on the way; empty when there is no reason
   */
  public final String domain() {
    return told == null ? "" : told.domain();
  }

  /**
   * What the reason is about, by name: {@code job_id}, {@code provider}, {@code provider_code}.
   *
   * @return may be empty
   */
  public final Map<String, String> metadata() {
    return told == null ? Map.of() : told.metadata();
  }

  /**
   * After how long the server wants to be asked again.
   *
   * @return empty when it does not say
   */
  public final Optional<Duration> retryDelay() {
    return told == null ? Optional.empty() : Optional.ofNullable(told.retryDelay());
  }

  /**
   * Each wrong field of the request.
   *
   * @return empty but for {@link InvalidRequest}
   */
  public final List<Violation> violations() {
    return told == null ? List.of() : told.violations();
  }

  /**
   * The gRPC code.
   *
   * @return empty when no status was received: {@link Configuration} and {@link JobNotSucceeded}
   */
  public final Optional<Status.Code> code() {
    return status().map(Status::getCode);
  }

  /**
   * The status as it was received.
   *
   * @return empty when none was
   */
  public final Optional<Status> status() {
    return told == null ? Optional.empty() : Optional.ofNullable(told.status());
  }

  /**
   * The job that getWorkHistoryWhenDone has left, or that did not succeed. With {@link
   * DeadlineExceeded} the job goes on: a watch of it from {@link #cursor} misses nothing.
   *
   * @return empty when no job was accepted yet, and of all other calls
   */
  public final Optional<String> jobId() {
    return Optional.ofNullable(jobId);
  }

  /**
   * Where getWorkHistoryWhenDone has left {@link #jobId}.
   *
   * @return empty when no job was accepted yet, and of all other calls
   */
  public final Optional<String> cursor() {
    return Optional.ofNullable(cursor);
  }

  final SemanasException leaving(String job, String position) {
    jobId = job;
    cursor = position;
    return this;
  }

  final boolean isOfSemanas() {
    return domain().equals(DOMAIN);
  }

  /** What was said of an error. The status is null where none was received. */
  record Told(
      Status status,
      String message,
      String reason,
      String domain,
      Map<String, String> metadata,
      Duration retryDelay,
      List<Violation> violations) {
    static Told here(String message) {
      return new Told(null, message, "", "", Map.of(), null, List.of());
    }

    SemanasException asException() {
      return switch (status.getCode()) {
        case INVALID_ARGUMENT -> new InvalidRequest(this);
        case NOT_FOUND -> new NotFound(this);
        case FAILED_PRECONDITION -> new FailedPrecondition(this);
        case OUT_OF_RANGE -> new OutOfRange(this);
        case RESOURCE_EXHAUSTED -> new Exhausted(this);
        case UNAVAILABLE -> new Unavailable(this);
        case DEADLINE_EXCEEDED -> new DeadlineExceeded(this);
        case CANCELLED -> new Cancelled(this);
        case UNAUTHENTICATED -> new Unauthenticated(this);
        case PERMISSION_DENIED -> new PermissionDenied(this);
        case INTERNAL, DATA_LOSS -> new Internal(this);
        case OK, UNKNOWN, ALREADY_EXISTS, ABORTED, UNIMPLEMENTED -> new Other(this);
      };
    }
  }

  /** Nothing was sent: mend the endpoint, the credentials or the options. */
  public static final class Configuration extends SemanasException {
    private static final long serialVersionUID = 1L;

    Configuration(String message) {
      super(Told.here(message));
    }
  }

  /** Mend what {@link #violations} name; the same request again is of no use. */
  public static final class InvalidRequest extends SemanasException {
    private static final long serialVersionUID = 1L;

    private InvalidRequest(Told told) {
      super(told);
    }
  }

  /** There is no such job, NSS or CURP: accept it. */
  public static final class NotFound extends SemanasException {
    private static final long serialVersionUID = 1L;

    private NotFound(Told told) {
      super(told);
    }
  }

  /** The system or the person's affairs must change first: do what the reason says. */
  public static final class FailedPrecondition extends SemanasException {
    private static final long serialVersionUID = 1L;

    private FailedPrecondition(Told told) {
      super(told);
    }
  }

  /** The cursor is older than what is kept: watch again without it. */
  public static final class OutOfRange extends SemanasException {
    private static final long serialVersionUID = 1L;

    private OutOfRange(Told told) {
      super(told);
    }
  }

  /** A limit is used up: wait, if {@link #retryDelay} names a time. */
  public static final class Exhausted extends SemanasException {
    private static final long serialVersionUID = 1L;

    private Exhausted(Told told) {
      super(told);
    }
  }

  /** The server, or what it depends on, cannot be reached: try again later. */
  public static final class Unavailable extends SemanasException {
    private static final long serialVersionUID = 1L;

    private Unavailable(Told told) {
      super(told);
    }
  }

  /** The time was up first. The work may go on: ask again. */
  public static final class DeadlineExceeded extends SemanasException {
    private static final long serialVersionUID = 1L;

    private DeadlineExceeded(Told told) {
      super(told);
    }
  }

  /** The caller's own cancel: of the future, of the thread, or by closing the client. */
  public static final class Cancelled extends SemanasException {
    private static final long serialVersionUID = 1L;

    private Cancelled(Told told) {
      super(told);
    }
  }

  /** The server does not know who calls: mend the credentials. */
  public static final class Unauthenticated extends SemanasException {
    private static final long serialVersionUID = 1L;

    private Unauthenticated(Told told) {
      super(told);
    }
  }

  /** The caller is known and may not do this: mend the credentials. */
  public static final class PermissionDenied extends SemanasException {
    private static final long serialVersionUID = 1L;

    private PermissionDenied(Told told) {
      super(told);
    }
  }

  /** A defect of the server, or something that only its operator can mend: tell them. */
  public static final class Internal extends SemanasException {
    private static final long serialVersionUID = 1L;

    private Internal(Told told) {
      super(told);
    }
  }

  /** The job ended otherwise than SUCCEEDED: read the failure of {@link #job}. */
  public static final class JobNotSucceeded extends SemanasException {
    private static final long serialVersionUID = 1L;

    private final transient WorkHistoryJob job;

    JobNotSucceeded(WorkHistoryJob job, Told told) {
      super(told);
      this.job = job;
    }

    /**
     * The job as it ended.
     *
     * @return the job; its state may be one that this version does not know
     */
    public WorkHistoryJob job() {
      return job;
    }
  }

  /** Any other status: read {@link #status}. */
  public static final class Other extends SemanasException {
    private static final long serialVersionUID = 1L;

    private Other(Told told) {
      super(told);
    }
  }
}
