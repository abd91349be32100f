//! Calls that are one script: Submit of somebody new, Submit that attaches, LookupNss from cache, Get of a finished job; against F2.
//!
//! The replica has one worker, and that one waits for a provider who does not answer. So Submit is measured and not the work behind
//! it, which is the matter of `lifecycle`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use semanas_proto::v1::{GetWorkHistoryRequest, JobState, LookupNssRequest};
use serde_json::json;

use super::Run;
use crate::calls;
use crate::load::{Call, Closed, Errors, Latencies, Open, closed, open};
use crate::people;
use crate::spread::Spread;
use crate::world::{Replica, World};

/// Callers at a time.
const CALLERS: usize = 128;

/// People with finished jobs, and as many with living ones.
const KNOWN: u64 = 1_000;
const LIVING_FIRST: u64 = 1_000_000;
const NEW_FIRST: u64 = 10_000_000;
const BLOCKER: u64 = 5_000_000;

const PREPARED_AT_A_TIME: usize = 32;

/// Parts that a measure of latencies comes in.
const SLICES: u32 = 6;

pub async fn measure(run: &mut Run) -> anyhow::Result<()> {
    let world = World::start().await?;
    let finished = finish_some(&world).await?;
    let replica = busy_replica(&world, &[]).await?;
    prepare(0..KNOWN, async |number| {
        calls::submitted(&replica.stubs, number, people::by_nss(LIVING_FIRST + number)).await
    })
    .await?;
    let floor = world.one_script().await?;

    let (one_script, server) = (&floor.process, &replica.process);
    let subjects = [
        ("F2", one_script, calls::submit_new(&floor.stubs)),
        ("submit", server, calls::submit_new(&replica.stubs)),
        ("attach", server, calls::attach(&replica.stubs, LIVING_FIRST, KNOWN)),
        ("lookup_cached", server, calls::lookup_cached(&replica.stubs, KNOWN)),
        ("get", server, calls::get_finished(&replica.stubs, finished.into())),
    ];
    let numbers = Arc::new(AtomicU64::new(NEW_FIRST));
    let mut per_s: [Vec<f64>; 5] = Default::default();
    let mut cpu_us: [Vec<f64>; 5] = Default::default();
    let load = Closed {
        callers: CALLERS,
        warm_up: run.scale.warm_up,
        time: run.scale.time,
    };
    for _ in 0..run.scale.repeats {
        run.quiet.wait("unary calls").await?;
        for (((name, process, call), figures), cpu_us) in subjects.iter().zip(&mut per_s).zip(&mut cpu_us) {
            let errors = Arc::default();
            let before = (process.cpu_s()?, numbers.load(Ordering::Relaxed));
            figures.push(closed(load, &numbers, call, &errors).await);
            let calls = numbers.load(Ordering::Relaxed) - before.1;
            cpu_us.push((process.cpu_s()? - before.0) / calls as f64 * 1e6);
            run.report.errors(name, errors.told());
        }
    }
    // Throughput is shared with whoever else uses the machine; this hardly is.
    let told: Vec<String> = subjects
        .iter()
        .zip(&cpu_us)
        .map(|((name, ..), us)| format!("{name} {:.0}", Spread::of(us).median))
        .collect();
    run.report.note(format!(
        "processor time of a call in the server, in µs: {}",
        told.join(", ")
    ));
    let [floors, rest @ ..] = &per_s;
    let rows = [
        ("submit", "Submit, new person each, per s", "≥ 0.5"),
        ("attach", "Submit that attaches, per s", "≥ 0.7"),
        ("lookup_cached", "LookupNss from cache, per s", "≥ 0.7"),
        ("get", "Get of a finished job, per s", "≥ 0.7"),
    ];
    for ((key, what, target), figures) in rows.into_iter().zip(rest) {
        run.report.ratio(key, what, figures, floors, target);
    }
    if run.scale.is_full {
        let half = |per_s: &Vec<f64>| Spread::of(per_s).median / 2.0;
        latencies(
            run,
            [half(&per_s[0]), half(&per_s[1])],
            [&subjects[0].2, &subjects[1].2],
            &numbers,
        )
        .await?;
        echo(run, &world).await?;
    }
    Ok(())
}

/// Times of F2 and of Submit, each at half of the rate that it bears, and of F2 at Submit's rate. A disk that stands still for a
/// moment decides a p99, so each takes its turn many times, and a turn's calls are counted together.
async fn latencies(
    run: &mut Run,
    [of_floor, of_submit]: [f64; 2],
    [floor, submit]: [&Call; 2],
    numbers: &Arc<AtomicU64>,
) -> anyhow::Result<()> {
    let subjects = [(floor, of_floor), (submit, of_submit), (floor, of_submit)];
    let (mut p50_ms, mut p99_ms): ([Vec<f64>; 3], [Vec<f64>; 3]) = Default::default();
    for _ in 0..run.scale.repeats {
        run.quiet.wait("Submit at half load").await?;
        let mut times: [Vec<Latencies>; 3] = Default::default();
        for _ in 0..SLICES {
            for ((call, rate_per_s), times) in subjects.iter().zip(&mut times) {
                let load = Open {
                    rate_per_s: *rate_per_s,
                    warm_up: run.scale.warm_up / SLICES,
                    time: run.scale.time / SLICES,
                };
                let errors: Arc<Errors> = Arc::default();
                times.push(open(load, numbers, call, &errors).await);
                run.report.errors("Submit at half load", errors.told());
            }
        }
        for (at, times) in times.into_iter().enumerate() {
            let times = Latencies::together(times);
            p50_ms[at].push(times.share_ms(0.5));
            p99_ms[at].push(times.share_ms(0.99));
        }
    }
    let what = format!("Submit at half load ({of_submit:.0}/s, F2 {of_floor:.0}/s)");
    run.report
        .ratio("submit_p50", &format!("{what}, p50 in ms"), &p50_ms[1], &p50_ms[0], "");
    run.report.ratio(
        "submit_p99",
        &format!("{what}, p99 in ms"),
        &p99_ms[1],
        &p99_ms[0],
        "≤ 2",
    );
    let what = format!("Both at {of_submit:.0}/s, p99 in ms");
    run.report
        .ratio("submit_p99_same_rate", &what, &p99_ms[1], &p99_ms[2], "");
    Ok(())
}

/// F1, which says what tonic and the load generator allow.
async fn echo(run: &mut Run, world: &World) -> anyhow::Result<()> {
    let floor = world.floor(&["echo"]).await?;
    let (numbers, errors) = (Arc::default(), Arc::default());
    let load = Closed {
        callers: CALLERS,
        warm_up: run.scale.warm_up,
        time: run.scale.time,
    };
    let call = calls::submit_new(&floor.stubs);
    let per_s = closed(load, &numbers, &call, &errors).await;
    run.report
        .figure("echo_per_s", "F1, bare unary echo, per s", &[per_s], "");
    run.report.errors("F1", errors.told());
    Ok(())
}

/// People whose jobs have ended and whose NSS is known; gives the jobs.
async fn finish_some(world: &World) -> anyhow::Result<Vec<String>> {
    let replica = world.replica(&[]).await?;
    let stubs = &replica.stubs;
    prepare(0..KNOWN, async |number| {
        let request = LookupNssRequest {
            curp: people::curp(number),
            ..LookupNssRequest::default()
        };
        stubs.of(number).lookup_nss(request).await.map_err(calls::told)?;
        let submitted = calls::submitted(stubs, number, people::by_nss(number)).await?;
        let job_id = submitted.job.map(|job| job.job_id).unwrap_or_default();
        let mut messages = calls::watch(stubs, number, job_id.clone(), submitted.watch_cursor).await?;
        calls::last_message(&mut messages).await?;
        Ok(job_id)
    })
    .await
}

/// A replica whose one worker waits for Tu Identidad, who does not answer any more.
pub async fn busy_replica(world: &World, settings: &[(&str, &str)]) -> anyhow::Result<Replica> {
    let hang = json!({"faults": [{"fault": {"kind": "hang"}}]});
    world.sandbox.set_provider("tuidentidad", &hang).await?;
    let busy = [
        ("ENGINE__WORKERS_MAX", "1"),
        ("ENGINE__JOB_DEADLINE", "24h"),
        ("PROVIDERS__TUIDENTIDAD__CALL_TIMEOUT", "10m"),
    ];
    let replica = world.replica(&[&busy, settings].concat()).await?;
    occupy(&replica).await?;
    Ok(replica)
}

/// Returns when the replica's one worker waits for its provider.
pub async fn occupy(replica: &Replica) -> anyhow::Result<()> {
    let submitted = calls::submitted(&replica.stubs, 0, people::by_nss(BLOCKER)).await;
    let job = submitted
        .map_err(anyhow::Error::msg)?
        .job
        .context("a submit names a job")?;
    for _ in 0..1_000 {
        let request = GetWorkHistoryRequest {
            job_id: job.job_id.clone(),
            limit: None,
        };
        let answer = replica.stubs.of(0).get_work_history(request).await?.into_inner();
        if answer.job.is_some_and(|job| job.state() == JobState::Running) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    bail!("the worker was not occupied")
}

/// Does something for each number, some at a time.
pub async fn prepare<T, F: Future<Output = Result<T, String>>>(
    numbers: std::ops::Range<u64>,
    one: impl Fn(u64) -> F,
) -> anyhow::Result<Vec<T>> {
    let all = stream::iter(numbers).map(one).buffered(PREPARED_AT_A_TIME);
    all.map_err(anyhow::Error::msg).try_collect().await
}
