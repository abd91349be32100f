package semanas_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
	"github.com/semanas/semanas/client/go/semanastest"
)

func submitting(script *script, state semanasv1.JobState) semanastest.Fake {
	fake := watching(script)
	fake.SubmitWorkHistory = func(
		context.Context, *semanasv1.SubmitWorkHistoryRequest,
	) (*semanasv1.SubmitWorkHistoryResponse, error) {
		submitted := job(1)
		submitted.State = state
		return &semanasv1.SubmitWorkHistoryResponse{Job: submitted, WatchCursor: "c1"}, nil
	}
	return fake
}

func TestAJobIsWaitedFor(t *testing.T) {
	const queued = semanasv1.JobState_JOB_STATE_QUEUED
	const unheard = semanasv1.JobState(77)
	withoutJob := done(2)
	withoutJob.GetEvent().Job = nil
	cases := []struct {
		name      string
		submitted semanasv1.JobState
		last      *message
		// Of the error; empty for a success.
		kind  semanas.Kind
		says  string
		opens int
	}{
		{"it succeeds", queued, done(2), -1, "", 1},
		{"it was done before", semanasv1.JobState_JOB_STATE_SUCCEEDED, nil, -1, "", 0},
		{"it had failed before", semanasv1.JobState_JOB_STATE_FAILED, nil, semanas.KindJobNotSucceeded, "FAILED", 0},
		{"it fails", queued, last(2, semanasv1.JobState_JOB_STATE_FAILED), semanas.KindJobNotSucceeded, "wh_1 ended FAILED", 1},
		{"it is cancelled", queued, last(2, semanasv1.JobState_JOB_STATE_CANCELLED), semanas.KindJobNotSucceeded, "CANCELLED", 1},
		{"nobody knows", queued, last(2, semanasv1.JobState_JOB_STATE_OUTCOME_UNKNOWN), semanas.KindJobNotSucceeded, "OUTCOME_UNKNOWN", 1},
		{"a state of tomorrow", queued, last(2, unheard), semanas.KindJobNotSucceeded, "UNKNOWN(77)", 1},
		{"no state", queued, last(2, 0), semanas.KindJobNotSucceeded, "UNSPECIFIED", 1},
		{"the end holds no job", queued, withoutJob, semanas.KindJobNotSucceeded, "UNSPECIFIED", 1},
	}
	for _, c := range cases {
		script := plays(say(c.last))
		found, err := start(t, submitting(script, c.submitted)).GetWorkHistoryWhenDone(background(t), &semanasv1.SubmitWorkHistoryRequest{})
		if opens := len(script.seen()); opens != c.opens {
			t.Errorf("%s: %d watches", c.name, opens)
		}
		if c.kind < 0 {
			if err != nil || found.GetState() != semanasv1.JobState_JOB_STATE_SUCCEEDED {
				t.Errorf("%s: %v, %v", c.name, found, err)
			}
			continue
		}
		failed := wants(t, err, c.kind)
		if found != nil || failed.Job == nil || failed.Status != nil || !strings.Contains(failed.Error(), c.says) {
			t.Errorf("%s: %v", c.name, failed)
		}
	}
}

func TestAFailedJobsReasonIsInTheError(t *testing.T) {
	ended := last(2, semanasv1.JobState_JOB_STATE_FAILED)
	ended.GetEvent().GetJob().Failure = &semanasv1.Failure{
		Reason: semanasv1.ErrorReason_ERROR_REASON_NSS_NOT_FOUND, Message: "IMSS has no NSS for this CURP",
	}
	ended.GetEvent().GetJob().WorkHistory = &semanasv1.WorkHistory{Person: &semanasv1.Person{Curp: curp}}
	client := start(t, submitting(plays(say(ended)), semanasv1.JobState_JOB_STATE_QUEUED))
	_, err := client.GetWorkHistoryWhenDone(background(t), &semanasv1.SubmitWorkHistoryRequest{})
	failed := wants(t, err, semanas.KindJobNotSucceeded)
	if failed.KnownReason() != semanasv1.ErrorReason_ERROR_REASON_NSS_NOT_FOUND || failed.Job.GetFailure() == nil {
		t.Errorf("%v", failed)
	}
	if text := fmt.Sprintf("%v %+v %#v", failed, failed, failed); strings.Contains(text, curp) || !strings.Contains(text, "no NSS") {
		t.Errorf("the error prints %s", text)
	}
}

func TestATimeLimitLeavesTheJobAndSaysWhere(t *testing.T) {
	script := plays(say(event(2)).thenSilence())
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	request := &semanasv1.SubmitWorkHistoryRequest{Limit: 3}
	_, err := start(t, submitting(script, semanasv1.JobState_JOB_STATE_QUEUED)).GetWorkHistoryWhenDone(ctx, request)
	failed := wants(t, err, semanas.KindDeadlineExceeded)
	if failed.JobID != "wh_1" || failed.Cursor != "c2" {
		t.Errorf("the job is %q at %q", failed.JobID, failed.Cursor)
	}
	if asked := script.seen()[0]; asked.GetCursor() != "c1" || asked.GetLimit() != 3 {
		t.Errorf("watched with %v", asked)
	}
}

func TestATimeLimitHoldsWhileTheServerIsAway(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	away := plays(say().then(refuseFor(codes.Unavailable, 100*time.Second)))
	_, err := start(t, submitting(away, semanasv1.JobState_JOB_STATE_QUEUED)).
		GetWorkHistoryWhenDone(ctx, &semanasv1.SubmitWorkHistoryRequest{})
	if failed := wants(t, err, semanas.KindDeadlineExceeded); failed.JobID != "wh_1" || failed.Cursor != "c1" {
		t.Errorf("the job is %q at %q", failed.JobID, failed.Cursor)
	}
}

func TestUpdatesPrintNoPersonalData(t *testing.T) {
	ended := done(2)
	ended.GetEvent().GetJob().WorkHistory = &semanasv1.WorkHistory{Person: &semanasv1.Person{Curp: curp}}
	client := start(t, watching(plays(say(snapshot(1), ended))))
	for update, err := range client.WatchWorkHistory(background(t), &semanasv1.WatchWorkHistoryRequest{JobId: "wh_1"}) {
		text := fmt.Sprintf("%v %+v %#v %s", update, update, update, update.LogValue())
		if err != nil || strings.Contains(text, curp) || !strings.Contains(text, "(") {
			t.Errorf("an update prints %s (%v)", text, err)
		}
	}
}
