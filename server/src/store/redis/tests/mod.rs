//! The store against a real `redis-server`: the conformance suite, and what only Redis can do to a store.
#![allow(clippy::unwrap_used)]

mod failover;
mod faults;
mod first_intents;
mod fleet;
mod gates;
mod guard;
mod guarded;
mod harness;
mod leftovers;
mod losses;
mod moving;
mod opening;
// As the tests of the public face take theirs: a port that was only free a moment ago may be somebody's by now.
#[path = "../../../../../tests/harness/ports.rs"]
mod ports;
mod proxy;
mod refusals;
mod server;
mod transport;
mod vigil;

crate::store::conformance::conformance!(standalone, crate::store::redis::tests::harness::standalone);
crate::store::conformance::conformance!(cluster_slots, crate::store::redis::tests::harness::cluster_slots);
crate::store::conformance::conformance!(sentinel, crate::store::redis::tests::harness::sentinel);
crate::store::conformance::conformance!(cluster, crate::store::redis::tests::harness::cluster);
