//! `semanas charges`: the ledger.

use clap::Args;
use jiff::Timestamp;
use semanas_client::{ChargeState, Client, ListChargesRequest, Provider};

use crate::cli::args::{ChargeName, Format, ProviderName, span};
use crate::cli::end::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::{json, render};

pub const EXAMPLES: &str = "\
Examples:
  semanas charges
  semanas charges --state unknown
  semanas charges --job wh_0A1B2C --output json";

/// Arguments of `charges`.
#[derive(Args, Clone, Debug)]
pub struct ChargesArgs {
    /// Only charges of this job
    #[arg(long, default_value = "", hide_default_value = true, value_name = "JOB_ID")]
    job: String,
    /// Only charges of this provider
    #[arg(long, value_enum)]
    provider: Option<ProviderName>,
    /// Only charges in this state; may be given more than once
    #[arg(long, value_enum)]
    state: Vec<ChargeName>,
    /// Only charges opened at or after this time
    #[arg(long, value_name = "RFC3339")]
    since: Option<Timestamp>,
    /// Only charges opened before this time
    #[arg(long, value_name = "RFC3339")]
    until: Option<Timestamp>,
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 50)]
    count: usize,
}

pub async fn run(args: &ChargesArgs, client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let mut charges = client.list_charges(ListChargesRequest {
        job_id: args.job.clone(),
        provider: args.provider.map_or(Provider::Unspecified, Provider::from),
        states: args.state.iter().map(|state| ChargeState::from(*state)).collect(),
        open_time: span(args.since, args.until),
    });
    let mut rows = Vec::new();
    for _ in 0..args.count {
        let Some(charge) = charges.next().await else { break };
        match out.format {
            Format::Table => rows.push(charge?),
            Format::Json => out.json_line(&json::charge(&charge?))?,
        }
    }
    if out.format == Format::Table {
        out.text(&render::charges(&rows, out.width()))?;
    }
    Ok(Exit::Succeeded)
}
