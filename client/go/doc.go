// Package semanas is the Go client of Semanas: from a person to an NSS and to a complete work history.
//
// Make one [Client] and keep it. [Client.GetWorkHistoryWhenDone] is the whole way in one call; [Client.SubmitWorkHistory] and
// [Client.WatchWorkHistory] are its two halves. Requests and answers are the messages of the contract, package
// [github.com/semanas/semanas/client/go/semanas/v1].
//
// # Deadlines
//
// A unary call takes at most 30 s with all its tries ([WithUnaryDeadline]), and no longer than its context. A watch, and the waiting
// half of GetWorkHistoryWhenDone, take as long as their context.
//
// # Retries
//
// UNAVAILABLE is made again, RESOURCE_EXHAUSTED only when the server says after how long: at most four tries, with jitter, never
// before the time that the server names. A wait that would pass the deadline is not begun. A Submit without a request_id is given
// one, so that a retry cannot start a second job. [WithoutRetry] switches it off; [Client.Raw] goes around it.
//
// # Watches
//
// A watch is an iterator. It resumes by itself with the last cursor: after a break, when the server drains, when the stream ends
// without a terminal update, and after three heartbeat intervals of silence. Each event comes once, in order, none missing. Leaving
// the loop releases the stream.
//
// # Errors
//
// Every error is an [*Error], sorted by what the caller can do: its [Kind]. What was sent and received holds personal data; errors
// hold none, and messages and updates print none with fmt and log/slog.
package semanas
