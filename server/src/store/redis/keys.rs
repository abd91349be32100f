//! Every Redis key, built by a named function.
//!
//! A hash tag ties all keys that one script touches to one Cluster slot: `{pNN}` for a shard of people, `{rNN}` for request
//! ids, `{g-…}` for a provider's gate. Keys hold keyed hashes and our own names, never an identifier of a person.
//! What stands under a key is the scripts' business.

use jiff::civil::Date;

use crate::domain::{
    ids::{IntentId, JobId, PersonKey, SHARDS, Shard, Tenant},
    job::Step,
    provider_id::ProviderId,
};

/// Prefix of all keys of a data set, when no other is set.
pub(crate) const PREFIX_DEFAULT: &str = "semanas";

/// Keys of a data set.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

/// Keys of one slot of a data set.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    base: String,
}

// === impl Keys ===

impl Keys {
    pub(super) fn new(prefix: &str) -> Keys {
        Keys {
            prefix: prefix.to_owned(),
        }
    }

    /// The data set's identity.
    pub(super) fn meta(&self) -> String {
        format!("{}:meta", self.prefix)
    }

    /// The doorbell; a channel, not a key.
    pub(super) fn bell(&self) -> String {
        format!("{}:bell", self.prefix)
    }

    pub(super) fn shard(&self, shard: Shard) -> Slot {
        self.slot(&format!("p{shard}"))
    }

    /// Request ids have slots of their own, because one id must be caught also when it is used again for another person.
    pub(super) fn request_slot(&self, key: &str) -> Slot {
        let sum = key
            .bytes()
            .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        self.slot(&format!("r{:02x}", sum % SHARDS))
    }

    pub(super) fn gate_slot(&self, provider: ProviderId) -> Slot {
        self.slot(&format!("g-{provider}"))
    }

    /// All slots of a data set. Each holds the epoch, so that a script notices in its own slot that the data is gone.
    #[cfg(test)]
    pub(super) fn slots(&self) -> Vec<Slot> {
        self.shards().chain(self.other_slots()).collect()
    }

    /// Those that hold no jobs.
    pub(super) fn other_slots(&self) -> impl Iterator<Item = Slot> {
        let requests = (0..SHARDS).map(|number| self.slot(&format!("r{number:02x}")));
        let gates = ProviderId::ALL.into_iter().map(|provider| self.gate_slot(provider));
        requests.chain(gates)
    }

    pub(super) fn shards(&self) -> impl Iterator<Item = Slot> {
        Shard::all().map(|shard| self.shard(shard))
    }

    /// Matches every key of the data set, for `SCAN`.
    pub(super) fn pattern(&self) -> String {
        format!("{}:*", self.prefix)
    }

    fn slot(&self, tag: &str) -> Slot {
        Slot {
            base: format!("{}:{{{tag}}}:", self.prefix),
        }
    }
}

// === impl Slot ===

impl Slot {
    pub(super) fn epoch(&self) -> String {
        self.key("epoch")
    }

    /// Under which reign the shard was last looked at.
    pub(super) fn reign(&self) -> String {
        self.key("reign")
    }

    pub(super) fn job(&self, id: &JobId) -> String {
        self.job_prefix() + id.as_str()
    }

    pub(super) fn job_prefix(&self) -> String {
        self.key("job:")
    }

    /// Which job served a creation that proposed this one.
    pub(super) fn served(&self, proposed: &JobId) -> String {
        self.key("served:") + proposed.as_str()
    }

    /// Jobs that have not ended, scored by when they are due or when their lease ends.
    pub(super) fn due(&self) -> String {
        self.key("due")
    }

    /// Jobs that have ended, scored by when.
    pub(super) fn ended(&self) -> String {
        self.key("ended")
    }

    /// Jobs in order of birth, each by what follows `wh_` in its name.
    pub(super) fn jobs(&self, tenant: &Tenant) -> String {
        self.jobs_prefix() + tenant.as_str()
    }

    pub(super) fn jobs_prefix(&self) -> String {
        self.key("jobs:")
    }

    pub(super) fn feed(&self) -> String {
        self.key("feed")
    }

    pub(super) fn dedupe(&self, name: &str) -> String {
        self.dedupe_prefix() + name
    }

    pub(super) fn dedupe_prefix(&self) -> String {
        self.key("dedupe:")
    }

    pub(super) fn charge(&self, id: &IntentId) -> String {
        self.charge_prefix() + id.as_str()
    }

    pub(super) fn charge_prefix(&self) -> String {
        self.key("charge:")
    }

    /// Ledger rows in order of their intents.
    pub(super) fn charges(&self, tenant: &Tenant) -> String {
        self.key(&format!("charges:{}", tenant.as_str()))
    }

    /// Names of a job's ledger rows.
    pub(super) fn job_charges(&self, id: &JobId) -> String {
        self.job_charges_prefix() + id.as_str()
    }

    pub(super) fn job_charges_prefix(&self) -> String {
        self.key("charged:")
    }

    /// A billing unit; `commit.lua` makes the same name of what stands in a ledger row.
    pub(super) fn unit(&self, unit: &Unit<'_>) -> String {
        let Unit {
            tenant,
            person,
            provider,
            step,
            test_case_id,
        } = unit;
        let case = test_case_id.map(|case| format!(":{case}")).unwrap_or_default();
        let (person, step, tenant) = (person.as_str(), step.as_str(), tenant.as_str());
        format!("{}{person}:{provider}:{step}:{tenant}{case}", self.unit_prefix())
    }

    pub(super) fn unit_prefix(&self) -> String {
        self.key("unit:")
    }

    /// The person's charges of one day for one step; `commit.lua` makes the same name of what stands in a ledger row.
    pub(super) fn person_day(&self, person: &PersonKey, step: Step, day: Date) -> String {
        format!(
            "{}{}:{}:{day}",
            self.person_day_prefix(),
            person.as_str(),
            step.as_str()
        )
    }

    pub(super) fn person_day_prefix(&self) -> String {
        self.key("day:")
    }

    pub(super) fn request(&self, key: &str) -> String {
        self.key(&format!("request:{key}"))
    }

    pub(super) fn gate(&self) -> String {
        self.key("gate")
    }

    pub(super) fn places(&self) -> String {
        self.key("places")
    }

    /// Jobs for which there is a place, scored by since when they wait.
    pub(super) fn called(&self) -> String {
        self.key("called")
    }

    /// Jobs that wait to be called, scored likewise.
    pub(super) fn waiting(&self) -> String {
        self.key("waiting")
    }

    /// Both, scored by when they are expected at the gate.
    pub(super) fn expected(&self) -> String {
        self.key("expected")
    }

    fn key(&self, name: &str) -> String {
        [&self.base, name].concat()
    }
}

/// The part of a dedupe record's key that a job's hash holds.
pub(super) fn dedupe_name(tenant: &Tenant, person: &PersonKey, product: &str) -> String {
    format!("{}:{}:{product}", person.as_str(), tenant.as_str())
}

/// What is charged at most once.
pub(super) struct Unit<'a> {
    pub tenant: &'a Tenant,
    pub person: &'a PersonKey,
    pub provider: ProviderId,
    pub step: Step,
    pub test_case_id: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::JobKind;

    #[test]
    fn all_keys_of_a_shard_have_its_hash_tag() {
        let shard = Shard::new(11).unwrap();
        let slot = Keys::new("semanas").shard(shard);
        let (job, intent) = (
            JobId::new(JobKind::WorkHistory, Uuid::nil(), shard),
            IntentId::new(Uuid::nil()),
        );
        let (tenant, person) = (Tenant::sole(), PersonKey::from_mac([7; 16]));
        let unit = Unit {
            tenant: &tenant,
            person: &person,
            provider: ProviderId::Kiban,
            step: Step::FindNss,
            test_case_id: Some("x"),
        };
        let keys = [
            slot.epoch(),
            slot.reign(),
            slot.job(&job),
            slot.served(&job),
            slot.due(),
            slot.ended(),
            slot.jobs(&tenant),
            slot.feed(),
            slot.dedupe(&dedupe_name(&tenant, &person, "work_history")),
            slot.charge(&intent),
            slot.charges(&tenant),
            slot.job_charges(&job),
            slot.unit(&unit),
            slot.person_day(&person, Step::FindNss, Date::constant(2025, 1, 2)),
        ];
        for key in keys {
            assert!(key.starts_with("semanas:{p0b}:"), "{key}");
        }
    }

    #[test]
    fn every_slot_that_is_used_is_one_that_holds_the_epoch() {
        let keys = Keys::new("semanas");
        let epochs: Vec<String> = keys.slots().iter().map(Slot::epoch).collect();
        assert_eq!(epochs.len(), 16 + 16 + 3);
        for request in ["", "a", "0193e5a0c2d17f9ab3c4a5d6e7f80912", "ffff"] {
            assert!(epochs.contains(&keys.request_slot(request).epoch()), "{request}");
        }
    }
}
