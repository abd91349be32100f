package mx.semanas.client;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import mx.semanas.v1.WorkHistoryServiceGrpc;

/**
 * The one method of grpc.health.v1 that we call. Its two messages have a field each; grpc-services,
 * which has them generated, would bring reflection, channelz and JSON to everybody.
 */
final class HealthService {
  static final String SERVICE = WorkHistoryServiceGrpc.SERVICE_NAME;

  /** From the name of a service to the number of its state. */
  static final MethodDescriptor<String, Integer> CHECK =
      MethodDescriptor.<String, Integer>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("grpc.health.v1.Health/Check")
          .setRequestMarshaller(new ServiceName())
          .setResponseMarshaller(new State())
          .build();

  private static final int FIELD = 1;
  private static final int SERVING = 1;
  private static final int NOT_SERVING = 2;

  private HealthService() {}

  static Health read(int state) {
    return switch (state) {
      case SERVING -> Health.SERVING;
      case NOT_SERVING -> Health.NOT_SERVING;
      default -> Health.UNKNOWN;
    };
  }

  private static final class ServiceName implements MethodDescriptor.Marshaller<String> {
    @Override
    public InputStream stream(String name) {
      return bytes(out -> out.writeString(FIELD, name));
    }

    @Override
    public String parse(InputStream stream) {
      throw new UnsupportedOperationException("a client reads no requests");
    }
  }

  private static final class State implements MethodDescriptor.Marshaller<Integer> {
    @Override
    public InputStream stream(Integer state) {
      return bytes(out -> out.writeEnum(FIELD, state));
    }

    @Override
    public Integer parse(InputStream stream) {
      try {
        CodedInputStream in = CodedInputStream.newInstance(stream);
        int state = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
          if (tag == WireFormat.FieldType.ENUM.getWireType() + (FIELD << 3)) {
            state = in.readEnum();
          } else {
            in.skipField(tag);
          }
        }
        return state;
      } catch (IOException unreadable) {
        throw Status.INTERNAL
            .withDescription("the answer of the health service cannot be read")
            .asRuntimeException();
      }
    }
  }

  private interface Writing {
    void to(CodedOutputStream out) throws IOException;
  }

  private static InputStream bytes(Writing message) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    try {
      message.to(out);
      out.flush();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return new ByteArrayInputStream(bytes.toByteArray());
  }
}
