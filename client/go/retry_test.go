package semanas

import (
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

const never = time.Duration(-1)

// failure is an error of the server, with RetryInfo unless named is never.
func failure(code codes.Code, domain string, named time.Duration) *Error {
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: "REASON", Domain: domain}}
	if named != never {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(named)})
	}
	told, err := status.New(code, "it failed").WithDetails(details...)
	if err != nil {
		panic(err)
	}
	return fromStatus(told, nil)
}

func TestWhenACallIsMadeAgain(t *testing.T) {
	const ms = time.Millisecond
	cases := []struct {
		name      string
		code      codes.Code
		named     time.Duration
		triesMade int
		jitter    float64
		expected  time.Duration
	}{
		{"the wait doubles and half of it is random", codes.Unavailable, never, 1, 0, 50 * ms},
		{"second", codes.Unavailable, never, 2, 0, 100 * ms},
		{"third", codes.Unavailable, never, 3, 0.5, 300 * ms},
		{"until the tries are used up", codes.Unavailable, never, 4, 0, never},
		{"the server's time is never undercut", codes.Unavailable, 2000 * ms, 1, 0, 2000 * ms},
		{"and spread over half as much again", codes.Unavailable, 2000 * ms, 1, 0.5, 2500 * ms},
		{"a long one is the caller's to decide", codes.Unavailable, 20001 * ms, 1, 0, never},
		{"a server that says zero is given the first delay", codes.Unavailable, 0, 1, 0, 100 * ms},
		{"a limit with an end is waited out", codes.ResourceExhausted, 2000 * ms, 1, 0, 2000 * ms},
		{"a limit without one is not", codes.ResourceExhausted, never, 1, 0, never},
		{"internal", codes.Internal, 10 * ms, 1, 0, never},
		{"not found", codes.NotFound, 10 * ms, 1, 0, never},
		{"deadline", codes.DeadlineExceeded, 10 * ms, 1, 0, never},
		{"unknown", codes.Unknown, 10 * ms, 1, 0, never},
		{"aborted", codes.Aborted, 10 * ms, 1, 0, never},
	}
	for _, c := range cases {
		wait, again := retryDelay(defaultRetry(), failure(c.code, ErrorDomain, c.named), c.triesMade, c.jitter)
		if again != (c.expected != never) || (again && wait != c.expected) {
			t.Errorf("%s: waits %v, again %v", c.name, wait, again)
		}
	}
}

func TestWhenAWatchIsResumed(t *testing.T) {
	cases := []struct {
		name   string
		code   codes.Code
		domain string
		again  bool
	}{
		{"unavailable", codes.Unavailable, ErrorDomain, true},
		{"a slow reader", codes.ResourceExhausted, ErrorDomain, true},
		{"a break in transport", codes.Unknown, "", true},
		{"a reset stream", codes.Internal, "", true},
		{"a stream cut by a proxy", codes.Canceled, "", true},
		{"a proxy's time limit", codes.DeadlineExceeded, "proxy.example", true},
		{"a defect of the server", codes.Internal, ErrorDomain, false},
		{"an old cursor", codes.OutOfRange, ErrorDomain, false},
		{"no such job", codes.NotFound, "", false},
		{"no such method", codes.Unimplemented, "", false},
		{"lost data", codes.DataLoss, "", false},
		{"a wrong request", codes.InvalidArgument, "", false},
		{"no credentials", codes.Unauthenticated, "", false},
	}
	for _, c := range cases {
		if _, again := resumeDelay(defaultResume(), failure(c.code, c.domain, never), 1, 0); again != c.again {
			t.Errorf("%s: resumed %v", c.name, again)
		}
	}
}

func TestAWaitNeverPassesTheLongestOne(t *testing.T) {
	policy := RetryPolicy{MaxTries: 1 << 30}.or(defaultRetry())
	wait, again := retryDelay(policy, failure(codes.Unavailable, "", never), 1<<20, 0.999999)
	if !again || wait > policy.MaxDelay || wait < policy.MaxDelay/2 {
		t.Errorf("waits %v, again %v", wait, again)
	}
	policy = RetryPolicy{MaxTries: 1 << 30, FirstDelay: 1, MaxDelay: 1<<63 - 1}
	if wait, _ := policy.wait(failure(codes.Unavailable, "", never), 1<<20, 0); wait <= 0 {
		t.Errorf("the doubling overflows to %v", wait)
	}
}

func TestRetryingCanBeSwitchedOff(t *testing.T) {
	chosen := newOptions([]Option{WithoutRetry(), WithoutWatchResume()})
	failed := failure(codes.Unavailable, ErrorDomain, never)
	if _, again := retryDelay(chosen.retry, failed, 1, 0); again {
		t.Error("a call is made again")
	}
	if _, again := resumeDelay(chosen.resume, failed, 1, 0); again {
		t.Error("a watch is resumed")
	}
}
