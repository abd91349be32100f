package semanas_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
	"github.com/semanas/semanas/client/go/semanastest"
)

// authority signs certificates for these tests alone.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	made := &authority{key: newKey(t)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, made.key.Public(), made.key)
	if err != nil {
		t.Fatal(err)
	}
	if made.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	made.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return made
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign gives a certificate and its key in PEM, for whoever serves at the address, or for a client.
func (a *authority) sign(t *testing.T, address string) (certificate, key []byte) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "of a test"}, IPAddresses: []net.IP{net.ParseIP(address)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	own := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, own.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDer, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDer})
}

// startTLS serves with a certificate for the address; clientsOf asks for certificates of that authority.
func startTLS(t *testing.T, fake semanastest.Fake, signer *authority, address string, clientsOf *authority) string {
	t.Helper()
	pair, err := tls.X509KeyPair(signer.sign(t, address))
	if err != nil {
		t.Fatal(err)
	}
	settings := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clientsOf != nil {
		settings.ClientAuth, settings.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		settings.ClientCAs.AddCert(clientsOf.certificate)
	}
	server := semanastest.StartFake(t, fake, grpc.Creds(credentials.NewTLS(settings)))
	return strings.Replace(server.Endpoint, "http://", "https://", 1)
}

func ask(t *testing.T, endpoint string, choices ...semanas.Option) error {
	t.Helper()
	client, err := semanas.NewClient(endpoint, append(quick(), choices...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	_, err = client.GetWorkHistory(background(t), wh1())
	return err
}

func TestTLSTrustsWhoItIsToldToAndNobodyElse(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	good := startTLS(t, get(getErrors(nil)), ours, "127.0.0.1", nil)
	if err := ask(t, good, semanas.WithCACertificatePEM(ours.pem)); err != nil {
		t.Error(err)
	}
	for name, endpoint := range map[string]string{
		"an authority that is not trusted":   startTLS(t, get(getErrors(nil)), other, "127.0.0.1", nil),
		"a certificate for somebody else":    startTLS(t, get(getErrors(nil)), ours, "10.1.2.3", nil),
		"plain text where TLS should answer": strings.Replace(semanastest.StartFake(t, get(getErrors(nil))).Endpoint, "http:", "https:", 1),
	} {
		failed := wants(t, ask(t, endpoint, semanas.WithCACertificatePEM(ours.pem)), semanas.KindUnavailable)
		if failed.Reason != "" {
			t.Errorf("%s: %v", name, failed)
		}
	}
	wants(t, ask(t, good), semanas.KindUnavailable)
}

func TestAClientShowsItsCertificate(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	endpoint := startTLS(t, get(getErrors(nil)), ours, "127.0.0.1", ours)
	trust := semanas.WithCACertificatePEM(ours.pem)
	if err := ask(t, endpoint, trust, semanas.WithClientCertificatePEM(ours.sign(t, "127.0.0.1"))); err != nil {
		t.Error(err)
	}
	wants(t, ask(t, endpoint, trust), semanas.KindUnavailable)
	wants(t, ask(t, endpoint, trust, semanas.WithClientCertificatePEM(other.sign(t, "127.0.0.1"))), semanas.KindUnavailable)

	_, err := semanas.NewClient("http://127.0.0.1:1", semanas.WithClientCertificatePEM(ours.sign(t, "127.0.0.1")))
	wants(t, err, semanas.KindConfiguration)
	_, err = semanas.NewClient("http://127.0.0.1:1", trust)
	if wants(t, err, semanas.KindConfiguration); !strings.Contains(err.Error(), "write https://127.0.0.1:1") {
		t.Errorf("authorities without TLS: %v", err)
	}
	certificate, _ := ours.sign(t, "127.0.0.1")
	_, key := ours.sign(t, "127.0.0.1")
	_, err = semanas.NewClient("https://127.0.0.1", semanas.WithClientCertificatePEM(certificate, key))
	wants(t, err, semanas.KindConfiguration)
}

func TestEachCallAndStreamCarriesTheToken(t *testing.T) {
	ours := newAuthority(t)
	seen := make(chan string, 4)
	fake := semanastest.Fake{
		GetWorkHistory: func(
			ctx context.Context, _ *semanasv1.GetWorkHistoryRequest,
		) (*semanasv1.GetWorkHistoryResponse, error) {
			headers, _ := metadata.FromIncomingContext(ctx)
			seen <- strings.Join(headers["authorization"], ",")
			return &semanasv1.GetWorkHistoryResponse{Job: job(1)}, nil
		},
		WatchWorkHistory: func(_ *semanasv1.WatchWorkHistoryRequest, to grpc.ServerStreamingServer[message]) error {
			headers, _ := metadata.FromIncomingContext(to.Context())
			seen <- strings.Join(headers["authorization"], ",")
			return to.Send(done(1))
		},
	}
	number := 0
	source := semanas.WithTokenSource(func(context.Context) (string, error) {
		number++
		return fmt.Sprintf("token-%d", number), nil
	})
	client, err := semanas.NewClient(startTLS(t, fake, ours, "127.0.0.1", nil), semanas.WithCACertificatePEM(ours.pem), source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if _, err := client.GetWorkHistory(background(t), wh1()); err != nil {
		t.Fatal(err)
	}
	words(background(t), client, "")
	if _, err := client.Raw().WorkHistory.GetWorkHistory(background(t), wh1()); err != nil {
		t.Fatal(err)
	}
	for _, expected := range []string{"Bearer token-1", "Bearer token-2", "Bearer token-3"} {
		if found := <-seen; found != expected {
			t.Errorf("%q, expected %q", found, expected)
		}
	}
	local := semanastest.StartFake(t, fake)
	if err := ask(t, local.Endpoint, semanas.WithBearerToken("fixed")); err != nil || <-seen != "Bearer fixed" {
		t.Errorf("this machine: %v", err)
	}
	failing := semanas.WithTokenSource(func(context.Context) (string, error) { return "", errors.New("no more tokens") })
	if failed := wants(t, ask(t, local.Endpoint, failing), semanas.KindUnauthenticated); !strings.Contains(failed.Error(), "no more tokens") {
		t.Error(failed)
	}
	empty := semanas.WithTokenSource(func(context.Context) (string, error) { return "two\nlines", nil })
	wants(t, ask(t, local.Endpoint, empty), semanas.KindUnauthenticated)
}

// serve runs the fake at the address until it is stopped.
func serve(t *testing.T, fake semanastest.Fake, address string) (server *grpc.Server, bound string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server = grpc.NewServer()
	fake.Register(server)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	return server, listener.Addr().String()
}

func TestAServerThatIsRestartedIsFoundAgain(t *testing.T) {
	script := plays(say(snapshot(1), event(2)).thenSilence(), say(done(3)))
	fake := watching(script)
	fake.GetWorkHistory = get(getErrors(nil)).GetWorkHistory
	first, address := serve(t, fake, "127.0.0.1:0")
	client, err := semanas.NewClient("http://"+address, semanas.WithWatchResume(semanas.RetryPolicy{MaxTries: 100, FirstDelay: time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	var said []string
	for update, err := range client.WatchWorkHistory(background(t), &semanasv1.WatchWorkHistoryRequest{JobId: "wh_1"}) {
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, update.Cursor)
		if update.Cursor == "c2" {
			first.Stop()
			// Nobody is there for a while: the calls of that time are refused, and no more than that.
			for range 3 {
				_, err := client.Health(background(t))
				wants(t, err, semanas.KindUnavailable)
			}
			time.AfterFunc(100*time.Millisecond, func() { serve(t, fake, address) })
		}
	}
	if strings.Join(said, " ") != "c1 c2 c3" {
		t.Errorf("%q", said)
	}
	if _, err := client.GetWorkHistory(background(t), wh1()); err != nil {
		t.Error(err)
	}
}

func TestACallRightAfterAFailureFindsAServerThatIsBack(t *testing.T) {
	first, address := serve(t, get(getErrors(nil)), "127.0.0.1:0")
	first.Stop()
	client, err := semanas.NewClient("http://"+address, semanas.WithoutRetry())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	for range 5 {
		_, err := client.GetWorkHistory(background(t), wh1())
		wants(t, err, semanas.KindUnavailable)
	}
	serve(t, get(getErrors(nil)), address)
	if _, err := client.GetWorkHistory(background(t), wh1()); err != nil {
		t.Errorf("the failure of before is reported again: %v", err)
	}
}

func TestAConnectionThatNeverStandsEndsInTime(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	// It accepts, by the kernel, and never says a word.
	defer func() { _ = listener.Close() }()
	began := time.Now()
	err = ask(t, "http://"+listener.Addr().String(), semanas.WithConnectTimeout(100*time.Millisecond), semanas.WithoutRetry())
	wants(t, err, semanas.KindUnavailable)
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %v", took)
	}
}

func TestEachTryWaitsForAConnectionOfItsOwn(t *testing.T) {
	_, address := serve(t, get(getErrors(nil)), "127.0.0.1:0")
	// Longer than all waits before retries together.
	const mute, timeout = 3, 500 * time.Millisecond
	endpoint := "http://" + afterMute(t, address, mute)
	if err := ask(t, endpoint, semanas.WithConnectTimeout(timeout)); err != nil {
		t.Errorf("the failure of the first connection is reported again: %v", err)
	}
}

// afterMute accepts so many connections without a word, and leads all that come later to the address.
func afterMute(t *testing.T, address string, mute int) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for number := 1; ; number++ {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = from.Close() })
			if number <= mute {
				continue
			}
			to, err := net.Dial("tcp", address)
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = to.Close() })
			go func() { _, _ = io.Copy(to, from) }()
			go func() { _, _ = io.Copy(from, to) }()
		}
	}()
	return listener.Addr().String()
}

func TestAHugeAnswerIsRead(t *testing.T) {
	huge := job(1)
	huge.WorkHistory = &semanasv1.WorkHistory{Employments: []*semanasv1.Employment{{Employer: strings.Repeat("a", 20<<20)}}}
	ended := done(2)
	ended.GetEvent().Job = huge
	fake := watching(plays(say(ended)))
	fake.GetWorkHistory = func(context.Context, *semanasv1.GetWorkHistoryRequest) (*semanasv1.GetWorkHistoryResponse, error) {
		return &semanasv1.GetWorkHistoryResponse{Job: huge}, nil
	}
	client := start(t, fake)
	if found, err := client.GetWorkHistory(background(t), wh1()); err != nil || len(found.GetWorkHistory().GetEmployments()) != 1 {
		t.Error(err)
	}
	if _, err := client.Raw().WorkHistory.GetWorkHistory(background(t), wh1()); err != nil {
		t.Error(err)
	}
	if said := words(background(t), client, ""); said != "2" {
		t.Error(said)
	}
}

func TestACloseEndsWhatIsUnderWay(t *testing.T) {
	script := plays(say(snapshot(1)).thenSilence())
	made := semanastest.StartFake(t, watching(script)).Client(t)
	var said []string
	for update, err := range made.WatchWorkHistory(background(t), &semanasv1.WatchWorkHistoryRequest{JobId: "wh_1"}) {
		said = append(said, fmt.Sprint(update != nil, semanas.KindOf(err)))
		_ = made.Close()
	}
	if strings.Join(said, ", ") != "true Other, false Cancelled" {
		t.Errorf("%q", said)
	}
	if err := made.Close(); err != nil {
		t.Error(err)
	}
	_, err := made.GetWorkHistory(background(t), wh1())
	wants(t, err, semanas.KindCancelled)
	if len(script.seen()) != 1 {
		t.Error("a closed client opens streams")
	}
}

func TestOptionsOfAConnectionThatIsMadeAlreadyAreRefused(t *testing.T) {
	conn, err := grpc.NewClient("127.0.0.1:1", grpc.WithTransportCredentials(credentials.NewTLS(nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = semanas.NewClientFromConn(conn, semanas.WithBearerToken("a"), semanas.WithUserAgent("b"))
	if failed := wants(t, err, semanas.KindConfiguration); !strings.Contains(failed.Error(), "WithBearerToken, WithUserAgent") {
		t.Error(failed)
	}
	_, err = semanas.NewClientFromConn(nil)
	wants(t, err, semanas.KindConfiguration)
}
