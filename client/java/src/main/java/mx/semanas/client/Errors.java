package mx.semanas.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import mx.semanas.client.SemanasException.Told;
import mx.semanas.v1.ErrorReason;
import mx.semanas.v1.WorkHistoryJob;

/** How a status is read. It decides nothing about retrying. */
final class Errors {
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  /** grpc-java quotes headers and body of what is no gRPC server: that may echo the request. */
  private static final String QUOTED_HEADERS = "\nheaders: Metadata(";

  /** How Netty's own transport begins what it says of a refused connection. */
  private static final Pattern NATIVE_CALL =
      Pattern.compile("^finishConnect\\(\\.\\.\\) failed( with error\\(-?\\d+\\))?: ");

  private Errors() {}

  static SemanasException of(Status received, Metadata trailers) {
    Status status = named(received);
    String message = status.getDescription() == null ? "" : status.getDescription();
    List<Any> details = details(trailers);
    ErrorInfo info = find(details, ErrorInfo.getDefaultInstance());
    RetryInfo retry = find(details, RetryInfo.getDefaultInstance());
    BadRequest wrong = find(details, BadRequest.getDefaultInstance());
    List<Violation> violations =
        wrong.getFieldViolationsList().stream()
            .map(one -> new Violation(one.getField(), one.getDescription()))
            .toList();
    return new Told(
            status,
            message,
            info.getReason(),
            info.getDomain(),
            Map.copyOf(info.getMetadataMap()),
            retry.hasRetryDelay() ? Spans.of(retry.getRetryDelay()) : null,
            violations)
        .asException();
  }

  /** The detail of that type. One that cannot be read hides neither the error nor the others. */
  @SuppressWarnings("unchecked")
  private static <T extends Message> T find(List<Any> details, T none) {
    for (Any detail : details) {
      try {
        if (detail.is(none.getClass())) {
          return (T) detail.unpack(none.getClass());
        }
      } catch (InvalidProtocolBufferException unreadable) {
        return none;
      }
    }
    return none;
  }

  static SemanasException of(Status status) {
    return of(status, new Metadata());
  }

  /** Reads any error of a gRPC call, as the stubs of {@link Raw} throw them. */
  static SemanasException of(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof SemanasException ours) {
        return ours;
      }
      if (cause instanceof StatusRuntimeException told) {
        return of(told.getStatus(), told.getTrailers());
      }
      if (cause instanceof StatusException told) {
        return of(told.getStatus(), told.getTrailers());
      }
    }
    return of(Status.UNKNOWN.withDescription("the call failed").withCause(thrown));
  }

  private static List<Any> details(Metadata trailers) {
    byte[] bytes = trailers == null ? null : trailers.get(DETAILS);
    if (bytes == null) {
      return List.of();
    }
    try {
      return com.google.rpc.Status.parseFrom(bytes).getDetailsList();
    } catch (InvalidProtocolBufferException unreadable) {
      return List.of();
    }
  }

  /** The status by its true name, without what does not belong into a text. */
  private static Status named(Status received) {
    Status status = received;
    String text = status.getDescription();
    if (text != null && text.contains(QUOTED_HEADERS)) {
      status = status.withDescription(text.substring(0, text.indexOf(QUOTED_HEADERS)));
    }
    boolean mayBeConnection =
        switch (received.getCode()) {
          case UNAVAILABLE, UNKNOWN, INTERNAL, CANCELLED -> true;
          default -> false;
        };
    Throwable broken = mayBeConnection ? brokenConnection(received.getCause()) : null;
    if (broken == null) {
      return status;
    }
    return Status.UNAVAILABLE
        .withDescription("the connection failed: " + whyBroken(broken))
        .withCause(received.getCause());
  }

  private static String whyBroken(Throwable broken) {
    // Netty prints all the bytes that were no TLS, which says little to anybody.
    if (broken.getClass().getSimpleName().equals("NotSslRecordException")) {
      return "the server does not speak TLS on this port; is its endpoint http://?";
    }
    String why = broken.getMessage() == null ? "it was closed" : broken.getMessage();
    return NATIVE_CALL.matcher(why).replaceFirst("");
  }

  /** The first failure of a connection among the causes: grpc-java has several codes for them. */
  private static Throwable brokenConnection(Throwable first) {
    Throwable found = null;
    for (Throwable cause = first; cause != null; cause = cause.getCause()) {
      if (cause instanceof InvalidProtocolBufferException || cause instanceof SemanasException) {
        return null;
      }
      boolean isHttp2 = cause.getClass().getSimpleName().equals("Http2Exception");
      // Of a refused connection the outer one says which address it was.
      if (found instanceof ConnectException && cause instanceof ConnectException) {
        continue;
      }
      // The innermost one with a text says most, as that of a certificate does.
      if ((cause instanceof IOException || isHttp2)
          || (found != null && cause.getMessage() != null)) {
        found = cause;
      }
    }
    return found;
  }

  static SemanasException broken(String what) {
    return of(Status.UNAVAILABLE.withDescription(what));
  }

  static SemanasException draining(Duration resumeDelay) {
    Status status = Status.UNAVAILABLE.withDescription("the server is draining");
    return new Told(status, "the server is draining", "", "", Map.of(), resumeDelay, List.of())
        .asException();
  }

  static SemanasException tooLate() {
    return of(
        Status.DEADLINE_EXCEEDED.withDescription("the deadline passed before the work was done"));
  }

  static SemanasException cancelled(String why) {
    return of(Status.CANCELLED.withDescription(why));
  }

  static SemanasException noAnswer() {
    return of(Status.INTERNAL.withDescription("the server's answer holds no message"));
  }

  static SemanasException noJob() {
    return of(Status.INTERNAL.withDescription("the server's answer holds no job"));
  }

  /** Of a job that has ended otherwise than SUCCEEDED, also in a state that is not known. */
  static SemanasException ofJob(WorkHistoryJob job, String cursor) {
    String text = "the job " + job.getJobId() + " ended " + Names.ofState(job);
    String reason = "";
    String domain = "";
    if (job.hasFailure()) {
      reason = Names.of(ErrorReason.getDescriptor(), job.getFailure().getReasonValue());
      domain = SemanasException.DOMAIN;
      if (!job.getFailure().getMessage().isEmpty()) {
        text += ": " + job.getFailure().getMessage();
      }
    }
    Told told = new Told(null, text, reason, domain, Map.of(), null, List.of());
    return new SemanasException.JobNotSucceeded(job, told).leaving(job.getJobId(), cursor);
  }
}
