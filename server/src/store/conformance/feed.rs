//! The feed: every change that a watcher can see, without a gap.

use std::collections::HashSet;

use futures::future::join_all;

use super::{World, fixtures, world::done};
use crate::{
    domain::{
        ids::{JobId, Shard},
        job::Event,
    },
    store::{FEED_LUMP_MAX, FeedPosition},
};

pub(crate) async fn creations_and_events_are_fed_in_order(world: &World) {
    assert_eq!(world.store.feed_end().await.unwrap(), FeedPosition::default());
    let first = world.start(1).await.stored.job.id;
    // The same shard, then another one.
    let second = world.start(17).await.stored.job.id;
    let third = world.start(2).await.stored.job.id;
    done(world.happens(&first, Event::CancelAsked).await);

    let page = world.store.feed_after(&FeedPosition::default(), 100).await.unwrap();
    let of_shard: Vec<&JobId> = page.jobs.iter().filter(|id| id.shard() == first.shard()).collect();
    assert_eq!(of_shard, [&first, &second, &first]);
    assert_eq!(page.jobs.iter().filter(|id| **id == third).count(), 1);
    assert!(!page.expired);
    let mut expected = FeedPosition::default();
    expected.0[first.shard().index()] = 3;
    expected.0[third.shard().index()] = 1;
    assert_eq!(page.position, expected, "numbers are contiguous from one on");
    assert_eq!(world.store.feed_end().await.unwrap(), expected);

    let rest = world.store.feed_after(&expected, 100).await.unwrap();
    assert!(rest.jobs.is_empty() && !rest.expired);
    assert_eq!(rest.position, expected);
}

pub(crate) async fn what_a_watcher_cannot_see_is_not_fed(world: &World) {
    let lookup = world
        .start_job(fixtures::nss_lookup(1, world.now().await))
        .await
        .stored
        .job
        .id;
    done(world.happens(&lookup, Event::CancelAsked).await);
    assert_eq!(
        world.store.feed_end().await.unwrap(),
        FeedPosition::default(),
        "lookups are not public"
    );

    let claim = world.start(2).await;
    let end = world.store.feed_end().await.unwrap();
    done(
        world
            .happens(
                &claim.stored.job.id,
                Event::Joined {
                    limit: 5,
                    dependent: None,
                },
            )
            .await,
    );
    world
        .store
        .release(&claim.stored.job.id, claim.lease.fence)
        .await
        .unwrap();
    world.claim(super::LONG).await;
    assert_eq!(world.store.feed_end().await.unwrap(), end, "no event, no entry");
}

pub(crate) async fn a_page_is_bounded_and_goes_on_where_it_ended(world: &World) {
    let mut ids = HashSet::new();
    for number in 0..30 {
        ids.insert(world.start(number).await.stored.job.id);
    }
    let mut seen = Vec::new();
    let mut position = FeedPosition::default();
    for _ in 0..100 {
        let page = world.store.feed_after(&position, 4).await.unwrap();
        assert!(page.jobs.len() <= 4 && !page.expired);
        position = page.position;
        if page.jobs.is_empty() {
            break;
        }
        seen.extend(page.jobs);
    }
    assert_eq!(seen.len(), 30);
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), ids);
    assert_eq!(position, world.store.feed_end().await.unwrap());
}

pub(crate) async fn an_old_position_has_expired(world: &World) {
    let kept = world.harness.feed_kept_min();
    let added = kept + FEED_LUMP_MAX;
    let now = world.now().await;
    let shard = Shard::new(1).unwrap().index();
    for _ in 0..added {
        let job = fixtures::work_history(1, now);
        let product = job.id.to_string();
        world
            .create(&crate::store::Creation {
                product,
                ..fixtures::creation(job)
            })
            .await;
    }
    assert_eq!(world.store.feed_end().await.unwrap().0[shard], added);
    let mut position = FeedPosition::default();
    assert!(
        world.store.feed_after(&position, 10).await.unwrap().expired,
        "the first entry is gone"
    );
    position.0[shard] = added - kept;
    let page = world.store.feed_after(&position, usize::MAX).await.unwrap();
    assert!(!page.expired, "the newest are there");
    assert_eq!(page.jobs.len(), usize::try_from(kept).unwrap());
}

pub(crate) async fn commits_at_once_leave_no_gap(world: &World) {
    let now = world.now().await;
    // Two shards, thirty jobs each.
    let creations = (0..60_u8).map(|number| {
        let creation = fixtures::creation(fixtures::work_history(number / 2 % 15 * 16 + number % 2, now));
        let product = creation.job.id.to_string();
        async move {
            let creation = crate::store::Creation { product, ..creation };
            world.store.create(creation).await.unwrap().stored.job.id
        }
    });
    let created: HashSet<JobId> = join_all(creations).await.into_iter().collect();
    let page = world.store.feed_after(&FeedPosition::default(), 1000).await.unwrap();
    assert_eq!((created.len(), page.jobs.len()), (60, 60));
    assert_eq!(page.jobs.into_iter().collect::<HashSet<_>>(), created);
    assert_eq!(page.position.0[..2], [30, 30]);
}
