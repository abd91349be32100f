package semanas

// What the messages of the two watches mean to a reader. It decides nothing about connections.

import (
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

// More than any server says; a client that waits for three days is as good as one that waits forever.
const heartbeatIntervalMax = 24 * time.Hour

// JobUpdate is one step of a job. Exactly one of Snapshot, Event and Stale is set.
type JobUpdate struct {
	// Cursor is the position after this update: give it to a later watch to go on from here.
	Cursor string
	// IsTerminal is true on the last update.
	IsTerminal bool
	// Snapshot is the job as it stands. With another cause than START it replaces what was seen before.
	Snapshot *semanasv1.JobSnapshot
	// Event is something that happened to the job. Each comes once, in order, none missing.
	Event *semanasv1.JobEvent
	// Stale says that the server cannot read its store and that what follows may be late; only with [WithStaleUpdates].
	Stale *semanasv1.Stale
}

// Job is the whole job where the update holds it, in snapshots and in the last update, else nil.
func (u *JobUpdate) Job() *semanasv1.WorkHistoryJob {
	if u.Snapshot != nil {
		return u.Snapshot.GetJob()
	}
	return u.Event.GetJob()
}

// State is the job's state after this update; JOB_STATE_UNSPECIFIED where the update says nothing of it.
func (u *JobUpdate) State() semanasv1.JobState {
	if u.Event != nil {
		return u.Event.GetState()
	}
	return u.Snapshot.GetJob().GetState()
}

// lastJob is the job of the last update. Of a server that leaves it out, the state is known all the same.
func (u *JobUpdate) lastJob(jobID string) *semanasv1.WorkHistoryJob {
	if job := u.Job(); job != nil {
		return job
	}
	state := u.State()
	if state == semanasv1.JobState_JOB_STATE_SUCCEEDED {
		// Without a history it is no success to anybody.
		state = semanasv1.JobState_JOB_STATE_UNSPECIFIED
	}
	return &semanasv1.WorkHistoryJob{JobId: jobID, State: state, EventSequence: u.Event.GetSequence()}
}

// String says what the update is, without personal data.
func (u *JobUpdate) String() string {
	switch {
	case u.Snapshot != nil:
		return fmt.Sprintf("snapshot(%s, %s)", u.Snapshot.GetJob().GetJobId(), NameOf(u.State()))
	case u.Event != nil:
		return fmt.Sprintf("event(%d, %s)", u.Event.GetSequence(), NameOf(u.State()))
	case u.Stale != nil:
		return "stale"
	}
	return "update"
}

// GoString is String.
func (u *JobUpdate) GoString() string { return u.String() }

// LogValue is String.
func (u *JobUpdate) LogValue() slog.Value { return slog.StringValue(u.String()) }

// FeedUpdate is one step of the feed of all jobs. Exactly one of Job, Synced, Reset and Stale is set.
type FeedUpdate struct {
	// Cursor is the position after this update.
	Cursor string
	// Job is a job as it stands; it replaces what was known of it. The same state may come twice.
	Job *semanasv1.WorkHistoryJob
	// Synced says that all jobs of the beginning were given; changes follow.
	Synced *semanasv1.FeedSynced
	// Reset says to forget what was known: the newest jobs follow.
	Reset *semanasv1.FeedReset
	// Stale says that the server cannot read its store and that what follows may be late; only with [WithStaleUpdates].
	Stale *semanasv1.Stale
}

// String says what the update is, without personal data.
func (u *FeedUpdate) String() string {
	switch {
	case u.Job != nil:
		return fmt.Sprintf("job(%s, %s)", u.Job.GetJobId(), NameOf(u.Job.GetState()))
	case u.Synced != nil:
		return "synced"
	case u.Reset != nil:
		return fmt.Sprintf("reset(%s)", NameOf(u.Reset.GetCause()))
	case u.Stale != nil:
		return "stale"
	}
	return "update"
}

// GoString is String.
func (u *FeedUpdate) GoString() string { return u.String() }

// LogValue is String.
func (u *FeedUpdate) LogValue() slog.Value { return slog.StringValue(u.String()) }

func readJobMessage(message *semanasv1.WatchWorkHistoryResponse, at *place) frame[JobUpdate] {
	update := &JobUpdate{Cursor: message.GetCursor(), IsTerminal: message.GetTerminal()}
	read := frame[JobUpdate]{meaning: isUnknown, update: update}
	switch content := message.GetContent().(type) {
	case *semanasv1.WatchWorkHistoryResponse_Snapshot:
		update.Snapshot = content.Snapshot
		at.learnHeartbeat(content.Snapshot.GetHeartbeatInterval())
		sequence := content.Snapshot.GetJob().GetEventSequence()
		at.lastSequence = &sequence
		read.meaning = isStart
	case *semanasv1.WatchWorkHistoryResponse_Event:
		update.Event = content.Event
		sequence := content.Event.GetSequence()
		switch last := at.lastSequence; {
		case last != nil && sequence <= *last:
			return frame[JobUpdate]{meaning: isRepeated}
		case last != nil && sequence > *last+1:
			return frame[JobUpdate]{meaning: isGap}
		}
		at.lastSequence = &sequence
		read.meaning = isProgress
	case *semanasv1.WatchWorkHistoryResponse_Heartbeat:
		read.meaning = isHeartbeat
	case *semanasv1.WatchWorkHistoryResponse_Stale:
		update.Stale = content.Stale
		read.meaning = isStale
	case *semanasv1.WatchWorkHistoryResponse_Draining:
		read.meaning, read.resumeDelay = isDraining, positive(content.Draining.GetResumeDelay())
	}
	if update.IsTerminal && (read.meaning == isStart || read.meaning == isProgress) {
		read.meaning = isLast
	}
	at.advance(message.GetCursor())
	return read
}

func readFeedMessage(message *semanasv1.WatchWorkHistoriesResponse, at *place) frame[FeedUpdate] {
	update := &FeedUpdate{Cursor: message.GetCursor()}
	read := frame[FeedUpdate]{meaning: isUnknown, update: update}
	switch content := message.GetContent().(type) {
	case *semanasv1.WatchWorkHistoriesResponse_Job:
		update.Job = content.Job
		read.meaning = isProgress
	case *semanasv1.WatchWorkHistoriesResponse_Synced:
		at.learnHeartbeat(content.Synced.GetHeartbeatInterval())
		update.Synced = content.Synced
		read.meaning = isStart
	case *semanasv1.WatchWorkHistoriesResponse_Reset_:
		update.Reset = content.Reset_
		read.meaning = isStart
	case *semanasv1.WatchWorkHistoriesResponse_Heartbeat:
		read.meaning = isHeartbeat
	case *semanasv1.WatchWorkHistoriesResponse_Stale:
		update.Stale = content.Stale
		read.meaning = isStale
	case *semanasv1.WatchWorkHistoriesResponse_Draining:
		read.meaning, read.resumeDelay = isDraining, positive(content.Draining.GetResumeDelay())
	}
	at.advance(message.GetCursor())
	return read
}

func (p *place) advance(cursor string) {
	if cursor != "" {
		p.cursor = cursor
	}
}

// learnHeartbeat takes the server's own interval. One of zero would make every stream look dead at once, and one of a century
// would do so by overflow.
func (p *place) learnHeartbeat(interval *durationpb.Duration) {
	if named := positive(interval); named > 0 {
		p.heartbeatInterval = min(named, heartbeatIntervalMax)
	}
}

// positive is zero for a span that is absent or negative.
func positive(span *durationpb.Duration) time.Duration {
	return max(0, span.AsDuration())
}
