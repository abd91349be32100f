//! Chaos: three replicas, a real Redis, the sandbox, a proxy on every link, and everything goes wrong by the seed.
//!
//! `SEED=… JOBS=… LOGS=folder make chaos`; what the replicas said is kept in `LOGS`. The last line on standard output is the report, one object of JSON; the exit code is 1 when an
//! invariant is broken. `plan` says what will happen, `world` where, `load`, `watcher` and `faults` do it, `history` is what was
//! seen, `gather` reads the rest, and `checker` judges.

#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout)]

mod checker;
mod clock;
mod faults;
mod gather;
mod history;
mod load;
mod plan;
mod proxy;
mod report;
mod watcher;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::checker::Verdict;
use crate::history::History;
use crate::plan::Plan;
use crate::world::World;

/// Jobs of a run that is not told how many. Each person brings more than one.
const JOBS_DEFAULT: usize = 5_000;

#[tokio::main]
async fn main() -> ExitCode {
    let seed = number("SEED").unwrap_or_else(clock::now_ms);
    let jobs = number("JOBS").map_or(JOBS_DEFAULT, |jobs| usize::try_from(jobs).unwrap());
    eprintln!("chaos: SEED={seed} JOBS={jobs}");
    let (history, verdict) = run(Plan::long(seed, jobs)).await;
    for line in verdict.puzzles.iter().chain(&verdict.broken) {
        eprintln!("{line}");
    }
    println!("{}", report::line(seed, &history, &verdict));
    ExitCode::from(u8::from(!verdict.broken.is_empty()))
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty())?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={value} is not a whole number")),
    )
}

/// Plays the plan and judges what came of it.
async fn run(plan: Plan) -> (History, Verdict) {
    let (world, plan) = (Arc::new(World::start().await), Arc::new(plan));
    let is_over = Arc::new(AtomicBool::new(false));
    let callers = tokio::spawn(load::play(world.clone(), plan.clone(), is_over.clone()));
    for (number, round) in plan.rounds.iter().enumerate() {
        faults::play(&world, number, round).await;
        eprintln!("round {} of {} has passed", number + 1, plan.rounds.len());
    }
    is_over.store(true, Ordering::Relaxed);
    callers.await.expect("the callers end without a panic");
    let history = gather::gather(&world).await;
    let verdict = checker::check(&history);
    if let Some(folder) = std::env::var_os("LOGS") {
        world.keep_logs(folder.as_ref()).await;
    }
    (history, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A short run, each time by another seed. Its bounds are in seconds, so it runs where the machine is not shared: by
    /// `make chaos-short`, and not in every `make test`.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_short_storm_breaks_no_promise() {
        if std::env::var_os("CHAOS_SHORT").is_none() {
            eprintln!("skipped: CHAOS_SHORT is not set, see `make chaos-short`");
            return;
        }
        let seed = number("SEED").unwrap_or_else(clock::now_ms);
        eprintln!("chaos: SEED={seed}");
        let (history, verdict) = run(Plan::short(seed)).await;
        let report = report::line(seed, &history, &verdict);
        eprintln!("{report}");
        assert!(verdict.broken.is_empty(), "{report}\n{}", verdict.broken.join("\n"));
        assert!(history.jobs.len() >= 150, "too few jobs to mean anything: {report}");
        assert_eq!(report::faults(&history).len(), 8, "every class of fault came: {report}");
    }
}
