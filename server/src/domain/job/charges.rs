//! The money side of a job's moves: what an outcome settles, what comes late, and whether money is still in question.
//!
//! Decides what is written to attempts and ledger. It deliberately does not choose a job's next state; `next` does.

use crate::domain::{
    ids::IntentId,
    job::{Attempt, Ending, Intent, Job, LedgerChange, Reuse, Settlement, State, Transition, next::Next},
    outcome::{Charge, Outcome, OutcomeClass},
};

impl Job {
    /// Whether money is still in question, so that an operator can settle it: a charge that is unknown, or an answer that came
    /// after the job had ended without it.
    pub(crate) fn needs_settlement(&self) -> bool {
        let mut own = self.attempts.iter().filter(|attempt| !attempt.shared);
        self.settlement.is_none() && own.any(|attempt| attempt.charge == Charge::Unknown || self.lost(attempt))
    }

    /// Whether this intent's answer was paid for and is held by nobody.
    pub(crate) fn is_lost(&self, intent: &IntentId) -> bool {
        let mut attempts = self.attempts.iter();
        attempts.any(|attempt| attempt.id == *intent && self.lost(attempt))
    }

    /// Whether this attempt brought an answer when the job had ended without one: paid for, and held by nobody.
    fn lost(&self, attempt: &Attempt) -> bool {
        let answered = attempt.class == Some(OutcomeClass::Answered) && attempt.charge == Charge::Yes;
        answered
            && match &self.state {
                State::OutcomeUnknown { .. } | State::Cancelled { .. } => true,
                State::Failed { failure, .. } => attempt.failure.as_ref() != Some(failure),
                State::Queued { .. }
                | State::AwaitingNss { .. }
                | State::Calling { .. }
                | State::Waiting { .. }
                | State::Ambiguous { .. }
                | State::Succeeded { .. } => false,
            }
    }
}

impl Next {
    /// Writes what the outcome settles into the attempt, and says the same to the ledger.
    pub(super) fn settle(&mut self, intent: &Intent, outcome: &Outcome, late: bool) -> Option<LedgerChange> {
        let settles = outcome.settles();
        let known = outcome.failure().and_then(|failure| failure.provider_code.clone());
        let (class, charge) = match settles {
            Some(settled) => settled,
            // Accepted: the reference is worth keeping, the charge stays as it is.
            None => return self.note_reference(intent, outcome),
        };
        if let Some(attempt) = self.job.attempts.iter_mut().find(|attempt| attempt.id == intent.id) {
            attempt.class = Some(class);
            attempt.charge = charge;
            attempt.ended_at = Some(self.now);
            attempt.failure = outcome.failure().cloned();
        }
        Some(LedgerChange::Settle {
            intent: intent.clone(),
            charge,
            class,
            reference: outcome.reference().map(str::to_owned),
            provider_code: known,
            late,
        })
    }

    /// What is known to be unknown keeps its time and its failure.
    pub(super) fn mark_unknown(&mut self, intent: &Intent) {
        let attempts = &self.job.attempts;
        if attempts
            .iter()
            .any(|attempt| attempt.id == intent.id && attempt.charge == Charge::Open)
        {
            self.settle(intent, &Outcome::Ambiguous, false);
        }
    }

    fn note_reference(&self, intent: &Intent, outcome: &Outcome) -> Option<LedgerChange> {
        let attempt = self.job.attempts.iter().find(|attempt| attempt.id == intent.id);
        let charge = attempt.map_or(Charge::Open, |attempt| attempt.charge);
        outcome.reference().map(|reference| LedgerChange::Settle {
            intent: intent.clone(),
            charge,
            class: OutcomeClass::Ambiguous,
            reference: Some(reference.to_owned()),
            provider_code: None,
            late: self.job.is_terminal(),
        })
    }

    /// A fact about an intent that the job no longer waits for: recorded, and nothing else moves, unless it is the answer and the
    /// job has not begun another call.
    pub(super) fn late(mut self, of: &IntentId, outcome: &Outcome) -> Transition {
        let known = self
            .job
            .attempts
            .iter()
            .find(|attempt| attempt.id == *of && !attempt.shared);
        let open = known
            .filter(|attempt| matches!(attempt.charge, Charge::Open | Charge::Unknown))
            .cloned();
        let Some(attempt) = open else { return self.unchanged() };
        let intent = Intent {
            id: attempt.id,
            provider: attempt.provider,
            step: attempt.step,
        };
        if self.job.is_terminal() && matches!(outcome, Outcome::Accepted { .. }) {
            // Whoever settles the charge can ask the provider for it by name.
            let ledger = self.note_reference(&intent, outcome);
            return Transition {
                ledger,
                ..self.unchanged()
            };
        }
        // What an operator has settled stays settled, and "still unknown" is no news.
        if self.job.settlement.is_some() || !matches!(outcome.settles(), Some((_, Charge::Yes | Charge::No))) {
            return self.unchanged();
        }
        let idle = matches!(self.job.state, State::Queued { .. } | State::AwaitingNss { .. });
        if idle && matches!(outcome, Outcome::Answered { .. }) {
            let now = self.now;
            return self.outcome(&intent, outcome.clone(), now);
        }
        let ledger = self.settle(&intent, outcome, self.job.is_terminal());
        // Proved free: whoever was kept out by the unknown charge may ask again.
        let freed = self.job.is_terminal() && !self.job.needs_settlement();
        let ending = freed.then(|| Ending {
            reuse: reuse_of(&self.job),
        });
        Transition {
            ledger,
            ending,
            ..self.unchanged()
        }
    }

    pub(super) fn settled(mut self, charge: Charge, note: String) -> Transition {
        for attempt in self
            .job
            .attempts
            .iter_mut()
            .filter(|attempt| !attempt.shared && attempt.charge == Charge::Unknown)
        {
            attempt.charge = charge;
        }
        self.job.settlement = Some(Settlement {
            charge,
            at: self.now,
            note: note.clone(),
        });
        self.job.updated_at = self.now;
        let ending = Some(Ending {
            reuse: reuse_of(&self.job),
        });
        Transition {
            ledger: Some(LedgerChange::Resolve { charge, note }),
            ending,
            ..self.unchanged()
        }
    }
}

pub(super) fn unknown(intent: &Intent) -> LedgerChange {
    LedgerChange::Settle {
        intent: intent.clone(),
        charge: Charge::Unknown,
        class: OutcomeClass::Ambiguous,
        reference: None,
        provider_code: None,
        late: false,
    }
}

/// What the end of a job means, read from its own attempts: an unknown charge outweighs all but a success, a definite answer
/// outweighs nothing. Shared attempts do not count: the lookup job gives its NSS, or its no, again by itself.
pub(super) fn reuse_of(job: &Job) -> Reuse {
    let succeeded = matches!(job.state, State::Succeeded { .. });
    if !succeeded && job.needs_settlement() {
        return Reuse::UntilSettled;
    }
    let mut own = job.attempts.iter().rev().filter(|attempt| !attempt.shared);
    let answered = own.find(|attempt| attempt.class == Some(OutcomeClass::Answered) && !job.lost(attempt));
    answered.map_or(Reuse::Never, |attempt| Reuse::Answer(attempt.provider))
}
