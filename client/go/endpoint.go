package semanas

// Where the server is, whether it may be spoken to in plain text, and how. Opens no connection.

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	// The largest answer that is read: a history of ten thousand employments with their movements stays below.
	answerBytesMax = 32 << 20
	// A connection with open calls that is quiet for so long is probed, so that one that was cut without a word is noticed.
	keepaliveInterval = 15 * time.Second
	// How long the answer to a probe may take.
	keepaliveTimeout = 10 * time.Second
	// Between two tries to connect; shorter than the shortest wait before a retry, so that a retry finds what it waits for.
	reconnectDelayFirst = 50 * time.Millisecond
	reconnectDelayMax   = 5 * time.Second
)

type endpoint struct {
	host, port string
	isSecure   bool
}

func parseEndpoint(text string) (endpoint, *Error) {
	malformed := configurationError("the endpoint must look like https://host:port or http://127.0.0.1:port")
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" || strings.Contains(parsed.Hostname(), " ") {
		return endpoint{}, malformed
	}
	if parsed.User != nil || (parsed.Path != "" && parsed.Path != "/") || parsed.RawQuery != "" || parsed.Fragment != "" {
		return endpoint{}, malformed
	}
	found := endpoint{host: parsed.Hostname(), port: parsed.Port(), isSecure: parsed.Scheme == "https"}
	switch {
	case !found.isSecure && parsed.Scheme != "http":
		return endpoint{}, malformed
	case found.port == "" && found.isSecure:
		found.port = "443"
	case found.port == "":
		found.port = "80"
	}
	if port, err := strconv.ParseUint(found.port, 10, 16); err != nil || port == 0 {
		return endpoint{}, malformed
	}
	return found, nil
}

// isLoopback says whether what is sent there stays on this machine. A name other than localhost may point anywhere.
func (e endpoint) isLoopback() bool {
	address, err := netip.ParseAddr(e.host)
	return strings.EqualFold(e.host, "localhost") || (err == nil && address.Unmap().IsLoopback())
}

func (e endpoint) checkPlaintext(chosen *connectionOptions) *Error {
	switch {
	case e.isSecure:
		return nil
	case chosen.certificate != nil || chosen.authorities != nil:
		return configurationError("certificates are of use over TLS only: write https://%s", net.JoinHostPort(e.host, e.port))
	case e.isLoopback():
		return nil
	case chosen.token != nil:
		return configurationError("refusing to send a bearer token unencrypted to %s: use https://", e.host)
	case !chosen.allowPlaintext:
		return configurationError("refusing to send personal data unencrypted to %s: use https://, or WithAllowPlaintext where "+
			"the network itself encrypts, as a service mesh does", e.host)
	}
	return nil
}

func (e endpoint) dial(chosen *connectionOptions, heard *connections) (*grpc.ClientConn, *Error) {
	if mistake := e.checkPlaintext(chosen); mistake != nil {
		return nil, mistake
	}
	all := append([]grpc.DialOption{}, chosen.dialOptions...)
	all = append(all,
		// We know which calls may be repeated; the transport does not.
		grpc.WithDisableRetry(),
		// Neither may whoever writes the zone's TXT records change how calls are made.
		grpc.WithDisableServiceConfig(),
		grpc.WithUserAgent(strings.TrimSpace(chosen.userAgent+" "+userAgent)),
		grpc.WithDefaultCallOptions(callOptions()...),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveInterval, Timeout: keepaliveTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{
			// A try to connect is given the longer of the two.
			MinConnectTimeout: chosen.connectTimeout,
			Backoff: backoff.Config{
				BaseDelay:  reconnectDelayFirst,
				Multiplier: 2,
				Jitter:     0.2,
				MaxDelay:   min(reconnectDelayMax, chosen.connectTimeout),
			},
		}),
	)
	if e.isSecure {
		settings := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: chosen.authorities}
		if chosen.certificate != nil {
			settings.Certificates = []tls.Certificate{*chosen.certificate}
		}
		all = append(all, grpc.WithTransportCredentials(listening{credentials.NewTLS(settings), heard}))
	} else {
		// A proxy is a machine on the way: what is in plain text does not pass through it, whatever HTTPS_PROXY says.
		all = append(all, grpc.WithTransportCredentials(listening{insecure.NewCredentials(), heard}), grpc.WithNoProxy())
	}
	if chosen.token != nil {
		all = append(all, grpc.WithPerRPCCredentials(bearer{token: chosen.token, isSecure: e.isSecure}))
	}
	conn, err := grpc.NewClient("dns:///"+net.JoinHostPort(e.host, e.port), all...)
	if err != nil {
		return nil, configurationError("the connection cannot be set up: %v", err)
	}
	return conn, nil
}

// bearer gives each call its token.
type bearer struct {
	token    func(context.Context) (string, error)
	isSecure bool
}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.token(ctx)
	if err != nil {
		return nil, err
	}
	if mistake := checkToken(token); mistake != nil {
		return nil, mistake
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

// RequireTransportSecurity is asked by the transport; over plaintext to another machine a token was refused before.
func (b bearer) RequireTransportSecurity() bool { return b.isSecure }
