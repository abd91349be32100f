//! Reigns: the times for which one server is the master without a break, and what may be lost between two of them.
//!
//! Every script that moves jobs names the reign that this replica has last looked at, and Redis refuses it under any other one.
//! Then this replica looks for all that it remembers of the shard, says once more what is missing, and takes the new reign on
//! record; whoever does so first opens the pause in which no job is claimed and no billed call begun, so that every other replica
//! has its turn. All of it may be repeated, and done by several replicas at once. When to look without being refused stands in
//! `vigil`.

use std::{
    sync::{
        Arc, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex, broadcast};

use super::{
    connection::{Link, PING_INTERVAL},
    keys::Keys,
    losses::{Found, Losses},
    memory::{Deed, Memory},
    micros,
    reply::Reply,
    scripts::{self, Call},
};
use crate::{
    domain::ids::{SHARDS, Shard},
    store::{Bell, StoreError},
};

/// Why something cannot be said or begun for a moment.
pub(super) const NOT_SETTLED: &str =
    "redis has just been started or changed its master, and it is not certain yet that no job is missing";

/// New reigns that one call follows: each means that the master changed while it was made.
const FOLLOWED_MAX: usize = 4;

/// Versions that one script call looks for.
const LOOK_MAX: usize = 200;

/// After it has changed its master a shard takes no new job for so long: by then every replica that is well has looked, and put back
/// the job that a new request would have joined.
const SETTLING: Duration = PING_INTERVAL.saturating_add(Duration::from_millis(500));

/// After the pause, until every replica that is well has put back what it remembers, whatever came before it.
const LAST_WORDS: Duration = PING_INTERVAL.saturating_mul(3);

pub(super) struct Reigns {
    pub(super) link: Arc<Link>,
    pub(super) keys: Keys,
    epoch: String,
    pause: Duration,
    shards: Vec<Looked>,
    pub(super) memory: Memory,
    bells: broadcast::Sender<Bell>,
    pub(super) losses: Losses,
}

/// What this replica knows of a shard's reign.
struct Looked {
    current: RwLock<Current>,
    looking: Mutex<()>,
    lost_at: AtomicU64,
    /// Number of the newest deed that was acknowledged to this replica.
    acknowledged: AtomicU64,
}

struct Current {
    /// Under which this replica has looked for what it remembers; empty before the first time.
    reign: Arc<str>,
    /// Counts the reigns that it has seen end.
    era: u64,
}

/// How what is missing is put back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Where what came before it is there.
    Redo,
    /// In any case: who remembers what came before has had its turn.
    Force,
}

/// What a shard says of its reign.
pub(super) struct Told {
    pub(super) reign: Arc<str>,
    is_on_record: bool,
    pub(super) pause_left: Duration,
    pub(super) lost_at: u64,
    /// Deeds that are missing, and that nobody who lives has put back; 0 once they are declared.
    pub(super) unaccounted: u64,
}

impl Reigns {
    pub(super) fn new(
        link: Arc<Link>,
        keys: Keys,
        epoch: u64,
        pause: Duration,
        retention: Duration,
        bells: broadcast::Sender<Bell>,
    ) -> Reigns {
        let looked = || Looked {
            current: RwLock::new(Current {
                reign: Arc::from(""),
                era: 0,
            }),
            looking: Mutex::default(),
            lost_at: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
        };
        Reigns {
            link,
            keys,
            epoch: epoch.to_string(),
            pause,
            shards: (0..SHARDS).map(|_| looked()).collect(),
            memory: Memory::new(retention),
            bells,
            losses: Losses::default(),
        }
    }

    /// Runs a script that moves jobs, and says under which reign it did.
    pub(super) async fn run(&self, shard: Shard, call: &Call) -> Result<(String, Reply, Arc<str>), StoreError> {
        for _ in 0..FOLLOWED_MAX {
            if let Some(done) = self.run_in(shard, self.era(shard), call).await? {
                return Ok(done);
            }
        }
        Err(restless(call))
    }

    /// The same for what was computed from something read in `era`; `None` = that era is over, and nothing was done.
    pub(super) async fn run_in(
        &self,
        shard: Shard,
        era: u64,
        call: &Call,
    ) -> Result<Option<(String, Reply, Arc<str>)>, StoreError> {
        for _ in 0..FOLLOWED_MAX {
            let reign = {
                let current = self.current(shard);
                if current.era != era {
                    return Ok(None);
                }
                Arc::clone(&current.reign)
            };
            let (word, mut reply) = self.link.run(call.meant("do", &reign, &reign)).await?;
            if word != "OTHER_REIGN" {
                return Ok(Some((word, reply, reign)));
            }
            let new = Arc::from(reply.text()?);
            self.take_on(shard, &reign, &new).await?;
        }
        Err(restless(call))
    }

    pub(super) fn reign(&self, shard: Shard) -> Arc<str> {
        Arc::clone(&self.current(shard).reign)
    }

    /// Grows with each reign that ended while this process looked on.
    pub(super) fn era(&self, shard: Shard) -> u64 {
        self.current(shard).era
    }

    fn current(&self, shard: Shard) -> RwLockReadGuard<'_, Current> {
        let current = self.shards[shard.index()].current.read();
        current.expect("nobody panics while holding it")
    }

    /// A deed of this number, and so every one before it, is held by all that must hold it.
    pub(super) fn acknowledged(&self, shard: Shard, deed: u64) {
        let newest = &self.shards[shard.index()].acknowledged;
        newest.fetch_max(deed, Ordering::Relaxed);
    }

    /// When a loss was last declared in any shard, in microseconds of Redis' clock; 0 = never.
    pub(super) fn lost_at(&self) -> u64 {
        let times = self.shards.iter().map(|looked| looked.lost_at.load(Ordering::Relaxed));
        times.max().unwrap_or_default()
    }

    pub(super) async fn ask(&self, shard: Shard) -> Result<Told, StoreError> {
        let slot = self.keys.shard(shard);
        let call = Call::new("look at the reign", &scripts::REIGN)
            .key(slot.epoch())
            .key(slot.reign())
            .arg(self.epoch.as_str())
            .number(micros(LAST_WORDS));
        let (_, mut reply) = self.link.run(call).await?;
        let reign = Arc::from(reply.text()?);
        let on_record = reply.text()?;
        Ok(Told {
            is_on_record: on_record == *reign,
            reign,
            pause_left: reply.duration_us()?,
            lost_at: reply.number()?,
            unaccounted: reply.number()?,
        })
    }

    /// What is missing may still be put back for as long as the pause lasts.
    pub(super) async fn demand_settled(&self, shard: Shard) -> Result<(), StoreError> {
        let told = self.ask(shard).await?;
        if told.is_on_record && told.pause_left.is_zero() {
            return Ok(());
        }
        Err(StoreError::Unavailable {
            doing: "look for what may be missing",
            why: NOT_SETTLED.into(),
        })
    }

    /// Follows from `seen` to `new`: nothing of this replica is done there before all that it remembers has been looked for.
    pub(super) async fn take_on(&self, shard: Shard, seen: &Arc<str>, new: &Arc<str>) -> Result<(), StoreError> {
        let looked = &self.shards[shard.index()];
        let _one_at_a_time = looked.looking.lock().await;
        if self.reign(shard) != *seen {
            return Ok(());
        }
        let Some(found) = self.put_back(shard, new, Mode::Redo).await? else {
            return Ok(());
        };
        let Some((lost_at, _)) = self.adopt(shard, new, found.is_loss(), false).await? else {
            return Ok(());
        };
        self.losses.report(shard, &found);
        self.hear_of_loss(shard, lost_at);
        let mut current = looked.current.write().expect("nobody panics while holding it");
        // Before the first look nothing was read of which another reign could say something else.
        current.era += u64::from(!seen.is_empty());
        current.reign = Arc::clone(new);
        Ok(())
    }

    /// Looks again for what came to be remembered after the last look, or could not be put back then.
    pub(super) async fn look_again(&self, shard: Shard, mode: Mode) -> Result<(), StoreError> {
        let looked = &self.shards[shard.index()];
        let _one_at_a_time = looked.looking.lock().await;
        let reign = self.reign(shard);
        let found = self.put_back(shard, &reign, mode).await?.unwrap_or_default();
        if found.is_loss() {
            self.losses.report(shard, &found);
            if let Some((lost_at, _)) = self.adopt(shard, &reign, true, false).await? {
                self.hear_of_loss(shard, lost_at);
            }
        }
        Ok(())
    }

    /// Declares that so many deeds are missing of which nobody remembers anything. Of all replicas that notice, one tells.
    pub(super) async fn declare_unaccounted(&self, shard: Shard, reign: &str, deeds: u64) -> Result<(), StoreError> {
        let Some((lost_at, is_first)) = self.adopt(shard, reign, false, true).await? else {
            return Ok(());
        };
        if is_first {
            self.losses.report_unaccounted(shard, deeds);
        }
        self.hear_of_loss(shard, lost_at);
        Ok(())
    }

    /// A loss was declared, here or by another replica: what watchers were shown may not have been so.
    pub(super) fn hear_of_loss(&self, shard: Shard, lost_at: u64) {
        let before = self.shards[shard.index()].lost_at.swap(lost_at, Ordering::Relaxed);
        // What was lost before this replica began was shown by it to nobody.
        let is_first_look = self.reign(shard).is_empty();
        if before != lost_at && !is_first_look {
            // A bell that nobody hears is no error.
            let _ = self.bells.send(Bell::Lost);
        }
    }

    /// `None` = yet another reign has begun.
    async fn put_back(&self, shard: Shard, reign: &Arc<str>, mode: Mode) -> Result<Option<Found>, StoreError> {
        let mut found = Found::default();
        let remembered = self.memory.unseen(shard, reign);
        for deeds in remembered.chunks(LOOK_MAX) {
            let Some(missing) = self.missing(shard, reign, deeds).await? else {
                return Ok(None);
            };
            let is_there = |place: &usize| missing.binary_search(place).is_err();
            let there = (0..deeds.len()).filter(is_there).map(|place| deeds[place].clone());
            self.memory.seen(shard, &there.collect::<Vec<_>>(), reign);
            for place in missing {
                let deed = &deeds[place];
                if !self.say_again(deed, reign, mode, &mut found).await? {
                    return Ok(None);
                }
            }
        }
        Ok(Some(found))
    }

    async fn missing(&self, shard: Shard, reign: &str, deeds: &[Deed]) -> Result<Option<Vec<usize>>, StoreError> {
        let slot = self.keys.shard(shard);
        let mut call = Call::new("look for what was acknowledged", &scripts::MISSING)
            .key(slot.epoch())
            .key(slot.reign())
            .arg(self.epoch.as_str())
            .arg("")
            .arg(slot.job_prefix());
        for deed in deeds {
            call = call
                .arg(deed.job.as_str())
                .number(deed.version)
                .arg(deed.reign.as_bytes());
        }
        let (word, mut reply) = self.link.run(call.meant("redo", reign, "")).await?;
        if word == "OTHER_REIGN" {
            return Ok(None);
        }
        let mut missing = Vec::new();
        while !reply.is_over() {
            let place: usize = reply.number()?;
            missing.push(place - 1);
        }
        Ok(Some(missing))
    }

    /// `false` = yet another reign has begun.
    async fn say_again(
        &self,
        deed: &Deed,
        reign: &Arc<str>,
        mode: Mode,
        found: &mut Found,
    ) -> Result<bool, StoreError> {
        let mode = match mode {
            Mode::Redo => "redo",
            Mode::Force => "force",
        };
        let (word, mut reply) = self.link.run(deed.call.meant(mode, reign, &deed.reign)).await?;
        match word.as_str() {
            "OTHER_REIGN" => return Ok(false),
            // Waits for the replica that remembers what came before.
            "GAP" => return Ok(true),
            "STARTED" => found.put_back.push(deed.clone()),
            "PUT_BACK" | "LEDGER" => {
                if word == "PUT_BACK" {
                    found.put_back.push(deed.clone());
                } else {
                    found.for_good.push(deed.clone());
                }
                if reply.text()? == "1" {
                    found.doubly_paid.push(deed.clone());
                }
            }
            // "THERE": another look was faster. "OVERTAKEN": the job took another step instead, and lacks nothing.
            _ => {}
        }
        self.memory.seen(deed.job.shard(), std::slice::from_ref(deed), reign);
        Ok(true)
    }

    /// When a loss was last declared, and whether this was the first to declare that deeds are unaccounted for; `None` = yet another
    /// reign has begun.
    async fn adopt(
        &self,
        shard: Shard,
        reign: &str,
        is_loss: bool,
        misses_deeds: bool,
    ) -> Result<Option<(u64, bool)>, StoreError> {
        let flag = |is_so| if is_so { "1" } else { "0" };
        let slot = self.keys.shard(shard);
        let call = Call::new("take a reign on record", &scripts::ADOPT)
            .key(slot.epoch())
            .key(slot.reign())
            .arg(self.epoch.as_str())
            .arg("")
            .number(micros(self.pause))
            .number(micros(self.pause.min(SETTLING)))
            .arg(flag(is_loss))
            .arg(self.keys.bell())
            .number(self.shards[shard.index()].acknowledged.load(Ordering::Relaxed))
            .arg(flag(misses_deeds));
        let (word, mut reply) = self.link.run(call.meant("redo", reign, "")).await?;
        if word == "OTHER_REIGN" {
            return Ok(None);
        }
        Ok(Some((reply.number()?, reply.text()? == "1")))
    }
}

fn restless(call: &Call) -> StoreError {
    StoreError::Unavailable {
        doing: call.doing,
        why: "redis changes its master again and again".into(),
    }
}
