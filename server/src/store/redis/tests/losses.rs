//! A master that lacks what was acknowledged: it is found out, put back and told, before anything is paid for twice.
//!
//! What a replica has is always a beginning of what its master had. So the new master is a server that starts on the files of an
//! earlier moment; only in the cluster it is a real replica, held up and then told to take over.
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use redis::Value;

use super::{
    fleet::{Fleet, Pace, until_replicated},
    server::{FIT, Server, options, until},
};
use crate::{
    domain::{
        ids::JobId,
        job::{Event, Intent, Job, Source, StateName},
        outcome::{Charge, Outcome, Verdict},
    },
    store::{
        Bell, ChargeQuery, ChargeRow, Commit, Committed, Creation, How, Store,
        conformance::fixtures,
        redis::{Durability, RedisOptions, RedisStore, keys::Keys, open},
    },
};

const LEASE: Duration = Duration::from_secs(60);
pub(super) const PAUSE: Duration = Duration::from_secs(3);

/// A server whose data can be set back: the next master has it as a replica that lagged would have it.
pub(super) struct Master {
    pub(super) server: Server,
    asked: RedisOptions,
}

impl Master {
    pub(super) async fn begin(failover_pause: Duration) -> Master {
        let server = Server::start(&FIT).await;
        let asked = RedisOptions {
            failover_pause,
            ..options(&server.url())
        };
        Master { server, asked }
    }

    pub(super) async fn store(&self) -> Arc<RedisStore> {
        Arc::new(open(self.asked.clone()).await.unwrap())
    }
}

pub(super) async fn create(store: &RedisStore, person: u8) -> (JobId, Option<u64>) {
    let job = fixtures::work_history(person, store.probe().await.unwrap().now);
    create_job(store, job).await
}

async fn create_job(store: &RedisStore, job: Job) -> (JobId, Option<u64>) {
    let created = store
        .create(Creation {
            claim: Some(LEASE),
            ..fixtures::creation(job)
        })
        .await
        .unwrap();
    let How::Started(lease) = created.how else {
        panic!("{created:?}")
    };
    (created.stored.job.id, lease.map(|lease| lease.fence))
}

async fn commit_of(store: &RedisStore, id: &JobId, event: Event, fence: Option<u64>) -> Commit {
    let stored = store.read(id).await.unwrap().unwrap();
    let now = stored.job.updated_at;
    Commit {
        op: fixtures::next_uuid(),
        expected_version: stored.version,
        fence,
        transition: stored.job.apply(event, now).unwrap(),
        hold: LEASE,
        answer: Some(b"sealed answer".to_vec()),
        person_day: None,
    }
}

pub(super) async fn happens(store: &RedisStore, id: &JobId, event: Event, fence: Option<u64>) -> Committed {
    store.commit(commit_of(store, id, event, fence).await).await.unwrap()
}

pub(super) async fn intends(store: &RedisStore, id: &JobId, fence: Option<u64>) -> (Intent, Committed) {
    let intent = fixtures::history_intent();
    let committed = happens(store, id, Event::IntentRecorded { intent: intent.clone() }, fence).await;
    (intent, committed)
}

pub(super) fn answered(intent: &Intent) -> Event {
    Event::OutcomeKnown {
        from: Source::Call,
        intent: intent.id.clone(),
        outcome: Outcome::Answered {
            verdict: Verdict::Found,
            reference: None,
        },
        next_at: fixtures::EPOCH,
    }
}

pub(super) async fn rows(store: &RedisStore, job: &JobId) -> Vec<ChargeRow> {
    let query = ChargeQuery {
        tenant: crate::domain::ids::Tenant::sole(),
        job: Some(job.clone()),
        provider: None,
        charges: Vec::new(),
        opened_from: None,
        opened_until: None,
        before: None,
        page_size: 10,
    };
    store.charges(query).await.unwrap().rows
}

pub(super) async fn state(store: &RedisStore, id: &JobId) -> Option<StateName> {
    let stored = store.read(id).await.unwrap();
    stored.map(|stored| stored.job.view().state)
}

pub(super) async fn follows(store: &RedisStore) {
    until("the store follows to the new master", async || {
        store.probe().await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_computed_from_a_version_that_was_taken_back_does_not_fit_its_successor() {
    let mut master = Master::begin(Duration::ZERO).await;
    let (store, dying) = (master.store().await, master.store().await);
    let (job, _) = create(&store, 1).await;
    let replica = master.server.copy();
    let joined = |limit| Event::Joined { limit, dependent: None };
    happens(&dying, &job, joined(7), None).await;
    let computed = commit_of(&store, &job, joined(9), None).await;
    let taken_back = store.versions(std::slice::from_ref(&job)).await.unwrap();
    drop(dying);

    master.server.starts_on(replica).await;
    follows(&store).await;
    let other = master.store().await;
    happens(&other, &job, joined(8), None).await;

    let committed = store.commit(computed).await.unwrap();
    assert!(matches!(committed, Committed::Conflict), "{committed:?}");
    let successor = store.versions(std::slice::from_ref(&job)).await.unwrap();
    assert_ne!(successor, taken_back, "whoever knows the one must read the other");
    // Read again, it goes through.
    let committed = happens(&store, &job, joined(9), None).await;
    assert!(matches!(committed, Committed::Done { .. }), "{committed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_intent_is_put_back_before_another_can_be_had_and_its_late_fact_finds_it() {
    let mut master = Master::begin(PAUSE).await;
    let store = master.store().await;
    let mut bells = store.bells();
    let (ended, fence) = create(&store, 2).await;
    let (intent, _) = intends(&store, &ended, fence).await;
    happens(&store, &ended, answered(&intent), None).await;
    let (calling, fence) = create(&store, 1).await;
    let replica = master.server.copy();
    let (intent, committed) = intends(&store, &calling, fence).await;
    assert!(matches!(committed, Committed::Done { .. }));
    let (born, _) = create(&store, 3).await;

    master.server.starts_on(replica).await;
    follows(&store).await;
    // The same person asks once more, and nobody but this replica knows of the lost intent.
    let again = fixtures::work_history(1, store.probe().await.unwrap().now);
    let again = Creation {
        repeat_allowed: true,
        ..fixtures::creation(again)
    };
    let joined = store.create(again).await.unwrap();
    assert!(matches!(joined.how, How::Attached), "{joined:?}");
    assert_eq!(joined.stored.job.id, calling);
    assert_eq!(rows(&store, &calling).await[0].charge, Charge::Open);
    assert_eq!(state(&store, &calling).await, Some(StateName::Running));
    // The call that was under way ends as it would have.
    happens(&store, &calling, answered(&intent), None).await;
    assert_eq!(rows(&store, &calling).await[0].charge, Charge::Yes);
    assert_eq!(state(&store, &calling).await, Some(StateName::Succeeded));

    until("the lost creation is back", async || {
        matches!(store.read(&born).await, Ok(Some(_)))
    })
    .await;
    assert_eq!(
        store.read_sealed(&born).await.unwrap().unwrap().subject,
        b"sealed subject"
    );
    assert_eq!(
        state(&store, &ended).await,
        Some(StateName::Succeeded),
        "what was there stays"
    );
    until("both are counted", async || store.condition().put_back == 2).await;
    let condition = store.condition();
    assert_eq!(condition.lost_for_good, 0, "{condition:?}");
    assert!(condition.losses > 0 && condition.lost_at > 0, "it is told");
    let lost = async { while bells.recv().await.unwrap() != Bell::Lost {} };
    tokio::time::timeout(LEASE, lost).await.expect("watchers are told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_intent_is_granted_in_the_pause_and_what_two_replicas_remember_is_put_together() {
    let mut master = Master::begin(PAUSE).await;
    let (one, other) = (master.store().await, master.store().await);
    let (job, fence) = create(&one, 1).await;
    let (waiting, waiting_fence) = create(&one, 2).await;
    let replica = master.server.copy();
    // Each knows one half: the intent, and what came of it.
    let (intent, _) = intends(&one, &job, fence).await;
    happens(&other, &job, answered(&intent), None).await;

    master.server.starts_on(replica).await;
    follows(&other).await;
    let (_, committed) = intends(&other, &waiting, waiting_fence).await;
    let Committed::Postponed { wait } = committed else {
        panic!("{committed:?}")
    };
    assert!(wait <= PAUSE && !wait.is_zero());
    let claims = other.claim_due(LEASE, 10).await.unwrap();
    assert!(claims.claims.is_empty(), "nor is a job claimed");
    until("both halves are put together", async || {
        state(&one, &job).await == Some(StateName::Succeeded)
    })
    .await;
    assert_eq!(rows(&one, &job).await[0].charge, Charge::Yes);
    assert_eq!(
        one.read_sealed(&job).await.unwrap().unwrap().answer.unwrap(),
        b"sealed answer"
    );
    until("intents can be had again", async || {
        matches!(intends(&other, &waiting, waiting_fence).await.1, Committed::Done { .. })
    })
    .await;
    until("both know of it", async || {
        let (one, other) = (one.condition(), other.condition());
        one.lost_at > 0 && one.lost_at == other.lost_at
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_a_dead_replica_remembered_leaves_at_least_its_charge() {
    let mut master = Master::begin(Duration::from_millis(100)).await;
    let (dying, other) = (master.store().await, master.store().await);
    // The replica that falls behind has neither the birth of the job, which the dead one knew, nor its intent.
    let replica = master.server.copy();
    let (job, fence) = create(&dying, 1).await;
    let (intent, _) = intends(&other, &job, fence).await;
    drop(dying);
    master.server.starts_on(replica).await;
    follows(&other).await;
    until("the charge is back", async || !rows(&other, &job).await.is_empty()).await;
    let row = rows(&other, &job).await.remove(0);
    assert_eq!((row.id, row.charge), (intent.id, Charge::Unknown));
    assert_eq!(other.condition().lost_for_good, 1);
    // Whoever asks for the same person gets no second call.
    let (again, fence) = create(&other, 1).await;
    let (_, committed) = intends(&other, &again, fence).await;
    assert_eq!(
        committed,
        Committed::UnitTaken {
            charge: Charge::Unknown
        }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_ended_job_whose_birth_only_a_dead_replica_remembered_the_paid_charge_is_put_back() {
    let mut master = Master::begin(Duration::from_millis(100)).await;
    let (dying, other) = (master.store().await, master.store().await);
    let replica = master.server.copy();
    let (job, fence) = create(&dying, 1).await;
    let (intent, _) = intends(&other, &job, fence).await;
    happens(&other, &job, answered(&intent), None).await;
    drop(dying);
    master.server.starts_on(replica).await;
    follows(&other).await;
    until("intent and end have been told again", async || {
        other.condition().lost_for_good == 2
    })
    .await;
    let row = rows(&other, &job).await.remove(0);
    assert_eq!((row.id, row.charge), (intent.id, Charge::Yes));
    assert_eq!(other.read(&job).await.unwrap(), None);
}

/// A replica that came late: the last step that it remembers of a job was taken back, and the job has gone on without it.
struct Latecomer {
    runtime: tokio::runtime::Runtime,
    store: Arc<RedisStore>,
    job: JobId,
    fence: Option<u64>,
    _master: Master,
}

/// With a job that has leave to pay again. Before the step that is taken back a call was begun, or not.
fn latecomer(calls: bool, step: impl FnOnce(&Intent, Option<u64>) -> (Event, Option<u64>)) -> Latecomer {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    // Nothing happens in a replica whose runtime nobody drives.
    let (world, latecomers) = (runtime(), runtime());
    let mut master = world.block_on(Master::begin(Duration::ZERO));
    let (latecomer, job, fence, replica) = latecomers.block_on(async {
        let latecomer = master.store().await;
        let mut job = fixtures::work_history(1, latecomer.probe().await.unwrap().now);
        job.ask.allow_repeat_charge = true;
        let (job, fence) = create_job(&latecomer, job).await;
        let intent = if calls {
            intends(&latecomer, &job, fence).await.0
        } else {
            fixtures::history_intent()
        };
        let replica = master.server.copy();
        let (event, under) = step(&intent, fence);
        happens(&latecomer, &job, event, under).await;
        (latecomer, job, fence, replica)
    });
    let joined = |limit| Event::Joined { limit, dependent: None };
    world.block_on(async {
        master.server.starts_on(replica).await;
        let other = master.store().await;
        happens(&other, &job, joined(8), None).await;
    });
    latecomers.block_on(async {
        follows(&latecomer).await;
        until("it has looked, and goes on", async || {
            let commit = commit_of(&latecomer, &job, joined(9), None).await;
            matches!(latecomer.commit(commit).await, Ok(Committed::Done { .. }))
        })
        .await;
    });
    Latecomer {
        runtime: latecomers,
        store: latecomer,
        job,
        fence,
        _master: master,
    }
}

impl Latecomer {
    fn losses(&self) -> (u64, u64) {
        let condition = self.store.condition();
        (condition.losses, condition.lost_for_good)
    }
}

#[test]
fn a_step_that_promised_nothing_to_anybody_and_was_overtaken_is_no_loss() {
    let until = fixtures::EPOCH;
    let deferred = latecomer(false, |_, fence| (Event::Deferred { until }, fence));
    assert_eq!(deferred.losses(), (0, 0));
    let accepted = |intent: &Intent, _| {
        let event = Event::OutcomeKnown {
            from: Source::Call,
            intent: intent.id.clone(),
            outcome: Outcome::Accepted {
                reference: "reference".to_owned(),
            },
            next_at: fixtures::EPOCH,
        };
        (event, None)
    };
    assert_eq!(latecomer(true, accepted).losses(), (0, 0));
}

#[test]
fn a_wish_an_end_and_an_intent_that_were_acknowledged_and_overtaken_are_losses() {
    let wish = Event::Joined {
        limit: 7,
        dependent: None,
    };
    assert_eq!(latecomer(false, |_, _| (wish, None)).losses(), (1, 1));
    let end = latecomer(true, |intent, _| (answered(intent), None));
    assert_eq!(end.losses(), (1, 1));
    assert_eq!(latecomer(false, call).losses(), (1, 1));
}

fn call(intent: &Intent, fence: Option<u64>) -> (Event, Option<u64>) {
    (Event::IntentRecorded { intent: intent.clone() }, fence)
}

#[test]
fn a_job_whose_call_was_taken_back_does_not_spend_its_leave_to_pay_again_on_another() {
    let late = latecomer(false, call);
    let (_, committed) = late.runtime.block_on(intends(&late.store, &late.job, late.fence));
    let charge = Charge::Unknown;
    assert_eq!(committed, Committed::UnitTaken { charge });
}

/// A job of its own, in the shard of this person.
async fn create_beside(store: &RedisStore, person: u8) -> JobId {
    let job = fixtures::work_history(person, store.probe().await.unwrap().now);
    let creation = Creation {
        product: job.id.to_string(),
        ..fixtures::creation(job)
    };
    store.create(creation).await.unwrap().stored.job.id
}

/// Until everybody has had their last words about the reign that began before.
pub(super) async fn everything_is_told(store: &RedisStore) {
    let told_at = store.probe().await.unwrap().now + Duration::from_secs(12);
    until("everything is told", async || {
        store.probe().await.is_ok_and(|it| it.now > told_at)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_only_a_dead_replica_remembered_at_least_the_number_is_told_and_once() {
    let mut master = Master::begin(Duration::from_millis(100)).await;
    let (dying, one, other) = (master.store().await, master.store().await, master.store().await);
    create_beside(&one, 1).await;
    let replica = master.server.copy();
    let mut gone = Vec::new();
    for _ in 0..3 {
        gone.push(create_beside(&dying, 1).await);
    }
    let kept = create_beside(&one, 1).await;
    drop(dying);
    master.server.starts_on(replica).await;
    follows(&one).await;
    until("the number is told", async || {
        one.condition().unaccounted + other.condition().unaccounted == 3
    })
    .await;
    assert_eq!(one.condition().put_back, 1);
    assert!(one.read(&kept).await.unwrap().is_some());
    assert_eq!(one.read(&gone[0]).await.unwrap(), None);
    until("both know of it", async || {
        one.condition().lost_at == other.condition().lost_at
    })
    .await;
    // What came after has numbers of its own, and is not missed.
    create_beside(&other, 1).await;
    master.server.kill();
    master.server.start_again().await;
    follows(&one).await;
    everything_is_told(&one).await;
    assert_eq!(one.condition().unaccounted + other.condition().unaccounted, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_replicas_put_back_between_them_is_not_told_to_be_missing() {
    let mut master = Master::begin(Duration::from_millis(100)).await;
    let (one, other) = (master.store().await, master.store().await);
    let replica = master.server.copy();
    let (job, fence) = create(&one, 1).await;
    let (intent, _) = intends(&other, &job, fence).await;
    create_beside(&one, 1).await;
    happens(&one, &job, answered(&intent), None).await;
    master.server.starts_on(replica).await;
    follows(&one).await;
    everything_is_told(&one).await;
    assert_eq!(state(&one, &job).await, Some(StateName::Succeeded));
    assert_eq!(rows(&one, &job).await[0].charge, Charge::Yes);
    let (one, other) = (one.condition(), other.condition());
    assert_eq!((one.unaccounted, other.unaccounted), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_of_a_cluster_that_was_forced_upon_it_is_given_back_what_it_lacks() {
    let fleet = Fleet::cluster(Pace::Patient).await;
    let asked = RedisOptions {
        durability: Durability::AcceptRisk,
        failover_pause: PAUSE,
        ..options(&fleet.url())
    };
    let store = open(asked).await.unwrap();
    let masters = &fleet.servers[..3];
    let replicas = &fleet.servers[3..];
    for master in masters {
        until_replicated(master, 1).await;
    }
    for (master, replica) in masters.iter().zip(replicas) {
        replica.signal("STOP");
        master.run(&["CLIENT", "KILL", "TYPE", "replica"]).await;
    }
    let mut jobs = Vec::new();
    for person in 1..=16 {
        let (job, fence) = create(&store, person).await;
        intends(&store, &job, fence).await;
        jobs.push(job);
    }
    for master in masters {
        master.signal("STOP");
    }
    for replica in replicas {
        replica.signal("CONT");
    }
    for replica in replicas {
        let told = replica.run(&["CLUSTER", "FAILOVER", "TAKEOVER"]).await;
        assert_eq!(told, Value::Okay);
    }
    for master in masters {
        master.kill();
    }
    until("every job is put back", async || {
        for job in &jobs {
            if !matches!(store.read(job).await, Ok(Some(_))) {
                return false;
            }
        }
        true
    })
    .await;
    for job in &jobs {
        until("its charge is back too", async || {
            rows(&store, job).await.first().map(|row| row.charge) == Some(Charge::Open)
        })
        .await;
    }
    assert_eq!(store.condition().put_back, 32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_without_loss_is_no_loss() {
    let mut master = Master::begin(Duration::from_millis(300)).await;
    let store = master.store().await;
    let (job, fence) = create(&store, 1).await;
    master.server.kill();
    master.server.start_again().await;
    follows(&store).await;
    until("intents can be had again", async || {
        matches!(intends(&store, &job, fence).await.1, Committed::Done { .. })
    })
    .await;
    let condition = store.condition();
    assert_eq!((condition.losses, condition.lost_at), (0, 0));
}

#[tokio::test]
async fn a_redis_that_does_not_tell_its_reign_is_served_all_the_same() {
    let server = Server::start(&FIT).await;
    let asked = RedisOptions {
        durability: Durability::Managed,
        ..options(&server.url())
    };
    server.run(&["ACL", "SETUSER", "default", "-config"]).await;
    let store = open(asked.clone()).await.unwrap();
    server.run(&["ACL", "SETUSER", "default", "-info"]).await;
    let (job, fence) = create(&store, 1).await;
    assert!(matches!(intends(&store, &job, fence).await.1, Committed::Done { .. }));
    let key = Keys::new(&asked.prefix).shard(job.shard()).reign();
    server.run(&["ACL", "SETUSER", "default", "+info"]).await;
    let id: String = redis::from_redis_value(server.run(&["HGET", &key, "id"]).await).unwrap();
    assert_eq!(id, "untold");
}
