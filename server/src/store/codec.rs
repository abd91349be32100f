//! Records as bytes: JSON in an envelope that names its version.
//!
//! Fields that this version does not know are skipped, so that an older replica reads what a newer one of the same format
//! wrote. A record of another format, or a damaged one, is `Unreadable` and stays as it is. Jobs of format 1 stand as the domain has
//! them; format 2 leaves out what can be told from the rest (`compact`). Knows nothing of any back end.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    domain::job::Job,
    store::{ChargeRow, StoreError, compact::CompactJob},
};

/// Version of the jobs' records that this program writes; it reads those of format 1 as well.
pub(crate) const RECORD_VERSION: u32 = 2;

const FIRST_VERSION: u32 = 1;

pub(crate) fn encode_job(job: &Job) -> Vec<u8> {
    encode(&JobRecord {
        v: RECORD_VERSION,
        job: CompactJob::of(job),
    })
}

/// `what` names the record in the error, for example by the job's id.
pub(crate) fn decode_job(what: &str, bytes: &[u8]) -> Result<Job, StoreError> {
    // Nearly all are of this version, and are gone through once.
    let newest = decode::<JobRecord<CompactJob>>(what, bytes);
    let version = match &newest {
        Ok(record) => record.v,
        Err(_) => version(what, bytes)?,
    };
    match version {
        FIRST_VERSION => decode::<JobRecord<Job>>(what, bytes).map(|record| record.job),
        RECORD_VERSION => {
            let compact = newest?.job;
            compact
                .into_job()
                .map_err(|no_job| unreadable(what, format!("damaged: {no_job}")))
        }
        other => {
            let known = format!("formats {FIRST_VERSION} and {RECORD_VERSION}");
            Err(of_another_format(what, other, &known))
        }
    }
}

pub(crate) fn encode_charge(row: &ChargeRow) -> Vec<u8> {
    encode(&ChargeRecord {
        v: FIRST_VERSION,
        charge: row,
    })
}

/// `what` names the record in the error, for example by the intent's id.
pub(crate) fn decode_charge(what: &str, bytes: &[u8]) -> Result<ChargeRow, StoreError> {
    match version(what, bytes)? {
        FIRST_VERSION => decode::<ChargeRecord<ChargeRow>>(what, bytes).map(|record| record.charge),
        other => Err(of_another_format(what, other, &format!("format {FIRST_VERSION}"))),
    }
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

fn version(what: &str, bytes: &[u8]) -> Result<u32, StoreError> {
    decode::<Version>(what, bytes).map(|version| version.v)
}

fn decode<R: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<R, StoreError> {
    // Only the place of a syntax error is told: its text may quote the record.
    serde_json::from_slice(bytes).map_err(|error| {
        let why = format!("damaged, or unknown to this version, at column {}", error.column());
        unreadable(what, why)
    })
}

fn of_another_format(what: &str, found: u32, known: &str) -> StoreError {
    unreadable(what, format!("it has format {found}, this program reads {known}"))
}

fn unreadable(what: &str, why: String) -> StoreError {
    StoreError::Unreadable {
        what: what.to_owned(),
        why: why.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{
            ids::IntentId,
            job::{Attempt, JobEvent},
            outcome::Charge,
        },
        store::conformance::fixtures,
    };

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
        check_jobs(&FORMAT_1_JOBS);
        for (text, expected) in FORMAT_1_CHARGES.into_iter().zip(fixtures::charge_rows()) {
            let row = decode_charge("it", text.as_bytes()).unwrap();
            assert_eq!(content(&row), content(&expected), "{text}");
        }
    }

    #[test]
    fn records_of_format_2_are_read_as_they_were_written() {
        check_jobs(&FORMAT_2_JOBS);
    }

    #[track_caller]
    fn check_jobs(texts: &[&str; 10]) {
        for (text, expected) in texts.iter().zip(fixtures::job_in_every_state()) {
            let job = decode_job("it", text.as_bytes()).unwrap();
            assert_eq!(content(&job), content(&expected), "{text}");
            assert_eq!(job, decode_job("it", &encode_job(&job)).unwrap());
        }
    }

    macro_rules! jobs_of {
        ($format:literal) => {
            [
                include_str!(concat!("fixtures/", $format, "/job_queued.json")),
                include_str!(concat!("fixtures/", $format, "/job_awaiting_nss.json")),
                include_str!(concat!("fixtures/", $format, "/job_calling.json")),
                include_str!(concat!("fixtures/", $format, "/job_waiting.json")),
                include_str!(concat!("fixtures/", $format, "/job_ambiguous.json")),
                include_str!(concat!("fixtures/", $format, "/job_succeeded.json")),
                include_str!(concat!("fixtures/", $format, "/job_failed.json")),
                include_str!(concat!("fixtures/", $format, "/job_cancelled.json")),
                include_str!(concat!("fixtures/", $format, "/job_outcome_unknown.json")),
                include_str!(concat!("fixtures/", $format, "/job_new.json")),
            ]
        };
    }

    const FORMAT_1_JOBS: [&str; 10] = jobs_of!("v1");
    const FORMAT_2_JOBS: [&str; 10] = jobs_of!("v2");
    const FORMAT_1_CHARGES: [&str; 2] = [
        include_str!("fixtures/v1/charge_open.json"),
        include_str!("fixtures/v1/charge_unknown.json"),
    ];

    /// An event says what its attempt was when it was told, also when it has gone on since, or is not kept any more.
    #[test]
    fn events_show_attempts_as_they_were() {
        let mut job = fixtures::job_in_every_state().remove(3);
        let ended = job.attempts[0].clone();
        let begun = Attempt {
            class: None,
            charge: Charge::Open,
            ended_at: None,
            failure: None,
            ..ended.clone()
        };
        let dropped = Attempt {
            id: IntentId::new(fixtures::next_uuid()),
            ..ended.clone()
        };
        let first = job.events[0].clone();
        let shown = [None, Some(begun), Some(ended), Some(dropped)];
        let event = |(number, attempt): (u64, _)| JobEvent {
            sequence: first.sequence + number,
            attempt,
            ..first.clone()
        };
        job.events = (0..).zip(shown).map(event).collect();
        job.sequence = 4;
        assert_eq!(decode_job("it", &encode_job(&job)).unwrap(), job);
        job.events.remove(1);
        assert_eq!(
            decode_job("it", &encode_job(&job)).unwrap(),
            job,
            "a gap is kept, so that it can be seen"
        );
    }

    #[test]
    fn a_place_or_time_that_is_none_is_damage() {
        let text = String::from_utf8(encode_job(&fixtures::job_in_every_state().remove(3))).unwrap();
        for (there, damaged) in [
            (r#""intent":0"#, r#""intent":7"#),
            (r#""deadline":"#, r#""deadline":9999999999999"#),
        ] {
            assert!(text.contains(there), "{text}");
            let error = decode_job("it", text.replace(there, damaged).as_bytes()).unwrap_err();
            assert!(error.to_string().contains("names what is not there"), "{error}");
        }
    }

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
            "record of wh_x cannot be read: it has format 3, this program reads formats 1 and 2; it is left as it is: start the version \
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
            br#"{"v":2,"job":{"id":"SECRET"}}"#,
        ] {
            let error = decode_job("wh_x", bytes).unwrap_err();
            assert!(matches!(error, StoreError::Unreadable { .. }));
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }
}
