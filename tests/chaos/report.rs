//! The one line in which a run ends.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::checker::Verdict;
use crate::history::{History, Kind, Outcome, Piece};

/// The figures of a run, summed over its parts.
#[derive(Debug)]
pub struct Report {
    seed: u64,
    faults: BTreeMap<&'static str, usize>,
    /// In the order in which they are told; these are sums, and those of `most` maxima.
    sums: Vec<(&'static str, usize)>,
    most: Vec<(&'static str, u64)>,
    broken: usize,
}

impl Report {
    pub fn new(seed: u64) -> Report {
        Report {
            seed,
            faults: BTreeMap::new(),
            sums: Vec::new(),
            most: Vec::new(),
            broken: 0,
        }
    }

    /// Takes in one part. `faults` counts blows by class and, as `provider`, people whose provider misbehaved.
    pub fn add(&mut self, history: &History, verdict: &Verdict) {
        for (class, count) in faults(history) {
            *self.faults.entry(class).or_default() += count;
        }
        *self.faults.entry("provider").or_default() += history.troubled.len();
        self.broken += verdict.broken.len() + verdict.late.len() + verdict.puzzles.len();
        let sums = [
            ("jobs", history.jobs.len()),
            ("submits_acknowledged", submits(history)),
            ("double_charges", verdict.double_charges),
            ("lost", verdict.lost),
            ("gaps", verdict.gaps),
            ("terminal_twice", verdict.terminal_twice),
            ("unknown_outcomes", verdict.unknown_outcomes),
            ("truly_unknowable", verdict.truly_unknowable),
            ("jobs_taken_back", verdict.taken_back),
            ("leases_taken", history.claims),
            ("looks_into_redis", history.looks),
            ("watches_resumed", resumed(history)),
        ];
        let vitals = || history.vitals.values();
        let most = [
            ("longest_recovery_ms", history.recoveries_ms.iter().copied().max()),
            ("watches_at_once_max", u64::try_from(history.watches_max).ok()),
            ("nubarium_calls_at_once_max", Some(history.nubarium_calls_max)),
            ("memory_mib_max", vitals().map(|it| it.memory_bytes_max >> 20).max()),
            (
                "open_files_max",
                vitals().filter_map(|it| it.open_files_max.try_into().ok()).max(),
            ),
        ];
        let most = most.map(|(name, value)| (name, value.unwrap_or_default()));
        add_all(&mut self.sums, &sums, |before, now| before + now);
        add_all(&mut self.most, &most, u64::max);
    }

    pub fn is_broken(&self) -> bool {
        self.broken > 0
    }

    /// One object of JSON without a line feed.
    pub fn line(&self) -> String {
        let (jobs, others) = self.sums.split_at(self.sums.len().min(1));
        let sums = |pairs: &[(&'static str, usize)]| -> Vec<(&'static str, Value)> {
            pairs.iter().map(|(name, value)| (*name, json!(value))).collect()
        };
        let mut fields = vec![("seed", json!(self.seed))];
        fields.extend(sums(jobs));
        fields.push(("faults", json!(self.faults)));
        fields.extend(sums(others));
        fields.extend(self.most.iter().map(|(name, value)| (*name, json!(value))));
        fields.push(("broken", json!(self.broken)));
        let fields: Vec<String> = fields
            .into_iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    }
}

/// How many blows of each class fell.
pub fn faults(history: &History) -> BTreeMap<&'static str, usize> {
    let mut classes = BTreeMap::new();
    for blow in &history.blows {
        *classes.entry(blow.what.class()).or_default() += 1;
    }
    classes
}

fn submits(history: &History) -> usize {
    let is_acknowledged =
        |kind: &Kind, outcome: &Outcome| matches!((kind, outcome), (Kind::Submit { .. }, Outcome::Ok { .. }));
    let operations = history.operations.iter();
    operations.filter(|it| is_acknowledged(&it.kind, &it.outcome)).count()
}

/// Streams that went on after a cursor.
fn resumed(history: &History) -> usize {
    let pieces = history.sightings.iter().flat_map(|sighting| &sighting.pieces);
    pieces
        .filter(|piece| **piece == Piece::Opened { resumes: true })
        .count()
}

fn add_all<T: Copy>(to: &mut Vec<(&'static str, T)>, figures: &[(&'static str, T)], join: impl Fn(T, T) -> T) {
    if to.is_empty() {
        to.extend_from_slice(figures);
        return;
    }
    for ((_, before), (_, now)) in to.iter_mut().zip(figures) {
        *before = join(*before, *now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_summed_and_the_worst_of_them_is_told() {
        let part = |recovery_ms| History {
            recoveries_ms: vec![recovery_ms],
            looks: 2,
            ..History::default()
        };
        let mut verdict = Verdict::default();
        let mut report = Report::new(7);
        report.add(&part(900), &verdict);
        assert!(!report.is_broken());
        verdict.double_charges = 3;
        verdict.late.push("I15: too late".to_owned());
        report.add(&part(400), &verdict);
        assert!(report.is_broken());
        let line: Value = serde_json::from_str(&report.line()).unwrap();
        assert_eq!(line["longest_recovery_ms"], 900);
        assert_eq!(line["looks_into_redis"], 4);
        assert_eq!(line["double_charges"], 3);
        assert_eq!(line["broken"], 1);
        verdict.late.clear();
        verdict.puzzles.push("unknown, and nothing hid the answer".to_owned());
        let mut report = Report::new(7);
        report.add(&part(400), &verdict);
        assert!(report.is_broken());
        assert!(report.line().starts_with(r#"{"seed":7,"jobs":0,"faults":{"#));
    }
}
