//! The store's bells on their way to a replica: lost, late, twice, and of a loss only when the replica looks for one.

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
};

use tokio::time::sleep;

use super::{GIVES_UP, Weather};
use crate::{
    engine::simulation::{broken::Broken, failover::Sky},
    store::{Bell, Store as _},
};

/// A replica looks for a loss this often, whatever it does.
const LOSS_HEARD_WITHIN_MS: u64 = 2_000;

impl Weather {
    /// Carries the store's bells to the replica, as well as the weather lets them through.
    pub(in super::super) fn carry_bells(self: &Arc<Weather>) -> impl Future<Output = ()> + Send + 'static {
        let weather = Arc::clone(self);
        let mut bells = self.scene.model.bells();
        async move {
            while let Ok(bell) = bells.recv().await {
                weather.carry(bell);
            }
        }
    }

    /// A replica's own store looks for a loss every now and then, and whenever it is about to write.
    fn carry_loss(self: &Arc<Weather>) {
        let (weather, delay) = (Arc::clone(self), self.chance.ms(0, LOSS_HEARD_WITHIN_MS));
        tokio::spawn(async move {
            sleep(delay).await;
            while weather.heaven.sky() == Sky::Unreachable {
                sleep(GIVES_UP).await;
            }
            weather.hear_of_loss();
        });
    }

    pub(super) fn hear_of_loss(&self) {
        let lost_at = self.scene.model.look(|data| data.lost_at);
        if self.scene.broken != Some(Broken::DeafToLoss) && self.lost_at.swap(lost_at, Ordering::Relaxed) != lost_at {
            self.scene.note(&self.who, "hears of a loss");
            drop(self.bells.send(Bell::Lost));
        }
    }

    fn carry(self: &Arc<Weather>, bell: Bell) {
        if bell == Bell::Lost {
            return self.carry_loss();
        }
        let (chance, store) = (&self.chance, self.scene.plan.store);
        let is_bad = !self.scene.is_healed();
        if is_bad && (chance.percent(store.bell_lost) || self.heaven.sky() == Sky::Unreachable) {
            return;
        }
        let rings = if is_bad && chance.percent(store.bell_twice) {
            2
        } else {
            1
        };
        for _ in 0..rings {
            let late = is_bad && chance.percent(store.bell_late);
            let delay = if late { chance.ms(50, 5_000) } else { chance.ms(0, 3) };
            let (weather, bell) = (Arc::clone(self), bell.clone());
            tokio::spawn(async move {
                sleep(delay).await;
                drop(weather.bells.send(bell));
            });
        }
    }
}
