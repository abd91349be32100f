//! What the client gave, in the words of the protocol.

use semanas_client::{
    Charge, Details, Error, ErrorReason, FeedChange, FeedUpdate, Health, JobChange, JobState, JobUpdate,
    LookupNssResponse, ProviderStatus, SubmitWorkHistoryResponse, WorkHistoryJob,
};
use serde_json::{Value, json};

pub fn job(job: &WorkHistoryJob) -> Value {
    let mut said = json!({
        "job_id": job.job_id,
        "state": job.state.to_string(),
        "sequence": job.event_sequence,
        "terminal": is_terminal(job),
        "attempts": job.attempts.len(),
        "labels": job.labels,
    });
    if let Some(history) = &job.work_history {
        said["employments"] = history.employments.len().into();
    }
    if let Some(failure) = &job.failure {
        said["reason"] = failure.reason.to_string().into();
    }
    said
}

fn is_terminal(job: &WorkHistoryJob) -> bool {
    use JobState::{Cancelled, Failed, OutcomeUnknown, Succeeded};
    [Succeeded, Failed, Cancelled, OutcomeUnknown].contains(&job.state)
}

pub fn nss(answer: &LookupNssResponse) -> Value {
    json!({"nss": answer.nss, "disposition": answer.disposition.to_string()})
}

pub fn submitted(answer: &SubmitWorkHistoryResponse) -> Value {
    json!({
        "job": job(&answer.job),
        "disposition": answer.disposition.to_string(),
        "watch_cursor": answer.watch_cursor,
    })
}

pub fn providers(list: &[ProviderStatus]) -> Value {
    let provider = |it: &ProviderStatus| json!({"provider": it.provider.to_string(), "configured": it.configured});
    json!({"providers": list.iter().map(provider).collect::<Vec<_>>()})
}

pub fn charge(charge: &Charge) -> Value {
    let state = charge.state.to_string();
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
            json!({"kind": "snapshot", "cause": cause.to_string(), "job": job(it)})
        }
        JobChange::Event(event) => {
            let mut said = json!({
                "kind": "event", "sequence": event.sequence, "state": event.state.to_string(),
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
        FeedChange::Reset { cause } => json!({"kind": "reset", "cause": cause.to_string()}),
        FeedChange::Stale { .. } => json!({"kind": "stale"}),
    };
    said["cursor"] = update.cursor.clone().into();
    said
}

pub fn error(error: &Error) -> Value {
    let kind = match error {
        Error::Configuration(_) => "Configuration",
        Error::InvalidRequest { .. } => "InvalidRequest",
        Error::NotFound { .. } => "NotFound",
        Error::FailedPrecondition { .. } => "FailedPrecondition",
        Error::OutOfRange { .. } => "OutOfRange",
        Error::Exhausted { .. } => "Exhausted",
        Error::Unavailable { .. } => "Unavailable",
        Error::DeadlineExceeded { .. } => "DeadlineExceeded",
        Error::Cancelled { .. } => "Cancelled",
        Error::Unauthenticated { .. } => "Unauthenticated",
        Error::PermissionDenied { .. } => "PermissionDenied",
        Error::Internal { .. } => "Internal",
        Error::JobNotSucceeded { .. } => "JobNotSucceeded",
        _ => "Other",
    };
    let mut said = json!({"kind": kind, "message": error.to_string()});
    match error {
        Error::InvalidRequest { violations, .. } => {
            let violation = |it: &semanas_client::Violation| json!({"field": it.field, "description": it.description});
            said["violations"] = violations.iter().map(violation).collect();
        }
        Error::JobNotSucceeded { job: it } => said["job"] = job(it),
        Error::DeadlineExceeded {
            progress: Some(progress),
            ..
        } => {
            said["job_id"] = progress.job_id.clone().into();
            said["cursor"] = progress.cursor.clone().into();
        }
        _ => {}
    }
    if let Some(details) = error.details() {
        add_details(&mut said, details);
    }
    if let Some(delay) = error.retry_delay() {
        said["retry_delay_ms"] = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX).into();
    }
    said
}

fn add_details(said: &mut Value, details: &Details) {
    said["code"] = details.code().name().into();
    said["reason"] = details.reason().into();
    said["known"] = (details.known_reason() != ErrorReason::Unspecified).into();
    said["domain"] = details.domain().into();
    said["metadata"] = json!(details.metadata());
    said["message"] = details.message().into();
}
