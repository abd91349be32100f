//! The data set itself: its identity, versions, request ids, purging, and what its names give away.

use std::time::Duration;

use futures::future::join_all;

use super::{LONG, SHORT, World, fixtures, world::done};
use crate::{
    domain::{
        ids::{JobId, Tenant},
        job::Event,
        outcome::Charge,
        provider_id::ProviderId,
    },
    store::{Creation, How, JobFilter, ListQuery, Reservation, Reserved},
};

const HOUR: Duration = Duration::from_secs(3600);

fn reservation(body: &str) -> Reservation {
    Reservation {
        key: "0f3a".to_owned(),
        fingerprint: body.to_owned(),
        job: fixtures::work_history(1, fixtures::EPOCH).id,
        keep: LONG,
    }
}

pub(crate) async fn the_data_set_keeps_its_epoch(world: &World) {
    let first = world.store.probe().await.unwrap();
    world.start(1).await;
    let second = world.store.probe().await.unwrap();
    assert_eq!(first.epoch, second.epoch);
    assert!(second.now >= first.now);
}

/// Person 1 and 17 live in one shard, the others in others.
pub(crate) async fn versions_are_those_that_reads_give(world: &World) {
    assert_eq!(world.store.versions(&[]).await.unwrap(), []);
    let now = world.now().await;
    let unknown = fixtures::work_history(3, now).id;
    let ended = world.answered(1, ProviderId::Kiban, now - HOUR).await;
    let mut ids = vec![unknown, ended];
    for person in [17, 2, 18] {
        ids.push(world.start(person).await.stored.job.id);
    }
    let before = versions_as_read(world, &ids).await;
    assert_eq!(
        before.iter().map(Option::is_some).collect::<Vec<_>>(),
        [false, true, true, true, true]
    );

    done(world.happens(&ids[3], Event::TakenUp).await);
    let after = versions_as_read(world, &ids).await;
    let changed: Vec<usize> = (0..ids.len()).filter(|place| before[*place] != after[*place]).collect();
    assert_eq!(changed, [3]);

    assert_eq!(world.store.purge(now, 100).await.unwrap(), 1);
    let after = versions_as_read(world, &ids).await;
    assert_eq!(after[1], None);
    ids.reverse();
    let reversed: Vec<_> = after.into_iter().rev().collect();
    assert_eq!(versions_as_read(world, &ids).await, reversed);
}

async fn versions_as_read(world: &World, ids: &[JobId]) -> Vec<Option<u64>> {
    let versions = world.store.versions(ids).await.unwrap();
    let mut read = Vec::new();
    for id in ids {
        let stored = world.store.read(id).await.unwrap();
        read.push(stored.map(|stored| stored.version));
    }
    assert_eq!(versions, read);
    versions
}

pub(crate) async fn a_request_id_is_bound_once(world: &World) {
    let first = reservation("body");
    assert_eq!(world.store.reserve_request(first.clone()).await.unwrap(), Reserved::New);
    let known = Reserved::Known {
        job: first.job.clone(),
        settled: false,
    };
    assert_eq!(
        world.store.reserve_request(first).await.unwrap(),
        known,
        "repeated after an unknown outcome"
    );
    assert_eq!(
        world.store.reserve_request(reservation("body")).await.unwrap(),
        known,
        "proposing another job"
    );
    assert_eq!(
        world.store.reserve_request(reservation("other")).await.unwrap(),
        Reserved::OtherRequest
    );
    let elsewhere = Reservation {
        key: "0f3b".to_owned(),
        ..reservation("other")
    };
    assert_eq!(world.store.reserve_request(elsewhere).await.unwrap(), Reserved::New);
}

pub(crate) async fn a_request_id_tells_which_job_answered_it(world: &World) {
    let reserved = reservation("body");
    world.store.reserve_request(reserved.clone()).await.unwrap();
    let job = fixtures::work_history(2, fixtures::EPOCH).id;
    let late = fixtures::work_history(3, fixtures::EPOCH).id;
    for said in [&job, &job, &late] {
        let answered = world.store.settle_request(&reserved.key, said).await.unwrap();
        assert_eq!(answered, job, "the first that was said stands");
        let known = Reserved::Known {
            job: job.clone(),
            settled: true,
        };
        assert_eq!(world.store.reserve_request(reservation("body")).await.unwrap(), known);
    }
    assert_eq!(
        world.store.reserve_request(reservation("other")).await.unwrap(),
        Reserved::OtherRequest
    );
    let unbound = world.store.settle_request("never reserved", &job).await.unwrap();
    assert_eq!(unbound, job);
}

pub(crate) async fn a_request_id_is_forgotten_after_its_time(world: &World) {
    let short = Reservation {
        keep: SHORT,
        ..reservation("body")
    };
    world.store.reserve_request(short).await.unwrap();
    world.advance(SHORT).await;
    assert_eq!(
        world.store.reserve_request(reservation("other")).await.unwrap(),
        Reserved::New
    );
}

pub(crate) async fn of_many_reservations_at_once_one_is_new(world: &World) {
    let reserved = join_all((0..50).map(|_| world.store.reserve_request(reservation("body")))).await;
    let new = reserved.iter().filter(|it| matches!(it, Ok(Reserved::New))).count();
    assert_eq!(new, 1);
    let jobs: std::collections::HashSet<String> = reserved
        .into_iter()
        .filter_map(|it| match it.unwrap() {
            Reserved::Known { job, .. } => Some(job.to_string()),
            Reserved::New | Reserved::OtherRequest => None,
        })
        .collect();
    assert_eq!(jobs.len(), 1, "all others learn of the same job");
}

pub(crate) async fn purge_removes_jobs_that_ended_long_ago(world: &World) {
    let now = world.now().await;
    let old = world.answered(1, ProviderId::Kiban, now - HOUR).await;
    let young = world.answered(2, ProviderId::Kiban, now).await;
    assert_eq!(world.store.purge(now, 100).await.unwrap(), 1);
    assert!(world.store.read(&old).await.unwrap().is_none());
    assert!(world.store.read_sealed(&old).await.unwrap().is_none());
    assert_eq!(world.rows(&old).await.len(), 1, "the ledger stays");
    assert_eq!(world.rows(&old).await[0].charge, Charge::Yes);
    let all = ListQuery {
        tenant: Tenant::sole(),
        filter: JobFilter::default(),
        before: None,
        page_size: 10,
    };
    let listed = world.store.list(all).await.unwrap().jobs;
    assert_eq!(listed.iter().map(|job| &job.id).collect::<Vec<_>>(), [&young]);
    assert!(world.store.read_sealed(&young).await.unwrap().is_some());
    assert_eq!(world.store.purge(now, 100).await.unwrap(), 0);
}

pub(crate) async fn purge_never_removes_a_living_job(world: &World) {
    let claim = world.start(1).await;
    let long_after = world.now().await + HOUR * 1000;
    assert_eq!(world.store.purge(long_after, 100).await.unwrap(), 0);
    let id = &claim.stored.job.id;
    done(world.happens(id, Event::CancelAsked).await);
    assert_eq!(world.store.purge(long_after, 100).await.unwrap(), 1);
    assert!(world.store.read(id).await.unwrap().is_none());
}

pub(crate) async fn purge_is_bounded(world: &World) {
    let now = world.now().await;
    for number in 0..20 {
        world.answered(number, ProviderId::Kiban, now - HOUR).await;
    }
    let mut removed = 0;
    for _ in 0..100 {
        let count = world.store.purge(now, 3).await.unwrap();
        assert!(count <= 3);
        removed += count;
        if count == 0 {
            break;
        }
    }
    assert_eq!(removed, 20);
}

pub(crate) async fn purge_forgets_what_could_be_reused(world: &World) {
    let now = world.now().await;
    world.answered(1, ProviderId::Kiban, now - HOUR).await;
    assert_eq!(world.store.purge(now, 100).await.unwrap(), 1);
    let since = now - HOUR * 2;
    let creation = Creation {
        answered_since: since,
        ..fixtures::creation(fixtures::work_history(1, now))
    };
    let created = world.create(&creation).await;
    assert!(matches!(created.how, How::Started(_)), "{:?}", created.how);
}

/// Its unit stays taken until somebody settles it, which nobody could do if it were gone. What is personal goes all the same.
pub(crate) async fn purge_leaves_a_job_that_must_be_settled_but_not_its_person(world: &World) {
    let now = world.now().await;
    let creation = fixtures::creation(fixtures::work_history(1, now));
    let unsettled = world.unknown(creation).await;
    let settled = world.answered(2, ProviderId::Kiban, now).await;
    let long_after = now + HOUR * 1000;
    assert_eq!(world.store.purge(long_after, 1).await.unwrap(), 1, "it hides no other");
    assert!(world.store.read(&settled).await.unwrap().is_none());
    assert_eq!(world.store.purge(long_after, 1).await.unwrap(), 0);
    assert!(world.store.read(&unsettled).await.unwrap().is_some());
    assert!(world.store.read_sealed(&unsettled).await.unwrap().is_none());
    let again = world.create(&fixtures::creation(fixtures::work_history(1, now))).await;
    assert_eq!(again.stored.job.id, unsettled, "it is still given back");

    world.settles(&unsettled, Charge::No).await;
    assert_eq!(world.store.purge(long_after, 1).await.unwrap(), 1);
    assert!(world.store.read(&unsettled).await.unwrap().is_none());
}

/// The store gets keyed hashes and sealed bytes; none of its names may hold anything shaped like a CURP or an NSS.
pub(crate) async fn no_name_tells_a_person_apart_by_curp(world: &World) {
    let now = world.now().await;
    let id = world.start(1).await.stored.job.id;
    world.intends(&id, &fixtures::history_intent(), now).await;
    world.answered(2, ProviderId::Kiban, now).await;
    world.unknown(fixtures::creation(fixtures::work_history(3, now))).await;
    world.store.reserve_request(reservation("body")).await.unwrap();
    let names = world.harness.names().await;
    assert!(!names.is_empty());
    for name in names {
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let suspect = words.clone().find(|word| looks_like_curp(word) || looks_like_nss(word));
        assert_eq!(suspect, None, "in {name}");
    }
}

fn looks_like_curp(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() == 18 && bytes[..4].iter().all(u8::is_ascii_alphabetic) && bytes[4..10].iter().all(u8::is_ascii_digit)
}

fn looks_like_nss(word: &str) -> bool {
    word.len() == 11 && word.bytes().all(|byte| byte.is_ascii_digit())
}
