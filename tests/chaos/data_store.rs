//! The Redis of a run, in one of its arrangements: what falls on it, and what stands in it.
//!
//! What stands there is read by one script for each shard, atomically: which jobs have not ended, which are due, and which are
//! leased. That a job has not ended exactly as long as it is due (I6) cannot be seen from outside.

use std::collections::BTreeSet;

use redis::FromRedisValue;
use semanas_tests::harness::{Redis, RedisFleet, Succession, eventually};
use tokio::sync::Mutex;

use crate::clock::pause_ms;
use crate::plan::Topology;

/// Parts of a data set; the number is part of its format.
const SHARDS: usize = 16;

/// KEYS: due set. ARGV: prefix of the jobs' keys.
/// Answers {jobs, claims made of them, defects}.
const LOOK: &str = r"
local due, known = {}, {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do due[id] = true end
local jobs, claims, defects, cursor = 0, 0, {}, '0'
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 2000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    local id = string.sub(key, #ARGV[1] + 1)
    if not known[id] then
      local record, stands = unpack(redis.call('HMGET', key, 'record', 'state'))
      local fence = string.match(stands, '^%d+ (%d+)')
      local state = next(cjson.decode(record).job.state)
      local is_terminal = state == 'succeeded' or state == 'failed' or state == 'cancelled' or state == 'outcome_unknown'
      jobs, claims, known[id] = jobs + 1, claims + tonumber(fence), true
      if is_terminal and due[id] then defects[#defects + 1] = id .. ' has ended, ' .. state .. ', and is due' end
      if not is_terminal and not due[id] then defects[#defects + 1] = id .. ' is ' .. state .. ' and is not due' end
    end
  end
until cursor == '0'
for id in pairs(due) do
  if not known[id] then defects[#defects + 1] = id .. ' is due and does not exist' end
end
return {jobs, claims, defects}
";

/// KEYS: due set. ARGV: prefix of the jobs' keys.
/// Answers the jobs under a lease, each with its version and its fence, so that an entry goes when its job moves on.
const LEASED: &str = r"
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local leased = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local stands = redis.call('HGET', ARGV[1] .. id, 'state') or ''
  local version, fence, lease_until = string.match(stands, '^(%d+) (%d+) %d+ %d+ (%d+)')
  if lease_until and tonumber(lease_until) > now then leased[#leased + 1] = id .. ' ' .. version .. ' ' .. fence end
end
return leased
";

pub enum DataStore {
    Single(Mutex<Redis>),
    Fleet(Mutex<RedisFleet>),
}

/// What stood in Redis at one moment.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Jobs of every kind, ended or not.
    pub jobs: usize,
    /// How often a lease was taken, over all jobs.
    pub claims: usize,
    /// What breaks I6.
    pub defects: Vec<String>,
}

impl DataStore {
    pub async fn start(topology: Topology) -> DataStore {
        match topology {
            Topology::Standalone => DataStore::Single(Mutex::new(Redis::start_in_memory().await)),
            Topology::Sentinel => DataStore::Fleet(Mutex::new(RedisFleet::with_sentinels().await)),
            Topology::Cluster => DataStore::Fleet(Mutex::new(RedisFleet::as_cluster().await)),
        }
    }

    /// As the setting `store.url` wants it.
    pub async fn url(&self) -> String {
        match self {
            DataStore::Single(redis) => redis.lock().await.url(),
            DataStore::Fleet(fleet) => fleet.lock().await.url(),
        }
    }

    pub async fn kill(&self, for_ms: u64) {
        let DataStore::Single(redis) = self else {
            panic!("in a fleet, masters are taken away")
        };
        let mut redis = redis.lock().await;
        redis.kill();
        pause_ms(for_ms).await;
        redis.start_again().await;
    }

    pub async fn fail_over(&self, how: Succession, master: usize) {
        let DataStore::Fleet(fleet) = self else {
            panic!("a single server has no successor")
        };
        fleet.lock().await.succeed(how, master).await;
    }

    /// What the servers of a fleet have said, by name.
    pub async fn logs(&self) -> Vec<(String, String)> {
        match self {
            DataStore::Single(_) => Vec::new(),
            DataStore::Fleet(fleet) => fleet.lock().await.logs(),
        }
    }

    pub async fn look(&self) -> Look {
        let mut all = Look::default();
        for (jobs, claims, defects) in self.ask_shards::<(usize, usize, Vec<String>)>(LOOK).await {
            all.jobs += jobs;
            all.claims += claims;
            all.defects.extend(defects);
        }
        all
    }

    /// The jobs that somebody holds a lease of; an entry goes when its job moves on, whoever moves it.
    pub async fn leased(&self) -> BTreeSet<String> {
        let shards = self.ask_shards::<Vec<String>>(LEASED).await;
        shards.into_iter().flatten().collect()
    }

    async fn ask_shards<T: FromRedisValue>(&self, script: &str) -> Vec<T> {
        let urls = match self {
            DataStore::Single(redis) => vec![redis.lock().await.url()],
            DataStore::Fleet(fleet) => fleet.lock().await.master_urls().await,
        };
        let mut answers = Vec::new();
        for shard in 0..SHARDS {
            // One of the masters of a cluster has the shard; the others say so.
            let answer = eventually("somebody to have a shard", || async {
                for url in &urls {
                    let answer = ask_shard(url, shard, script).await;
                    if answer.is_some() {
                        return answer;
                    }
                }
                None
            });
            answers.push(answer.await);
        }
        answers
    }
}

async fn ask_shard<T: FromRedisValue>(url: &str, shard: usize, script: &str) -> Option<T> {
    let client = redis::Client::open(url).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .ok()?;
    let key = |name: &str| format!("semanas:{{p{shard:02x}}}:{name}");
    let mut command = redis::cmd("EVAL");
    command.arg(script).arg(1).arg(key("due")).arg(key("job:"));
    command.query_async(&mut connection).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Jobs of shard 0, and whether each is due.
    async fn plant(redis: &Redis, jobs: &[(&str, &str, bool)]) {
        for (id, state, is_due) in jobs {
            let record = format!(r#"{{"v":2,"job":{{"state":{{"{state}":{{}}}}}}}}"#);
            let key = format!("semanas:{{p00}}:job:{id}");
            let fields = ["record", &record, "state", "4 2 0 3 0 0 2 0 reign -"];
            let words: Vec<&str> = ["HSET", &key].into_iter().chain(fields).collect();
            redis.ask::<usize>(&words).await;
            if *is_due {
                redis.ask::<usize>(&["ZADD", "semanas:{p00}:due", "1", id]).await;
            }
        }
    }

    #[tokio::test]
    async fn what_has_not_ended_and_is_not_due_is_seen_and_so_is_what_has_ended_and_is_due() {
        let redis = Redis::start_in_memory().await;
        plant(&redis, &[("a", "waiting", true), ("b", "succeeded", false)]).await;
        let store = DataStore::Single(Mutex::new(redis));
        let look = store.look().await;
        assert_eq!((look.jobs, look.claims, look.defects), (2, 4, Vec::new()));
        assert!(store.leased().await.is_empty());

        let DataStore::Single(redis) = &store else {
            unreachable!()
        };
        let wrong = [("c", "calling", false), ("d", "failed", true)];
        plant(&*redis.lock().await, &wrong).await;
        redis
            .lock()
            .await
            .ask::<usize>(&["ZADD", "semanas:{p00}:due", "1", "e"])
            .await;
        let mut defects = store.look().await.defects;
        defects.sort();
        let expected = [
            "c is calling and is not due",
            "d has ended, failed, and is due",
            "e is due and does not exist",
        ];
        assert_eq!(defects, expected);
    }

    #[tokio::test]
    async fn a_lease_is_seen_until_it_runs_out_or_its_job_moves_on() {
        let redis = Redis::start_in_memory().await;
        plant(&redis, &[("a", "waiting", true)]).await;
        let job = "semanas:{p00}:job:a";
        redis
            .ask::<usize>(&["HSET", job, "state", "4 2 0 3 9999999999999999 0 2 0 reign -"])
            .await;
        let store = DataStore::Single(Mutex::new(redis));
        assert_eq!(store.leased().await, BTreeSet::from(["a 4 2".to_owned()]));
    }
}
