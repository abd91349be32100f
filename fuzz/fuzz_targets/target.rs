//! The one program that libFuzzer drives; `SEMANAS_FUZZ_TARGET` says which entry of the table it feeds.
//!
//! One program rather than one per target: each would link the whole server again. What a target asserts is in
//! `server/src/fuzzing`, where `cargo test` replays the same bytes on a stable toolchain.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use semanas_server::fuzzing::{TARGETS, Target};

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("SEMANAS_FUZZ_TARGET").unwrap_or_default();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let found = TARGETS.iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("SEMANAS_FUZZ_TARGET is {name:?}; it must be one of {}", names.join(", ")))
});

fuzz_target!(|bytes: &[u8]| TARGET.run(bytes));
