package semanasv1

// How messages are printed: by their fields, as protobuf does, but without personal data. `make gen` lets the generated String
// call redacted. Whoever wants all of it asks for it by name, with protojson or prototext.

import (
	"log/slog"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/runtime/protoimpl"
)

// isPersonal says whether the field itself holds personal data; a message in it may hold some all the same.
func isPersonal(field protoreflect.FieldDescriptor) bool {
	switch field.FullName() {
	case "semanas.v1.LookupNssRequest.curp", "semanas.v1.LookupNssResponse.nss", "semanas.v1.LookupNssResponse.full_name":
		return true
	}
	switch field.Parent().FullName() {
	case "semanas.v1.Subject", "semanas.v1.Person", "semanas.v1.Weeks", "semanas.v1.Employment", "semanas.v1.Movement",
		"semanas.v1.Money":
		return true
	}
	return false
}

func redacted(message proto.Message) string {
	shown, isWhole := withoutPersonalData(message.ProtoReflect())
	text := protoimpl.X.MessageStringOf(shown.Interface())
	if isWhole {
		return text
	}
	if text != "" {
		text += " "
	}
	return text + "[personal data withheld]"
}

// withoutPersonalData copies what may be shown, and says whether that is all. Nothing personal is copied even for a moment.
func withoutPersonalData(message protoreflect.Message) (protoreflect.Message, bool) {
	shown, isWhole := message.New(), true
	if !message.IsValid() {
		return message, true
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case isPersonal(field):
			isWhole = false
		case field.IsMap() || field.Message() == nil:
			shown.Set(field, value)
		case field.IsList():
			list, items := value.List(), shown.Mutable(field).List()
			for i := range list.Len() {
				item, isWholeItem := withoutPersonalData(list.Get(i).Message())
				items.Append(protoreflect.ValueOfMessage(item))
				isWhole = isWhole && isWholeItem
			}
		default:
			inner, isWholeInner := withoutPersonalData(value.Message())
			shown.Set(field, protoreflect.ValueOfMessage(inner))
			isWhole = isWhole && isWholeInner
		}
		return true
	})
	return shown, isWhole
}

// GoString and LogValue, for %#v and for log/slog, of every message that may hold personal data.

// GoString shows the message without personal data.
func (x *Subject) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *Subject) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *WorkHistory) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *WorkHistory) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *Person) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *Person) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *Weeks) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *Weeks) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *Employment) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *Employment) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *Movement) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *Movement) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *Money) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *Money) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *WorkHistoryJob) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *WorkHistoryJob) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *LookupNssRequest) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *LookupNssRequest) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *LookupNssResponse) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *LookupNssResponse) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *SubmitWorkHistoryRequest) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *SubmitWorkHistoryRequest) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *SubmitWorkHistoryResponse) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *SubmitWorkHistoryResponse) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *WatchWorkHistoryResponse) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *WatchWorkHistoryResponse) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *JobSnapshot) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *JobSnapshot) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *JobEvent) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *JobEvent) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *GetWorkHistoryResponse) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *GetWorkHistoryResponse) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *ListWorkHistoriesResponse) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *ListWorkHistoriesResponse) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *CancelWorkHistoryResponse) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *CancelWorkHistoryResponse) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *WatchWorkHistoriesResponse) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *WatchWorkHistoriesResponse) LogValue() slog.Value { return slog.StringValue(redacted(x)) }

// GoString shows the message without personal data.
func (x *ResolveWorkHistoryResponse) GoString() string { return redacted(x) }

// LogValue shows the message without personal data.
func (x *ResolveWorkHistoryResponse) LogValue() slog.Value { return slog.StringValue(redacted(x)) }
