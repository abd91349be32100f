//! Writes jobs, their attempts and how a request was met.

use semanas_proto::v1;

use super::{charge, count, history, instant, outcome_class, provider, provider_or_none, sequence, step};
use crate::{
    api::status::{failure_message, reason_to_proto},
    domain::{
        job::{Attempt, Job, JobView, Settlement, Stage, State, StateName},
        outcome::Charge,
        reason::{Failure, Reason},
    },
    engine::{Disposition, LookedUp, Snapshot, Submitted},
};

pub(in crate::api) fn submitted(submitted: Submitted) -> v1::SubmitWorkHistoryResponse {
    v1::SubmitWorkHistoryResponse {
        job: Some(snapshot(submitted.snapshot)),
        disposition: disposition(submitted.disposition).into(),
        watch_cursor: submitted.watch_cursor,
    }
}

pub(in crate::api) fn looked_up(found: LookedUp) -> v1::LookupNssResponse {
    v1::LookupNssResponse {
        nss: found.nss.expose().to_owned(),
        full_name: found.full_name.unwrap_or_default(),
        disposition: disposition(found.disposition).into(),
        provenance: Some(history::provenance(&found.provenance)),
    }
}

/// The job with its work history, when there is one.
pub(in crate::api) fn snapshot(snapshot: Snapshot) -> v1::WorkHistoryJob {
    v1::WorkHistoryJob {
        work_history: snapshot.answer.map(history::work_history),
        ..job(snapshot.job)
    }
}

/// The job without a work history, as lists and feeds show it.
pub(in crate::api) fn job(job: Job) -> v1::WorkHistoryJob {
    let view = job.view();
    v1::WorkHistoryJob {
        job_id: job.id.to_string(),
        state: state(view.state).into(),
        stage: stage(view),
        stage_provider: provider_or_none(view.provider),
        create_time: Some(instant(job.created_at)),
        update_time: Some(instant(job.updated_at)),
        end_time: job.ended_at().map(instant),
        deadline_time: Some(instant(job.deadline_at)),
        event_sequence: sequence(job.sequence),
        attempts: job.attempts.iter().map(attempt).collect(),
        failure: job.failure().map(|told| failure(&job, told)),
        work_history: None,
        limit: count(job.ask.limit),
        labels: job.ask.labels,
        purpose: job.ask.purpose,
        consent_reference: job.ask.consent_reference,
        test_case_id: job.ask.test_case_id.unwrap_or_default(),
        cancel_requested: job.cancel_requested,
        settlement: job.settlement.map(settlement),
    }
}

pub(super) fn attempt(attempt: &Attempt) -> v1::Attempt {
    let failure = attempt.failure.as_ref();
    v1::Attempt {
        attempt_id: attempt.id.to_string(),
        provider: provider(attempt.provider).into(),
        step: step(attempt.step).into(),
        outcome_class: outcome_class(attempt.class),
        charge: charge(attempt.charge).into(),
        start_time: Some(instant(attempt.started_at)),
        end_time: attempt.ended_at.map(instant),
        provider_code: failure
            .and_then(|failure| failure.provider_code.clone())
            .unwrap_or_default(),
        reason: failure
            .map_or(v1::ErrorReason::Unspecified, |failure| reason_to_proto(failure.reason))
            .into(),
        shared: attempt.shared,
    }
}

pub(super) fn state(state: StateName) -> v1::JobState {
    match state {
        StateName::Queued => v1::JobState::Queued,
        StateName::Running => v1::JobState::Running,
        StateName::Succeeded => v1::JobState::Succeeded,
        StateName::Failed => v1::JobState::Failed,
        StateName::Cancelled => v1::JobState::Cancelled,
        StateName::OutcomeUnknown => v1::JobState::OutcomeUnknown,
    }
}

pub(super) fn stage(view: JobView) -> i32 {
    let stage = match view.stage {
        None => v1::JobStage::Unspecified,
        Some(Stage::Queued) => v1::JobStage::Queued,
        Some(Stage::LookingUpNss) => v1::JobStage::LookingUpNss,
        Some(Stage::AskingProvider) => v1::JobStage::AskingProvider,
        Some(Stage::WaitingForProvider) => v1::JobStage::WaitingForProvider,
        Some(Stage::WaitingToRetry) => v1::JobStage::WaitingToRetry,
        Some(Stage::ConfirmingWithProvider) => v1::JobStage::ConfirmingWithProvider,
    };
    stage.into()
}

/// The reason says what went wrong and the message what to do: with money in question that is to settle it, whatever the reason.
fn failure(job: &Job, failure: &Failure) -> v1::Failure {
    let advice = if job.needs_settlement() {
        Reason::OutcomeUnknown
    } else {
        failure.reason
    };
    v1::Failure {
        reason: reason_to_proto(failure.reason).into(),
        message: failure_message(advice).to_owned(),
        provider: provider_or_none(failure.provider),
        provider_code: failure.provider_code.clone().unwrap_or_default(),
        retryable: is_free(job),
    }
}

/// Whether the failed job cost nothing, so that the same Submit begins anew. A definite no that a lookup paid for counts as a
/// cost: asking again would only bring it again. So does a lookup that may have been paid for: asking again only brings that.
fn is_free(job: &Job) -> bool {
    let counts = |attempt: &&Attempt| !attempt.shared || attempt.failure.is_some() || attempt.charge == Charge::Unknown;
    let free = job
        .attempts
        .iter()
        .filter(counts)
        .all(|attempt| attempt.charge == Charge::No);
    free && matches!(job.state, State::Failed { .. })
}

fn settlement(settlement: Settlement) -> v1::Settlement {
    v1::Settlement {
        charge: charge(settlement.charge).into(),
        settle_time: Some(instant(settlement.at)),
        note: settlement.note,
    }
}

fn disposition(disposition: Disposition) -> v1::Disposition {
    match disposition {
        Disposition::Started => v1::Disposition::Started,
        Disposition::Attached => v1::Disposition::Attached,
        Disposition::Reused => v1::Disposition::Reused,
    }
}
