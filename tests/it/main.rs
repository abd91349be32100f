//! Semanas from outside: real processes, a real Redis, real sockets, and the providers' own books as the truth.
//!
//! Nothing here knows the server's code. A file is a promise; its tests are the sentences of that promise.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod cancelling;
mod catalogue;
mod chaos;
mod command_line;
mod cursors;
mod damage;
mod deadlines;
mod faults;
mod grpc_web;
mod health;
mod limits;
mod money;
mod outages;
mod personal_data;
mod provider_words;
mod refusals;
mod replicas;
mod routes;
mod settling;
mod startup;
mod store_faults;
mod trace_context;
mod unknown_records;
mod watching;

use semanas_tests::harness;
