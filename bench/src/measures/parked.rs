//! Many jobs that wait for their provider: what each takes in Redis, what they cost a replica that has nothing else to do, and whether
//! a job that comes due among a million is taken up as soon as among ten thousand.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{bail, ensure};
use redis::aio::MultiplexedConnection;
use semanas_proto::v1::JobStage;
use semanas_proto::v1::watch_work_history_response::Content;
use serde_json::json;

use super::Run;
use super::unary::prepare;
use crate::calls;
use crate::load::{Call, Errors, Latencies, Open, open};
use crate::machine;
use crate::people;
use crate::world::{Replica, Stubs, World};

const SHARDS: u8 = 16;

/// Jobs that come due among the parked ones.
const DUE_PER_S: f64 = 100.0;
const DUE_FIRST: u64 = 50_000_000;

/// A parked job is due later than this.
const FAR: Duration = Duration::from_secs(3600);

/// How long parking may stand still until it has failed.
const STANDSTILL_MAX: Duration = Duration::from_secs(30);

/// What Redis writes of one job until it is parked; nothing rewrites it meanwhile.
const DISK_BYTES_PER_JOB: u64 = 5_000;

const GB: u64 = 1_000_000_000;

/// One size of the crowd.
struct Crowd {
    bytes_per_job: f64,
    idle_cores: f64,
    sweep_us: f64,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
}

pub async fn measure(run: &mut Run) -> anyhow::Result<()> {
    if run.scale.parked == 0 {
        return Ok(());
    }
    let world = World::start().await?;
    must_have_room(world.folder.path(), run.scale.parked as u64 * DISK_BYTES_PER_JOB)?;
    let patient = [
        ("ENGINE__JOB_DEADLINE", "48h"),
        ("PROVIDERS__KIBAN__POLL_FIRST", "24h"),
        ("PROVIDERS__KIBAN__POLL_MAX", "24h"),
    ];
    let replica = world.replica(&patient).await?;
    let few = crowd(run, &world, &replica, 0, run.scale.parked_few).await?;
    let many = crowd(run, &world, &replica, run.scale.parked_few, run.scale.parked).await?;
    let size = run.scale.parked;
    let report = &mut run.report;
    let what = format!("Parked job in Redis, bytes each, {size} of them");
    report.figure("parked_bytes", &what, &[many.bytes_per_job], "≤ 3,000");
    report.figure(
        "parked_idle_cores",
        "Replica that only has parked jobs, cores",
        &[many.idle_cores],
        "< 0.02",
    );
    let what = format!(
        "Due to answered among {size} parked, p50 in ms; floor: among {}",
        run.scale.parked_few
    );
    report.ratio("parked_claim", &what, &many.p50_ms, &few.p50_ms, "≤ 1.5");
    report.ratio(
        "parked_claim_p99",
        "The same, p99 in ms",
        &many.p99_ms,
        &few.p99_ms,
        "≤ 1.5",
    );
    report.note(format!(
        "time in Redis of a script on a replica that has nothing to do, µs: {:.0} among many, {:.0} among few",
        many.sweep_us, few.sweep_us
    ));
    Ok(())
}

/// A full disk would be noticed after minutes, and by others as well.
fn must_have_room(folder: &Path, needed_bytes: u64) -> anyhow::Result<()> {
    let free_bytes = machine::free_disk_bytes(folder)?;
    ensure!(
        free_bytes >= needed_bytes,
        "parked jobs write {} GB to {}, where {} GB are free: free some, name a folder on another disk as TMPDIR, or park fewer with \
         --parked",
        needed_bytes.div_ceil(GB),
        folder.display(),
        free_bytes / GB,
    );
    Ok(())
}

async fn crowd(run: &mut Run, world: &World, replica: &Replica, from: usize, to: usize) -> anyhow::Result<Crowd> {
    let bytes_before = world.redis.used_bytes().await?;
    let never_ready = json!({"kiban": {"running_polls": 1_000_000_000}});
    world.sandbox.set_provider("kiban", &never_ready).await?;
    prepare(from as u64..to as u64, async |number| {
        calls::submitted(&replica.stubs, number, people::by_names(number))
            .await
            .map(drop)
    })
    .await?;
    let mut redis = world.redis.connect().await?;
    all_parked(&mut redis, to).await?;
    let bytes = world.redis.used_bytes().await? - bytes_before;

    run.quiet.wait("parked jobs").await?;
    let (cpu_s, scripts, began) = (
        replica.process.cpu_s()?,
        world.redis.script_time().await?,
        Instant::now(),
    );
    tokio::time::sleep(run.scale.idle).await;
    let idle_cores = (replica.process.cpu_s()? - cpu_s) / began.elapsed().as_secs_f64();
    let after = world.redis.script_time().await?;

    world.sandbox.set_provider("kiban", &json!({})).await?;
    let (p50_ms, p99_ms) = due_jobs(run, world, &redis, to).await?;
    Ok(Crowd {
        bytes_per_job: bytes as f64 / (to - from) as f64,
        idle_cores,
        sweep_us: (after.1 - scripts.1) / (after.0 - scripts.0),
        p50_ms,
        p99_ms,
    })
}

/// Waits until so many jobs are due in a far future.
async fn all_parked(redis: &mut MultiplexedConnection, count: usize) -> anyhow::Result<()> {
    let (mut known, mut moved_at) = (0, Instant::now());
    loop {
        let far_us = (SystemTime::now().duration_since(UNIX_EPOCH)? + FAR).as_micros() as u64;
        let mut parked = 0;
        for shard in 0..SHARDS {
            let mut counting = redis::cmd("ZCOUNT");
            counting
                .arg(format!("semanas:{{p{shard:02x}}}:due"))
                .arg(far_us)
                .arg("+inf");
            parked += counting.query_async::<usize>(redis).await?;
        }
        if parked >= count {
            return Ok(());
        }
        if parked != known {
            (known, moved_at) = (parked, Instant::now());
        } else if moved_at.elapsed() > STANDSTILL_MAX {
            bail!("{parked} of {count} jobs are parked, and no more come");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// p50 and p99 of each turn, from when a job was due until its answer was on record.
async fn due_jobs(
    run: &mut Run,
    world: &World,
    redis: &MultiplexedConnection,
    crowd: usize,
) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let soon = [
        ("PROVIDERS__KIBAN__POLL_FIRST", "2s"),
        ("PROVIDERS__KIBAN__POLL_MAX", "2s"),
    ];
    let replica = world.replica(&soon).await?;
    // People whom no other crowd's due jobs were for.
    let numbers = Arc::new((DUE_FIRST + crowd as u64).into());
    let load = Open {
        rate_per_s: DUE_PER_S,
        warm_up: run.scale.warm_up,
        time: run.scale.time,
    };
    let (mut p50_ms, mut p99_ms) = (Vec::new(), Vec::new());
    for _ in 0..run.scale.repeats {
        run.quiet.wait("due jobs among parked ones").await?;
        let (delays, errors) = (Arc::default(), Arc::<Errors>::default());
        open(load, &numbers, &until_answered(&replica.stubs, redis, &delays), &errors).await;
        let delays = Latencies::new(std::mem::take(
            &mut *delays.lock().unwrap_or_else(PoisonError::into_inner),
        ));
        p50_ms.push(delays.share_ms(0.5));
        p99_ms.push(delays.share_ms(0.99));
        run.report.errors("due jobs among parked ones", errors.told());
    }
    Ok((p50_ms, p99_ms))
}

/// Submits to Kiban, reads in Redis when the job is due once it waits, and notes how much later its answer was there.
fn until_answered(stubs: &Stubs, redis: &MultiplexedConnection, delays: &Arc<Mutex<Vec<u32>>>) -> Call {
    let (stubs, redis, delays) = (stubs.clone(), redis.clone(), Arc::clone(delays));
    Arc::new(move |number| {
        let (stubs, mut redis, delays) = (stubs.clone(), redis.clone(), Arc::clone(&delays));
        Box::pin(async move {
            let submitted = calls::submitted(&stubs, number, people::by_names(number)).await?;
            let job_id = submitted.job.unwrap_or_default().job_id;
            let mut messages = calls::watch(&stubs, number, job_id.clone(), submitted.watch_cursor).await?;
            let mut due_us = None;
            while let Some(message) = messages.message().await.map_err(calls::told)? {
                let Some(Content::Event(event)) = message.content else {
                    continue;
                };
                if event.stage() == JobStage::WaitingForProvider {
                    due_us = Some(due(&mut redis, &job_id).await?);
                }
                if message.terminal {
                    let at = event.event_time.unwrap_or_default();
                    let ended_us = at.seconds * 1_000_000 + i64::from(at.nanos / 1000);
                    let due_us = due_us.ok_or_else(|| {
                        let failure = event.job.as_ref().and_then(|job| job.failure.as_ref());
                        let reason = failure.map_or("no failure", |failure| failure.reason().as_str_name());
                        let (sequence, state) = (event.sequence, event.state().as_str_name());
                        format!("a job was not seen to wait, and ended {state} ({reason}) with event {sequence}")
                    })?;
                    let delay_us = u32::try_from(ended_us - due_us).unwrap_or_default();
                    delays.lock().unwrap_or_else(PoisonError::into_inner).push(delay_us);
                    return Ok(());
                }
            }
            Err("a watch ended without a terminal message".to_owned())
        })
    })
}

async fn due(redis: &mut MultiplexedConnection, job_id: &str) -> Result<i64, String> {
    let shard = &job_id[job_id.len() - 2..];
    let mut asking = redis::cmd("ZSCORE");
    asking.arg(format!("semanas:{{p{shard}}}:due")).arg(job_id);
    let score: Option<f64> = asking.query_async(redis).await.map_err(|error| error.to_string())?;
    score
        .map(|us| us as i64)
        .ok_or_else(|| "a job that waits is not due".to_owned())
}
