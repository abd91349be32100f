//! Functions of the caller's that are told what goes on. They see methods, codes and times, and no personal data.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::code::Code;

/// Told of a try that has ended.
pub type AttemptHook = Arc<dyn Fn(&CallAttempt) + Send + Sync>;
/// Told of the connection.
pub type ConnectionHook = Arc<dyn Fn(ConnectionState) + Send + Sync>;

/// Told of each try of each call, and of the connection. They are called where it happens and must not block.
#[derive(Clone, Default)]
pub struct Hooks {
    /// After each try.
    pub on_attempt: Option<AttemptHook>,
    /// When the connection changes.
    pub on_connection_state: Option<ConnectionHook>,
}

/// A try of a call that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAttempt {
    /// The method without its service, such as `SubmitWorkHistory`.
    pub method: &'static str,
    /// Counts the tries of one call, or the streams of one watch, from 1 on.
    pub number: u32,
    /// How it ended.
    pub code: Code,
    /// The server's reason in UPPER_SNAKE; empty when it gave none.
    pub reason: String,
    /// The wait before the next try; none when there is no other.
    pub wait: Option<Duration>,
}

/// How the connection stands. A connection is made with the first call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// It is being made.
    Connecting,
    /// The server has taken it; with TLS, the handshake follows.
    Ready,
    /// It could not be made.
    Failed,
    /// It has ended; the next call makes another.
    Idle,
}

impl Hooks {
    pub(crate) fn attempted(&self, attempt: &CallAttempt) {
        if let Some(hook) = &self.on_attempt {
            hook(attempt);
        }
    }

    pub(crate) fn connection(&self, state: ConnectionState) {
        if let Some(hook) = &self.on_connection_state {
            hook(state);
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hooks")
    }
}
