//! Watchers of one job: they hop between replicas with their cursors, read slowly, and hold each message to the contract (I8).

use std::sync::Arc;

use futures::StreamExt as _;
use tokio::time::{Duration, sleep};

use super::{
    broken::Broken,
    bureau, caller,
    chance::Chance,
    fleet::{Fleet, Replica},
    scene::{Scene, short},
};
use crate::{
    domain::{
        ids::{JobId, Tenant},
        job::{JobEvent, State},
        reason::Reason,
    },
    engine::{EngineError, Snapshot, SnapshotCause, Watch, WatchContent, WatchMessage, cursor::JobCursor},
};

/// Pause before the next connection.
const RECONNECT: Duration = Duration::from_millis(300);

struct Watcher {
    name: String,
    fleet: Arc<Fleet>,
    chance: Chance,
    job: JobId,
    person: usize,
    cursor: Option<String>,
    /// The newest event that it has been told of.
    told: Option<u64>,
    /// The events that it was told since it last was shown the whole job.
    heard: Vec<JobEvent>,
    is_slow: bool,
}

/// How a connection ended.
enum Left {
    /// With the end of the job.
    AtTheEnd,
    Early,
}

pub(super) fn enter(fleet: &Arc<Fleet>, job: JobId, person: usize, cursor: Option<String>) {
    let scene = Arc::clone(&fleet.scene);
    let number = scene.next_watcher();
    let name = format!("watcher {number}");
    let chance = Chance::of(scene.plan.seed, &name);
    let watcher = Watcher {
        is_slow: chance.percent(25),
        name,
        fleet: Arc::clone(fleet),
        chance,
        job,
        person,
        told: None,
        heard: Vec::new(),
        cursor: None,
    };
    let busy = scene.busy();
    scene.door.enter(async move {
        watcher.watch(cursor).await;
        drop(busy);
    });
}

impl Watcher {
    async fn watch(mut self, cursor: Option<String>) {
        let mut given = cursor;
        loop {
            if self.scene().violation().is_some() {
                return;
            }
            let replica = self.fleet.any(&self.chance);
            if let Some(replica) = replica {
                if let Some(cursor) = given.take() {
                    self.told = self.read_cursor(&replica, &cursor);
                    self.cursor = Some(cursor);
                }
                // Now and then one comes back without its cursor, as a page that is loaded anew does.
                if self.chance.percent(5) {
                    (self.cursor, self.told) = (None, None);
                    self.heard.clear();
                }
                if let Left::AtTheEnd = self.connect(&replica).await {
                    return;
                }
            }
            sleep(RECONNECT).await;
        }
    }

    fn scene(&self) -> &Arc<Scene> {
        &self.fleet.scene
    }

    fn note(&self, what: impl std::fmt::Display) {
        self.scene().note(&self.name, what);
    }

    fn check(&self, holds: bool, what: &str) {
        self.scene().check("I8", holds, || {
            format!("{} of {}, told {:?}: {what}", self.name, short(&self.job), self.told)
        });
    }

    fn read_cursor(&self, replica: &Replica, cursor: &str) -> Option<u64> {
        let position = replica.engine.read_cursor::<JobCursor>(cursor).ok()?;
        Some(position.at.sequence)
    }

    async fn connect(&mut self, replica: &Arc<Replica>) -> Left {
        let watch = Watch {
            tenant: Tenant::sole(),
            job_id: self.job.to_string(),
            cursor: self.cursor.clone(),
            limit: None,
        };
        self.note(format_args!("asks {} from {:?}", replica.name, self.told));
        let mut stream = match replica.ask(replica.engine.watch(watch)).await {
            None => return Left::Early,
            Some(Err(error)) => return self.refused(&error),
            Some(Ok(stream)) => stream,
        };
        let mut is_first = true;
        let mut is_last = false;
        loop {
            if self.is_slow {
                sleep(self.chance.ms(0, 4_000)).await;
            }
            if self.chance.percent(4) && !self.scene().is_healed() {
                self.note("goes away");
                return Left::Early;
            }
            let message = match replica.ask_long(stream.next()).await {
                None => return Left::Early,
                Some(None) => {
                    self.check(is_last, "the stream ended without its last message");
                    return Left::Early;
                }
                Some(Some(Err(error))) => return self.refused(&error),
                Some(Some(Ok(message))) => message,
            };
            self.check(!is_last, "a message after the last");
            for message in self.sabotaged(message) {
                self.take(replica, &message, is_first);
                is_first = false;
                is_last = message.terminal || matches!(message.content, WatchContent::Draining { .. });
                if message.terminal {
                    let after = replica.ask_long(stream.next()).await;
                    self.check(matches!(after, None | Some(None)), "a message after the end");
                    return Left::AtTheEnd;
                }
            }
        }
    }

    fn refused(&self, error: &EngineError) -> Left {
        self.note(format_args!("is refused: {:?}", error.reason));
        if error.reason == Reason::JobNotFound && self.scene().is_lost(&self.job) {
            return Left::AtTheEnd;
        }
        self.check_error(error);
        Left::Early
    }

    fn check_error(&self, error: &EngineError) {
        let is_fine = match error.reason {
            // Events that a job no longer keeps are said to be gone.
            Reason::CursorExpired => self.is_past_kept_events(),
            reason => caller::is_later(reason),
        };
        let (reason, source) = (error.reason, &error.source);
        self.scene().check("I13", is_fine, || {
            format!(
                "{} of {} was refused: {reason:?}, {source:?}",
                self.name,
                short(&self.job)
            )
        });
    }

    fn is_past_kept_events(&self) -> bool {
        let first_kept = self.scene().model.look(|data| {
            let entry = data.jobs.get(&self.job)?;
            entry.job.events.first().map(|event| event.sequence)
        });
        self.scene().has_rewound() || first_kept > self.told.map(|told| told + 1)
    }

    fn take(&mut self, replica: &Replica, message: &WatchMessage, is_first: bool) {
        let Some(cursor) = self.read_cursor(replica, &message.cursor) else {
            return self.check(false, "a cursor that cannot be read");
        };
        match &message.content {
            WatchContent::Snapshot { snapshot, cause, .. } => {
                self.take_snapshot(snapshot, *cause, is_first);
                self.check(message.terminal == snapshot.job.is_terminal(), "a snapshot's end");
            }
            WatchContent::Event { event, job } => {
                self.take_event(event);
                let is_end = event.view.stage.is_none();
                self.check(message.terminal == is_end && job.is_some() == is_end, "an event's end");
                if let Some(snapshot) = job {
                    self.check_answer(snapshot);
                }
            }
            WatchContent::Heartbeat { .. } => self.note("hears a heartbeat"),
            WatchContent::Stale { .. } => self.note("hears that it is stale"),
            WatchContent::Draining { .. } => self.note("is told to go elsewhere"),
        }
        self.check(Some(cursor) == self.told, &format!("the cursor says {cursor}"));
        self.cursor = Some(message.cursor.clone());
        self.check_history();
    }

    /// Whatever was lost and declared: who heard of what is no more has been shown what there is instead.
    fn check_history(&self) {
        if !self.scene().is_history_settled() {
            return;
        }
        let stored = self
            .scene()
            .model
            .look(|data| Some(data.jobs.get(&self.job)?.job.events.clone()));
        let first_kept = stored.iter().flatten().map(|event| event.sequence).next();
        let mut kept = self.heard.iter().filter(|event| Some(event.sequence) >= first_kept);
        let is_right = kept.all(|event| stored.iter().flatten().any(|stored| stored == event));
        self.check(is_right, "what it heard is not what happened");
    }

    fn take_snapshot(&mut self, snapshot: &Snapshot, cause: SnapshotCause, is_first: bool) {
        let job = &snapshot.job;
        self.note(format_args!("sees {}, {}: {cause:?}", job.sequence, job.state.name()));
        let is_due = match cause {
            // Who had been told of the end already hears it once more.
            SnapshotCause::Start => {
                let is_repeated_end = |told| told == job.sequence && job.is_terminal();
                (is_first && self.told.is_none_or(is_repeated_end)) || self.scene().has_rewound()
            }
            SnapshotCause::Reset => self.scene().has_rewound(),
            SnapshotCause::SlowReader => self.is_past_kept_events(),
        };
        self.check(is_due, &format!("a snapshot of {} as {cause:?}", job.sequence));
        self.told = Some(job.sequence);
        self.heard.clear();
        self.check_answer(snapshot);
    }

    fn take_event(&mut self, event: &JobEvent) {
        let told = format!("{:?} at {}", event.view, event.at);
        self.note(format_args!("hears {}: {:?}", event.sequence, event.view.state));
        self.check(
            self.told.is_some_and(|told| event.sequence == told + 1),
            &format!("event {} is not the next", event.sequence),
        );
        self.told = Some(event.sequence);
        self.heard.push(event.clone());
        let mut all = self.scene().told.lock().unwrap();
        let first = all
            .entry((self.job.clone(), event.sequence))
            .or_insert_with(|| told.clone());
        let is_same = *first == told || self.scene().has_rewound();
        drop(all);
        self.check(is_same, "others were told another event");
    }

    fn check_answer(&self, snapshot: &Snapshot) {
        let has_succeeded = matches!(snapshot.job.state, State::Succeeded { .. });
        self.check(has_succeeded == snapshot.answer.is_some(), "an end without its answer");
        if let Some(answer) = &snapshot.answer {
            let employer = bureau::employer_of(self.person);
            let is_theirs = answer
                .history
                .employments()
                .iter()
                .all(|employment| employment.employer == employer);
            self.scene().check("I12", is_theirs, || {
                format!("{} got another person's answer", self.name)
            });
        }
    }

    /// The message as a broken build would give it.
    fn sabotaged(&self, message: WatchMessage) -> Vec<WatchMessage> {
        let event = match &message.content {
            WatchContent::Event { event, job: None } => Some(event.clone()),
            WatchContent::Event { .. }
            | WatchContent::Snapshot { .. }
            | WatchContent::Heartbeat { .. }
            | WatchContent::Stale { .. }
            | WatchContent::Draining { .. } => None,
        };
        match (self.scene().broken, event) {
            (Some(Broken::EventsTwice), Some(event)) => {
                let twin = WatchMessage {
                    cursor: message.cursor.clone(),
                    terminal: false,
                    content: WatchContent::Event { event, job: None },
                };
                vec![message, twin]
            }
            (Some(Broken::EventMissing), Some(_)) => Vec::new(),
            (Some(Broken::CursorAhead), Some(event)) => {
                let replica = self.fleet.at(0);
                let ahead = JobCursor {
                    job: self.job.clone(),
                    sequence: event.sequence + 1,
                    limit: 0,
                    at_us: None,
                };
                let cursor = replica.map_or(message.cursor.clone(), |replica| replica.engine.write_cursor(ahead));
                vec![WatchMessage { cursor, ..message }]
            }
            _ => vec![message],
        }
    }
}
