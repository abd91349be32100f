//! Starting jobs, or joining the one that lives.

use futures::future::join_all;
use tokio::time::Instant;

use super::{LONG, World, fixtures, world::done};
use crate::{
    domain::{ids::JobId, job::Event},
    store::{Creation, How},
};

pub(crate) async fn a_new_job_is_started_and_reads_back(world: &World) {
    let creation = fixtures::creation(fixtures::work_history(1, world.now().await));
    assert!(world.store.read(&creation.job.id).await.unwrap().is_none());
    assert!(world.store.read_sealed(&creation.job.id).await.unwrap().is_none());

    let created = world.create(&creation).await;
    assert!(matches!(created.how, How::Started(None)), "{:?}", created.how);
    assert_eq!(created.stored.job, creation.job);
    assert_eq!(world.read(&creation.job.id).await, created.stored);
    let sealed = world.store.read_sealed(&creation.job.id).await.unwrap().unwrap();
    assert_eq!((sealed.subject, sealed.answer), (creation.subject, None));
    assert_eq!(
        world.claimed_ids(LONG).await,
        [creation.job.id],
        "a new job is due at once"
    );
}

pub(crate) async fn a_claimed_creation_is_leased(world: &World) {
    let before = Instant::now();
    let claim = world.start(1).await;
    assert_eq!((claim.lease.fence, claim.lease.stalled_claims), (1, 1));
    assert!(claim.lease.expires_at >= before + LONG && claim.lease.expires_at <= Instant::now() + LONG);
    assert!(world.claimed_ids(LONG).await.is_empty());
}

pub(crate) async fn a_repeated_creation_is_started_again_without_a_lease(world: &World) {
    let creation = Creation {
        claim: Some(LONG),
        ..fixtures::creation(fixtures::work_history(1, world.now().await))
    };
    let first = world.create(&creation).await;
    assert!(matches!(first.how, How::Started(Some(_))));
    let again = world.create(&creation).await;
    assert!(matches!(again.how, How::Started(None)), "{:?}", again.how);
    assert_eq!(again.stored, first.stored);

    done(world.happens(&creation.job.id, Event::CancelAsked).await);
    let after_its_end = world.create(&creation).await;
    assert!(
        matches!(after_its_end.how, How::Started(None)),
        "{:?}",
        after_its_end.how
    );
    assert!(after_its_end.stored.job.is_terminal(), "the job as it stands now");
    assert!(
        world.claimed_ids(LONG).await.is_empty(),
        "a repeated creation revives nothing"
    );
}

pub(crate) async fn a_repeated_creation_that_joined_a_job_is_given_it_again(world: &World) {
    let lives = world.start(1).await.stored.job.id;
    let asked = |remember| {
        let creation = fixtures::creation(fixtures::work_history(1, fixtures::EPOCH));
        Creation { remember, ..creation }
    };
    let (remembered, forgotten) = (asked(Some(LONG)), asked(None));
    for creation in [&remembered, &forgotten] {
        let joined = world.create(creation).await;
        assert!(matches!(joined.how, How::Attached));
        assert_eq!(joined.stored.job.id, lives);
    }
    done(world.happens(&lives, Event::CancelAsked).await);
    let again = world.create(&remembered).await;
    assert!(matches!(again.how, How::Reused { .. }), "{:?}", again.how);
    assert_eq!(again.stored.job.id, lives, "though it serves nobody else any more");
    assert!(matches!(world.create(&forgotten).await.how, How::Started(None)));
}

pub(crate) async fn a_hundred_creations_at_once_start_one_job(world: &World) {
    let now = world.now().await;
    let creations = (0..100).map(|_| {
        let creation = fixtures::creation(fixtures::work_history(1, now));
        async move {
            world
                .store
                .create(Creation {
                    claim: Some(LONG),
                    ..creation
                })
                .await
                .unwrap()
        }
    });
    let created = join_all(creations).await;
    let started = created
        .iter()
        .filter(|created| matches!(created.how, How::Started(_)))
        .count();
    let attached = created
        .iter()
        .filter(|created| matches!(created.how, How::Attached))
        .count();
    assert_eq!((started, attached), (1, 99));
    let ids: std::collections::HashSet<&JobId> = created.iter().map(|created| &created.stored.job.id).collect();
    assert_eq!(ids.len(), 1);
}

pub(crate) async fn a_living_job_takes_later_requests(world: &World) {
    let first = world.start(1).await.stored;
    let creation = fixtures::creation(fixtures::work_history(1, world.now().await));
    let second = world
        .create(&Creation {
            claim: Some(LONG),
            repeat_allowed: true,
            ..creation.clone()
        })
        .await;
    assert!(matches!(second.how, How::Attached), "{:?}", second.how);
    assert_eq!(second.stored, first);
    assert!(
        world.store.read(&creation.job.id).await.unwrap().is_none(),
        "the proposed job does not exist"
    );
    assert!(world.store.read_sealed(&creation.job.id).await.unwrap().is_none());
}

pub(crate) async fn another_tenant_person_or_product_starts_its_own_job(world: &World) {
    world.start(1).await;
    let now = world.now().await;
    world.start(2).await;
    // The same shard, another person.
    world.start(17).await;
    let mut job = fixtures::work_history(1, now);
    job.tenant = fixtures::tenant("other");
    world.start_job(job).await;
    let creation = fixtures::creation(fixtures::nss_lookup(1, now));
    world
        .start_creation(Creation {
            product: "nss".to_owned(),
            ..creation
        })
        .await;
}
