//! Committing a transition: everything the script needs, taken from the transition before it is sent.
//!
//! What is allowed is the script's to decide, in one step; what is written was decided by the domain and by `store::ledger`.

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::{
    RedisStore, jobs,
    keys::{Slot, Unit},
    micros, micros_of,
    scripts::{self, Call},
    versions, vigil,
};
use crate::{
    domain::{
        ids::{IntentId, JobId, Tenant},
        job::{Due, Intent, Job, LedgerChange, Reuse, Step, Transition},
        outcome::{Charge, OutcomeClass},
        provider_id::ProviderId,
    },
    store::{Commit, Committed, PersonDay, StoreError, codec},
};

/// How long the count of a person's day is kept after its last change: longer than any time zone makes a day, and than a job
/// may take to settle its charge. Only garbage collection: a day that is over is not asked for any more.
const PERSON_DAY_KEEP_MS: u64 = 4 * 24 * 60 * 60 * 1000;

/// Arguments of `commit.lua`.
#[derive(Serialize)]
struct CommitPlan<'a> {
    job: &'a JobId,
    op: String,
    expected_version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fence: Option<u64>,
    format: String,
    sequence: u64,
    public: bool,
    has_answer: bool,
    due: &'static str,
    due_us: i64,
    hold_us: u64,
    has_ended: bool,
    ended_us: i64,
    dependents: Vec<&'a JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_of: Option<ProviderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<LedgerPlan<'a>>,
    job_prefix: String,
    bell: String,
    feed_kept_max: u64,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum LedgerPlan<'a> {
    Open {
        intent: &'a IntentId,
        tenant: &'a Tenant,
        provider: ProviderId,
        step: Step,
        opened_at: Timestamp,
        opened_us: i64,
        fresh_after_us: i64,
        repeat_allowed: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        person_day_max: Option<u32>,
        person_day_keep_ms: u64,
    },
    Settle {
        intent: &'a IntentId,
        charge: Charge,
        class: OutcomeClass,
        #[serde(skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_code: Option<&'a str>,
        late: bool,
        settled_at: Timestamp,
        settled_us: i64,
        /// What the row says beside, should it have been lost.
        tenant: &'a Tenant,
        provider: ProviderId,
        step: Step,
        opened_at: Timestamp,
        opened_us: i64,
    },
    Resolve {
        charge: Charge,
        note: &'a str,
        /// Charges for answers that nobody holds.
        lost: Vec<&'a IntentId>,
        settled_at: Timestamp,
        settled_us: i64,
    },
}

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
            .key(slot.sealed(&job.id))
            .key(slot.due())
            .key(slot.feed())
            .key(slot.ended())
            .key(slot.job_charges(&job.id));
        intent_keys(call, slot, commit)
            .arg(self.epoch())
            .arg("")
            .arg(super::plan(&self.commit_plan(slot, commit)))
            .arg(codec::encode_job(job))
            .arg(commit.answer.clone().unwrap_or_default())
    }

    fn commit_plan<'a>(&self, slot: &Slot, commit: &'a Commit) -> CommitPlan<'a> {
        let Transition {
            job,
            due,
            ledger,
            ending,
        } = &commit.transition;
        let (due, due_us) = match due {
            Due::Held => ("held", 0),
            Due::At(at) => ("at", micros_of(*at)),
            Due::Never => ("never", 0),
            Due::Unchanged => ("unchanged", 0),
        };
        let (ending, answer_of) = match ending.as_ref().map(|ending| ending.reuse) {
            Some(Reuse::Answer(provider)) => (Some("answer"), Some(provider)),
            Some(Reuse::UntilSettled) => (Some("until_settled"), None),
            Some(Reuse::Never) => (Some("never"), None),
            None => (None, None),
        };
        CommitPlan {
            job: &job.id,
            op: commit.op.to_string(),
            expected_version: versions::split(commit.expected_version).1,
            fence: commit.fence,
            format: codec::RECORD_VERSION.to_string(),
            sequence: job.sequence,
            public: jobs::is_public(&job.id),
            has_answer: commit.answer.is_some(),
            due,
            due_us,
            hold_us: micros(commit.hold),
            has_ended: job.is_terminal(),
            ended_us: micros_of(job.ended_at().unwrap_or(job.updated_at)),
            // A job of another shard could not be woken in this step; the engine makes none.
            dependents: job
                .dependents
                .iter()
                .filter(|id| id.shard() == job.id.shard())
                .collect(),
            ending,
            answer_of,
            ledger: ledger
                .as_ref()
                .map(|change| ledger_plan(job, change, commit.person_day)),
            job_prefix: slot.job_prefix(),
            bell: self.keys.bell(),
            feed_kept_max: self.feed_kept_max,
        }
    }
}

fn ledger_plan<'a>(job: &'a Job, change: &'a LedgerChange, person_day: Option<PersonDay>) -> LedgerPlan<'a> {
    let attempt = |id: &IntentId| job.attempts.iter().find(|attempt| attempt.id == *id);
    match change {
        LedgerChange::Open {
            intent,
            fresh_after,
            repeat_allowed,
        } => {
            let opened_at = attempt(&intent.id).map_or(job.updated_at, |attempt| attempt.started_at);
            LedgerPlan::Open {
                intent: &intent.id,
                tenant: &job.tenant,
                provider: intent.provider,
                step: intent.step,
                opened_at,
                opened_us: micros_of(opened_at),
                fresh_after_us: micros_of(*fresh_after),
                repeat_allowed: *repeat_allowed,
                person_day_max: person_day.map(|day| day.max),
                person_day_keep_ms: PERSON_DAY_KEEP_MS,
            }
        }
        LedgerChange::Settle {
            intent,
            charge,
            class,
            reference,
            provider_code,
            late,
        } => {
            let attempt = attempt(&intent.id);
            let settled_at = attempt.and_then(|attempt| attempt.ended_at).unwrap_or(job.updated_at);
            let opened_at = attempt.map_or(job.updated_at, |attempt| attempt.started_at);
            LedgerPlan::Settle {
                intent: &intent.id,
                charge: *charge,
                class: *class,
                reference: reference.as_deref(),
                provider_code: provider_code.as_deref(),
                late: *late,
                settled_at,
                settled_us: micros_of(settled_at),
                tenant: &job.tenant,
                provider: intent.provider,
                step: intent.step,
                opened_at,
                opened_us: micros_of(opened_at),
            }
        }
        LedgerChange::Resolve { charge, note } => {
            let settled_at = job
                .settlement
                .as_ref()
                .map_or(job.updated_at, |settlement| settlement.at);
            let ids = job.attempts.iter().map(|attempt| &attempt.id);
            let lost = ids.filter(|id| job.is_lost(id)).collect();
            LedgerPlan::Resolve {
                charge: *charge,
                note,
                lost,
                settled_at,
                settled_us: micros_of(settled_at),
            }
        }
    }
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
