//! Whether a replica's process runs, is frozen or is dead.
//!
//! Whatever a replica does to the world passes here on its way out and on its way back. A frozen one gets through when it thaws,
//! as after SIGSTOP and SIGCONT; a dead one never does, so that to the world it is as if it had been killed at that very await.

use std::sync::Mutex;

use tokio::sync::Notify;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    On,
    Frozen,
    Dead,
}

pub(super) struct Power {
    state: Mutex<State>,
    changed: Notify,
}

impl Power {
    pub(super) fn on() -> Power {
        Power {
            state: Mutex::new(State::On),
            changed: Notify::new(),
        }
    }

    pub(super) fn state(&self) -> State {
        *self.state.lock().unwrap()
    }

    /// Death is for good.
    pub(super) fn turn(&self, to: State) {
        let mut state = self.state.lock().unwrap();
        if *state != State::Dead {
            *state = to;
        }
        self.changed.notify_waiters();
    }

    /// Returns when the replica runs.
    pub(super) async fn pass(&self) {
        self.reaches(State::On).await;
    }

    /// Returns when it is dead.
    pub(super) async fn gone(&self) {
        self.reaches(State::Dead).await;
    }

    async fn reaches(&self, wanted: State) {
        loop {
            let changed = self.changed.notified();
            if self.state() == wanted {
                return;
            }
            changed.await;
        }
    }
}
