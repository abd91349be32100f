package semanas_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
	"github.com/semanas/semanas/client/go/semanastest"
)

// through is the error as it arrives at a caller.
func through(t *testing.T, sent error) *semanas.Error {
	t.Helper()
	_, err := start(t, get(getErrors(sent)), semanas.WithoutRetry()).GetWorkHistory(background(t), wh1())
	var failed *semanas.Error
	if !errors.As(err, &failed) {
		t.Fatalf("errors.As finds no *semanas.Error in %v", err)
	}
	return failed
}

func TestAStatusBecomesATypedErrorWithAllThatItSays(t *testing.T) {
	failed := through(t, semanastest.Refuse(codes.InvalidArgument, "INVALID_CURP", "the request is wrong",
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "subject.curp", Description: "wrong check digit"}, {Field: "limit", Description: "too large"},
		}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)}))
	if failed.Kind != semanas.KindInvalidRequest || failed.Code() != codes.InvalidArgument || failed.Domain != semanas.ErrorDomain {
		t.Errorf("%+v", failed)
	}
	if failed.KnownReason() != semanasv1.ErrorReason_ERROR_REASON_INVALID_CURP || failed.Reason != "INVALID_CURP" {
		t.Errorf("the reason is %q", failed.Reason)
	}
	if len(failed.Violations) != 2 || failed.Violations[0] != (semanas.Violation{Field: "subject.curp", Description: "wrong check digit"}) {
		t.Errorf("the violations are %v", failed.Violations)
	}
	if delay, isNamed := failed.RetryDelay(); !isNamed || delay != 1500*time.Millisecond {
		t.Errorf("the delay is %v", delay)
	}
	const text = "semanas: the request is wrong [INVALID_CURP]: subject.curp: wrong check digit; limit: too large"
	if failed.Error() != text || status.Code(fmt.Errorf("wrapped: %w", failed)) != codes.InvalidArgument {
		t.Errorf("%q, %v", failed, status.Code(failed))
	}
}

func TestEveryCodeHasItsKind(t *testing.T) {
	kinds := map[codes.Code]semanas.Kind{
		codes.InvalidArgument: semanas.KindInvalidRequest, codes.NotFound: semanas.KindNotFound,
		codes.FailedPrecondition: semanas.KindFailedPrecondition, codes.OutOfRange: semanas.KindOutOfRange,
		codes.ResourceExhausted: semanas.KindExhausted, codes.Unavailable: semanas.KindUnavailable,
		codes.DeadlineExceeded: semanas.KindDeadlineExceeded, codes.Canceled: semanas.KindCancelled,
		codes.Unauthenticated: semanas.KindUnauthenticated, codes.PermissionDenied: semanas.KindPermissionDenied,
		codes.Internal: semanas.KindInternal, codes.DataLoss: semanas.KindInternal, codes.Unknown: semanas.KindOther,
		codes.AlreadyExists: semanas.KindOther, codes.Aborted: semanas.KindOther, codes.Unimplemented: semanas.KindOther,
		codes.Code(99): semanas.KindOther,
	}
	for code, kind := range kinds {
		failed := semanas.ErrorFrom(status.Error(code, ""))
		if failed.Kind != kind || failed.Error() == "semanas: " || kind.String() == "" {
			t.Errorf("%v: %v, %q", code, failed.Kind, failed)
		}
	}
	if semanas.KindOf(nil) != semanas.KindOther || semanas.ErrorFrom(nil) != nil {
		t.Error("nil is an error")
	}
}

func TestAReasonThatIsNotKnownKeepsItsTextAndTheCodeDecides(t *testing.T) {
	failed := through(t, refuse(codes.NotFound, "MOON_TOO_BRIGHT"))
	if failed.Kind != semanas.KindNotFound || failed.Reason != "MOON_TOO_BRIGHT" ||
		failed.KnownReason() != semanasv1.ErrorReason_ERROR_REASON_UNSPECIFIED {
		t.Errorf("%+v", failed)
	}
}

func TestAReasonOfAnotherDomainIsNotTakenForOurs(t *testing.T) {
	told, err := status.New(codes.Unavailable, "no healthy host").WithDetails(
		&errdetails.ErrorInfo{Reason: "INTERNAL", Domain: "mesh.example", Metadata: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	failed := through(t, told.Err())
	if failed.Domain != "mesh.example" || failed.Metadata["a"] != "b" || failed.KnownReason() != 0 {
		t.Errorf("%+v", failed)
	}
}

func TestDetailsThatCannotBeReadDoNotHideTheStatus(t *testing.T) {
	details := []*anypb.Any{
		{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte{0xff, 0xff, 0xff}},
		{TypeUrl: "type.googleapis.com/mesh.Unheard", Value: []byte{1, 2, 3}},
		{TypeUrl: "", Value: nil},
	}
	failed := through(t, status.FromProto(&spb.Status{Code: int32(codes.Unavailable), Message: "later", Details: details}).Err())
	if _, isNamed := failed.RetryDelay(); failed.Kind != semanas.KindUnavailable || failed.Message != "later" || isNamed {
		t.Errorf("%+v", failed)
	}
}

func TestNamesOfValues(t *testing.T) {
	for expected, value := range map[string]semanasv1.JobState{
		"SUCCEEDED": semanasv1.JobState_JOB_STATE_SUCCEEDED, "UNSPECIFIED": 0, "UNKNOWN(77)": 77,
	} {
		if found := semanas.NameOf(value); found != expected {
			t.Errorf("%d is %s", value, found)
		}
	}
	if semanas.IsTerminal(77) || !semanas.IsTerminal(semanasv1.JobState_JOB_STATE_OUTCOME_UNKNOWN) {
		t.Error("a state that nobody knows ends a job, or one that does is not known to")
	}
}
