//! Following one job on the screen, in a pipe or as JSON, until it ends. Used by `submit --watch`, `watch` and `demo`.

use semanas_client::{Client, JobUpdate, WorkHistoryJob};

use crate::cli::args::Format;
use crate::cli::end::{Exit, Failure};
use crate::cli::live::Live;
use crate::cli::out::Out;
use crate::cli::{json, render};

/// Which job, from where on, and how much of its answer.
pub struct Followed {
    pub job_id: String,
    pub cursor: Option<String>,
    pub limit: Option<i32>,
}

/// Follows a job, shows how it ended, and says so by the exit code.
pub async fn to_the_end(followed: &Followed, client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let job = until_ended(followed, client, out).await?;
    if out.format == Format::Table {
        out.text(&render::ended(&job, out.width()))?;
    }
    Ok(Exit::of_state(job.state))
}

/// Follows a job and gives it as it ended.
pub async fn until_ended(followed: &Followed, client: &Client, out: &mut Out) -> Result<WorkHistoryJob, Failure> {
    let mut watch = client.watch_work_history(&followed.job_id, followed.cursor.clone(), followed.limit);
    let mut live = (out.is_terminal && out.format == Format::Table).then(Live::begin);
    let mut cursor = followed.cursor.clone();
    while let Some(update) = watch.next().await {
        let update = update.map_err(|error| broken(error, &followed.job_id, cursor.as_deref()))?;
        show(&update, live.as_mut(), out)?;
        if update.is_terminal {
            return match update.job() {
                Some(job) => Ok(job.clone()),
                None => Ok(client.get_work_history(&followed.job_id, followed.limit).await?),
            };
        }
        cursor = Some(update.cursor);
    }
    let vanished = anyhow::anyhow!("the watch ended before the job did");
    Err(Failure::Other(vanished))
}

fn show(update: &JobUpdate, live: Option<&mut Live>, out: &mut Out) -> Result<(), Failure> {
    match (out.format, live) {
        (Format::Json, _) => out.json_line(&json::job_update(update)),
        (Format::Table, Some(live)) => {
            live.show(update);
            Ok(())
        }
        (Format::Table, None) => out.text(&render::update_line(update)),
    }
}

fn broken(error: semanas_client::Error, job_id: &str, cursor: Option<&str>) -> Failure {
    // Only what says nothing about the job leaves something to go back to.
    let can_go_on = matches!(
        error,
        semanas_client::Error::Unavailable { .. } | semanas_client::Error::Exhausted { .. }
    );
    if !can_go_on {
        return Failure::Call(error);
    }
    let from = cursor.map(|cursor| format!(" --cursor {cursor}")).unwrap_or_default();
    let again = format!("semanas watch {job_id}{from}");
    Failure::Watch { error, again }
}
