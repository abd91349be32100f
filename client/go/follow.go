package semanas

// A stream that survives its connections: it resumes with the last cursor, notices silence, and knows when to give up. What the
// messages mean is not decided here: watch.go reads them into frames.

import (
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// The contract: three missed heartbeats mean a dead connection.
const heartbeatsMissedMax = 3

var errSilent = errors.New("the stream was silent for three heartbeat intervals")

type stream[M any] = grpc.ServerStreamingClient[M]

// meaning is what a message means to a reader.
type meaning int

const (
	// For the reader; says nothing yet about the stream's health, since a server may begin and break again and again.
	isStart meaning = iota
	// For the reader; the stream makes progress.
	isProgress
	// For the reader, and nothing follows.
	isLast
	// For a reader who asked to be told.
	isStale
	// Seen before.
	isRepeated
	// Something before it is missing.
	isGap
	// A sign of life.
	isHeartbeat
	// The server asks to resume after a while.
	isDraining
	// Not known to this version.
	isUnknown
)

// frame is a message as it was read.
type frame[U any] struct {
	meaning     meaning
	update      *U
	resumeDelay time.Duration
}

// place is where a reader stands.
type place struct {
	cursor string
	// Nil while it is not known: after a resume from a caller's own cursor whatever comes first is the next.
	lastSequence      *int64
	heartbeatInterval time.Duration
}

// follower reads one watch. It starts no goroutine: everything happens while the reader asks for the next update.
type follower[M, U any] struct {
	ctx    context.Context
	client *Client
	method string
	open   func(ctx context.Context, cursor string) (stream[M], error)
	read   func(message *M, at *place) frame[U]
	place  place

	// The stream that is open, if any.
	stream stream[M]
	// Ends it.
	release context.CancelCauseFunc
	// Ends it as silent, unless it is stopped first.
	watchdog *time.Timer
	// Lets the client's end go by without it.
	detach    func() bool
	streamCtx context.Context

	// Streams opened altogether.
	opened int
	// Breaks since the last sign of health.
	failures int
}

// follow gives the updates of what open opens at a cursor (empty = from the beginning).
func follow[M, U any](
	ctx context.Context, client *Client, method string, cursor string,
	open func(ctx context.Context, cursor string) (stream[M], error), read func(message *M, at *place) frame[U],
) iter.Seq2[*U, error] {
	return func(yield func(*U, error) bool) {
		f := &follower[M, U]{ctx: ctx, client: client, method: method, open: open, read: read}
		f.place = place{cursor: cursor, heartbeatInterval: client.heartbeatInterval}
		defer f.leave()
		for {
			update, isOver, failed := f.next()
			if failed != nil {
				yield(nil, failed)
				return
			}
			if isOver {
				// Before the reader sees it: whatever they do next, the stream has ended well.
				f.leave()
			}
			if !yield(update, nil) || isOver {
				return
			}
		}
	}
}

// next is the next update for the reader.
func (f *follower[M, U]) next() (update *U, isOver bool, failed *Error) {
	for {
		found, failed := f.step()
		if failed == nil {
			switch found.meaning {
			case isStart:
				return found.update, false, nil
			case isProgress:
				f.failures = 0
				return found.update, false, nil
			case isLast:
				return found.update, true, nil
			case isStale:
				if f.client.reportsStale {
					return found.update, false, nil
				}
			case isHeartbeat:
				f.failures = 0
			case isGap:
				failed = broken("the stream left out an event")
			case isDraining:
				failed = draining(found.resumeDelay)
			case isRepeated, isUnknown:
			}
		}
		if failed != nil {
			if failed = f.recover(failed); failed != nil {
				return nil, true, failed
			}
		}
	}
}

// step reads one message of the stream, which it opens first if need be.
func (f *follower[M, U]) step() (frame[U], *Error) {
	if f.stream == nil {
		if err := f.begin(); err != nil {
			return frame[U]{}, f.errorOfStream(err)
		}
	} else {
		// Reset after Stop: while the reader was busy with the last update nobody was listening, and that is no silence.
		f.watchdog.Reset(f.patience())
	}
	message, err := f.stream.Recv()
	f.watchdog.Stop()
	if err != nil {
		return frame[U]{}, f.errorOfStream(err)
	}
	return f.read(message, &f.place), nil
}

// patience is how long a stream may be silent.
func (f *follower[M, U]) patience() time.Duration {
	return heartbeatsMissedMax * f.place.heartbeatInterval
}

func (f *follower[M, U]) begin() error {
	if f.ctx.Err() == nil {
		f.client.reconnect(f.ctx, reconnectPatience)
	}
	ctx, release := context.WithCancelCause(f.ctx)
	f.streamCtx, f.release = ctx, release
	f.watchdog = time.AfterFunc(f.patience(), func() { release(errSilent) })
	f.detach = context.AfterFunc(f.client.lifetime, func() { release(context.Canceled) })
	f.opened++
	opened, err := f.open(ctx, f.place.cursor)
	if err == nil {
		f.stream = opened
	}
	return err
}

// errorOfStream says why the stream has ended: by the caller, by the watchdog, or by the server and what is on the way to it.
func (f *follower[M, U]) errorOfStream(err error) *Error {
	switch {
	case f.ctx.Err() != nil:
		return errorOfContext(f.ctx)
	case f.client.lifetime.Err() != nil:
		return errorClosed()
	case errors.Is(context.Cause(f.streamCtx), errSilent):
		if f.client.heard != nil {
			f.client.heard.closeSilent(time.Now().Add(-f.patience()))
		}
		return broken(errSilent.Error())
	case errors.Is(err, io.EOF):
		return broken("the stream ended without a terminal message")
	}
	return ErrorFrom(err)
}

// recover lets go of the stream and waits until it may be opened again; it gives the error back when there is no use in that.
func (f *follower[M, U]) recover(failed *Error) *Error {
	f.end()
	f.failures++
	wait, again := resumeDelay(f.client.resume, failed, f.failures, rand.Float64())
	again = again && f.ctx.Err() == nil && f.client.lifetime.Err() == nil
	if !again {
		wait = 0
	}
	f.client.hooks.tellAttempt(Attempt{Method: f.method, Number: f.opened, Err: failed, Wait: wait})
	if !again {
		return failed
	}
	return f.client.pause(f.ctx, wait)
}

// leave ends a stream that is as it should be.
func (f *follower[M, U]) leave() {
	if f.release == nil {
		return
	}
	f.end()
	f.client.hooks.tellAttempt(Attempt{Method: f.method, Number: f.opened})
}

func (f *follower[M, U]) end() {
	f.watchdog.Stop()
	f.detach()
	f.release(context.Canceled)
	f.stream, f.release = nil, nil
}

func broken(what string) *Error {
	return fromStatus(status.New(codes.Unavailable, what), nil)
}

func draining(resumeDelay time.Duration) *Error {
	told := status.New(codes.Unavailable, "the server is draining")
	named, err := told.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(resumeDelay)})
	if err != nil {
		named = told
	}
	return fromStatus(named, nil)
}
