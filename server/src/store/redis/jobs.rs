//! Creating and reading jobs.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::{
    RedisStore,
    keys::dedupe_name,
    micros, micros_of,
    reigns::NOT_SETTLED,
    reply::Reply,
    scripts::{self, Call, Script},
    words,
};
use crate::{
    domain::{
        ids::{JobId, JobKind},
        provider_id::ProviderId,
    },
    store::{Created, Creation, How, Lease, SealedRecord, StoreError, Stored, codec},
};

/// An end that is older than this is held by the replicas, or there are none that could take over: whoever committed it has gone on
/// trying until then. So old answers can be read also while the replicas are away.
const END_IS_NEW_FOR: SignedDuration = SignedDuration::from_mins(1);

impl RedisStore {
    pub(super) async fn create_job(&self, creation: Creation) -> Result<Created, StoreError> {
        let Creation {
            job,
            subject,
            product,
            answered_since,
            answered_by,
            repeat_allowed,
            claim,
            remember,
        } = creation;
        let slot = self.keys.shard(job.id.shard());
        let answered_by = answered_by.map_or(ProviderId::ALL.to_vec(), |provider| vec![provider]);
        let plan = words(&[
            &job.id,
            &job.sequence,
            &codec::RECORD_VERSION,
            &micros_of(answered_since),
            &micros(self.retention),
            &u8::from(repeat_allowed),
            &claim.map_or(0, micros),
            &remember.map_or(0, |keep| (micros(keep) / 1000).max(1)),
            &self.feed_kept_max,
        ]);
        let dedupe = dedupe_name(&job.tenant, &job.person, &product);
        // A running job that needs this one must not be kept waiting: it came when there was room.
        let (script, full) = if job.dependents.is_empty() {
            (&scripts::CREATE, self.fitness().full)
        } else {
            (&scripts::CREATE_FOR_JOB, None)
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
            .arg(codec::encode_job(&job))
            .arg(subject)
            .arg(if full.is_some() { "1" } else { "0" })
            .arg(self.keys.bell())
            .arg(dedupe)
            .arg(index_entry(&job.id).unwrap_or_default());
        let call = answered_by
            .into_iter()
            .fold(call, |call, provider| call.arg(provider.to_string()));

        let sent_at = Instant::now();
        let (word, mut reply, reign) = self.reigns.run(job.id.shard(), &call).await?;
        if let "STARTED" | "REPLAY" = word.as_str() {
            self.reigns.memory.remember(job.id.clone(), 1, call, &reign);
        }
        let how = match word.as_str() {
            "STARTED" => {
                let version = reply.number()?;
                let lease = lease(&mut reply, sent_at, claim.unwrap_or_default())?;
                self.reigns.acknowledged(job.id.shard(), reply.number()?);
                return Ok(Created {
                    stored: Stored { job, version },
                    how: How::Started(lease),
                });
            }
            "FULL" => {
                return Err(StoreError::Unavailable {
                    doing: "create a job",
                    why: full.unwrap_or_default(),
                });
            }
            "SETTLING" => {
                return Err(StoreError::Unavailable {
                    doing: "create a job",
                    why: NOT_SETTLED.into(),
                });
            }
            "REPLAY" => How::Started(None),
            "ATTACHED" => How::Attached,
            "REUSED" => {
                let (stored, answer) = ended(&mut reply)?;
                let how = How::Reused { answer };
                return Ok(Created { stored, how });
            }
            "AGAIN" => {
                let (stored, answer) = ended(&mut reply)?;
                return Ok(Created::again(stored, answer));
            }
            _ => return Err(reply.misshapen()),
        };
        let id = reply.text()?;
        Ok(Created {
            stored: stored(&id, &mut reply)?,
            how,
        })
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
