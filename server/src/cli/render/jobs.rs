//! Jobs in words: as a list, in full, and step by step while somebody watches.

use semanas_client::{
    Attempt, Disposition, Failure, JobChange, JobEvent, JobState, JobUpdate, SnapshotCause, SubmitWorkHistoryResponse,
    WorkHistoryJob,
};

use crate::cli::render::Column::{Exact, Text};
use crate::cli::render::{history, printable, table, words};

/// What became of a submit, on one line.
pub fn submitted(answer: &SubmitWorkHistoryResponse) -> String {
    let how = match answer.disposition {
        Disposition::Started => "started",
        Disposition::Attached => "joined: it was under way for this person",
        Disposition::Reused => "reused: an earlier answer, nothing was charged",
        _ => "accepted",
    };
    let (job_id, state) = (&answer.job.job_id, answer.job.state);
    match state {
        // The end has words of its own, below.
        JobState::OutcomeUnknown => format!("{job_id}  found: its outcome is unknown"),
        _ => format!("{job_id}  {how}"),
    }
}

/// A job that has ended: its answer, or why there is none.
pub fn ended(job: &WorkHistoryJob, width: Option<u16>) -> String {
    match (&job.work_history, &job.failure) {
        (Some(answer), _) => history::work_history(answer, width),
        (None, Some(why)) => format!("{} {}: {}", job.job_id, words::state(job.state), failure(why)),
        (None, None) => format!("{} {}", job.job_id, words::state(job.state)),
    }
}

/// All that is known of a job.
pub fn job(job: &WorkHistoryJob, width: Option<u16>) -> String {
    let mut lines = vec![job_line(job)];
    let times = [
        ("accepted", job.create_time),
        ("ended", job.end_time),
        ("ends at the latest", job.deadline_time),
    ];
    let is_over = job.end_time.is_some();
    for (what, time) in times.into_iter().take(if is_over { 2 } else { 3 }) {
        if time.is_some() {
            lines.push(format!("{what} {}", words::short_time(time)));
        }
    }
    if job.cancel_requested {
        lines.push("a cancel was asked for: it makes no further call".to_owned());
    }
    if !job.labels.is_empty() {
        let labels: Vec<String> = job.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        lines.push(format!("labels {}", printable(&labels.join(" "))));
    }
    if let Some(why) = &job.failure {
        lines.push(failure(why));
    }
    if let Some(settlement) = &job.settlement {
        let (charge, note) = (words::charge(settlement.charge), printable(&settlement.note));
        lines.push(format!("settled: charged {charge}. {note}").trim_end().to_owned());
    }
    if !job.attempts.is_empty() {
        let header = [
            Exact("Attempt"),
            Exact("Provider"),
            Exact("Step"),
            Text("Outcome"),
            Exact("Charged"),
            Exact("Began"),
        ];
        lines.push(table(&header, job.attempts.iter().map(attempt_row), width));
    }
    lines.extend(job.work_history.as_ref().map(|it| history::work_history(it, width)));
    lines.join("\n")
}

/// What came of a wish to cancel.
pub fn cancelled(job: &WorkHistoryJob) -> String {
    let what = match job.state {
        JobState::Cancelled => "is cancelled; nothing more is charged".to_owned(),
        JobState::Running | JobState::Queued if job.cancel_requested => {
            "makes no further call; it ends with what the call under way brings".to_owned()
        }
        other => format!("had ended before: {}", words::state(other)),
    };
    format!("{} {what}", job.job_id)
}

/// Jobs as a table.
pub fn jobs(jobs: &[WorkHistoryJob], width: Option<u16>) -> String {
    if jobs.is_empty() {
        return "No jobs.".to_owned();
    }
    let header = [
        Exact("Job"),
        Exact("State"),
        Exact("Accepted"),
        Exact("Ended"),
        Text("Reason"),
        Text("Labels"),
    ];
    let rows = jobs.iter().map(|job| {
        let labels: Vec<String> = job.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        vec![
            job.job_id.clone(),
            standing(job),
            words::short_time(job.create_time),
            words::short_time(job.end_time),
            job.failure.as_ref().map(reason).unwrap_or_default(),
            labels.join(" "),
        ]
    });
    table(&header, rows, width)
}

/// A job on one line, for feeds.
pub fn job_line(job: &WorkHistoryJob) -> String {
    let reason = job
        .failure
        .as_ref()
        .map(|why| format!(" [{}]", reason(why)))
        .unwrap_or_default();
    format!("{}  {}{reason}", job.job_id, standing(job))
}

/// An update on one line, for pipes and logs.
pub fn update_line(update: &JobUpdate) -> String {
    match &update.change {
        JobChange::Snapshot { job, cause } => {
            let why = match cause {
                SnapshotCause::Reset => "  (the server's data set was lost; this is how the job stands)",
                SnapshotCause::SlowReader => "  (events were summed up)",
                _ => "",
            };
            let time = words::short_time(job.update_time);
            format!("{time}  {}{why}", job_line(job)).trim_start().to_owned()
        }
        JobChange::Event(event) => {
            let time = words::short_time(event.event_time);
            let outcome = event.attempt.as_ref().and_then(attempt_line).unwrap_or_default();
            format!("{time}  {}{outcome}", event_words(event))
                .trim_start()
                .to_owned()
        }
        JobChange::Stale { .. } => "the server's store does not answer; what follows may be late".to_owned(),
    }
}

/// What the job does after an update; `None` when the update says nothing about it.
pub fn stage_of(update: &JobUpdate) -> Option<String> {
    match &update.change {
        JobChange::Snapshot { job, .. } => Some(standing(job)),
        JobChange::Event(event) => Some(event_words(event)),
        JobChange::Stale { .. } => Some("waiting for the server's store".to_owned()),
    }
}

fn standing(job: &WorkHistoryJob) -> String {
    match job.state {
        JobState::Queued | JobState::Running => words::stage(job.stage, job.stage_provider),
        ended => words::state(ended).to_owned(),
    }
}

fn event_words(event: &JobEvent) -> String {
    match event.state {
        JobState::Queued | JobState::Running => words::stage(event.stage, event.stage_provider),
        ended => words::state(ended).to_owned(),
    }
}

/// Only an attempt that has come to something is worth a word.
fn attempt_line(attempt: &Attempt) -> Option<String> {
    attempt.end_time?;
    let provider = words::provider(attempt.provider);
    let (outcome, charge) = (words::outcome(attempt.outcome_class), words::charge(attempt.charge));
    Some(format!("  ({provider} {outcome}, charged: {charge})"))
}

fn attempt_row(attempt: &Attempt) -> Vec<String> {
    let shared = if attempt.shared { ", for another request" } else { "" };
    vec![
        attempt.attempt_id.clone(),
        words::provider(attempt.provider).to_owned(),
        words::step(attempt.step).to_owned(),
        words::outcome(attempt.outcome_class).to_owned(),
        format!("{}{shared}", words::charge(attempt.charge)),
        words::short_time(attempt.start_time),
    ]
}

fn failure(why: &Failure) -> String {
    let again = if why.retryable {
        " Nothing was charged: the same submit starts anew."
    } else {
        ""
    };
    format!("{} [{}]{again}", printable(&why.message), reason(why))
}

fn reason(why: &Failure) -> String {
    let name = why.reason.name().unwrap_or("UNSPECIFIED");
    match why.provider_code.as_str() {
        "" => name.to_owned(),
        code => printable(&format!("{name}, {} {code}", words::provider(why.provider))),
    }
}
