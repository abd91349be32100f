//! Brings about what the plan says, each thing at its time.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    failover::{self, Sky},
    fleet::Fleet,
    plan::Disturbance,
};

pub(super) fn enter(fleet: &Arc<Fleet>) {
    let plan = &fleet.scene.plan;
    for (at, what) in plan.disturbances.iter().chain(&plan.losses) {
        fleet.scene.door.enter(disturb(Arc::clone(fleet), *at, *what));
    }
}

async fn disturb(fleet: Arc<Fleet>, at: Duration, what: Disturbance) {
    let _busy = fleet.scene.busy();
    sleep(at).await;
    match what {
        Disturbance::Crash { replica, down } => fleet.crash(replica, down).await,
        Disturbance::Freeze { replica, thaws } => fleet.freeze(replica, thaws).await,
        Disturbance::Drain { replica, down } => fleet.drain(replica, down).await,
        Disturbance::Unreachable { ends } => overcast(&fleet, Sky::Unreachable, ends).await,
        Disturbance::Mute { ends } => overcast(&fleet, Sky::Mute, ends).await,
        Disturbance::Rewind { ends } => {
            if fleet.heaven.sky() == Sky::Clear {
                failover::rewind(&fleet.scene, &fleet.heaven, ends).await;
            }
        }
        Disturbance::Loss { ends, pause } => {
            if fleet.heaven.sky() == Sky::Clear {
                failover::lose(&fleet.scene, &fleet.heaven, ends, pause).await;
            }
        }
    }
}

async fn overcast(fleet: &Fleet, sky: Sky, ends: Duration) {
    if fleet.heaven.sky() == Sky::Clear {
        fleet.scene.note("-", format_args!("the store is {sky:?}"));
        fleet.heaven.turn(sky);
        sleep(ends).await;
        fleet.heaven.turn(Sky::Clear);
        fleet.scene.note("-", "the store is back");
    }
}
