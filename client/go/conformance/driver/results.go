package main

// What the client gave, in the words of the protocol.

import (
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

func answered(err error, ok func() object) object {
	if err != nil {
		return object{"error": errorObject(err)}
	}
	return object{"ok": ok()}
}

func answeredJob(job *semanasv1.WorkHistoryJob, err error, known *found) object {
	known.keep(job.GetJobId(), "", "")
	return answered(err, func() object { return object{"job": jobObject(job)} })
}

func jobObject(job *semanasv1.WorkHistoryJob) object {
	told := object{
		"job_id": job.GetJobId(), "state": semanas.NameOf(job.GetState()), "sequence": job.GetEventSequence(),
		"terminal": semanas.IsTerminal(job.GetState()), "attempts": len(job.GetAttempts()), "labels": orEmpty(job.GetLabels()),
	}
	if history := job.GetWorkHistory(); history != nil {
		told["employments"] = len(history.GetEmployments())
	}
	if failure := job.GetFailure(); failure != nil {
		told["reason"] = semanas.NameOf(failure.GetReason())
	}
	return told
}

func orEmpty(labels map[string]string) map[string]string {
	if labels == nil {
		return map[string]string{}
	}
	return labels
}

func jobUpdateObject(update *semanas.JobUpdate) object {
	told := object{"cursor": update.Cursor}
	switch {
	case update.Snapshot != nil:
		told["kind"], told["cause"], told["terminal"] = "snapshot", semanas.NameOf(update.Snapshot.GetCause()), update.IsTerminal
		told["job"] = jobObject(update.Job())
	case update.Event != nil:
		told["kind"], told["sequence"], told["terminal"] = "event", update.Event.GetSequence(), update.IsTerminal
		told["state"] = semanas.NameOf(update.State())
		if update.Job() != nil {
			told["job"] = jobObject(update.Job())
		}
	default:
		told["kind"] = "stale"
	}
	return told
}

func feedUpdateObject(update *semanas.FeedUpdate) object {
	told := object{"cursor": update.Cursor}
	switch {
	case update.Job != nil:
		told["kind"], told["job"] = "job", jobObject(update.Job)
	case update.Synced != nil:
		told["kind"] = "synced"
	case update.Reset != nil:
		told["kind"], told["cause"] = "reset", semanas.NameOf(update.Reset.GetCause())
	default:
		told["kind"] = "stale"
	}
	return told
}

func errorObject(err error) object {
	failed := semanas.ErrorFrom(err)
	told := object{
		"kind": failed.Kind.String(), "reason": failed.Reason, "domain": failed.Domain, "metadata": orEmpty(failed.Metadata),
		"known":   failed.KnownReason() != semanasv1.ErrorReason_ERROR_REASON_UNSPECIFIED,
		"message": failed.Message,
	}
	if failed.Status != nil {
		told["code"] = codeName(failed.Status.Code())
	}
	if delay, isNamed := failed.RetryDelay(); isNamed {
		told["retry_delay_ms"] = delay.Milliseconds()
	}
	violations := []object{}
	for _, wrong := range failed.Violations {
		violations = append(violations, object{"field": wrong.Field, "description": wrong.Description})
	}
	told["violations"] = violations
	if failed.Job != nil {
		told["job"] = jobObject(failed.Job)
	}
	if failed.JobID != "" {
		told["job_id"] = failed.JobID
	}
	if failed.Cursor != "" {
		told["cursor"] = failed.Cursor
	}
	return told
}

// codeName is the code as the specification writes it: NOT_FOUND for NotFound.
func codeName(code codes.Code) string {
	switch code {
	case codes.OK:
		return "OK"
	case codes.Canceled:
		return "CANCELLED"
	}
	var name strings.Builder
	for i, letter := range code.String() {
		if i > 0 && unicode.IsUpper(letter) {
			name.WriteByte('_')
		}
		name.WriteRune(unicode.ToUpper(letter))
	}
	return name.String()
}
