//! What each move of a job does besides changing its state: attempts, events, the due time; its money is for `charges`.
//!
//! `apply` chooses the move; these functions carry it out. They never refuse.

use jiff::Timestamp;

use crate::domain::{
    ids::{IntentId, JobId},
    job::{
        ATTEMPTS_MAX, Attempt, DEPENDENTS_MAX, Due, Ending, Intent, Job, LedgerChange, State, Transition,
        charges::{reuse_of, unknown},
        outcome_unknown,
    },
    outcome::{Charge, Outcome, Verdict},
    reason::Failure,
};

/// A transition in the making.
pub(super) struct Next {
    pub(super) job: Job,
    pub(super) now: Timestamp,
}

impl Next {
    pub(super) fn unchanged(self) -> Transition {
        Transition {
            job: self.job,
            due: Due::Unchanged,
            ledger: None,
            ending: None,
        }
    }

    pub(super) fn to(mut self, state: State, about: Option<&IntentId>, due: Due) -> Transition {
        self.job.state = state;
        let attempt = about.and_then(|id| self.job.attempts.iter().find(|attempt| attempt.id == *id).cloned());
        self.job.record_event(attempt, self.now);
        Transition {
            job: self.job,
            due,
            ledger: None,
            ending: None,
        }
    }

    fn end(self, state: State, about: Option<&IntentId>) -> Transition {
        let mut ended = self.to(state, about, Due::Never);
        ended.ending = Some(Ending {
            reuse: reuse_of(&ended.job),
        });
        ended
    }

    pub(super) fn joined(mut self, limit: u32, dependent: Option<JobId>) -> Transition {
        let own = self.job.ask.limit;
        self.job.ask.limit = if own == 0 || limit == 0 { 0 } else { own.max(limit) };
        if let Some(dependent) = dependent.filter(|id| !self.job.dependents.contains(id)) {
            self.job.dependents.push(dependent);
            let surplus = self.job.dependents.len().saturating_sub(DEPENDENTS_MAX);
            self.job.dependents.drain(..surplus);
        }
        self.unchanged()
    }

    pub(super) fn taken_up(mut self) -> Transition {
        self.job.stalls = self.job.stalls.saturating_add(1);
        self.unchanged()
    }

    pub(super) fn deferred(self, until: Timestamp) -> Transition {
        match self.job.state {
            // Waiting on is no news to a watcher.
            State::Queued { deferred: true } => self.rescheduled(until),
            State::Queued { deferred: false }
            | State::AwaitingNss { .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Ambiguous { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::OutcomeUnknown { .. } => self.to(State::Queued { deferred: true }, None, Due::At(until)),
        }
    }

    pub(super) fn rescheduled(self, until: Timestamp) -> Transition {
        Transition {
            due: Due::At(until),
            ..self.unchanged()
        }
    }

    pub(super) fn polled(mut self, until: Timestamp) -> Transition {
        if let State::Waiting { polls, .. } = &mut self.job.state {
            *polls += 1;
        }
        self.rescheduled(until)
    }

    pub(super) fn calling(mut self, intent: Intent) -> Transition {
        self.job.attempts.push(Attempt {
            id: intent.id.clone(),
            provider: intent.provider,
            step: intent.step,
            class: None,
            charge: Charge::Open,
            started_at: self.now,
            ended_at: None,
            failure: None,
            shared: false,
        });
        self.forget_surplus();
        let ledger = LedgerChange::Open {
            intent: intent.clone(),
            fresh_after: self.job.ask.fresh_after,
            repeat_allowed: self.job.ask.allow_repeat_charge,
        };
        let about = intent.id.clone();
        Transition {
            ledger: Some(ledger),
            ..self.to(State::Calling { intent }, Some(&about), Due::Held)
        }
    }

    pub(super) fn waiting(self, intent: &Intent, reference: String, next_at: Timestamp) -> Transition {
        let state = State::Waiting {
            intent: intent.clone(),
            reference,
            polls: 0,
        };
        self.to(state, Some(&intent.id), Due::At(next_at))
    }

    /// The fact about the live intent.
    pub(super) fn outcome(mut self, intent: &Intent, outcome: Outcome, next_at: Timestamp) -> Transition {
        let ledger = self.settle(intent, &outcome, false);
        let transition = match outcome {
            Outcome::Accepted { reference } => self.waiting(intent, reference, next_at),
            Outcome::Answered {
                verdict: Verdict::Found,
                ..
            } => {
                let at = self.now;
                self.end(State::Succeeded { at }, Some(&intent.id))
            }
            Outcome::Answered {
                verdict: Verdict::No(failure),
                ..
            }
            | Outcome::Unusable { failure } => {
                let at = self.now;
                self.end(State::Failed { at, failure }, Some(&intent.id))
            }
            Outcome::NotSent | Outcome::Rejected { .. } | Outcome::Down { .. } => self.back_to_queue(intent, next_at),
            Outcome::Ambiguous | Outcome::ReferenceLost { .. } => self.ambiguous(intent, next_at),
        };
        Transition { ledger, ..transition }
    }

    fn back_to_queue(self, intent: &Intent, next_at: Timestamp) -> Transition {
        if self.job.cancel_requested {
            let at = self.now;
            return self.end_without_answer(State::Cancelled { at }, Some(&intent.id));
        }
        self.to(State::Queued { deferred: true }, Some(&intent.id), Due::At(next_at))
    }

    pub(super) fn ambiguous(mut self, intent: &Intent, until: Timestamp) -> Transition {
        self.mark_unknown(intent);
        let state = State::Ambiguous {
            intent: intent.clone(),
            until,
        };
        let ledger = Some(unknown(intent));
        Transition {
            ledger,
            ..self.to(state, Some(&intent.id), Due::At(until))
        }
    }

    pub(super) fn outcome_unknown(mut self, intent: &Intent) -> Transition {
        self.mark_unknown(intent);
        let state = State::OutcomeUnknown {
            at: self.now,
            failure: outcome_unknown(intent.provider),
        };
        Transition {
            ledger: Some(unknown(intent)),
            ..self.end(state, Some(&intent.id))
        }
    }

    pub(super) fn abandoned(self, intent: &Intent) -> Transition {
        if self.job.cancel_requested {
            return self.outcome_unknown(intent);
        }
        let now = self.now;
        self.to(State::Queued { deferred: false }, Some(&intent.id), Due::At(now))
    }

    pub(super) fn nss_found(mut self, lookup: JobId, attempts: Vec<Attempt>) -> Transition {
        self.share(attempts);
        self.job.nss_from = Some(lookup);
        self.to(State::Queued { deferred: false }, None, Due::Held)
    }

    pub(super) fn nss_missed(mut self, failure: Failure, attempts: Vec<Attempt>, fall_back: bool) -> Transition {
        self.share(attempts);
        self.job.nss_missed = true;
        if fall_back {
            self.to(State::Queued { deferred: false }, None, Due::Held)
        } else {
            self.failed(failure)
        }
    }

    fn share(&mut self, attempts: Vec<Attempt>) {
        let known: Vec<IntentId> = self.job.attempts.iter().map(|attempt| attempt.id.clone()).collect();
        let new = attempts.into_iter().filter(|attempt| !known.contains(&attempt.id));
        self.job.attempts.extend(new.map(|attempt| Attempt {
            shared: true,
            ..attempt
        }));
        self.forget_surplus();
    }

    /// Forgets the oldest attempts, but before any other those that no money hangs on: an unknown charge must be seen to its end.
    fn forget_surplus(&mut self) {
        let attempts = &mut self.job.attempts;
        while attempts.len() > ATTEMPTS_MAX {
            let idle = attempts
                .iter()
                .position(|attempt| attempt.shared || attempt.charge == Charge::No);
            attempts.remove(idle.unwrap_or(0));
        }
    }

    pub(super) fn failed(self, failure: Failure) -> Transition {
        let at = self.now;
        self.end_without_answer(State::Failed { at, failure }, None)
    }

    pub(super) fn cancelled(self) -> Transition {
        let at = self.now;
        self.end_without_answer(State::Cancelled { at }, None)
    }

    /// Ends as unknown instead when an abandoned call may have been charged: an operator has one list to look at.
    fn end_without_answer(self, state: State, about: Option<&IntentId>) -> Transition {
        let mut own = self.job.attempts.iter().rev().filter(|attempt| !attempt.shared);
        let state = match own.find(|attempt| attempt.charge == Charge::Unknown) {
            Some(attempt) => State::OutcomeUnknown {
                at: self.now,
                failure: outcome_unknown(attempt.provider),
            },
            None => state,
        };
        self.end(state, about)
    }

    pub(super) fn cancel_noted(mut self) -> Transition {
        self.job.cancel_requested = true;
        self.unchanged()
    }
}
