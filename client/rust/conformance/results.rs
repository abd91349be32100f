//! What the client gave, in the words of the protocol.

use semanas_client::v1::{
    Charge, ChargeState, Disposition, ErrorReason, JobState, LookupNssResponse, Provider, ProviderStatus,
    SnapshotCause, SubmitWorkHistoryResponse, WorkHistoryJob,
};
use semanas_client::{Error, FeedChange, FeedUpdate, Health, JobChange, JobUpdate};
use serde_json::{Value, json};

/// A value's name without its prefix, or its number when the client has no name for it.
macro_rules! name {
    ($type:ty, $prefix:literal, $number:expr) => {
        match <$type>::try_from($number) {
            Ok(value) => value.as_str_name().strip_prefix($prefix).unwrap_or_default().to_owned(),
            Err(_) => format!("UNKNOWN({})", $number),
        }
    };
}

pub fn job(job: &WorkHistoryJob) -> Value {
    let mut said = json!({
        "job_id": job.job_id,
        "state": name!(JobState, "JOB_STATE_", job.state),
        "sequence": job.event_sequence,
        "terminal": is_terminal(job),
        "attempts": job.attempts.len(),
        "labels": job.labels,
    });
    if let Some(history) = &job.work_history {
        said["employments"] = history.employments.len().into();
    }
    if let Some(failure) = &job.failure {
        said["reason"] = name!(ErrorReason, "ERROR_REASON_", failure.reason).into();
    }
    said
}

fn is_terminal(job: &WorkHistoryJob) -> bool {
    use JobState::{Cancelled, Failed, OutcomeUnknown, Succeeded};
    JobState::try_from(job.state).is_ok_and(|state| [Succeeded, Failed, Cancelled, OutcomeUnknown].contains(&state))
}

pub fn nss(answer: &LookupNssResponse) -> Value {
    json!({"nss": answer.nss, "disposition": name!(Disposition, "DISPOSITION_", answer.disposition)})
}

pub fn submitted(answer: &SubmitWorkHistoryResponse) -> Value {
    json!({
        "job": answer.job.as_ref().map(job),
        "disposition": name!(Disposition, "DISPOSITION_", answer.disposition),
        "watch_cursor": answer.watch_cursor,
    })
}

pub fn providers(list: &[ProviderStatus]) -> Value {
    let provider = |it: &ProviderStatus| json!({"provider": name!(Provider, "PROVIDER_", it.provider), "configured": it.configured});
    json!({"providers": list.iter().map(provider).collect::<Vec<_>>()})
}

pub fn charge(charge: &Charge) -> Value {
    let state = name!(ChargeState, "CHARGE_STATE_", charge.state);
    json!({"charge_id": charge.charge_id, "job_id": charge.job_id, "state": state})
}

pub fn health(health: Health) -> &'static str {
    match health {
        Health::Serving => "SERVING",
        Health::NotServing => "NOT_SERVING",
        Health::Unknown => "UNKNOWN",
    }
}

pub fn update(update: &JobUpdate) -> Value {
    let mut said = match &update.change {
        JobChange::Snapshot { job: it, cause } => {
            json!({"kind": "snapshot", "cause": cause_name(*cause), "job": job(it)})
        }
        JobChange::Event(event) => {
            let mut said = json!({
                "kind": "event", "sequence": event.sequence, "state": name!(JobState, "JOB_STATE_", event.state),
            });
            if let Some(it) = &event.job {
                said["job"] = job(it);
            }
            said
        }
        JobChange::Stale { .. } => json!({"kind": "stale"}),
    };
    said["cursor"] = update.cursor.clone().into();
    said["terminal"] = update.is_terminal.into();
    said
}

pub fn feed_update(update: &FeedUpdate) -> Value {
    let mut said = match &update.change {
        FeedChange::Job(it) => json!({"kind": "job", "job": job(it)}),
        FeedChange::Synced => json!({"kind": "synced"}),
        FeedChange::Reset { cause } => json!({"kind": "reset", "cause": cause_name(*cause)}),
        FeedChange::Stale { .. } => json!({"kind": "stale"}),
    };
    said["cursor"] = update.cursor.clone().into();
    said
}

fn cause_name(cause: SnapshotCause) -> String {
    name!(SnapshotCause, "SNAPSHOT_CAUSE_", i32::from(cause))
}

pub fn error(error: &Error) -> Value {
    let kind = match error {
        Error::Endpoint(_) => "Configuration",
        Error::InvalidRequest { .. } => "InvalidRequest",
        Error::NotFound { .. } => "NotFound",
        Error::FailedPrecondition { .. } => "FailedPrecondition",
        Error::OutOfRange { .. } => "OutOfRange",
        Error::Exhausted { .. } => "Exhausted",
        Error::Unavailable { .. } => "Unavailable",
        Error::DeadlineExceeded { .. } => "DeadlineExceeded",
        Error::Unauthenticated { .. } => "Unauthenticated",
        Error::PermissionDenied { .. } => "PermissionDenied",
        Error::Internal { .. } => "Internal",
        Error::Other { .. } => "Other",
    };
    let mut said = json!({"kind": kind, "message": error.to_string()});
    if let Error::InvalidRequest { violations, .. } = error {
        said["violations"] = violations
            .iter()
            .map(|it| json!({"field": it.field, "description": it.description}))
            .collect();
    }
    if let Some(details) = error.details() {
        said["code"] = code(details.code()).into();
        said["reason"] = details.reason().into();
        said["known"] = (error.known_reason() != ErrorReason::Unspecified).into();
        said["domain"] = details.domain().into();
        said["metadata"] = json!(details.metadata());
        said["message"] = details.message().into();
    }
    if let Some(delay) = error.retry_after() {
        said["retry_delay_ms"] = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX).into();
    }
    said
}

fn code(code: tonic::Code) -> String {
    let name = format!("{code:?}");
    let mut upper = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            upper.push('_');
        }
        upper.push(letter.to_ascii_uppercase());
    }
    upper
}
