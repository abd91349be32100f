package semanas

// What went wrong, by what a caller can do about it. It decides how a status is read, and nothing about retrying. A reason or a
// detail that this version does not know never gets in the way: the text is kept, the code decides.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

// ErrorDomain is the domain of every reason that Semanas itself gives.
const ErrorDomain = "semanas"

// Kind sorts errors by what the caller can do.
type Kind int

// The kinds of errors. New ones may come: a switch over them wants a default.
const (
	// KindOther is any status without a kind of its own: read Error.Status.
	KindOther Kind = iota
	// KindConfiguration says that nothing was sent: mend the endpoint, the credentials or the options.
	KindConfiguration
	// KindInvalidRequest says to mend what Error.Violations name; the same request again is of no use.
	KindInvalidRequest
	// KindNotFound says that there is no such job, NSS or CURP: accept it.
	KindNotFound
	// KindFailedPrecondition says that the system or the person's affairs must change first: do what the reason says.
	KindFailedPrecondition
	// KindOutOfRange says that a cursor is older than what is kept: watch again without it.
	KindOutOfRange
	// KindExhausted says that a limit is used up: wait, if Error.RetryDelay names a time.
	KindExhausted
	// KindUnavailable says that the server, or what it depends on, cannot be reached: try again later.
	KindUnavailable
	// KindDeadlineExceeded says that the time was up first. The work may go on: ask again.
	KindDeadlineExceeded
	// KindCancelled is the caller's own cancel.
	KindCancelled
	// KindUnauthenticated says that the server does not know who calls: mend the credentials.
	KindUnauthenticated
	// KindPermissionDenied says that the caller may not do this: mend the credentials.
	KindPermissionDenied
	// KindInternal is a defect of the server, or something that only its operator can mend: tell them.
	KindInternal
	// KindJobNotSucceeded says that the job ended otherwise than SUCCEEDED: read Failure of Error.Job.
	KindJobNotSucceeded
)

// String gives the kind's name, for example "NotFound".
func (k Kind) String() string {
	switch k {
	case KindOther:
		return "Other"
	case KindConfiguration:
		return "Configuration"
	case KindInvalidRequest:
		return "InvalidRequest"
	case KindNotFound:
		return "NotFound"
	case KindFailedPrecondition:
		return "FailedPrecondition"
	case KindOutOfRange:
		return "OutOfRange"
	case KindExhausted:
		return "Exhausted"
	case KindUnavailable:
		return "Unavailable"
	case KindDeadlineExceeded:
		return "DeadlineExceeded"
	case KindCancelled:
		return "Cancelled"
	case KindUnauthenticated:
		return "Unauthenticated"
	case KindPermissionDenied:
		return "PermissionDenied"
	case KindInternal:
		return "Internal"
	case KindJobNotSucceeded:
		return "JobNotSucceeded"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Error is every error that this package returns; find it with [errors.As], or ask [KindOf]. Its text holds no personal data.
//
// It takes part in what Go programs already do with errors: [errors.Is] finds [context.Canceled] and [context.DeadlineExceeded]
// where the caller's own context ended the call, and status.Code and status.FromError of grpc-go see the status.
type Error struct {
	// Kind says what the caller can do.
	Kind Kind
	// Message is one plain sentence.
	Message string
	// Reason is the reason in UPPER_SNAKE, also one that this version does not know; empty when none was given, as by a proxy.
	Reason string
	// Domain says who gave the reason: [ErrorDomain], or another service on the way.
	Domain string
	// Metadata says what the reason is about, by name: job_id, provider, provider_code.
	Metadata map[string]string
	// Violations name each wrong field of the request.
	Violations []Violation
	// Status is the status as it was received; nil when there is none (KindConfiguration, KindJobNotSucceeded).
	Status *status.Status
	// Job is the job as it ended, with KindJobNotSucceeded.
	Job *semanasv1.WorkHistoryJob
	// JobID and Cursor say where GetWorkHistoryWhenDone has left the job, which goes on: a watch from there misses nothing.
	JobID, Cursor string

	retryDelay *time.Duration
	cause      error
}

// Violation is one wrong field of a request.
type Violation struct {
	// Field is its path, for example "subject.curp".
	Field string
	// Description says what is wrong with it.
	Description string
}

// Error gives the message and, where there is one, the reason.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("semanas: ")
	text.WriteString(e.Message)
	if e.Message == "" {
		text.WriteString("the server answered " + e.Kind.String() + " without a word")
	}
	if e.Reason != "" {
		text.WriteString(" [" + e.Reason + "]")
	}
	for i, violation := range e.Violations {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		text.WriteString(separator + violation.Field + ": " + violation.Description)
	}
	return text.String()
}

// Unwrap gives what ended the call on this side, such as [context.Canceled].
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus lets status.Code and status.FromError of grpc-go read the error.
func (e *Error) GRPCStatus() *status.Status { return e.Status }

// Code is the gRPC code; [codes.Unknown] when no status was received.
func (e *Error) Code() codes.Code {
	if e.Status == nil {
		return codes.Unknown
	}
	return e.Status.Code()
}

// RetryDelay is after how long the server wants to be asked again, if it says so.
func (e *Error) RetryDelay() (delay time.Duration, isNamed bool) {
	if e.retryDelay == nil {
		return 0, false
	}
	return *e.retryDelay, true
}

// KnownReason is the reason as a constant; ERROR_REASON_UNSPECIFIED when this version does not know it or Semanas did not give it.
func (e *Error) KnownReason() semanasv1.ErrorReason {
	if e.Domain != ErrorDomain {
		return semanasv1.ErrorReason_ERROR_REASON_UNSPECIFIED
	}
	return semanasv1.ErrorReason(semanasv1.ErrorReason_value["ERROR_REASON_"+e.Reason])
}

// KindOf is the kind of the [Error] in err's chain; KindOther when there is none.
func KindOf(err error) Kind {
	var ours *Error
	if errors.As(err, &ours) {
		return ours.Kind
	}
	return KindOther
}

// ErrorFrom reads any error of a gRPC call, as the stubs of [Client.Raw] return them. It gives nil for nil.
func ErrorFrom(err error) *Error {
	var ours *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ours):
		return ours
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fromStatus(status.FromContextError(err), err)
	}
	return fromStatus(status.Convert(err), nil)
}

// grpc-go quotes what a server that is no gRPC server has answered. That may be anything, also an echo of the request.
const quotedBody = "\ndata: "

func fromStatus(received *status.Status, cause error) *Error {
	if plain, _, isQuoting := strings.Cut(received.Message(), quotedBody); isQuoting {
		received = status.New(received.Code(), plain)
	}
	read := &Error{Kind: kindOfCode(received.Code()), Message: received.Message(), Status: received, cause: cause}
	for _, detail := range received.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			read.Reason, read.Domain, read.Metadata = detail.GetReason(), detail.GetDomain(), detail.GetMetadata()
		case *errdetails.RetryInfo:
			if named := detail.GetRetryDelay(); named.CheckValid() == nil {
				delay := max(0, named.AsDuration())
				read.retryDelay = &delay
			}
		case *errdetails.BadRequest:
			for _, wrong := range detail.GetFieldViolations() {
				read.Violations = append(read.Violations, Violation{wrong.GetField(), wrong.GetDescription()})
			}
		}
	}
	return read
}

func kindOfCode(code codes.Code) Kind {
	switch code {
	case codes.InvalidArgument:
		return KindInvalidRequest
	case codes.NotFound:
		return KindNotFound
	case codes.FailedPrecondition:
		return KindFailedPrecondition
	case codes.OutOfRange:
		return KindOutOfRange
	case codes.ResourceExhausted:
		return KindExhausted
	case codes.Unavailable:
		return KindUnavailable
	case codes.DeadlineExceeded:
		return KindDeadlineExceeded
	case codes.Canceled:
		return KindCancelled
	case codes.Unauthenticated:
		return KindUnauthenticated
	case codes.PermissionDenied:
		return KindPermissionDenied
	case codes.Internal, codes.DataLoss:
		return KindInternal
	}
	return KindOther
}

func configurationError(format string, arguments ...any) *Error {
	return &Error{Kind: KindConfiguration, Message: fmt.Sprintf(format, arguments...)}
}

// The server is told the deadline and keeps it too: its word may come this much before our own clock rings.
const deadlineLead = 20 * time.Millisecond

// errorOfCall reads the error of a call that was made with ctx. When ctx is over, that is what ended the call, whatever the
// transport or the server made of it.
func errorOfCall(ctx context.Context, err error) *Error {
	read := ErrorFrom(err)
	if read.Domain == ErrorDomain || (read.Kind != KindCancelled && read.Kind != KindDeadlineExceeded) {
		return read
	}
	ended := ctx.Err()
	if deadline, isSet := ctx.Deadline(); ended == nil && isSet && time.Until(deadline) < deadlineLead {
		ended = context.DeadlineExceeded
	}
	switch {
	case ended == nil:
		return read
	case status.FromContextError(ended).Code() != read.Code():
		return errorOfEnd(ended)
	}
	read.cause = ended
	return read
}

// errorOfContext is the error of a caller whose context is over.
func errorOfContext(ctx context.Context) *Error { return errorOfEnd(ctx.Err()) }

func errorOfEnd(ended error) *Error {
	message := "the caller cancelled"
	if errors.Is(ended, context.DeadlineExceeded) {
		message = "the deadline passed before the work was done"
	}
	return fromStatus(status.New(status.FromContextError(ended).Code(), message), ended)
}

func errorClosed() *Error {
	return fromStatus(status.New(codes.Canceled, "the client is closed"), nil)
}

func errorNoJob() *Error {
	return fromStatus(status.New(codes.Internal, "the server's answer holds no job"), nil)
}

// errorOfJob is the error of a job that has ended otherwise than SUCCEEDED, also in a state that this version does not know.
func errorOfJob(job *semanasv1.WorkHistoryJob) *Error {
	ended := &Error{
		Kind:    KindJobNotSucceeded,
		Message: fmt.Sprintf("the job %s ended %s", job.GetJobId(), NameOf(job.GetState())),
		Job:     job,
		JobID:   job.GetJobId(),
	}
	if failure := job.GetFailure(); failure != nil {
		ended.Reason, ended.Domain = NameOf(failure.GetReason()), ErrorDomain
		if failure.GetMessage() != "" {
			ended.Message += ": " + failure.GetMessage()
		}
	}
	return ended
}
