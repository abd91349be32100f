package semanastest

// A server that answers as it is told. What it answers by itself stands in story.go.

import (
	"context"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

// Fake answers each call by the function of its name. Where there is none it tells a story of its own: every person has an NSS
// and a work history with one employment, every job succeeds after two events, and nothing is charged.
//
// The functions are called by many goroutines at once. Set them before the fake is started. Errors are made by [Refuse].
type Fake struct {
	LookupNss          func(context.Context, *semanasv1.LookupNssRequest) (*semanasv1.LookupNssResponse, error)
	SubmitWorkHistory  func(context.Context, *semanasv1.SubmitWorkHistoryRequest) (*semanasv1.SubmitWorkHistoryResponse, error)
	WatchWorkHistory   func(*semanasv1.WatchWorkHistoryRequest, grpc.ServerStreamingServer[semanasv1.WatchWorkHistoryResponse]) error
	GetWorkHistory     func(context.Context, *semanasv1.GetWorkHistoryRequest) (*semanasv1.GetWorkHistoryResponse, error)
	ListWorkHistories  func(context.Context, *semanasv1.ListWorkHistoriesRequest) (*semanasv1.ListWorkHistoriesResponse, error)
	CancelWorkHistory  func(context.Context, *semanasv1.CancelWorkHistoryRequest) (*semanasv1.CancelWorkHistoryResponse, error)
	WatchWorkHistories func(*semanasv1.WatchWorkHistoriesRequest, grpc.ServerStreamingServer[semanasv1.WatchWorkHistoriesResponse]) error
	ListCharges        func(context.Context, *semanasv1.ListChargesRequest) (*semanasv1.ListChargesResponse, error)
	GetProviderStatus  func(context.Context, *semanasv1.GetProviderStatusRequest) (*semanasv1.GetProviderStatusResponse, error)
	ResolveWorkHistory func(context.Context, *semanasv1.ResolveWorkHistoryRequest) (*semanasv1.ResolveWorkHistoryResponse, error)
	// Health is what the health service says; SERVING unless set.
	Health healthpb.HealthCheckResponse_ServingStatus
}

// Refuse makes the error of a server that answers with code, a reason of the catalogue such as "JOB_NOT_FOUND", and a sentence.
// Further details may be a *errdetails.RetryInfo or *errdetails.BadRequest.
func Refuse(code codes.Code, reason, message string, more ...protoadapt.MessageV1) error {
	details := append([]protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: reason, Domain: semanas.ErrorDomain}}, more...)
	told, err := status.New(code, message).WithDetails(details...)
	if err != nil {
		return status.Error(codes.Internal, "semanastest: the details cannot be sent: "+err.Error())
	}
	return told.Err()
}

// Register lets a server of the caller's own making answer as the fake does, for example one with TLS.
func (f Fake) Register(server grpc.ServiceRegistrar) {
	told := &story{}
	semanasv1.RegisterWorkHistoryServiceServer(server, workHistories{fake: f, story: told})
	semanasv1.RegisterOperationsServiceServer(server, operations{fake: f, story: told})
	if f.Health == healthpb.HealthCheckResponse_UNKNOWN {
		f.Health = healthpb.HealthCheckResponse_SERVING
	}
	states := health.NewServer()
	states.SetServingStatus("", f.Health)
	states.SetServingStatus(semanasv1.WorkHistoryService_ServiceDesc.ServiceName, f.Health)
	healthpb.RegisterHealthServer(server, states)
}

type workHistories struct {
	semanasv1.UnsafeWorkHistoryServiceServer
	fake  Fake
	story *story
}

type operations struct {
	semanasv1.UnsafeOperationsServiceServer
	fake  Fake
	story *story
}

// either calls the user's function where there is one.
func either[Q, R any](
	ctx context.Context, request Q, told, otherwise func(context.Context, Q) (R, error),
) (R, error) {
	if told != nil {
		return told(ctx, request)
	}
	return otherwise(ctx, request)
}

func (w workHistories) LookupNss(
	ctx context.Context, request *semanasv1.LookupNssRequest,
) (*semanasv1.LookupNssResponse, error) {
	return either(ctx, request, w.fake.LookupNss, w.story.lookupNss)
}

func (w workHistories) SubmitWorkHistory(
	ctx context.Context, request *semanasv1.SubmitWorkHistoryRequest,
) (*semanasv1.SubmitWorkHistoryResponse, error) {
	return either(ctx, request, w.fake.SubmitWorkHistory, w.story.submit)
}

func (w workHistories) WatchWorkHistory(
	request *semanasv1.WatchWorkHistoryRequest, to grpc.ServerStreamingServer[semanasv1.WatchWorkHistoryResponse],
) error {
	if w.fake.WatchWorkHistory != nil {
		return w.fake.WatchWorkHistory(request, to)
	}
	return w.story.watch(request, to)
}

func (w workHistories) GetWorkHistory(
	ctx context.Context, request *semanasv1.GetWorkHistoryRequest,
) (*semanasv1.GetWorkHistoryResponse, error) {
	return either(ctx, request, w.fake.GetWorkHistory, w.story.get)
}

func (w workHistories) ListWorkHistories(
	ctx context.Context, request *semanasv1.ListWorkHistoriesRequest,
) (*semanasv1.ListWorkHistoriesResponse, error) {
	return either(ctx, request, w.fake.ListWorkHistories, w.story.list)
}

func (w workHistories) CancelWorkHistory(
	ctx context.Context, request *semanasv1.CancelWorkHistoryRequest,
) (*semanasv1.CancelWorkHistoryResponse, error) {
	return either(ctx, request, w.fake.CancelWorkHistory, w.story.cancel)
}

func (w workHistories) WatchWorkHistories(
	request *semanasv1.WatchWorkHistoriesRequest, to grpc.ServerStreamingServer[semanasv1.WatchWorkHistoriesResponse],
) error {
	if w.fake.WatchWorkHistories != nil {
		return w.fake.WatchWorkHistories(request, to)
	}
	return w.story.watchAll(request, to)
}

func (o operations) ListCharges(
	ctx context.Context, request *semanasv1.ListChargesRequest,
) (*semanasv1.ListChargesResponse, error) {
	return either(ctx, request, o.fake.ListCharges, o.story.charges)
}

func (o operations) GetProviderStatus(
	ctx context.Context, request *semanasv1.GetProviderStatusRequest,
) (*semanasv1.GetProviderStatusResponse, error) {
	return either(ctx, request, o.fake.GetProviderStatus, o.story.providers)
}

func (o operations) ResolveWorkHistory(
	ctx context.Context, request *semanasv1.ResolveWorkHistoryRequest,
) (*semanasv1.ResolveWorkHistoryResponse, error) {
	return either(ctx, request, o.fake.ResolveWorkHistory, o.story.resolve)
}
