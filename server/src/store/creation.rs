//! A job to start, and the job that serves.
//!
//! With its creation a job may get its first intent. That leaves what the creation leaves and then the commit of the intent, so a store
//! may do it as these two in one transaction, and may put it back as them; it spares the durable write and the round trip between
//! them. When the intent cannot be had, the job is created alone: whether it began is read from the job.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Commit, Lease, PersonDay, Stored};
use crate::domain::{
    job::{Job, Transition},
    provider_id::ProviderId,
};

/// A job to start, and when an existing one serves instead.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    pub job: Job,
    pub subject: Vec<u8>,
    /// What is asked for: requests with the same tenant, person and product share a job.
    pub product: String,
    /// Take a paid answer that is not older than this …
    pub answered_since: Timestamp,
    /// … and, if set, of this provider.
    pub answered_by: Option<ProviderId>,
    /// Start anew even though an earlier job's charge is unknown.
    pub repeat_allowed: bool,
    /// Claim the new job in the same commit …
    pub claim: Option<Duration>,
    /// … and record its first intent, unless something stands in its way.
    pub first_intent: Option<FirstIntent>,
    /// For so long a repetition is given the same job, also when that is another one which has ended meanwhile. A new job is
    /// given to its repetitions in any case.
    pub remember: Option<Duration>,
}

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

/// The job that serves a creation.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    pub stored: Stored,
    pub how: How,
}

impl Created {
    /// What a repetition is given that was served by another job before.
    pub(super) fn again(stored: Stored, answer: Option<Vec<u8>>) -> Created {
        let how = if stored.job.is_terminal() {
            How::Reused { answer }
        } else {
            How::Attached
        };
        Created { stored, how }
    }
}

/// How a creation was served.
#[derive(Clone, Debug)]
pub(crate) enum How {
    /// By the new job; with its lease when it was claimed. A repeated creation gets no lease.
    Started(Option<Lease>),
    /// By the one that lives.
    Attached,
    /// By one that has ended: with a paid answer, or with a charge that is still unknown. `answer` is what `read_sealed` would give.
    Reused { answer: Option<Vec<u8>> },
}

impl How {
    /// The sealed answer, where it came along.
    pub(crate) fn into_answer(self) -> Option<Vec<u8>> {
        match self {
            How::Reused { answer } => answer,
            How::Started(_) | How::Attached => None,
        }
    }
}
