//! What was seen from outside: every operation of every caller, every message of every watcher, and in the end the books, the
//! ledger and the jobs. Data only; `checker` says what must hold of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use semanas_client::{ChargeState, JobState, Provider as Route};
use semanas_sandbox::Provider;

use crate::data_store::Look;
use crate::plan::What;
use crate::vitals::Vitals;

/// One call of one caller.
#[derive(Clone, Debug)]
pub struct Operation {
    pub kind: Kind,
    pub began_ms: u64,
    pub ended_ms: u64,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `leave` = with `max_age` zero or `allow_repeat_charge`.
    Submit {
        person: usize,
        request_id: String,
        leave: bool,
    },
    Get {
        job: String,
    },
    Cancel {
        job: String,
    },
    Lookup {
        person: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server did it; the job that it named, if any.
    Ok { job: String },
    /// The server said that it did not.
    Failed {
        code: tonic::Code,
        reason: String,
        has_retry_delay: bool,
    },
    /// Nobody knows.
    Unknown,
}

/// What one watcher saw of one job over all its connections.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub job: String,
    pub pieces: Vec<Piece>,
    /// When it was told that what it had been shown may not have been so.
    pub resets_ms: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A stream began, after the cursor of the last message or from the start.
    Opened { resumes: bool },
    Snapshot {
        sequence: i64,
        is_reset: bool,
        state: JobState,
        terminal: bool,
    },
    Event {
        sequence: i64,
        state: JobState,
        terminal: bool,
    },
    /// The server refused the stream.
    Refused {
        code: tonic::Code,
        reason: String,
        has_retry_delay: bool,
    },
}

/// A line of a provider's books.
#[derive(Clone, Debug)]
pub struct Booked {
    pub provider: Provider,
    pub person: usize,
    pub reference: String,
    pub delivered: bool,
    /// By the provider's clock.
    pub at_ms: u64,
}

/// A call on its way to a provider, as the link saw it pass.
#[derive(Clone, Debug)]
pub struct Errand {
    pub at_ms: u64,
    pub replica: usize,
    pub provider: Provider,
    pub person: usize,
}

/// A row of the ledger.
#[derive(Clone, Debug)]
pub struct Row {
    pub charge_id: String,
    pub job: String,
    pub provider: Provider,
    pub state: ChargeState,
    pub reference: String,
}

/// A job as it stands in the end.
#[derive(Clone, Debug)]
pub struct FinalJob {
    pub person: usize,
    pub state: JobState,
    pub sequence: i64,
    pub ended_ms: u64,
    pub deadline_ms: u64,
    pub attempts: Vec<FinalAttempt>,
}

#[derive(Clone, Debug)]
pub struct FinalAttempt {
    pub charge_id: String,
    pub provider: Provider,
    pub charge: ChargeState,
    pub began_ms: u64,
    /// 0 when nobody recorded an end.
    pub ended_ms: u64,
}

/// A blow as it fell.
#[derive(Clone, Copy, Debug)]
pub struct Fallen {
    pub what: What,
    pub began_ms: u64,
    pub ended_ms: u64,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub operations: Vec<Operation>,
    pub sightings: Vec<Sighting>,
    /// Streams of watchers that were open at once, at most.
    pub watches_max: usize,
    pub blows: Vec<Fallen>,
    /// How long after each round everything worked again.
    pub recoveries_ms: Vec<u64>,
    /// Replicas that ended without having been told to, and stops that went wrong.
    pub crashes: Vec<String>,
    /// How often Redis was looked into, and what did not belong together there.
    pub looks: usize,
    pub due_defects: Vec<String>,
    /// How often a lease was taken, over all jobs.
    pub claims: usize,
    /// The most that each replica had.
    pub vitals: BTreeMap<usize, Vitals>,
    /// Calls of Nubarium under way at once, at most, as it counted itself. It is never polled: each of its calls is a paid one.
    pub nubarium_calls_max: u64,
    /// Personal data in a log, by the replica's number.
    pub leaks: Vec<usize>,
    /// People whose provider was made to hide its answer.
    pub troubled: Vec<(usize, Provider)>,
    /// Who called whom about whom.
    pub errands: Vec<Errand>,
    pub booked: Vec<Booked>,
    pub ledger: Vec<Row>,
    /// Every job of a work history that the deployment lists.
    pub jobs: BTreeMap<String, FinalJob>,
}

/// The history while it grows.
#[derive(Default)]
pub struct Recorder(Mutex<History>);

impl Recorder {
    pub fn note(&self, write: impl FnOnce(&mut History)) {
        write(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn copy(&self) -> History {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The contract's word for a provider as the sandbox says it.
pub fn provider_of(route: Route) -> Option<Provider> {
    match route {
        Route::Kiban => Some(Provider::Kiban),
        Route::TuIdentidad => Some(Provider::TuIdentidad),
        Route::Nubarium => Some(Provider::Nubarium),
        _ => None,
    }
}

impl History {
    /// What stood in Redis at some moment.
    pub fn note_look(&mut self, look: Look) {
        self.looks += 1;
        self.claims = look.claims;
        self.due_defects.extend(look.defects);
    }

    /// Every job that a Submit was answered with.
    pub fn acknowledged(&self) -> std::collections::BTreeSet<String> {
        let jobs = self
            .operations
            .iter()
            .filter_map(|operation| match (&operation.kind, &operation.outcome) {
                (Kind::Submit { .. }, Outcome::Ok { job }) => Some(job.clone()),
                _ => None,
            });
        jobs.collect()
    }
}
