package semanas

// The way around the client's methods: the generated stubs over the same connection.

import (
	"context"
	"time"

	"google.golang.org/grpc"

	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

// Raw is the generated stubs over the client's connection: with its credentials, deadline and user agent, and without its retries
// and typed errors. [ErrorFrom] reads their errors.
type Raw struct {
	// WorkHistory is the service that callers use.
	WorkHistory semanasv1.WorkHistoryServiceClient
	// Operations is the service that operators use.
	Operations semanasv1.OperationsServiceClient
	// Conn is for stubs of other services on the same server.
	Conn grpc.ClientConnInterface
}

// Raw gives the generated stubs.
func (c *Client) Raw() Raw {
	conn := deadlineConn{ClientConnInterface: c.conn, deadline: c.unaryDeadline}
	return Raw{
		WorkHistory: semanasv1.NewWorkHistoryServiceClient(conn),
		Operations:  semanasv1.NewOperationsServiceClient(conn),
		Conn:        conn,
	}
}

// deadlineConn gives unary calls the client's deadline; streams have none.
type deadlineConn struct {
	grpc.ClientConnInterface
	deadline time.Duration
}

func (c deadlineConn) Invoke(ctx context.Context, method string, request, answer any, options ...grpc.CallOption) error {
	ctx, done := within(ctx, c.deadline)
	defer done()
	// The caller's own options come later and win.
	options = append(callOptions(), options...)
	return c.ClientConnInterface.Invoke(ctx, method, request, answer, options...)
}

func (c deadlineConn) NewStream(
	ctx context.Context, stream *grpc.StreamDesc, method string, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	options = append(callOptions(), options...)
	return c.ClientConnInterface.NewStream(ctx, stream, method, options...)
}
