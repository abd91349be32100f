package semanas

// The client itself: how it is made, and the one way in which every unary call goes out, with deadline and retries.

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

// Version is this client's version; servers see it in the user agent.
const Version = "0.1.0"

const (
	userAgent = "semanas-client-go/" + Version
	// How long a call waits for a connection that is being tried again: enough for a handshake across an ocean, and no longer,
	// because a server that is down should be said to be down. Unless the failure itself took longer: whoever was slow is waited for.
	reconnectPatience = 250 * time.Millisecond
)

// Client calls one Semanas deployment. It is safe for concurrent use; make one and keep it.
type Client struct {
	conn grpc.ClientConnInterface
	// Both nil over a connection of the caller's making.
	own   *grpc.ClientConn
	heard *connections
	// Of connections of ours.
	connectTimeout time.Duration
	// Over once the client is closed.
	lifetime context.Context
	stop     context.CancelFunc

	unaryDeadline     time.Duration
	retry             RetryPolicy
	resume            RetryPolicy
	heartbeatInterval time.Duration
	reportsStale      bool
	hooks             Hooks
}

// NewClient makes a client of the server at endpoint: https://host:port, or http:// on the same machine. It sends nothing: the
// connection is made by the first call, and again whenever it breaks. Its errors are of [KindConfiguration] and say what to write.
func NewClient(endpoint string, choices ...Option) (*Client, error) {
	chosen := newOptions(choices)
	if chosen.mistake != nil {
		return nil, chosen.mistake
	}
	where, mistake := parseEndpoint(endpoint)
	if mistake != nil {
		return nil, mistake
	}
	heard := &connections{open: map[*heardConn]struct{}{}}
	conn, mistake := where.dial(&chosen.connection, heard)
	if mistake != nil {
		return nil, mistake
	}
	client := newClient(conn, chosen)
	client.own, client.heard, client.connectTimeout = conn, heard, chosen.connection.connectTimeout
	if chosen.hooks.Connection != nil {
		go chosen.hooks.tellStates(client.lifetime, conn, conn.GetState())
	}
	return client, nil
}

// NewClientFromConn makes a client over a connection of the caller's making: other transports, balancing, own TLS. Options that
// are about the connection are refused, and [Client.Close] leaves it open. Switch grpc-go's own retries off there
// (grpc.WithDisableRetry), since they do not know what may be repeated.
func NewClientFromConn(conn grpc.ClientConnInterface, choices ...Option) (*Client, error) {
	chosen := newOptions(choices)
	if chosen.mistake != nil {
		return nil, chosen.mistake
	}
	if given := chosen.connection.given; len(given) > 0 {
		return nil, configurationError("%s: is about the connection, which is made already: say it there",
			strings.Join(given, ", "))
	}
	if conn == nil {
		return nil, configurationError("the connection is nil")
	}
	return newClient(conn, chosen), nil
}

func newClient(conn grpc.ClientConnInterface, chosen *options) *Client {
	lifetime, stop := context.WithCancel(context.Background())
	return &Client{
		conn:              conn,
		lifetime:          lifetime,
		stop:              stop,
		unaryDeadline:     chosen.unaryDeadline,
		retry:             chosen.retry,
		resume:            chosen.resume,
		heartbeatInterval: chosen.heartbeatInterval,
		reportsStale:      chosen.reportsStale,
		hooks:             chosen.hooks,
	}
}

// Close closes the connection; calls and watches that are under way end with KindCancelled. Over a connection of the caller's
// making, which stays open, it ends watches and waits before retries only.
func (c *Client) Close() error {
	c.stop()
	if c.own == nil {
		return nil
	}
	// A second Close is no error.
	_ = c.own.Close()
	return nil
}

// String says no more than what it is: options may hold secrets.
func (c *Client) String() string { return "semanas.Client" }

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// Health says whether the server takes work.
type Health int

// What a server may say.
const (
	// HealthUnknown is a server that does not say.
	HealthUnknown Health = iota
	// HealthServing takes work.
	HealthServing
	// HealthNotServing is up and takes none: it is starting, draining, or its store does not answer.
	HealthNotServing
)

// String gives the name in the contract, for example "NOT_SERVING".
func (h Health) String() string {
	switch h {
	case HealthServing:
		return "SERVING"
	case HealthNotServing:
		return "NOT_SERVING"
	}
	return "UNKNOWN"
}

// Health asks the server whether it takes work. It is never retried: whoever asks wants to know it as it is.
func (c *Client) Health(ctx context.Context) (Health, error) {
	ctx, done := within(ctx, c.unaryDeadline)
	defer done()
	request := &healthpb.HealthCheckRequest{Service: semanasv1.WorkHistoryService_ServiceDesc.ServiceName}
	answer, failed := once(ctx, c, reconnectPatience, request, healthpb.NewHealthClient(c.conn).Check)
	c.hooks.tellAttempt(Attempt{Method: "Check", Number: 1, Err: failed})
	switch {
	case failed != nil && failed.Kind == KindNotFound:
		// A server that does not know the service does not say how it is.
		return HealthUnknown, nil
	case failed != nil:
		return HealthUnknown, failed
	case answer.GetStatus() == healthpb.HealthCheckResponse_SERVING:
		return HealthServing, nil
	case answer.GetStatus() == healthpb.HealthCheckResponse_NOT_SERVING:
		return HealthNotServing, nil
	}
	return HealthUnknown, nil
}

// repeat says whether a call may be made again.
type repeat int

const (
	// As often as the policy says.
	harmless repeat = iota
	// Only after the server itself said that it did not do it: a second try that follows a broken connection could buy twice.
	onServersWord
)

// stub is a method of a generated stub.
type stub[Q, R any] func(context.Context, Q, ...grpc.CallOption) (R, error)

// call makes a unary call, and makes it again as the policy says. The deadline spans all tries; a wait that would pass it is not
// begun, so that the caller gets the real reason and not the deadline's.
func call[Q, R any](ctx context.Context, c *Client, method string, may repeat, request Q, try stub[Q, R]) (R, error) {
	var none R
	ctx, done := within(ctx, c.unaryDeadline)
	defer done()
	patience := reconnectPatience
	for number := 1; ; number++ {
		began := time.Now()
		answer, failed := once(ctx, c, patience, request, try)
		if failed == nil {
			c.hooks.tellAttempt(Attempt{Method: method, Number: number})
			return answer, nil
		}
		patience = max(patience, c.patienceAfter(time.Since(began)))
		wait, again := retryDelay(c.retry, failed, number, rand.Float64())
		if may == onServersWord && failed.Domain != ErrorDomain {
			again = false
		}
		if !again || !fits(ctx, wait) {
			c.hooks.tellAttempt(Attempt{Method: method, Number: number, Err: failed})
			return none, failed
		}
		c.hooks.tellAttempt(Attempt{Method: method, Number: number, Err: failed, Wait: wait})
		if ended := c.pause(ctx, wait); ended != nil {
			return none, ended
		}
	}
}

func once[Q, R any](ctx context.Context, c *Client, patience time.Duration, request Q, try stub[Q, R]) (R, *Error) {
	if c.lifetime.Err() != nil {
		var none R
		return none, errorClosed()
	}
	c.reconnect(ctx, patience)
	answer, err := try(ctx, request, callOptions()...)
	if err != nil {
		return answer, errorOfCall(ctx, err)
	}
	return answer, nil
}

// callOptions are those of every call, also over a connection of the caller's making.
//
// grpc-go sends a call again by itself when the server refused it unread, even with its retries switched off; not so once it has
// nothing buffered to send again. Our own retries see to it where it is safe, and the hooks are told.
func callOptions() []grpc.CallOption {
	return []grpc.CallOption{grpc.MaxCallRecvMsgSize(answerBytesMax), grpc.MaxRetryRPCBufferSize(0)}
}

// reconnect lets a connection that could not be made be tried at once. Without this a call would be told of a failure that may be
// seconds old, because grpc-go fails calls until its own next try, and several retries would be used up on the same failure. At
// least half of the time that is left remains for the call.
func (c *Client) reconnect(ctx context.Context, patience time.Duration) {
	if c.own == nil {
		return
	}
	if deadline, isSet := ctx.Deadline(); isSet {
		patience = min(patience, time.Until(deadline)/2)
	}
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	state := c.own.GetState()
	if state == connectivity.Connecting {
		// It may have failed already: calls are told a moment before the state is.
		c.own.WaitForStateChange(ctx, state)
		state = c.own.GetState()
	}
	if state == connectivity.TransientFailure {
		c.own.ResetConnectBackoff()
		c.own.WaitForStateChange(ctx, state)
	}
}

// patienceAfter says how long the next try waits for a connection after one that has failed in this time: a server that took
// connections and was too busy to answer on them may need as long again, while one that is not there is known at once.
func (c *Client) patienceAfter(took time.Duration) time.Duration {
	if c.own == nil || c.own.GetState() != connectivity.TransientFailure {
		return 0
	}
	return min(took, c.connectTimeout)
}

// within is ctx with a deadline after span; zero is none.
func within(ctx context.Context, span time.Duration) (context.Context, context.CancelFunc) {
	if span == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, span)
}

// fits says whether something can still be done after the wait.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, isSet := ctx.Deadline()
	return !isSet || time.Now().Add(wait).Before(deadline)
}

// pause waits, and says what has ended the waiting early, if anything has.
func (c *Client) pause(ctx context.Context, wait time.Duration) *Error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errorOfContext(ctx)
	case <-c.lifetime.Done():
		return errorClosed()
	}
}
