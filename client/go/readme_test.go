package semanas_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/semanas/semanas/client/go/semanastest"
)

// fences are the blocks of Go in the README, in their order.
func fences(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, part := range strings.Split(string(text), "```go\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		found = append(found, block)
	}
	return found
}

// run starts a program of this module with the server's address.
func run(t *testing.T, endpoint string, arguments ...string) string {
	t.Helper()
	command := exec.Command("go", append([]string{"run"}, arguments...)...)
	command.Env = append(os.Environ(), "SEMANAS_SERVER="+endpoint)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("go run %v: %v\n%s", arguments, err, output)
	}
	return string(output)
}

func TestTheExampleOfTheReadmeRunsAsWritten(t *testing.T) {
	server := semanastest.Start(t, semanastest.Fake{})
	program := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(program, []byte(fences(t)[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	output := run(t, server.Endpoint, program)
	if !strings.Contains(output, " since ") {
		t.Errorf("it prints no employment: %q", output)
	}
	if server.IsReal && strings.Count(output, "\n") != 3 {
		t.Errorf("the sandbox's person has three employments: %q", output)
	}
}

func TestTheExampleProgramFollowsAJobToItsEnd(t *testing.T) {
	server := semanastest.Start(t, semanastest.Fake{})
	output := run(t, server.Endpoint, "./examples/watch", curp)
	if !strings.Contains(output, "STARTED") || !strings.Contains(output, "SUCCEEDED: ") || !strings.Contains(output, " employments, ") {
		t.Errorf("it prints %q", output)
	}
}
