//! An alarm clock for the dispatcher: set from anywhere to the earliest instant at which a job may come due.

use std::sync::Mutex;

use tokio::{sync::Notify, time::Instant};

/// The earliest instant that was asked for since it was last taken.
#[derive(Default)]
pub(super) struct Alarm {
    earliest: Mutex<Option<Instant>>,
    /// Rings when the earliest instant moved nearer, so that a sleeping dispatcher sleeps less.
    nearer: Notify,
}

impl Alarm {
    pub(super) fn set(&self, at: Instant) {
        let mut earliest = self.earliest.lock().expect("no panic happens under this lock");
        if earliest.is_none_or(|known| at < known) {
            *earliest = Some(at);
            self.nearer.notify_one();
        }
    }

    pub(super) fn ring_now(&self) {
        self.set(Instant::now());
    }

    /// Forgets what was asked for; the caller is about to look for due jobs.
    pub(super) fn reset(&self) {
        *self.earliest.lock().expect("no panic happens under this lock") = None;
    }

    /// Returns at `latest`, or at the earliest instant that is or gets set.
    pub(super) async fn wait(&self, latest: Instant) {
        loop {
            let nearer = self.nearer.notified();
            let earliest = *self.earliest.lock().expect("no panic happens under this lock");
            let until = earliest.map_or(latest, |at| at.min(latest));
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(until) => return,
                () = nearer => {}
            }
        }
    }
}
