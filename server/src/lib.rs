//! Semanas: a gRPC gateway to Mexican employment verification. ARCHITECTURE.md tells how the parts fit.
//!
//! The crate is a library only so that its binary and its tests share it; it promises no API to anybody else.

mod api;
pub mod app;
pub mod cli;
mod clock;
mod config;
mod domain;
mod engine;
mod failpoint;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod providers;
mod store;
mod telemetry;
