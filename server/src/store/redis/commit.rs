//! Committing a transition: everything the script needs, taken from the transition before it is sent.
//!
//! What is allowed is the script's to decide, in one step; what is written was decided by the domain and by `store::ledger`.

use std::fmt::Display;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    RedisStore, jobs,
    keys::{Slot, Unit},
    micros, micros_of,
    scripts::{self, Call},
    versions, vigil, words,
};
use crate::{
    domain::{
        ids::{IntentId, JobId},
        job::{Due, Intent, Job, LedgerChange, Reuse, Transition},
    },
    store::{Commit, Committed, PersonDay, StoreError, codec},
};

/// How long the count of a person's day is kept after its last change: longer than any time zone makes a day, and than a job
/// may take to settle its charge. Only garbage collection: a day that is over is not asked for any more.
const PERSON_DAY_KEEP_MS: u64 = 4 * 24 * 60 * 60 * 1000;

/// Stands in a plan for what is not there.
const NOTHING: &str = "-";

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

    fn commit_call(&self, slot: &Slot, commit: &Commit) -> Call {
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
        let call = intent_keys(call, slot, commit)
            .arg(self.epoch())
            .arg("")
            .arg(self.plan_of(commit))
            .arg(codec::encode_job(job))
            .arg(commit.answer.clone().unwrap_or_default())
            .arg(self.keys.bell())
            .arg(dependents.join(" "))
            .arg(words(&prefixes));
        match &commit.transition.ledger {
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
            &commit.op.simple(),
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
            &self.feed_kept_max,
        ])
    }
}

fn or_nothing(word: Option<impl Display>) -> String {
    word.map_or_else(|| NOTHING.to_owned(), |word| word.to_string())
}

fn ledger_args(call: Call, job: &Job, change: &LedgerChange, person_day: Option<PersonDay>) -> Call {
    let attempt = |id: &IntentId| job.attempts.iter().find(|attempt| attempt.id == *id);
    let opened_at = |id| attempt(id).map_or(job.updated_at, |attempt| attempt.started_at);
    match change {
        LedgerChange::Open {
            intent,
            fresh_after,
            repeat_allowed,
        } => {
            let opened_at = opened_at(&intent.id);
            let intended = words(&[
                &intent.id.as_str(),
                &micros_of(opened_at),
                &micros_of(*fresh_after),
                &u8::from(*repeat_allowed),
                &or_nothing(person_day.map(|day| day.max)),
                &PERSON_DAY_KEEP_MS,
            ]);
            call.arg("open")
                .arg(intended)
                .arg(row_of(job, intent, opened_at, person_day))
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
            let opened_at = opened_at(&intent.id);
            let settled = words(&[
                &intent.id.as_str(),
                &micros_of(opened_at),
                &micros_of(settled_at),
                &word(charge),
            ]);
            call.arg("settle")
                .arg(settled)
                .arg(row_of(job, intent, opened_at, person_day))
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

/// What a row says from the start: words, and at the end a test case. The person, the case and the day are for the scripts, which make
/// the keys of unit and count of them: the keys themselves would be so long that Redis holds the row in a form that takes twice the
/// memory. Times are nanoseconds since 1970, because Redis holds a whole number in a third of the bytes that its text takes.
fn row_of(job: &Job, intent: &Intent, opened_at: Timestamp, person_day: Option<PersonDay>) -> String {
    let row = words(&[
        &job.tenant.as_str(),
        &intent.provider,
        &intent.step.as_str(),
        &opened_at.as_nanosecond(),
        &job.person.as_str(),
        &or_nothing(person_day.map(|counted| counted.day)),
    ]);
    format!("{row} {}", job.ask.test_case_id.as_deref().unwrap_or_default())
}

/// The word for it in records, which the scripts compare with.
fn word(of: &impl Serialize) -> String {
    let word = serde_json::to_value(of).ok();
    word.as_ref()
        .and_then(Value::as_str)
        .expect("charges and classes are written as words")
        .to_owned()
}

/// The keys of the intent that the ledger change is about.
fn intent_keys(call: Call, slot: &Slot, commit: &Commit) -> Call {
    let job = &commit.transition.job;
    let intent: &Intent = match &commit.transition.ledger {
        Some(LedgerChange::Open { intent, .. } | LedgerChange::Settle { intent, .. }) => intent,
        Some(LedgerChange::Resolve { .. }) | None => return call,
    };
    let unit = Unit {
        tenant: &job.tenant,
        person: &job.person,
        provider: intent.provider,
        step: intent.step,
        test_case_id: job.ask.test_case_id.as_deref(),
    };
    let call = call
        .key(slot.charge(&intent.id))
        .key(slot.unit(&unit))
        .key(slot.charges(&job.tenant));
    match commit.person_day {
        Some(PersonDay { day, .. }) => call.key(slot.person_day(&job.person, intent.step, day)),
        None => call,
    }
}
