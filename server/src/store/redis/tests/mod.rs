//! The store against a real `redis-server`: the conformance suite, and what only Redis can do to a store.
#![allow(clippy::unwrap_used)]

mod faults;
mod harness;
mod opening;
mod proxy;
mod server;

crate::store::conformance::conformance!(conformance, crate::store::redis::tests::harness::harness);
