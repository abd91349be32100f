//! Leasing due jobs and giving leases back.

use std::{collections::HashSet, time::Duration};

use futures::future::join_all;

use super::{
    LONG, SHORT, World, fixtures,
    world::{commit, done, moved},
};
use crate::{
    domain::{
        ids::JobId,
        job::{Due, Event, Job},
    },
    store::StoreError,
};

async fn create(world: &World, job: Job) -> JobId {
    world.create(&fixtures::creation(job)).await.stored.job.id
}

pub(crate) async fn the_longest_due_is_claimed_first(world: &World) {
    let mut ids = Vec::new();
    // Three people of one shard.
    for number in [1, 17, 33] {
        ids.push(create(world, fixtures::work_history(number, world.now().await)).await);
        world.advance(Duration::from_millis(2)).await;
    }
    let claims = world.store.claim_due(LONG, 2).await.unwrap();
    let claimed: Vec<JobId> = claims.claims.iter().map(|claim| claim.stored.job.id.clone()).collect();
    assert_eq!(claimed, ids[..2]);
    assert_eq!(claims.next_due_in, Some(Duration::ZERO), "one is left over");
    assert_eq!(world.claimed_ids(LONG).await, ids[2..]);
}

pub(crate) async fn a_claim_reaches_all_shards(world: &World) {
    let now = world.now().await;
    let mut ids = HashSet::new();
    for number in 0..32 {
        ids.insert(create(world, fixtures::work_history(number, now)).await);
    }
    let claimed: HashSet<JobId> = world.claimed_ids(LONG).await.into_iter().collect();
    assert_eq!(claimed, ids);
}

pub(crate) async fn a_leased_job_is_not_claimed_again(world: &World) {
    let id = create(world, fixtures::work_history(1, world.now().await)).await;
    let before = tokio::time::Instant::now();
    let claims = world.claim(LONG).await;
    let lease = claims.claims[0].lease;
    assert_eq!((lease.fence, lease.stalled_claims), (1, 1));
    assert!(lease.expires_at >= before + LONG && lease.expires_at <= tokio::time::Instant::now() + LONG);
    assert_eq!(claims.claims[0].stored, world.read(&id).await);

    let again = world.claim(LONG).await;
    assert!(again.claims.is_empty());
    let next = again.next_due_in.unwrap();
    assert!(next <= LONG && next > LONG / 2, "the end of the lease: {next:?}");
}

pub(crate) async fn an_expired_lease_is_claimed_with_a_higher_fence(world: &World) {
    let id = create(world, fixtures::work_history(1, world.now().await)).await;
    let first = world.claim(SHORT).await.claims.remove(0);
    world.advance(SHORT).await;
    let second = world.claim(LONG).await.claims.remove(0);
    assert_eq!(second.stored.job.id, id);
    assert_eq!((second.lease.fence, second.lease.stalled_claims), (2, 2));
    assert_eq!(
        second.stored.version, first.stored.version,
        "a claim is no change of the job"
    );
}

pub(crate) async fn two_claimers_never_get_the_same_job(world: &World) {
    let now = world.now().await;
    for number in 0..40 {
        create(world, fixtures::work_history(number, now)).await;
    }
    let claimers = (0..8).map(|_| async {
        let mut mine = Vec::new();
        loop {
            let claims = world.store.claim_due(LONG, 7).await.unwrap();
            if claims.claims.is_empty() {
                return mine;
            }
            mine.extend(claims.claims.into_iter().map(|claim| claim.stored.job.id));
        }
    });
    let claimed: Vec<JobId> = join_all(claimers).await.concat();
    assert_eq!(claimed.len(), 40);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 40);
}

pub(crate) async fn an_empty_store_has_nothing_due(world: &World) {
    let claims = world.claim(LONG).await;
    assert!(claims.claims.is_empty() && claims.unreadable.is_empty());
    assert_eq!(claims.next_due_in, None);
}

pub(crate) async fn a_released_job_is_due_at_once(world: &World) {
    let claim = world.start(1).await;
    let id = &claim.stored.job.id;
    world.store.release(id, claim.lease.fence).await.unwrap();
    let again = world.claim(LONG).await.claims.remove(0);
    assert_eq!((&again.stored.job.id, again.lease.fence), (id, 2));
    assert_eq!(again.stored.version, claim.stored.version);
}

pub(crate) async fn a_stale_release_does_nothing(world: &World) {
    let claim = world.start(1).await;
    world
        .store
        .release(&claim.stored.job.id, claim.lease.fence + 1)
        .await
        .unwrap();
    world
        .store
        .release(&fixtures::work_history(2, fixtures::EPOCH).id, 1)
        .await
        .unwrap();
    assert!(world.claimed_ids(LONG).await.is_empty());

    done(world.happens(&claim.stored.job.id, Event::CancelAsked).await);
    world
        .store
        .release(&claim.stored.job.id, claim.lease.fence)
        .await
        .unwrap();
    assert!(
        world.claimed_ids(LONG).await.is_empty(),
        "a job that has ended is not due again"
    );
}

async fn put_off(world: &World, id: &JobId, by: Duration) {
    let until = world.now().await + by;
    done(world.happens(id, Event::Deferred { until }).await);
}

pub(crate) async fn a_job_that_was_put_off_can_be_hastened(world: &World) {
    let id = world.start(1).await.stored.job.id;
    put_off(world, &id, LONG).await;
    let before = world.read(&id).await;
    world.store.hasten(&id, LONG / 2).await.unwrap();
    let claims = world.claim(LONG).await;
    assert!(claims.claims.is_empty());
    let due_in = claims.next_due_in.unwrap();
    assert!(due_in <= LONG / 2 && due_in > LONG / 3, "{due_in:?}");
    world.store.hasten(&id, Duration::ZERO).await.unwrap();
    assert_eq!(world.read(&id).await, before, "to be hastened is no change");
    assert_eq!(world.claimed_ids(LONG).await, [id]);
}

pub(crate) async fn a_leased_job_that_is_hastened_is_due_when_its_lease_is_given_up(world: &World) {
    let id = world.start(1).await.stored.job.id;
    world.store.hasten(&id, Duration::ZERO).await.unwrap();
    assert!(world.claimed_ids(LONG).await.is_empty(), "never two holders");
    put_off(world, &id, LONG).await;
    assert_eq!(world.claimed_ids(LONG).await, [id]);
}

pub(crate) async fn to_hasten_puts_nothing_off_and_brings_nothing_back(world: &World) {
    let (due, ended) = (world.start(1).await, world.start(2).await.stored.job.id);
    let id = due.stored.job.id;
    world.store.release(&id, due.lease.fence).await.unwrap();
    done(world.happens(&ended, Event::CancelAsked).await);
    let unknown = fixtures::work_history(3, fixtures::EPOCH).id;
    for job in [&id, &ended, &unknown] {
        world.store.hasten(job, LONG).await.unwrap();
        world.store.hasten(job, Duration::ZERO).await.unwrap();
    }
    assert_eq!(world.claimed_ids(LONG).await, [id]);
}

pub(crate) async fn an_unreadable_record_is_reported_and_left_alone(world: &World) {
    let now = world.now().await;
    let damaged = create(world, fixtures::work_history(1, now)).await;
    let healthy = create(world, fixtures::work_history(17, now)).await;
    world.harness.damage(&damaged).await;

    assert!(matches!(
        world.store.read(&damaged).await,
        Err(StoreError::Unreadable { .. })
    ));
    let claims = world.claim(SHORT).await;
    assert_eq!(claims.unreadable, std::slice::from_ref(&damaged));
    assert_eq!(
        claims
            .claims
            .iter()
            .map(|claim| &claim.stored.job.id)
            .collect::<Vec<_>>(),
        [&healthy]
    );

    world.advance(SHORT).await;
    let later = world.claim(LONG).await;
    assert_eq!(
        later.unreadable,
        std::slice::from_ref(&damaged),
        "it comes due again after the lease"
    );
    assert!(
        world.claim(LONG).await.unreadable.is_empty(),
        "and is pushed ahead each time"
    );
    assert!(
        matches!(world.store.read(&damaged).await, Err(StoreError::Unreadable { .. })),
        "as it was"
    );
}

/// A replica of an older version meets it again and again while the one that can read it is not there.
pub(crate) async fn a_record_that_could_not_be_read_does_not_look_stalled_when_it_can(world: &World) {
    let job = fixtures::work_history(1, world.now().await);
    let id = create(world, job.clone()).await;
    world.harness.damage(&id).await;
    for _ in 0..3 {
        assert_eq!(world.claim(SHORT).await.unreadable, std::slice::from_ref(&id));
        world.advance(SHORT).await;
    }
    world.harness.mend(&job).await;
    assert_eq!(world.claim(SHORT).await.claims[0].lease.stalled_claims, 1);
}

pub(crate) async fn a_job_that_moves_has_not_stalled(world: &World) {
    let id = create(world, fixtures::work_history(1, world.now().await)).await;
    for expected in [1, 2, 3] {
        let claim = world.claim(SHORT).await.claims.remove(0);
        assert_eq!(claim.lease.stalled_claims, expected);
        world.advance(SHORT).await;
    }
    // A new due time is a move, though no event tells of it.
    let stored = world.read(&id).await;
    let due = Due::At(world.now().await);
    done(world.try_commit(&commit(&stored, None, moved(&stored, due))).await);
    let claim = world.claim(SHORT).await.claims.remove(0);
    assert_eq!(claim.lease.stalled_claims, 1);
    let held = commit(&claim.stored, None, moved(&claim.stored, Due::Held));
    let held = world
        .try_commit(&crate::store::Commit {
            fence: Some(claim.lease.fence),
            ..held
        })
        .await;
    assert_eq!(done(held).1.unwrap().stalled_claims, 0);
}

pub(crate) async fn an_unchanged_due_time_does_not_hide_a_stall(world: &World) {
    let id = create(world, fixtures::work_history(1, world.now().await)).await;
    world.claim(SHORT).await;
    done(
        world
            .happens(
                &id,
                Event::Joined {
                    limit: 3,
                    dependent: None,
                },
            )
            .await,
    );
    world.advance(SHORT).await;
    assert_eq!(world.claim(LONG).await.claims[0].lease.stalled_claims, 2);
}
