//! The faults by name: what can be done to a call, and to which calls.
//!
//! This file is data only. `rules` decides which call a fault hits, `sabotage` carries it out.

use serde::{Deserialize, Serialize};

use crate::Provider;

/// One way in which a provider misbehaves. `billed` says whether the provider did its work (and booked its charge)
/// before it misbehaved; without it each fault has the default written in `sandbox/README.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The port does not listen: connecting fails. For a whole provider only.
    Refuse,
    /// The connection is accepted and reset before a byte is read. For a whole provider only.
    ResetOnConnect,
    /// The request is read, then the connection is reset (RST) with no answer.
    Reset {
        #[serde(default)]
        billed: bool,
    },
    /// The request is read, then the connection is closed (FIN) with no answer.
    Close {
        #[serde(default)]
        billed: bool,
    },
    /// The request is read and never answered; the connection stays open.
    Hang {
        #[serde(default)]
        billed: bool,
    },
    /// An HTTP 5xx with a small JSON body.
    ServerError {
        #[serde(default = "default_server_error_status")]
        status: u16,
        #[serde(default)]
        billed: bool,
    },
    /// HTTP 429, with `Retry-After` when `retry_after_s` is given.
    TooManyRequests {
        #[serde(default)]
        retry_after_s: Option<u64>,
        #[serde(default)]
        billed: bool,
    },
    /// The provider refuses our credentials in its own words: 401, or 403.
    CredentialsRefused {
        #[serde(default = "default_credentials_status")]
        status: u16,
    },
    /// A 3xx to another place, as a captive portal or a moved host would send.
    Redirect {
        #[serde(default = "default_redirect_status")]
        status: u16,
        #[serde(default = "default_location")]
        location: String,
        #[serde(default)]
        billed: bool,
    },
    /// The true answer cut in half, with a content length that fits: complete HTTP, broken JSON.
    BrokenJson {
        #[serde(default = "yes")]
        billed: bool,
    },
    /// The true answer with its content length, but the connection ends half way through the body.
    TruncatedBody {
        #[serde(default = "yes")]
        billed: bool,
    },
    /// A body of `bytes` bytes: the true answer behind white space, so a reader without a cap would accept it.
    HugeBody {
        #[serde(default = "default_huge_bytes")]
        bytes: u64,
        #[serde(default = "yes")]
        billed: bool,
    },
    /// White space that never ends, sent in chunks.
    EndlessBody {
        #[serde(default = "yes")]
        billed: bool,
    },
    /// The headers of the true answer, then nothing; the connection stays open.
    HangBody {
        #[serde(default = "yes")]
        billed: bool,
    },
    /// The true answer, `chunk_bytes` at a time with `pause_ms` between.
    SlowBody {
        #[serde(default = "default_chunk_bytes")]
        chunk_bytes: usize,
        #[serde(default = "default_pause_ms")]
        pause_ms: u64,
        #[serde(default = "yes")]
        billed: bool,
    },
    /// An HTML page, HTTP 200 unless another status is named.
    Html {
        #[serde(default = "default_ok_status")]
        status: u16,
        #[serde(default = "yes")]
        billed: bool,
    },
    /// No body at all, HTTP 200 unless another status is named.
    EmptyBody {
        #[serde(default = "default_ok_status")]
        status: u16,
        #[serde(default = "yes")]
        billed: bool,
    },
    /// The true answer under another content type.
    ContentType {
        value: String,
        #[serde(default = "yes")]
        billed: bool,
    },
    /// The true answer, later: `ms` on top of the provider's latency, and not scaled.
    Delay {
        ms: u64,
        #[serde(default = "yes")]
        billed: bool,
    },
}

/// Which of a provider's calls: the one that asks (and is billed), or the one that looks up by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Submit,
    Status,
}

/// A fault and the calls it hits. Every filter that is absent lets all calls pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    pub fault: Fault,
    /// Only at this provider. Of use in a person's rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// Only for calls of this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Step>,
    /// Lets this many matching calls pass first.
    #[serde(default)]
    pub after: u32,
    /// Hits at most this many calls, then the provider is well again; absent means for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Hits a call with this probability (0 to 1), by the sandbox's seeded dice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            provider: None,
            on: None,
            after: 0,
            times: None,
            probability: None,
        }
    }
}

impl FaultRule {
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    #[must_use]
    pub fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }

    #[must_use]
    pub fn on(self, step: Step) -> Self {
        Self { on: Some(step), ..self }
    }

    #[must_use]
    pub fn at(self, provider: Provider) -> Self {
        Self {
            provider: Some(provider),
            ..self
        }
    }
}

impl Fault {
    /// Whether the fault happens before a request can be read, so that no single person can be meant.
    pub(crate) fn is_about_the_connection(&self) -> bool {
        matches!(self, Self::Refuse | Self::ResetOnConnect)
    }

    /// Whether something of the provider's true answer goes out, so that it is made even when it is not billed.
    pub(crate) fn shows_the_answer(&self) -> bool {
        match self {
            Self::BrokenJson { .. }
            | Self::TruncatedBody { .. }
            | Self::HugeBody { .. }
            | Self::EndlessBody { .. }
            | Self::HangBody { .. }
            | Self::SlowBody { .. }
            | Self::ContentType { .. }
            | Self::Delay { .. } => true,
            Self::Refuse
            | Self::ResetOnConnect
            | Self::Reset { .. }
            | Self::Close { .. }
            | Self::Hang { .. }
            | Self::ServerError { .. }
            | Self::TooManyRequests { .. }
            | Self::CredentialsRefused { .. }
            | Self::Redirect { .. }
            | Self::Html { .. }
            | Self::EmptyBody { .. } => false,
        }
    }

    pub(crate) fn is_billed(&self) -> bool {
        match *self {
            Self::Refuse | Self::ResetOnConnect | Self::CredentialsRefused { .. } => false,
            Self::Reset { billed }
            | Self::Close { billed }
            | Self::Hang { billed }
            | Self::ServerError { billed, .. }
            | Self::TooManyRequests { billed, .. }
            | Self::Redirect { billed, .. }
            | Self::BrokenJson { billed }
            | Self::TruncatedBody { billed }
            | Self::HugeBody { billed, .. }
            | Self::EndlessBody { billed }
            | Self::HangBody { billed }
            | Self::SlowBody { billed, .. }
            | Self::Html { billed, .. }
            | Self::EmptyBody { billed, .. }
            | Self::ContentType { billed, .. }
            | Self::Delay { billed, .. } => billed,
        }
    }
}

fn yes() -> bool {
    true
}

fn default_server_error_status() -> u16 {
    503
}

fn default_credentials_status() -> u16 {
    401
}

fn default_redirect_status() -> u16 {
    307
}

/// A name that never resolves (RFC 2606), so that a client which follows the redirect is caught doing so.
fn default_location() -> String {
    "http://moved.invalid/".to_owned()
}

/// 64 MiB: far above any sensible cap on an answer.
fn default_huge_bytes() -> u64 {
    64 * 1024 * 1024
}

fn default_chunk_bytes() -> usize {
    16
}

fn default_pause_ms() -> u64 {
    200
}

fn default_ok_status() -> u16 {
    200
}
