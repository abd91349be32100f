//! Semanas from outside: real processes, a real Redis, real sockets, and the providers' own books as the truth.
//!
//! Nothing here knows the server's code. A file is a promise; its tests are the sentences of that promise.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod catalogue;
mod chaos;
mod command_line;
mod damage;
mod errors;
mod health;
mod money;
mod personal_data;
mod provider_words;
mod replicas;
mod routes;
mod slow_reader;
mod startup;
mod trace_context;

use semanas_tests::harness;
