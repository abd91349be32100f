package semanas_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"google.golang.org/grpc/codes"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
	"github.com/semanas/semanas/client/go/semanastest"
)

// example stands in for *testing.T, which examples do not have.
type example struct{ ends []func() }

func (*example) Helper()                      {}
func (*example) Logf(string, ...any)          {}
func (e *example) Cleanup(end func())         { e.ends = append(e.ends, end) }
func (*example) Fatalf(text string, a ...any) { log.Fatalf(text, a...) }
func (e *example) end() {
	for i := range e.ends {
		e.ends[len(e.ends)-1-i]()
	}
}

func ExampleClient_GetWorkHistoryWhenDone() {
	e := &example{}
	defer e.end()
	client := semanastest.StartFake(e, semanastest.Fake{}).Client(e)

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	job, err := client.GetWorkHistoryWhenDone(ctx, &semanasv1.SubmitWorkHistoryRequest{
		Subject: &semanasv1.Subject{Curp: "GOAA970724HYNNNL08"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, employment := range job.GetWorkHistory().GetEmployments() {
		fmt.Println(employment.GetEmployer(), employment.GetStartDate().GetYear())
	}
	// Output: EMPRESA DE PRUEBA SA DE CV 2023
}

func ExampleClient_WatchWorkHistory() {
	e := &example{}
	defer e.end()
	client := semanastest.StartFake(e, semanastest.Fake{}).Client(e)

	ctx := context.Background()
	submitted, err := client.SubmitWorkHistory(ctx, &semanasv1.SubmitWorkHistoryRequest{
		Subject: &semanasv1.Subject{Curp: "GOAA970724HYNNNL08"},
	})
	if err != nil {
		log.Fatal(err)
	}
	watch := &semanasv1.WatchWorkHistoryRequest{JobId: submitted.GetJob().GetJobId()}
	for update, err := range client.WatchWorkHistory(ctx, watch) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(update)
	}
	// Output:
	// snapshot(wh_fake_1, QUEUED)
	// event(2, RUNNING)
	// event(3, SUCCEEDED)
}

func ExampleClient_ListWorkHistories() {
	e := &example{}
	defer e.end()
	client := semanastest.StartFake(e, semanastest.Fake{}).Client(e)

	failed := &semanasv1.JobFilter{States: []semanasv1.JobState{semanasv1.JobState_JOB_STATE_FAILED}}
	for job, err := range client.ListWorkHistories(context.Background(), &semanasv1.ListWorkHistoriesRequest{Filter: failed}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.GetJobId(), semanas.NameOf(job.GetFailure().GetReason()))
	}
	// Output:
}

func ExampleError() {
	e := &example{}
	defer e.end()
	client := semanastest.StartFake(e, semanastest.Fake{
		LookupNss: func(context.Context, *semanasv1.LookupNssRequest) (*semanasv1.LookupNssResponse, error) {
			return nil, semanastest.Refuse(codes.NotFound, "NSS_NOT_FOUND", "IMSS has no NSS for this CURP")
		},
	}).Client(e)

	_, err := client.LookupNss(context.Background(), &semanasv1.LookupNssRequest{Curp: "GOAA970724HYNNNL08"})
	var failed *semanas.Error
	if errors.As(err, &failed) {
		fmt.Println(failed.Kind, failed.Reason)
		fmt.Println(failed.KnownReason() == semanasv1.ErrorReason_ERROR_REASON_NSS_NOT_FOUND)
	}
	fmt.Println(err)
	// Output:
	// NotFound NSS_NOT_FOUND
	// true
	// semanas: IMSS has no NSS for this CURP [NSS_NOT_FOUND]
}

func ExampleNewClient() {
	_, err := semanas.NewClient("http://semanas.example.mx", semanas.WithBearerToken("a-token"))
	fmt.Println(err)

	client, err := semanas.NewClient("https://semanas.example.mx",
		semanas.WithBearerToken("a-token"),
		semanas.WithUnaryDeadline(10*time.Second),
		semanas.WithHooks(semanas.Hooks{Attempt: func(attempt semanas.Attempt) {
			log.Printf("%s, try %d: %v, again in %v", attempt.Method, attempt.Number, attempt.Code, attempt.Wait)
		}}),
	)
	if err != nil {
		log.Fatal(err)
	}
	_ = client.Close()
	// Output: semanas: refusing to send a bearer token unencrypted to semanas.example.mx: use https://
}
