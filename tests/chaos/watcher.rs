//! One who watches a job to its end, over connections that break and that are left on purpose, and who writes down each message.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use semanas_client::SnapshotCause;
use semanas_client::raw::v1::watch_work_history_response::Content;
use semanas_client::raw::v1::{WatchWorkHistoryRequest, WatchWorkHistoryResponse};
use tokio::time::{Instant, timeout};

use crate::clock::{now_ms, pause_ms};
use crate::history::{Outcome, Piece, Sighting};
use crate::load::outcome_of;
use crate::world::World;

/// Six heartbeats without a word: the connection is dead.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// Longer than any job lives, also where three masters are replaced one after the other on a busy machine: none can end meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a watcher leaves after a message and goes on at another replica.
const HOPS: f64 = 0.2;

/// From `cursor` on, or from the start, until the terminal message.
pub async fn watch(world: Arc<World>, job: String, cursor: Option<String>, seed: u64) {
    let mut watcher = Watcher {
        sighting: Sighting {
            job,
            pieces: Vec::new(),
            resets_ms: Vec::new(),
        },
        cursor: cursor.unwrap_or_default(),
        dice: StdRng::seed_from_u64(seed),
        has_ended: false,
    };
    let until = Instant::now() + PATIENCE;
    while !watcher.has_ended && Instant::now() < until {
        watcher.follow(&world).await;
        let pause = watcher.dice.random_range(0..200);
        pause_ms(pause).await;
    }
    world.recorder.note(|history| history.sightings.push(watcher.sighting));
}

struct Watcher {
    sighting: Sighting,
    cursor: String,
    dice: StdRng,
    has_ended: bool,
}

impl Watcher {
    /// One connection, for as long as it brings something.
    async fn follow(&mut self, world: &World) {
        let mut stub = world.any_stub(&mut self.dice);
        let request = WatchWorkHistoryRequest {
            job_id: self.sighting.job.clone(),
            cursor: self.cursor.clone(),
            limit: None,
        };
        let mut stream = match timeout(SILENCE_MAX, stub.watch_work_history(request)).await {
            Ok(Ok(answer)) => answer.into_inner(),
            Ok(Err(status)) => return self.refused(&status),
            Err(_) => return,
        };
        let _open = world.open_watch();
        let resumes = !self.cursor.is_empty();
        self.sighting.pieces.push(Piece::Opened { resumes });
        loop {
            match timeout(SILENCE_MAX, stream.message()).await {
                Ok(Ok(Some(message))) => self.read(message),
                Ok(Err(status)) => return self.refused(&status),
                Ok(Ok(None)) | Err(_) => return,
            }
            // Whoever has seen the end reads on, to see whether anything follows.
            if !self.has_ended && self.dice.random_bool(HOPS) {
                return;
            }
        }
    }

    fn refused(&mut self, status: &tonic::Status) {
        if let Outcome::Failed {
            code,
            reason,
            has_retry_delay,
        } = outcome_of(status)
        {
            self.sighting.pieces.push(Piece::Refused {
                code,
                reason,
                has_retry_delay,
            });
        }
    }

    fn read(&mut self, message: WatchWorkHistoryResponse) {
        let terminal = message.terminal;
        self.has_ended |= terminal;
        if !message.cursor.is_empty() {
            self.cursor = message.cursor;
        }
        let piece = match message.content {
            Some(Content::Snapshot(snapshot)) => {
                let is_reset = SnapshotCause::from(snapshot.cause) == SnapshotCause::Reset;
                self.sighting.resets_ms.extend(is_reset.then(now_ms));
                let job = snapshot.job.unwrap_or_default();
                Piece::Snapshot {
                    sequence: job.event_sequence,
                    is_reset,
                    state: job.state.into(),
                    terminal,
                }
            }
            Some(Content::Event(event)) => Piece::Event {
                sequence: event.sequence,
                state: event.state.into(),
                terminal,
            },
            Some(Content::Heartbeat(_) | Content::Stale(_) | Content::Draining(_)) | None => return,
        };
        self.sighting.pieces.push(piece);
    }
}
