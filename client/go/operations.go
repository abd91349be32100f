package semanas

// The calls of OperationsService, one method each.

import (
	"context"
	"iter"

	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

func (c *Client) operations() semanasv1.OperationsServiceClient {
	return semanasv1.NewOperationsServiceClient(c.conn)
}

// ListCharges gives the ledger of charges, newest first, from the request's page_token on. Each page is fetched when the loop
// reaches it. An error is the last thing that comes.
func (c *Client) ListCharges(ctx context.Context, request *semanasv1.ListChargesRequest) iter.Seq2[*semanasv1.Charge, error] {
	return pages(request.GetPageToken(), func(token string) ([]*semanasv1.Charge, string, error) {
		page := &semanasv1.ListChargesRequest{
			PageSize: request.GetPageSize(), PageToken: token, JobId: request.GetJobId(), Provider: request.GetProvider(),
			States: request.GetStates(), OpenTime: request.GetOpenTime(),
		}
		answer, err := c.ListChargesPage(ctx, page)
		return answer.GetCharges(), answer.GetNextPageToken(), err
	})
}

// ListChargesPage gives one page of the ledger, for those who hand pages on.
func (c *Client) ListChargesPage(
	ctx context.Context, request *semanasv1.ListChargesRequest,
) (*semanasv1.ListChargesResponse, error) {
	return call(ctx, c, "ListCharges", harmless, request, c.operations().ListCharges)
}

// GetProviderStatus gives each provider's state as this deployment sees it.
func (c *Client) GetProviderStatus(ctx context.Context) ([]*semanasv1.ProviderStatus, error) {
	request := &semanasv1.GetProviderStatusRequest{}
	answer, err := call(ctx, c, "GetProviderStatus", harmless, request, c.operations().GetProviderStatus)
	return answer.GetProviders(), err
}

// ResolveWorkHistory settles a job whose charge is unknown, after the provider's books were asked. KindFailedPrecondition says that
// there is nothing to settle; that is also why it is not made again after a broken connection, when it may have been done.
func (c *Client) ResolveWorkHistory(
	ctx context.Context, request *semanasv1.ResolveWorkHistoryRequest,
) (*semanasv1.WorkHistoryJob, error) {
	answer, err := call(ctx, c, "ResolveWorkHistory", onServersWord, request, c.operations().ResolveWorkHistory)
	return jobOf(answer, err)
}
