package semanas

// The calls of WorkHistoryService, one method each.

import (
	"context"
	"crypto/rand"
	"iter"
	"time"

	"google.golang.org/protobuf/proto"

	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

// An answer younger than this may be the one that a broken try of the same call has bought. Longer than any retrying lasts.
const youngAnswerMax = 5 * time.Minute

func (c *Client) workHistories() semanasv1.WorkHistoryServiceClient {
	return semanasv1.NewWorkHistoryServiceClient(c.conn)
}

// LookupNss gives the NSS for a CURP. It takes as long as the provider does, within the deadline; after KindDeadlineExceeded the
// lookup goes on, and the same call later gets its answer. KindNotFound and KindFailedPrecondition are definite answers about the
// person. A lookup that asks for a new purchase is made again only where the server itself says that nothing was bought.
func (c *Client) LookupNss(ctx context.Context, request *semanasv1.LookupNssRequest) (*semanasv1.LookupNssResponse, error) {
	may := harmless
	if buysAnew(request) {
		may = onServersWord
	}
	return call(ctx, c, "LookupNss", may, request, c.workHistories().LookupNss)
}

// buysAnew says whether the same request made twice could pay twice.
func buysAnew(request *semanasv1.LookupNssRequest) bool {
	age := request.GetMaxAge()
	return request.GetAllowRepeatCharge() || (age != nil && age.AsDuration() < youngAnswerMax)
}

// SubmitWorkHistory starts or joins a job, or gets a recent answer; it returns at once. A request without a request_id is sent with
// one, so that a retry after a broken connection gets the same job; the caller's message stays as it is.
func (c *Client) SubmitWorkHistory(
	ctx context.Context, request *semanasv1.SubmitWorkHistoryRequest,
) (*semanasv1.SubmitWorkHistoryResponse, error) {
	if request.GetRequestId() == "" {
		named := &semanasv1.SubmitWorkHistoryRequest{}
		proto.Merge(named, request)
		named.RequestId = rand.Text()
		request = named
	}
	answer, err := call(ctx, c, "SubmitWorkHistory", harmless, request, c.workHistories().SubmitWorkHistory)
	if err == nil && answer.GetJob() == nil {
		return nil, errorNoJob()
	}
	return answer, err
}

// WatchWorkHistory follows a job until it ends, across broken connections and restarts of the server. Without a cursor it begins
// with a snapshot; then each event comes once, in order, none missing. The last update has IsTerminal; an error is the last thing
// that comes. Leaving the loop, or cancelling ctx, ends the call at once. Each range over the result begins anew.
func (c *Client) WatchWorkHistory(ctx context.Context, request *semanasv1.WatchWorkHistoryRequest) iter.Seq2[*JobUpdate, error] {
	open := func(ctx context.Context, cursor string) (stream[semanasv1.WatchWorkHistoryResponse], error) {
		from := &semanasv1.WatchWorkHistoryRequest{JobId: request.GetJobId(), Cursor: cursor}
		if request != nil {
			from.Limit = request.Limit
		}
		return c.workHistories().WatchWorkHistory(ctx, from, callOptions()...)
	}
	return follow(ctx, c, "WatchWorkHistory", request.GetCursor(), open, readJobMessage)
}

// GetWorkHistoryWhenDone submits, then follows the job to its end: it gives the job that SUCCEEDED, with its work history. The
// deadline of ctx is the time limit for all of it; without one it waits until the job's own deadline ends it.
//
// Two errors are its own. KindJobNotSucceeded is a job that ended otherwise; it is in the error. KindDeadlineExceeded, when the time
// limit has passed, has the error's JobID and Cursor: the job goes on, and a watch from there misses nothing. Every other error that
// comes after the job was accepted has both as well.
func (c *Client) GetWorkHistoryWhenDone(
	ctx context.Context, request *semanasv1.SubmitWorkHistoryRequest,
) (*semanasv1.WorkHistoryJob, error) {
	answer, err := c.SubmitWorkHistory(ctx, request)
	if err != nil {
		return nil, err
	}
	job, cursor := answer.GetJob(), answer.GetWatchCursor()
	if IsTerminal(job.GetState()) {
		return succeeded(job)
	}
	// A job that was joined may have been started with another limit: ours is said again.
	watch := &semanasv1.WatchWorkHistoryRequest{JobId: job.GetJobId(), Cursor: cursor, Limit: proto.Int32(request.GetLimit())}
	for update, err := range c.WatchWorkHistory(ctx, watch) {
		if err != nil {
			failed := ErrorFrom(err)
			failed.JobID, failed.Cursor = job.GetJobId(), cursor
			return nil, failed
		}
		cursor = update.Cursor
		if update.IsTerminal {
			return succeeded(update.lastJob(job.GetJobId()))
		}
	}
	return nil, errorNoJob()
}

func succeeded(job *semanasv1.WorkHistoryJob) (*semanasv1.WorkHistoryJob, error) {
	if job.GetState() != semanasv1.JobState_JOB_STATE_SUCCEEDED {
		return nil, errorOfJob(job)
	}
	return job, nil
}

// GetWorkHistory gives a job as it stands, with the work history once it is there.
func (c *Client) GetWorkHistory(
	ctx context.Context, request *semanasv1.GetWorkHistoryRequest,
) (*semanasv1.WorkHistoryJob, error) {
	answer, err := call(ctx, c, "GetWorkHistory", harmless, request, c.workHistories().GetWorkHistory)
	return jobOf(answer, err)
}

// CancelWorkHistory asks a job to stop. Before a paid call it is cancelled at once; a call under way is not thrown away.
func (c *Client) CancelWorkHistory(
	ctx context.Context, request *semanasv1.CancelWorkHistoryRequest,
) (*semanasv1.WorkHistoryJob, error) {
	answer, err := call(ctx, c, "CancelWorkHistory", harmless, request, c.workHistories().CancelWorkHistory)
	return jobOf(answer, err)
}

func jobOf(answer interface {
	GetJob() *semanasv1.WorkHistoryJob
}, err error) (*semanasv1.WorkHistoryJob, error) {
	switch {
	case err != nil:
		return nil, err
	case answer.GetJob() == nil:
		return nil, errorNoJob()
	}
	return answer.GetJob(), nil
}

// ListWorkHistories gives all jobs that the request's filter takes, newest first and without work histories, from the request's
// page_token on. Each page is fetched when the loop reaches it. An error is the last thing that comes.
func (c *Client) ListWorkHistories(
	ctx context.Context, request *semanasv1.ListWorkHistoriesRequest,
) iter.Seq2[*semanasv1.WorkHistoryJob, error] {
	return pages(request.GetPageToken(), func(token string) ([]*semanasv1.WorkHistoryJob, string, error) {
		page := &semanasv1.ListWorkHistoriesRequest{PageSize: request.GetPageSize(), PageToken: token, Filter: request.GetFilter()}
		answer, err := c.ListWorkHistoriesPage(ctx, page)
		return answer.GetJobs(), answer.GetNextPageToken(), err
	})
}

// ListWorkHistoriesPage gives one page of jobs, for those who hand pages on.
func (c *Client) ListWorkHistoriesPage(
	ctx context.Context, request *semanasv1.ListWorkHistoriesRequest,
) (*semanasv1.ListWorkHistoriesResponse, error) {
	return call(ctx, c, "ListWorkHistories", harmless, request, c.workHistories().ListWorkHistories)
}

// WatchWorkHistories follows all jobs that the request's filter takes: the newest first, then every change, without end. It is left
// and resumed as [Client.WatchWorkHistory] is.
func (c *Client) WatchWorkHistories(
	ctx context.Context, request *semanasv1.WatchWorkHistoriesRequest,
) iter.Seq2[*FeedUpdate, error] {
	open := func(ctx context.Context, cursor string) (stream[semanasv1.WatchWorkHistoriesResponse], error) {
		from := &semanasv1.WatchWorkHistoriesRequest{
			Cursor: cursor, Filter: request.GetFilter(), InitialCount: request.GetInitialCount(),
		}
		return c.workHistories().WatchWorkHistories(ctx, from, callOptions()...)
	}
	return follow(ctx, c, "WatchWorkHistories", request.GetCursor(), open, readFeedMessage)
}
