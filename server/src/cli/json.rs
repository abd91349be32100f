//! Messages as JSON for programs: field names as in the contract, enums by their full names, times in RFC 3339.
//!
//! Fields are always there, except messages and optional scalars that are absent. Written out by hand, so that a field that is
//! added to the contract is a decision here too.

use std::time::SystemTime;

use semanas_client::{
    Attempt, BreakerState, Charge, ChargeState, Date, Disposition, Employment, ErrorReason, Failure, FeedChange,
    FeedUpdate, JobChange, JobEvent, JobStage, JobState, JobUpdate, LookupNssResponse, Money, Movement, MovementType,
    OutcomeClass, Provenance, Provider, ProviderStatus, Settlement, SnapshotCause, Step, SubmitWorkHistoryResponse,
    WorkHistory, WorkHistoryJob,
};
use serde_json::{Value, json};

use crate::cli::render::rfc3339;

/// The full name of an enum's value, or its number when it is newer than this program.
macro_rules! name {
    ($enum:ty, $value:expr) => {
        $value.name().map_or_else(
            || json!(i32::from($value)),
            |name| json!(format!("{}{name}", <$enum>::PREFIX)),
        )
    };
}

pub fn lookup_nss_response(answer: &LookupNssResponse) -> Value {
    present(json!({
        "nss": answer.nss,
        "full_name": answer.full_name,
        "disposition": name!(Disposition, answer.disposition),
        "provenance": answer.provenance.as_ref().map(provenance),
    }))
}

pub fn submit_response(answer: &SubmitWorkHistoryResponse) -> Value {
    present(json!({
        "job": job(&answer.job),
        "disposition": name!(Disposition, answer.disposition),
        "watch_cursor": answer.watch_cursor,
    }))
}

pub fn job_update(update: &JobUpdate) -> Value {
    let (kind, content) = match &update.change {
        JobChange::Snapshot { job: it, cause } => (
            "snapshot",
            present(json!({ "job": job(it), "cause": name!(SnapshotCause, *cause) })),
        ),
        JobChange::Event(event) => ("event", job_event(event)),
        JobChange::Stale { since_time } => ("stale", present(json!({ "since_time": time(since_time) }))),
    };
    json!({ "cursor": update.cursor, "terminal": update.is_terminal, kind: content })
}

pub fn feed_update(update: &FeedUpdate) -> Value {
    let (kind, content) = match &update.change {
        FeedChange::Job(it) => ("job", job(it)),
        FeedChange::Synced => ("synced", json!({})),
        FeedChange::Reset { cause } => ("reset", json!({ "cause": name!(SnapshotCause, *cause) })),
        FeedChange::Stale { since_time } => ("stale", present(json!({ "since_time": time(since_time) }))),
    };
    json!({ "cursor": update.cursor, kind: content })
}

fn job_event(event: &JobEvent) -> Value {
    present(json!({
        "sequence": event.sequence,
        "event_time": time(&event.event_time),
        "state": name!(JobState, event.state),
        "stage": name!(JobStage, event.stage),
        "stage_provider": name!(Provider, event.stage_provider),
        "attempt": event.attempt.as_ref().map(attempt),
        "job": event.job.as_ref().map(job),
    }))
}

pub fn job(job: &WorkHistoryJob) -> Value {
    present(json!({
        "job_id": job.job_id,
        "state": name!(JobState, job.state),
        "stage": name!(JobStage, job.stage),
        "stage_provider": name!(Provider, job.stage_provider),
        "create_time": time(&job.create_time),
        "update_time": time(&job.update_time),
        "end_time": time(&job.end_time),
        "deadline_time": time(&job.deadline_time),
        "event_sequence": job.event_sequence,
        "attempts": job.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "failure": job.failure.as_ref().map(failure),
        "work_history": job.work_history.as_ref().map(work_history),
        "limit": job.limit,
        "labels": job.labels,
        "purpose": job.purpose,
        "consent_reference": job.consent_reference,
        "test_case_id": job.test_case_id,
        "cancel_requested": job.cancel_requested,
        "settlement": job.settlement.as_ref().map(settlement),
    }))
}

fn attempt(attempt: &Attempt) -> Value {
    present(json!({
        "attempt_id": attempt.attempt_id,
        "provider": name!(Provider, attempt.provider),
        "step": name!(Step, attempt.step),
        "outcome_class": name!(OutcomeClass, attempt.outcome_class),
        "charge": name!(ChargeState, attempt.charge),
        "start_time": time(&attempt.start_time),
        "end_time": time(&attempt.end_time),
        "provider_code": attempt.provider_code,
        "reason": name!(ErrorReason, attempt.reason),
        "shared": attempt.shared,
    }))
}

fn failure(failure: &Failure) -> Value {
    json!({
        "reason": name!(ErrorReason, failure.reason),
        "message": failure.message,
        "provider": name!(Provider, failure.provider),
        "provider_code": failure.provider_code,
        "retryable": failure.retryable,
    })
}

fn settlement(settlement: &Settlement) -> Value {
    present(json!({
        "charge": name!(ChargeState, settlement.charge),
        "settle_time": time(&settlement.settle_time),
        "note": settlement.note,
    }))
}

fn work_history(history: &WorkHistory) -> Value {
    let person = history.person.as_ref();
    let weeks = history.weeks.as_ref();
    present(json!({
        "person": person.map(|it| json!({ "curp": it.curp, "nss": it.nss, "full_name": it.full_name })),
        "weeks": weeks.map(|it| present(json!({
            "quoted": it.quoted,
            "discounted": it.discounted,
            "reintegrated": it.reintegrated,
            "total": it.total,
            "reconciles": it.reconciles,
        }))),
        "employments": history.employments.iter().map(employment).collect::<Vec<_>>(),
        "employment_count": history.employment_count,
        "provenance": history.provenance.as_ref().map(provenance),
        "nss_provenance": history.nss_provenance.as_ref().map(provenance),
    }))
}

fn employment(it: &Employment) -> Value {
    present(json!({
        "employer": it.employer,
        "registro_patronal": it.registro_patronal,
        "federal_entity": it.federal_entity,
        "federal_entity_code": it.federal_entity_code,
        "start_date": it.start_date.as_ref().map(date),
        "end_date": it.end_date.as_ref().map(date),
        "current": it.current,
        "daily_base_salary": it.daily_base_salary.as_ref().map(money),
        "movements": it.movements.iter().map(movement).collect::<Vec<_>>(),
    }))
}

fn movement(it: &Movement) -> Value {
    present(json!({
        "type": name!(MovementType, it.r#type),
        "type_text": it.type_text,
        "date": it.date.as_ref().map(date),
        "daily_base_salary": it.daily_base_salary.as_ref().map(money),
    }))
}

fn provenance(it: &Provenance) -> Value {
    let warning = |it: &semanas_client::Warning| json!({ "code": it.code, "message": it.message });
    present(json!({
        "provider": name!(Provider, it.provider),
        "adapter_version": it.adapter_version,
        "provider_reference": it.provider_reference,
        "retrieve_time": time(&it.retrieve_time),
        "warnings": it.warnings.iter().map(warning).collect::<Vec<_>>(),
    }))
}

pub fn charge(charge: &Charge) -> Value {
    present(json!({
        "charge_id": charge.charge_id,
        "job_id": charge.job_id,
        "provider": name!(Provider, charge.provider),
        "step": name!(Step, charge.step),
        "state": name!(ChargeState, charge.state),
        "outcome_class": name!(OutcomeClass, charge.outcome_class),
        "provider_reference": charge.provider_reference,
        "open_time": time(&charge.open_time),
        "settle_time": time(&charge.settle_time),
        "late": charge.late,
        "provider_code": charge.provider_code,
        "note": charge.note,
    }))
}

pub fn provider_status(status: &ProviderStatus) -> Value {
    present(json!({
        "provider": name!(Provider, status.provider),
        "configured": status.configured,
        "breaker_state": name!(BreakerState, status.breaker_state),
        "retry_time": time(&status.retry_time),
        "consecutive_failures": status.consecutive_failures,
        "in_flight": status.in_flight,
        "in_flight_max": status.in_flight_max,
        "credentials_refused": status.credentials_refused,
        "contract_changed": status.contract_changed,
    }))
}

fn date(date: &Date) -> Value {
    json!({ "year": date.year, "month": date.month, "day": date.day })
}

fn money(money: &Money) -> Value {
    json!({ "currency_code": money.currency_code, "units": money.units, "nanos": money.nanos })
}

fn time(time: &Option<SystemTime>) -> Option<String> {
    time.map(rfc3339)
}

/// Takes the absent fields of one object out.
fn present(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.retain(|_, value| !value.is_null());
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::samples;

    fn pretty(value: &Value) -> String {
        format!("{value:#}")
    }

    #[test]
    fn a_finished_job_in_full() {
        insta::assert_snapshot!(pretty(&job(&samples::succeeded().into())));
    }

    #[test]
    fn an_event_of_a_job() {
        insta::assert_snapshot!(pretty(&job_update(&samples::asking())));
    }

    #[test]
    fn a_value_newer_than_this_program_is_given_by_number() {
        let job = job(&WorkHistoryJob {
            state: 99.into(),
            ..WorkHistoryJob::default()
        });
        assert_eq!(job["state"], 99);
    }

    #[test]
    fn a_number_that_is_absent_differs_from_zero() {
        let history = work_history(&samples::history().into());
        assert_eq!(history["weeks"]["discounted"], 0);
        assert!(history["weeks"].get("reintegrated").is_none());
    }
}
