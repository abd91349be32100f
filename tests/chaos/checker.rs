//! What must hold of a history: the invariants of the project, and the numbers of the report. Pure.
//!
//! What has to do with the clock of a machine that may have other work is kept apart: a long run judges it, a short one tells it.

mod limits;
mod money;
mod watching;

use std::collections::{BTreeMap, BTreeSet};

use semanas_client::JobState;
use tonic::Code;

use crate::history::{FinalJob, History, Kind, Outcome, Piece};
use crate::world::{FAILOVER_PAUSE_MS, GRACE_MS};

/// How long after its deadline a job may end, in leases and the grace of a call: the longest freeze, and the claim that has to run
/// out after it.
const LATE_LEASES: u64 = 4;
/// I15: in the first, the last lease of a dead replica runs out; in the second, its job is claimed and moves on.
const RECOVERY_LEASES: u64 = 2;

/// What is wrong with a history, and its numbers.
#[derive(Debug, Default)]
pub struct Verdict {
    /// A sentence for each defect, beginning with the invariant.
    pub broken: Vec<String>,
    /// The same for what came, but too late.
    pub late: Vec<String>,
    pub double_charges: usize,
    pub lost: usize,
    pub gaps: usize,
    pub terminal_twice: usize,
    /// Jobs of which somebody was told that a failover took back what had been seen.
    pub taken_back: usize,
    pub unknown_outcomes: usize,
    /// Those of them about which nobody could have known more.
    pub truly_unknowable: usize,
    /// The others, each with its attempts, for whoever wants to know why.
    pub puzzles: Vec<String>,
}

impl Verdict {
    fn breaks(&mut self, invariant: &str, what: String) {
        let broken = format!("{invariant}: {what}");
        // Callers say some things again and again.
        if self.broken.last() != Some(&broken) {
            self.broken.push(broken);
        }
    }
}

/// Checks everything, for replicas with this lease.
pub fn check(history: &History, lease_ms: u64) -> Verdict {
    let mut verdict = Verdict::default();
    money::check(history, &mut verdict);
    watching::check(history, lease_ms, &mut verdict);
    limits::check(history, &mut verdict);
    check_existence(history, &mut verdict);
    check_due(history, &mut verdict);
    check_ends(history, lease_ms, &mut verdict);
    check_turns(history, &mut verdict);
    check_joining(history, &mut verdict);
    check_words(history, &mut verdict);
    check_processes(history, lease_ms, &mut verdict);
    let unknown = |(_, job): &(&String, &FinalJob)| job.state == JobState::OutcomeUnknown;
    for (id, job) in history.jobs.iter().filter(unknown) {
        verdict.unknown_outcomes += 1;
        if money::is_unknowable(job, history) {
            verdict.truly_unknowable += 1;
        } else {
            let puzzle = format!(
                "{id} ended unknown at {}, and nothing hid the answer: {:?}",
                job.ended_ms, job.attempts
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
            let is_of_it = |outcome: &Outcome| *outcome == Outcome::Ok { job: job.clone() };
            let first = history.operations.iter().find(|operation| is_of_it(&operation.outcome));
            let at_ms = first.map_or(0, |operation| operation.ended_ms);
            verdict.breaks("I3", format!("{job} was acknowledged at {at_ms} and is gone"));
        }
    }
}

/// I6: what has not ended is due, and nothing else is. It was looked up in Redis itself.
fn check_due(history: &History, verdict: &mut Verdict) {
    if history.looks == 0 {
        verdict.breaks("I6", "nobody looked into Redis".to_owned());
    }
    for defect in &history.due_defects {
        verdict.breaks("I6", defect.clone());
    }
}

/// I10: a job makes one call after the other. Whoever acted under a lease that had gone to another would call beside them.
fn check_turns(history: &History, verdict: &mut Verdict) {
    let own: BTreeSet<(&str, &str)> = history
        .ledger
        .iter()
        .map(|row| (row.job.as_str(), row.charge_id.as_str()))
        .collect();
    for (id, job) in &history.jobs {
        // Attempts that a lookup made for it had times of their own.
        let attempts = job.attempts.iter();
        let mut attempts: Vec<_> = attempts
            .filter(|attempt| own.contains(&(id.as_str(), attempt.charge_id.as_str())))
            .collect();
        attempts.sort_by_key(|attempt| attempt.began_ms);
        for pair in attempts.windows(2) {
            if pair[0].ended_ms == 0 || pair[1].began_ms < pair[0].ended_ms {
                verdict.breaks(
                    "I10",
                    format!("{id} began a call while another was under way: {pair:?}"),
                );
            }
        }
    }
}

/// I7: every job ends, and in time. While Redis has no master that takes writes, and in the pause after it, none can.
fn check_ends(history: &History, lease_ms: u64, verdict: &mut Verdict) {
    let late_max_ms = LATE_LEASES * lease_ms + GRACE_MS;
    for (id, job) in &history.jobs {
        let late_ms = job.ended_ms.saturating_sub(job.deadline_ms);
        if !is_terminal(job.state) {
            verdict.breaks("I7", format!("{id} has not ended: {:?}", job.state));
        } else if late_ms > late_max_ms + without_master_ms(history, job.deadline_ms, job.ended_ms) {
            verdict
                .late
                .push(format!("I7: {id} ended {late_ms} ms after its deadline"));
        }
    }
}

/// How much of a span Redis' masters were being replaced, or had just been.
fn without_master_ms(history: &History, from_ms: u64, until_ms: u64) -> u64 {
    let (mut away_ms, mut seen_until_ms) = (0, from_ms);
    let mut blows: Vec<_> = history
        .blows
        .iter()
        .filter(|blow| blow.what.replaces_master())
        .collect();
    blows.sort_by_key(|blow| blow.began_ms);
    for blow in blows {
        let began_ms = blow.began_ms.max(seen_until_ms);
        let ended_ms = (blow.ended_ms + FAILOVER_PAUSE_MS).min(until_ms);
        away_ms += ended_ms.saturating_sub(began_ms);
        seen_until_ms = seen_until_ms.max(ended_ms);
    }
    away_ms
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
fn check_processes(history: &History, lease_ms: u64, verdict: &mut Verdict) {
    let recovery_max_ms = RECOVERY_LEASES * lease_ms;
    for recovery_ms in history.recoveries_ms.iter().filter(|ms| **ms > recovery_max_ms) {
        verdict
            .late
            .push(format!("I15: everything worked again only after {recovery_ms} ms"));
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
