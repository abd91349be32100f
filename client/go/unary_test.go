package semanas_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
	"github.com/semanas/semanas/client/go/semanastest"
)

func TestACallIsMadeAgainAfterUnavailableAndNotAfterAnythingElse(t *testing.T) {
	cases := []struct {
		name  string
		fails []error
		calls int
		kind  semanas.Kind
	}{
		{"unavailable twice", []error{broken(), broken(), nil}, 3, -1},
		{"unavailable for ever", []error{broken()}, 4, semanas.KindUnavailable},
		{"exhausted with a time", []error{refuseFor(codes.ResourceExhausted, time.Millisecond), nil}, 2, -1},
		{"exhausted without one", []error{refuse(codes.ResourceExhausted, "PERSON_DAILY_LIMIT"), nil}, 1, semanas.KindExhausted},
		{"a wait of the server's that is too long", []error{refuseFor(codes.Unavailable, time.Minute), nil}, 1, semanas.KindUnavailable},
		{"not found", []error{refuse(codes.NotFound, "JOB_NOT_FOUND"), nil}, 1, semanas.KindNotFound},
		{"internal", []error{refuse(codes.Internal, "INTERNAL"), nil}, 1, semanas.KindInternal},
		{"aborted", []error{refuse(codes.Aborted, "MOON"), nil}, 1, semanas.KindOther},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			script := getErrors(c.fails...)
			_, err := start(t, get(script)).GetWorkHistory(background(t), wh1())
			if c.kind >= 0 {
				wants(t, err, c.kind)
			} else if err != nil {
				t.Error(err)
			}
			if calls := len(script.seen()); calls != c.calls {
				t.Errorf("%d calls, expected %d", calls, c.calls)
			}
		})
	}
}

func TestRetriesCanBeSwitchedOff(t *testing.T) {
	script := getErrors(broken(), nil)
	_, err := start(t, get(script), semanas.WithoutRetry()).GetWorkHistory(background(t), wh1())
	wants(t, err, semanas.KindUnavailable)
	if calls := len(script.seen()); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestTheServersWaitIsKeptInFull(t *testing.T) {
	const named = 150 * time.Millisecond
	began := time.Now()
	_, err := start(t, get(getErrors(refuseFor(codes.Unavailable, named), nil))).GetWorkHistory(background(t), wh1())
	if took := time.Since(began); err != nil || took < named {
		t.Errorf("asked again after %v: %v", took, err)
	}
}

func TestAWaitThatWouldPassTheDeadlineIsNotBegun(t *testing.T) {
	script := getErrors(refuseFor(codes.Unavailable, 15*time.Second))
	client := start(t, get(script), semanas.WithUnaryDeadline(10*time.Second))
	_, err := client.GetWorkHistory(background(t), wh1())
	failed := wants(t, err, semanas.KindUnavailable)
	if delay, isNamed := failed.RetryDelay(); !isNamed || delay != 15*time.Second {
		t.Errorf("the delay is %v, %v", delay, isNamed)
	}
}

func silent() semanastest.Fake {
	return semanastest.Fake{
		GetWorkHistory: func(
			ctx context.Context, _ *semanasv1.GetWorkHistoryRequest,
		) (*semanasv1.GetWorkHistoryResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	}
}

func TestADeadlineHoldsOnEveryWayToACall(t *testing.T) {
	const deadline = 50 * time.Millisecond
	server := semanastest.StartFake(t, silent())
	conn, err := grpc.NewClient(strings.TrimPrefix(server.Endpoint, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	made := server.Client(t, semanas.WithUnaryDeadline(deadline))
	over, err := semanas.NewClientFromConn(conn, semanas.WithUnaryDeadline(deadline))
	if err != nil {
		t.Fatal(err)
	}
	raw := func(client *semanas.Client) func() error {
		return func() error {
			_, err := client.Raw().WorkHistory.GetWorkHistory(context.Background(), wh1())
			return err
		}
	}
	typed := func(client *semanas.Client) func() error {
		return func() error {
			_, err := client.GetWorkHistory(context.Background(), wh1())
			return err
		}
	}
	for name, call := range map[string]func() error{
		"made": typed(made), "over a connection": typed(over), "raw": raw(made), "raw over a connection": raw(over),
	} {
		failed := semanas.ErrorFrom(call())
		if failed == nil || failed.Kind != semanas.KindDeadlineExceeded {
			t.Errorf("%s: %v", name, failed)
		}
	}
	_, err = made.GetWorkHistory(context.Background(), wh1())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("errors.Is does not find the deadline in %v", err)
	}
}

func TestTheDefaultDeadlineIsThirtySecondsAndTheServerIsTold(t *testing.T) {
	left := make(chan time.Duration, 1)
	fake := semanastest.Fake{
		GetWorkHistory: func(
			ctx context.Context, _ *semanasv1.GetWorkHistoryRequest,
		) (*semanasv1.GetWorkHistoryResponse, error) {
			deadline, isSet := ctx.Deadline()
			if !isSet {
				left <- -1
			} else {
				left <- time.Until(deadline)
			}
			return &semanasv1.GetWorkHistoryResponse{Job: &semanasv1.WorkHistoryJob{}}, nil
		},
	}
	server := semanastest.StartFake(t, fake)
	conn, err := grpc.NewClient(strings.TrimPrefix(server.Endpoint, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	over, err := semanas.NewClientFromConn(conn)
	if err != nil {
		t.Fatal(err)
	}
	made := server.Client(t)
	short, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	long, cancelLong := context.WithTimeout(context.Background(), forever)
	defer cancelLong()
	check := func(name string, ctx context.Context, stub func(context.Context) error, atMost time.Duration) {
		t.Helper()
		if err := stub(ctx); err != nil {
			t.Fatal(name, err)
		}
		if told := <-left; told > atMost || (atMost >= 0 && told < atMost-5*time.Second) {
			t.Errorf("%s: the server is told %v, expected %v", name, told, atMost)
		}
	}
	typed := func(client *semanas.Client) func(context.Context) error {
		return func(ctx context.Context) error { _, err := client.GetWorkHistory(ctx, wh1()); return err }
	}
	raw := func(client *semanas.Client) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.Raw().WorkHistory.GetWorkHistory(ctx, wh1())
			return err
		}
	}
	check("made", context.Background(), typed(made), 30*time.Second)
	check("made, raw", context.Background(), raw(made), 30*time.Second)
	check("over a connection", context.Background(), typed(over), 30*time.Second)
	check("over a connection, raw", context.Background(), raw(over), 30*time.Second)
	check("a context that is shorter", short, typed(made), 10*time.Second)
	check("a context that is longer", long, typed(made), 30*time.Second)
	check("none", context.Background(), typed(server.Client(t, semanas.WithoutUnaryDeadline())), -1)
}

func TestTheCallersCancelEndsACall(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err := start(t, silent()).GetWorkHistory(ctx, wh1())
	wants(t, err, semanas.KindCancelled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("errors.Is does not find the cancel in %v", err)
	}
	_, err = start(t, get(getErrors(refuseFor(codes.Unavailable, 10*time.Second)))).GetWorkHistory(ctx, wh1())
	wants(t, err, semanas.KindCancelled)
}

func TestASubmitKeepsItsNameOverAllTries(t *testing.T) {
	script := inTurn[string](broken(), broken(), nil)
	fake := semanastest.Fake{
		SubmitWorkHistory: func(
			_ context.Context, request *semanasv1.SubmitWorkHistoryRequest,
		) (*semanasv1.SubmitWorkHistoryResponse, error) {
			return &semanasv1.SubmitWorkHistoryResponse{Job: &semanasv1.WorkHistoryJob{}}, script.next(request.GetRequestId())
		},
	}
	client := start(t, fake)
	request := &semanasv1.SubmitWorkHistoryRequest{Subject: &semanasv1.Subject{Curp: curp}}
	before := proto.CloneOf(request)
	for range 2 {
		if _, err := client.SubmitWorkHistory(background(t), request); err != nil {
			t.Fatal(err)
		}
	}
	names := script.seen()
	if len(names) != 4 || names[0] == "" || names[0] != names[1] || names[1] != names[2] || names[3] == names[0] {
		t.Errorf("the names are %q", names)
	}
	if !proto.Equal(request, before) {
		t.Error("the caller's request is changed")
	}
	request.RequestId = "mine"
	if _, err := client.SubmitWorkHistory(background(t), request); err != nil || script.seen()[4] != "mine" {
		t.Errorf("the caller's own name is not kept: %v, %q", err, script.seen())
	}
}

func TestALookupThatBuysIsMadeAgainOnTheServersWordOnly(t *testing.T) {
	said := refuse(codes.Unavailable, "STORE_UNAVAILABLE")
	cases := []struct {
		name    string
		request *semanasv1.LookupNssRequest
		first   error
		calls   int
	}{
		{"an ordinary one", &semanasv1.LookupNssRequest{}, broken(), 2},
		{"one that takes an answer of five minutes", &semanasv1.LookupNssRequest{MaxAge: durationpb.New(5 * time.Minute)}, broken(), 2},
		{"a new one", &semanasv1.LookupNssRequest{MaxAge: durationpb.New(0)}, broken(), 1},
		{"a young one", &semanasv1.LookupNssRequest{MaxAge: durationpb.New(299 * time.Second)}, broken(), 1},
		{"one with leave to pay again", &semanasv1.LookupNssRequest{AllowRepeatCharge: true}, broken(), 1},
		{"a new one that the server refused", &semanasv1.LookupNssRequest{AllowRepeatCharge: true}, said, 2},
	}
	for _, c := range cases {
		script := inTurn[*semanasv1.LookupNssRequest](c.first, nil)
		client := start(t, semanastest.Fake{
			LookupNss: func(_ context.Context, request *semanasv1.LookupNssRequest) (*semanasv1.LookupNssResponse, error) {
				return &semanasv1.LookupNssResponse{Nss: "1"}, script.next(request)
			},
		})
		_, err := client.LookupNss(background(t), c.request)
		if calls := len(script.seen()); calls != c.calls || (err == nil) != (c.calls == 2) {
			t.Errorf("%s: %d calls, %v", c.name, calls, err)
		}
	}
}

func TestAResolveIsNotRepeatedAfterABreak(t *testing.T) {
	script := inTurn[*semanasv1.ResolveWorkHistoryRequest](broken(), nil)
	client := start(t, semanastest.Fake{
		ResolveWorkHistory: func(
			_ context.Context, request *semanasv1.ResolveWorkHistoryRequest,
		) (*semanasv1.ResolveWorkHistoryResponse, error) {
			return nil, script.next(request)
		},
	})
	_, err := client.ResolveWorkHistory(background(t), &semanasv1.ResolveWorkHistoryRequest{JobId: "wh_1"})
	wants(t, err, semanas.KindUnavailable)
	if len(script.seen()) != 1 {
		t.Error("it was made again")
	}
}

func TestHealthIsWhatTheServerSays(t *testing.T) {
	for said, expected := range map[healthpb.HealthCheckResponse_ServingStatus]semanas.Health{
		healthpb.HealthCheckResponse_SERVING:         semanas.HealthServing,
		healthpb.HealthCheckResponse_NOT_SERVING:     semanas.HealthNotServing,
		healthpb.HealthCheckResponse_SERVICE_UNKNOWN: semanas.HealthUnknown,
		9: semanas.HealthUnknown,
	} {
		found, err := start(t, semanastest.Fake{Health: said}).Health(background(t))
		if err != nil || found != expected {
			t.Errorf("%v: %v, %v", said, found, err)
		}
	}
}

func TestAServerThatDoesNotKnowTheServiceDoesNotSayHowItIs(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other := grpc.NewServer()
	healthpb.RegisterHealthServer(other, health.NewServer())
	defer other.Stop()
	go func() { _ = other.Serve(listener) }()
	client, err := semanas.NewClient("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if found, err := client.Health(background(t)); err != nil || found != semanas.HealthUnknown {
		t.Errorf("%v, %v", found, err)
	}
}

func TestAnAnswerWithoutAJobIsNoSuccess(t *testing.T) {
	client := start(t, semanastest.Fake{
		GetWorkHistory: func(context.Context, *semanasv1.GetWorkHistoryRequest) (*semanasv1.GetWorkHistoryResponse, error) {
			return &semanasv1.GetWorkHistoryResponse{}, nil
		},
	})
	_, err := client.GetWorkHistory(background(t), wh1())
	wants(t, err, semanas.KindInternal)
	_, err = client.GetWorkHistory(background(t), nil)
	wants(t, err, semanas.KindInternal)
}

func TestTheUserAgentAndTracesReachTheServer(t *testing.T) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	seen := make(chan metadata.MD, 1)
	fake := semanastest.Fake{
		GetWorkHistory: func(
			ctx context.Context, _ *semanasv1.GetWorkHistoryRequest,
		) (*semanasv1.GetWorkHistoryResponse, error) {
			headers, _ := metadata.FromIncomingContext(ctx)
			seen <- headers
			return &semanasv1.GetWorkHistoryResponse{Job: &semanasv1.WorkHistoryJob{}}, nil
		},
	}
	traced := func(
		ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker,
		options ...grpc.CallOption,
	) error {
		return invoke(metadata.AppendToOutgoingContext(ctx, "traceparent", trace), method, request, answer, conn, options...)
	}
	client := start(t, fake, semanas.WithUserAgent("payroll/2.1"), semanas.WithDialOptions(grpc.WithUnaryInterceptor(traced)))
	calls := map[string]func() error{
		"typed": func() error { _, err := client.GetWorkHistory(background(t), wh1()); return err },
		"raw":   func() error { _, err := client.Raw().WorkHistory.GetWorkHistory(background(t), wh1()); return err },
	}
	for name, call := range calls {
		if err := call(); err != nil {
			t.Fatal(name, err)
		}
		headers := <-seen
		agent := strings.Join(headers["user-agent"], "")
		if !strings.HasPrefix(agent, "payroll/2.1 semanas-client-go/"+semanas.Version+" ") {
			t.Errorf("%s: the user agent is %q", name, agent)
		}
		if found := headers["traceparent"]; len(found) != 1 || found[0] != trace {
			t.Errorf("%s: the trace is %q", name, found)
		}
	}
}
