// Watch submits one person and shows how the job goes, event by event, until it has ended:
//
//	semanas demo --serve &
//	go run ./examples/watch GOAA970724HYNNNL08
//
// Interrupted, it says how to go on from where it was.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	semanas "github.com/semanas/semanas/client/go"
	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

func main() {
	if len(os.Args) < 2 || len(os.Args) > 4 {
		fmt.Fprintln(os.Stderr, "usage: watch CURP | watch --job JOB_ID [CURSOR]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", advice(err))
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	client, err := semanas.NewClient(cmp.Or(os.Getenv("SEMANAS_SERVER"), "http://127.0.0.1:50051"))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()

	watch := &semanasv1.WatchWorkHistoryRequest{}
	if arguments[0] == "--job" {
		watch.JobId = arguments[1]
		watch.Cursor = append(arguments, "")[2]
	} else {
		submitted, err := client.SubmitWorkHistory(ctx, &semanasv1.SubmitWorkHistoryRequest{
			Subject: &semanasv1.Subject{Curp: arguments[0]},
		})
		if err != nil {
			return err
		}
		watch.JobId = submitted.GetJob().GetJobId()
		fmt.Println(watch.GetJobId(), semanas.NameOf(submitted.GetDisposition()))
	}
	return follow(ctx, client, watch)
}

func follow(ctx context.Context, client *semanas.Client, watch *semanasv1.WatchWorkHistoryRequest) error {
	cursor := watch.GetCursor()
	for update, err := range client.WatchWorkHistory(ctx, watch) {
		if semanas.KindOf(err) == semanas.KindCancelled {
			return fmt.Errorf("interrupted; the job goes on: watch --job %s %s", watch.GetJobId(), cursor)
		}
		if err != nil {
			return err
		}
		cursor = update.Cursor
		if update.Event != nil {
			fmt.Printf("%3d %s %s\n", update.Event.GetSequence(), semanas.NameOf(update.State()), semanas.NameOf(update.Event.GetStage()))
		}
		if !update.IsTerminal {
			continue
		}
		if failure := update.Job().GetFailure(); failure != nil {
			return fmt.Errorf("%s: %s", semanas.NameOf(failure.GetReason()), failure.GetMessage())
		}
		history := update.Job().GetWorkHistory()
		fmt.Printf("%s: %d employments, %d weeks\n",
			semanas.NameOf(update.Job().GetState()), len(history.GetEmployments()), history.GetWeeks().GetTotal())
	}
	return nil
}

// advice says what the person at the keyboard can do.
func advice(err error) string {
	var failed *semanas.Error
	if !errors.As(err, &failed) {
		return err.Error()
	}
	switch failed.Kind {
	case semanas.KindUnavailable:
		return failed.Error() + "\nis the server there? start one with: semanas demo --serve"
	case semanas.KindExhausted:
		if delay, isNamed := failed.RetryDelay(); isNamed {
			return fmt.Sprintf("%v\ntry again in %v", failed, delay)
		}
	}
	return failed.Error()
}
