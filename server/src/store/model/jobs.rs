//! Jobs: starting them, leasing them, committing what they become, waking them.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Data, DedupeKey, Entry};
use crate::{
    domain::{
        ids::{JobId, JobKind},
        job::{Due, Job, Transition},
    },
    store::{
        Claim, Claims, Commit, Committed, Created, Creation, FirstIntent, How, Lease, SealedRecord, StoreError, Stored,
        dedupe::Serves,
    },
};

impl Data {
    pub(super) fn create(
        &mut self,
        creation: Creation,
        now: Timestamp,
        instant: Instant,
    ) -> Result<Created, StoreError> {
        if let Some(stored) = self.read(&creation.job.id)? {
            let how = How::Started(None);
            return Ok(Created { stored, how });
        }
        if let Some(stored) = self.served_before(&creation, now)? {
            let answer = self.answer_of(&stored.job.id);
            return Ok(Created::again(stored, answer));
        }
        let proposed = creation.job.id.clone();
        let remembered_until = creation.remember.map(|keep| now + keep);
        let mut dedupe = self
            .dedupe
            .remove(&dedupe_key(&creation.job, &creation.product))
            .unwrap_or_default();
        let served = loop {
            let (id, how) = match dedupe.serves(&creation) {
                Some(Serves::Attached(id)) => (id, How::Attached),
                Some(Serves::Reused(id)) => {
                    let answer = self.answer_of(&id);
                    (id, How::Reused { answer })
                }
                None => break None,
            };
            match self.read(&id) {
                Ok(Some(stored)) => break Some(Ok(Created { stored, how })),
                Ok(None) => dedupe.forget(&id),
                Err(error) => break Some(Err(error)),
            }
        };
        if served.is_none() && self.pause.is_none() {
            dedupe.started(&creation.job.id);
            dedupe.prune(now, self.retention);
        }
        if !dedupe.is_empty() {
            self.dedupe.insert(dedupe_key(&creation.job, &creation.product), dedupe);
        }
        if let (Some(Ok(served)), Some(until)) = (&served, remembered_until) {
            self.served.insert(proposed, (served.stored.job.id.clone(), until));
        }
        match served {
            Some(served) => served,
            None => {
                self.demand_settled("start a job")?;
                let first_intent = creation.first_intent.clone();
                let created = self.start(creation, now, instant);
                Ok(match first_intent {
                    Some(first_intent) if now <= first_intent.late_at() => {
                        self.open(created, &first_intent, now, instant)
                    }
                    Some(_) | None => created,
                })
            }
        }
    }

    fn answer_of(&self, id: &JobId) -> Option<Vec<u8>> {
        self.jobs.get(id)?.sealed.as_ref()?.answer.clone()
    }

    /// The job that served the same creation before.
    fn served_before(&self, creation: &Creation, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        match self.served.get(&creation.job.id) {
            Some((id, until)) if creation.remember.is_some() && *until > now => self.read(id),
            Some(_) | None => Ok(None),
        }
    }

    fn start(&mut self, creation: Creation, now: Timestamp, instant: Instant) -> Created {
        let claims = u32::from(creation.claim.is_some());
        let (version, fence) = self.used.get(&creation.job.id).copied().unwrap_or_default();
        let entry = Entry {
            version: version + 1,
            due: Some(creation.claim.map_or(now, |lease| now + lease)),
            is_leased: creation.claim.is_some(),
            fence: fence + u64::from(claims),
            stalled_claims: claims,
            is_woken: false,
            last_op: None,
            product: creation.product,
            sealed: Some(SealedRecord {
                subject: creation.subject,
                answer: None,
            }),
            is_readable: true,
            job: creation.job,
        };
        let lease = creation.claim.map(|lease| entry.lease(instant + lease));
        let stored = entry.stored();
        self.feed_append(&stored.job.id);
        self.jobs.insert(stored.job.id.clone(), entry);
        let how = How::Started(lease);
        Created { stored, how }
    }

    /// Commits the first intent; a refusal leaves the job as it was created.
    fn open(&mut self, created: Created, first_intent: &FirstIntent, now: Timestamp, instant: Instant) -> Created {
        let How::Started(Some(lease)) = &created.how else {
            return created;
        };
        let commit = first_intent.commit(created.stored.version, lease.fence);
        match self.commit(commit, now, instant) {
            Committed::Done { version, lease } => Created {
                stored: Stored {
                    job: first_intent.transition.job.clone(),
                    version,
                },
                how: How::Started(lease),
            },
            Committed::Conflict
            | Committed::UnitTaken { .. }
            | Committed::PersonDayFull
            | Committed::Postponed { .. } => created,
        }
    }

    pub(super) fn read(&self, id: &JobId) -> Result<Option<Stored>, StoreError> {
        match self.jobs.get(id) {
            Some(entry) if !entry.is_readable => Err(StoreError::Unreadable {
                what: id.to_string(),
                why: "it is damaged".into(),
            }),
            entry => Ok(entry.map(Entry::stored)),
        }
    }

    pub(super) fn claim_due(&mut self, lease: Duration, max: usize, now: Timestamp, instant: Instant) -> Claims {
        if let Some(left) = self.pause_left(now) {
            return Claims {
                next_due_in: Some(left),
                ..Claims::default()
            };
        }
        let mut due: Vec<(Timestamp, JobId)> = self
            .jobs
            .iter()
            .filter_map(|(id, entry)| Some((entry.due?, id.clone())))
            .filter(|(due, _)| *due <= now)
            .collect();
        due.sort();
        let mut claims = Claims::default();
        for (_, id) in due.into_iter().take(max) {
            let entry = self.jobs.get_mut(&id).expect("it was just seen");
            entry.due = Some(now + lease);
            if !entry.is_readable {
                claims.unreadable.push(id);
                continue;
            }
            entry.is_leased = true;
            entry.fence += 1;
            entry.stalled_claims += 1;
            entry.is_woken = false;
            claims.claims.push(Claim {
                stored: entry.stored(),
                lease: entry.lease(instant + lease),
            });
        }
        let next = self.jobs.values().filter_map(|entry| entry.due).min();
        claims.next_due_in = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        claims
    }

    pub(super) fn release(&mut self, id: &JobId, fence: u64, now: Timestamp) {
        if let Some(entry) = self
            .jobs
            .get_mut(id)
            .filter(|entry| entry.fence == fence && entry.due.is_some())
        {
            entry.due = Some(now);
            entry.is_leased = false;
            entry.is_woken = false;
        }
    }

    pub(super) fn hasten(&mut self, id: &JobId, now: Timestamp, at: Timestamp) {
        if let Some(entry) = self.jobs.get_mut(id) {
            entry.hasten(now, at);
        }
    }

    pub(super) fn commit(&mut self, commit: Commit, now: Timestamp, instant: Instant) -> Committed {
        let Some(entry) = self.jobs.get_mut(&commit.transition.job.id) else {
            return Committed::Conflict;
        };
        let fence_holds = commit.fence.is_none_or(|fence| fence == entry.fence);
        if entry.last_op == Some(commit.op) {
            return entry.commit_again(&commit, fence_holds, now, instant);
        }
        if entry.version != commit.expected_version || !fence_holds {
            return Committed::Conflict;
        }
        if let Some(refused) = self.refusal(&commit, now) {
            return refused;
        }
        let entry = self.jobs.get_mut(&commit.transition.job.id).expect("it was just seen");
        let is_news = commit.transition.job.sequence > entry.job.sequence;
        entry.apply(&commit, is_news, now);
        let committed = entry.done(&commit, instant);
        let product = entry.product.clone();
        if is_news {
            self.feed_append(&commit.transition.job.id);
        }
        self.enter(&commit);
        self.end(&commit.transition, product, now);
        committed
    }

    /// What the end of a job means for later requests and for the jobs that wait for it.
    fn end(&mut self, transition: &Transition, product: String, now: Timestamp) {
        let Some(ending) = &transition.ending else { return };
        let key = dedupe_key(&transition.job, &product);
        let mut dedupe = self.dedupe.remove(&key).unwrap_or_default();
        dedupe.ended(&transition.job, ending.reuse);
        dedupe.prune(now, self.retention);
        if !dedupe.is_empty() {
            self.dedupe.insert(key, dedupe);
        }
        for dependent in &transition.job.dependents {
            if let Some(entry) = self.jobs.get_mut(dependent) {
                entry.hasten(now, now);
            }
        }
    }

    /// Makes a job's record one that no version can read, and keeps all else of it.
    pub(crate) fn damage(&mut self, id: &JobId) {
        self.jobs.get_mut(id).unwrap().is_readable = false;
    }

    pub(crate) fn mend(&mut self, id: &JobId) {
        self.jobs.get_mut(id).unwrap().is_readable = true;
    }
}

impl Entry {
    fn stored(&self) -> Stored {
        Stored {
            job: self.job.clone(),
            version: self.version,
        }
    }

    fn lease(&self, expires_at: Instant) -> Lease {
        Lease {
            fence: self.fence,
            expires_at,
            stalled_claims: self.stalled_claims,
        }
    }

    pub(super) fn dedupe_key(&self) -> DedupeKey {
        dedupe_key(&self.job, &self.product)
    }

    fn apply(&mut self, commit: &Commit, is_news: bool, now: Timestamp) {
        let due = commit.transition.due;
        match due {
            Due::Held => {
                self.due = Some(now + commit.hold);
                self.is_leased = true;
            }
            Due::At(at) => {
                self.due = Some(if self.is_woken { at.min(now) } else { at });
                self.is_leased = false;
                self.is_woken = false;
            }
            Due::Never => {
                self.due = None;
                self.is_leased = false;
                self.is_woken = false;
            }
            Due::Unchanged => {}
        }
        if due != Due::Unchanged || is_news {
            self.stalled_claims = 0;
        }
        self.version += 1;
        self.last_op = Some(commit.op);
        self.job = commit.transition.job.clone();
        if let (Some(answer), Some(sealed)) = (&commit.answer, &mut self.sealed) {
            sealed.answer = Some(answer.clone());
        }
    }

    /// The same operation again. A lease that it held is held on, unless somebody else has claimed the job or it was given back.
    fn commit_again(&mut self, commit: &Commit, fence_holds: bool, now: Timestamp, instant: Instant) -> Committed {
        if commit.transition.due == Due::Held {
            if !fence_holds || !self.is_leased {
                return Committed::Conflict;
            }
            self.due = Some(now + commit.hold);
        }
        self.done(commit, instant)
    }

    fn done(&self, commit: &Commit, instant: Instant) -> Committed {
        let is_held = commit.transition.due == Due::Held;
        Committed::Done {
            version: self.version,
            lease: is_held.then(|| self.lease(instant + commit.hold)),
        }
    }

    /// Makes a living job due by then. One that is leased keeps its holder, and is due when that gives up the lease.
    fn hasten(&mut self, now: Timestamp, at: Timestamp) {
        match self.due {
            Some(until) if self.is_leased && until > now => self.is_woken = true,
            Some(due) => self.due = Some(due.min(at)),
            None => {}
        }
    }
}

fn dedupe_key(job: &Job, product: &str) -> DedupeKey {
    (
        job.tenant.as_str().to_owned(),
        job.person.as_str().to_owned(),
        product.to_owned(),
    )
}

/// Whether callers may see the job in lists and in the feed.
pub(super) fn is_public(id: &JobId) -> bool {
    match id.kind() {
        JobKind::WorkHistory => true,
        JobKind::NssLookup => false,
    }
}
