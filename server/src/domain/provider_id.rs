//! The providers that the gateway can buy from, as a closed list.
//!
//! Decides their stable names, which configuration, ledger, metrics and the contract share. It deliberately does not
//! know what each of them sells: the adapters and the route do.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum ProviderId {
    /// Work histories from a CURP and names.
    #[serde(rename = "kiban")]
    Kiban,
    /// Work histories from a CURP and an NSS.
    #[serde(rename = "tuidentidad")]
    TuIdentidad,
    /// The NSS of a CURP.
    #[serde(rename = "nubarium")]
    Nubarium,
}

/// The text names no provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown provider; it must be kiban, tuidentidad or nubarium")]
pub(crate) struct UnknownProvider;

impl ProviderId {
    /// All providers.
    pub(crate) const ALL: [ProviderId; 3] = [ProviderId::Kiban, ProviderId::TuIdentidad, ProviderId::Nubarium];

    /// The stable name, in lower case.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ProviderId::Kiban => "kiban",
            ProviderId::TuIdentidad => "tuidentidad",
            ProviderId::Nubarium => "nubarium",
        }
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProviderId {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<ProviderId, UnknownProvider> {
        ProviderId::ALL
            .into_iter()
            .find(|id| id.as_str() == text)
            .ok_or(UnknownProvider)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_survive_text_and_json() {
        for id in ProviderId::ALL {
            assert_eq!(id.as_str().parse(), Ok(id));
            assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        }
        assert_eq!("Kiban".parse::<ProviderId>(), Err(UnknownProvider));
    }
}
