//! The watchdog: finds the readers who stopped reading.
//!
//! hyper does not poll a stream whose last message waits for its reader, so a stuck stream cannot find out by itself. One sweep
//! looks at all streams of the server from time to time. Decides how often, and after how many sweeps a reader is too slow: no
//! sooner than the limit, and no later than one sweep after it. What a stream is and how it ends is `reading`'s business.

use std::{
    mem::{replace, take},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::reading::Swept;

/// A limit is kept to a sixteenth of itself.
const SWEEPS_PER_LIMIT: u32 = 16;
/// A deadline that passes while the reader is stuck is seen within this. 50,000 idle streams are looked at in some milliseconds.
const SWEEP_INTERVAL_MAX: Duration = Duration::from_secs(1);
const SWEEP_INTERVAL_MIN: Duration = Duration::from_millis(1);

/// The streams of a server; clones hold the same.
#[derive(Clone)]
pub(in crate::api) struct Readers {
    sweep_interval: Duration,
    sweeps_max: u32,
    streams: Arc<Mutex<Vec<Arc<dyn Swept>>>>,
}

impl Readers {
    /// `slow_reader_limit`: how long a message may wait for its reader.
    pub(in crate::api) fn new(slow_reader_limit: Duration) -> Readers {
        let sweep_interval = (slow_reader_limit / SWEEPS_PER_LIMIT).clamp(SWEEP_INTERVAL_MIN, SWEEP_INTERVAL_MAX);
        let sweeps = slow_reader_limit.as_nanos().div_ceil(sweep_interval.as_nanos());
        Readers {
            sweep_interval,
            sweeps_max: u32::try_from(sweeps).unwrap_or(u32::MAX - 1),
            streams: Arc::default(),
        }
    }

    pub(super) fn add(&self, stream: Arc<impl Swept + 'static>) {
        self.lock().push(stream);
    }

    /// Ends stuck streams for as long as it is polled.
    pub(in crate::api) async fn end_the_stuck(&self) -> ! {
        let mut ticks = interval(self.sweep_interval);
        // A pause of the whole process is one sweep, whatever its length: after it, readers have their time as before.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.sweep(Instant::now());
        }
    }

    /// Streams may open meanwhile: the list is not locked while it is gone through.
    fn sweep(&self, now: Instant) {
        let mut streams = take(&mut *self.lock());
        streams.retain(|stream| {
            // Else its sender is gone, and this is the last that knows of it.
            let is_read = Arc::strong_count(stream) > 1;
            if is_read {
                stream.sweep(self.sweeps_max, now);
            }
            is_read
        });
        let mut open = self.lock();
        let opened = replace(&mut *open, streams);
        open.extend(opened);
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<dyn Swept>>> {
        self.streams.lock().expect("no panic happens under this lock")
    }
}
