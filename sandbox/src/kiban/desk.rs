//! Remembers the requests that Kiban accepted, and decides when each document is ready.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rand::Rng;
use serde_json::Value;
use tokio::time::Instant;

use super::Asks;
use super::callback::Held;
use super::document::{self, Document, Submitted};
use crate::people::Person;
use crate::rules::Plan;
use crate::scenario::{CallbackMode, KibanShape};
use crate::shelf::Shelf;
use crate::world::now;

#[derive(Default)]
pub(crate) struct Desk {
    records: Mutex<Shelf<Record>>,
    pub(super) held: Mutex<Vec<Held>>,
}

/// A request that was accepted, and how it will end.
pub(super) struct Accepted {
    pub(super) id: String,
    pub(super) submitted: Submitted,
    pub(super) ending: Ending,
}

/// The end of a document. All but `Failure` are an outer SUCCESS.
pub(super) enum Ending {
    Found { person: Box<Person>, shape: KibanShape },
    NotFound,
    Invalid,
    Failure { status: String, message: String },
}

impl Ending {
    pub(super) fn found(person: Person, shape: Option<KibanShape>) -> Self {
        Self::Found {
            person: Box::new(person),
            shape: shape.unwrap_or(KibanShape::Spanish),
        }
    }

    pub(super) fn failure(status: &str, message: &str) -> Self {
        Self::Failure {
            status: status.to_owned(),
            message: message.to_owned(),
        }
    }
}

pub(super) struct Record {
    pub(super) accepted: Accepted,
    pub(super) created: Timestamp,
    /// Set once, when somebody first sees the document ready.
    pub(super) finished: Option<Timestamp>,
    pub(super) running_status: String,
    readiness: Readiness,
}

enum Readiness {
    At(Instant),
    AfterPolls(u32),
}

impl Record {
    fn look(&mut self) {
        let is_ready = match &mut self.readiness {
            Readiness::At(instant) => Instant::now() >= *instant,
            Readiness::AfterPolls(0) => true,
            Readiness::AfterPolls(left) => {
                *left -= 1;
                false
            }
        };
        if is_ready {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.finished.get_or_insert_with(now);
    }
}

impl Desk {
    pub(crate) fn curp_of<'a>(&self, asks: &'a Asks) -> Option<Cow<'a, str>> {
        match asks {
            Asks::Submit { body, .. } => body.as_ref()?.get("curp").and_then(Value::as_str).map(Cow::Borrowed),
            Asks::Document { id } => self
                .records()
                .get(id)
                .map(|record| Cow::Owned(record.accepted.submitted.curp.clone())),
            Asks::Elsewhere | Asks::WrongMethod => None,
        }
    }

    /// Files the request and returns its acknowledgement.
    pub(super) fn accept(&self, accepted: Accepted, plan: &Plan) -> document::Acknowledgement {
        let created = now();
        let is_ready_before_ack = plan.kiban.callback == Some(CallbackMode::BeforeAck);
        let readiness = match plan.kiban.running_polls {
            _ if is_ready_before_ack => Readiness::At(Instant::now()),
            Some(polls) => Readiness::AfterPolls(polls),
            None => Readiness::At(Instant::now() + plan.ready_in),
        };
        let acknowledgement = document::acknowledgement(&accepted, created);
        let running_status = plan
            .kiban
            .running_status
            .clone()
            .unwrap_or_else(|| document::PENDING.to_owned());
        let id = accepted.id.clone();
        self.records().put(
            id,
            Record {
                accepted,
                created,
                finished: None,
                running_status,
                readiness,
            },
        );
        acknowledgement
    }

    /// The document as it is now. A look counts.
    pub(super) fn look_up(&self, id: &str) -> Option<Document> {
        let mut records = self.records();
        let record = records.get_mut(id)?;
        record.look();
        Some(document::document(record))
    }

    /// Makes the document ready if it is not, and returns the word it ends with.
    pub(super) fn finish(&self, id: &str) -> Option<String> {
        let mut records = self.records();
        let record = records.get_mut(id)?;
        record.readiness = Readiness::AfterPolls(0);
        record.finish();
        Some(document::outer_status(record).to_owned())
    }

    pub(crate) fn clear(&self) {
        self.records().clear();
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn records(&self) -> MutexGuard<'_, Shelf<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 24 hexadecimal digits: seconds, then chance, so that ids of different runs never meet.
pub(super) fn new_id() -> String {
    let mut dice = rand::rng();
    format!("{:08x}{:016x}", now().as_second(), dice.random::<u64>())
}
