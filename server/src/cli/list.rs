//! `semanas list`: jobs, newest first.

use clap::Args;
use jiff::Timestamp;
use semanas_client::Client;

use crate::cli::args::{FilterArgs, Format, span};
use crate::cli::end::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::{json, render};

pub const EXAMPLES: &str = "\
Examples:
  semanas list
  semanas list --state failed --state outcome-unknown --since 2026-01-01T00:00:00Z
  semanas list --count 1000 --output json | jq -r .job_id";

/// Arguments of `list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Only jobs accepted at or after this time
    #[arg(long, value_name = "RFC3339")]
    since: Option<Timestamp>,
    /// Only jobs accepted before this time
    #[arg(long, value_name = "RFC3339")]
    until: Option<Timestamp>,
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 50)]
    count: usize,
}

pub async fn run(args: &ListArgs, client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let filter = args.filter.filter(span(args.since, args.until));
    let mut jobs = client.list_work_histories(filter);
    let mut rows = Vec::new();
    for _ in 0..args.count {
        let Some(job) = jobs.next().await else { break };
        match out.format {
            Format::Table => rows.push(job?),
            Format::Json => out.json_line(&json::job(&job?))?,
        }
    }
    if out.format == Format::Table {
        out.text(&render::jobs(&rows, out.width()))?;
    }
    Ok(Exit::Succeeded)
}
