//! What a fake answers by itself: people who all have a work history, and jobs that all succeed. Every name and number is invented.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::code::Code;
use crate::model::{
    Date, Disposition, Employment, JobEvent, JobFilter, JobState, LookupNssRequest, LookupNssResponse, Money, Person,
    SnapshotCause, SubmitWorkHistoryRequest, SubmitWorkHistoryResponse, Weeks, WorkHistory, WorkHistoryJob,
};
use crate::testing::{Act, Refusal, WatchWorkHistoryRequest};
use crate::watch::{FeedChange, FeedUpdate, JobChange, JobUpdate};

const INVENTED_NSS: &str = "12345678903";
const CURP_LENGTH: usize = 18;
/// The first event is the job's acceptance, the second its start, the third its end.
const SEQUENCE_LAST: i64 = 3;

/// The jobs in the order in which they were submitted, as they end.
#[derive(Default)]
pub(super) struct Story(Mutex<Vec<WorkHistoryJob>>);

impl Story {
    pub(super) fn lookup_nss(request: &LookupNssRequest) -> Result<LookupNssResponse, Refusal> {
        check(&request.curp, "curp")?;
        Ok(LookupNssResponse {
            nss: INVENTED_NSS.to_owned(),
            disposition: Disposition::Started,
            ..LookupNssResponse::default()
        })
    }

    pub(super) fn submit(&self, request: SubmitWorkHistoryRequest) -> Result<SubmitWorkHistoryResponse, Refusal> {
        check(&request.subject.curp, "subject.curp")?;
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Some(SystemTime::now());
        let job = WorkHistoryJob {
            job_id: format!("wh_fake_{}", jobs.len() + 1),
            state: JobState::Succeeded,
            create_time: now,
            update_time: now,
            end_time: now,
            event_sequence: SEQUENCE_LAST,
            work_history: Some(invented(request.subject.curp.to_uppercase())),
            limit: request.limit,
            labels: request.labels,
            purpose: request.purpose,
            consent_reference: request.consent_reference,
            ..WorkHistoryJob::default()
        };
        jobs.push(job.clone());
        Ok(SubmitWorkHistoryResponse {
            job: at(&job, 1),
            disposition: Disposition::Started,
            watch_cursor: cursor(1),
        })
    }

    pub(super) fn find(&self, job_id: &str) -> Result<WorkHistoryJob, Refusal> {
        let jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = jobs.iter().find(|job| job.job_id == job_id).cloned();
        found.ok_or_else(|| Refusal::new(Code::NotFound, "JOB_NOT_FOUND", "there is no such job"))
    }

    pub(super) fn watch(&self, request: &WatchWorkHistoryRequest) -> Vec<Act<JobUpdate>> {
        let job = match self.find(&request.job_id) {
            Ok(job) => job,
            Err(refusal) => return vec![Act::Refuse(refusal)],
        };
        let seen = request.cursor.strip_prefix("fake-").and_then(|seen| seen.parse().ok());
        let snapshot = JobUpdate {
            cursor: cursor(1),
            is_terminal: false,
            change: JobChange::Snapshot {
                job: Box::new(at(&job, 1)),
                cause: SnapshotCause::Start,
            },
        };
        let start = seen.is_none().then_some(Act::Say(snapshot));
        let events = (seen.unwrap_or(1) + 1..=SEQUENCE_LAST).map(|sequence| Act::Say(event(&job, sequence)));
        start.into_iter().chain(events).collect()
    }

    /// All jobs without their histories, newest first, as lists and feeds give them.
    pub(super) fn list(&self, filter: &JobFilter) -> Vec<WorkHistoryJob> {
        let jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let brief = |job: &WorkHistoryJob| WorkHistoryJob {
            work_history: None,
            ..job.clone()
        };
        let is_asked_for = |job: &&WorkHistoryJob| {
            let has = |(name, value): (&String, &String)| job.labels.get(name) == Some(value);
            (filter.states.is_empty() || filter.states.contains(&job.state)) && filter.labels.iter().all(has)
        };
        jobs.iter().rev().filter(is_asked_for).map(brief).collect()
    }

    /// The jobs that are there, and then nothing until the reader leaves.
    pub(super) fn watch_all(&self, filter: &JobFilter) -> Vec<Act<FeedUpdate>> {
        let update = |change| {
            let cursor = "fake-feed".to_owned();
            Act::Say(FeedUpdate { cursor, change })
        };
        let jobs = self.list(filter).into_iter().map(|job| FeedChange::Job(Box::new(job)));
        let told = jobs.chain([FeedChange::Synced]).map(update);
        told.chain([Act::Silence]).collect()
    }
}

pub(super) fn nothing_to_resolve() -> Refusal {
    let message = "the job has no charge that is unknown";
    Refusal::new(Code::FailedPrecondition, "JOB_NOT_RESOLVABLE", message)
}

fn check(curp: &str, field: &str) -> Result<(), Refusal> {
    if curp.len() == CURP_LENGTH {
        return Ok(());
    }
    let message = "the CURP must have 18 characters";
    Err(Refusal::new(Code::InvalidArgument, "INVALID_CURP", message).with_violation(field, message))
}

fn invented(curp: String) -> WorkHistory {
    let person = Person {
        curp,
        nss: INVENTED_NSS.to_owned(),
        full_name: "PERSONA DE PRUEBA".to_owned(),
    };
    let employment = Employment {
        employer: "EMPRESA DE PRUEBA SA DE CV".to_owned(),
        start_date: Some(Date {
            year: 2023,
            month: 1,
            day: 2,
        }),
        current: true,
        daily_base_salary: Some(Money {
            currency_code: "MXN".to_owned(),
            units: 500,
            nanos: 0,
        }),
        ..Employment::default()
    };
    WorkHistory {
        person: Some(person),
        weeks: Some(Weeks {
            quoted: Some(104),
            total: Some(104),
            ..Weeks::default()
        }),
        employments: vec![employment],
        employment_count: 1,
        ..WorkHistory::default()
    }
}

/// The job as it stood after its event of that number.
fn at(job: &WorkHistoryJob, sequence: i64) -> WorkHistoryJob {
    if sequence >= SEQUENCE_LAST {
        return job.clone();
    }
    WorkHistoryJob {
        state: state_after(sequence),
        event_sequence: sequence,
        end_time: None,
        work_history: None,
        ..job.clone()
    }
}

fn event(job: &WorkHistoryJob, sequence: i64) -> JobUpdate {
    let is_terminal = sequence == SEQUENCE_LAST;
    let event = JobEvent {
        sequence,
        event_time: job.update_time,
        state: state_after(sequence),
        job: is_terminal.then(|| job.clone()),
        ..JobEvent::default()
    };
    JobUpdate {
        cursor: cursor(sequence),
        is_terminal,
        change: JobChange::Event(Box::new(event)),
    }
}

fn state_after(sequence: i64) -> JobState {
    match sequence {
        1 => JobState::Queued,
        2 => JobState::Running,
        _ => JobState::Succeeded,
    }
}

fn cursor(sequence: i64) -> String {
    format!("fake-{sequence}")
}
