//! Stories of the engine on a real store: several replicas, scripted providers, and everything that can go wrong between them.
//!
//! Nothing here waits for a time: a story waits for a state, with a deadline.
#![allow(clippy::unwrap_used)]

mod callbacks;
mod crashes;
mod crowds;
mod data_set;
mod ends;
mod facts;
mod failover;
mod faulty;
mod feeding;
mod first_calls;
mod gates;
mod harness;
mod interleavings;
mod lost_replies;
mod operating;
mod own_commits;
mod requests;
mod resyncs;
mod routes;
mod scripted;
mod settings;
mod streams;
mod submitting;
mod unreadable;
mod watching;
