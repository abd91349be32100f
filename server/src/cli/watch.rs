//! `semanas watch`: one job until it ends, or the feed of all jobs.

use clap::Args;
use semanas_client::{Client, FeedChange, WatchWorkHistoriesRequest};

use crate::cli::args::{FilterArgs, Format};
use crate::cli::end::{Exit, Failure};
use crate::cli::follow::{self, Followed};
use crate::cli::out::Out;
use crate::cli::{json, render};

pub const EXAMPLES: &str = "\
A watch survives broken connections and restarts of the server. Ctrl-C ends the watch, not the job.

Examples:
  semanas watch wh_0A1B2C
  semanas watch wh_0A1B2C --output json | jq -c .event.state
  semanas watch --all --state running --label flow=onboarding";

/// Arguments of `watch`.
#[derive(Args, Clone, Debug)]
pub struct WatchArgs {
    /// The job
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    job_id: Option<String>,
    /// Follow all jobs, for as long as you like
    #[arg(long)]
    all: bool,
    /// Go on after this cursor of an earlier watch
    #[arg(long, allow_hyphen_values = true)]
    cursor: Option<String>,
    /// Show at most this many employments, newest first; 0 shows all
    #[arg(long, value_name = "COUNT", conflicts_with = "all")]
    limit: Option<i32>,
    #[command(flatten)]
    filter: FilterArgs,
}

pub async fn run(args: &WatchArgs, client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let Some(job_id) = &args.job_id else {
        return feed(args, client, out).await;
    };
    let followed = Followed {
        job_id: job_id.clone(),
        cursor: args.cursor.clone(),
        limit: args.limit,
    };
    follow::to_the_end(&followed, client, out).await
}

async fn feed(args: &WatchArgs, client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let mut feed = client.watch_work_histories(WatchWorkHistoriesRequest {
        cursor: args.cursor.clone().unwrap_or_default(),
        filter: args.filter.filter(None),
        initial_count: 0,
    });
    while let Some(update) = feed.next().await {
        let update = update?;
        match (out.format, &update.change) {
            (Format::Json, _) => out.json_line(&json::feed_update(&update))?,
            (Format::Table, FeedChange::Job(job)) => out.text(&render::job_line(job))?,
            (Format::Table, FeedChange::Reset { .. }) => out.text("The feed begins anew.")?,
            (Format::Table, FeedChange::Synced | FeedChange::Stale { .. }) => {}
        }
    }
    Ok(Exit::Succeeded)
}
