//! `semanas get`: a job as it stands.

use clap::Args;
use semanas_client::Client;

use crate::cli::args::Format;
use crate::cli::end::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::{json, render};

pub const EXAMPLES: &str = "\
The exit code tells how the job ended; a job that has not ended gives 0.

Examples:
  semanas get wh_0A1B2C
  semanas get wh_0A1B2C --limit 3
  semanas get wh_0A1B2C --output json | jq .work_history.weeks";

/// Arguments of `get`.
#[derive(Args, Clone, Debug)]
pub struct GetArgs {
    /// The job
    job_id: String,
    /// Show at most this many employments, newest first; 0 shows all
    #[arg(long, value_name = "COUNT")]
    limit: Option<i32>,
}

pub async fn run(args: &GetArgs, client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let job = client.get_work_history(&args.job_id, args.limit).await?;
    match out.format {
        Format::Table => out.text(&render::job(&job, out.width()))?,
        Format::Json => out.json(&json::job(&job))?,
    }
    Ok(Exit::of_state(job.state))
}
