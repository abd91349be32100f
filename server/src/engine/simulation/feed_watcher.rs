//! A watcher of all jobs, that must know the end of each when everything is over.

use std::{collections::BTreeMap, sync::Arc};

use futures::StreamExt as _;
use tokio::time::{Duration, sleep};

use super::{
    caller,
    chance::Chance,
    fleet::{Fleet, Replica},
    scene::short,
};
use crate::{
    domain::{
        ids::{JobId, Tenant},
        reason::Reason,
    },
    engine::{FeedContent, JobFilter, WatchAll},
};

/// Pause before the next connection.
const RECONNECT: Duration = Duration::from_millis(500);

/// More jobs than a run makes.
const INITIAL_COUNT: usize = 1_000;

struct FeedWatcher {
    fleet: Arc<Fleet>,
    chance: Chance,
    cursor: Option<String>,
    /// How far each job had come when it was last shown.
    shown: BTreeMap<JobId, u64>,
}

pub(super) fn enter(fleet: &Arc<Fleet>) {
    let watcher = FeedWatcher {
        fleet: Arc::clone(fleet),
        chance: Chance::of(fleet.scene.plan.seed, "feed"),
        cursor: None,
        shown: BTreeMap::new(),
    };
    fleet.scene.door.enter(watcher.watch());
}

impl FeedWatcher {
    async fn watch(mut self) {
        while !self.fleet.scene.is_over() {
            if let Some(replica) = self.fleet.any(&self.chance) {
                self.connect(&replica).await;
            }
            sleep(RECONNECT).await;
        }
        self.check_all();
        self.fleet.scene.end_feed();
    }

    async fn connect(&mut self, replica: &Arc<Replica>) {
        let watch = WatchAll {
            tenant: Tenant::sole(),
            cursor: self.cursor.clone(),
            filter: JobFilter::default(),
            initial_count: INITIAL_COUNT,
        };
        let mut stream = match replica.ask(replica.engine.watch_all(watch)).await {
            Some(Ok(stream)) => stream,
            Some(Err(error)) => return self.check_error(error.reason),
            None => return,
        };
        while !self.fleet.scene.is_over() {
            if self.chance.percent(3) && !self.fleet.scene.is_healed() {
                return;
            }
            match replica.ask_long(stream.next()).await {
                Some(Some(Ok(message))) => {
                    self.cursor = Some(message.cursor);
                    self.take(message.content);
                }
                Some(Some(Err(error))) => return self.check_error(error.reason),
                Some(None) | None => return,
            }
        }
    }

    fn take(&mut self, content: FeedContent) {
        let scene = &self.fleet.scene;
        match content {
            FeedContent::Job(job) => {
                scene.note("feed", format_args!("{} is at {}", short(&job.id), job.sequence));
                self.shown.insert(job.id.clone(), job.sequence);
            }
            FeedContent::Reset { .. } => {
                scene.note("feed", "is reset");
                self.shown.clear();
            }
            FeedContent::Synced { .. }
            | FeedContent::Heartbeat { .. }
            | FeedContent::Stale { .. }
            | FeedContent::Draining { .. } => {}
        }
    }

    fn check_error(&mut self, reason: Reason) {
        self.fleet.scene.note("feed", format_args!("is refused: {reason:?}"));
        self.fleet.scene.check("I13", caller::is_later(reason), || {
            format!("a feed was refused: {reason:?}")
        });
    }

    fn check_all(&self) {
        let scene = &self.fleet.scene;
        for id in scene.acknowledged_jobs() {
            let is_at = scene
                .model
                .look(|data| data.jobs.get(&id).map(|entry| entry.job.sequence));
            let shown = self.shown.get(&id).copied();
            // After a rewind the feed's own numbers go back, and a cursor may stand past them. A loss that is declared resets it.
            let is_right = shown == is_at || (is_at.is_none() && scene.is_lost(&id));
            scene.check("I8", is_right || scene.plan.rewinds(), || {
                format!("the feed showed {} at {shown:?}, it is at {is_at:?}", short(&id))
            });
        }
    }
}
