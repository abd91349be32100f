//! The whole life of a job: Submit, one call to a provider who answers at once, stored, and one watcher sees the end; against F5.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Run;
use crate::calls;
use crate::load::{Call, Closed, Errors, Open, closed, open};
use crate::process::Process;
use crate::world::{Floor, Replica, World};

/// The rate at which latencies are compared.
const JOBS_PER_S: f64 = 200.0;

/// With so many callers what a job costs is counted.
const CALLERS_COUNTED: usize = 64;

const PROVIDER: &str = "tuidentidad";

/// The same parts for both sides.
struct Sides {
    world: World,
    floor: Floor,
    replica: Replica,
    numbers: Arc<AtomicU64>,
}

/// What a job costs beside time.
#[derive(Default)]
struct Costs {
    scripts: Vec<f64>,
    http_calls: Vec<f64>,
    cpu_ms: Vec<f64>,
    redis_cpu_ms: Vec<f64>,
}

pub async fn measure(run: &mut Run) -> anyhow::Result<()> {
    let world = World::start().await?;
    let sides = Sides {
        floor: world.life().await?,
        replica: world.replica(&[]).await?,
        world,
        numbers: Arc::default(),
    };
    let callers = [
        (CALLERS_COUNTED, "lifecycle", "Whole life, 64 in flight, jobs per s"),
        (256, "lifecycle_256", "Whole life, 256 in flight, jobs per s"),
    ];
    for (callers, key, what) in callers {
        throughput(run, &sides, callers, key, what).await?;
    }
    if run.scale.is_full {
        latencies(run, &sides).await?;
    }
    Ok(())
}

async fn throughput(run: &mut Run, sides: &Sides, callers: usize, key: &'static str, what: &str) -> anyhow::Result<()> {
    let load = Closed {
        callers,
        warm_up: run.scale.warm_up,
        time: run.scale.time,
    };
    let (mut figures, mut floors) = (Vec::new(), Vec::new());
    let (mut costs, mut floor_costs) = (Costs::default(), Costs::default());
    for _ in 0..run.scale.repeats {
        run.quiet.wait(what).await?;
        let (floor, replica) = (&sides.floor, &sides.replica);
        floors.push(
            once(
                run,
                sides,
                load,
                &calls::whole_life(&floor.stubs),
                &floor.process,
                &mut floor_costs,
            )
            .await?,
        );
        figures.push(
            once(
                run,
                sides,
                load,
                &calls::whole_life(&replica.stubs),
                &replica.process,
                &mut costs,
            )
            .await?,
        );
    }
    run.report.ratio(key, what, &figures, &floors, "≥ 0.6");
    if callers == CALLERS_COUNTED {
        report_costs(run, &costs, &floor_costs);
    }
    Ok(())
}

fn report_costs(run: &mut Run, costs: &Costs, floors: &Costs) {
    let rows = [
        (
            "redis_round_trips",
            "Redis round trips of a job",
            &costs.scripts,
            &floors.scripts,
            "≤ 6 of them",
        ),
        (
            "http_calls",
            "HTTP calls of a job to its provider",
            &costs.http_calls,
            &floors.http_calls,
            "1",
        ),
        (
            "server_time",
            "Processor time of a job in the server, ms",
            &costs.cpu_ms,
            &floors.cpu_ms,
            "",
        ),
        (
            "redis_time",
            "Processor time of a job in Redis, ms",
            &costs.redis_cpu_ms,
            &floors.redis_cpu_ms,
            "",
        ),
    ];
    for (key, what, figures, floors, target) in rows {
        run.report.ratio(key, what, figures, floors, target);
    }
}

/// Jobs per second, and what each cost.
async fn once(
    run: &mut Run,
    sides: &Sides,
    load: Closed,
    call: &Call,
    process: &Process,
    costs: &mut Costs,
) -> anyhow::Result<f64> {
    let Sides { world, numbers, .. } = sides;
    let spent = async || {
        let counts = (
            world.redis.scripts_called().await?,
            world.sandbox.calls(PROVIDER).await?,
        );
        anyhow::Ok((
            counts.0 as f64,
            counts.1 as f64,
            process.cpu_s()?,
            world.redis.process().cpu_s()?,
        ))
    };
    let errors: Arc<Errors> = Arc::default();
    let (first, before) = (numbers.load(Ordering::Relaxed), spent().await?);
    let per_s = closed(load, numbers, call, &errors).await;
    let (jobs, after) = ((numbers.load(Ordering::Relaxed) - first) as f64, spent().await?);
    costs.scripts.push((after.0 - before.0) / jobs);
    costs.http_calls.push((after.1 - before.1) / jobs);
    costs.cpu_ms.push((after.2 - before.2) / jobs * 1000.0);
    costs.redis_cpu_ms.push((after.3 - before.3) / jobs * 1000.0);
    run.report.errors("whole life", errors.told());
    Ok(per_s)
}

async fn latencies(run: &mut Run, sides: &Sides) -> anyhow::Result<()> {
    let load = Open {
        rate_per_s: JOBS_PER_S,
        warm_up: run.scale.warm_up,
        time: run.scale.time,
    };
    let shares = [(0.5, "lifecycle_p50", "p50"), (0.99, "lifecycle_p99", "p99")];
    let calls = [&sides.floor.stubs, &sides.replica.stubs].map(calls::whole_life);
    let mut times_ms: [[Vec<f64>; 2]; 2] = Default::default();
    for _ in 0..run.scale.repeats {
        run.quiet.wait("whole life at a rate").await?;
        for (call, of_side) in calls.iter().zip(&mut times_ms) {
            let errors: Arc<Errors> = Arc::default();
            let times = open(load, &sides.numbers, call, &errors).await;
            for ((share, ..), figures) in shares.iter().zip(of_side) {
                figures.push(times.share_ms(*share));
            }
            run.report.errors("whole life at a rate", errors.told());
        }
    }
    let [floors, figures] = &times_ms;
    for ((_, key, name), (figures, floors)) in shares.into_iter().zip(figures.iter().zip(floors)) {
        let what = format!("Whole life at {JOBS_PER_S}/s, {name} in ms");
        run.report.ratio(key, &what, figures, floors, "≤ 2");
    }
    Ok(())
}
