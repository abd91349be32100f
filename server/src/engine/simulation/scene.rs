//! What all parts of a run share: the data set, the trace, what was found wrong, and what callers were promised.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    hash::{DefaultHasher, Hasher as _},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{broken::Broken, crowd::Door, plan::Plan};
use crate::{
    domain::{curp::Curp, ids::JobId},
    store::model::Model,
};

/// A replica hears of a loss within this, also one that is frozen with a message in hand.
const HEARD_WITHIN: Duration = Duration::from_secs(20);

pub(super) struct Scene {
    pub plan: Plan,
    pub model: Arc<Model>,
    pub door: Door,
    pub broken: Option<Broken>,
    trace: Mutex<Trace>,
    began: Instant,
    /// The first thing that was found wrong: what follows from it is no news.
    violation: Mutex<Option<String>>,
    /// Acknowledged jobs, and whose they are.
    pub acknowledged: Mutex<BTreeMap<JobId, usize>>,
    /// By person: requests that allow another charge than the one there may be.
    leaves: Mutex<BTreeMap<usize, usize>>,
    /// Which replica's claim made a fence.
    pub holders: Mutex<BTreeMap<(JobId, u64), String>>,
    /// What watchers were told of each event: all must be told the same.
    pub told: Mutex<BTreeMap<(JobId, u64), String>>,
    has_rewound: AtomicBool,
    losses: Mutex<Losses>,
    is_healed: AtomicBool,
    is_over: AtomicBool,
    has_feed_ended: AtomicBool,
    busy: AtomicUsize,
    watchers: AtomicUsize,
}

/// What the store declared to be lost.
#[derive(Default)]
struct Losses {
    jobs: BTreeSet<JobId>,
    last_at: Option<Instant>,
}

#[derive(Default)]
struct Trace {
    lines: Vec<String>,
    hash: DefaultHasher,
}

/// Counts somebody whom the end of the run waits for.
pub(super) struct Busy(Arc<Scene>);

impl Scene {
    pub(super) fn new(plan: Plan, model: Arc<Model>, broken: Option<Broken>) -> Scene {
        Scene {
            plan,
            model,
            door: Door::default(),
            broken,
            trace: Mutex::default(),
            began: Instant::now(),
            violation: Mutex::default(),
            acknowledged: Mutex::default(),
            leaves: Mutex::default(),
            holders: Mutex::default(),
            told: Mutex::default(),
            has_rewound: AtomicBool::new(false),
            losses: Mutex::default(),
            is_healed: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            has_feed_ended: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
            watchers: AtomicUsize::new(0),
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn note(&self, who: &str, what: impl Display) {
        let line = format!("{:>6} {who:<12} {what}", self.began.elapsed().as_millis());
        let mut trace = self.trace.lock().unwrap();
        trace.hash.write(line.as_bytes());
        trace.lines.push(line);
    }

    pub(super) fn violated(&self, invariant: &str, what: impl Display) {
        let what = format!("{invariant}: {what}");
        self.note("VIOLATED", &what);
        self.violation.lock().unwrap().get_or_insert(what);
    }

    #[track_caller]
    pub(super) fn check(&self, invariant: &str, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.violated(invariant, what());
        }
    }

    pub(super) fn violation(&self) -> Option<String> {
        self.violation.lock().unwrap().clone()
    }

    pub(super) fn trace(&self) -> (Vec<String>, u64) {
        let trace = self.trace.lock().unwrap();
        (trace.lines.clone(), trace.hash.finish())
    }

    pub(super) fn give_leave(&self, person: usize) {
        *self.leaves.lock().unwrap().entry(person).or_default() += 1;
    }

    pub(super) fn leaves(&self, person: usize) -> usize {
        self.leaves.lock().unwrap().get(&person).copied().unwrap_or_default()
    }

    pub(super) fn rewind(&self) {
        self.has_rewound.store(true, Ordering::Relaxed);
    }

    /// Whether data were or will be rewound: what was shown may then not be what stays.
    pub(super) fn has_rewound(&self) -> bool {
        self.has_rewound.load(Ordering::Relaxed)
    }

    /// The store declares a loss of these jobs, and of the newest events of others.
    pub(super) fn lost(&self, jobs: Vec<JobId>) {
        // Whoever repeats the request of a lost job asks anew, with the leave that it had.
        for person in jobs.iter().filter_map(|job| self.person(job)) {
            self.give_leave(person);
        }
        let mut losses = self.losses.lock().unwrap();
        losses.jobs.extend(jobs);
        losses.last_at = Some(Instant::now());
    }

    /// Whether the store has declared that this job is lost. It may have been created once more since.
    pub(super) fn is_lost(&self, job: &JobId) -> bool {
        self.losses.lock().unwrap().jobs.contains(job)
    }

    pub(super) fn has_lost_jobs(&self) -> bool {
        !self.losses.lock().unwrap().jobs.is_empty()
    }

    /// Whether everybody has heard of the last loss, and nothing was ever lost that was not declared.
    pub(super) fn is_history_settled(&self) -> bool {
        let last_at = self.losses.lock().unwrap().last_at;
        !self.plan.rewinds() && last_at.is_none_or(|at| at.elapsed() > HEARD_WITHIN)
    }

    fn person(&self, job: &JobId) -> Option<usize> {
        self.acknowledged.lock().unwrap().get(job).copied()
    }

    /// The faults are over.
    pub(super) fn heal(&self) {
        self.note("-", "the faults are over");
        self.is_healed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_healed(&self) -> bool {
        self.is_healed.load(Ordering::Relaxed)
    }

    /// Nothing is left to be seen.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(super) fn end_feed(&self) {
        self.has_feed_ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_feed_ended(&self) -> bool {
        self.has_feed_ended.load(Ordering::Relaxed)
    }

    pub(super) fn busy(self: &Arc<Scene>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    pub(super) fn next_watcher(&self) -> usize {
        self.watchers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    pub(super) fn acknowledged_jobs(&self) -> BTreeSet<JobId> {
        self.acknowledged.lock().unwrap().keys().cloned().collect()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A person for each number, none of whom exists.
pub(super) fn curp(person: usize) -> Curp {
    Curp::parse_lenient(&format!("XEXX{person:02}0101HNEXXXA8")).unwrap()
}

/// The end of a name, enough to tell it from others in a trace.
pub(super) fn short(id: &JobId) -> String {
    let name = id.as_str();
    let kind = name.split('_').next().unwrap_or_default();
    format!("{kind}~{}", &id.order_key()[26..])
}
