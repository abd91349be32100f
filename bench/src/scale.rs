//! How much is measured: the full run, and the short one that is over in two minutes.

use std::time::Duration;

/// Times and counts of a run.
#[derive(Clone, Debug)]
pub struct Scale {
    /// How often each figure is measured.
    pub repeats: usize,
    /// Of each loop: what is not counted, and what is.
    pub warm_up: Duration,
    pub time: Duration,
    /// How long the whole run may wait for a quiet machine.
    pub quiet_patience: Duration,
    pub streams: usize,
    /// How long idle streams are watched.
    pub idle: Duration,
    pub parked: usize,
    /// What the many parked jobs are compared with.
    pub parked_few: usize,
    pub starts: usize,
    /// Whether latencies and all that gives no ratio are measured too.
    pub is_full: bool,
}

impl Scale {
    pub fn full() -> Scale {
        Scale {
            repeats: 5,
            warm_up: Duration::from_secs(2),
            time: Duration::from_secs(6),
            quiet_patience: Duration::from_secs(300),
            streams: 50_000,
            idle: Duration::from_secs(45),
            parked: 1_000_000,
            parked_few: 10_000,
            starts: 9,
            is_full: true,
        }
    }

    pub fn quick() -> Scale {
        Scale {
            repeats: 3,
            warm_up: Duration::from_millis(400),
            time: Duration::from_millis(1500),
            quiet_patience: Duration::from_secs(8),
            streams: 4_000,
            idle: Duration::from_secs(2),
            parked: 0,
            parked_few: 0,
            starts: 3,
            is_full: false,
        }
    }
}
