//! Semanas: a gRPC gateway to Mexican employment verification. ARCHITECTURE.md tells how the parts fit.
//!
//! The crate is a library only so that its binary and its tests share it; it promises no API to anybody else.
#![allow(dead_code)]

pub mod cli;
mod domain;
mod engine;
mod providers;
mod store;
