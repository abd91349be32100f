//! I4, I5 and I8: what each watcher saw is in order and without a gap, ends once, and is what every other one saw.
//!
//! A failover of Redis may take back what was seen and not yet acknowledged to anybody. That has to be said, by a snapshot that is
//! marked as a reset; it must never be an end, and it must not be at another time than about a failover. What was seen after the
//! last reset is not taken back any more: about that all who saw it agree.

use std::collections::{BTreeMap, BTreeSet};

use semanas_client::JobState;

use super::Verdict;
use crate::history::{History, Piece, Sighting};
use crate::plan::What;
use crate::world::FAILOVER_PAUSE_MS;

/// What was lost is found and told by the end of the pause, by a replica that was frozen meanwhile a freeze later: in leases.
const TOLD_LEASES: u64 = 4;

pub(super) fn check(history: &History, lease_ms: u64, verdict: &mut Verdict) {
    let mut states: BTreeMap<(&str, i64), JobState> = BTreeMap::new();
    let was_reset = |piece: &Piece| matches!(piece, Piece::Snapshot { is_reset: true, .. });
    let reset = history.sightings.iter().filter(|it| it.pieces.iter().any(was_reset));
    let taken_back: BTreeSet<&str> = reset.map(|sighting| sighting.job.as_str()).collect();
    verdict.taken_back = taken_back.len();
    for sighting in &history.sightings {
        check_resets(sighting, history, lease_ms, verdict);
        let end = follow(sighting, verdict);
        let Some(job) = history.jobs.get(&sighting.job) else {
            continue;
        };
        match end {
            None => verdict.breaks("I8", format!("a watcher of {} never saw its end", sighting.job)),
            Some((sequence, state)) if (sequence, state) != (job.sequence, job.state) => {
                verdict.terminal_twice += 1;
                let now = (job.sequence, job.state);
                verdict.breaks(
                    "I5",
                    format!("{} ended as {:?} and is {now:?}", sighting.job, (sequence, state)),
                );
            }
            Some(_) => {}
        }
        let last_reset = sighting.pieces.iter().rposition(was_reset);
        for piece in &sighting.pieces[last_reset.unwrap_or_default()..] {
            if let Piece::Event { sequence, state, .. } | Piece::Snapshot { sequence, state, .. } = piece {
                let known = *states.entry((&sighting.job, *sequence)).or_insert(*state);
                if known != *state {
                    let what = format!("event {sequence} of {} is {known:?} to one and {state:?}", sighting.job);
                    verdict.breaks("I4", what);
                }
            }
        }
    }
}

/// Each reset has a failover that it can be about.
fn check_resets(sighting: &Sighting, history: &History, lease_ms: u64, verdict: &mut Verdict) {
    let failovers = history
        .blows
        .iter()
        .filter(|blow| matches!(blow.what, What::Failover { .. }));
    for at_ms in &sighting.resets_ms {
        let told_until = |ended_ms| ended_ms + FAILOVER_PAUSE_MS + TOLD_LEASES * lease_ms;
        let mut failovers = failovers.clone();
        if !failovers.any(|blow| (blow.began_ms..=told_until(blow.ended_ms)).contains(at_ms)) {
            let job = &sighting.job;
            verdict.breaks(
                "I8",
                format!("a watch of {job} was reset at {at_ms}, and no failover was then"),
            );
        }
    }
}

/// Walks along one sighting; gives its end.
fn follow(sighting: &Sighting, verdict: &mut Verdict) -> Option<(i64, JobState)> {
    let job = &sighting.job;
    let (mut last, mut has_place, mut end) = (None, false, None);
    for piece in &sighting.pieces {
        match piece {
            Piece::Opened { resumes: true } => has_place = true,
            Piece::Opened { resumes: false } => (last, has_place) = (None, false),
            Piece::Refused { .. } => {}
            Piece::Snapshot {
                sequence,
                is_reset,
                state,
                terminal,
            } => {
                if !is_reset && last.is_some_and(|last| *sequence < last) {
                    verdict.gaps += 1;
                    verdict.breaks(
                        "I8",
                        format!("a snapshot of {job} goes back from {last:?} to {sequence}"),
                    );
                }
                last = Some(*sequence);
                end_once(job, &mut end, terminal.then_some((*sequence, *state)), verdict);
            }
            Piece::Event {
                sequence,
                state,
                terminal,
            } => {
                let is_next = last.map_or(has_place, |last| *sequence == last + 1);
                if !is_next {
                    verdict.gaps += 1;
                    verdict.breaks(
                        "I4",
                        format!("event {sequence} of {job} came after {last:?} in {:?}", sighting.pieces),
                    );
                }
                last = Some(*sequence);
                end_once(job, &mut end, terminal.then_some((*sequence, *state)), verdict);
            }
        }
    }
    end
}

/// Notes an end; anything that comes after one is wrong.
fn end_once(job: &str, end: &mut Option<(i64, JobState)>, now: Option<(i64, JobState)>, verdict: &mut Verdict) {
    if end.is_some() {
        verdict.terminal_twice += 1;
        verdict.breaks("I5", format!("something came after the end of {job}"));
    }
    *end = end.or(now);
}
