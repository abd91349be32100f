//! Records as bytes: JSON in an envelope that names its version.
//!
//! Fields that this version does not know are skipped, so that an older replica reads what a newer one of the same format
//! wrote. A record of another format, or a damaged one, is `Unreadable` and stays as it is. Knows nothing of any back end.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    domain::job::Job,
    store::{ChargeRow, StoreError},
};

/// Version of the records that this program writes, and the only one that it reads.
pub(crate) const RECORD_VERSION: u32 = 1;

pub(crate) fn encode_job(job: &Job) -> Vec<u8> {
    encode(&JobRecord { v: RECORD_VERSION, job })
}

/// `what` names the record in the error, for example by the job's id.
pub(crate) fn decode_job(what: &str, bytes: &[u8]) -> Result<Job, StoreError> {
    decode::<JobRecord<Job>>(what, bytes).map(|record| record.job)
}

pub(crate) fn encode_charge(row: &ChargeRow) -> Vec<u8> {
    encode(&ChargeRecord {
        v: RECORD_VERSION,
        charge: row,
    })
}

/// `what` names the record in the error, for example by the intent's id.
pub(crate) fn decode_charge(what: &str, bytes: &[u8]) -> Result<ChargeRow, StoreError> {
    decode::<ChargeRecord<ChargeRow>>(what, bytes).map(|record| record.charge)
}

#[derive(Serialize, Deserialize)]
struct JobRecord<J> {
    v: u32,
    job: J,
}

#[derive(Serialize, Deserialize)]
struct ChargeRecord<C> {
    v: u32,
    charge: C,
}

/// The part of a record that every version has.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

fn encode(record: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(record).expect("our records have string keys and no fallible parts")
}

fn decode<R: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<R, StoreError> {
    let unreadable = |why: String| StoreError::Unreadable {
        what: what.to_owned(),
        why: why.into(),
    };
    // Only the place of a syntax error is told: its text may quote the record.
    let damaged = |error: serde_json::Error| {
        unreadable(format!(
            "damaged, or unknown to this version, at column {}",
            error.column()
        ))
    };
    let Version { v } = serde_json::from_slice(bytes).map_err(damaged)?;
    if v != RECORD_VERSION {
        return Err(unreadable(format!(
            "it has format {v}, this program reads format {RECORD_VERSION}"
        )));
    }
    serde_json::from_slice(bytes).map_err(damaged)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::store::conformance::fixtures;

    #[test]
    fn a_job_round_trips_in_every_state() {
        for job in fixtures::job_in_every_state() {
            let bytes = encode_job(&job);
            assert_eq!(
                decode_job("it", &bytes).unwrap(),
                job,
                "{}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }

    #[test]
    fn a_charge_round_trips_with_and_without_its_optional_parts() {
        for row in fixtures::charge_rows() {
            assert_eq!(decode_charge("it", &encode_charge(&row)).unwrap(), row);
        }
    }

    /// What this program's first version wrote. The files never change: a data set in use holds such records, and must be read by
    /// every later version. A new format adds files of its own.
    #[test]
    fn records_of_format_1_are_read_as_they_were_written() {
        let mut jobs = fixtures::job_in_every_state();
        let new = jobs.pop().unwrap();
        for (text, expected) in FORMAT_1_JOBS.into_iter().zip(jobs).chain([(FORMAT_1_NEW, new)]) {
            let job = decode_job("it", text.as_bytes()).unwrap();
            assert_eq!(content(&job), content(&expected), "{text}");
            assert_eq!(job, decode_job("it", &encode_job(&job)).unwrap());
        }
        for (text, expected) in FORMAT_1_CHARGES.into_iter().zip(fixtures::charge_rows()) {
            let row = decode_charge("it", text.as_bytes()).unwrap();
            assert_eq!(content(&row), content(&expected), "{text}");
        }
    }

    const FORMAT_1_JOBS: [&str; 9] = [
        include_str!("fixtures/v1/job_queued.json"),
        include_str!("fixtures/v1/job_awaiting_nss.json"),
        include_str!("fixtures/v1/job_calling.json"),
        include_str!("fixtures/v1/job_waiting.json"),
        include_str!("fixtures/v1/job_ambiguous.json"),
        include_str!("fixtures/v1/job_succeeded.json"),
        include_str!("fixtures/v1/job_failed.json"),
        include_str!("fixtures/v1/job_cancelled.json"),
        include_str!("fixtures/v1/job_outcome_unknown.json"),
    ];
    const FORMAT_1_NEW: &str = include_str!("fixtures/v1/job_new.json");
    const FORMAT_1_CHARGES: [&str; 2] = [
        include_str!("fixtures/v1/charge_open.json"),
        include_str!("fixtures/v1/charge_unknown.json"),
    ];

    /// The record without the random part of its names, which the fixtures make anew.
    fn content(record: &(impl Serialize + ?Sized)) -> String {
        let text = serde_json::to_string(record).unwrap();
        let mut parts = text.split("0193e5a0c2d17000");
        let first = parts.next().unwrap_or_default().to_owned();
        // Sixteen hex digits follow; a job's name goes on with its shard.
        parts.fold(first, |text, part| text + "_" + &part[16..])
    }

    #[test]
    fn a_field_that_is_not_known_is_skipped() {
        let job = fixtures::job_in_every_state().remove(0);
        let mut record: Value = serde_json::from_slice(&encode_job(&job)).unwrap();
        record["hint"] = json!(7);
        record["job"]["colour"] = json!("blue");
        record["job"]["ask"]["mood"] = json!({ "a": [1, 2] });
        assert_eq!(decode_job("it", record.to_string().as_bytes()).unwrap(), job);
    }

    #[test]
    fn another_format_is_refused_by_its_number() {
        let job = fixtures::job_in_every_state().remove(0);
        let mut record: Value = serde_json::from_slice(&encode_job(&job)).unwrap();
        record["v"] = json!(RECORD_VERSION + 1);
        let error = decode_job("wh_x", record.to_string().as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "record of wh_x cannot be read: it has format 2, this program reads format 1; it is left as it is: start the version \
             that wrote it, or restore a backup"
        );
    }

    #[test]
    fn a_damaged_record_is_refused_without_quoting_it() {
        for bytes in [
            &b"not json: SECRET"[..],
            b"",
            b"{}",
            br#"{"v":1}"#,
            br#"{"v":1,"job":{"id":"SECRET"}}"#,
        ] {
            let error = decode_job("wh_x", bytes).unwrap_err();
            assert!(matches!(error, StoreError::Unreadable { .. }));
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }
}
