//! Writes the engine's answers as protobuf.
//!
//! Decides nothing but spelling: which message, which number, which absence. Personal data leaves here and only here, through
//! the `expose` methods of its types.

mod history;
mod job;
mod operations;
#[cfg(test)]
mod tests;
mod watch;

use std::time::Duration;

use jiff::Timestamp;
use semanas_proto::v1;

pub(super) use self::{
    job::{job, looked_up, snapshot, submitted},
    operations::{charges, provider_status},
    watch::{feed_message, watch_message},
};
use crate::domain::{
    job::Step,
    outcome::{Charge, OutcomeClass},
    provider_id::ProviderId,
};

fn instant(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.as_nanosecond();
    let (seconds, subsec) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
    prost_types::Timestamp {
        seconds: i64::try_from(seconds).expect("a Timestamp ends with the year 9999"),
        nanos: i32::try_from(subsec).expect("under a billion"),
    }
}

/// Durations here are settings and delays, far from what the message can hold.
fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: duration.subsec_nanos().cast_signed(),
    }
}

/// A count that protobuf's signed number holds.
fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn sequence(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn provider(provider: ProviderId) -> v1::Provider {
    match provider {
        ProviderId::Kiban => v1::Provider::Kiban,
        ProviderId::TuIdentidad => v1::Provider::TuIdentidad,
        ProviderId::Nubarium => v1::Provider::Nubarium,
    }
}

fn provider_or_none(id: Option<ProviderId>) -> i32 {
    id.map_or(v1::Provider::Unspecified, provider).into()
}

fn step(step: Step) -> v1::Step {
    match step {
        Step::FindNss => v1::Step::FindNss,
        Step::FetchHistory => v1::Step::FetchHistory,
    }
}

fn charge(charge: Charge) -> v1::ChargeState {
    match charge {
        Charge::Open => v1::ChargeState::Open,
        Charge::Yes => v1::ChargeState::Yes,
        Charge::No => v1::ChargeState::No,
        Charge::Unknown => v1::ChargeState::Unknown,
    }
}

fn outcome_class(class: Option<OutcomeClass>) -> i32 {
    let class = match class {
        None => v1::OutcomeClass::Unspecified,
        Some(OutcomeClass::NotSent) => v1::OutcomeClass::NotSent,
        Some(OutcomeClass::Rejected) => v1::OutcomeClass::Rejected,
        Some(OutcomeClass::ProviderDown) => v1::OutcomeClass::ProviderDown,
        Some(OutcomeClass::Answered) => v1::OutcomeClass::Answered,
        Some(OutcomeClass::Ambiguous) => v1::OutcomeClass::Ambiguous,
    };
    class.into()
}
