//! Open loop: calls begin by the clock, whether or not earlier ones were answered, and their times count from when they should have
//! begun. So a server that stops for a moment is charged with everybody who came meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::latencies::{Latencies, micros};
use super::{Call, Errors};

/// More calls than this at a time are not begun but counted as errors: what is measured then is a queue.
const UNDER_WAY_MAX: usize = 20_000;

/// What an open loop is.
#[derive(Clone, Copy)]
pub struct Open {
    pub rate_per_s: f64,
    /// Not counted.
    pub warm_up: Duration,
    pub time: Duration,
}

/// Calls with numbers from `numbers` on.
pub async fn open(load: Open, numbers: &Arc<AtomicU64>, call: &Call, errors: &Arc<Errors>) -> Latencies {
    let times: Arc<Mutex<Vec<u32>>> = Arc::default();
    let tasks = TaskTracker::new();
    let pacer = Pacer {
        load,
        runtime: Handle::current(),
        tasks: tasks.clone(),
        times: Arc::clone(&times),
        numbers: Arc::clone(numbers),
        call: Arc::clone(call),
        errors: Arc::clone(errors),
    };
    // A thread of its own: timers of the runtime are rounded up to whole milliseconds.
    let paced = tokio::task::spawn_blocking(move || pacer.run());
    paced.await.expect("the pacer does not panic");
    tasks.close();
    tasks.wait().await;
    let times = std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner));
    Latencies::new(times)
}

struct Pacer {
    load: Open,
    runtime: Handle,
    tasks: TaskTracker,
    times: Arc<Mutex<Vec<u32>>>,
    numbers: Arc<AtomicU64>,
    call: Call,
    errors: Arc<Errors>,
}

impl Pacer {
    fn run(&self) {
        let began = Instant::now();
        let all = self.load.warm_up + self.load.time;
        for turn in 0_u32.. {
            let after = Duration::from_secs_f64(f64::from(turn) / self.load.rate_per_s);
            if after >= all {
                return;
            }
            wait_until(began + after);
            if self.tasks.len() >= UNDER_WAY_MAX {
                self.errors
                    .note(format!("more than {UNDER_WAY_MAX} calls were under way"));
            } else {
                self.begin(began + after, after >= self.load.warm_up);
            }
        }
    }

    fn begin(&self, due: Instant, is_counted: bool) {
        let answer = (self.call)(self.numbers.fetch_add(1, Ordering::Relaxed));
        let (times, errors) = (Arc::clone(&self.times), Arc::clone(&self.errors));
        let task = async move {
            match answer.await {
                Ok(()) if is_counted => {
                    let time_us = micros(due.elapsed());
                    times.lock().unwrap_or_else(PoisonError::into_inner).push(time_us);
                }
                Ok(()) => {}
                Err(why) => errors.note(why),
            }
        };
        self.tasks.spawn_on(task, &self.runtime);
    }
}

fn wait_until(due: Instant) {
    while let Some(left) = due
        .checked_duration_since(Instant::now())
        .filter(|left| !left.is_zero())
    {
        thread::park_timeout(left);
    }
}
