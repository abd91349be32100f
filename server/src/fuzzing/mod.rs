//! Everything that reads bytes from outside, as a table of functions that take bytes and assert what must hold for any.
//!
//! The checks live beside the code they judge, in the `fuzzing` of each layer. `../fuzz` gives them to libFuzzer (`make fuzz`), and
//! the tests here replay the inputs that are kept in `../fuzz/seeds`, with some thousand spoiled ones, on every `cargo test`. A
//! failing input is put there and stays. This is no part of the program: only tests and the feature `fuzzing` build it.

mod log;
#[cfg(test)]
mod tests;

use crate::{api, config, domain, engine, providers, store};

/// One reader of bytes from outside.
pub struct Target {
    /// Also the folder of its inputs.
    pub name: &'static str,
    /// Panics when something does not hold.
    check: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[
    target("kiban", providers::fuzzing::kiban),
    target("tuidentidad", providers::fuzzing::tuidentidad),
    target("nubarium", providers::fuzzing::nubarium),
    target("callback_body", providers::fuzzing::callback),
    target("callback_address", engine::fuzzing::callback),
    target("cursor", engine::fuzzing::cursor),
    target("sealed", engine::fuzzing::sealed),
    target("job_record", job_record),
    target("charge_record", store::fuzzing::charge),
    target("curp", domain::fuzzing::curp),
    target("nss", domain::fuzzing::nss),
    target("money", domain::fuzzing::money),
    target("text", domain::fuzzing::text),
    target("settings", config::fuzzing::settings),
    target("request", api::fuzzing::request),
    target("header", api::fuzzing::header),
];

impl Target {
    /// Checks one input, and that nothing in the log names a person who is in it.
    pub fn run(&self, input: &[u8]) {
        let logged = log::during(|| (self.check)(input));
        domain::fuzzing::assert_silent(&domain::fuzzing::identifiers_in(input), &logged);
    }
}

const fn target(name: &'static str, check: fn(&[u8])) -> Target {
    Target { name, check }
}

/// What the store can read the edge can show.
fn job_record(input: &[u8]) {
    if let Some(job) = store::fuzzing::job(input) {
        api::fuzzing::show(job, None);
    }
}
