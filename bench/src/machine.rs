//! The machine: what it is, and whether anybody else uses it just now.
//!
//! Figures from a machine that others use mean little. So each measure waits for a quiet moment, within a bound for the whole run, and
//! says when there was none.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Others may use this share of all processors, steal included, …
const BUSY_SHARE_MAX: f64 = 0.06;
/// … and the slowest of some runs of the same loop may take so much longer than the fastest.
const LOOP_SPREAD_MAX: f64 = 1.25;

const LOOK_TIME: Duration = Duration::from_millis(250);
const LOOP_RUNS: usize = 8;
const LOOP_STEPS: u64 = 2_000_000;

/// Looks at the machine before each measure.
pub struct Quiet {
    patience_left: Duration,
    /// What was seen before measures that did not wait any longer.
    noises: Vec<String>,
}

impl Quiet {
    pub fn new(patience: Duration) -> Quiet {
        Quiet {
            patience_left: patience,
            noises: Vec::new(),
        }
    }

    /// Returns when the machine is quiet, or when the patience of the whole run is used up; false = it was not quiet.
    pub async fn wait(&mut self, before: &str) -> anyhow::Result<bool> {
        loop {
            let began = Instant::now();
            let (busy, spread) = look().await?;
            if busy <= BUSY_SHARE_MAX && spread <= LOOP_SPREAD_MAX {
                return Ok(true);
            }
            if self.patience_left.is_zero() {
                let noise = format!(
                    "{before}: others used {:.0} %, a loop varied by {spread:.2}",
                    busy * 100.0
                );
                self.noises.push(noise);
                return Ok(false);
            }
            self.patience_left = self.patience_left.saturating_sub(began.elapsed());
        }
    }

    pub fn noises(&self) -> &[String] {
        &self.noises
    }
}

async fn look() -> anyhow::Result<(f64, f64)> {
    let before = times()?;
    tokio::time::sleep(LOOK_TIME).await;
    let after = times()?;
    let (busy, all) = (after.0 - before.0, after.1 - before.1);
    let runs: Vec<f64> = (0..LOOP_RUNS).map(|_| time_of_loop()).collect();
    let (fastest, slowest) = runs
        .iter()
        .fold((f64::MAX, 0.0_f64), |(low, high), run| (low.min(*run), high.max(*run)));
    Ok((busy / all.max(1.0), slowest / fastest))
}

/// Busy and all ticks of all processors.
fn times() -> anyhow::Result<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .filter_map(|tick| tick.parse().ok())
        .collect();
    let all: f64 = ticks.iter().take(8).sum();
    let idle: f64 = ticks.iter().skip(3).take(2).sum();
    Ok((all - idle, all))
}

fn time_of_loop() -> f64 {
    let began = Instant::now();
    let mut value = 1_u64;
    for step in 0..LOOP_STEPS {
        value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step));
    }
    began.elapsed().as_secs_f64()
}

/// What may still be written to the disk of this folder.
pub fn free_disk_bytes(folder: &Path) -> anyhow::Result<u64> {
    let output = Command::new("df").args(["-P", "-k"]).arg(folder).output()?;
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let available = table.lines().nth(1).and_then(|line| line.split_whitespace().nth(3));
    let kib = available.and_then(|kib| kib.parse::<u64>().ok());
    Ok(kib.context("df tells how much is free")? * 1024)
}

/// One line of Markdown about the machine and what runs on it.
pub fn description() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let (cpus, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let model = cpus
        .lines()
        .find_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim().to_owned()));
    let memory_kib = memory.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()
    });
    let said = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
    };
    let redis = said("redis-server", "--version").unwrap_or_default();
    format!(
        "{} × {}, {} GiB, Linux {}, Redis {}, {}",
        std::thread::available_parallelism().map_or(1, Into::into),
        model.unwrap_or_else(|| "an unnamed processor".to_owned()),
        memory_kib.unwrap_or_default() / 1024 / 1024,
        read("/proc/sys/kernel/osrelease").trim(),
        redis
            .split_whitespace()
            .find_map(|word| word.strip_prefix("v="))
            .unwrap_or("?"),
        said("rustc", "--version").unwrap_or_default(),
    )
}
