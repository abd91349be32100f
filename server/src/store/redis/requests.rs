//! Callers' request ids.

use super::{
    RedisStore,
    scripts::{self, Call},
};
use crate::{
    domain::ids::JobId,
    store::{Reservation, Reserved, StoreError},
};

impl RedisStore {
    pub(super) async fn reserve(&self, reservation: Reservation) -> Result<Reserved, StoreError> {
        let slot = self.keys.request_slot(&reservation.key);
        let keep_ms = u64::try_from(reservation.keep.as_millis()).unwrap_or(u64::MAX).max(1);
        let call = Call::new("reserve a request id", &scripts::RESERVE)
            .key(slot.epoch())
            .key(slot.request(&reservation.key))
            .arg(self.epoch())
            .arg(reservation.fingerprint)
            .arg(reservation.job.as_str())
            .number(keep_ms);
        let (word, mut reply) = self.link.run(call).await?;
        match word.as_str() {
            "NEW" => Ok(Reserved::New),
            "KNOWN" => Ok(Reserved::Known {
                job: reply.job_id()?,
                settled: reply.text()? == "1",
            }),
            "OTHER_REQUEST" => Ok(Reserved::OtherRequest),
            _ => Err(reply.misshapen()),
        }
    }

    pub(super) async fn settle(&self, key: &str, job: &JobId) -> Result<JobId, StoreError> {
        let slot = self.keys.request_slot(key);
        let call = Call::new("settle a request id", &scripts::SETTLE)
            .key(slot.epoch())
            .key(slot.request(key))
            .arg(self.epoch())
            .arg(job.as_str());
        let (_, mut reply) = self.link.run(call).await?;
        reply.job_id()
    }
}
