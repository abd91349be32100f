//! `semanas-bench`: measures Semanas against floors that the same run measures. `bench/README.md` says what and how.
//!
//! This file knows the order of the measures and what a run prints. The exit code says whether the run went as meant, and nothing
//! about how fast anything was.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod calls;
mod load;
mod machine;
mod measures;
mod monitor;
mod people;
mod process;
mod redis_server;
mod report;
mod scale;
mod spread;
mod watchers;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use crate::machine::Quiet;
use crate::measures::{Run, delivery, lifecycle, parked, scripts, sqlite, startup, streams, unary};
use crate::report::Report;
use crate::scale::Scale;

#[derive(Parser)]
struct Arguments {
    /// The short form: ratios only, in under two minutes.
    #[arg(long)]
    quick: bool,
    /// Only these measures.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Measure>,
    /// How often each figure is measured.
    #[arg(long)]
    repeats: Option<usize>,
    /// Streams held idle, and watchers of one event.
    #[arg(long)]
    streams: Option<usize>,
    /// Jobs that are parked.
    #[arg(long)]
    parked: Option<usize>,
    /// Seconds that the whole run may wait for a quiet machine.
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u64>,
    /// The file whose table is to be replaced.
    #[arg(long)]
    results: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measure {
    Unary,
    Lifecycle,
    Scripts,
    Idle,
    Fanout,
    Delivery,
    Parked,
    Sqlite,
    Startup,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the run failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns on Ctrl-C and on the signal that supervisors send.
async fn stopped() {
    let mut terminated = signal(SignalKind::terminate()).expect("a process may listen to its signals");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

/// False = calls failed, or a measure did: the run ends with it, and tells what it has until then.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let began = Instant::now();
    let scale = scale(&arguments);
    let mut run = Run {
        quiet: Quiet::new(scale.quiet_patience),
        scale,
        report: Report::default(),
    };
    for measure in Measure::value_variants() {
        if is_wanted(*measure, &arguments) {
            tell(&format!("{} ({} s)", name(*measure), began.elapsed().as_secs()));
            // A measure that is stopped takes its processes with it.
            let ended = tokio::select! {
                ended = measured(*measure, &mut run) => ended,
                () = stopped() => Err(anyhow::anyhow!("it was stopped")),
            };
            if let Err(error) = ended {
                let told = format!("the run ended here: {error:#}");
                run.report.errors(&name(*measure), Some(told));
                break;
            }
        }
    }
    for noise in run.quiet.noises().to_vec() {
        run.report.note(format!("the machine was not quiet: {noise}"));
    }
    let is_quiet = run.quiet.noises().is_empty();
    let ratios_only = arguments.quick && arguments.only.is_empty();
    let took = format!("{}; {} s", machine::description(), began.elapsed().as_secs());
    let table = format!("{took}\n\n{}", run.report.table(ratios_only));
    println!("{table}");
    // A table that lacks something must not take the place of one that lacks nothing.
    if let Some(path) = arguments.results.as_ref().filter(|_| !run.report.has_errors()) {
        let results = std::fs::read_to_string(path)?;
        let results = report::with_table(&results, &table).context("the file of results has no place for a table")?;
        std::fs::write(path, results)?;
    }
    println!("{}", run.report.json(is_quiet, ratios_only));
    Ok(!run.report.has_errors())
}

/// The short form leaves out what gives no ratio, unless it is asked for.
fn is_wanted(measure: Measure, arguments: &Arguments) -> bool {
    let gives_ratios = match measure {
        Measure::Unary | Measure::Lifecycle | Measure::Idle | Measure::Fanout => true,
        Measure::Scripts | Measure::Delivery | Measure::Parked | Measure::Sqlite | Measure::Startup => false,
    };
    match arguments.only.is_empty() {
        true => gives_ratios || !arguments.quick,
        false => arguments.only.contains(&measure),
    }
}

async fn measured(measure: Measure, run: &mut Run) -> anyhow::Result<()> {
    match measure {
        Measure::Unary => unary::measure(run).await,
        Measure::Lifecycle => lifecycle::measure(run).await,
        Measure::Scripts => scripts::measure(run).await,
        Measure::Idle => streams::idle(run).await,
        Measure::Fanout => streams::fanout(run).await,
        Measure::Delivery => delivery::measure(run).await,
        Measure::Parked => parked::measure(run).await,
        Measure::Sqlite => sqlite::measure(run).await,
        Measure::Startup => startup::measure(run).await,
    }
}

fn scale(arguments: &Arguments) -> Scale {
    let mut scale = if arguments.quick { Scale::quick() } else { Scale::full() };
    scale.quiet_patience = arguments.patience.map_or(scale.quiet_patience, Duration::from_secs);
    scale.repeats = arguments.repeats.unwrap_or(scale.repeats);
    scale.streams = arguments.streams.unwrap_or(scale.streams);
    scale.parked = arguments.parked.unwrap_or(scale.parked);
    scale
}

fn name(measure: Measure) -> String {
    measure
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

/// Where the run stands: to standard error, so that the last line of standard output is the JSON.
pub fn tell(line: &str) {
    eprintln!("{line}");
}
