//! The first intent of a new job, which goes on record in the step that creates the job.
//!
//! It leaves what the creation leaves and then the commit of the intent, so a store may do it as these two in one transaction, and
//! may put it back as them. It spares the durable write and the round trip between them. When the intent cannot be had, the job is
//! created without: whether it began is read from the job.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    domain::job::Transition,
    store::{Commit, PersonDay},
};

/// The first intent of a job that is to be created and claimed.
#[derive(Clone, Debug)]
pub(crate) struct FirstIntent {
    /// Names the commit of the intent.
    pub op: Uuid,
    /// What recording the intent makes of the creation's job.
    pub transition: Transition,
    /// How long the lease lasts instead when the intent stands.
    pub hold: Duration,
    pub person_day: Option<PersonDay>,
}

impl FirstIntent {
    /// The commit of the intent, on a job that has just been created so.
    pub(crate) fn commit(&self, version: u64, fence: u64) -> Commit {
        Commit {
            op: self.op,
            expected_version: version,
            fence: Some(fence),
            transition: self.transition.clone(),
            hold: self.hold,
            answer: None,
            person_day: self.person_day,
        }
    }

    /// By then nobody who sent it could call any more. A creation that reaches the store later, since its sender was not heard for
    /// so long, leaves no intent there: nobody would call under it, and nobody would say so.
    pub(crate) fn late_at(&self) -> Timestamp {
        self.transition.job.updated_at + self.hold
    }
}
