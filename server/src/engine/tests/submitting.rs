//! What a request gets: a new job, the living one, or an answer that was paid for.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::future::join_all;

use super::{
    harness::{World, reason, request_id, submit, submit_for, until},
    scripted::{accepted, ambiguous, history, no, rejected},
};
use crate::{
    domain::{
        ids::Tenant,
        job::StateName,
        outcome::{Charge, OutcomeClass},
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{Disposition, Submit},
};

fn changed(change: impl FnOnce(&mut Submit)) -> Submit {
    let mut submit = submit();
    change(&mut submit);
    submit
}

#[tokio::test]
async fn a_hundred_requests_on_two_replicas_are_one_job_and_one_call() {
    let world = World::new().await;
    let replicas = [world.replica(|_| {}).await, world.replica(|_| {}).await];
    let release = world.kiban.hangs();
    let submits = (0..100).map(|number: usize| replicas[number % 2].submit(submit()));
    let submitted: Vec<_> = join_all(submits).await.into_iter().map(Result::unwrap).collect();
    let started = submitted.iter().filter(|one| one.disposition == Disposition::Started);
    let attached = submitted.iter().filter(|one| one.disposition == Disposition::Attached);
    assert_eq!((started.count(), attached.count()), (1, 99));
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    assert!(release.send(history()).is_ok());
    let id = &submitted[0].snapshot.job.id;
    assert_eq!(replicas[1].ends(id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_new_job_runs_at_once_while_due_ones_are_still_looked_for() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(history());
    replica.store.hangs_at_claims();
    until("the dispatcher hangs", || async {
        replica.store.claims_hung.load(Ordering::SeqCst) > 0
    })
    .await;
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
}

#[tokio::test]
async fn a_paid_answer_is_given_again_while_its_age_is_accepted() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(history());
    let first = replica.start().await.snapshot.job.id;
    replica.end(&first).await;
    let before = replica.store.answers_read.load(Ordering::SeqCst);
    let again = replica.start().await;
    assert_eq!(
        (again.disposition, &again.snapshot.job.id),
        (Disposition::Reused, &first)
    );
    assert!(again.snapshot.answer.is_some());
    let read = replica.store.answers_read.load(Ordering::SeqCst);
    assert_eq!(read, before, "the answer comes with the job");

    world.kiban.replies(history());
    let fresh = changed(|submit| submit.max_age = Some(Duration::ZERO));
    let fresh = replica.submit(fresh).await.unwrap();
    assert_eq!(fresh.disposition, Disposition::Started);
    assert_eq!(replica.ends(&fresh.snapshot.job.id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 2);
}

#[tokio::test]
async fn a_definite_no_is_given_again() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(no(ProviderId::Kiban, Reason::WorkHistoryNotFound));
    let first = replica.start().await.snapshot.job.id;
    let end = replica.ends(&first).await;
    assert_eq!(end, (StateName::Failed, Some(Reason::WorkHistoryNotFound)));
    let again = replica.start().await;
    assert_eq!((again.disposition, again.snapshot.job.id), (Disposition::Reused, first));
    assert_eq!(
        world.tuidentidad.calls() + world.nubarium.calls(),
        0,
        "a paid no is the end"
    );
}

#[tokio::test]
async fn a_failure_that_cost_nothing_is_tried_anew() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(rejected(ProviderId::Kiban, Reason::InvalidCurp));
    let first = replica.start().await.snapshot.job.id;
    assert_eq!(
        replica.ends(&first).await,
        (StateName::Failed, Some(Reason::InvalidCurp))
    );
    world.kiban.replies(history());
    let second = replica.start().await;
    assert_eq!(second.disposition, Disposition::Started);
    assert_eq!(replica.ends(&second.snapshot.job.id).await.0, StateName::Succeeded);
}

#[tokio::test]
async fn an_unknown_charge_is_given_back_until_it_is_settled() {
    for charge in [Charge::Yes, Charge::No] {
        let (world, replica) = World::with(|_| {}).await;
        world.kiban.replies(ambiguous());
        let first = replica.start().await.snapshot.job.id;
        assert_eq!(replica.ends(&first).await.0, StateName::OutcomeUnknown);
        let again = replica.start().await;
        assert_eq!(
            (again.disposition, &again.snapshot.job.id),
            (Disposition::Reused, &first)
        );

        let tenant = Tenant::sole();
        let settled = replica.resolve(&tenant, first.as_str(), charge, "told by phone".to_owned());
        assert_eq!(settled.await.unwrap().job.settlement.unwrap().charge, charge);
        let twice = replica.resolve(&tenant, first.as_str(), charge, String::new()).await;
        assert_eq!(reason(twice), Reason::JobNotResolvable);
        assert_eq!(replica.rows().await[0].charge, charge);

        world.kiban.replies(history());
        let second = replica.start().await;
        assert_eq!(second.disposition, Disposition::Started);
        assert_eq!(replica.ends(&second.snapshot.job.id).await.0, StateName::Succeeded);
    }
}

#[tokio::test]
async fn a_callers_leave_starts_anew_after_an_unknown_charge() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(ambiguous());
    let first = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&first).await.0, StateName::OutcomeUnknown);
    world.kiban.replies(history());
    let leave = changed(|submit| submit.allow_repeat_charge = true);
    let second = replica.submit(leave).await.unwrap();
    assert_eq!(second.disposition, Disposition::Started);
    assert_eq!(replica.ends(&second.snapshot.job.id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 2);
}

#[tokio::test]
async fn the_asked_provider_is_asked_and_only_its_answer_is_reused() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(history());
    replica.end(&replica.start().await.snapshot.job.id).await;
    world.nubarium.replies(super::scripted::nss());
    world.tuidentidad.replies(history());
    let ask = || changed(|submit| submit.provider = Some(ProviderId::TuIdentidad));
    let other = replica.submit(ask()).await.unwrap();
    assert_eq!(other.disposition, Disposition::Started);
    assert_eq!(replica.ends(&other.snapshot.job.id).await.0, StateName::Succeeded);
    assert_eq!((world.kiban.calls(), world.tuidentidad.calls()), (1, 1));
    assert_eq!(replica.submit(ask()).await.unwrap().disposition, Disposition::Reused);

    let (_other_world, kiban_only) = World::with(|options| options.routes = vec![crate::engine::Route::Kiban]).await;
    assert_eq!(reason(kiban_only.submit(ask()).await), Reason::NoRoute);
}

#[tokio::test]
async fn a_limit_cuts_the_answer_and_a_wider_one_widens_the_job() {
    let (world, replica) = World::with(|_| {}).await;
    let release = world.kiban.hangs();
    let narrow = replica.submit(changed(|submit| submit.limit = 2)).await.unwrap();
    assert!(release.send(history()).is_ok());
    let id = narrow.snapshot.job.id;
    replica.end(&id).await;
    let shown = async |limit| {
        let answer = replica.snapshot_of(&id, limit).await.answer.unwrap();
        (answer.history.employments().len(), answer.employment_count)
    };
    assert_eq!(shown(None).await, (2, 3));
    assert_eq!(shown(Some(1)).await, (1, 3));
    let wide = replica.submit(changed(|submit| submit.limit = 0)).await.unwrap();
    assert_eq!(wide.disposition, Disposition::Reused);
    assert_eq!(wide.snapshot.answer.unwrap().history.employments().len(), 3);
    assert_eq!(shown(None).await, (3, 3));
    let narrow = replica.submit(changed(|submit| submit.limit = 1)).await.unwrap();
    assert_eq!(narrow.snapshot.answer.unwrap().history.employments().len(), 1);
    assert_eq!(shown(None).await, (3, 3), "a narrower request takes nothing away");
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_test_case_is_a_product_of_its_own() {
    let (world, replica) = World::with(|_| {}).await;
    let (plain, case) = (world.kiban.hangs(), world.kiban.hangs());
    let first = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    let submit = || changed(|submit| submit.test_case_id = Some("empty".to_owned()));
    let second = replica.submit(submit()).await.unwrap();
    assert_eq!(second.disposition, Disposition::Started);
    until("Kiban is asked again", || async { world.kiban.calls() == 2 }).await;
    assert!(plain.send(history()).is_ok() && case.send(history()).is_ok());
    assert_eq!(replica.ends(&first).await.0, StateName::Succeeded);
    assert_eq!(replica.ends(&second.snapshot.job.id).await.0, StateName::Succeeded);

    let strict = world.replica(|options| options.test_cases_allowed = false).await;
    assert_eq!(reason(strict.submit(submit()).await), Reason::InvalidRequest);
}

#[tokio::test]
async fn a_request_id_gives_the_same_job_for_the_same_body_only() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(history());
    let with = |body: &str| changed(|submit| submit.request_id = request_id("r1", body));
    let first = replica.submit(with("a")).await.unwrap();
    let again = replica.submit(with("a")).await.unwrap();
    assert_eq!(again.snapshot.job.id, first.snapshot.job.id);
    assert_eq!(again.disposition, Disposition::Started);
    assert_eq!(reason(replica.submit(with("b")).await), Reason::RequestIdReused);
    let id = first.snapshot.job.id;
    replica.end(&id).await;
    let after = replica.submit(with("a")).await.unwrap();
    assert_eq!(after.snapshot.job.id, id);
    assert!(after.snapshot.answer.is_some());

    // The id is caught also when it comes back for another person.
    let other = Submit {
        request_id: request_id("r1", "other person"),
        ..submit_for(2)
    };
    assert_eq!(reason(replica.submit(other).await), Reason::RequestIdReused);
}

#[tokio::test]
async fn a_request_id_that_joined_a_job_keeps_to_it() {
    let (world, replica) = World::with(|_| {}).await;
    let release = world.kiban.hangs();
    let first = replica.start().await.snapshot.job.id;
    let with = || changed(|submit| submit.request_id = request_id("r2", "a"));
    let joined = replica.submit(with()).await.unwrap();
    assert_eq!(
        (joined.disposition, &joined.snapshot.job.id),
        (Disposition::Attached, &first)
    );
    let again = replica.submit(with()).await.unwrap();
    assert_eq!(
        (again.disposition, &again.snapshot.job.id),
        (Disposition::Attached, &first)
    );
    assert!(release.send(no(ProviderId::Kiban, Reason::WorkHistoryNotFound)).is_ok());
    replica.end(&first).await;
    assert_eq!(replica.submit(with()).await.unwrap().snapshot.job.id, first);
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_lost_reply_to_a_creation_is_made_good_by_the_same_request_id() {
    let (world, replica) = World::with(super::harness::short_leases).await;
    world.kiban.replies(accepted("ref-1"));
    world.kiban.answers([Some(history())]);
    let with = || changed(|submit| submit.request_id = request_id("r3", "a"));
    replica.store.loses_replies(1);
    assert_eq!(reason(replica.submit(with()).await), Reason::StoreUnavailable);
    let again = replica.submit(with()).await.unwrap();
    assert_eq!(again.disposition, Disposition::Started);
    let job = replica.end(&again.snapshot.job.id).await;
    let classes: Vec<Option<OutcomeClass>> = job.attempts.iter().map(|attempt| attempt.class).collect();
    assert_eq!(classes, [Some(OutcomeClass::NotSent), Some(OutcomeClass::Answered)]);
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_request_while_the_store_is_down_creates_nothing() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(history());
    replica.store.goes_down();
    assert_eq!(reason(replica.submit(submit()).await), Reason::StoreUnavailable);
    replica.store.comes_back();
    let replica = Arc::new(replica);
    let started = replica.start().await;
    assert_eq!(started.disposition, Disposition::Started);
    assert_eq!(replica.ends(&started.snapshot.job.id).await.0, StateName::Succeeded);
}
