//! A store that can be switched off, and that can lose the replies to what it does.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{
    domain::{
        gate::{Called, Entrant, GateLimits, GateReport, GateStatus, Passage},
        ids::{IntentId, JobId, JobKind},
        job::LedgerChange,
        provider_id::ProviderId,
    },
    store::{
        Bell, ChargePage, ChargeQuery, Claims, Commit, Committed, Condition, Created, Creation, DataSet, FeedPage,
        FeedPosition, ListPage, ListQuery, Reservation, Reserved, SealedRecord, Store, StoreError, Stored,
    },
};

pub(super) struct Faulty {
    inner: Arc<dyn Store>,
    is_down: AtomicBool,
    /// Creations and commits that are done but whose replies are lost.
    replies_to_lose: AtomicUsize,
    /// The same, for creations of lookups alone.
    lookups_to_lose: AtomicUsize,
    /// Whether the next creation does not get here before its caller gives it up, and such a one.
    delays_creation: AtomicBool,
    delayed_creation: std::sync::Mutex<Option<Creation>>,
    /// Whether the next creation is done, and is the last that is heard of the store.
    dies_of_creation: AtomicBool,
    /// Whether the next creation is done twice, as by a client that repeats what it did not hear of.
    repeats_creation: AtomicBool,
    /// Times at which somebody entered or left a gate.
    pub gate_calls: AtomicUsize,
    /// Times at which a job was read.
    pub reads: AtomicUsize,
    /// Times at which versions were asked for.
    pub version_looks: AtomicUsize,
    /// Whether who asks for versions waits for ever.
    versions_hang: AtomicBool,
    /// Times at which a sealed record was.
    pub answers_read: AtomicUsize,
    /// Whether who leaves a gate or looks at it waits for ever.
    gates_hang: AtomicBool,
    /// Creations that are done, but whose replies wait while this is held.
    pub slow_creations: tokio::sync::Mutex<()>,
    /// Intents that are recorded, but whose replies wait while this is held.
    pub slow_intents: tokio::sync::Mutex<()>,
    claims_made: AtomicUsize,
    loses_first_intent: AtomicBool,
    /// The commit of an intent whose replies are lost, however often it is sent.
    lost_intent: OnceLock<Uuid>,
    /// Claims of jobs, and places at gates, that are given but whose replies are lost.
    claims_to_lose: AtomicUsize,
    entries_to_lose: AtomicUsize,
    /// An intent that is on its way for as long as its caller waits for it, and longer: it arrives with the first read after.
    holds_first_intent: AtomicBool,
    held_intent: std::sync::Mutex<Option<Commit>>,
    has_given_up: AtomicBool,
    /// Whether who looks for due jobs waits for ever.
    claims_hang: AtomicBool,
    pub claims_hung: AtomicUsize,
    /// Whether no intent can be had.
    postpones: AtomicBool,
    /// A job as it was, which the store goes back to when its answer is read.
    goes_back_to: std::sync::Mutex<Option<Stored>>,
    has_gone_back: AtomicBool,
    /// Of the last loss that was declared. No bell tells of it.
    lost_at: AtomicU64,
    epoch: Option<u64>,
}

impl Faulty {
    pub(super) fn new(inner: Arc<dyn Store>, epoch: Option<u64>) -> Arc<Faulty> {
        Arc::new(Faulty {
            inner,
            is_down: AtomicBool::new(false),
            replies_to_lose: AtomicUsize::new(0),
            lookups_to_lose: AtomicUsize::new(0),
            delays_creation: AtomicBool::new(false),
            delayed_creation: std::sync::Mutex::default(),
            dies_of_creation: AtomicBool::new(false),
            repeats_creation: AtomicBool::new(false),
            gate_calls: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            version_looks: AtomicUsize::new(0),
            versions_hang: AtomicBool::new(false),
            answers_read: AtomicUsize::new(0),
            gates_hang: AtomicBool::new(false),
            slow_creations: tokio::sync::Mutex::default(),
            slow_intents: tokio::sync::Mutex::default(),
            claims_made: AtomicUsize::new(0),
            loses_first_intent: AtomicBool::new(false),
            lost_intent: OnceLock::new(),
            claims_to_lose: AtomicUsize::new(0),
            entries_to_lose: AtomicUsize::new(0),
            holds_first_intent: AtomicBool::new(false),
            held_intent: std::sync::Mutex::default(),
            has_given_up: AtomicBool::new(false),
            claims_hang: AtomicBool::new(false),
            claims_hung: AtomicUsize::new(0),
            postpones: AtomicBool::new(false),
            goes_back_to: std::sync::Mutex::default(),
            has_gone_back: AtomicBool::new(false),
            lost_at: AtomicU64::new(0),
            epoch,
        })
    }

    pub(super) fn goes_down(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }

    pub(super) fn postpones(&self, postpones: bool) {
        self.postpones.store(postpones, Ordering::SeqCst);
    }

    /// Fails over before the next answer is read, and has forgotten what came after this.
    pub(super) fn goes_back_to(&self, stored: Stored) {
        *self.goes_back_to.lock().unwrap() = Some(stored);
    }

    /// Has failed over, and nobody finds a job any more.
    pub(super) fn forgets_every_job(&self) {
        self.has_gone_back.store(true, Ordering::SeqCst);
    }

    pub(super) fn declares_a_loss(&self) {
        self.lost_at.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn comes_back(&self) {
        self.is_down.store(false, Ordering::SeqCst);
    }

    pub(super) fn loses_replies(&self, count: usize) {
        self.replies_to_lose.store(count, Ordering::SeqCst);
    }

    pub(super) fn loses_lookups(&self, count: usize) {
        self.lookups_to_lose.store(count, Ordering::SeqCst);
    }

    pub(super) fn delays_creation(&self) {
        self.delays_creation.store(true, Ordering::SeqCst);
    }

    pub(super) async fn delayed_creation_arrives(&self) -> Created {
        let delayed = self.delayed_creation.lock().unwrap().take();
        self.inner.create(delayed.unwrap()).await.unwrap()
    }

    pub(super) fn goes_down_after_a_creation(&self) {
        self.dies_of_creation.store(true, Ordering::SeqCst);
    }

    pub(super) fn repeats_creation(&self) {
        self.repeats_creation.store(true, Ordering::SeqCst);
    }

    pub(super) fn hangs_at_gates(&self) {
        self.gates_hang.store(true, Ordering::SeqCst);
    }

    pub(super) fn hangs_at_versions(&self) {
        self.versions_hang.store(true, Ordering::SeqCst);
    }

    pub(super) fn hangs_at_claims(&self) {
        self.claims_hang.store(true, Ordering::SeqCst);
    }

    /// The first intent from now on is recorded, and its caller never learns of it.
    pub(super) fn loses_first_intent(&self) {
        self.loses_first_intent.store(true, Ordering::SeqCst);
    }

    pub(super) fn loses_claims(&self, count: usize) {
        self.claims_to_lose.store(count, Ordering::SeqCst);
    }

    pub(super) fn loses_gate_entries(&self, count: usize) {
        self.entries_to_lose.store(count, Ordering::SeqCst);
    }

    /// The first intent from now on reaches the store only when its caller has given it up.
    pub(super) fn holds_first_intent(&self) {
        self.holds_first_intent.store(true, Ordering::SeqCst);
    }

    fn is_held_intent(&self, commit: &Commit) -> bool {
        let mut held = self.held_intent.lock().unwrap();
        if is_intent(commit) && self.holds_first_intent.swap(false, Ordering::SeqCst) {
            *held = Some(commit.clone());
        }
        held.as_ref().is_some_and(|held| held.op == commit.op)
    }

    pub(super) fn claims_made(&self) -> usize {
        self.claims_made.load(Ordering::SeqCst)
    }

    fn is_lost_intent(&self, commit: &Commit) -> bool {
        let loses = self.loses_first_intent.load(Ordering::SeqCst);
        is_intent(commit) && loses && *self.lost_intent.get_or_init(|| commit.op) == commit.op
    }

    fn up(&self) -> Result<&Arc<dyn Store>, StoreError> {
        if self.is_down.load(Ordering::SeqCst) {
            Err(unavailable())
        } else {
            Ok(&self.inner)
        }
    }

    fn reply<T>(&self, reply: T) -> Result<T, StoreError> {
        lose_one_of(&self.replies_to_lose, reply)
    }
}

fn lose_one_of<T>(to_lose: &AtomicUsize, reply: T) -> Result<T, StoreError> {
    let take_one = |left: usize| left.checked_sub(1);
    match to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one) {
        Ok(_) => Err(unavailable()),
        Err(_) => Ok(reply),
    }
}

fn is_intent(commit: &Commit) -> bool {
    matches!(commit.transition.ledger, Some(LedgerChange::Open { .. }))
}

fn unavailable() -> StoreError {
    StoreError::Unavailable {
        doing: "tell a story",
        why: "it is switched off".into(),
    }
}

#[async_trait]
impl Store for Faulty {
    async fn probe(&self) -> Result<DataSet, StoreError> {
        let found = self.up()?.probe().await?;
        Ok(DataSet {
            epoch: self.epoch.unwrap_or(found.epoch),
            ..found
        })
    }

    async fn create(&self, mut creation: Creation) -> Result<Created, StoreError> {
        let is_lookup = creation.job.id.kind() == JobKind::NssLookup;
        if self.postpones.load(Ordering::SeqCst) {
            creation.first_intent = None;
        }
        if self.delays_creation.swap(false, Ordering::SeqCst) {
            *self.delayed_creation.lock().unwrap() = Some(creation);
            return Err(unavailable());
        }
        if self.repeats_creation.swap(false, Ordering::SeqCst) {
            self.up()?.create(creation.clone()).await?;
        }
        let created = self.up()?.create(creation).await?;
        if self.dies_of_creation.swap(false, Ordering::SeqCst) {
            self.goes_down();
            return Err(unavailable());
        }
        if created.stored.job.live_intent().is_some() {
            drop(self.slow_intents.lock().await);
        }
        if is_lookup {
            lose_one_of(&self.lookups_to_lose, ())?;
        }
        drop(self.slow_creations.lock().await);
        self.reply(created)
    }

    async fn read(&self, id: &JobId) -> Result<Option<Stored>, StoreError> {
        if self.has_gone_back.load(Ordering::SeqCst) {
            return Ok(self.goes_back_to.lock().unwrap().clone());
        }
        self.reads.fetch_add(1, Ordering::SeqCst);
        let read = self.up()?.read(id).await;
        if self.has_given_up.load(Ordering::SeqCst) {
            let arrives = self.held_intent.lock().unwrap().take();
            if let Some(commit) = arrives {
                self.inner.commit(commit).await?;
            }
        }
        read
    }

    async fn versions(&self, ids: &[JobId]) -> Result<Vec<Option<u64>>, StoreError> {
        self.version_looks.fetch_add(1, Ordering::SeqCst);
        if self.versions_hang.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.has_gone_back.load(Ordering::SeqCst) {
            let version = self.goes_back_to.lock().unwrap().as_ref().map(|stored| stored.version);
            return Ok(vec![version; ids.len()]);
        }
        self.up()?.versions(ids).await
    }

    async fn read_sealed(&self, id: &JobId) -> Result<Option<SealedRecord>, StoreError> {
        self.answers_read.fetch_add(1, Ordering::SeqCst);
        let sealed = self.up()?.read_sealed(id).await?;
        let goes_back = self.goes_back_to.lock().unwrap().is_some();
        self.has_gone_back.fetch_or(goes_back, Ordering::SeqCst);
        Ok(sealed.map(|sealed| SealedRecord {
            answer: sealed.answer.filter(|_| !goes_back),
            ..sealed
        }))
    }

    async fn claim_due(&self, lease: Duration, max: usize) -> Result<Claims, StoreError> {
        if self.claims_hang.load(Ordering::SeqCst) {
            self.claims_hung.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        let claims = self.up()?.claim_due(lease, max).await?;
        self.claims_made.fetch_add(1, Ordering::SeqCst);
        if claims.claims.is_empty() {
            return Ok(claims);
        }
        lose_one_of(&self.claims_to_lose, claims)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        if self.is_held_intent(&commit) {
            return Err(unavailable());
        }
        let (is_lost, is_intent) = (self.is_lost_intent(&commit), is_intent(&commit));
        if is_intent && self.postpones.load(Ordering::SeqCst) {
            let wait = Duration::from_millis(20);
            return Ok(Committed::Postponed { wait });
        }
        let committed = self.up()?.commit(commit).await?;
        if is_intent {
            drop(self.slow_intents.lock().await);
        }
        if is_lost {
            Err(unavailable())
        } else {
            self.reply(committed)
        }
    }

    async fn release(&self, id: &JobId, fence: u64) -> Result<(), StoreError> {
        self.up()?.release(id, fence).await
    }

    async fn hasten(&self, id: &JobId, within: Duration) -> Result<(), StoreError> {
        self.up()?.hasten(id, within).await
    }

    async fn reserve_request(&self, reservation: Reservation) -> Result<Reserved, StoreError> {
        self.up()?.reserve_request(reservation).await
    }

    async fn settle_request(&self, key: &str, job: &JobId) -> Result<JobId, StoreError> {
        self.up()?.settle_request(key, job).await
    }

    async fn list(&self, query: ListQuery) -> Result<ListPage, StoreError> {
        self.up()?.list(query).await
    }

    async fn feed_end(&self) -> Result<FeedPosition, StoreError> {
        self.up()?.feed_end().await
    }

    async fn feed_after(&self, position: &FeedPosition, max: usize) -> Result<FeedPage, StoreError> {
        self.up()?.feed_after(position, max).await
    }

    async fn charges(&self, query: ChargeQuery) -> Result<ChargePage, StoreError> {
        self.up()?.charges(query).await
    }

    async fn enter_gate(
        &self,
        provider: ProviderId,
        entrant: &Entrant,
        limits: &GateLimits,
        hold: Duration,
    ) -> Result<Passage, StoreError> {
        self.gate_calls.fetch_add(1, Ordering::SeqCst);
        let passage = self.up()?.enter_gate(provider, entrant, limits, hold).await?;
        lose_one_of(&self.entries_to_lose, passage)
    }

    async fn leave_gate(
        &self,
        provider: ProviderId,
        intent: &IntentId,
        limits: &GateLimits,
        report: GateReport,
    ) -> Result<Vec<Called>, StoreError> {
        if self.gates_hang.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.gate_calls.fetch_add(1, Ordering::SeqCst);
        let is_held = self.held_intent.lock().unwrap().is_some();
        self.has_given_up.fetch_or(is_held, Ordering::SeqCst);
        self.up()?.leave_gate(provider, intent, limits, report).await
    }

    async fn gate_status(&self, provider: ProviderId) -> Result<GateStatus, StoreError> {
        if self.gates_hang.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.up()?.gate_status(provider).await
    }

    async fn purge(&self, ended_before: Timestamp, max: usize) -> Result<usize, StoreError> {
        self.up()?.purge(ended_before, max).await
    }

    fn bells(&self) -> broadcast::Receiver<Bell> {
        self.inner.bells()
    }

    fn condition(&self) -> Condition {
        Condition {
            lost_at: self.lost_at.load(Ordering::SeqCst),
            ..self.inner.condition()
        }
    }
}
