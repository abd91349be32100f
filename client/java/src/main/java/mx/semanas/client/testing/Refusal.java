package mx.semanas.client.testing;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import mx.semanas.client.SemanasException;

/** Errors as the server sends them, for fakes. */
public final class Refusal {
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private final Status.Code code;
  private final com.google.rpc.Status.Builder told;

  private Refusal(Status.Code code, String message) {
    this.code = code;
    this.told = com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage(message);
  }

  /**
   * A refusal.
   *
   * @param code the gRPC code
   * @param reason of the catalogue, such as {@code JOB_NOT_FOUND}
   * @param message one sentence
   * @return the refusal, to be added to or thrown as {@link #asException}
   */
  public static Refusal of(Status.Code code, String reason, String message) {
    ErrorInfo info =
        ErrorInfo.newBuilder().setReason(reason).setDomain(SemanasException.DOMAIN).build();
    return new Refusal(code, message).and(info);
  }

  /**
   * Adds after how long to ask again.
   *
   * @param delay the time
   * @return this
   */
  public Refusal retryAfter(java.time.Duration delay) {
    Duration.Builder wire =
        Duration.newBuilder().setSeconds(delay.getSeconds()).setNanos(delay.getNano());
    return and(RetryInfo.newBuilder().setRetryDelay(wire).build());
  }

  /**
   * Adds a wrong field.
   *
   * @param field its path, such as {@code subject.curp}
   * @param description what is wrong with it
   * @return this
   */
  public Refusal violation(String field, String description) {
    BadRequest.FieldViolation wrong =
        BadRequest.FieldViolation.newBuilder().setField(field).setDescription(description).build();
    return and(BadRequest.newBuilder().addFieldViolations(wrong).build());
  }

  private Refusal and(Message detail) {
    told.addDetails(Any.pack(detail));
    return this;
  }

  /**
   * What the method of a fake throws, or gives to {@code onError}.
   *
   * @return the exception
   */
  public StatusRuntimeException asException() {
    Metadata trailers = new Metadata();
    trailers.put(DETAILS, told.build().toByteArray());
    return code.toStatus().withDescription(told.getMessage()).asRuntimeException(trailers);
  }
}
