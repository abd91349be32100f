//! Committing a transition: everything the script needs, taken from the transition before it is sent.
//!
//! What is allowed is the script's to decide, in one step; what is written was decided by the domain and by `store::ledger`.

use std::fmt::Display;

use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;
use uuid::{Uuid, fmt::Simple};

use super::{
    RedisStore,
    intents::{self, NOTHING, Open, or_nothing},
    jobs,
    keys::Slot,
    micros, micros_of,
    scripts::{self, Call},
    versions, vigil, words,
};
use crate::{
    domain::{
        ids::{IntentId, JobId},
        job::{Due, Job, LedgerChange, Reuse, Transition},
    },
    store::{Commit, Committed, PersonDay, StoreError, codec},
};

impl RedisStore {
    pub(super) async fn commit_transition(&self, commit: Commit) -> Result<Committed, StoreError> {
        let slot = self.keys.shard(commit.transition.job.id.shard());
        let sent_at = Instant::now();
        let opens = matches!(commit.transition.ledger, Some(LedgerChange::Open { .. }));
        if opens && self.fitness().unfit.is_some() {
            let wait = vigil::LOOK_INTERVAL;
            return Ok(Committed::Postponed { wait });
        }
        let call = self.commit_call(&slot, &commit);
        let id = &commit.transition.job.id;
        let (era, _) = versions::split(commit.expected_version);
        let Some((word, mut reply, reign)) = self.reigns.run_in(id.shard(), era, &call).await? else {
            return Ok(Committed::Conflict);
        };
        match word.as_str() {
            "DONE" => {
                let number = reply.number()?;
                self.reigns.memory.remember(id.clone(), number, call, &reign);
                let lease = jobs::lease(&mut reply, sent_at, commit.hold)?;
                self.reigns.acknowledged(id.shard(), reply.number()?);
                let version = versions::of(era, number);
                Ok(Committed::Done { version, lease })
            }
            "CONFLICT" => Ok(Committed::Conflict),
            "UNIT_TAKEN" => {
                let charge = serde_json::from_value(reply.text()?.into()).map_err(|_| reply.misshapen())?;
                Ok(Committed::UnitTaken { charge })
            }
            "POSTPONED" => Ok(Committed::Postponed {
                wait: reply.duration_us()?,
            }),
            "PERSON_DAY_FULL" => Ok(Committed::PersonDayFull),
            _ => Err(reply.misshapen()),
        }
    }

    pub(super) fn commit_call(&self, slot: &Slot, commit: &Commit) -> Call {
        let job = &commit.transition.job;
        let call = Call::new("commit a transition", &scripts::COMMIT)
            .key(slot.epoch())
            .key(slot.reign())
            .key(slot.job(&job.id))
            .key(slot.due())
            .key(slot.feed())
            .key(slot.ended())
            .key(slot.job_charges(&job.id));
        // A job of another shard could not be woken in this step; the engine makes none.
        let dependents = job.dependents.iter().filter(|id| id.shard() == job.id.shard());
        let dependents: Vec<&str> = dependents.map(JobId::as_str).collect();
        let prefixes: [&dyn Display; 4] = [
            &slot.dedupe_prefix(),
            &slot.charge_prefix(),
            &slot.unit_prefix(),
            &slot.person_day_prefix(),
        ];
        let change = commit.transition.ledger.as_ref();
        let call = match change {
            Some(LedgerChange::Open { intent, .. } | LedgerChange::Settle { intent, .. }) => {
                intents::keys(call, slot, job, intent, commit.person_day)
            }
            Some(LedgerChange::Resolve { .. }) | None => call,
        };
        let call = call
            .arg(self.epoch())
            .arg("")
            .arg(self.plan_of(commit))
            .arg(codec::encode_job(job))
            .arg(commit.answer.clone().unwrap_or_default())
            .arg(self.keys.bell())
            .arg(dependents.join(" "))
            .arg(words(&prefixes));
        match change {
            None => call.arg(""),
            Some(change) => ledger_args(call, job, change, commit.person_day),
        }
    }

    /// In one argument what every commit has.
    fn plan_of(&self, commit: &Commit) -> String {
        let Transition { job, due, ending, .. } = &commit.transition;
        let (due, due_us) = match due {
            Due::Held => ("held", i64::try_from(micros(commit.hold)).unwrap_or(i64::MAX)),
            Due::At(at) => ("at", micros_of(*at)),
            Due::Never => ("never", 0),
            Due::Unchanged => ("unchanged", 0),
        };
        let (ending, answer_of) = match ending.as_ref().map(|ending| ending.reuse) {
            Some(Reuse::Answer(provider)) => ("answer", Some(provider)),
            Some(Reuse::UntilSettled) => ("until_settled", None),
            Some(Reuse::Never) => ("never", None),
            None => (NOTHING, None),
        };
        words(&[
            &job.id,
            &operation(&commit.op),
            &versions::split(commit.expected_version).1,
            &or_nothing(commit.fence),
            &codec::RECORD_VERSION,
            &job.sequence,
            &u8::from(jobs::index_entry(&job.id).is_some()),
            &due,
            &due_us,
            &u8::from(job.is_terminal()),
            &micros_of(job.ended_at().unwrap_or(job.updated_at)),
            &ending,
            &or_nothing(answer_of),
            &self.feed_kept_min,
        ])
    }
}

fn ledger_args(call: Call, job: &Job, change: &LedgerChange, person_day: Option<PersonDay>) -> Call {
    let attempt = |id: &IntentId| job.attempts.iter().find(|attempt| attempt.id == *id);
    match change {
        LedgerChange::Open {
            intent,
            fresh_after,
            repeat_allowed,
        } => {
            let open = Open {
                intent,
                fresh_after: *fresh_after,
                repeat_allowed: *repeat_allowed,
            };
            intents::open_args(call.arg("open"), job, &open, person_day)
        }
        LedgerChange::Settle {
            intent,
            charge,
            class,
            reference,
            provider_code,
            late,
        } => {
            let settled_at = attempt(&intent.id)
                .and_then(|attempt| attempt.ended_at)
                .unwrap_or(job.updated_at);
            let settled = words(&[
                &intent.id.as_str(),
                &micros_of(intents::opened_at(job, &intent.id)),
                &micros_of(settled_at),
                &word(charge),
            ]);
            call.arg("settle")
                .arg(settled)
                .arg(intents::row_of(job, intent, person_day))
                .arg(words(&[&settled_at.as_nanosecond(), &word(class), &u8::from(*late)]))
                .arg(reference.as_deref().unwrap_or_default())
                .arg(provider_code.as_deref().unwrap_or_default())
        }
        LedgerChange::Resolve { charge, note } => {
            let settled_at = job
                .settlement
                .as_ref()
                .map_or(job.updated_at, |settlement| settlement.at);
            let call = call
                .arg("resolve")
                .arg(word(charge))
                .arg(micros_of(settled_at).to_string())
                .arg(settled_at.as_nanosecond().to_string())
                .arg(note.as_str());
            let ids = job.attempts.iter().map(|attempt| &attempt.id);
            ids.filter(|id| job.is_lost(id))
                .fold(call, |call, id| call.arg(id.as_str()))
        }
    }
}

/// An operation's name as a job's state holds it, which scripts compare.
pub(super) fn operation(op: &Uuid) -> Simple {
    op.simple()
}

/// The word for it in records, which the scripts compare with.
fn word(of: &impl Serialize) -> String {
    let word = serde_json::to_value(of).ok();
    word.as_ref()
        .and_then(Value::as_str)
        .expect("charges and classes are written as words")
        .to_owned()
}
