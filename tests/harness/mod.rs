//! What the tests run: real processes, found beside this test program, on free ports, killed when dropped.
//!
//! It knows how to start and stop things and how to wait for a state; what is true of them is for the tests to say.

mod command;
mod failpoints;
mod pair;
mod people;
mod ports;
mod process;
mod redis_fleet;
mod redis_server;
mod server;
mod status;
mod upstreams;
mod wait;
mod watching;

pub use command::{Ended, command as program_in, program as semanas_program, semanas, semanas_with};
pub use failpoints::Failpoints;
pub use pair::{Pair, by_kiban, hold_document, let_go, pair, pair_with, reaches, slow_down};
pub use people::{Human, fresh_person, listed_person, nss_of, numbered_person};
pub use ports::free_port;
pub use process::Process;
pub use redis_fleet::{RedisFleet, Succession};
pub use redis_server::{FORMAT, Redis, SEQUENCE, with_word};
pub use server::{SECRET, Server, ServerOptions, Store, embedded};
pub use status::{check_status, wrong_fields};
pub use upstreams::{Sandbox, booked, rule, sandbox};
pub use wait::{PATIENCE, eventually, within};
pub use watching::{RawWatch, Seen, failure_of, submit_refused, submit_request, to_the_end};
