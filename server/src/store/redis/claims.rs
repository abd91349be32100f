//! Claiming, releasing and purging: what goes over all shards, and its opposite.

use std::{sync::atomic::Ordering, time::Duration};

use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    RedisStore,
    jobs::PUBLIC,
    micros, micros_of,
    reply::Reply,
    scripts::{self, Call},
};
use crate::{
    domain::ids::{JobId, SHARDS, Shard},
    store::{Claim, Claims, Lease, StoreError, Stored, codec},
};

/// Most jobs that one script call removes: Redis serves nobody else meanwhile.
const PURGE_BATCH_MAX: usize = 100;

/// Most jobs that one script call claims; what is left over is claimed by the next.
const CLAIM_BATCH_MAX: usize = 200;

/// What one shard answered to a claim.
struct ShardClaims {
    /// Jobs still due.
    left: usize,
    next_due_in: Option<Duration>,
    claims: Reply,
}

impl RedisStore {
    /// Asks all shards what is due, then claims from those that have something, beginning with another shard each time so that
    /// none is always served last.
    pub(super) async fn claim_jobs(&self, lease: Duration, max: usize) -> Result<Claims, StoreError> {
        let first = self.claims_made.fetch_add(1, Ordering::Relaxed);
        let shards: Vec<Shard> = (0..usize::from(SHARDS))
            .filter_map(|step| Shard::all().nth((first + step) % usize::from(SHARDS)))
            .collect();
        let looked = try_join_all(shards.iter().map(|shard| self.claim_in(*shard, lease, 0))).await?;

        let mut wanted = max;
        let mut shares = Vec::new();
        let mut claims = Claims::default();
        for (shard, seen) in shards.iter().zip(&looked) {
            let share = seen.left.min(wanted).min(CLAIM_BATCH_MAX);
            wanted -= share;
            match share {
                0 => claims.next_due_in = earlier(claims.next_due_in, seen.next_due_in),
                _ => shares.push((*shard, share)),
            }
        }

        let expires_at = Instant::now() + lease;
        let (mut failed, mut uncounted) = (None, Vec::new());
        let claimed = shares
            .into_iter()
            .map(|(shard, share)| self.claim_in(shard, lease, share));
        for claimed in join_all(claimed).await {
            match claimed {
                Ok(claimed) => {
                    claims.next_due_in = earlier(claims.next_due_in, claimed.next_due_in);
                    uncounted.extend(take_claims(claimed.claims, expires_at, &mut claims)?);
                }
                Err(error) => failed = Some(error),
            }
        }
        // Where this fails a claim too many is counted, which only brings an operator sooner.
        let _ = join_all(uncounted.iter().map(|(id, fence)| self.uncount(id, *fence))).await;
        match failed {
            // What was claimed is worked on; the next claim meets the failure again.
            Some(_) if !claims.claims.is_empty() => claims.next_due_in = Some(Duration::ZERO),
            Some(error) => return Err(error),
            None => {}
        }
        Ok(claims)
    }

    async fn claim_in(&self, shard: Shard, lease: Duration, max: usize) -> Result<ShardClaims, StoreError> {
        let slot = self.keys.shard(shard);
        let call = Call::new("claim due jobs", &scripts::CLAIM)
            .key(slot.epoch())
            .key(slot.reign())
            .key(slot.due())
            .arg(self.epoch())
            .arg("")
            .number(max as u64)
            .number(micros(lease))
            .arg(slot.job_prefix())
            .arg(codec::RECORD_VERSION.to_string());
        let (_, mut reply, _) = self.reigns.run(shard, &call).await?;
        let left = reply.number()?;
        let next_due_in = reply.number_or_none()?.map(Duration::from_micros);
        Ok(ShardClaims {
            left,
            next_due_in,
            claims: reply,
        })
    }

    async fn uncount(&self, id: &JobId, fence: u64) -> Result<(), StoreError> {
        let slot = self.keys.shard(id.shard());
        let call = Call::new("give back a claim", &scripts::UNCOUNT)
            .key(slot.epoch())
            .key(slot.job(id))
            .arg(self.epoch())
            .number(fence);
        self.link.run(call).await.map(drop)
    }

    pub(super) async fn release_job(&self, id: &JobId, fence: u64) -> Result<(), StoreError> {
        let slot = self.keys.shard(id.shard());
        let call = Call::new("release a job", &scripts::RELEASE)
            .key(slot.epoch())
            .key(slot.job(id))
            .key(slot.due())
            .arg(self.epoch())
            .arg(id.as_str())
            .number(fence);
        self.link.run(call).await.map(drop)
    }

    pub(super) async fn hasten_job(&self, id: &JobId, within: Duration) -> Result<(), StoreError> {
        let slot = self.keys.shard(id.shard());
        let call = Call::new("hasten a job", &scripts::HASTEN)
            .key(slot.epoch())
            .key(slot.job(id))
            .key(slot.due())
            .arg(self.epoch())
            .arg(id.as_str())
            .number(micros(within));
        self.link.run(call).await.map(drop)
    }

    pub(super) async fn purge_jobs(&self, ended_before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let mut purged = 0;
        for shard in Shard::all() {
            while purged < max {
                let asked = (max - purged).min(PURGE_BATCH_MAX);
                let (removed, looked_at) = self.purge_in(shard, ended_before, asked).await?;
                purged += removed;
                if looked_at < asked {
                    break;
                }
            }
        }
        Ok(purged)
    }

    async fn purge_in(&self, shard: Shard, ended_before: Timestamp, max: usize) -> Result<(usize, usize), StoreError> {
        let slot = self.keys.shard(shard);
        let call = Call::new("purge ended jobs", &scripts::PURGE)
            .key(slot.epoch())
            .key(slot.ended())
            .arg(self.epoch())
            .arg(micros_of(ended_before).to_string())
            .number(max as u64)
            .arg(slot.job_prefix())
            .arg(slot.job_charges_prefix())
            .arg(slot.charge_prefix())
            .arg(slot.dedupe_prefix())
            .arg(slot.jobs_prefix())
            .arg(PUBLIC);
        let (_, mut reply) = self.link.run(call).await?;
        Ok((reply.number()?, reply.number()?))
    }
}

/// Takes what was claimed, and gives back what the script counted as a claim though its record cannot be read: the script knows
/// formats, but not what stands in a record.
fn take_claims(mut reply: Reply, expires_at: Instant, claims: &mut Claims) -> Result<Vec<(JobId, u64)>, StoreError> {
    let mut uncounted = Vec::new();
    while !reply.is_over() {
        let mut claimed = reply.part()?;
        let id = claimed.job_id()?;
        let Some(record) = claimed.bytes_or_none()? else {
            claims.unreadable.push(id);
            continue;
        };
        let (version, fence, stalled_claims) = (claimed.number()?, claimed.number()?, claimed.number()?);
        let Ok(job) = codec::decode_job(id.as_str(), &record) else {
            uncounted.push((id.clone(), fence));
            claims.unreadable.push(id);
            continue;
        };
        claims.claims.push(Claim {
            stored: Stored { job, version },
            lease: Lease {
                fence,
                expires_at,
                stalled_claims,
            },
        });
    }
    Ok(uncounted)
}

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
