//! The watch over Redis while it is used: is it the same master, and still fit to hold what is paid for?
//!
//! Every couple of seconds each shard tells its reign, and each master its memory and its settings. What follows from a new reign
//! stands in `reigns`; an unfit master is given no new intents, and one that is almost full no new jobs.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use futures::future::join_all;
use redis::cmd;
use tokio::time::sleep;

use super::{
    connection::PING_INTERVAL,
    fitness::{facts, unfit_while_running},
    node::Node,
    open::Durability,
    reigns::{Mode, Reigns},
};
use crate::domain::ids::Shard;

/// Share of its memory from which on a master is given no new jobs, in percent: Redis looks only when a script begins, and the
/// jobs that run must be able to end.
const FULL_PERCENT: u64 = 80;

/// What was last seen of the masters.
#[derive(Clone, Debug, Default)]
pub(super) struct Fitness {
    /// Why new jobs are refused.
    pub(super) full: Option<Arc<str>>,
    /// Why no billed call is begun.
    pub(super) unfit: Option<Arc<str>>,
}

pub(super) type Seen = Arc<RwLock<Fitness>>;

/// Looks at all of it again and again.
pub(super) async fn keep(reigns: Arc<Reigns>, seen: Seen, durability: Durability) {
    loop {
        sleep(PING_INTERVAL).await;
        tokio::join!(look_at_reigns(&reigns), look_at_masters(&reigns, &seen, durability));
    }
}

/// How long until something may have changed for the better.
pub(super) const LOOK_INTERVAL: Duration = PING_INTERVAL;

async fn look_at_reigns(reigns: &Reigns) {
    join_all(Shard::all().map(|shard| look_at_reign(reigns, shard))).await;
}

/// What fails is tried again by the next look, or sooner by whoever needs the shard.
async fn look_at_reign(reigns: &Reigns, shard: Shard) {
    let Ok(told) = reigns.ask(shard).await else { return };
    let known = reigns.reign(shard);
    let looked = if known == told.reign && told.unaccounted > 0 {
        reigns.declare_unaccounted(shard, &told.reign, told.unaccounted).await
    } else if known == told.reign {
        reigns.hear_of_loss(shard, told.lost_at);
        let mode = if told.pause_left.is_zero() {
            Mode::Force
        } else {
            Mode::Redo
        };
        reigns.look_again(shard, mode).await
    } else {
        reigns.take_on(shard, &known, &told.reign).await
    };
    if let Err(error) = looked {
        tracing::warn!(shard = %shard, error = %error, "what was acknowledged could not be looked for");
    }
}

async fn look_at_masters(reigns: &Reigns, seen: &Seen, durability: Durability) {
    let topology = reigns.link.masters().now();
    let looks = join_all(topology.masters.iter().map(|node| look_at(node, durability))).await;
    let mut fitness = Fitness::default();
    for look in looks {
        // A master that does not answer is known by the calls that need it.
        let Some(look) = look else { return };
        fitness.full = fitness.full.or(look.full);
        fitness.unfit = fitness.unfit.or(look.unfit);
    }
    let before = seen.read().expect("nobody panics while holding it").clone();
    tell(before.unfit.as_deref(), fitness.unfit.as_deref(), |why| {
        tracing::error!("no billed call is begun: {why}");
    });
    if before.full.is_some() != fitness.full.is_some() {
        tell(before.full.as_deref(), fitness.full.as_deref(), |why| {
            tracing::error!("new jobs are refused: {why}");
        });
    }
    *seen.write().expect("nobody panics while holding it") = fitness;
}

fn tell(before: Option<&str>, now: Option<&str>, alarm: impl Fn(&str)) {
    match (before, now) {
        (before, Some(why)) if before != Some(why) => alarm(why),
        (Some(why), None) => tracing::info!("it is mended that {why}"),
        _ => {}
    }
}

async fn look_at(node: &Node, durability: Durability) -> Option<Fitness> {
    let info: String = node.ask(cmd("INFO")).await.ok()?;
    let facts = facts(&info);
    let number = |name: &str| facts.get(name).and_then(|value| value.parse::<u64>().ok());
    // What Redis keeps for its clients and replicas does not count against its limit.
    let used = number("used_memory")?.saturating_sub(number("mem_not_counted_for_evict").unwrap_or_default());
    let limit = number("maxmemory").filter(|limit| *limit > 0);
    let percent = limit.map_or(0, |limit| used.saturating_mul(100) / limit);
    let full = (percent >= FULL_PERCENT).then(|| {
        let name = &node.name;
        Arc::from(format!(
            "redis at {name} has used {percent} % of its memory: raise maxmemory, or lower engine.retention"
        ))
    });
    let unfit = unfit_while_running(node, &facts, durability).await;
    let unfit = unfit.map(|why| Arc::from(format!("redis at {} is not fit to hold charges: {why}", node.name)));
    Some(Fitness { full, unfit })
}
