//! I4, I5 and I8: what each watcher saw is in order and without a gap, ends once, and is what every other one saw.
//!
//! A failover of Redis may take back what was seen and not yet acknowledged to anybody. That has to be said, by a snapshot that is
//! marked as a reset; it must never be an end, and without a failover it must not be at all.

use std::collections::{BTreeMap, BTreeSet};

use semanas_client::JobState;

use super::Verdict;
use crate::history::{History, Piece, Sighting};

pub(super) fn check(history: &History, verdict: &mut Verdict) {
    let mut states: BTreeMap<(&str, i64), JobState> = BTreeMap::new();
    let was_reset = |piece: &Piece| matches!(piece, Piece::Snapshot { is_reset: true, .. });
    let reset = history.sightings.iter().filter(|it| it.pieces.iter().any(was_reset));
    let taken_back: BTreeSet<&str> = reset.map(|sighting| sighting.job.as_str()).collect();
    verdict.taken_back = taken_back.len();
    if !history.had_failovers {
        for job in &taken_back {
            verdict.breaks("I8", format!("a watch of {job} was reset, and no data was lost"));
        }
    }
    for sighting in &history.sightings {
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
        for piece in &sighting.pieces {
            if let Piece::Event { sequence, state, .. } | Piece::Snapshot { sequence, state, .. } = piece {
                let known = *states.entry((&sighting.job, *sequence)).or_insert(*state);
                if known != *state && !taken_back.contains(sighting.job.as_str()) {
                    let what = format!("event {sequence} of {} is {known:?} to one and {state:?}", sighting.job);
                    verdict.breaks("I4", what);
                }
            }
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
