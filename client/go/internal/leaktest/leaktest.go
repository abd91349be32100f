// Package leaktest fails a test run that leaves goroutines behind. It is its own few lines because the usual module for it brings
// six others into the sums of everybody who uses this one.
package leaktest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// What has been told to end may take this long.
const patience = 10 * time.Second

// Main runs the tests, and then waits until nothing but the tests' own main goroutine is left.
func Main(m *testing.M) {
	code := m.Run()
	if left := waitForNone(); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "%d goroutines are left:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

func waitForNone() []string {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); ; <-ticker.C {
		if left := others(); len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

// others are the stacks of all goroutines but this one and those of the runtime and of os/signal, which never end.
func others() []string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var found []string
	for _, stack := range strings.Split(string(stacks), "\n\n")[1:] {
		if !strings.Contains(stack, "os/signal.") && !strings.Contains(stack, "created by runtime") {
			found = append(found, stack)
		}
	}
	return found
}
