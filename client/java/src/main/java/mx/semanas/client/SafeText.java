package mx.semanas.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.TextFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Messages of the contract as text for logs: their fields, as protobuf prints them, but without
 * personal data.
 *
 * <p>A message's own {@code toString} belongs to protobuf-java, which does not let it be replaced:
 * it prints everything. The types of this package never do.
 */
public final class SafeText {
  private static final String WITHHELD = "[personal data withheld]";

  private static final Set<String> PERSONAL_FIELDS =
      Set.of(
          "semanas.v1.LookupNssRequest.curp",
          "semanas.v1.LookupNssResponse.nss",
          "semanas.v1.LookupNssResponse.full_name");

  private static final Set<String> PERSONAL_MESSAGES =
      Set.of(
          "semanas.v1.Subject",
          "semanas.v1.Person",
          "semanas.v1.Weeks",
          "semanas.v1.Employment",
          "semanas.v1.Movement",
          "semanas.v1.Money");

  private SafeText() {}

  /**
   * What may be shown of a message, and a note where something was left out.
   *
   * @param message a message of {@code mx.semanas.v1}, or its builder
   * @return one line
   */
  public static String of(MessageOrBuilder message) {
    Shown shown = Shown.of(message);
    String text = TextFormat.printer().printToString(shown.message).replaceAll("\\s*\\n\\s*", " ");
    if (shown.isWhole) {
      return text.strip();
    }
    return (text.strip() + " " + WITHHELD).strip();
  }

  private static boolean isPersonal(FieldDescriptor field) {
    return PERSONAL_FIELDS.contains(field.getFullName())
        || PERSONAL_MESSAGES.contains(field.getContainingType().getFullName());
  }

  /** A copy of what may be shown. Nothing personal is copied even for a moment. */
  private record Shown(Message message, boolean isWhole) {
    @Override
    public String toString() {
      return isWhole ? "Shown[whole]" : "Shown[part]";
    }

    static Shown of(MessageOrBuilder whole) {
      Message.Builder copy = whole.getDefaultInstanceForType().newBuilderForType();
      // What a later version has added may be anything.
      boolean isWhole = whole.getUnknownFields().asMap().isEmpty();
      for (Map.Entry<FieldDescriptor, Object> entry : whole.getAllFields().entrySet()) {
        FieldDescriptor field = entry.getKey();
        if (isPersonal(field)) {
          isWhole = false;
        } else if (field.isMapField() || field.getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
          copy.setField(field, entry.getValue());
        } else if (field.isRepeated()) {
          for (Object item : (List<?>) entry.getValue()) {
            Shown inner = of((MessageOrBuilder) item);
            copy.addRepeatedField(field, inner.message);
            isWhole &= inner.isWhole;
          }
        } else {
          Shown inner = of((MessageOrBuilder) entry.getValue());
          copy.setField(field, inner.message);
          isWhole &= inner.isWhole;
        }
      }
      return new Shown(copy.build(), isWhole);
    }
  }
}
