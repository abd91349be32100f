//! Chaos: three replicas, a real Redis, the sandbox, a proxy on every link, and everything goes wrong by the seed.
//!
//! `SEED=… JOBS=… TOPOLOGY=standalone|sentinel|cluster LOGS=folder make chaos`. A run has a part for each topology, or for the one
//! that is named; each part has replicas, books and a judgement of its own. What the replicas said is kept in `LOGS`. The last
//! line on standard output is the report, one object of JSON; the exit code is 1 when an invariant is broken. `plan` says what
//! will happen, `world` and `data_store` where, `load`, `watcher` and `faults` do it, `history` is what was seen, `vitals` and
//! `gather` read the rest, and `checker` judges.

#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout)]

mod checker;
mod clock;
mod data_store;
mod faults;
mod gather;
mod history;
mod load;
mod plan;
mod proxy;
mod report;
mod vitals;
mod watcher;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::checker::Verdict;
use crate::history::History;
use crate::plan::{Plan, Topology};
use crate::report::Report;
use crate::world::World;

/// Jobs of a run that is not told how many. Each person brings more than one.
const JOBS_DEFAULT: usize = 5_000;

#[tokio::main]
async fn main() -> ExitCode {
    let seed = number("SEED").unwrap_or_else(clock::now_ms);
    let jobs = number("JOBS").map_or(JOBS_DEFAULT, |jobs| usize::try_from(jobs).unwrap());
    let parts = parts(jobs);
    eprintln!(
        "chaos: SEED={seed} JOBS={jobs}, {} processors, load {}",
        processors(),
        load()
    );
    let mut report = Report::new(seed);
    for (topology, jobs) in parts {
        eprintln!("{}: {jobs} jobs", topology.name());
        let (history, verdict) = run(Plan::long(seed, topology, jobs)).await;
        for line in verdict.puzzles.iter().chain(&verdict.late).chain(&verdict.broken) {
            eprintln!("{line}");
        }
        report.add(&history, &verdict);
        eprintln!("{}: {}", topology.name(), report.line());
    }
    eprintln!("load at the end {}", load());
    println!("{}", report.line());
    ExitCode::from(u8::from(report.is_broken()))
}

/// The topologies of the run, each with its number of jobs.
fn parts(jobs: usize) -> Vec<(Topology, usize)> {
    let Some(wanted) = std::env::var("TOPOLOGY").ok().filter(|name| !name.is_empty()) else {
        return Topology::ALL
            .map(|topology| (topology, jobs * topology.share() / 100))
            .into();
    };
    let named = Topology::ALL.into_iter().find(|topology| topology.name() == wanted);
    let topology = named.unwrap_or_else(|| panic!("TOPOLOGY={wanted} is none of standalone, sentinel, cluster"));
    vec![(topology, jobs)]
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// The machine's load over one, five and fifteen minutes: without it the times of a run mean nothing.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
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
    let (world, plan) = (Arc::new(World::start(&plan).await), Arc::new(plan));
    let vitals = tokio::spawn(vitals::watch(world.clone()));
    let is_over = Arc::new(AtomicBool::new(false));
    let callers = tokio::spawn(load::play(world.clone(), plan.clone(), is_over.clone()));
    for (number, round) in plan.rounds.iter().enumerate() {
        faults::play(&world, number, round).await;
        eprintln!("round {} of {} has passed", number + 1, plan.rounds.len());
    }
    is_over.store(true, Ordering::Relaxed);
    callers.await.expect("the callers end without a panic");
    vitals.abort();
    let history = gather::gather(&world).await;
    let verdict = checker::check(&history, plan.lease_ms);
    if let Some(folder) = std::env::var_os("LOGS") {
        let folder = std::path::PathBuf::from(folder).join(plan.topology.name());
        world.keep_logs(&folder).await;
    }
    (history, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A short run, each time by another seed; `SEED` replays one. What takes too long by the clock is told and not judged: the
    /// machine may be small and shared. What must never be is judged as in a long run.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_short_storm_breaks_no_promise() {
        let seed = number("SEED").unwrap_or_else(clock::now_ms);
        eprintln!("chaos: SEED={seed}");
        let (history, verdict) = run(Plan::short(seed)).await;
        let mut report = Report::new(seed);
        report.add(&history, &verdict);
        let report = report.line();
        eprintln!("{report}\n{}", verdict.late.join("\n"));
        assert!(verdict.broken.is_empty(), "{report}\n{}", verdict.broken.join("\n"));
        assert!(history.jobs.len() >= 150, "too few jobs to mean anything: {report}");
        assert_eq!(report::faults(&history).len(), 8, "every class of fault came: {report}");
    }
}
