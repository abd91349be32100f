//! `semanas resolve`: an operator's word on a job whose outcome is unknown.

use clap::{Args, ValueEnum};
use semanas_client::{ChargeState, Client, ResolveWorkHistoryRequest};

use crate::cli::args::Format;
use crate::cli::end::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::{json, render};

pub const EXAMPLES: &str = "\
Ask the provider first whether it charged the call. The person can then be submitted again.

Examples:
  semanas charges --state unknown
  semanas resolve wh_0A1B2C --charged no --note 'ticket 4711: not in their books'";

/// Arguments of `resolve`.
#[derive(Args, Clone, Debug)]
pub struct ResolveArgs {
    /// The job
    job_id: String,
    /// What the provider's books say
    #[arg(long, value_enum)]
    charged: YesOrNo,
    /// A note for the ledger, without personal data
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum YesOrNo {
    Yes,
    No,
}

pub async fn run(args: &ResolveArgs, client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let charge = match args.charged {
        YesOrNo::Yes => ChargeState::Yes,
        YesOrNo::No => ChargeState::No,
    };
    let request = ResolveWorkHistoryRequest {
        job_id: args.job_id.clone(),
        charge,
        note: args.note.clone(),
    };
    let job = client.resolve_work_history(request).await?;
    match out.format {
        Format::Table => out.text(&render::job(&job, out.width()))?,
        Format::Json => out.json(&json::job(&job))?,
    }
    Ok(Exit::Succeeded)
}
