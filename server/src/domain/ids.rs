//! Names of things: jobs, attempts, people (as keyed hashes) and tenants.
//!
//! A job's name carries its kind, its birth time and its shard, so that any replica finds it without a directory.
//! Nothing here knows the HMAC secret: a `PersonKey` is made by the engine's vault.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Number of shards of a data set. Part of the stored format: one person's jobs, dedupe keys, ledger and due times live in
/// one shard, hence in one Redis Cluster slot. Sixteen spreads over more masters than anyone runs and keeps a feed cursor small.
pub(crate) const SHARDS: u8 = 16;

/// One of the [`SHARDS`] parts of the data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Shard(u8);

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobKind {
    /// From a person to a work history; public.
    WorkHistory,
    /// From a CURP to an NSS; serves `LookupNss` and work-history jobs alike.
    NssLookup,
}

/// Name of a job: `wh_` or `nss_`, 32 hex digits of a UUID v7, 2 hex digits of its shard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct JobId(String);

/// Name of an attempt, of its intent and of its row in the ledger: `att_` and 32 hex digits of a UUID v7.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct IntentId(String);

/// Keyed hash of a CURP, 16 bytes as hex: tells people apart without naming them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PersonKey(String);

/// Who a job belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tenant(String);

/// A text that is no job name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a job name")]
pub(crate) struct JobIdError;

// === impl Shard ===

impl Shard {
    pub(crate) fn all() -> impl Iterator<Item = Shard> {
        (0..SHARDS).map(Shard)
    }

    pub(crate) fn new(index: u8) -> Option<Shard> {
        (index < SHARDS).then_some(Shard(index))
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.0)
    }
}

// === impl JobId ===

impl JobId {
    pub(crate) fn new(kind: JobKind, uuid: Uuid, shard: Shard) -> JobId {
        JobId(format!("{}{}{shard}", prefix(kind), uuid.simple()))
    }

    pub(crate) fn parse(text: &str) -> Result<JobId, JobIdError> {
        let (_, rest) = split(text).ok_or(JobIdError)?;
        let hex = rest.len() == 34 && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let shard = hex
            .then(|| u8::from_str_radix(&rest[32..], 16).ok())
            .flatten()
            .and_then(Shard::new);
        shard.map(|_| JobId(text.to_owned())).ok_or(JobIdError)
    }

    /// Name of the lookup that a job starts for itself. It starts one at most, and when it must start it again, because it does
    /// not know what came of the first time, that is the same one.
    pub(crate) fn of_own_lookup(&self) -> JobId {
        let (_, rest) = split(&self.0).expect("parsed on construction");
        JobId(format!("{}{rest}", prefix(JobKind::NssLookup)))
    }

    pub(crate) fn kind(&self) -> JobKind {
        split(&self.0).expect("parsed on construction").0
    }

    pub(crate) fn shard(&self) -> Shard {
        let index = u8::from_str_radix(&self.0[self.0.len() - 2..], 16).expect("parsed on construction");
        Shard::new(index).expect("parsed on construction")
    }

    /// Sorts by birth: the part that is a UUID v7, without prefix and shard.
    pub(crate) fn order_key(&self) -> &str {
        &split(&self.0).expect("parsed on construction").1[..32]
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for JobId {
    type Error = JobIdError;

    fn try_from(text: String) -> Result<JobId, JobIdError> {
        JobId::parse(&text)
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> String {
        id.0
    }
}

fn prefix(kind: JobKind) -> &'static str {
    match kind {
        JobKind::WorkHistory => "wh_",
        JobKind::NssLookup => "nss_",
    }
}

fn split(text: &str) -> Option<(JobKind, &str)> {
    [JobKind::WorkHistory, JobKind::NssLookup]
        .into_iter()
        .find_map(|kind| text.strip_prefix(prefix(kind)).map(|rest| (kind, rest)))
}

// === impl IntentId, PersonKey, Tenant ===

impl IntentId {
    pub(crate) fn new(uuid: Uuid) -> IntentId {
        IntentId(format!("att_{}", uuid.simple()))
    }

    /// Takes a name that came back from outside, for example in a callback's path; it names nothing until it matches an attempt.
    pub(crate) fn from_untrusted(text: &str) -> IntentId {
        IntentId(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PersonKey {
    pub(crate) fn from_mac(mac: [u8; 16]) -> PersonKey {
        PersonKey(mac.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(crate) fn shard(&self) -> Shard {
        let first = u8::from_str_radix(&self.0[..2], 16).expect("made of hex digits");
        Shard(first % SHARDS)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tenant {
    /// The one tenant of a deployment that does not tell its callers apart.
    pub(crate) fn sole() -> Tenant {
        Tenant("default".to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_round_trips_and_names_its_kind_and_shard() {
        for kind in [JobKind::WorkHistory, JobKind::NssLookup] {
            for shard in Shard::all() {
                let id = JobId::new(kind, Uuid::from_u128(42), shard);
                assert_eq!(JobId::parse(id.as_str()), Ok(id.clone()));
                assert_eq!((id.kind(), id.shard()), (kind, shard));
            }
        }
    }

    #[test]
    fn a_job_has_one_lookup_in_its_own_shard() {
        let shard = Shard::new(7).unwrap();
        let job = JobId::new(JobKind::WorkHistory, Uuid::from_u128(42), shard);
        let lookup = job.of_own_lookup();
        assert_eq!(JobId::parse(lookup.as_str()), Ok(lookup.clone()));
        assert_eq!(lookup, JobId::new(JobKind::NssLookup, Uuid::from_u128(42), shard));
    }

    #[test]
    fn what_is_no_job_id_is_refused() {
        let uuid = "0193e5a0c2d17f9ab3c4a5d6e7f80912";
        for text in [
            "",
            "wh_",
            uuid,
            &format!("wh_{uuid}"),
            &format!("wh_{uuid}10"),
            &format!("wh_{uuid}zz"),
            &format!("x_{uuid}01"),
        ] {
            assert_eq!(JobId::parse(text), Err(JobIdError), "{text}");
        }
        assert!(
            JobId::parse(&format!("wh_{}01", uuid.to_uppercase())).is_err(),
            "one spelling per job"
        );
    }
}
