package semanas_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
	"github.com/semanas/semanas/client/go/semanastest"
)

// valve hands connections on to a server, until it is shut: then those that are open stay open, and nothing passes on them.
type valve struct {
	listener net.Listener
	mutex    sync.Mutex
	shut     chan struct{}
}

func newValve(t *testing.T, to string) *valve {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{listener: listener, shut: make(chan struct{})}
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	all.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			onward, err := net.Dial("tcp", to)
			if err != nil {
				_ = from.Close()
				return
			}
			context.AfterFunc(ctx, func() { _, _ = from.Close(), onward.Close() })
			v.mutex.Lock()
			shut := v.shut
			v.mutex.Unlock()
			all.Go(func() { pass(onward, from, shut) })
			all.Go(func() { pass(from, onward, shut) })
		}
	})
	t.Cleanup(func() {
		stop()
		_ = listener.Close()
		all.Wait()
	})
	return v
}

func pass(to, from net.Conn, shut chan struct{}) {
	piece := make([]byte, 4096)
	for {
		count, err := from.Read(piece)
		if err != nil {
			_ = to.Close()
			return
		}
		select {
		case <-shut:
			// What was read is lost, as in a network that was cut.
			continue
		default:
		}
		if _, err := to.Write(piece[:count]); err != nil {
			return
		}
	}
}

// close lets nothing more pass on the connections that there are.
func (v *valve) close() {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	close(v.shut)
	v.shut = make(chan struct{})
}

func TestAWatchLeavesAConnectionThatIsDead(t *testing.T) {
	first := snapshot(1)
	first.GetSnapshot().HeartbeatInterval = durationpb.New(40 * time.Millisecond)
	script := plays(say(first).thenSilence(), say(done(2)))
	server := semanastest.StartFake(t, watching(script))
	valve := newValve(t, strings.TrimPrefix(server.Endpoint, "http://"))
	client, err := semanas.NewClient("http://"+valve.listener.Addr().String(), quick()...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	said := []string{}
	for update, err := range client.WatchWorkHistory(background(t), &semanasv1.WatchWorkHistoryRequest{JobId: "wh_1"}) {
		if err != nil {
			t.Fatalf("after %q: %v", said, err)
		}
		said = append(said, update.Cursor)
		if update.Cursor == "c1" {
			valve.close()
		}
	}
	if strings.Join(said, " ") != "c1 c2" {
		t.Errorf("%q", said)
	}
}

func TestAConnectionThatOthersHearIsNotClosed(t *testing.T) {
	const interval = 40 * time.Millisecond
	silent := snapshot(1)
	silent.GetSnapshot().HeartbeatInterval = durationpb.New(interval)
	script := plays(say(silent).thenSilence(), say(done(2)))
	fake := watching(script)
	opened := inTurn[string](true)
	fake.WatchWorkHistories = func(
		request *semanasv1.WatchWorkHistoriesRequest, to grpc.ServerStreamingServer[feedMessage],
	) error {
		opened.next(request.GetCursor())
		ticker := time.NewTicker(interval / 4)
		defer ticker.Stop()
		for number := 1; ; number++ {
			if err := to.Send(change(fmt.Sprintf("f%d", number))); err != nil {
				return err
			}
			select {
			case <-ticker.C:
			case <-to.Context().Done():
				return nil
			}
		}
	}
	client := start(t, fake)
	ctx, stop := context.WithCancel(background(t))
	var feed sync.WaitGroup
	running := make(chan struct{}, 1)
	feed.Go(func() {
		for _, err := range client.WatchWorkHistories(ctx, nil) {
			if err != nil && semanas.KindOf(err) != semanas.KindCancelled {
				t.Error(err)
			}
			select {
			case running <- struct{}{}:
			default:
			}
		}
	})
	<-running
	if said := words(background(t), client, ""); said != "s1 2" {
		t.Error(said)
	}
	for range 5 {
		// The feed goes on: what came before is no more than two of these.
		<-running
	}
	stop()
	feed.Wait()
	if streams := opened.seen(); len(streams) != 1 {
		t.Errorf("the feed was opened at %q", streams)
	}
}

func TestAnErrorDoesNotQuoteWhatAnEchoAnswers(t *testing.T) {
	echo := httptest.NewUnstartedServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("Content-Type", "text/plain")
		_, _ = io.Copy(answer, request.Body)
	}))
	echo.Config.Protocols = new(http.Protocols)
	echo.Config.Protocols.SetUnencryptedHTTP2(true)
	echo.Start()
	defer echo.Close()
	client, err := semanas.NewClient(echo.URL, quick()...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	_, err = client.LookupNss(background(t), &semanasv1.LookupNssRequest{Curp: curp})
	failed := semanas.ErrorFrom(err)
	if failed == nil || strings.Contains(fmt.Sprintf("%v %+v %v", failed, failed, failed.Status), curp) {
		t.Errorf("%v", failed)
	}
	if failed != nil && !strings.Contains(failed.Error(), "text/plain") {
		t.Errorf("it does not say what was wrong: %v", failed)
	}
}
