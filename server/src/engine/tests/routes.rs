//! The two routes to a work history, and the lookup that one of them shares.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::future::join_all;
use tokio::time::Instant;

use super::{
    harness::{GIVEN_NAME, World, curp, lookup, reason, soon, submit_nameless, until},
    scripted::{NSS, accepted, ambiguous, history, not_sent, nss},
};
use crate::{
    domain::{
        job::{Stage, StateName, Step},
        outcome::Charge,
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{Disposition, LookedUp},
};

#[tokio::test]
async fn kiban_accepts_is_polled_and_answers_once_for_one_charge() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(accepted("ref-1"));
    world.kiban.answers([None, None, Some(history())]);
    let started = replica.start().await;
    assert_eq!(started.disposition, Disposition::Started);

    let job = replica.end(&started.snapshot.job.id).await;
    assert_eq!(job.view().state, StateName::Succeeded);
    assert_eq!((world.kiban.calls(), world.kiban.polls()), (1, 3));
    let numbers: Vec<u64> = job.events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..=job.sequence).collect::<Vec<_>>());
    let stages: Vec<Option<Stage>> = job.events.iter().map(|event| event.view.stage).collect();
    let expected = [
        Some(Stage::Queued),
        Some(Stage::AskingProvider),
        Some(Stage::WaitingForProvider),
        None,
    ];
    assert_eq!(stages, expected);
    let rows = replica.rows().await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].charge, rows[0].step), (Charge::Yes, Step::FetchHistory));
    let answer = replica.snapshot_of(&job.id, None).await.answer.unwrap();
    assert_eq!((answer.employment_count, answer.nss_provenance.is_none()), (3, true));
}

#[tokio::test]
async fn a_poll_that_says_nothing_new_is_no_stall() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(accepted("ref-1"));
    let nothing_new = || [accepted("ref-1"), not_sent(), ambiguous()].map(Some);
    world.kiban.answers(nothing_new().into_iter().chain(nothing_new()));
    world.kiban.answers([Some(history())]);
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    assert_eq!((world.kiban.calls(), world.kiban.polls()), (1, 7));
}

#[tokio::test]
async fn nothing_of_a_person_stands_in_the_store_unsealed() {
    let (world, replica) = World::with(|_| {}).await;
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    let mut submit = super::harness::submit();
    submit.provider = Some(ProviderId::TuIdentidad);
    let job = replica.submit(submit).await.unwrap().snapshot.job;
    assert_eq!(replica.ends(&job.id).await.0, StateName::Succeeded);
    let raw = world.data.raw();
    assert!(raw.contains(job.id.as_str()), "the dump holds the job");
    for personal in [curp(1).expose(), NSS, GIVEN_NAME, "INVENTADA", "FICTICIA"] {
        assert!(!raw.contains(personal), "{personal} stands in the clear");
    }
}

#[tokio::test]
async fn the_route_by_nss_takes_a_lookup_and_a_history() {
    let (world, replica) = World::with(|_| {}).await;
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    let started = replica.submit(submit_nameless()).await.unwrap();
    let job = replica.end(&started.snapshot.job.id).await;
    assert_eq!(job.view().state, StateName::Succeeded);
    let attempts: Vec<_> = job
        .attempts
        .iter()
        .map(|attempt| (attempt.provider, attempt.shared))
        .collect();
    assert_eq!(
        attempts,
        [(ProviderId::Nubarium, true), (ProviderId::TuIdentidad, false)]
    );
    let seen = world.tuidentidad.nss_seen.lock().unwrap()[0].clone();
    assert_eq!(seen.unwrap().expose(), NSS);
    let answer = replica.snapshot_of(&job.id, None).await.answer.unwrap();
    assert_eq!(answer.nss_provenance.unwrap().provider, ProviderId::Nubarium);
    assert_eq!(replica.rows().await.len(), 2);
}

#[tokio::test]
async fn an_nss_is_bought_once_whoever_asks() {
    let (world, replica) = World::with(|_| {}).await;
    let release = world.nubarium.hangs();
    world.tuidentidad.replies(history());
    let replica = Arc::new(replica);
    let job = replica.submit(submit_nameless()).await.unwrap().snapshot.job.id;
    until("Nubarium is asked", || async { world.nubarium.calls() == 1 }).await;
    let callers = (0..5).map(|_| replica.lookup_nss(lookup(), soon()));
    let answer = async {
        // The callers are joined to the running lookup, or find it ended: either way it is one call.
        assert!(release.send(nss()).is_ok());
    };
    let (found, ()) = tokio::join!(join_all(callers), answer);
    for found in found {
        let LookedUp { nss, disposition, .. } = found.unwrap();
        assert_eq!(nss.expose(), NSS);
        assert_ne!(disposition, Disposition::Started);
    }
    assert_eq!(replica.ends(&job).await.0, StateName::Succeeded);

    let read = || {
        let store = &replica.store;
        store.reads.load(Ordering::SeqCst) + store.answers_read.load(Ordering::SeqCst)
    };
    let before = read();
    let again = replica.lookup_nss(lookup(), soon()).await.unwrap();
    assert_eq!((again.disposition, again.nss.expose()), (Disposition::Reused, NSS));
    assert_eq!(read(), before, "the answer comes with the job");
    assert_eq!(world.nubarium.calls(), 1);
}

#[tokio::test]
async fn a_history_uses_the_nss_that_a_lookup_found_before() {
    let (world, replica) = World::with(|_| {}).await;
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    let found = replica.lookup_nss(lookup(), soon()).await.unwrap();
    assert_eq!(found.disposition, Disposition::Started);
    let job = replica.submit(submit_nameless()).await.unwrap().snapshot.job.id;
    assert_eq!(replica.ends(&job).await.0, StateName::Succeeded);
    assert_eq!((world.nubarium.calls(), world.tuidentidad.calls()), (1, 1));
}

#[tokio::test]
async fn a_lookup_goes_on_when_its_callers_time_is_up() {
    let (world, replica) = World::with(|_| {}).await;
    let release = world.nubarium.hangs();
    let early = replica
        .lookup_nss(lookup(), Instant::now() + Duration::from_millis(50))
        .await;
    assert_eq!(reason(early), Reason::LookupInProgress);
    assert!(release.send(nss()).is_ok());
    let found = replica.lookup_nss(lookup(), soon()).await.unwrap();
    assert_eq!(found.nss.expose(), NSS);
    assert_eq!(world.nubarium.calls(), 1);
}

#[tokio::test]
async fn one_worker_is_enough_for_a_job_and_the_lookup_it_waits_for() {
    let (world, replica) = World::with(|options| options.workers_max = 1).await;
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    let job = replica.submit(submit_nameless()).await.unwrap().snapshot.job.id;
    assert_eq!(replica.ends(&job).await.0, StateName::Succeeded);
}

#[tokio::test]
async fn a_lookup_on_a_replica_without_its_provider_ends() {
    let world = World::new().await;
    let idle = world.replica(|options| options.workers_max = 0).await;
    let started = idle.lookup_nss(lookup(), Instant::now()).await;
    assert_eq!(reason(started), Reason::LookupInProgress);
    let without = world
        .replica(|options| {
            options.providers.remove(&ProviderId::Nubarium);
        })
        .await;
    until("the lookup ends", || async {
        let seen = idle.lookup_nss(lookup(), Instant::now()).await;
        seen.is_err_and(|error| error.reason == Reason::NoRoute)
    })
    .await;
    assert!(without.ready().await);
}
