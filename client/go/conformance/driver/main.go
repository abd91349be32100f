// The driver of the conformance cases: it reads one case a line, does its calls by the client's public surface, and prints one
// result a line. It knows nothing of what is expected. The protocol stands in tests/conformance/README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	semanas "github.com/semanas/semanas/client/go"
)

// A line may hold a request with everything that a test wants to send.
const lineBytesMax = 16 << 20

type object = map[string]any

func main() {
	if err := drive(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance driver:", err)
		os.Exit(1)
	}
}

func drive(input io.Reader, output io.Writer) error {
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, lineBytesMax)
	results := json.NewEncoder(output)
	for lines.Scan() {
		var given testCase
		if err := json.Unmarshal(lines.Bytes(), &given); err != nil {
			return err
		}
		if err := results.Encode(given.run()); err != nil {
			return err
		}
	}
	return lines.Err()
}

type testCase struct {
	Case        string      `json:"case"`
	Endpoint    string      `json:"endpoint"`
	Credentials credentials `json:"credentials"`
	Options     settings    `json:"options"`
	Calls       []command   `json:"calls"`
}

type credentials struct {
	BearerToken          *string  `json:"bearer_token"`
	BearerTokens         []string `json:"bearer_tokens"`
	ClientCertificatePEM *string  `json:"client_certificate_pem"`
	ClientKeyPEM         *string  `json:"client_key_pem"`
}

type settings struct {
	UnaryDeadlineMs   *int64  `json:"unary_deadline_ms"`
	ConnectTimeoutMs  *int64  `json:"connect_timeout_ms"`
	Retry             string  `json:"retry"`
	RetryTriesMax     int     `json:"retry_tries_max"`
	RetryDelayFirstMs int64   `json:"retry_delay_first_ms"`
	WatchResume       string  `json:"watch_resume"`
	WatchTriesMax     int     `json:"watch_tries_max"`
	WatchDelayFirstMs int64   `json:"watch_delay_first_ms"`
	WatchDelayMaxMs   int64   `json:"watch_delay_max_ms"`
	WatchHeartbeatMs  *int64  `json:"watch_heartbeat_interval_ms"`
	WatchReportsStale bool    `json:"watch_reports_stale"`
	AllowPlaintext    bool    `json:"allow_plaintext"`
	CACertificatePEM  *string `json:"ca_certificate_pem"`
	UserAgent         *string `json:"user_agent"`
	TraceID           *string `json:"trace_id"`
}

func ms(count int64) time.Duration { return time.Duration(count) * time.Millisecond }

func (c *testCase) choices() []semanas.Option {
	var all []semanas.Option
	add := func(isGiven bool, choice func() semanas.Option) {
		if isGiven {
			all = append(all, choice())
		}
	}
	o, who := c.Options, c.Credentials
	add(who.BearerToken != nil, func() semanas.Option { return semanas.WithBearerToken(*who.BearerToken) })
	add(len(who.BearerTokens) > 0, func() semanas.Option { return semanas.WithTokenSource(inTurn(who.BearerTokens)) })
	add(who.ClientCertificatePEM != nil || who.ClientKeyPEM != nil, func() semanas.Option {
		return semanas.WithClientCertificatePEM(bytesOf(who.ClientCertificatePEM), bytesOf(who.ClientKeyPEM))
	})
	add(o.UnaryDeadlineMs != nil, func() semanas.Option { return semanas.WithUnaryDeadline(ms(*o.UnaryDeadlineMs)) })
	add(o.ConnectTimeoutMs != nil, func() semanas.Option { return semanas.WithConnectTimeout(ms(*o.ConnectTimeoutMs)) })
	add(true, func() semanas.Option {
		return semanas.WithRetry(semanas.RetryPolicy{MaxTries: o.RetryTriesMax, FirstDelay: ms(o.RetryDelayFirstMs)})
	})
	add(o.Retry == "off", semanas.WithoutRetry)
	add(true, func() semanas.Option {
		return semanas.WithWatchResume(semanas.RetryPolicy{
			MaxTries: o.WatchTriesMax, FirstDelay: ms(o.WatchDelayFirstMs), MaxDelay: ms(o.WatchDelayMaxMs),
		})
	})
	add(o.WatchResume == "off", semanas.WithoutWatchResume)
	add(o.WatchHeartbeatMs != nil, func() semanas.Option { return semanas.WithHeartbeatInterval(ms(*o.WatchHeartbeatMs)) })
	add(o.WatchReportsStale, semanas.WithStaleUpdates)
	add(o.AllowPlaintext, semanas.WithAllowPlaintext)
	add(o.CACertificatePEM != nil, func() semanas.Option { return semanas.WithCACertificatePEM(bytesOf(o.CACertificatePEM)) })
	add(o.TraceID != nil, func() semanas.Option { return traced(*o.TraceID) })
	add(o.UserAgent != nil, func() semanas.Option { return semanas.WithUserAgent(*o.UserAgent) })
	return all
}

// traced adds the header of the trace as tracing libraries do, by the options that grpc-go has for them. The module itself depends on
// none of these libraries.
func traced(traceID string) semanas.Option {
	within := func(ctx context.Context) context.Context {
		return metadata.AppendToOutgoingContext(ctx, "traceparent", "00-"+traceID+"-b7ad6b7169203331-01")
	}
	return semanas.WithDialOptions(
		grpc.WithChainUnaryInterceptor(func(
			ctx context.Context, method string, request, answer any, conn *grpc.ClientConn,
			invoke grpc.UnaryInvoker, options ...grpc.CallOption,
		) error {
			return invoke(within(ctx), method, request, answer, conn, options...)
		}),
		grpc.WithChainStreamInterceptor(func(
			ctx context.Context, about *grpc.StreamDesc, conn *grpc.ClientConn, method string,
			open grpc.Streamer, options ...grpc.CallOption,
		) (grpc.ClientStream, error) {
			return open(within(ctx), about, conn, method, options...)
		}),
	)
}

// inTurn gives one token after the other, and the last for ever.
func inTurn(tokens []string) func(context.Context) (string, error) {
	var given atomic.Int64
	return func(context.Context) (string, error) {
		return tokens[min(int(given.Add(1)), len(tokens))-1], nil
	}
}

func bytesOf(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

func (c *testCase) run() object {
	told := &attempts{list: []object{}}
	client, err := semanas.NewClient(c.Endpoint, append(c.choices(), semanas.WithHooks(semanas.Hooks{Attempt: told.add}))...)
	results := []any{}
	if err != nil {
		// Whatever was to be called, nothing can be.
		for range c.Calls {
			results = append(results, object{"error": errorObject(err)})
		}
		return object{"case": c.Case, "results": results, "attempts": told.list}
	}
	known := &found{}
	for number, one := range c.Calls {
		told.begin(number)
		results = append(results, one.do(context.Background(), client, known))
	}
	_ = client.Close()
	return object{"case": c.Case, "results": results, "attempts": told.take()}
}

// attempts is what the hooks were told.
type attempts struct {
	mutex sync.Mutex
	call  int
	list  []object
}

func (a *attempts) begin(call int) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.call = call
}

func (a *attempts) add(attempt semanas.Attempt) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.list = append(a.list, object{
		"call": a.call, "method": attempt.Method, "number": attempt.Number, "code": codeName(attempt.Code),
		"wait_ms": attempt.Wait.Milliseconds(),
	})
}

func (a *attempts) take() []object {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.list
}

// found is what the newest results have given, for the calls after them.
type found struct {
	mutex                    sync.Mutex
	jobID, cursor, pageToken string
}

func (f *found) keep(jobID, cursor, pageToken string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for place, value := range map[*string]string{&f.jobID: jobID, &f.cursor: cursor, &f.pageToken: pageToken} {
		if value != "" {
			*place = value
		}
	}
}

func (f *found) fill(text string) string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return strings.NewReplacer("$job_id", f.jobID, "$cursor", f.cursor, "$page_token", f.pageToken).Replace(text)
}
