//! The store as a replica finds it: the model store behind a network and failovers that go by the seed.
//!
//! A call may be slow, never arrive, arrive and lose its reply, or be done long after its caller gave up. While the store is
//! isolated before a rewind, writes that the real store waits for are done and not acknowledged. Whether a write is acknowledged
//! is decided when it is done, so that a rewind never takes back what was. What becomes of bells stands in `bells`.

mod bells;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::{
    sync::broadcast,
    time::{Instant, sleep},
};

use super::{
    audit,
    broken::Broken,
    chance::Chance,
    failover::{Heaven, Sky},
    power::{Power, State},
    scene::Scene,
};
use crate::{
    domain::{
        gate::{Called, Entrant, GateLimits, GateReport, GateStatus, Passage},
        ids::{IntentId, JobId},
        job::LedgerChange,
        provider_id::ProviderId,
    },
    store::{
        Bell, ChargePage, ChargeQuery, Claims, Commit, Committed, Condition, Created, Creation, DataSet, FeedPage,
        FeedPosition, How, Lease, ListPage, ListQuery, Reservation, Reserved, SealedRecord, Store, StoreError, Stored,
    },
};

/// A caller of the store gives up after this, as the Redis store's clients do.
const GIVES_UP: Duration = Duration::from_millis(1_500);

pub(super) struct Weather {
    scene: Arc<Scene>,
    heaven: Arc<Heaven>,
    power: Arc<Power>,
    chance: Chance,
    /// The replica's name.
    who: String,
    bells: broadcast::Sender<Bell>,
    calls: AtomicU64,
    /// Of the last loss that this replica has heard of.
    lost_at: AtomicU64,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fine,
    Lost,
    ReplyLost,
    Late,
}

/// Whether the real store waits until replicas hold it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Waited,
    /// Leases and gates: a lost one heals.
    Unwaited,
}

type Doing<T> = BoxFuture<'static, Result<T, StoreError>>;

impl Weather {
    pub(super) fn new(scene: Arc<Scene>, heaven: Arc<Heaven>, power: Arc<Power>, who: String) -> Arc<Weather> {
        let chance = Chance::of(scene.plan.seed, &format!("weather of {who}"));
        let lost_at = AtomicU64::new(scene.model.look(|data| data.lost_at));
        Arc::new(Weather {
            lost_at,
            scene,
            heaven,
            power,
            chance,
            who,
            bells: broadcast::Sender::new(256),
            calls: AtomicU64::new(0),
        })
    }

    /// Makes a call. `make` gives a fresh future that does it, on the data set itself.
    async fn call<T: Send + 'static>(
        &self,
        doing: &'static str,
        kind: Kind,
        make: impl FnOnce(Arc<Scene>, String) -> Doing<T>,
    ) -> Result<T, StoreError> {
        self.power.pass().await;
        if kind != Kind::Read {
            self.hear_of_loss();
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let (fate, there, back) = (self.fate(), self.delay(), self.delay());
        let work = make(Arc::clone(&self.scene), self.who.clone());
        let unavailable = |why: &'static str| StoreError::Unavailable { doing, why: why.into() };
        let who = format!("{}.{number}", self.who);
        let result = match fate {
            Fate::Lost => {
                self.scene.note(&who, format_args!("{doing}: lost on its way"));
                sleep(GIVES_UP).await;
                Err(unavailable("the call was lost"))
            }
            Fate::Late => {
                let scene = Arc::clone(&self.scene);
                let delay = GIVES_UP + self.chance.ms(1, 8_000);
                tokio::spawn(async move {
                    sleep(delay).await;
                    scene.note(&who, format_args!("{doing}: done late"));
                    drop(work.await);
                });
                sleep(GIVES_UP).await;
                Err(unavailable("the call was delayed"))
            }
            Fate::Fine | Fate::ReplyLost => {
                sleep(there).await;
                let is_acknowledged = self.is_acknowledged(kind) && fate == Fate::Fine && there + back < GIVES_UP;
                let result = work.await;
                if is_acknowledged {
                    sleep(back).await;
                    result
                } else {
                    self.scene
                        .note(&who, format_args!("{doing}: done, and not acknowledged"));
                    sleep(GIVES_UP.saturating_sub(there)).await;
                    Err(unavailable("the reply was lost"))
                }
            }
        };
        self.power.pass().await;
        result
    }

    /// The worst moment to freeze: the intent stands and the call has not left.
    async fn freeze_now_and_then(&self) {
        if !self.scene.is_healed() && self.chance.percent(self.scene.plan.store.freezes_at_intent) {
            self.scene.note(&self.who, "freezes with an intent in hand");
            self.power.turn(State::Frozen);
            let (power, thaws) = (Arc::clone(&self.power), self.chance.ms(100, 15_000));
            tokio::spawn(async move {
                sleep(thaws).await;
                power.turn(State::On);
            });
            self.power.pass().await;
        }
    }

    fn fate(&self) -> Fate {
        if self.scene.is_healed() {
            return Fate::Fine;
        }
        if self.heaven.sky() == Sky::Unreachable {
            return Fate::Lost;
        }
        let store = self.scene.plan.store;
        let fine = 100 - store.lost - store.reply_lost - store.late;
        self.chance.weighted(&[
            (fine, Fate::Fine),
            (store.lost, Fate::Lost),
            (store.reply_lost, Fate::ReplyLost),
            (store.late, Fate::Late),
        ])
    }

    fn delay(&self) -> Duration {
        let store = self.scene.plan.store;
        if !self.scene.is_healed() && self.chance.percent(store.slow) {
            self.chance.ms(1, store.slow_ms_max)
        } else {
            self.chance.ms(0, 2)
        }
    }

    fn is_acknowledged(&self, kind: Kind) -> bool {
        match self.heaven.sky() {
            Sky::Clear | Sky::Doomed => true,
            Sky::Unreachable | Sky::Mute => false,
            Sky::Isolated => kind != Kind::Waited,
        }
    }

    /// A lease counts from before its call was sent.
    fn lease_since(&self, lease: &mut Lease, sent_at: Instant, granted: Duration) {
        lease.expires_at = sent_at + granted;
        if self.scene.broken == Some(Broken::NoDeadlines) {
            lease.expires_at += Duration::from_secs(3600);
        }
    }
}

#[async_trait]
impl Store for Weather {
    async fn probe(&self) -> Result<DataSet, StoreError> {
        let probe = |scene: Arc<Scene>, _| -> Doing<DataSet> { Box::pin(async move { scene.model.probe().await }) };
        self.call("probe", Kind::Unwaited, probe).await
    }

    async fn create(&self, creation: Creation) -> Result<Created, StoreError> {
        let (sent_at, claim) = (Instant::now(), creation.claim);
        let hold = creation.first_intent.as_ref().map(|first_intent| first_intent.hold);
        let create = |scene: Arc<Scene>, who| -> Doing<Created> {
            Box::pin(async move { audit::create(&scene, who, creation).await })
        };
        let mut created = self.call("create", Kind::Waited, create).await?;
        let is_intent = created.stored.job.live_intent().is_some();
        if let How::Started(Some(lease)) = &mut created.how {
            if is_intent {
                self.freeze_now_and_then().await;
            }
            let granted = hold.filter(|_| is_intent).or(claim);
            self.lease_since(lease, sent_at, granted.expect("a lease was asked for"));
        }
        Ok(created)
    }

    async fn read(&self, id: &JobId) -> Result<Option<Stored>, StoreError> {
        let id = id.clone();
        let read =
            |scene: Arc<Scene>, _| -> Doing<Option<Stored>> { Box::pin(async move { scene.model.read(&id).await }) };
        self.call("read", Kind::Read, read).await
    }

    async fn versions(&self, ids: &[JobId]) -> Result<Vec<Option<u64>>, StoreError> {
        let ids = ids.to_vec();
        let versions = |scene: Arc<Scene>, _| -> Doing<Vec<Option<u64>>> {
            Box::pin(async move { scene.model.versions(&ids).await })
        };
        self.call("versions", Kind::Read, versions).await
    }

    async fn read_sealed(&self, id: &JobId) -> Result<Option<SealedRecord>, StoreError> {
        let id = id.clone();
        let read = |scene: Arc<Scene>, _| -> Doing<Option<SealedRecord>> {
            Box::pin(async move { scene.model.read_sealed(&id).await })
        };
        self.call("read_sealed", Kind::Read, read).await
    }

    async fn claim_due(&self, lease: Duration, max: usize) -> Result<Claims, StoreError> {
        let sent_at = Instant::now();
        let claim = move |scene: Arc<Scene>, who| -> Doing<Claims> {
            Box::pin(async move { audit::claim(&scene, who, lease, max).await })
        };
        let mut claims = self.call("claim", Kind::Unwaited, claim).await?;
        for claim in &mut claims.claims {
            self.lease_since(&mut claim.lease, sent_at, lease);
        }
        Ok(claims)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let (sent_at, hold) = (Instant::now(), commit.hold);
        let is_intent = matches!(commit.transition.ledger, Some(LedgerChange::Open { .. }));
        let work = |scene: Arc<Scene>, who| -> Doing<Committed> {
            Box::pin(async move { audit::commit(&scene, who, commit).await })
        };
        let mut committed = self.call("commit", Kind::Waited, work).await?;
        if is_intent {
            self.freeze_now_and_then().await;
        }
        if let Committed::Done { lease: Some(lease), .. } = &mut committed {
            self.lease_since(lease, sent_at, hold);
        }
        Ok(committed)
    }

    async fn release(&self, id: &JobId, fence: u64) -> Result<(), StoreError> {
        let id = id.clone();
        let release = move |scene: Arc<Scene>, who: String| -> Doing<()> {
            Box::pin(async move {
                scene.note(&who, format_args!("releases {} {fence}", super::scene::short(&id)));
                scene.model.release(&id, fence).await
            })
        };
        self.call("release", Kind::Unwaited, release).await
    }

    async fn hasten(&self, id: &JobId, within: Duration) -> Result<(), StoreError> {
        let id = id.clone();
        let hasten =
            move |scene: Arc<Scene>, _| -> Doing<()> { Box::pin(async move { scene.model.hasten(&id, within).await }) };
        self.call("hasten", Kind::Unwaited, hasten).await
    }

    async fn reserve_request(&self, reservation: Reservation) -> Result<Reserved, StoreError> {
        if self.scene.broken == Some(Broken::NoRequestIds) {
            return Ok(Reserved::New);
        }
        let reserve = |scene: Arc<Scene>, _| -> Doing<Reserved> {
            Box::pin(async move { scene.model.reserve_request(reservation).await })
        };
        self.call("reserve", Kind::Waited, reserve).await
    }

    async fn settle_request(&self, key: &str, job: &JobId) -> Result<JobId, StoreError> {
        if self.scene.broken == Some(Broken::NoRequestIds) {
            return Ok(job.clone());
        }
        let (key, job) = (key.to_owned(), job.clone());
        let settle = |scene: Arc<Scene>, _| -> Doing<JobId> {
            Box::pin(async move { scene.model.settle_request(&key, &job).await })
        };
        self.call("settle", Kind::Waited, settle).await
    }

    async fn list(&self, query: ListQuery) -> Result<ListPage, StoreError> {
        let list = |scene: Arc<Scene>, _| -> Doing<ListPage> { Box::pin(async move { scene.model.list(query).await }) };
        self.call("list", Kind::Read, list).await
    }

    async fn feed_end(&self) -> Result<FeedPosition, StoreError> {
        let end =
            |scene: Arc<Scene>, _| -> Doing<FeedPosition> { Box::pin(async move { scene.model.feed_end().await }) };
        self.call("feed_end", Kind::Read, end).await
    }

    async fn feed_after(&self, position: &FeedPosition, max: usize) -> Result<FeedPage, StoreError> {
        let position = *position;
        let after = move |scene: Arc<Scene>, _| -> Doing<FeedPage> {
            Box::pin(async move { scene.model.feed_after(&position, max).await })
        };
        self.call("feed_after", Kind::Read, after).await
    }

    async fn charges(&self, query: ChargeQuery) -> Result<ChargePage, StoreError> {
        let charges =
            |scene: Arc<Scene>, _| -> Doing<ChargePage> { Box::pin(async move { scene.model.charges(query).await }) };
        self.call("charges", Kind::Read, charges).await
    }

    async fn enter_gate(
        &self,
        provider: ProviderId,
        entrant: &Entrant,
        limits: &GateLimits,
        hold: Duration,
    ) -> Result<Passage, StoreError> {
        let (entrant, limits) = (entrant.clone(), limits.clone());
        let enter = move |scene: Arc<Scene>, _| -> Doing<Passage> {
            Box::pin(async move { scene.model.enter_gate(provider, &entrant, &limits, hold).await })
        };
        self.call("enter_gate", Kind::Unwaited, enter).await
    }

    async fn leave_gate(
        &self,
        provider: ProviderId,
        intent: &IntentId,
        limits: &GateLimits,
        report: GateReport,
    ) -> Result<Vec<Called>, StoreError> {
        let (intent, limits) = (intent.clone(), limits.clone());
        let leave = move |scene: Arc<Scene>, _| -> Doing<Vec<Called>> {
            Box::pin(async move { scene.model.leave_gate(provider, &intent, &limits, report).await })
        };
        self.call("leave_gate", Kind::Unwaited, leave).await
    }

    async fn gate_status(&self, provider: ProviderId) -> Result<GateStatus, StoreError> {
        let status = move |scene: Arc<Scene>, _| -> Doing<GateStatus> {
            Box::pin(async move { scene.model.gate_status(provider).await })
        };
        self.call("gate_status", Kind::Read, status).await
    }

    async fn purge(&self, ended_before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let purge = move |scene: Arc<Scene>, _| -> Doing<usize> {
            Box::pin(async move { scene.model.purge(ended_before, max).await })
        };
        self.call("purge", Kind::Waited, purge).await
    }

    fn bells(&self) -> broadcast::Receiver<Bell> {
        self.bells.subscribe()
    }

    fn condition(&self) -> Condition {
        Condition {
            lost_at: self.lost_at.load(Ordering::Relaxed),
            ..Condition::default()
        }
    }
}
