//! What a user of the client may choose, and what is chosen when nothing is said.

use std::time::Duration;

use crate::credentials::Credentials;
use crate::hooks::Hooks;
use crate::retry::RetryPolicy;

/// How a client behaves. `Options::default()` is right for a service that talks to Semanas on the same machine or by TLS.
#[derive(Clone, Debug)]
pub struct Options {
    /// What shows the server who calls.
    pub credentials: Credentials,
    /// A unary call with all its retries takes no longer than this; `None` waits for as long as it takes. Streams have none.
    pub unary_deadline: Option<Duration>,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
    /// When a unary call is made again. `RetryPolicy::OFF` never does.
    pub retry: RetryPolicy,
    /// Leave to send personal data unencrypted to another machine.
    pub allow_plaintext: bool,
    /// A certificate authority in PEM to trust besides the system's.
    pub ca_certificate_pem: Option<String>,
    /// Put before our own words in the user agent, such as `my-service/1.2`.
    pub user_agent: Option<String>,
    /// Functions that are told what goes on.
    pub hooks: Hooks,
    /// How watches behave.
    pub watch: WatchOptions,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            credentials: Credentials::default(),
            unary_deadline: Some(Duration::from_secs(30)),
            connect_timeout: Duration::from_secs(5),
            retry: RetryPolicy::default(),
            allow_plaintext: false,
            ca_certificate_pem: None,
            user_agent: None,
            hooks: Hooks::default(),
            watch: WatchOptions::default(),
        }
    }
}

/// How watches behave.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// How often and after how long a broken stream is resumed. The count begins anew with each event and heartbeat.
    pub resume: RetryPolicy,
    /// Whether the reader is told that the server's store does not answer.
    pub reports_stale: bool,
    /// The heartbeat interval assumed until the server names its own.
    pub heartbeat_interval: Duration,
}

impl Default for WatchOptions {
    fn default() -> Self {
        WatchOptions {
            // 0.2 + 0.4 + ... + 15 s: more than a minute, enough for a restart of the server.
            resume: RetryPolicy {
                tries_max: 11,
                delay_first: Duration::from_millis(200),
                delay_max: Duration::from_secs(15),
                server_delay_max: Duration::from_secs(120),
            },
            reports_stale: false,
            heartbeat_interval: Duration::from_secs(15),
        }
    }
}
