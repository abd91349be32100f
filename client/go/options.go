package semanas

// What a user of the client may choose, and what is chosen when nothing is said.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"time"

	"google.golang.org/grpc"
)

// Option is a choice for [NewClient] or [NewClientFromConn]; see the functions that return one.
type Option func(*options)

type options struct {
	// Zero is none.
	unaryDeadline     time.Duration
	retry             RetryPolicy
	resume            RetryPolicy
	heartbeatInterval time.Duration
	reportsStale      bool
	hooks             Hooks

	connection connectionOptions
	// The first mistake, which the constructor returns.
	mistake *Error
}

// connectionOptions are what NewClientFromConn cannot follow any more.
type connectionOptions struct {
	// The names of the options that were given.
	given          []string
	connectTimeout time.Duration
	allowPlaintext bool
	userAgent      string
	token          func(context.Context) (string, error)
	authorities    *x509.CertPool
	certificate    *tls.Certificate
	dialOptions    []grpc.DialOption
}

func newOptions(choices []Option) *options {
	chosen := &options{
		unaryDeadline:     30 * time.Second,
		retry:             defaultRetry(),
		resume:            defaultResume(),
		heartbeatInterval: 15 * time.Second,
		connection:        connectionOptions{connectTimeout: 5 * time.Second},
	}
	for _, choose := range choices {
		choose(chosen)
	}
	return chosen
}

func (o *options) wrong(mistake *Error) {
	if o.mistake == nil {
		o.mistake = mistake
	}
}

func (o *options) needPositive(name string, span time.Duration) {
	if span <= 0 {
		o.wrong(configurationError("%s: the time must be greater than zero", name))
	}
}

func connectionOption(name string, choose func(*options)) Option {
	return func(o *options) {
		o.connection.given = append(o.connection.given, name)
		choose(o)
	}
}

// WithBearerToken sends the token with each call. Never over plaintext to anything but this machine: that is a configuration error.
func WithBearerToken(token string) Option {
	return connectionOption("WithBearerToken", func(o *options) {
		if mistake := checkToken(token); mistake != nil {
			o.wrong(mistake)
		}
		o.connection.token = func(context.Context) (string, error) { return token, nil }
	})
}

// WithTokenSource asks source for the bearer token of each call; it must be safe for concurrent use, and quick. Its error ends the
// call as KindUnauthenticated.
func WithTokenSource(source func(ctx context.Context) (string, error)) Option {
	return connectionOption("WithTokenSource", func(o *options) {
		if source == nil {
			o.wrong(configurationError("WithTokenSource: the function is nil"))
		}
		o.connection.token = source
	})
}

func checkToken(token string) *Error {
	isVisible := func(r rune) bool { return r > ' ' && r <= '~' }
	if token == "" || strings.IndexFunc(token, func(r rune) bool { return !isVisible(r) }) >= 0 {
		return configurationError("the bearer token is empty, or has spaces, line ends or other characters that a header cannot carry")
	}
	return nil
}

// WithClientCertificatePEM shows the server a client certificate (mTLS), in PEM with its key.
func WithClientCertificatePEM(certificate, key []byte) Option {
	return connectionOption("WithClientCertificatePEM", func(o *options) {
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			// The cause may quote the key's bytes.
			o.wrong(configurationError("the client certificate and its key must be PEM and belong together"))
			return
		}
		o.connection.certificate = &pair
	})
}

// WithCACertificatePEM trusts the certificate authorities in pem besides the system's.
func WithCACertificatePEM(pem []byte) Option {
	return connectionOption("WithCACertificatePEM", func(o *options) {
		authorities, err := x509.SystemCertPool()
		if err != nil {
			authorities = x509.NewCertPool()
		}
		if !authorities.AppendCertsFromPEM(pem) {
			o.wrong(configurationError("the certificate authority holds no certificate in PEM"))
		}
		o.connection.authorities = authorities
	})
}

// WithAllowPlaintext gives leave to send personal data unencrypted to another machine: only where the network itself encrypts, as a
// service mesh does. It gives no leave for bearer tokens.
func WithAllowPlaintext() Option {
	return connectionOption("WithAllowPlaintext", func(o *options) { o.connection.allowPlaintext = true })
}

// WithConnectTimeout says how long a connection may take to stand; 5 s unless said.
func WithConnectTimeout(timeout time.Duration) Option {
	return connectionOption("WithConnectTimeout", func(o *options) {
		o.needPositive("WithConnectTimeout", timeout)
		o.connection.connectTimeout = timeout
	})
}

// WithUserAgent puts product before the client's own user agent, for example "payroll/2.1".
func WithUserAgent(product string) Option {
	return connectionOption("WithUserAgent", func(o *options) {
		if strings.ContainsFunc(product, func(r rune) bool { return r < ' ' || r > '~' }) {
			o.wrong(configurationError("WithUserAgent: only printable ASCII can be sent"))
		}
		o.connection.userAgent = product
	})
}

// WithDialOptions adds options of grpc-go to the connection: interceptors, a stats handler. The client's own come after them, so
// that retries, credentials and limits stay as documented. OpenTelemetry, which adds traceparent to every call, is
//
//	semanas.WithDialOptions(grpc.WithStatsHandler(otelgrpc.NewClientHandler()))
func WithDialOptions(more ...grpc.DialOption) Option {
	return connectionOption("WithDialOptions", func(o *options) {
		o.connection.dialOptions = append(o.connection.dialOptions, more...)
	})
}

// WithUnaryDeadline says how long a unary call may take with all its tries; 30 s unless said. The earlier of it and the context's
// own deadline holds. Streams have none but the context's.
func WithUnaryDeadline(deadline time.Duration) Option {
	return func(o *options) {
		o.needPositive("WithUnaryDeadline", deadline)
		o.unaryDeadline = deadline
	}
}

// WithoutUnaryDeadline lets a unary call take as long as its context does.
func WithoutUnaryDeadline() Option {
	return func(o *options) { o.unaryDeadline = 0 }
}

// WithRetry says when a unary call is made again; unless said: 4 tries, 100 ms doubling to 5 s, at most 20 s on the server's word.
func WithRetry(policy RetryPolicy) Option {
	return func(o *options) {
		if mistake := policy.check("WithRetry"); mistake != nil {
			o.wrong(mistake)
		}
		o.retry = policy.or(defaultRetry())
	}
}

// WithoutRetry makes each unary call once.
func WithoutRetry() Option {
	return func(o *options) { o.retry.MaxTries = 1 }
}

// WithWatchResume says how often and after how long a broken watch is resumed. The tries count anew with each event, change and
// heartbeat; unless said: 11 tries, 200 ms doubling to 15 s, at most 120 s on the server's word.
func WithWatchResume(policy RetryPolicy) Option {
	return func(o *options) {
		if mistake := policy.check("WithWatchResume"); mistake != nil {
			o.wrong(mistake)
		}
		o.resume = policy.or(defaultResume())
	}
}

// WithoutWatchResume ends a watch with the first break of its stream.
func WithoutWatchResume() Option {
	return func(o *options) { o.resume.MaxTries = 1 }
}

// WithHeartbeatInterval is the interval assumed until the server names its own; 15 s unless said. A stream that is silent for three
// of them is taken for dead.
func WithHeartbeatInterval(interval time.Duration) Option {
	return func(o *options) {
		o.needPositive("WithHeartbeatInterval", interval)
		o.heartbeatInterval = min(interval, heartbeatIntervalMax)
	}
}

// WithStaleUpdates lets watches tell their reader when the server's store does not answer.
func WithStaleUpdates() Option {
	return func(o *options) { o.reportsStale = true }
}

// WithHooks has the functions called with each attempt and each state of the connection.
func WithHooks(hooks Hooks) Option {
	return func(o *options) { o.hooks = hooks }
}
