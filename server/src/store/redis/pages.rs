//! Pages of jobs and of the ledger, newest first over all shards.
//!
//! Each shard gives its own newest entries. What is older than the last entry of a shard that has more to give cannot be placed
//! yet and waits for the next page.

use futures::future::try_join_all;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    RedisStore,
    jobs::PUBLIC,
    reply::Reply,
    scripts::{self, Call, Script},
};
use crate::{
    domain::{
        ids::{IntentId, SHARDS, Shard},
        job::Job,
    },
    store::{ChargePage, ChargeQuery, ChargeRow, JobFilter, ListPage, ListQuery, StoreError, codec},
};

/// Looks per page: when hardly anything matches, the page ends early and says where to go on.
const LOOKS_MAX: usize = 4;

/// Order key, and the entry or the name of what cannot be read.
type Listed<T> = (String, Result<T, String>);

/// Entries of one shard, newest first.
struct ShardEntries<T> {
    entries: Vec<Listed<T>>,
    has_more: bool,
}

/// A page in the making.
struct Gathering<T> {
    matching: Vec<T>,
    /// Names of what cannot be read.
    unreadable: Vec<String>,
    page_size: usize,
    /// Key of the last entry seen.
    last_seen: Option<String>,
    looks_left: usize,
    /// Nothing is older than what was seen.
    is_over: bool,
}

impl RedisStore {
    pub(super) async fn list_jobs(&self, query: ListQuery) -> Result<ListPage, StoreError> {
        let count = entries_per_shard(query.page_size, usize::from(SHARDS));
        let mut gathering = Gathering::new(query.before.clone(), query.page_size);
        while gathering.wants_more() {
            let looks = Shard::all().map(|shard| self.jobs_in(shard, &query, gathering.last_seen.as_deref(), count));
            let shards = try_join_all(looks).await?;
            gathering.take(shards, |job| matches(&query.filter, job));
        }
        let (jobs, unreadable, next) = gathering.finish();
        Ok(ListPage { jobs, unreadable, next })
    }

    pub(super) async fn list_charges(&self, query: ChargeQuery) -> Result<ChargePage, StoreError> {
        let shards: Vec<Shard> = match &query.job {
            Some(job) => vec![job.shard()],
            None => Shard::all().collect(),
        };
        let count = entries_per_shard(query.page_size, shards.len());
        let before = query.before.as_ref().map(|id| id.as_str().to_owned());
        let mut gathering = Gathering::new(before, query.page_size);
        while gathering.wants_more() {
            let looks = shards
                .iter()
                .map(|shard| self.charges_in(*shard, &query, gathering.last_seen.as_deref(), count));
            let shards = try_join_all(looks).await?;
            gathering.take(shards, |row| charge_matches(&query, row));
        }
        let (rows, unreadable, next) = gathering.finish();
        Ok(ChargePage {
            rows,
            unreadable,
            next: next.map(|id| IntentId::from_untrusted(&id)),
        })
    }

    async fn jobs_in(
        &self,
        shard: Shard,
        query: &ListQuery,
        before: Option<&str>,
        count: usize,
    ) -> Result<ShardEntries<Job>, StoreError> {
        let slot = self.keys.shard(shard);
        let index = slot.jobs(&query.tenant);
        let reply = self
            .entries(
                "list jobs",
                &scripts::LIST,
                (slot.epoch(), index),
                before,
                count,
                slot.job_prefix(),
            )
            .await?;
        shard_entries(reply, count, |entry| {
            let id = entry.job_id()?;
            let record = entry.bytes_or_none()?;
            let job = record.and_then(|record| codec::decode_job(id.as_str(), &record).ok());
            Ok((id.order_key().to_owned(), job.ok_or_else(|| id.to_string())))
        })
    }

    async fn charges_in(
        &self,
        shard: Shard,
        query: &ChargeQuery,
        before: Option<&str>,
        count: usize,
    ) -> Result<ShardEntries<ChargeRow>, StoreError> {
        let slot = self.keys.shard(shard);
        let index = slot.charges(&query.tenant);
        let reply = self.entries(
            "list charges",
            &scripts::CHARGES,
            (slot.epoch(), index),
            before,
            count,
            slot.charge_prefix(),
        );
        shard_entries(reply.await?, count, |entry| {
            let id = entry.text()?;
            let row = charge_row(&id, &mut entry.part()?)?.ok_or_else(|| id.clone());
            Ok((id, row))
        })
    }

    async fn entries(
        &self,
        doing: &'static str,
        script: &'static Script,
        (epoch, index): (String, String),
        before: Option<&str>,
        count: usize,
        record_prefix: String,
    ) -> Result<Reply, StoreError> {
        let call = Call::new(doing, script)
            .key(epoch)
            .key(index)
            .arg(self.epoch())
            .arg(before.unwrap_or_default())
            .number(count as u64)
            .arg(record_prefix)
            .arg(PUBLIC);
        let (_, reply) = self.link.run(call).await?;
        Ok(reply)
    }
}

// === impl Gathering ===

impl<T> Gathering<T> {
    fn new(before: Option<String>, page_size: usize) -> Gathering<T> {
        Gathering {
            matching: Vec::new(),
            unreadable: Vec::new(),
            page_size,
            last_seen: before,
            looks_left: LOOKS_MAX,
            is_over: false,
        }
    }

    fn wants_more(&self) -> bool {
        !self.is_over && self.looks_left > 0 && self.matching.len() < self.page_size
    }

    fn take(&mut self, shards: Vec<ShardEntries<T>>, matches: impl Fn(&T) -> bool) {
        self.looks_left -= 1;
        let (entries, has_more) = newest_first(shards);
        let mut entries = entries.into_iter();
        while self.matching.len() < self.page_size
            && let Some((key, entry)) = entries.next()
        {
            match entry {
                Ok(entry) if matches(&entry) => self.matching.push(entry),
                Ok(_) => {}
                Err(name) => self.unreadable.push(name),
            }
            self.last_seen = Some(key);
        }
        self.is_over = entries.len() == 0 && !has_more;
    }

    fn finish(self) -> (Vec<T>, Vec<String>, Option<String>) {
        let next = self.last_seen.filter(|_| !self.is_over);
        (self.matching, self.unreadable, next)
    }
}

/// A fair share of the page and some more, because people do not spread evenly over shards.
fn entries_per_shard(page_size: usize, shards: usize) -> usize {
    page_size / shards.max(1) + 8
}

/// Entries of all shards in order, as far as the order is known, and whether there are more.
fn newest_first<T>(shards: Vec<ShardEntries<T>>) -> (Vec<Listed<T>>, bool) {
    let unfinished = shards.iter().filter(|shard| shard.has_more);
    let horizon = unfinished
        .filter_map(|shard| shard.entries.last())
        .map(|(key, _)| key.clone())
        .max();
    let mut entries: Vec<_> = shards.into_iter().flat_map(|shard| shard.entries).collect();
    entries.sort_by(|(one, _), (other, _)| other.cmp(one));
    if let Some(horizon) = &horizon {
        entries.retain(|(key, _)| key >= horizon);
    }
    (entries, horizon.is_some())
}

fn shard_entries<T>(
    mut reply: Reply,
    count: usize,
    read: impl Fn(&mut Reply) -> Result<Listed<T>, StoreError>,
) -> Result<ShardEntries<T>, StoreError> {
    let mut entries = Vec::new();
    while !reply.is_over() {
        entries.push(read(&mut reply.part()?)?);
    }
    let has_more = entries.len() >= count;
    Ok(ShardEntries { entries, has_more })
}

/// A row from its name and the fields of its hash: text, but for times and `late`. The fields that the scripts alone use are skipped.
fn charge_row(id: &str, fields: &mut Reply) -> Result<Option<ChargeRow>, StoreError> {
    let mut row = Map::new();
    row.insert("id".to_owned(), Value::String(id.to_owned()));
    while !fields.is_over() {
        let (field, value) = (fields.text()?, fields.text()?);
        let value = match field.as_str() {
            "late" => Value::Bool(value == "1"),
            "opened_at" | "settled_at" => Value::String(time(value)),
            _text => Value::String(value),
        };
        row.insert(field, value);
    }
    Ok(serde_json::from_value(Value::Object(row)).ok())
}

/// The text of a time in nanoseconds; earlier builds wrote that text.
fn time(value: String) -> String {
    let nanos = value.parse().ok();
    let time = nanos.and_then(|nanos| Timestamp::from_nanosecond(nanos).ok());
    time.map_or(value, |time| time.to_string())
}

fn matches(filter: &JobFilter, job: &Job) -> bool {
    let JobFilter {
        states,
        created_from,
        created_until,
        labels,
    } = filter;
    (states.is_empty() || states.contains(&job.view().state))
        && is_within(job.created_at, *created_from, *created_until)
        && labels
            .iter()
            .all(|(name, value)| job.ask.labels.get(name) == Some(value))
}

fn charge_matches(query: &ChargeQuery, row: &ChargeRow) -> bool {
    query.job.as_ref().is_none_or(|job| *job == row.job)
        && query.provider.is_none_or(|provider| provider == row.provider)
        && (query.charges.is_empty() || query.charges.contains(&row.charge))
        && is_within(row.opened_at, query.opened_from, query.opened_until)
}

fn is_within(at: Timestamp, from: Option<Timestamp>, until: Option<Timestamp>) -> bool {
    from.is_none_or(|from| at >= from) && until.is_none_or(|until| at < until)
}
