//! What the end-to-end tests and the chaos run share: the harness. It holds no test.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

pub mod harness;
