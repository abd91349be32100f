//! Fail points: places where a directed test holds a replica, in order to kill it, freeze it or overtake it exactly there.
//!
//! Decides which places there are and how a test and a process agree on one, through files in a folder. Knows nothing of what
//! happens at them. They exist only in builds with debug assertions: in a release, `watch` and `reach` are empty and inlined, no
//! variable is read and no file is looked for, so nobody can stop a replica that serves. The folder is the one thing that is
//! global to the process: handed through every part it would leave a trace of the tests in each of them.
//!
//! A point is armed while the file `{folder}/{point}` exists. Whoever reaches it writes the name of its job into
//! `{folder}/{point}.reached` and waits until the file is gone. A file that is not empty arms its point for the job that it names
//! alone. `{folder}/points` lists them all.

/// Names the folder.
pub(crate) const FOLDER_VARIABLE: &str = "FAILPOINTS";

/// A job was claimed, and nothing has been done about it.
pub(crate) const CLAIMED: &str = "claimed";
/// An intent is on record, and the lease's own deadline has not been looked at.
pub(crate) const INTENT_COMMITTED: &str = "intent_committed";
/// The deadline allows the call, and no byte has been sent.
pub(crate) const ABOUT_TO_SEND: &str = "about_to_send";
/// The billed call has come back, and nothing of that is on record.
pub(crate) const ANSWER_RECEIVED: &str = "answer_received";
/// What came of the call is on record, and nothing else has been done.
pub(crate) const FACT_COMMITTED: &str = "fact_committed";
/// A commit that ends its job, and wakes those that wait for it, is about to be sent.
pub(crate) const FINISHING: &str = "finishing";
/// The replica was told to stop, and what is under way has not been waited for.
pub(crate) const DRAINING: &str = "draining";
/// A callback was found genuine, and is not on record.
pub(crate) const CALLBACK_RECEIVED: &str = "callback_received";

#[cfg(debug_assertions)]
pub(crate) use armed::{reach, watch};
#[cfg(not(debug_assertions))]
pub(crate) use empty::{reach, watch};

#[cfg(debug_assertions)]
mod armed {
    use std::{ffi::OsString, path::PathBuf, sync::OnceLock, time::Duration};

    use tokio::time::interval;

    use super::*;

    const POINTS: [&str; 8] = [
        CLAIMED,
        INTENT_COMMITTED,
        ABOUT_TO_SEND,
        ANSWER_RECEIVED,
        FACT_COMMITTED,
        FINISHING,
        DRAINING,
        CALLBACK_RECEIVED,
    ];

    /// How often a held point is looked at.
    const LOOK_INTERVAL: Duration = Duration::from_millis(5);

    static FOLDER: OnceLock<PathBuf> = OnceLock::new();

    /// Lets a test hold this process by files in `folder`; `None` = nobody will. Asked once, before anything runs.
    pub(crate) fn watch(folder: Option<OsString>) {
        let Some(folder) = folder.map(PathBuf::from) else {
            return;
        };
        if let Err(error) = std::fs::write(folder.join("points"), POINTS.join("\n")) {
            tracing::warn!(error = %error, folder = %folder.display(), "fail points are off: their folder cannot be written");
            return;
        }
        // A second call in one process keeps the first folder.
        let _ = FOLDER.set(folder);
    }

    /// Waits while this point is armed for this job.
    pub(crate) async fn reach(point: &'static str, job: &str) {
        let Some(folder) = FOLDER.get() else { return };
        let file = folder.join(point);
        let is_armed = || {
            let meant = std::fs::read_to_string(&file).ok();
            meant.is_some_and(|meant| meant.is_empty() || meant == job)
        };
        if !is_armed() {
            return;
        }
        tracing::debug!(point, job.id = job, "held at a fail point");
        // Whoever sees the file sees all of it.
        let unnamed = folder.join(format!("{point}.new"));
        let said = std::fs::write(&unnamed, job);
        let said = said.and_then(|()| std::fs::rename(&unnamed, folder.join(format!("{point}.reached"))));
        if let Err(error) = said {
            tracing::warn!(point, error = %error, "a fail point could not say that it was reached");
        }
        let mut looks = interval(LOOK_INTERVAL);
        while is_armed() {
            looks.tick().await;
        }
    }
}

#[cfg(not(debug_assertions))]
mod empty {
    #[inline(always)]
    pub(crate) fn watch(_folder: Option<std::ffi::OsString>) {}

    #[inline(always)]
    pub(crate) async fn reach(_point: &'static str, _job: &str) {}
}
