package semanasv1

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Text fields of the contract that may be printed. A new field is printed only after somebody has thought about it.
var harmless = []string{
	"Attempt.attempt_id", "Attempt.provider_code", "CancelWorkHistoryRequest.job_id", "Charge.charge_id", "Charge.job_id",
	"Charge.note", "Charge.provider_code", "Charge.provider_reference", "Failure.message", "Failure.provider_code",
	"GetWorkHistoryRequest.job_id", "ListChargesRequest.job_id", "ListChargesRequest.page_token",
	"ListChargesResponse.next_page_token", "ListWorkHistoriesRequest.page_token", "ListWorkHistoriesResponse.next_page_token",
	"LookupNssRequest.consent_reference", "LookupNssRequest.purpose", "Provenance.adapter_version",
	"Provenance.provider_reference", "ResolveWorkHistoryRequest.job_id", "ResolveWorkHistoryRequest.note", "Settlement.note",
	"SubmitWorkHistoryRequest.consent_reference", "SubmitWorkHistoryRequest.purpose", "SubmitWorkHistoryRequest.request_id",
	"SubmitWorkHistoryRequest.test_case_id", "SubmitWorkHistoryResponse.watch_cursor", "Warning.code", "Warning.message",
	"WatchWorkHistoriesRequest.cursor", "WatchWorkHistoriesResponse.cursor", "WatchWorkHistoryRequest.cursor",
	"WatchWorkHistoryRequest.job_id", "WatchWorkHistoryResponse.cursor", "WorkHistoryJob.consent_reference",
	"WorkHistoryJob.job_id", "WorkHistoryJob.purpose", "WorkHistoryJob.test_case_id",
}

func ofTheContract(each func(protoreflect.MessageType)) {
	protoregistry.GlobalTypes.RangeMessages(func(kind protoreflect.MessageType) bool {
		if kind.Descriptor().ParentFile().Package() == "semanas.v1" && !kind.Descriptor().IsMapEntry() {
			each(kind)
		}
		return true
	})
}

func TestEveryTextFieldIsPersonalOrKnownToBeHarmless(t *testing.T) {
	ofTheContract(func(kind protoreflect.MessageType) {
		fields := kind.Descriptor().Fields()
		for i := range fields.Len() {
			field := fields.Get(i)
			name := strings.TrimPrefix(string(field.FullName()), "semanas.v1.")
			isText := field.Kind() == protoreflect.StringKind || field.Kind() == protoreflect.BytesKind
			if isText && isPersonal(field) == slices.Contains(harmless, name) {
				t.Errorf("%s: is it personal data? say so in redact.go or in this test", name)
			}
		}
	})
}

// fill sets every field, texts to a secret.
func fill(message protoreflect.Message) {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		switch {
		case field.IsMap():
		case field.Message() != nil && field.IsList():
			list := message.Mutable(field).List()
			fill(list.AppendMutable().Message())
		case field.Message() != nil:
			fill(message.Mutable(field).Message())
		case field.Kind() == protoreflect.StringKind && isPersonal(field):
			message.Set(field, protoreflect.ValueOfString("SECRET"))
		case field.Kind() == protoreflect.Int32Kind && isPersonal(field):
			message.Set(field, protoreflect.ValueOfInt32(987654))
		case field.Kind() == protoreflect.Int64Kind && isPersonal(field):
			message.Set(field, protoreflect.ValueOfInt64(987654))
		}
	}
}

func TestNoMessagePrintsPersonalData(t *testing.T) {
	ofTheContract(func(kind protoreflect.MessageType) {
		// A oneof keeps its last field only: each is filled in turn by the message that it holds.
		message := kind.New()
		fill(message)
		sent := message.Interface()
		log := &bytes.Buffer{}
		slog.New(slog.NewJSONHandler(log, nil)).Info("it", "message", sent)
		for _, text := range []string{
			fmt.Sprint(sent), fmt.Sprintf("%v %+v %s %#v", sent, sent, sent, sent), log.String(),
		} {
			if strings.Contains(text, "SECRET") || strings.Contains(text, "987654") {
				t.Errorf("%s prints %s", kind.Descriptor().Name(), text)
			}
		}
	})
}

func TestWhatIsHarmlessIsPrinted(t *testing.T) {
	job := &WorkHistoryJob{
		JobId: "wh_1", State: JobState_JOB_STATE_SUCCEEDED, Labels: map[string]string{"a": "b"},
		WorkHistory: &WorkHistory{EmploymentCount: 2, Person: &Person{FullName: "SECRET"}, Employments: []*Employment{{}, {Employer: "SECRET"}}},
	}
	text := job.String()
	for _, part := range []string{"wh_1", "JOB_STATE_SUCCEEDED", "employment_count:2", `key:"a"`, "[personal data withheld]"} {
		// protobuf prints one space or two, so that nobody takes it for a format.
		if !strings.Contains(strings.ReplaceAll(text, ": ", ":"), part) {
			t.Errorf("%s is not in %s", part, text)
		}
	}
	if (&Subject{}).String() != "" || (*WorkHistoryJob)(nil).String() == "panic" {
		t.Error("what is empty prints something")
	}
	if !proto.Equal(job, proto.CloneOf(job)) || job.GetWorkHistory().GetPerson().GetFullName() != "SECRET" {
		t.Error("printing changes the message")
	}
}
