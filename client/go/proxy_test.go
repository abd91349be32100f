package semanas_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	semanas "github.com/semanas/semanas/client/go"
)

// TestAskThroughTheEnvironment is the other half of the test below: grpc-go reads the proxies once in a process.
func TestAskThroughTheEnvironment(t *testing.T) {
	endpoint := os.Getenv("ASK_ENDPOINT")
	if endpoint == "" {
		t.Skip("it runs in a process of its own")
	}
	wants(t, ask(t, endpoint, semanas.WithAllowPlaintext(), semanas.WithoutRetry()), semanas.KindUnavailable)
}

// asked is what the proxy of the environment is asked for by a client of the endpoint.
func asked(t *testing.T, endpoint string) string {
	t.Helper()
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = proxy.Close() }()
	words := make(chan string, 1)
	go func() {
		defer close(words)
		conn, err := proxy.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(patience))
		piece := make([]byte, 4096)
		count, _ := conn.Read(piece)
		words <- string(piece[:count])
	}()
	command := exec.Command(os.Args[0], "-test.run=^TestAskThroughTheEnvironment$")
	address := "http://" + proxy.Addr().String()
	command.Env = append(os.Environ(), "ASK_ENDPOINT="+endpoint, "HTTPS_PROXY="+address, "HTTP_PROXY="+address, "NO_PROXY=")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", endpoint, err, output)
	}
	_ = proxy.Close()
	return <-words
}

func TestAProxyIsUsedForTLSAndNeverForPlainText(t *testing.T) {
	if words := asked(t, "https://semanas.invalid"); !strings.HasPrefix(words, "CONNECT semanas.invalid:443") {
		t.Errorf("the proxy is asked %q", words)
	}
	if words := asked(t, "http://semanas.invalid:50051"); words != "" {
		t.Errorf("plain text is sent by way of the proxy: %q", words)
	}
}
