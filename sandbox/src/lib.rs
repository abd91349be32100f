//! The three upstream APIs as doubles that are faithful on the wire, each on a port of its own, with faults on
//! demand and their own books of charges.
//!
//! - `start`, `options`: the public face: `start(Options) -> Sandbox`.
//! - `kiban`, `tuidentidad`, `nubarium`: what each provider says. They know nothing about sockets or faults.
//! - `people`, `history`, `identity`: who exists. They know nothing about providers.
//! - `faults`, `scenario`, `rules`: what is made to go wrong, by name, and for whom.
//! - `wire`: sockets, and the carrying out of faults.
//! - `books`, `traffic`: what was billed, what was seen.
//! - `control`: all of it over HTTP, for people and for programs in any language.
//!
//! The crate shares no code with the server, on purpose: a double that used the server's parsers could not disagree
//! with it.

mod books;
mod control;
mod faults;
mod history;
mod identity;
mod kiban;
mod nubarium;
mod options;
mod people;
mod rules;
mod scenario;
mod shelf;
mod start;
mod traffic;
mod tuidentidad;
mod wire;
mod world;

#[cfg(test)]
mod testing;

pub use books::{Books, Charge, Product, Provider, ProviderSummary, Summary};
pub use faults::{Fault, FaultRule, Step};
pub use kiban::{DECOY_SECRET, TEST_CASES, TestCase};
pub use options::{
    CONTROL_PORT, Credentials, KIBAN_API_KEY, KIBAN_API_KEY_WITHOUT_ACCESS, KIBAN_PORT, Latency, NUBARIUM_PASSWORD,
    NUBARIUM_PORT, NUBARIUM_USERNAME, Options, TUIDENTIDAD_API_KEY, TUIDENTIDAD_PORT,
};
pub use people::{Person, people};
pub use scenario::{
    CallbackMode, CodeStyle, CurrentJob, FieldNames, KibanInner, KibanScenario, KibanShape, ListOrder, MsRange,
    NubariumOutcome, NubariumScenario, Quota, Settings, TextStyle, TuIdentidadScenario, ValidName, WeeksShape,
};
pub use start::{Sandbox, StartError, start};
pub use traffic::{LastHeaders, ProviderTraffic, TrafficReport};
