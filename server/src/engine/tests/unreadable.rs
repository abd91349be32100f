//! A record that this version cannot read: nobody takes silence for news, nothing is paid, and all goes on when it can be read.

use super::{
    harness::{World, reason, until},
    scripted::{down, history},
    watching::{eventful, find, next, open, sequence, to_the_end},
};
use crate::{
    domain::{ids::Tenant, job::StateName, outcome::Charge, provider_id::ProviderId, reason::Reason},
    engine::{JobFilter, WatchContent},
};

#[tokio::test]
async fn a_watch_says_that_it_is_stale_and_goes_on_when_the_record_can_be_read_again() {
    let world = World::new().await;
    let worker = world.replica(|_| {}).await;
    let (id, release) = eventful(&world, &worker).await;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    let mut stream = open(&worker, &id, None).await.unwrap();
    let first = next(&mut stream).await.unwrap();
    let job = worker.job(&id).await;
    world.data.damage_record(&id);
    find(&mut stream, |content| matches!(content, WatchContent::Stale { .. })).await;
    assert_eq!(reason(open(&worker, &id, None).await), Reason::Internal);
    world.data.mend_record(&job);
    assert!(release.send(down(ProviderId::Kiban)).is_ok());
    assert_eq!(worker.ends(&id).await.0, StateName::Succeeded);
    let news = to_the_end(stream).await;
    assert!(sequence(&news[0]) >= sequence(&first));
    assert!(news.last().unwrap().terminal);
}

#[tokio::test]
async fn a_request_for_its_person_is_refused_and_nobody_is_paid() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(history());
    let id = replica.start().await.snapshot.job.id;
    replica.end(&id).await;
    world.data.damage_record(&id);
    let tenant = Tenant::sole();
    assert_eq!(reason(replica.get(&tenant, id.as_str(), None).await), Reason::Internal);
    assert_eq!(reason(replica.submit(super::harness::submit()).await), Reason::Internal);
    assert_eq!(reason(replica.cancel(&tenant, id.as_str()).await), Reason::Internal);
    let settled = replica.resolve(&tenant, id.as_str(), Charge::No, String::new()).await;
    assert_eq!(reason(settled), Reason::Internal);
    assert_eq!(world.kiban.calls(), 1);
    let (page, _) = replica.list(&tenant, JobFilter::default(), 10, "").await.unwrap();
    assert!(page.jobs.is_empty());
    assert_eq!(page.unreadable, [id.to_string()]);
}
