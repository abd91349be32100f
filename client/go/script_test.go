package semanas_test

// What the tests share: clients with short waits, answers in a row, and waiting for a state with a deadline.

import (
	"context"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	semanas "github.com/semanas/semanas/client/go"
	"github.com/semanas/semanas/client/go/internal/leaktest"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
	"github.com/semanas/semanas/client/go/semanastest"
)

// Nothing that the client starts may outlive it.
func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	curp = "GOAA970724HYNNNL08"
	// Longer than anything takes, so that a test that hangs says so.
	patience = 30 * time.Second
	// Longer than a test lasts.
	forever = time.Hour
)

func quick() []semanas.Option {
	return []semanas.Option{
		semanas.WithRetry(semanas.RetryPolicy{FirstDelay: time.Millisecond}),
		semanas.WithWatchResume(semanas.RetryPolicy{FirstDelay: time.Millisecond, MaxDelay: 2 * time.Millisecond}),
	}
}

func start(t *testing.T, fake semanastest.Fake, more ...semanas.Option) *semanas.Client {
	t.Helper()
	return semanastest.StartFake(t, fake).Client(t, append(quick(), more...)...)
}

func background(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// row hands out what it holds one by one, and the last for ever; and it keeps what it was asked with.
type row[Q, A any] struct {
	mutex   sync.Mutex
	answers []A
	asked   []Q
}

func inTurn[Q, A any](answers ...A) *row[Q, A] { return &row[Q, A]{answers: answers} }

func (r *row[Q, A]) next(asked Q) A {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.asked = append(r.asked, asked)
	return r.answers[min(len(r.asked), len(r.answers))-1]
}

func (r *row[Q, A]) seen() []Q {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]Q{}, r.asked...)
}

func refuse(code codes.Code, reason string) error {
	return semanastest.Refuse(code, reason, "it is refused")
}

func refuseFor(code codes.Code, delay time.Duration) error {
	return semanastest.Refuse(code, "QUOTA_EXCEEDED", "later", &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
}

// a break, as grpc-go reports one.
func broken() error { return status.Error(codes.Unavailable, "the connection broke") }

// get is a fake whose GetWorkHistory fails with each error in turn; nil is a success.
func get(errors *row[*semanasv1.GetWorkHistoryRequest, error]) semanastest.Fake {
	return semanastest.Fake{
		GetWorkHistory: func(
			_ context.Context, request *semanasv1.GetWorkHistoryRequest,
		) (*semanasv1.GetWorkHistoryResponse, error) {
			if err := errors.next(request); err != nil {
				return nil, err
			}
			return &semanasv1.GetWorkHistoryResponse{Job: &semanasv1.WorkHistoryJob{JobId: request.GetJobId()}}, nil
		},
	}
}

func getErrors(errors ...error) *row[*semanasv1.GetWorkHistoryRequest, error] {
	return inTurn[*semanasv1.GetWorkHistoryRequest](errors...)
}

func wh1() *semanasv1.GetWorkHistoryRequest { return &semanasv1.GetWorkHistoryRequest{JobId: "wh_1"} }

// until waits for a state.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

func wants(t *testing.T, err error, kind semanas.Kind) *semanas.Error {
	t.Helper()
	if err == nil || semanas.KindOf(err) != kind {
		t.Fatalf("the error is %v (%v), expected %v", err, semanas.KindOf(err), kind)
	}
	return semanas.ErrorFrom(err)
}
