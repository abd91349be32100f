//! Lists, the ledger, and what operators see of the providers.

use super::{
    feeding::{first_cursor, submit},
    harness::{World, all_charges, reason, submit_for, until},
    scripted::{history, no},
};
use crate::{
    domain::{ids::Tenant, job::StateName, outcome::Charge, provider_id::ProviderId, reason::Reason},
    engine::{ChargeQuery, JobFilter},
};

#[tokio::test]
async fn a_list_pages_and_its_token_belongs_to_its_filter() {
    let (world, replica) = World::with(|_| {}).await;
    let mut made = Vec::new();
    for person in 0..5 {
        made.push(submit(&world, &replica, person).await);
    }
    made.reverse();
    let tenant = Tenant::sole();
    let (mut listed, mut token) = (Vec::new(), String::new());
    loop {
        let (page, next) = replica.list(&tenant, JobFilter::default(), 2, &token).await.unwrap();
        listed.extend(page.jobs.into_iter().map(|job| job.id));
        if next.is_empty() {
            break;
        }
        token = next;
    }
    assert_eq!(listed, made);
    let failed = || JobFilter {
        states: vec![StateName::Failed],
        ..JobFilter::default()
    };
    assert!(!token.is_empty());
    for bad in [token.as_str(), "no token"] {
        assert_eq!(
            reason(replica.list(&tenant, failed(), 2, bad).await),
            Reason::CursorInvalid
        );
    }
    assert!(replica.list(&tenant, failed(), 2, "").await.unwrap().0.jobs.is_empty());
    let cursor = first_cursor(&replica).await;
    let foreign = replica.list(&tenant, JobFilter::default(), 2, &cursor).await;
    assert_eq!(reason(foreign), Reason::CursorInvalid);
}

#[tokio::test]
async fn the_ledger_pages_and_its_token_belongs_to_its_question() {
    let (world, replica) = World::with(|_| {}).await;
    for person in 0..3 {
        submit(&world, &replica, person).await;
    }
    world.kiban.replies(no(ProviderId::Kiban, Reason::WorkHistoryNotFound));
    let denied = replica.submit(submit_for(9)).await.unwrap().snapshot.job.id;
    replica.end(&denied).await;
    let query = |page_size| ChargeQuery {
        page_size,
        ..all_charges()
    };
    let (first, token) = replica.charges(query(3), "").await.unwrap();
    let (second, end) = replica.charges(query(3), &token).await.unwrap();
    assert_eq!(
        (first.rows[0].job.clone(), first.rows.len(), second.rows.len()),
        (denied, 3, 1)
    );
    assert!(end.is_empty() || replica.charges(query(3), &end).await.unwrap().0.rows.is_empty());
    let unknown = ChargeQuery {
        charges: vec![Charge::Unknown],
        ..query(3)
    };
    assert_eq!(reason(replica.charges(unknown, &token).await), Reason::CursorInvalid);
}

#[tokio::test]
async fn the_providers_state_is_shown() {
    let (world, replica) = World::with(|options| {
        options.providers.remove(&ProviderId::Nubarium);
        options
            .providers
            .get_mut(&ProviderId::Kiban)
            .unwrap()
            .gate
            .in_flight_max = 7;
    })
    .await;
    let release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    let status = replica.provider_status().await.unwrap();
    let shown: Vec<_> = status
        .iter()
        .map(|one| (one.provider, one.configured, one.in_flight_max, one.gate.in_flight))
        .collect();
    let expected = [
        (ProviderId::Kiban, true, 7, 1),
        (ProviderId::TuIdentidad, true, 0, 0),
        (ProviderId::Nubarium, false, 0, 0),
    ];
    assert_eq!(shown, expected);
    assert!(release.send(history()).is_ok());
    replica.end(&id).await;
}
