//! `semanas cancel`: asks a job to stop.

use clap::Args;
use semanas_client::Client;

use crate::cli::args::Format;
use crate::cli::end::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::{json, render};

pub const EXAMPLES: &str = "\
A job is cancelled at once before a paid call. A call under way is not thrown away: the job ends with what it brings.

Examples:
  semanas cancel wh_0A1B2C";

/// Arguments of `cancel`.
#[derive(Args, Clone, Debug)]
pub struct CancelArgs {
    /// The job
    job_id: String,
}

pub async fn run(args: &CancelArgs, client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let job = client.cancel_work_history(&args.job_id).await?;
    match out.format {
        Format::Table => out.text(&render::cancelled(&job))?,
        Format::Json => out.json(&json::job(&job))?,
    }
    Ok(Exit::Succeeded)
}
