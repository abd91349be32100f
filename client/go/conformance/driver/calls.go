package main

// The calls of a case.

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

type command struct {
	Call          string          `json:"call"`
	Calls         []command       `json:"calls"`
	Request       json.RawMessage `json:"request"`
	Filter        filter          `json:"filter"`
	JobID         string          `json:"job_id"`
	Cursor        string          `json:"cursor"`
	PageToken     string          `json:"page_token"`
	PageSize      int32           `json:"page_size"`
	Limit         *int32          `json:"limit"`
	StopAfter     int             `json:"stop_after"`
	CancelAfterMs *int64          `json:"cancel_after_ms"`
	TimeLimitMs   *int64          `json:"time_limit_ms"`
	Charge        string          `json:"charge"`
	Note          string          `json:"note"`
}

type filter struct {
	States []string          `json:"states"`
	Labels map[string]string `json:"labels"`
}

type request struct {
	Curp              string            `json:"curp"`
	Nss               string            `json:"nss"`
	GivenNames        string            `json:"given_names"`
	PaternalSurname   string            `json:"paternal_surname"`
	MaternalSurname   string            `json:"maternal_surname"`
	Limit             int32             `json:"limit"`
	RequestID         string            `json:"request_id"`
	MaxAgeMs          *int64            `json:"max_age_ms"`
	AllowRepeatCharge bool              `json:"allow_repeat_charge"`
	Provider          string            `json:"provider"`
	TestCaseID        string            `json:"test_case_id"`
	Purpose           string            `json:"purpose"`
	ConsentReference  string            `json:"consent_reference"`
	Labels            map[string]string `json:"labels"`
}

func (c command) do(ctx context.Context, client *semanas.Client, known *found) any {
	if c.CancelAfterMs != nil {
		cancelled, cancel := context.WithCancel(ctx)
		defer cancel()
		timer := time.AfterFunc(ms(*c.CancelAfterMs), cancel)
		defer timer.Stop()
		ctx = cancelled
	}
	c.JobID, c.Cursor, c.PageToken = known.fill(c.JobID), known.fill(c.Cursor), known.fill(c.PageToken)
	var asked request
	if len(c.Request) > 0 {
		if err := json.Unmarshal(c.Request, &asked); err != nil {
			return object{"unsupported": err.Error()}
		}
	}

	switch c.Call {
	case "together":
		return c.together(ctx, client, known)
	case "lookup_nss":
		answer, err := client.LookupNss(ctx, asked.lookup())
		return answered(err, func() object {
			return object{"nss": answer.GetNss(), "disposition": semanas.NameOf(answer.GetDisposition())}
		})
	case "submit_work_history":
		answer, err := client.SubmitWorkHistory(ctx, asked.submit())
		known.keep(answer.GetJob().GetJobId(), answer.GetWatchCursor(), "")
		return answered(err, func() object {
			return object{
				"job": jobObject(answer.GetJob()), "disposition": semanas.NameOf(answer.GetDisposition()),
				"watch_cursor": answer.GetWatchCursor(),
			}
		})
	case "get_work_history_when_done":
		if c.TimeLimitMs != nil {
			limited, cancel := context.WithTimeout(ctx, ms(*c.TimeLimitMs))
			defer cancel()
			ctx = limited
		}
		job, err := client.GetWorkHistoryWhenDone(ctx, asked.submit())
		if failed := semanas.ErrorFrom(err); failed != nil {
			known.keep(failed.JobID, failed.Cursor, "")
		}
		return answeredJob(job, err, known)
	case "get_work_history":
		job, err := client.GetWorkHistory(ctx, &semanasv1.GetWorkHistoryRequest{JobId: c.JobID, Limit: c.Limit})
		return answeredJob(job, err, known)
	case "cancel_work_history":
		job, err := client.CancelWorkHistory(ctx, &semanasv1.CancelWorkHistoryRequest{JobId: c.JobID})
		return answeredJob(job, err, known)
	case "resolve_work_history":
		charge := semanasv1.ChargeState(semanasv1.ChargeState_value["CHARGE_STATE_"+c.Charge])
		job, err := client.ResolveWorkHistory(ctx, &semanasv1.ResolveWorkHistoryRequest{JobId: c.JobID, Charge: charge, Note: c.Note})
		return answeredJob(job, err, known)
	case "watch_work_history":
		return c.watch(ctx, client, known)
	case "watch_work_histories":
		return c.watchAll(ctx, client, known)
	case "list_work_histories":
		return c.list(ctx, client, known)
	case "list_charges":
		return c.listCharges(ctx, client)
	case "get_provider_status":
		providers, err := client.GetProviderStatus(ctx)
		return answered(err, func() object {
			list := []object{}
			for _, one := range providers {
				list = append(list, object{"provider": semanas.NameOf(one.GetProvider()), "configured": one.GetConfigured()})
			}
			return object{"providers": list}
		})
	case "health":
		health, err := client.Health(ctx)
		return answered(err, func() object { return object{"health": health.String()} })
	}
	return object{"unsupported": "no such call: " + c.Call}
}

func (c command) together(ctx context.Context, client *semanas.Client, known *found) any {
	results := make([]any, len(c.Calls))
	var all sync.WaitGroup
	for i, one := range c.Calls {
		all.Go(func() { results[i] = one.do(ctx, client, known) })
	}
	all.Wait()
	return results
}

func (r request) maxAge() *durationpb.Duration {
	if r.MaxAgeMs == nil {
		return nil
	}
	return durationpb.New(ms(*r.MaxAgeMs))
}

func (r request) lookup() *semanasv1.LookupNssRequest {
	return &semanasv1.LookupNssRequest{
		Curp: r.Curp, MaxAge: r.maxAge(), AllowRepeatCharge: r.AllowRepeatCharge, Purpose: r.Purpose,
		ConsentReference: r.ConsentReference,
	}
}

func (r request) submit() *semanasv1.SubmitWorkHistoryRequest {
	return &semanasv1.SubmitWorkHistoryRequest{
		Subject: &semanasv1.Subject{
			Curp: r.Curp, Nss: r.Nss, GivenNames: r.GivenNames, PaternalSurname: r.PaternalSurname,
			MaternalSurname: r.MaternalSurname,
		},
		Limit: r.Limit, RequestId: r.RequestID, MaxAge: r.maxAge(), AllowRepeatCharge: r.AllowRepeatCharge,
		Provider:   semanasv1.Provider(semanasv1.Provider_value["PROVIDER_"+r.Provider]),
		TestCaseId: r.TestCaseID, Purpose: r.Purpose, ConsentReference: r.ConsentReference, Labels: r.Labels,
	}
}

func (f filter) message() *semanasv1.JobFilter {
	message := &semanasv1.JobFilter{Labels: f.Labels}
	for _, state := range f.States {
		message.States = append(message.States, semanasv1.JobState(semanasv1.JobState_value["JOB_STATE_"+state]))
	}
	return message
}

// endOf is how an iteration ended early. A reader who cancels has stopped; Go tells them so by an error.
func endOf(ctx context.Context, err error) any {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return "stopped"
	}
	return errorObject(err)
}

func (c command) watch(ctx context.Context, client *semanas.Client, known *found) any {
	updates := []object{}
	from := &semanasv1.WatchWorkHistoryRequest{JobId: c.JobID, Cursor: c.Cursor, Limit: c.Limit}
	for update, err := range client.WatchWorkHistory(ctx, from) {
		if err != nil {
			return object{"updates": updates, "end": endOf(ctx, err)}
		}
		known.keep(update.Job().GetJobId(), update.Cursor, "")
		updates = append(updates, jobUpdateObject(update))
		if len(updates) == c.StopAfter {
			return object{"updates": updates, "end": "stopped"}
		}
	}
	return object{"updates": updates, "end": "done"}
}

func (c command) watchAll(ctx context.Context, client *semanas.Client, known *found) any {
	updates := []object{}
	from := &semanasv1.WatchWorkHistoriesRequest{Cursor: c.Cursor, Filter: c.Filter.message()}
	for update, err := range client.WatchWorkHistories(ctx, from) {
		if err != nil {
			return object{"updates": updates, "end": endOf(ctx, err)}
		}
		known.keep(update.Job.GetJobId(), update.Cursor, "")
		updates = append(updates, feedUpdateObject(update))
		if len(updates) == c.StopAfter {
			return object{"updates": updates, "end": "stopped"}
		}
	}
	return object{"updates": updates, "end": "done"}
}

func (c command) list(ctx context.Context, client *semanas.Client, known *found) any {
	jobs := []object{}
	from := &semanasv1.ListWorkHistoriesRequest{Filter: c.Filter.message(), PageSize: c.PageSize, PageToken: c.PageToken}
	for job, err := range client.ListWorkHistories(ctx, from) {
		if err != nil {
			return object{"jobs": jobs, "end": endOf(ctx, err)}
		}
		known.keep(job.GetJobId(), "", "")
		jobs = append(jobs, jobObject(job))
		if len(jobs) == c.StopAfter {
			return object{"jobs": jobs, "end": "stopped"}
		}
	}
	return object{"jobs": jobs, "end": "done"}
}

func (c command) listCharges(ctx context.Context, client *semanas.Client) any {
	charges := []object{}
	for charge, err := range client.ListCharges(ctx, &semanasv1.ListChargesRequest{JobId: c.JobID, PageSize: c.PageSize}) {
		if err != nil {
			return object{"error": errorObject(err)}
		}
		charges = append(charges, object{
			"charge_id": charge.GetChargeId(), "job_id": charge.GetJobId(), "state": semanas.NameOf(charge.GetState()),
		})
		if len(charges) == c.StopAfter {
			break
		}
	}
	return object{"ok": object{"charges": charges}}
}
