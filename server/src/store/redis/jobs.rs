//! Creating and reading jobs.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::time::Instant;

use super::{
    RedisStore,
    commit::operation,
    intents::{self, Open},
    keys::{Slot, dedupe_name},
    micros, micros_of,
    reigns::NOT_SETTLED,
    reply::Reply,
    scripts::{self, Call, Script},
    words,
};
use crate::{
    domain::{
        ids::{JobId, JobKind},
        job::{Job, LedgerChange},
        provider_id::ProviderId,
    },
    store::{Created, Creation, FirstIntent, How, Lease, SealedRecord, StoreError, Stored, codec},
};

/// An end that is older than this is held by the replicas, or there are none that could take over: whoever committed it has gone on
/// trying until then. So old answers can be read also while the replicas are away.
const END_IS_NEW_FOR: SignedDuration = SignedDuration::from_mins(1);

/// Version and fence of a job that was just created and claimed.
const CREATED: u64 = 1;
const FIRST_FENCE: u64 = 1;

impl RedisStore {
    pub(super) async fn create_job(&self, creation: Creation) -> Result<Created, StoreError> {
        let is_fit = self.fitness().unfit.is_none();
        if let Some(first) = creation.first_intent.as_ref().filter(|_| is_fit)
            && let Some(created) = self.try_create(&creation, Some(first)).await?
        {
            return Ok(created);
        }
        let created = self.try_create(&creation, None).await?;
        Ok(created.expect("only an intent can be refused"))
    }

    /// `None` = the job would be new, and its intent cannot be had: nothing was done.
    async fn try_create(
        &self,
        creation: &Creation,
        first_intent: Option<&FirstIntent>,
    ) -> Result<Option<Created>, StoreError> {
        let shard = creation.job.id.shard();
        // A running job that needs this one must not be kept waiting: it came when there was room.
        let full = self.fitness().full.filter(|_| creation.job.dependents.is_empty());
        let call = self.creation_call(creation, first_intent, full.is_some());
        let sent_at = Instant::now();
        let (word, mut reply, reign) = self.reigns.run(shard, &call).await?;
        if let "STARTED" | "REPLAY" = word.as_str() {
            self.remember_creation(creation, first_intent.is_none().then_some(call), &reign);
        }
        let how = match word.as_str() {
            "STARTED" => {
                let version = reply.number()?;
                let hold = first_intent.map_or(creation.claim, |first| Some(first.hold));
                let lease = lease(&mut reply, sent_at, hold.unwrap_or_default())?;
                if let Some(first) = first_intent {
                    self.remember_intent(first, version, &reign);
                }
                self.reigns.acknowledged(shard, reply.number()?);
                let job = begun(creation, first_intent).clone();
                return Ok(Some(Created {
                    stored: Stored { job, version },
                    how: How::Started(lease),
                }));
            }
            "REFUSED" if first_intent.is_some() => return Ok(None),
            "FULL" => return Err(not_created(full.unwrap_or_default())),
            "SETTLING" => return Err(not_created(NOT_SETTLED.into())),
            "REPLAY" => How::Started(None),
            "ATTACHED" => How::Attached,
            "REUSED" => {
                let (stored, answer) = ended(&mut reply)?;
                let how = How::Reused { answer };
                return Ok(Some(Created { stored, how }));
            }
            "AGAIN" => {
                let (stored, answer) = ended(&mut reply)?;
                return Ok(Some(Created::again(stored, answer)));
            }
            _ => return Err(reply.misshapen()),
        };
        let id = reply.text()?;
        let stored = stored(&id, &mut reply)?;
        Ok(Some(Created { stored, how }))
    }

    /// The creation is remembered without its intent, which is a deed of its own: of a repetition that came with another intent, only
    /// the job was acknowledged.
    fn remember_creation(&self, creation: &Creation, as_made: Option<Call>, reign: &Arc<str>) {
        let call = as_made.unwrap_or_else(|| self.creation_call(creation, None, false));
        self.reigns
            .memory
            .remember(creation.job.id.clone(), CREATED, call, reign);
    }

    fn remember_intent(&self, first: &FirstIntent, version: u64, reign: &Arc<str>) {
        let id = &first.transition.job.id;
        let slot = self.keys.shard(id.shard());
        let call = self.commit_call(&slot, &first.commit(CREATED, FIRST_FENCE));
        self.reigns.memory.remember(id.clone(), version, call, reign);
    }

    fn creation_call(&self, creation: &Creation, first_intent: Option<&FirstIntent>, is_full: bool) -> Call {
        let Creation {
            job,
            product,
            claim,
            remember,
            ..
        } = creation;
        let slot = self.keys.shard(job.id.shard());
        let dedupe = dedupe_name(&job.tenant, &job.person, product);
        let begun = begun(creation, first_intent);
        let lease = first_intent.map_or(*claim, |first| Some(first.hold));
        let plan = words(&[
            &job.id,
            &begun.sequence,
            &codec::RECORD_VERSION,
            &micros_of(creation.answered_since),
            &micros(self.retention),
            &u8::from(creation.repeat_allowed),
            &lease.map_or(0, micros),
            &remember.map_or(0, |keep| (micros(keep) / 1000).max(1)),
            &self.feed_kept_min,
        ]);
        let providers: Vec<&str> = match &creation.answered_by {
            Some(provider) => vec![provider.as_str()],
            None => ProviderId::ALL.iter().map(|provider| provider.as_str()).collect(),
        };
        let script = if job.dependents.is_empty() {
            &scripts::CREATE
        } else {
            &scripts::CREATE_FOR_JOB
        };
        let call = Call::new("create a job", script)
            .key(slot.epoch())
            .key(slot.reign())
            .key(slot.job(&job.id))
            .key(slot.dedupe(&dedupe))
            .key(slot.due())
            .key(slot.jobs(&job.tenant))
            .key(slot.feed())
            .key(slot.served(&job.id))
            .arg(self.epoch())
            .arg("")
            .arg(plan)
            .arg(codec::encode_job(begun))
            .arg(creation.subject.as_slice())
            .arg(if is_full { "1" } else { "0" })
            .arg(self.keys.bell())
            .arg(dedupe)
            .arg(index_entry(&job.id).unwrap_or_default())
            .arg(providers.join(" "));
        match first_intent {
            Some(first) => with_intent(call, &slot, first),
            None => call,
        }
    }

    /// What is said for good is said only by a server that its replicas follow, and when they hold it: that there is no such job,
    /// because a master that was replaced while it was away has not heard of the newest ones; and that a job has ended, because a
    /// failover takes back a commit that nobody has acknowledged yet, but which can be read already.
    pub(super) async fn read_job(&self, id: &JobId) -> Result<Option<Stored>, StoreError> {
        let read = self.read_job_by(&scripts::READ, id).await?;
        if read.is_none() {
            self.reigns.demand_settled(id.shard()).await?;
        }
        if self.link.replicas_min() > 0 && self.is_final_and_new(read.as_ref()) {
            return self.read_job_by(&scripts::READ_HERE, id).await;
        }
        Ok(read)
    }

    fn is_final_and_new(&self, read: Option<&Stored>) -> bool {
        let Some(stored) = read else { return true };
        let is_new = |ended_at| self.clock.now().duration_since(ended_at) < END_IS_NEW_FOR;
        stored.job.ended_at().is_some_and(is_new)
    }

    async fn read_job_by(&self, script: &'static Script, id: &JobId) -> Result<Option<Stored>, StoreError> {
        let slot = self.keys.shard(id.shard());
        let call = Call::new("read a job", script)
            .key(slot.epoch())
            .key(slot.job(id))
            .arg(self.epoch())
            .arg("record")
            .arg("state");
        let (word, mut reply) = self.link.run(call).await?;
        if word == "NONE" {
            return Ok(None);
        }
        let (record, state) = (reply.bytes()?, reply.text()?);
        let version = state.split(' ').next().and_then(|version| version.parse().ok());
        Ok(Some(Stored {
            job: codec::decode_job(id.as_str(), &record)?,
            version: version.ok_or_else(|| reply.misshapen())?,
        }))
    }

    pub(super) async fn read_sealed_record(&self, id: &JobId) -> Result<Option<SealedRecord>, StoreError> {
        let slot = self.keys.shard(id.shard());
        let call = Call::new("read a sealed record", &scripts::READ)
            .key(slot.epoch())
            .key(slot.job(id))
            .arg(self.epoch())
            .arg("subject")
            .arg("answer");
        let (word, mut reply) = self.link.run(call).await?;
        if word == "NONE" {
            return Ok(None);
        }
        Ok(Some(SealedRecord {
            subject: reply.bytes()?,
            answer: reply.bytes_or_none()?,
        }))
    }
}

/// The job as it is stored.
fn begun<'a>(creation: &'a Creation, first_intent: Option<&'a FirstIntent>) -> &'a Job {
    first_intent.map_or(&creation.job, |first| &first.transition.job)
}

fn not_created(why: Arc<str>) -> StoreError {
    StoreError::Unavailable {
        doing: "create a job",
        why,
    }
}

/// The creation with the intent that it is to record.
fn with_intent(call: Call, slot: &Slot, first: &FirstIntent) -> Call {
    let (job, person_day) = (&first.transition.job, first.person_day);
    let Some(LedgerChange::Open {
        intent,
        fresh_after,
        repeat_allowed,
    }) = &first.transition.ledger
    else {
        unreachable!("the transition records an intent");
    };
    let open = Open {
        intent,
        fresh_after: *fresh_after,
        repeat_allowed: *repeat_allowed,
    };
    let call = intents::keys(call.key(slot.job_charges(&job.id)), slot, job, intent, person_day);
    intents::open_args(call, job, &open, person_day).arg(operation(&first.op).to_string())
}

/// Record and version, as scripts answer them.
pub(super) fn stored(id: &str, reply: &mut Reply) -> Result<Stored, StoreError> {
    let record = reply.bytes()?;
    let version = reply.number()?;
    Ok(Stored {
        job: codec::decode_job(id, &record)?,
        version,
    })
}

/// Name, record, version and sealed answer of a job that has ended, or may have.
fn ended(reply: &mut Reply) -> Result<(Stored, Option<Vec<u8>>), StoreError> {
    let id = reply.text()?;
    Ok((stored(&id, reply)?, reply.bytes_or_none()?))
}

/// Fence, if there is a lease, and stalled claims, as scripts answer them.
pub(super) fn lease(reply: &mut Reply, sent_at: Instant, hold: Duration) -> Result<Option<Lease>, StoreError> {
    let fence = reply.number_or_none()?;
    let stalled_claims = reply.number()?;
    Ok(fence.map(|fence| Lease {
        fence,
        expires_at: sent_at + hold,
        stalled_claims,
    }))
}

/// What the names of all jobs begin with that callers see in lists and in the feed.
pub(super) const PUBLIC: &str = "wh_";

/// What stands in the index for a job that callers see: it sorts by birth.
pub(super) fn index_entry(id: &JobId) -> Option<&str> {
    match id.kind() {
        JobKind::WorkHistory => id.as_str().strip_prefix(PUBLIC),
        JobKind::NssLookup => None,
    }
}
