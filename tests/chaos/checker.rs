//! What must hold of a history: the invariants of the project that can be seen from outside, and the numbers of the report. Pure.
//!
//! I6 and I10 have no face of their own out here: a job that is not due any more never ends (I7), and a stale lease that acts
//! shows in the books (I1). I11 and I14 are other tests' business.

mod money;
mod watching;

use std::collections::{BTreeMap, BTreeSet};

use semanas_client::JobState;
use tonic::Code;

use crate::history::{FinalJob, History, Kind, Outcome, Piece};
use crate::plan::LEASE_MS;
use crate::world::GRACE_MS;

/// How long after its deadline a job may end: the longest freeze, a claim that has to run out, and the grace of a call.
const LATE_MAX_MS: u64 = 4 * LEASE_MS + 2 * LEASE_MS + GRACE_MS;
/// I15: two lease periods, in which the last lease of a dead replica runs out and is taken over, and the grace of the call that
/// was under way, with room for a machine that has other work.
const RECOVERY_MAX_MS: u64 = 2 * LEASE_MS + GRACE_MS + 4_000;

/// What is wrong with a history, and its numbers.
#[derive(Debug, Default)]
pub struct Verdict {
    /// A sentence for each defect, beginning with the invariant.
    pub broken: Vec<String>,
    pub double_charges: usize,
    pub lost: usize,
    pub gaps: usize,
    pub terminal_twice: usize,
    pub unknown_outcomes: usize,
    /// Those of them about which nobody could have known more.
    pub truly_unknowable: usize,
    /// The others, each with its attempts, for whoever wants to know why.
    pub puzzles: Vec<String>,
}

impl Verdict {
    fn breaks(&mut self, invariant: &str, what: String) {
        self.broken.push(format!("{invariant}: {what}"));
    }
}

/// Checks everything.
pub fn check(history: &History) -> Verdict {
    let mut verdict = Verdict::default();
    money::check(history, &mut verdict);
    watching::check(history, &mut verdict);
    check_existence(history, &mut verdict);
    check_ends(history, &mut verdict);
    check_joining(history, &mut verdict);
    check_words(history, &mut verdict);
    check_processes(history, &mut verdict);
    let unknown = |(_, job): &(&String, &FinalJob)| job.state == JobState::OutcomeUnknown;
    for (id, job) in history.jobs.iter().filter(unknown) {
        verdict.unknown_outcomes += 1;
        if money::is_unknowable(job, history) {
            verdict.truly_unknowable += 1;
        } else {
            let puzzle = format!(
                "{id} ended unknown, and its charge is known by now or nothing hid it: {:?}",
                job.attempts
            );
            verdict.puzzles.push(puzzle);
        }
    }
    verdict
}

/// I3: what was acknowledged is there.
fn check_existence(history: &History, verdict: &mut Verdict) {
    for job in history.acknowledged() {
        if !history.jobs.contains_key(&job) {
            verdict.lost += 1;
            verdict.breaks("I3", format!("{job} was acknowledged and is gone"));
        }
    }
}

/// I7: every job ends in time.
fn check_ends(history: &History, verdict: &mut Verdict) {
    for (id, job) in &history.jobs {
        if !is_terminal(job.state) {
            verdict.breaks("I7", format!("{id} has not ended: {:?}", job.state));
        } else if job.ended_ms > job.deadline_ms + LATE_MAX_MS {
            let late_ms = job.ended_ms - job.deadline_ms;
            verdict.breaks("I7", format!("{id} ended {late_ms} ms after its deadline"));
        }
    }
}

/// I9: the same request gets the same job, and so does a request for a person whose job was living all the while.
fn check_joining(history: &History, verdict: &mut Verdict) {
    let mut by_request: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut by_person: BTreeMap<usize, Vec<(u64, u64, &str)>> = BTreeMap::new();
    // A request keeps the job that its first try got, whatever lives by the time of a later try.
    let mut first_try_ms: BTreeMap<&str, u64> = BTreeMap::new();
    for operation in &history.operations {
        let Kind::Submit { person, request_id, .. } = &operation.kind else {
            continue;
        };
        let began_ms = first_try_ms.entry(request_id).or_insert(operation.began_ms);
        *began_ms = operation.began_ms.min(*began_ms);
        if let Outcome::Ok { job } = &operation.outcome {
            by_request.entry(request_id).or_default().insert(job);
            let span = (*began_ms, operation.ended_ms, job.as_str());
            by_person.entry(*person).or_default().push(span);
        }
    }
    for (request, jobs) in by_request.into_iter().filter(|(_, jobs)| jobs.len() > 1) {
        verdict.breaks("I9", format!("request {request} got {} jobs: {jobs:?}", jobs.len()));
    }
    for submits in by_person.values() {
        for (_, acknowledged_ms, first) in submits {
            let Some(FinalJob { ended_ms, .. }) = history.jobs.get(*first) else {
                continue;
            };
            let meanwhile = |(began, ended, _): &&(u64, u64, &str)| began > acknowledged_ms && ended < ended_ms;
            for (_, _, other) in submits.iter().filter(meanwhile).filter(|(_, _, other)| other != first) {
                verdict.breaks("I9", format!("{other} was given out while {first} was living"));
            }
        }
    }
}

/// I13: who is told to come back is told when, and nobody is told that a job does not exist which does.
fn check_words(history: &History, verdict: &mut Verdict) {
    let acknowledged = history.acknowledged();
    let mut hear = |who: String, about: Option<&str>, code: Code, reason: &str, has_retry_delay: bool| {
        if matches!(code, Code::Unavailable | Code::ResourceExhausted) && !has_retry_delay {
            verdict.breaks("I13", format!("{who}: {code:?} {reason} without a delay"));
        }
        if code == Code::NotFound && about.is_some_and(|job| acknowledged.contains(job)) {
            verdict.breaks("I13", format!("{who}: {reason}, and the job exists"));
        }
        if reason.is_empty() {
            verdict.breaks("I13", format!("{who}: {code:?} without a reason"));
        }
        if matches!(
            reason,
            "INTERNAL" | "CURSOR_INVALID" | "CURSOR_EXPIRED" | "REQUEST_ID_REUSED" | "INVALID_REQUEST"
        ) {
            verdict.breaks("I13", format!("{who}: {reason}, which nothing here gives cause for"));
        }
    };
    for operation in &history.operations {
        if let Outcome::Failed {
            code,
            reason,
            has_retry_delay,
        } = &operation.outcome
        {
            let about = match &operation.kind {
                Kind::Get { job } | Kind::Cancel { job } => Some(job.as_str()),
                Kind::Submit { .. } | Kind::Lookup { .. } => None,
            };
            hear(format!("{:?}", operation.kind), about, *code, reason, *has_retry_delay);
        }
    }
    for sighting in &history.sightings {
        for piece in &sighting.pieces {
            if let Piece::Refused {
                code,
                reason,
                has_retry_delay,
            } = piece
            {
                let who = format!("a watch of {}", sighting.job);
                hear(who, Some(&sighting.job), *code, reason, *has_retry_delay);
            }
        }
    }
}

/// I15, I12, and that nothing ends by itself.
fn check_processes(history: &History, verdict: &mut Verdict) {
    for recovery_ms in history.recoveries_ms.iter().filter(|ms| **ms > RECOVERY_MAX_MS) {
        verdict.breaks("I15", format!("everything worked again only after {recovery_ms} ms"));
    }
    for crash in &history.crashes {
        verdict.breaks("I15", crash.clone());
    }
    for replica in &history.leaks {
        verdict.breaks("I12", format!("the log of replica {replica} holds personal data"));
    }
}

fn is_terminal(state: JobState) -> bool {
    use JobState::{Cancelled, Failed, OutcomeUnknown, Succeeded};
    matches!(state, Succeeded | Failed | Cancelled | OutcomeUnknown)
}

#[cfg(test)]
mod tests;
