//! The one line in which a run ends.

use std::collections::BTreeMap;

use serde_json::json;

use crate::checker::Verdict;
use crate::history::{History, Kind, Outcome};

/// How many blows of each class fell.
pub fn faults(history: &History) -> BTreeMap<&'static str, usize> {
    let mut classes = BTreeMap::new();
    for blow in &history.blows {
        *classes.entry(blow.what.class()).or_default() += 1;
    }
    classes
}

/// One object of JSON without a line feed. `faults` counts blows by class and, as `provider`, people whose provider misbehaved.
pub fn line(seed: u64, history: &History, verdict: &Verdict) -> String {
    let mut faults: BTreeMap<_, usize> = faults(history);
    faults.insert("provider", history.troubled.len());
    let submits = history.operations.iter().filter(|operation| {
        matches!(
            (&operation.kind, &operation.outcome),
            (Kind::Submit { .. }, Outcome::Ok { .. })
        )
    });
    let fields = [
        ("seed", json!(seed)),
        ("jobs", json!(history.jobs.len())),
        ("faults", json!(faults)),
        ("submits_acknowledged", json!(submits.count())),
        ("double_charges", json!(verdict.double_charges)),
        ("lost", json!(verdict.lost)),
        ("gaps", json!(verdict.gaps)),
        ("terminal_twice", json!(verdict.terminal_twice)),
        ("unknown_outcomes", json!(verdict.unknown_outcomes)),
        ("truly_unknowable", json!(verdict.truly_unknowable)),
        ("longest_recovery_ms", json!(history.recoveries_ms.iter().max())),
        ("broken", json!(verdict.broken.len())),
    ];
    let fields = fields.map(|(name, value)| format!("\"{name}\":{value}"));
    format!("{{{}}}", fields.join(","))
}
