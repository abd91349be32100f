package semanas

// When a call is made again, and after how long. Pure: the randomness is an argument, and nobody waits here. It does not know
// which calls may be repeated without harm: the methods do.

import (
	"time"

	"google.golang.org/grpc/codes"
)

// RetryPolicy says how often and after how long a call is made again. Fields that are zero keep their default.
type RetryPolicy struct {
	// MaxTries is the number of tries altogether, the first one too.
	MaxTries int
	// FirstDelay is the wait after the first failure; it doubles with each one, and half of it is random.
	FirstDelay time.Duration
	// MaxDelay is the longest wait that the doubling leads to.
	MaxDelay time.Duration
	// MaxServerDelay is the longest wait that the server may ask for. If it asks for more, the call fails with that figure.
	MaxServerDelay time.Duration
}

func defaultRetry() RetryPolicy {
	return RetryPolicy{MaxTries: 4, FirstDelay: 100 * time.Millisecond, MaxDelay: 5 * time.Second, MaxServerDelay: 20 * time.Second}
}

// 0.2 + 0.4 + ... + 15 s: more than a minute, enough for a restart of the server.
func defaultResume() RetryPolicy {
	return RetryPolicy{MaxTries: 11, FirstDelay: 200 * time.Millisecond, MaxDelay: 15 * time.Second, MaxServerDelay: 120 * time.Second}
}

func (p RetryPolicy) or(defaults RetryPolicy) RetryPolicy {
	if p.MaxTries == 0 {
		p.MaxTries = defaults.MaxTries
	}
	if p.FirstDelay == 0 {
		p.FirstDelay = defaults.FirstDelay
	}
	if p.MaxDelay == 0 {
		p.MaxDelay = defaults.MaxDelay
	}
	if p.MaxServerDelay == 0 {
		p.MaxServerDelay = defaults.MaxServerDelay
	}
	return p
}

func (p RetryPolicy) check(name string) *Error {
	if p.MaxTries < 0 || p.FirstDelay < 0 || p.MaxDelay < 0 || p.MaxServerDelay < 0 {
		return configurationError("%s: tries and delays must not be negative", name)
	}
	return nil
}

// retryDelay says how long to wait before a unary call is made again, and whether it is at all. jitter is in [0, 1).
//
// UNAVAILABLE is retried; RESOURCE_EXHAUSTED only if the server says when, because a limit without an end is not waited out.
func retryDelay(policy RetryPolicy, failed *Error, triesMade int, jitter float64) (time.Duration, bool) {
	_, isNamed := failed.RetryDelay()
	switch {
	case failed.Kind == KindUnavailable, failed.Kind == KindExhausted && isNamed:
		return policy.wait(failed, triesMade, jitter)
	}
	return 0, false
}

// resumeDelay says how long to wait before a broken watch is resumed, and whether it is at all.
//
// A watch costs nothing to resume, so everything is that says nothing about the job itself: a stream that broke in transport
// carries no reason of Semanas, and a slow reader is told to come back.
func resumeDelay(policy RetryPolicy, failed *Error, failures int, jitter float64) (time.Duration, bool) {
	switch failed.Code() {
	case codes.Unavailable, codes.ResourceExhausted:
		return policy.wait(failed, failures, jitter)
	case codes.Internal, codes.Unknown, codes.Canceled, codes.DeadlineExceeded:
		if failed.Domain != ErrorDomain {
			return policy.wait(failed, failures, jitter)
		}
	}
	return 0, false
}

// wait keeps to the server's word in full, with up to half as much again so that not all come back at once; otherwise the wait
// doubles from try to try and half of it is random.
func (p RetryPolicy) wait(failed *Error, triesMade int, jitter float64) (time.Duration, bool) {
	if triesMade >= p.MaxTries {
		return 0, false
	}
	if named, isNamed := failed.RetryDelay(); isNamed {
		if named > p.MaxServerDelay {
			return 0, false
		}
		return scale(max(named, p.FirstDelay), 1+0.5*jitter), true
	}
	full := min(p.FirstDelay, p.MaxDelay)
	for try := 1; try < triesMade && full < p.MaxDelay; try++ {
		full = p.MaxDelay - max(0, p.MaxDelay-2*full)
	}
	return scale(full, 0.5+0.5*jitter), true
}

func scale(delay time.Duration, factor float64) time.Duration {
	return time.Duration(float64(delay) * factor)
}
