//! From the commit of a job's end on one replica to the watcher on another, beside the Redis round trip of the same seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use semanas_proto::v1::WatchWorkHistoryResponse;
use semanas_proto::v1::watch_work_history_response::Content;

use super::Run;
use super::streams::latency;
use crate::calls;
use crate::load::{Call, Errors, Latencies, Open, open};
use crate::people;
use crate::world::{Stubs, World};

const JOBS_PER_S: f64 = 500.0;

/// The provider takes so long that the watch is open before the job ends.
const PROVIDER_MS: u64 = 150;

/// Delays in microseconds.
type Delays = Arc<Mutex<Vec<u32>>>;

pub async fn measure(run: &mut Run) -> anyhow::Result<()> {
    let world = World::start().await?;
    world.sandbox.set_provider("tuidentidad", &latency(PROVIDER_MS)).await?;
    let (works, watched) = (world.replica(&[]).await?, world.replica(&[]).await?);
    let numbers = Arc::default();
    let load = Open {
        rate_per_s: JOBS_PER_S,
        warm_up: run.scale.warm_up,
        time: run.scale.time,
    };
    let (mut p50_ms, mut p99_ms, mut round_trips_ms) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..run.scale.repeats {
        run.quiet.wait("delivery").await?;
        let (delays, errors) = (Delays::default(), Arc::<Errors>::default());
        let call = whole_life_elsewhere(&works.stubs, &watched.stubs, &delays);
        let loaded = open(load, &numbers, &call, &errors);
        let probed = world.redis.round_trips_ms(load.warm_up + load.time);
        let (_, round_trips) = tokio::join!(loaded, probed);
        let delays = std::mem::take(&mut *delays.lock().unwrap_or_else(PoisonError::into_inner));
        let delays = Latencies::new(delays);
        let round_trips = round_trips?.iter().map(|ms| (ms * 1000.0) as u32).collect();
        p50_ms.push(delays.share_ms(0.5));
        p99_ms.push(delays.share_ms(0.99));
        round_trips_ms.push(Latencies::new(round_trips).share_ms(0.99));
        run.report.errors("delivery", errors.told());
    }
    let above: Vec<f64> = p99_ms
        .iter()
        .zip(&round_trips_ms)
        .map(|(delay, trip)| delay - trip)
        .collect();
    let report = &mut run.report;
    report.figure(
        "delivery_p50_ms",
        "Commit to a watcher on another replica, 500 jobs/s, p50 in ms",
        &p50_ms,
        "",
    );
    report.figure("delivery_p99_ms", "The same, p99 in ms", &p99_ms, "");
    report.figure(
        "redis_p99_ms",
        "Redis round trip of a durable write meanwhile, p99 in ms",
        &round_trips_ms,
        "",
    );
    report.figure(
        "delivery_above_redis_ms",
        "p99 of delivery above that of Redis, ms",
        &above,
        "≤ 10",
    );
    Ok(())
}

/// Submits to one replica and watches on the other.
fn whole_life_elsewhere(works: &Stubs, watched: &Stubs, delays: &Delays) -> Call {
    let (works, watched, delays) = (works.clone(), watched.clone(), Arc::clone(delays));
    Arc::new(move |number| {
        let (works, watched, delays) = (works.clone(), watched.clone(), Arc::clone(&delays));
        Box::pin(async move {
            let submitted = calls::submitted(&works, number, people::by_nss(number)).await?;
            let job_id = submitted.job.unwrap_or_default().job_id;
            let mut messages = calls::watch(&watched, number, job_id, submitted.watch_cursor).await?;
            let last = calls::last_message(&mut messages).await?;
            let delay_us = delay_us(&last).ok_or("a watch opened after its job had ended")?;
            delays.lock().unwrap_or_else(PoisonError::into_inner).push(delay_us);
            Ok(())
        })
    })
}

/// Since the event by the clock of the machine, which both replicas share with us.
fn delay_us(message: &WatchWorkHistoryResponse) -> Option<u32> {
    let Some(Content::Event(event)) = &message.content else {
        return None;
    };
    let at = event.event_time?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let happened_us = i128::from(at.seconds) * 1_000_000 + i128::from(at.nanos / 1000);
    u32::try_from(now.as_micros() as i128 - happened_us).ok()
}
