package semanas

// What a user's own functions are told, for metrics and logs. They see no personal data.

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
)

// Hooks are functions that the client calls; each may be nil. They must be safe for concurrent use, and quick: the call waits.
type Hooks struct {
	// Attempt is told of each attempt of a call once it has ended, and of each stream of a watch once that has ended.
	Attempt func(Attempt)
	// Connection is told of the connection's state, the first one included, and then whenever it has changed.
	Connection func(ConnectionState)
}

// Attempt is one attempt of a call, or one stream of a watch.
type Attempt struct {
	// Method is the method's name in the contract, for example "SubmitWorkHistory".
	Method string
	// Number counts the attempts of one call or watch from 1 on.
	Number int
	// Code is the outcome; OK for an answer, and for a stream that was read to its end or left by its reader.
	Code codes.Code
	// Err is nil when Code is OK.
	Err *Error
	// Wait is the time until the next attempt; zero when there is none.
	Wait time.Duration
}

// ConnectionState is a state of the connection to the server.
type ConnectionState int

// The states of a connection.
const (
	// ConnectionIdle has nothing to do: the next call connects.
	ConnectionIdle ConnectionState = iota
	// ConnectionConnecting is being made.
	ConnectionConnecting
	// ConnectionReady takes calls.
	ConnectionReady
	// ConnectionFailed could not be made; it is tried again.
	ConnectionFailed
)

// String gives the state in small letters.
func (s ConnectionState) String() string {
	switch s {
	case ConnectionIdle:
		return "idle"
	case ConnectionConnecting:
		return "connecting"
	case ConnectionReady:
		return "ready"
	}
	return "failed"
}

func (h Hooks) tellAttempt(attempt Attempt) {
	if h.Attempt == nil {
		return
	}
	if attempt.Err != nil {
		attempt.Code = attempt.Err.Code()
	}
	h.Attempt(attempt)
}

// tellStates reports each state of conn, from state on, until ctx is over or the connection is closed.
func (h Hooks) tellStates(ctx context.Context, conn *grpc.ClientConn, state connectivity.State) {
	for ; ; state = conn.GetState() {
		switch state {
		case connectivity.Idle:
			h.Connection(ConnectionIdle)
		case connectivity.Connecting:
			h.Connection(ConnectionConnecting)
		case connectivity.Ready:
			h.Connection(ConnectionReady)
		case connectivity.TransientFailure:
			h.Connection(ConnectionFailed)
		case connectivity.Shutdown:
			return
		}
		if !conn.WaitForStateChange(ctx, state) {
			return
		}
	}
}
