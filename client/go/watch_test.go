package semanas_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
	"github.com/semanas/semanas/client/go/semanastest"
)

type message = semanasv1.WatchWorkHistoryResponse

func job(sequence int64) *semanasv1.WorkHistoryJob {
	return &semanasv1.WorkHistoryJob{JobId: "wh_1", State: semanasv1.JobState_JOB_STATE_RUNNING, EventSequence: sequence}
}

func snapshotBecause(sequence int64, cause semanasv1.SnapshotCause) *message {
	return &message{Cursor: cursorAt(sequence), Content: &semanasv1.WatchWorkHistoryResponse_Snapshot{
		Snapshot: &semanasv1.JobSnapshot{Job: job(sequence), Cause: cause},
	}}
}

func snapshot(sequence int64) *message {
	return snapshotBecause(sequence, semanasv1.SnapshotCause_SNAPSHOT_CAUSE_START)
}

func event(sequence int64) *message {
	return &message{Cursor: cursorAt(sequence), Content: &semanasv1.WatchWorkHistoryResponse_Event{
		Event: &semanasv1.JobEvent{Sequence: sequence, State: semanasv1.JobState_JOB_STATE_RUNNING},
	}}
}

func last(sequence int64, state semanasv1.JobState) *message {
	ended := event(sequence)
	ended.Terminal = true
	ended.GetEvent().State, ended.GetEvent().Job = state, job(sequence)
	ended.GetEvent().Job.State = state
	return ended
}

func done(sequence int64) *message { return last(sequence, semanasv1.JobState_JOB_STATE_SUCCEEDED) }

func cursorAt(sequence int64) string { return fmt.Sprintf("c%d", sequence) }

func heartbeat(cursor string) *message {
	return &message{Cursor: cursor, Content: &semanasv1.WatchWorkHistoryResponse_Heartbeat{Heartbeat: &semanasv1.Heartbeat{}}}
}

func stale(cursor string) *message {
	return &message{Cursor: cursor, Content: &semanasv1.WatchWorkHistoryResponse_Stale{Stale: &semanasv1.Stale{}}}
}

func drain(cursor string, delay time.Duration) *message {
	return &message{Cursor: cursor, Content: &semanasv1.WatchWorkHistoryResponse_Draining{
		Draining: &semanasv1.Draining{ResumeDelay: durationpb.New(delay)},
	}}
}

// play is one stream: its messages, then its end. Without one it is silent.
type play struct {
	messages []*message
	end      error
	isSilent bool
}

func say(messages ...*message) play { return play{messages: messages} }

func (p play) then(end error) play { return play{messages: p.messages, end: end} }

func (p play) thenSilence() play { return play{messages: p.messages, isSilent: true} }

type script = row[*semanasv1.WatchWorkHistoryRequest, play]

func plays(all ...play) *script { return inTurn[*semanasv1.WatchWorkHistoryRequest](all...) }

// watching is a fake whose streams are played one after the other.
func watching(script *script) semanastest.Fake {
	return semanastest.Fake{
		WatchWorkHistory: func(request *semanasv1.WatchWorkHistoryRequest, to grpc.ServerStreamingServer[message]) error {
			next := script.next(request)
			for _, one := range next.messages {
				if err := to.Send(one); err != nil {
					return err
				}
			}
			if next.isSilent {
				<-to.Context().Done()
			}
			return next.end
		},
	}
}

func cursors(script *script) []string {
	var all []string
	for _, request := range script.seen() {
		all = append(all, request.GetCursor())
	}
	return all
}

// words is one word for each update: the sequence of an event, s before that of a snapshot, stale, or the error.
func words(ctx context.Context, client *semanas.Client, cursor string) string {
	var said []string
	for update, err := range client.WatchWorkHistory(ctx, &semanasv1.WatchWorkHistoryRequest{JobId: "wh_1", Cursor: cursor}) {
		switch {
		case err != nil:
			said = append(said, err.Error())
		case update.Snapshot != nil:
			said = append(said, fmt.Sprintf("s%d", update.Snapshot.GetJob().GetEventSequence()))
		case update.Event != nil:
			said = append(said, fmt.Sprint(update.Event.GetSequence()))
		default:
			said = append(said, "stale")
		}
	}
	return strings.Join(said, " ")
}

func TestAJobIsFollowedToItsEndThroughEverything(t *testing.T) {
	reset := snapshotBecause(1, semanasv1.SnapshotCause_SNAPSHOT_CAUSE_RESET)
	slow := snapshotBecause(5, semanasv1.SnapshotCause_SNAPSHOT_CAUSE_SLOW_READER)
	ended := snapshot(4)
	ended.Terminal = true
	unknown := &message{Cursor: "c2"}
	cases := []struct {
		name    string
		plays   []play
		words   string
		cursors []string
	}{
		{"heartbeats and unknown messages are not shown", []play{say(snapshot(1), event(2), heartbeat("c2"), unknown, done(3))},
			"s1 2 3", []string{""}},
		{"a finished job is one snapshot", []play{say(ended)}, "s4", []string{""}},
		{"an end without a terminal message", []play{say(snapshot(1), event(2)), say(event(3), done(4))}, "s1 2 3 4", []string{"", "c2"}},
		{"breaks of every kind", []play{
			say().then(status.Error(codes.Unavailable, "starting")),
			say(snapshot(1)).then(status.Error(codes.Internal, "stream reset")),
			say(event(2)).then(status.Error(codes.Unknown, "connection reset")),
			say(event(3)).then(status.Error(codes.Canceled, "a proxy gave up")),
			say(event(4)).then(status.Error(codes.DeadlineExceeded, "a proxy's limit")),
			say(event(5)).then(status.Error(codes.ResourceExhausted, "slow reader")),
			say(done(6)),
		}, "s1 2 3 4 5 6", []string{"", "", "c1", "c2", "c3", "c4", "c5"}},
		{"a draining server", []play{say(snapshot(1), drain("c1", time.Millisecond)), say(done(2))}, "s1 2", []string{"", "c1"}},
		{"an event twice", []play{say(snapshot(2), event(2), event(3), event(3)), say(event(2), event(3), done(4))},
			"s2 3 4", []string{"", "c3"}},
		{"a gap is read again", []play{say(snapshot(1), event(3)), say(event(2), done(3))}, "s1 2 3", []string{"", "c1"}},
		{"lost data", []play{say(snapshot(5), event(6)), say(reset, done(2))}, "s5 6 s1 2", []string{"", "c6"}},
		{"a slow reader", []play{say(snapshot(1), slow, done(6))}, "s1 s5 6", []string{""}},
		{"staleness is not told unasked", []play{say(snapshot(1), stale("c1"), done(2))}, "s1 2", []string{""}},
		{"a heartbeat moves the cursor", []play{say(snapshot(1), heartbeat("later")), say(done(2))}, "s1 2", []string{"", "later"}},
		{"a word of the server ends it", []play{say(snapshot(1)).then(refuse(codes.Internal, "INTERNAL"))},
			"s1 semanas: it is refused [INTERNAL]", []string{""}},
		{"so does an old cursor", []play{say().then(refuse(codes.OutOfRange, "CURSOR_EXPIRED"))},
			"semanas: it is refused [CURSOR_EXPIRED]", []string{""}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			script := plays(c.plays...)
			if said := words(background(t), start(t, watching(script)), ""); said != c.words {
				t.Errorf("%q, expected %q", said, c.words)
			}
			if seen := cursors(script); !slices.Equal(seen, c.cursors) {
				t.Errorf("the cursors are %q, expected %q", seen, c.cursors)
			}
		})
	}
}

func TestACallersOwnCursorIsWhereItBegins(t *testing.T) {
	script := plays(say(event(7), done(8)))
	if said := words(background(t), start(t, watching(script)), "c6"); said != "7 8" || cursors(script)[0] != "c6" {
		t.Errorf("%q from %q", said, cursors(script))
	}
}

func TestStalenessIsToldToThoseWhoAsk(t *testing.T) {
	client := start(t, watching(plays(say(snapshot(1), stale("c1"), done(2)))), semanas.WithStaleUpdates())
	if said := words(background(t), client, ""); said != "s1 stale 2" {
		t.Error(said)
	}
}

func TestSilenceOfThreeHeartbeatsMeansADeadConnection(t *testing.T) {
	const interval = 40 * time.Millisecond
	quick := snapshot(1)
	quick.GetSnapshot().HeartbeatInterval = durationpb.New(interval)
	cases := map[string]struct {
		assumed time.Duration
		plays   []play
		words   string
	}{
		"in the middle, by the server's interval": {forever, []play{say(quick).thenSilence(), say(done(2))}, "s1 2"},
		"while opening, by the assumed one":       {interval, []play{say().thenSilence(), say(snapshot(1), done(2))}, "s1 2"},
	}
	for name, c := range cases {
		began := time.Now()
		script := plays(c.plays...)
		client := start(t, watching(script), semanas.WithHeartbeatInterval(c.assumed))
		said := words(background(t), client, "")
		if took := time.Since(began); said != c.words || len(script.seen()) != 2 || took < 3*interval {
			t.Errorf("%s: %q, %q in %v", name, said, cursors(script), took)
		}
	}
}

func TestAReaderWhoTakesTheirTimeIsNotTakenForSilence(t *testing.T) {
	const interval = 50 * time.Millisecond
	opened, goOn := inTurn[string](true), make(chan struct{})
	client := start(t, semanastest.Fake{
		WatchWorkHistory: func(request *semanasv1.WatchWorkHistoryRequest, to grpc.ServerStreamingServer[message]) error {
			opened.next(request.GetCursor())
			if err := to.Send(snapshot(1)); err != nil {
				return err
			}
			select {
			case <-goOn:
			case <-to.Context().Done():
			}
			return to.Send(done(2))
		},
	}, semanas.WithHeartbeatInterval(interval))
	for update, err := range client.WatchWorkHistory(background(t), &semanasv1.WatchWorkHistoryRequest{JobId: "wh_1"}) {
		if err != nil {
			t.Fatal(err)
		}
		if update.Snapshot != nil {
			<-time.After(4 * interval)
			close(goOn)
		}
	}
	if streams := opened.seen(); len(streams) != 1 {
		t.Errorf("the stream was opened at %q", streams)
	}
}

func TestADrainingServerIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	const named = 150 * time.Millisecond
	began := time.Now()
	said := words(background(t), start(t, watching(plays(say(snapshot(1), drain("c1", named)), say(done(2))))), "")
	if took := time.Since(began); said != "s1 2" || took < named {
		t.Errorf("%q in %v", said, took)
	}
}

func TestAWatchGivesUpInTheEndAndSaysWhy(t *testing.T) {
	// A snapshot alone is no progress: a server may begin and break for ever.
	script := plays(say(snapshot(1)))
	said := words(background(t), start(t, watching(script)), "")
	if !strings.HasSuffix(said, "the stream ended without a terminal message") || len(script.seen()) != 11 {
		t.Errorf("%q after %d streams", said, len(script.seen()))
	}
	script = plays(say(snapshot(1)))
	said = words(background(t), start(t, watching(script), semanas.WithoutWatchResume()), "")
	if len(script.seen()) != 1 || !strings.Contains(said, "ended without") {
		t.Errorf("switched off: %q after %d streams", said, len(script.seen()))
	}
}

func TestAHealthySpellGivesTheWholePatienceBack(t *testing.T) {
	var all []play
	for spell := range int64(3) {
		// The end of the healthy stream is a break as well: with it ten of eleven tries are used up.
		for range 9 {
			all = append(all, say().then(broken()))
		}
		all = append(all, [](play){say(heartbeat("c1")), say(event(2)), say(event(3))}[spell])
	}
	script := plays(append(all, say(done(4)))...)
	if said := words(background(t), start(t, watching(script)), "c1"); said != "2 3 4" {
		t.Error(said)
	}
}

func TestLeavingAWatchReleasesTheServersStream(t *testing.T) {
	leave := map[string]func(watch func(context.Context, func(*semanas.JobUpdate, error) bool)){
		"break": func(watch func(context.Context, func(*semanas.JobUpdate, error) bool)) {
			watch(context.Background(), func(*semanas.JobUpdate, error) bool { return false })
		},
		"cancel": func(watch func(context.Context, func(*semanas.JobUpdate, error) bool)) {
			ctx, cancel := context.WithCancel(context.Background())
			watch(ctx, func(_ *semanas.JobUpdate, err error) bool {
				if err != nil && (semanas.KindOf(err) != semanas.KindCancelled || !errors.Is(err, context.Canceled)) {
					t.Errorf("cancel: %v", err)
				}
				cancel()
				return true
			})
		},
	}
	for name, leave := range leave {
		released := make(chan struct{})
		client := start(t, semanastest.Fake{
			WatchWorkHistory: func(_ *semanasv1.WatchWorkHistoryRequest, to grpc.ServerStreamingServer[message]) error {
				defer close(released)
				if err := to.Send(snapshot(1)); err != nil {
					return err
				}
				<-to.Context().Done()
				return nil
			},
		})
		leave(func(ctx context.Context, yield func(*semanas.JobUpdate, error) bool) {
			client.WatchWorkHistory(ctx, &semanasv1.WatchWorkHistoryRequest{JobId: "wh_1"})(yield)
		})
		select {
		case <-released:
		case <-time.After(patience):
			t.Errorf("%s: the server still holds the stream", name)
		}
	}
}

func TestADeadlineOfTheContextEndsAWatch(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	client := start(t, watching(plays(say(snapshot(1)).thenSilence())))
	for update, err := range client.WatchWorkHistory(ctx, &semanasv1.WatchWorkHistoryRequest{JobId: "wh_1"}) {
		if update == nil {
			wants(t, err, semanas.KindDeadlineExceeded)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
	}
}

func TestEachRangeBeginsAnewAndTheLimitIsSaidEachTime(t *testing.T) {
	script := plays(say(snapshot(1)), say(done(2)), say(snapshot(1), done(2)))
	updates := start(t, watching(script)).WatchWorkHistory(background(t),
		&semanasv1.WatchWorkHistoryRequest{JobId: "wh_1", Limit: proto.Int32(3)})
	for range 2 {
		for _, err := range updates {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if seen := cursors(script); !slices.Equal(seen, []string{"", "c1", ""}) {
		t.Errorf("the cursors are %q", seen)
	}
	for _, request := range script.seen() {
		if request.GetJobId() != "wh_1" || request.Limit == nil || request.GetLimit() != 3 {
			t.Errorf("asked %v", request)
		}
	}
}
