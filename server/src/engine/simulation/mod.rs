//! The engine in virtual time: replicas, a store and providers that misbehave by seed, and callers that notice.
//!
//! One seed is one run: `plan` says what is done to whom, `run` does it, `verdict` looks at what is left. Everything happens on one
//! thread under tokio's paused clock, so a minute of faults takes milliseconds, and the same seed gives the same run: what is
//! random is drawn from `chance`, clients are polled in the order of `crowd`, and the engine's dice are loaded. Between the engine
//! and the `store::model` stands the `weather`, before the providers' doubles in `bureau` their own books of charges.
//!
//! What counts as a failure: more charges for a billing unit than leave was given for (I1), a charge without a row (I2), an
//! acknowledged job that is not there (I3), events that are not contiguous (I4) or go on after the end (I5), a job that has ended
//! and is due, or has not and is not (I6), one that outlives its deadline once the faults are over (I7), a watcher that is told too
//! much, too little or out of order (I8), two living jobs of one request (I9), an intent of somebody who does not hold the lease,
//! or a call that leaves when its intent no longer stands (I10), an existing job that is not found (I13), and tasks, permits or
//! followers left behind by a replica that has drained (I14).
//!
//! What does not: a provider's outcome that stays unknown, a caller that is told to come back, after a rewind what was never
//! acknowledged, and after a loss the jobs that it was declared for. A rewind here is a failover as the Redis store lets it through:
//! the writes of a while are applied and shown but not acknowledged, since too few replicas hold them, and then are gone, with
//! leases and gates that were acknowledged. A loss is one that takes what was acknowledged: of some people all is put back, of
//! others the charges alone. Who was shown what is no more must then be shown what there is instead (I8).
//! What the real stores do with bytes, connections and scripts is not simulated, nor threads that race within one process.
#![allow(clippy::unwrap_used)]

mod audit;
mod broken;
mod bureau;
mod callbacks;
mod caller;
mod chance;
mod crowd;
mod disturbance;
mod failover;
mod feed_watcher;
mod fleet;
mod plan;
mod power;
mod run;
mod scene;
#[cfg(test)]
mod tests;
mod verdict;
mod watcher;
mod weather;
