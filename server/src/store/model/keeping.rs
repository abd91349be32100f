//! Request ids, lists, the feed, and removing what has ended long ago.

use jiff::Timestamp;

use super::{Data, Entry, Request, jobs::is_public};
use crate::{
    domain::{
        ids::{JobId, Shard},
        outcome::Charge,
    },
    store::{FeedPage, FeedPosition, ListPage, ListQuery, Reservation, Reserved},
};

impl Data {
    pub(super) fn reserve(&mut self, reservation: Reservation, now: Timestamp) -> Reserved {
        match self.requests.get(&reservation.key) {
            Some(known) if known.expires_at > now && known.fingerprint != reservation.fingerprint => {
                Reserved::OtherRequest
            }
            Some(known) if known.expires_at > now => Reserved::Known {
                job: known.job.clone(),
                settled: known.is_settled,
            },
            Some(_) | None => {
                let request = Request {
                    fingerprint: reservation.fingerprint,
                    job: reservation.job,
                    is_settled: false,
                    expires_at: now + reservation.keep,
                };
                self.requests.insert(reservation.key, request);
                Reserved::New
            }
        }
    }

    pub(super) fn settle_request(&mut self, key: &str, job: &JobId) -> JobId {
        let Some(request) = self.requests.get_mut(key) else {
            return job.clone();
        };
        if !request.is_settled {
            request.job = job.clone();
            request.is_settled = true;
        }
        request.job.clone()
    }

    pub(super) fn list(&self, query: &ListQuery) -> ListPage {
        let is_before = |id: &JobId| query.before.as_deref().is_none_or(|before| id.order_key() < before);
        let meant = self
            .jobs
            .values()
            .filter(|entry| is_public(&entry.job.id) && is_before(&entry.job.id));
        let (readable, unreadable): (Vec<&Entry>, Vec<&Entry>) = meant.partition(|entry| entry.is_readable);
        let mut entries: Vec<&Entry> = readable
            .into_iter()
            .filter(|entry| entry.job.tenant == query.tenant && query.filter.takes(&entry.job))
            .collect();
        entries.sort_by(|a, b| b.job.id.order_key().cmp(a.job.id.order_key()));
        let is_more = entries.len() > query.page_size;
        entries.truncate(query.page_size);
        let last = entries.last().map(|entry| entry.job.id.order_key().to_owned());
        ListPage {
            unreadable: unreadable.into_iter().map(|entry| entry.job.id.to_string()).collect(),
            jobs: entries.into_iter().map(|entry| entry.job.clone()).collect(),
            next: last.filter(|_| is_more),
        }
    }

    pub(super) fn feed_append(&mut self, id: &JobId) {
        if !is_public(id) {
            return;
        }
        let (count, newest) = &mut self.feed[id.shard().index()];
        *count += 1;
        newest.push_back(id.clone());
        if newest.len() as u64 > self.feed_kept_min {
            newest.pop_front();
        }
    }

    pub(super) fn feed_end(&self) -> FeedPosition {
        FeedPosition(self.feed.each_ref().map(|(count, _)| *count))
    }

    pub(super) fn feed_after(&self, position: &FeedPosition, max: usize) -> FeedPage {
        let mut page = FeedPage {
            position: *position,
            ..FeedPage::default()
        };
        for shard in Shard::all() {
            let (count, newest) = &self.feed[shard.index()];
            let seen = position.0[shard.index()];
            let forgotten = *count - newest.len() as u64;
            page.expired |= forgotten > seen;
            let skip = usize::try_from(seen.saturating_sub(forgotten)).unwrap_or(usize::MAX);
            let room = max - page.jobs.len();
            for (index, id) in newest.iter().enumerate().skip(skip).take(room) {
                page.jobs.push(id.clone());
                page.position.0[shard.index()] = forgotten + index as u64 + 1;
            }
        }
        page
    }

    pub(super) fn purge(&mut self, ended_before: Timestamp, max: usize, now: Timestamp) -> usize {
        self.requests.retain(|_, request| request.expires_at > now);
        self.served.retain(|_, (_, until)| *until > now);
        let mut old: Vec<(Timestamp, JobId)> = self
            .jobs
            .values()
            .filter_map(|entry| Some((entry.job.ended_at()?, entry.job.id.clone())))
            .filter(|(ended_at, _)| *ended_at < ended_before)
            .collect();
        old.sort();
        let (unsettled, settled): (Vec<JobId>, Vec<JobId>) =
            old.into_iter().map(|(_, id)| id).partition(|id| self.is_unsettled(id));
        for id in unsettled {
            self.jobs.get_mut(&id).expect("it was just seen").sealed = None;
            self.forget(&id, false);
        }
        let purged = settled.into_iter().take(max);
        purged.map(|id| self.remove(&id)).count()
    }

    fn is_unsettled(&self, id: &JobId) -> bool {
        let mut rows = self.charges.values().map(|entered| &entered.row);
        rows.any(|row| row.job == *id && row.charge == Charge::Unknown)
    }

    fn remove(&mut self, id: &JobId) {
        self.forget(id, true);
        self.requests.retain(|_, request| request.job != *id);
        self.jobs.remove(id);
    }

    fn forget(&mut self, id: &JobId, is_all: bool) {
        let key = self.jobs[id].dedupe_key();
        if let Some(mut dedupe) = self.dedupe.remove(&key) {
            if is_all {
                dedupe.forget(id);
            } else {
                dedupe.forget_answer(id);
            }
            if !dedupe.is_empty() {
                self.dedupe.insert(key, dedupe);
            }
        }
    }
}
