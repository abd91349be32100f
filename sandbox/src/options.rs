//! What a caller of the sandbox may choose: addresses, seed, latencies and the credentials that are accepted.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::scenario::MsRange;

/// The credentials that the sandbox accepts unless told otherwise. They open nothing else and are no secrets.
pub const KIBAN_API_KEY: &str = "kiban-sandbox-key";
/// A Kiban key that is known but has no access to the service: it gets 403.
pub const KIBAN_API_KEY_WITHOUT_ACCESS: &str = "kiban-sandbox-key-without-access";
pub const TUIDENTIDAD_API_KEY: &str = "tuidentidad-sandbox-key";
pub const NUBARIUM_USERNAME: &str = "nubarium-sandbox-user";
pub const NUBARIUM_PASSWORD: &str = "nubarium-sandbox-password";

pub const CONTROL_PORT: u16 = 7100;
pub const KIBAN_PORT: u16 = 7101;
pub const TUIDENTIDAD_PORT: u16 = 7102;
pub const NUBARIUM_PORT: u16 = 7103;

/// Where to listen and how to behave at first. Port 0 takes a free port.
#[derive(Debug, Clone)]
pub struct Options {
    pub seed: u64,
    pub control: SocketAddr,
    pub kiban: SocketAddr,
    pub tuidentidad: SocketAddr,
    pub nubarium: SocketAddr,
    pub latency: Latency,
    /// Multiplies every latency: 1 feels real, 0 answers at once.
    pub latency_scale: f64,
    pub credentials: Credentials,
}

impl Default for Options {
    fn default() -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            seed: 1,
            control: local(CONTROL_PORT),
            kiban: local(KIBAN_PORT),
            tuidentidad: local(TUIDENTIDAD_PORT),
            nubarium: local(NUBARIUM_PORT),
            latency: Latency::default(),
            latency_scale: 1.0,
            credentials: Credentials::default(),
        }
    }
}

impl Options {
    /// Free ports on loopback and no latency: what a test wants.
    #[must_use]
    pub fn for_tests() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (control, kiban, tuidentidad, nubarium) = (free, free, free, free);
        Self {
            control,
            kiban,
            tuidentidad,
            nubarium,
            latency_scale: 0.0,
            ..Self::default()
        }
    }
}

#[derive(Clone)]
pub struct Credentials {
    pub kiban_api_key: String,
    pub tuidentidad_api_key: String,
    pub nubarium_username: String,
    pub nubarium_password: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            kiban_api_key: KIBAN_API_KEY.to_owned(),
            tuidentidad_api_key: TUIDENTIDAD_API_KEY.to_owned(),
            nubarium_username: NUBARIUM_USERNAME.to_owned(),
            nubarium_password: NUBARIUM_PASSWORD.to_owned(),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credentials(redacted)")
    }
}

/// How long each provider takes. The real Kiban takes minutes; these are short enough for somebody who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// Kiban's answers, both to the POST and to a look-up.
    pub kiban_answer: MsRange,
    /// From Kiban's acceptance until the document is ready.
    pub kiban_document: MsRange,
    pub tuidentidad_answer: MsRange,
    /// From Tu Identidad's 202 until the ticket is ready.
    pub tuidentidad_ticket: MsRange,
    pub nubarium_answer: MsRange,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            kiban_answer: MsRange {
                min_ms: 80,
                max_ms: 160,
            },
            kiban_document: MsRange {
                min_ms: 2_500,
                max_ms: 3_500,
            },
            tuidentidad_answer: MsRange {
                min_ms: 500,
                max_ms: 900,
            },
            tuidentidad_ticket: MsRange {
                min_ms: 1_700,
                max_ms: 2_300,
            },
            nubarium_answer: MsRange {
                min_ms: 300,
                max_ms: 500,
            },
        }
    }
}
