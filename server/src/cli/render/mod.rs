//! Messages as tables and sentences for people. Pure: messages in, text out; the width is an argument.
//!
//! What providers wrote is made printable first, so that an answer cannot drive the terminal that shows it.

mod history;
mod jobs;
mod ledger;
#[cfg(test)]
pub mod samples;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use history::nss;
pub use jobs::{cancelled, ended, job, job_line, jobs, stage_of, submitted, update_line};
pub use ledger::{charges, providers};
pub use table::{Column, table};
pub use words::{printable, rfc3339};
