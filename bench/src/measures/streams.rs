//! Watches that are held: what an idle one costs, what comes back when they close, and how soon all hear of one event; against F3.
//!
//! Idle watches follow a job each, as callers do. Watches of one event all follow the same.

use std::time::{Duration, Instant};

use semanas_proto::v1::CancelWorkHistoryRequest;
use serde_json::json;

use super::Run;
use super::unary::{busy_replica, prepare};
use crate::calls;
use crate::people;
use crate::process::Process;
use crate::watchers::Watchers;
use crate::world::{Stubs, World};

/// By when closed streams must have given their memory back, and between two looks.
const RETURN_PATIENCE: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Until an allocator has settled after the last stream was opened.
const SETTLING: Duration = Duration::from_secs(1);

/// Memory of many streams varies by a hundredth, and a turn at full size takes two minutes.
const TURNS_MAX: usize = 2;

/// What is watched at the floor, who knows no jobs: a name as long as those of Semanas.
const NO_JOB: &str = "wh_0000000000000000000000000000000000";

/// Of idle streams.
struct Idle {
    bytes_per_stream: f64,
    cores: f64,
    messages: u64,
    /// Share of the memory that came back in time.
    returned: f64,
}

pub async fn idle(run: &mut Run) -> anyhow::Result<()> {
    let (mut bytes, mut shared_bytes, mut floor_bytes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut cores, mut returned) = (Vec::new(), Vec::new());
    let world = World::start().await?;
    // The replicas that are measured have no memory left over from submitting.
    let submitting = busy_replica(&world, &[]).await?;
    let jobs = living_jobs(&submitting.stubs, run.scale.streams as u64).await?;
    drop(submitting);
    let most = (run.scale.streams + 100).to_string();
    let settings = [
        ("ENGINE__WORKERS_MAX", "1"),
        ("WATCH__STREAMS_MAX", most.as_str()),
        // Each replica has one job in hand when it is dropped; none of them may end while the others are watched.
        ("PROVIDERS__TUIDENTIDAD__CALL_TIMEOUT", "10m"),
    ];
    for _ in 0..run.scale.repeats.min(TURNS_MAX) {
        run.quiet.wait("idle streams").await?;
        let floor = world.floor(&["stream"]).await?;
        let of_floor = hold(run, &floor.process, &floor.stubs, |_| NO_JOB.to_owned(), None).await?;
        drop(floor);

        let replica = world.replica(&settings).await?;
        let of_one_job = hold(run, &replica.process, &replica.stubs, |_| jobs[0].clone(), None).await?;
        drop(replica);
        let replica = world.replica(&settings).await?;
        let idle = Some(run.scale.idle);
        let own_job = |number: usize| jobs[number].clone();
        let of_replica = hold(run, &replica.process, &replica.stubs, own_job, idle).await?;

        shared_bytes.push(of_one_job.bytes_per_stream);
        floor_bytes.push(of_floor.bytes_per_stream);
        bytes.push(of_replica.bytes_per_stream);
        cores.push(of_replica.cores);
        returned.push(of_replica.returned);
        if run.scale.is_full {
            let (heartbeats, seconds) = (of_replica.messages, run.scale.idle.as_secs());
            run.report
                .note(format!("idle watches got {heartbeats} heartbeats in {seconds} s"));
        }
    }
    let what = format!("Idle watch, bytes of memory each, {} open", run.scale.streams);
    run.report.ratio("idle_stream", &what, &bytes, &floor_bytes, "≤ 1.3");
    let what = "The same, all of one job";
    run.report
        .ratio("idle_stream_of_one_job", what, &shared_bytes, &floor_bytes, "");
    if run.scale.is_full {
        let what = format!("{} idle watches with heartbeats, cores", run.scale.streams);
        run.report.figure("idle_cores", &what, &cores, "< 0.15");
        run.report.figure(
            "memory_returned",
            "Memory returned within 30 s after they close, share",
            &returned,
            "≥ 0.8",
        );
    }
    Ok(())
}

pub async fn fanout(run: &mut Run) -> anyhow::Result<()> {
    let world = World::start().await?;
    let floor = world.floor(&["stream"]).await?;
    let most = (run.scale.streams + 100).to_string();
    let replica = busy_replica(&world, &[("WATCH__STREAMS_MAX", &most)]).await?;
    let (mut times_ms, mut floors_ms) = (Vec::new(), Vec::new());
    for turn in 0..run.scale.repeats {
        run.quiet.wait("one event to many watchers").await?;
        floors_ms.push(told_all_ms(run, &floor.stubs, NO_JOB.to_owned()).await?);
        let submitted = calls::submitted(&replica.stubs, 0, people::by_nss(turn as u64)).await;
        let job = submitted.map_err(anyhow::Error::msg)?.job.unwrap_or_default();
        times_ms.push(told_all_ms(run, &replica.stubs, job.job_id).await?);
    }
    let what = format!("One event to {} watchers of one job, ms", run.scale.streams);
    run.report.ratio("fanout", &what, &times_ms, &floors_ms, "≤ 1.5");
    Ok(())
}

/// From the Cancel that is the event until the last watcher has heard of it.
async fn told_all_ms(run: &mut Run, stubs: &Stubs, job_id: String) -> anyhow::Result<f64> {
    let mut watchers = Watchers::open(stubs, run.scale.streams, |_| job_id.clone()).await?;
    let began = Instant::now();
    stubs
        .of(0)
        .cancel_work_history(CancelWorkHistoryRequest { job_id })
        .await?;
    let last_ms = watchers.all_ended_ms(began).await;
    run.report.errors("one event", watchers.errors());
    Ok(last_ms)
}

async fn hold(
    run: &mut Run,
    process: &Process,
    stubs: &Stubs,
    job_of: impl Fn(usize) -> String,
    idle: Option<Duration>,
) -> anyhow::Result<Idle> {
    let count = run.scale.streams;
    // Whatever the first streams make the process allocate once is not theirs.
    Watchers::open(stubs, count.min(200), &job_of).await?.close().await;
    tokio::time::sleep(SETTLING).await;
    let before = process.resident_bytes()? as f64;
    let watchers = Watchers::open(stubs, count, &job_of).await?;
    tokio::time::sleep(SETTLING).await;
    let (cpu_s, began) = (process.cpu_s()?, Instant::now());
    tokio::time::sleep(idle.unwrap_or_default()).await;
    let cores = (process.cpu_s()? - cpu_s) / began.elapsed().as_secs_f64().max(f64::EPSILON);
    let held = process.resident_bytes()? as f64;
    let messages = watchers.messages();
    run.report.errors("idle streams", watchers.errors());
    watchers.close().await;
    let returned = match idle.is_some() && run.scale.is_full {
        true => returned(process, before, held).await?,
        false => f64::NAN,
    };
    Ok(Idle {
        bytes_per_stream: (held - before) / count as f64,
        cores,
        messages,
        returned,
    })
}

/// The share of the memory that streams held which is given back in time.
async fn returned(process: &Process, before: f64, held: f64) -> anyhow::Result<f64> {
    let until = Instant::now() + RETURN_PATIENCE;
    let mut least = held;
    while Instant::now() < until {
        tokio::time::sleep(LOOK_INTERVAL).await;
        least = least.min(process.resident_bytes()? as f64);
    }
    Ok((held - least) / (held - before))
}

/// Jobs that wait for a worker which will not be free.
async fn living_jobs(stubs: &Stubs, count: u64) -> anyhow::Result<Vec<String>> {
    prepare(0..count, async |number| {
        let submitted = calls::submitted(stubs, number, people::by_nss(number)).await?;
        Ok(submitted.job.unwrap_or_default().job_id)
    })
    .await
}

/// Providers answer after so long.
pub fn latency(ms: u64) -> serde_json::Value {
    json!({"latency": {"min_ms": ms, "max_ms": ms}})
}
