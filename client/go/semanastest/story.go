package semanastest

// What the fake answers by itself: people who all have a work history, and jobs that all succeed. Every name and number is invented.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

const (
	inventedNss = "12345678903"
	curpLength  = 18
	// The first event is the job's acceptance, the second its start, the third its end.
	lastSequence = 3
)

// story holds the jobs in the order in which they were submitted, as they end.
type story struct {
	mutex sync.Mutex
	jobs  []*semanasv1.WorkHistoryJob
}

func (s *story) lookupNss(_ context.Context, request *semanasv1.LookupNssRequest) (*semanasv1.LookupNssResponse, error) {
	if len(request.GetCurp()) != curpLength {
		return nil, Refuse(codes.InvalidArgument, "INVALID_CURP", "the CURP must have 18 characters")
	}
	return &semanasv1.LookupNssResponse{Nss: inventedNss, Disposition: semanasv1.Disposition_DISPOSITION_STARTED}, nil
}

func (s *story) submit(
	_ context.Context, request *semanasv1.SubmitWorkHistoryRequest,
) (*semanasv1.SubmitWorkHistoryResponse, error) {
	curp := strings.ToUpper(request.GetSubject().GetCurp())
	if len(curp) != curpLength {
		return nil, Refuse(codes.InvalidArgument, "INVALID_CURP", "the CURP must have 18 characters")
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := timestamppb.Now()
	job := &semanasv1.WorkHistoryJob{
		JobId:         fmt.Sprintf("wh_fake_%d", len(s.jobs)+1),
		State:         semanasv1.JobState_JOB_STATE_SUCCEEDED,
		CreateTime:    now,
		UpdateTime:    now,
		EndTime:       now,
		EventSequence: lastSequence,
		WorkHistory:   inventedHistory(curp),
		Limit:         request.GetLimit(),
		Labels:        request.GetLabels(),
		Purpose:       request.GetPurpose(),
	}
	s.jobs = append(s.jobs, job)
	return &semanasv1.SubmitWorkHistoryResponse{
		Job: at(job, 1), Disposition: semanasv1.Disposition_DISPOSITION_STARTED, WatchCursor: cursor(1),
	}, nil
}

func inventedHistory(curp string) *semanasv1.WorkHistory {
	return &semanasv1.WorkHistory{
		Person: &semanasv1.Person{Curp: curp, Nss: inventedNss, FullName: "PERSONA DE PRUEBA"},
		Weeks:  &semanasv1.Weeks{Quoted: proto.Int32(104), Total: proto.Int32(104)},
		Employments: []*semanasv1.Employment{{
			Employer:        "EMPRESA DE PRUEBA SA DE CV",
			StartDate:       &semanasv1.Date{Year: 2023, Month: 1, Day: 2},
			Current:         true,
			DailyBaseSalary: &semanasv1.Money{CurrencyCode: "MXN", Units: 500},
		}},
		EmploymentCount: 1,
	}
}

// at is the job as it stood after its event of that number.
func at(job *semanasv1.WorkHistoryJob, sequence int64) *semanasv1.WorkHistoryJob {
	then := proto.CloneOf(job)
	if sequence < lastSequence {
		then.State = stateAfter(sequence)
		then.EventSequence, then.EndTime, then.WorkHistory = sequence, nil, nil
	}
	return then
}

func stateAfter(sequence int64) semanasv1.JobState {
	return []semanasv1.JobState{
		semanasv1.JobState_JOB_STATE_QUEUED, semanasv1.JobState_JOB_STATE_RUNNING, semanasv1.JobState_JOB_STATE_SUCCEEDED,
	}[sequence-1]
}

func cursor(sequence int64) string { return fmt.Sprintf("fake-%d", sequence) }

func (s *story) find(jobID string) (*semanasv1.WorkHistoryJob, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, job := range s.jobs {
		if job.GetJobId() == jobID {
			return job, nil
		}
	}
	return nil, Refuse(codes.NotFound, "JOB_NOT_FOUND", "there is no such job")
}

func (s *story) watch(
	request *semanasv1.WatchWorkHistoryRequest, to grpc.ServerStreamingServer[semanasv1.WatchWorkHistoryResponse],
) error {
	job, err := s.find(request.GetJobId())
	if err != nil {
		return err
	}
	var seen int64
	if _, err := fmt.Sscanf(request.GetCursor(), "fake-%d", &seen); err != nil {
		seen = 1
		snapshot := &semanasv1.JobSnapshot{
			Job: at(job, seen), HeartbeatInterval: durationpb.New(15 * time.Second),
			Cause: semanasv1.SnapshotCause_SNAPSHOT_CAUSE_START,
		}
		message := &semanasv1.WatchWorkHistoryResponse{
			Cursor: cursor(seen), Content: &semanasv1.WatchWorkHistoryResponse_Snapshot{Snapshot: snapshot},
		}
		if err := to.Send(message); err != nil {
			return err
		}
	}
	for sequence := seen + 1; sequence <= lastSequence; sequence++ {
		event := &semanasv1.JobEvent{Sequence: sequence, EventTime: job.GetUpdateTime(), State: stateAfter(sequence)}
		if sequence == lastSequence {
			event.Job = job
		}
		message := &semanasv1.WatchWorkHistoryResponse{
			Cursor: cursor(sequence), Terminal: sequence == lastSequence,
			Content: &semanasv1.WatchWorkHistoryResponse_Event{Event: event},
		}
		if err := to.Send(message); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) get(_ context.Context, request *semanasv1.GetWorkHistoryRequest) (*semanasv1.GetWorkHistoryResponse, error) {
	job, err := s.find(request.GetJobId())
	return &semanasv1.GetWorkHistoryResponse{Job: job}, err
}

func (s *story) cancel(
	_ context.Context, request *semanasv1.CancelWorkHistoryRequest,
) (*semanasv1.CancelWorkHistoryResponse, error) {
	job, err := s.find(request.GetJobId())
	return &semanasv1.CancelWorkHistoryResponse{Job: job}, err
}

func (s *story) list(context.Context, *semanasv1.ListWorkHistoriesRequest) (*semanasv1.ListWorkHistoriesResponse, error) {
	return &semanasv1.ListWorkHistoriesResponse{Jobs: s.newestFirst()}, nil
}

// newestFirst is all jobs without their histories, as lists and feeds give them.
func (s *story) newestFirst() []*semanasv1.WorkHistoryJob {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var listed []*semanasv1.WorkHistoryJob
	for _, job := range slices.Backward(s.jobs) {
		brief := proto.CloneOf(job)
		brief.WorkHistory = nil
		listed = append(listed, brief)
	}
	return listed
}

// watchAll gives the jobs that are there, and then waits until it is left.
func (s *story) watchAll(
	_ *semanasv1.WatchWorkHistoriesRequest, to grpc.ServerStreamingServer[semanasv1.WatchWorkHistoriesResponse],
) error {
	for _, job := range s.newestFirst() {
		message := &semanasv1.WatchWorkHistoriesResponse{
			Cursor: "fake-feed", Content: &semanasv1.WatchWorkHistoriesResponse_Job{Job: job},
		}
		if err := to.Send(message); err != nil {
			return err
		}
	}
	synced := &semanasv1.FeedSynced{HeartbeatInterval: durationpb.New(time.Hour)}
	message := &semanasv1.WatchWorkHistoriesResponse{
		Cursor: "fake-feed", Content: &semanasv1.WatchWorkHistoriesResponse_Synced{Synced: synced},
	}
	if err := to.Send(message); err != nil {
		return err
	}
	<-to.Context().Done()
	return nil
}

func (s *story) charges(context.Context, *semanasv1.ListChargesRequest) (*semanasv1.ListChargesResponse, error) {
	return &semanasv1.ListChargesResponse{}, nil
}

func (s *story) providers(
	context.Context, *semanasv1.GetProviderStatusRequest,
) (*semanasv1.GetProviderStatusResponse, error) {
	return &semanasv1.GetProviderStatusResponse{}, nil
}

func (s *story) resolve(
	context.Context, *semanasv1.ResolveWorkHistoryRequest,
) (*semanasv1.ResolveWorkHistoryResponse, error) {
	return nil, Refuse(codes.FailedPrecondition, "JOB_NOT_RESOLVABLE", "the job has no charge that is unknown")
}
