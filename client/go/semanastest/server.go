// Package semanastest starts a server of Semanas for the tests of programs that call one.
//
// [Start] takes the real server, with its sandbox of providers, where the semanas program is at hand: at SEMANAS_BIN, else on the
// path. Elsewhere it takes a [Fake], which answers as the test says, or by itself.
//
//	func TestPayroll(t *testing.T) {
//		server := semanastest.Start(t, semanastest.Fake{})
//		client := server.Client(t)
//		// ...
//	}
package semanastest

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"google.golang.org/grpc"

	semanas "github.com/semanas/semanas/client/go"
)

const (
	// The program is built for debugging, perhaps, on a machine that is busy.
	startPatience = 60 * time.Second
	stopPatience  = 20 * time.Second
	// The one line that `semanas demo --serve` prints.
	servesAt = "SEMANAS_SERVER="
)

// TB is what is used of *testing.T and *testing.B.
type TB interface {
	Helper()
	Cleanup(func())
	Logf(format string, arguments ...any)
	Fatalf(format string, arguments ...any)
}

// Server is a server that runs until its test ends.
type Server struct {
	// Endpoint is where it is, for semanas.NewClient.
	Endpoint string
	// IsReal says that it is the semanas program with its sandbox, and not a fake.
	IsReal bool
}

// Start starts the real server where the program is at hand, else the fake.
func Start(t TB, fake Fake) *Server {
	t.Helper()
	if program := find(t); program != "" {
		return startProgram(t, program)
	}
	return StartFake(t, fake)
}

// StartReal starts the real server; without the program the test fails.
func StartReal(t TB) *Server {
	t.Helper()
	program := find(t)
	if program == "" {
		t.Fatalf("semanastest: the program semanas is not on the path: install it, or set SEMANAS_BIN to where it is")
		return nil
	}
	return startProgram(t, program)
}

// StartFake starts the fake on a free port of this machine.
func StartFake(t TB, fake Fake, options ...grpc.ServerOption) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("semanastest: no free port: %v", err)
		return nil
	}
	server := grpc.NewServer(options...)
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
	return &Server{Endpoint: "http://" + listener.Addr().String()}
}

// Client makes a client of the server, which is closed when the test ends.
func (s *Server) Client(t TB, choices ...semanas.Option) *semanas.Client {
	t.Helper()
	client, err := semanas.NewClient(s.Endpoint, choices...)
	if err != nil {
		t.Fatalf("semanastest: %v", err)
		return nil
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// find gives the path of the program, or nothing.
func find(t TB) string {
	t.Helper()
	named := os.Getenv("SEMANAS_BIN")
	if named == "" {
		found, err := exec.LookPath("semanas")
		if err != nil {
			return ""
		}
		return found
	}
	found, err := exec.LookPath(named)
	if err != nil {
		t.Fatalf("semanastest: SEMANAS_BIN names no program: %v", err)
	}
	return found
}

func startProgram(t TB, program string) *Server {
	t.Helper()
	command := exec.Command(program, "demo", "--serve", "--listen", "127.0.0.1:0", "--latency", "0")
	complaints := &bytes.Buffer{}
	command.Stderr = complaints
	// It ends with this pipe, so that nothing is left behind by a test that was killed.
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatalf("semanastest: %v", err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatalf("semanastest: %v", err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("semanastest: cannot start %s: %v", program, err)
	}
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(output).ReadString('\n')
		lines <- strings.TrimSpace(line)
	}()
	stop := func() {
		killer := time.AfterFunc(stopPatience, func() { _ = command.Process.Kill() })
		defer killer.Stop()
		_ = input.Close()
		_ = command.Wait()
	}

	var line string
	select {
	case line = <-lines:
	case <-time.After(startPatience):
		line = "nothing in " + startPatience.String()
	}
	endpoint, isServing := strings.CutPrefix(line, servesAt)
	if !isServing {
		_ = command.Process.Kill()
		stop()
		t.Fatalf("semanastest: %s demo --serve does not serve; it said %q and complained %q", program, line, complaints.String())
		return nil
	}
	t.Cleanup(stop)
	return &Server{Endpoint: endpoint, IsReal: true}
}
