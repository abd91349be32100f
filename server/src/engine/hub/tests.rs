//! Followers that come and go at the same moment.
#![allow(clippy::unwrap_used)]

use std::sync::{Barrier, Mutex};

use super::*;
use crate::store::{
    conformance::fixtures,
    sqlite::{SqliteOptions, SqliteStore},
};

#[test]
fn followers_that_leave_at_the_same_moment_leave_nothing_behind() {
    const ROUNDS: usize = 20_000;
    let clock = Clock::manual(fixtures::EPOCH);
    let options = SqliteOptions::new(None, String::new(), Duration::from_secs(1), clock.clone());
    let hub = Hub::new(Arc::new(SqliteStore::open(options).unwrap()), clock);
    let job = fixtures::work_history(1, fixtures::EPOCH);
    let (barrier, left_behind) = (Barrier::new(2), Mutex::new(0));
    let come_and_go = || {
        for _ in 0..ROUNDS {
            let follow = hub.register(&job.id);
            barrier.wait();
            drop(follow);
            if barrier.wait().is_leader() {
                *left_behind.lock().unwrap() += hub.followed_count();
            }
            barrier.wait();
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(come_and_go);
        threads.spawn(come_and_go);
    });
    assert_eq!(left_behind.into_inner().unwrap(), 0);
}
