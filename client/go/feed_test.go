package semanas_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
	"github.com/semanas/semanas/client/go/semanastest"
)

type feedMessage = semanasv1.WatchWorkHistoriesResponse

func change(cursor string) *feedMessage {
	return &feedMessage{Cursor: cursor, Content: &semanasv1.WatchWorkHistoriesResponse_Job{Job: job(1)}}
}

func TestTheFeedIsResumedWhereItBroke(t *testing.T) {
	synced := &feedMessage{Cursor: "c2", Content: &semanasv1.WatchWorkHistoriesResponse_Synced{Synced: &semanasv1.FeedSynced{}}}
	beat := &feedMessage{Cursor: "c3", Content: &semanasv1.WatchWorkHistoriesResponse_Heartbeat{Heartbeat: &semanasv1.Heartbeat{}}}
	drained := &feedMessage{Cursor: "c4", Content: &semanasv1.WatchWorkHistoriesResponse_Draining{
		Draining: &semanasv1.Draining{ResumeDelay: durationpb.New(time.Millisecond)}}}
	reset := &feedMessage{Cursor: "c5", Content: &semanasv1.WatchWorkHistoriesResponse_Reset_{
		Reset_: &semanasv1.FeedReset{Cause: semanasv1.SnapshotCause_SNAPSHOT_CAUSE_RESET}}}
	script := inTurn[*semanasv1.WatchWorkHistoriesRequest](
		[]*feedMessage{change("c1"), synced, beat},
		[]*feedMessage{{Cursor: "c3b"}, drained},
		[]*feedMessage{reset, change("c6")},
	)
	client := start(t, semanastest.Fake{
		WatchWorkHistories: func(request *semanasv1.WatchWorkHistoriesRequest, to grpc.ServerStreamingServer[feedMessage]) error {
			for _, one := range script.next(request) {
				if err := to.Send(one); err != nil {
					return err
				}
			}
			return nil
		},
	})
	var said []string
	request := &semanasv1.WatchWorkHistoriesRequest{
		Cursor: "mine", InitialCount: 7, Filter: &semanasv1.JobFilter{Labels: map[string]string{"a": "b"}},
	}
	for update, err := range client.WatchWorkHistories(background(t), request) {
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, fmt.Sprintf("%s=%s", update.Cursor, strings.Split(update.String(), "(")[0]))
		if update.Cursor == "c6" {
			break
		}
	}
	if !slices.Equal(said, []string{"c1=job", "c2=synced", "c5=reset", "c6=job"}) {
		t.Error(said)
	}
	var cursors []string
	for _, asked := range script.seen() {
		cursors = append(cursors, asked.GetCursor())
		if asked.GetInitialCount() != 7 || asked.GetFilter().GetLabels()["a"] != "b" {
			t.Errorf("asked %v", asked)
		}
	}
	if !slices.Equal(cursors, []string{"mine", "c3", "c4"}) {
		t.Errorf("the cursors are %q", cursors)
	}
}

func TestPagesAreFetchedWhenTheyAreReached(t *testing.T) {
	pages := map[string]*semanasv1.ListWorkHistoriesResponse{
		"":       {Jobs: []*semanasv1.WorkHistoryJob{job(1), job(2)}, NextPageToken: "second"},
		"second": {NextPageToken: "third"},
		"third":  {Jobs: []*semanasv1.WorkHistoryJob{job(3)}},
	}
	script := inTurn[*semanasv1.ListWorkHistoriesRequest]("")
	client := start(t, semanastest.Fake{
		ListWorkHistories: func(
			_ context.Context, request *semanasv1.ListWorkHistoriesRequest,
		) (*semanasv1.ListWorkHistoriesResponse, error) {
			script.next(request)
			return pages[request.GetPageToken()], nil
		},
	})
	list := func(stopAfter int) (sequences []int64) {
		request := &semanasv1.ListWorkHistoriesRequest{PageSize: 2, Filter: &semanasv1.JobFilter{Labels: map[string]string{"a": "b"}}}
		for job, err := range client.ListWorkHistories(background(t), request) {
			if err != nil {
				t.Fatal(err)
			}
			sequences = append(sequences, job.GetEventSequence())
			if len(sequences) == stopAfter {
				break
			}
		}
		return sequences
	}
	if all := list(0); !slices.Equal(all, []int64{1, 2, 3}) || len(script.seen()) != 3 {
		t.Errorf("%v in %d pages", all, len(script.seen()))
	}
	if two := list(2); !slices.Equal(two, []int64{1, 2}) || len(script.seen()) != 4 {
		t.Errorf("%v in %d pages", two, len(script.seen())-3)
	}
	for _, asked := range script.seen() {
		if asked.GetPageSize() != 2 || asked.GetFilter().GetLabels()["a"] != "b" {
			t.Errorf("asked %v", asked)
		}
	}
}

func TestHooksAreToldOfEachAttemptAndOfTheConnection(t *testing.T) {
	var mutex sync.Mutex
	var attempts, states []string
	hooks := semanas.Hooks{
		Attempt: func(attempt semanas.Attempt) {
			mutex.Lock()
			defer mutex.Unlock()
			word := fmt.Sprintf("%s %d %v", attempt.Method, attempt.Number, attempt.Code)
			if attempt.Wait > 0 {
				word += " waits"
			}
			attempts = append(attempts, word)
		},
		Connection: func(state semanas.ConnectionState) {
			mutex.Lock()
			defer mutex.Unlock()
			states = append(states, state.String())
		},
	}
	fake := watching(plays(say(snapshot(1)).then(broken()), say(done(2))))
	fake.GetWorkHistory = get(getErrors(broken(), nil)).GetWorkHistory
	client := start(t, fake, semanas.WithHooks(hooks))
	if _, err := client.GetWorkHistory(background(t), wh1()); err != nil {
		t.Fatal(err)
	}
	words(background(t), client, "")
	until(t, "the connection is ready", func() bool {
		mutex.Lock()
		defer mutex.Unlock()
		return slices.Contains(states, "ready")
	})
	mutex.Lock()
	defer mutex.Unlock()
	expected := []string{
		"GetWorkHistory 1 Unavailable waits", "GetWorkHistory 2 OK",
		"WatchWorkHistory 1 Unavailable waits", "WatchWorkHistory 2 OK",
	}
	if !slices.Equal(attempts, expected) || states[0] != "idle" {
		t.Errorf("%q, %q", attempts, states)
	}
}
