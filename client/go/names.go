package semanas

// Enum values as people read them.

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	semanasv1 "github.com/semanas/semanas/client/go/semanas/v1"
)

// NameOf is an enum value of the contract without its prefix: "SUCCEEDED" for JOB_STATE_SUCCEEDED. A value that this version does
// not know is "UNKNOWN(7)".
func NameOf(value protoreflect.Enum) string {
	kind := value.Descriptor()
	known := kind.Values().ByNumber(value.Number())
	if known == nil {
		return fmt.Sprintf("UNKNOWN(%d)", value.Number())
	}
	// The value zero of every enum is PREFIX_UNSPECIFIED, so that the prefix can be read off it.
	prefix := strings.TrimSuffix(string(kind.Values().ByNumber(0).Name()), "UNSPECIFIED")
	return strings.TrimPrefix(string(known.Name()), prefix)
}

// IsTerminal says whether a job in this state has ended. A state that this version does not know is not taken for an end: the
// server says on the last update of a watch that it is the last.
func IsTerminal(state semanasv1.JobState) bool {
	switch state {
	case semanasv1.JobState_JOB_STATE_SUCCEEDED, semanasv1.JobState_JOB_STATE_FAILED,
		semanasv1.JobState_JOB_STATE_CANCELLED, semanasv1.JobState_JOB_STATE_OUTCOME_UNKNOWN:
		return true
	}
	return false
}
