//! The embedded store: durable submits, and how often one alone makes the disk write.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use serde_json::json;

use super::Run;
use super::unary::occupy;
use crate::calls;
use crate::load::{Closed, Errors, closed};
use crate::people;
use crate::process::Process;
use crate::world::{Replica, World};

const CALLERS: usize = 128;
const ALONE: u64 = 50;
const ALONE_FIRST: u64 = 20_000_000;

pub async fn measure(run: &mut Run) -> anyhow::Result<()> {
    let world = World::start().await?;
    let hang = json!({"faults": [{"fault": {"kind": "hang"}}]});
    world.sandbox.set_provider("tuidentidad", &hang).await?;
    let url = format!("sqlite:{}", world.folder.path().join("measured.db").display());
    let settings = [
        ("STORE__URL", url.as_str()),
        ("ENGINE__WORKERS_MAX", "1"),
        ("PROVIDERS__TUIDENTIDAD__CALL_TIMEOUT", "10m"),
    ];
    let replica = Replica::start(world.folder.path(), &world.sandbox, &settings).await?;
    occupy(&replica).await?;
    let load = Closed {
        callers: CALLERS,
        warm_up: run.scale.warm_up,
        time: run.scale.time,
    };
    let (numbers, call) = (Arc::default(), calls::submit_new(&replica.stubs));
    let mut per_s = Vec::new();
    for _ in 0..run.scale.repeats {
        run.quiet.wait("SQLite").await?;
        let errors: Arc<Errors> = Arc::default();
        per_s.push(closed(load, &numbers, &call, &errors).await);
        run.report.errors("SQLite", errors.told());
    }
    run.report.figure(
        "sqlite_submits_per_s",
        "Durable submits on SQLite, per s",
        &per_s,
        "≥ 2,000",
    );
    match fsyncs_of_one(&replica, world.folder.path()).await? {
        Some(fsyncs) => run
            .report
            .figure("sqlite_fsyncs", "fsyncs of one submit alone", &[fsyncs], "≤ 3"),
        None => run
            .report
            .note("fsyncs were not counted: strace is not installed".to_owned()),
    }
    Ok(())
}

/// Mean over some submits one after the other; `None` without strace.
async fn fsyncs_of_one(replica: &Replica, folder: &Path) -> anyhow::Result<Option<f64>> {
    if Command::new("strace").arg("--version").output().is_err() {
        return Ok(None);
    }
    let trace = folder.join("fsyncs.strace");
    let id = replica.process.id().to_string();
    let mut command = Command::new("strace");
    command
        .args(["-f", "-e", "trace=fsync,fdatasync,sync_file_range", "-p", &id, "-o"])
        .arg(&trace);
    let mut strace = Process::start("strace", &mut command, folder)?;
    wait_for_tracer(&mut strace, &id).await?;
    for number in ALONE_FIRST..ALONE_FIRST + ALONE {
        let submitted = calls::submitted(&replica.stubs, number, people::by_nss(number)).await;
        submitted.map_err(anyhow::Error::msg)?;
    }
    strace.interrupt().await?;
    let seen = std::fs::read_to_string(&trace)?;
    // A call that another thread interrupts in the trace is told in two lines, the second without a parenthesis.
    let fsyncs = seen.lines().filter(|line| line.contains("sync(")).count();
    Ok(Some(fsyncs as f64 / ALONE as f64))
}

async fn wait_for_tracer(strace: &mut Process, traced: &str) -> anyhow::Result<()> {
    for _ in 0..1_000 {
        strace.must_run()?;
        let tasks = std::fs::read_dir(format!("/proc/{traced}/task"))?;
        let is_traced = |task: std::io::Result<std::fs::DirEntry>| {
            let status = std::fs::read_to_string(task?.path().join("status"))?;
            Ok::<_, std::io::Error>(!status.contains("TracerPid:\t0\n"))
        };
        if tasks.map(is_traced).all(|traced| traced.unwrap_or(true)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bail!("strace did not attach:\n{}", strace.log())
}
