package semanastest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	semanas "github.com/semanas/semanas/client/go"
	"github.com/semanas/semanas/client/go/internal/leaktest"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
	"github.com/semanas/semanas/client/go/semanastest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// complaint is a TB that keeps what it was failed with.
type complaint struct {
	*testing.T
	said string
}

func (c *complaint) Fatalf(format string, arguments ...any) {
	c.said = fmt.Sprintf(format, arguments...)
}

const curp = "GOAA970724HYNNNL08"

func useAll(t *testing.T, client *semanas.Client) {
	t.Helper()
	ctx := context.Background()
	found, err := client.LookupNss(ctx, &semanasv1.LookupNssRequest{Curp: curp})
	if err != nil || len(found.GetNss()) != 11 {
		t.Errorf("lookup: %v, %v", found, err)
	}
	_, err = client.LookupNss(ctx, &semanasv1.LookupNssRequest{Curp: "short"})
	if semanas.KindOf(err) != semanas.KindInvalidRequest || semanas.ErrorFrom(err).Reason != "INVALID_CURP" {
		t.Errorf("a wrong CURP: %v", err)
	}
	request := &semanasv1.SubmitWorkHistoryRequest{
		Subject: &semanasv1.Subject{Curp: curp}, Labels: map[string]string{"team": "payroll"},
	}
	job, err := client.GetWorkHistoryWhenDone(ctx, request)
	if err != nil || len(job.GetWorkHistory().GetEmployments()) == 0 || job.GetLabels()["team"] != "payroll" {
		t.Fatalf("when done: %v, %v", job, err)
	}
	again, err := client.GetWorkHistory(ctx, &semanasv1.GetWorkHistoryRequest{JobId: job.GetJobId()})
	if err != nil || again.GetState() != semanasv1.JobState_JOB_STATE_SUCCEEDED {
		t.Errorf("get: %v, %v", again, err)
	}
	_, err = client.GetWorkHistory(ctx, &semanasv1.GetWorkHistoryRequest{JobId: "wh_unheard"})
	if semanas.KindOf(err) != semanas.KindNotFound {
		t.Errorf("no job: %v", err)
	}
	if _, err := client.CancelWorkHistory(ctx, &semanasv1.CancelWorkHistoryRequest{JobId: job.GetJobId()}); err != nil {
		t.Errorf("cancel: %v", err)
	}
	listed := 0
	for one, err := range client.ListWorkHistories(ctx, nil) {
		if err != nil || one.GetJobId() != job.GetJobId() || one.GetWorkHistory() != nil {
			t.Errorf("list: %v, %v", one, err)
		}
		listed++
	}
	if listed != 1 {
		t.Errorf("%d jobs are listed", listed)
	}
	for update, err := range client.WatchWorkHistories(ctx, nil) {
		if err != nil {
			t.Errorf("feed: %v", err)
		}
		if update.Synced != nil {
			break
		}
	}
	for _, err := range client.ListCharges(ctx, nil) {
		if err != nil {
			t.Errorf("charges: %v", err)
		}
	}
	if _, err := client.GetProviderStatus(ctx); err != nil {
		t.Errorf("providers: %v", err)
	}
	_, err = client.ResolveWorkHistory(ctx, &semanasv1.ResolveWorkHistoryRequest{
		JobId: job.GetJobId(), Charge: semanasv1.ChargeState_CHARGE_STATE_NO,
	})
	if semanas.KindOf(err) != semanas.KindFailedPrecondition {
		t.Errorf("resolve: %v", err)
	}
	if found, err := client.Health(ctx); err != nil || found != semanas.HealthServing {
		t.Errorf("health: %v, %v", found, err)
	}
}

func TestTheFakeTellsAStoryByItself(t *testing.T) {
	useAll(t, semanastest.StartFake(t, semanastest.Fake{}).Client(t))
}

func TestTheRealServerDoesTheSame(t *testing.T) {
	if os.Getenv("SEMANAS_BIN") == "" {
		t.Skip("SEMANAS_BIN is not set")
	}
	server := semanastest.StartReal(t)
	if !server.IsReal {
		t.Error("it is a fake")
	}
	useAll(t, server.Client(t))
}

func TestWhatTheFakeIsToldComesFirst(t *testing.T) {
	client := semanastest.StartFake(t, semanastest.Fake{
		LookupNss: func(context.Context, *semanasv1.LookupNssRequest) (*semanasv1.LookupNssResponse, error) {
			return nil, semanastest.Refuse(codes.NotFound, "NSS_NOT_FOUND", "there is none")
		},
	}).Client(t)
	_, err := client.LookupNss(context.Background(), &semanasv1.LookupNssRequest{Curp: curp})
	if semanas.KindOf(err) != semanas.KindNotFound {
		t.Error(err)
	}
}

func TestWithoutTheProgramTheFakeStandsIn(t *testing.T) {
	t.Setenv("SEMANAS_BIN", "")
	t.Setenv("PATH", t.TempDir())
	if semanastest.Start(t, semanastest.Fake{}).IsReal {
		t.Error("it is real")
	}
	complaint := &complaint{T: t}
	if semanastest.StartReal(complaint); !strings.Contains(complaint.said, "set SEMANAS_BIN") {
		t.Error(complaint.said)
	}
}

func TestAProgramThatIsNotSemanasIsComplainedOf(t *testing.T) {
	t.Setenv("SEMANAS_BIN", "/bin/cat")
	complaint := &complaint{T: t}
	if semanastest.Start(complaint, semanastest.Fake{}); !strings.Contains(complaint.said, "does not serve") {
		t.Error(complaint.said)
	}
	t.Setenv("SEMANAS_BIN", "/no/such/program")
	if semanastest.Start(complaint, semanastest.Fake{}); !strings.Contains(complaint.said, "SEMANAS_BIN names no program") {
		t.Error(complaint.said)
	}
}
