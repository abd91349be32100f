//! Facts that the store does not take: an outcome that was paid for goes to disk before anybody waits for the store.
//!
//! What is written is sealed, since it holds the answer, and names its job and intent only. It is taken up again when the store
//! answers, by this process or the next one on the same folder. Facts may be recorded twice, so none of this has to be exact.

use std::{
    collections::HashSet,
    io,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::{IntentId, JobId},
        job::{Event, Source},
        outcome::Outcome,
        reason::Reason,
    },
    engine::{Engine, EngineError, commit::Recorded, submit::WISH_PATIENCE, vault::OpenError},
    store::{Journal, Stored},
};

/// What is sealed, to the vault.
const FACT: &str = "fact";

/// Form of an entry.
const FORMAT: u32 = 1;

/// Between two looks for entries that nobody in this process waits for.
const REPLAY_INTERVAL: Duration = Duration::from_secs(5);

/// The journal, and what this process knows of its entries.
pub(super) struct Facts {
    journal: Option<Journal>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Their own tasks still try to store them.
    waiting: HashSet<String>,
    /// They are not ours to store; an operator has been told.
    left_alone: HashSet<String>,
}

/// First line of an entry, in plain JSON; the sealed fact follows.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    v: u32,
    epoch: u64,
    job: JobId,
}

/// A fact as it is sealed.
#[derive(Serialize, Deserialize)]
struct Fact {
    from: Source,
    intent: IntentId,
    next_at: Timestamp,
    outcome: Outcome,
    /// Sealed by itself, as the store keeps it.
    answer: Option<Vec<u8>>,
}

/// Why an entry is not stored.
#[derive(Debug, thiserror::Error)]
enum Unstored {
    #[error("it is of another data set")]
    OtherDataSet,
    #[error("it was sealed with another secret")]
    OtherSecret,
    #[error("its job is not in the data set")]
    JobGone,
    #[error("it is damaged, or of a newer version")]
    Damaged,
    #[error("it cannot be read or removed: {0}")]
    Disk(#[from] io::Error),
    #[error("the store does not take it yet")]
    NotYet,
}

impl Facts {
    pub(super) fn new(journal: Option<Journal>) -> Facts {
        Facts {
            journal,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no panic happens under this lock")
    }

    /// Runs work on the disk where it holds up nobody.
    async fn with_journal<T: Send + 'static>(
        &self,
        work: impl FnOnce(Journal) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let journal = self.journal.clone();
        let journal = journal.ok_or_else(|| io::Error::other("there is no journal"))?;
        let done = tokio::task::spawn_blocking(move || work(journal)).await;
        done.map_err(io::Error::other)?
    }
}

impl Engine {
    /// Commits a fact, however long the store takes. When the first try fails it is first written to the journal, so that it
    /// outlasts this process.
    pub(super) async fn record_fact(
        &self,
        id: &JobId,
        known: Stored,
        event: &Event,
        answer: Option<&[u8]>,
    ) -> Result<Recorded, EngineError> {
        match self.record(id, Some(known), event, answer, Some(Duration::ZERO)).await {
            Err(error) if error.reason == Reason::StoreUnavailable => {}
            settled => return settled,
        }
        let written = self.write_fact(id, event, answer).await;
        let recorded = self.record(id, None, event, answer, None).await;
        if let Some(name) = written {
            self.inner.facts.known().waiting.remove(&name);
            if recorded.is_ok()
                && let Err(error) = self
                    .inner
                    .facts
                    .with_journal(move |journal| journal.remove(&name))
                    .await
            {
                tracing::warn!(job.id = %id, error = %error, "a stored outcome was not removed from the journal; it will be tried again");
            }
        }
        recorded
    }

    /// Takes up what was left in the journal, at the start and from then on.
    pub(super) async fn replay_facts(&self) {
        while self.inner.facts.journal.is_some() {
            self.replay_round().await;
            tokio::select! {
                () = tokio::time::sleep(REPLAY_INTERVAL) => {}
                () = self.inner.draining.cancelled() => return,
            }
        }
    }

    pub(super) async fn replay_round(&self) {
        let names = match self.inner.facts.with_journal(|journal| journal.list()).await {
            Ok(names) => names,
            Err(error) => {
                tracing::error!(error = %error, "the journal of outcomes cannot be read: see store.journal");
                return;
            }
        };
        self.inner.metrics.outcomes_wait(!names.is_empty());
        for name in names {
            let is_ours = {
                let known = self.inner.facts.known();
                !known.waiting.contains(&name) && !known.left_alone.contains(&name)
            };
            if !is_ours {
                continue;
            }
            match self.replay(&name).await {
                Ok(()) => tracing::info!(entry = name, "stored an outcome that the journal had kept"),
                Err(Unstored::NotYet) => return,
                Err(why) => self.leave_alone(name, &why).await,
            }
        }
    }

    /// The name of the entry, when there is one now.
    async fn write_fact(&self, id: &JobId, event: &Event, answer: Option<&[u8]>) -> Option<String> {
        let Event::OutcomeKnown {
            from,
            intent,
            outcome,
            next_at,
        } = event
        else {
            return None;
        };
        let fact = Fact {
            from: *from,
            intent: intent.clone(),
            next_at: *next_at,
            outcome: outcome.clone(),
            answer: answer.map(<[u8]>::to_vec),
        };
        let name = format!("{id}.{intent}");
        let entry = self.entry(id, &fact);
        let written = {
            self.inner.facts.known().waiting.insert(name.clone());
            let name = name.clone();
            self.inner
                .facts
                .with_journal(move |journal| journal.write(&name, &entry))
        };
        match written.await {
            Ok(()) => {
                self.inner.metrics.outcomes_wait(true);
                tracing::warn!(job.id = %id, attempt.id = %intent, "the store does not take an outcome: it is kept in the journal");
                Some(name)
            }
            Err(error) => {
                self.inner.facts.known().waiting.remove(&name);
                tracing::error!(
                    job.id = %id, attempt.id = %intent, error = %error,
                    "neither the store nor the journal takes an outcome: it is kept in memory alone, so do not stop this process \
                     before the store is back; see store.journal"
                );
                None
            }
        }
    }

    fn entry(&self, job: &JobId, fact: &Fact) -> Vec<u8> {
        let header = Header {
            v: FORMAT,
            epoch: self.inner.epoch,
            job: job.clone(),
        };
        let plain = serde_json::to_vec(fact).expect("our own types have string keys and no failing serializer");
        let mut entry = serde_json::to_vec(&header).expect("our own types have string keys and no failing serializer");
        entry.push(b'\n');
        entry.extend(self.inner.vault.seal(job, FACT, &plain));
        entry
    }

    async fn replay(&self, name: &str) -> Result<(), Unstored> {
        let owned = name.to_owned();
        let entry = self
            .inner
            .facts
            .with_journal(move |journal| journal.read(&owned))
            .await?;
        let (job, fact) = self.open_entry(&entry)?;
        let event = Event::OutcomeKnown {
            from: fact.from,
            intent: fact.intent,
            outcome: fact.outcome,
            next_at: fact.next_at,
        };
        let recorded = self
            .record(&job, None, &event, fact.answer.as_deref(), Some(WISH_PATIENCE))
            .await;
        match recorded {
            Ok(Recorded::Done(_)) => {}
            Ok(Recorded::Illegal(_, illegal)) => {
                tracing::error!(job.id = %job, error = %illegal, "a fact found no place");
            }
            Err(error) if error.reason == Reason::JobNotFound => return Err(Unstored::JobGone),
            Err(_) => return Err(Unstored::NotYet),
        }
        let owned = name.to_owned();
        self.inner
            .facts
            .with_journal(move |journal| journal.remove(&owned))
            .await?;
        Ok(())
    }

    fn open_entry(&self, entry: &[u8]) -> Result<(JobId, Fact), Unstored> {
        let end = entry.iter().position(|byte| *byte == b'\n').ok_or(Unstored::Damaged)?;
        let (header, sealed) = (&entry[..end], &entry[end + 1..]);
        let header: Header = serde_json::from_slice(header).map_err(|_| Unstored::Damaged)?;
        if header.v != FORMAT {
            return Err(Unstored::Damaged);
        }
        let plain = self
            .inner
            .vault
            .open(&header.job, FACT, sealed)
            .map_err(|error| match error {
                OpenError::OtherSecret => Unstored::OtherSecret,
                OpenError::Format | OpenError::Damaged => Unstored::Damaged,
            })?;
        if header.epoch != self.inner.epoch {
            return Err(Unstored::OtherDataSet);
        }
        let fact = serde_json::from_slice(&plain).map_err(|_| Unstored::Damaged)?;
        Ok((header.job, fact))
    }

    async fn leave_alone(&self, name: String, why: &Unstored) {
        let what_to_do = match why {
            Unstored::Damaged => {
                "it is set aside as .damaged; ask the provider what became of this attempt, and settle its job"
            }
            Unstored::OtherDataSet | Unstored::OtherSecret => {
                "give it to the replica of its data set, or remove it when that is no more"
            }
            Unstored::JobGone => "settle its charge with the provider's books, then remove it",
            Unstored::Disk(_) | Unstored::NotYet => "see that store.journal can be read and written",
        };
        tracing::error!(entry = name, why = %why, "an outcome in the journal is not stored: {what_to_do}");
        if matches!(why, Unstored::Damaged) {
            let owned = name.clone();
            // What cannot be renamed either stays, and is not looked at again.
            let _ = self
                .inner
                .facts
                .with_journal(move |journal| journal.set_aside(&owned))
                .await;
        }
        self.inner.facts.known().left_alone.insert(name);
    }
}
