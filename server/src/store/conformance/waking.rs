//! Waking the jobs that wait for another one's end.

use std::time::Duration;

use super::{LONG, SHORT, World, fixtures, world::done};
use crate::{
    domain::{ids::JobId, job::Event},
    store::Creation,
};

const HOUR: Duration = Duration::from_secs(3600);

/// A lookup under way, with these dependents.
async fn lookup(world: &World, dependents: Vec<JobId>) -> JobId {
    let mut job = fixtures::nss_lookup(1, world.now().await);
    job.dependents = dependents;
    world
        .start_creation(Creation {
            product: "nss".to_owned(),
            ..fixtures::creation(job)
        })
        .await
        .stored
        .job
        .id
}

async fn ends(world: &World, id: &JobId) {
    done(
        world
            .happens(
                id,
                Event::Exhausted {
                    failure: fixtures::failure(),
                },
            )
            .await,
    );
}

pub(crate) async fn the_end_of_a_job_wakes_its_dependents(world: &World) {
    let waits = world.start(1).await.stored.job.id;
    let lookup = lookup(world, vec![waits.clone()]).await;
    let sweep_at = world.now().await + HOUR;
    done(
        world
            .happens(
                &waits,
                Event::NssRequested {
                    lookup: lookup.clone(),
                    sweep_at,
                },
            )
            .await,
    );
    assert!(world.claimed_ids(LONG).await.is_empty());
    let before = world.read(&waits).await;
    ends(world, &lookup).await;
    assert_eq!(world.read(&waits).await, before, "to be woken is no change");
    assert_eq!(world.claimed_ids(LONG).await, [waits]);
}

pub(crate) async fn a_dependent_that_is_leased_is_woken_when_it_gives_up_its_lease(world: &World) {
    let claim = world.start(1).await;
    let waits = &claim.stored.job.id;
    let lookup = lookup(world, vec![waits.clone()]).await;
    ends(world, &lookup).await;
    assert!(world.claimed_ids(LONG).await.is_empty(), "never two holders");

    // The holder had not seen the end when it decided to wait.
    let sweep_at = world.now().await + HOUR;
    let waiting = world
        .commit_of(waits, Some(claim.lease.fence), Event::NssRequested { lookup, sweep_at })
        .await;
    done(world.try_commit(&waiting).await);
    let again = world.claim(LONG).await.claims.remove(0);
    assert_eq!(again.stored.job.id, *waits);

    let deferred = Event::Deferred {
        until: world.now().await + HOUR,
    };
    let deferred = world.commit_of(waits, Some(again.lease.fence), deferred).await;
    done(world.try_commit(&deferred).await);
    assert!(world.claimed_ids(LONG).await.is_empty(), "woken once");
}

pub(crate) async fn a_new_claim_has_heard_the_wake(world: &World) {
    world
        .create(&fixtures::creation(fixtures::work_history(1, world.now().await)))
        .await;
    let waits = world.claim(SHORT).await.claims.remove(0).stored.job.id;
    let lookup = lookup(world, vec![waits.clone()]).await;
    ends(world, &lookup).await;
    world.advance(SHORT).await;
    let claim = world.claim(LONG).await.claims.remove(0);
    let deferred = Event::Deferred {
        until: world.now().await + HOUR,
    };
    let deferred = world.commit_of(&waits, Some(claim.lease.fence), deferred).await;
    done(world.try_commit(&deferred).await);
    assert!(world.claimed_ids(LONG).await.is_empty());
}

pub(crate) async fn a_dependent_that_has_ended_stays_ended(world: &World) {
    let waits = world.start(1).await.stored.job.id;
    let lookup = lookup(world, vec![waits.clone()]).await;
    done(world.happens(&waits, Event::CancelAsked).await);
    ends(world, &lookup).await;
    let claims = world.claim(LONG).await;
    assert!(claims.claims.is_empty());
    assert_eq!(claims.next_due_in, None);
}

pub(crate) async fn a_dependent_that_is_gone_is_no_matter(world: &World) {
    let gone = fixtures::work_history(1, world.now().await).id;
    let lookup = lookup(world, vec![gone.clone()]).await;
    ends(world, &lookup).await;
    assert!(world.claimed_ids(LONG).await.is_empty());
    assert!(world.store.read(&gone).await.unwrap().is_none());
}
