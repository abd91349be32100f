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
        outcome::Charge,
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
            &commit.op,
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
            let call = call
                .arg("open")
                .arg(intent.id.as_str())
                .arg(micros_of(opened_at).to_string())
                .arg(micros_of(*fresh_after).to_string())
                .arg(u8::from(*repeat_allowed).to_string())
                .arg(person_day.map_or_else(String::new, |day| day.max.to_string()))
                .number(PERSON_DAY_KEEP_MS);
            let mut row = row_of(job, intent, opened_at);
            row.extend(person_day.map(|counted| ("day", counted.day.to_string())));
            with_fields(call, row)
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
            let row = row_of(job, intent, opened_at);
            let row: Vec<&str> = row.iter().flat_map(|(field, value)| [*field, value]).collect();
            let call = call
                .arg("settle")
                .arg(intent.id.as_str())
                .arg(micros_of(opened_at).to_string())
                .arg(micros_of(settled_at).to_string())
                .arg(word(charge))
                .arg(serde_json::to_vec(&row).expect("text is valid JSON"));
            let mut changes: Vec<(&str, String)> = Vec::new();
            changes.extend(reference.clone().map(|reference| ("reference", reference)));
            if *charge != Charge::Open {
                changes.push(("charge", word(charge)));
                changes.push(("settled_at", settled_at.to_string()));
                changes.push(("class", word(class)));
                changes.push(("late", u8::from(*late).to_string()));
                changes.extend(provider_code.clone().map(|code| ("provider_code", code)));
            }
            with_fields(call, changes)
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
                .arg(settled_at.to_string())
                .arg(note.as_str());
            let ids = job.attempts.iter().map(|attempt| &attempt.id);
            ids.filter(|id| job.is_lost(id))
                .fold(call, |call, id| call.arg(id.as_str()))
        }
    }
}

/// What a row says from the start. `person` and `case` are for the scripts, which make the unit's key of them: the key itself would
/// be so long that Redis holds the row in a form that takes twice the memory.
fn row_of(job: &Job, intent: &Intent, opened_at: Timestamp) -> Vec<(&'static str, String)> {
    let mut row = vec![
        ("job", job.id.to_string()),
        ("tenant", job.tenant.as_str().to_owned()),
        ("provider", intent.provider.to_string()),
        ("step", intent.step.as_str().to_owned()),
        ("opened_at", opened_at.to_string()),
        ("person", job.person.as_str().to_owned()),
    ];
    row.extend(job.ask.test_case_id.clone().map(|case| ("case", case)));
    row
}

fn with_fields(call: Call, fields: Vec<(&str, String)>) -> Call {
    fields
        .into_iter()
        .fold(call, |call, (field, value)| call.arg(field).arg(value))
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
