//! What must hold for whatever stands where a record should: it is read whole, or left alone with a word that quotes nothing.

use jiff::Timestamp;

use super::{ChargeRow, StoreError, codec, dedupe::Dedupe};
use crate::domain::{
    fuzzing::{assert_silent, identifiers_in},
    job::{Event, Job},
};

const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The job, when it can be read.
pub(crate) fn job(bytes: &[u8]) -> Option<Job> {
    match codec::decode_job("it", bytes) {
        Ok(job) => {
            let written = codec::encode_job(&job);
            assert_eq!(codec::decode_job("it", &written).as_ref().ok(), Some(&job));
            use_it(&job);
            Some(job)
        }
        Err(error) => {
            check_refusal(bytes, &error);
            None
        }
    }
}

pub(crate) fn charge(bytes: &[u8]) {
    match codec::decode_charge("it", bytes) {
        Ok(row) => {
            let read: Option<ChargeRow> = codec::decode_charge("it", &codec::encode_charge(&row)).ok();
            assert_eq!(read.as_ref(), Some(&row));
        }
        Err(error) => check_refusal(bytes, &error),
    }
    if let Ok(dedupe) = serde_json::from_slice::<Dedupe>(bytes) {
        let written = serde_json::to_vec(&dedupe).expect("our types have string keys");
        assert_eq!(serde_json::from_slice::<Dedupe>(&written).ok(), Some(dedupe));
    }
}

/// A record that can be read can be shown and moved.
fn use_it(job: &Job) {
    let _ = (job.view(), job.needs_settlement(), job.failure(), job.ended_at());
    for event in [
        Event::CancelAsked,
        Event::TimeUp,
        Event::Stalled,
        Event::Deferred { until: NOW },
    ] {
        let _ = job.apply(event, NOW);
    }
}

#[track_caller]
fn check_refusal(bytes: &[u8], error: &StoreError) {
    assert!(matches!(error, StoreError::Unreadable { .. }));
    assert_silent(&identifiers_in(bytes), &format!("{error} {error:?}"));
}
