//! Pages of jobs and of the ledger.

use std::time::Duration;

use super::{
    World, fixtures,
    world::{all_charges, done, found},
};
use crate::{
    domain::{
        ids::{IntentId, JobId, Tenant},
        job::{Event, Job, StateName, Step},
        outcome::{Charge, Outcome},
        provider_id::ProviderId,
    },
    store::{ChargeQuery, JobFilter, ListQuery},
};

const MINUTE: Duration = Duration::from_secs(60);

async fn create(world: &World, job: Job) -> JobId {
    world.create(&fixtures::creation(job)).await.stored.job.id
}

/// All pages of a list; no page may hold more than asked for.
async fn list(world: &World, tenant: Tenant, filter: JobFilter, page_size: usize) -> Vec<JobId> {
    let mut query = ListQuery {
        tenant,
        filter,
        before: None,
        page_size,
    };
    let mut ids = Vec::new();
    for _ in 0..100 {
        let page = world.store.list(query.clone()).await.unwrap();
        assert!(page.jobs.len() <= page_size);
        ids.extend(page.jobs.into_iter().map(|job| job.id));
        match page.next {
            Some(next) => query.before = Some(next),
            None => return ids,
        }
    }
    panic!("the list does not end");
}

async fn filtered(world: &World, filter: JobFilter) -> Vec<JobId> {
    list(world, Tenant::sole(), filter, 2).await
}

/// All pages of the ledger.
async fn charges(world: &World, query: ChargeQuery) -> Vec<IntentId> {
    let mut query = query;
    let mut ids = Vec::new();
    for _ in 0..100 {
        let page = world.store.charges(query.clone()).await.unwrap();
        assert!(page.rows.len() <= query.page_size);
        ids.extend(page.rows.into_iter().map(|row| row.id));
        match page.next {
            Some(next) => query.before = Some(next),
            None => return ids,
        }
    }
    panic!("the ledger does not end");
}

pub(crate) async fn pages_go_from_new_to_old_over_all_shards(world: &World) {
    let now = world.now().await;
    let mut ids = Vec::new();
    for number in 0..25 {
        ids.push(create(world, fixtures::work_history(number * 7, now)).await);
    }
    ids.reverse();
    for page_size in [1, 4, 25, 100] {
        assert_eq!(
            list(world, Tenant::sole(), JobFilter::default(), page_size).await,
            ids,
            "pages of {page_size}"
        );
    }
}

pub(crate) async fn only_work_history_jobs_of_the_tenant_are_listed(world: &World) {
    let now = world.now().await;
    let mine = create(world, fixtures::work_history(1, now)).await;
    create(world, fixtures::nss_lookup(2, now)).await;
    let mut job = fixtures::work_history(1, now);
    job.tenant = fixtures::tenant("other");
    let other = create(world, job).await;
    assert_eq!(filtered(world, JobFilter::default()).await, [mine]);
    assert_eq!(
        list(world, fixtures::tenant("other"), JobFilter::default(), 5).await,
        [other]
    );
    assert!(
        list(world, fixtures::tenant("nobody"), JobFilter::default(), 5)
            .await
            .is_empty()
    );
}

pub(crate) async fn states_filter_a_list(world: &World) {
    let now = world.now().await;
    let queued = world.start(1).await.stored.job.id;
    let running = world.start(2).await.stored.job.id;
    world.intends(&running, &fixtures::history_intent(), now).await;
    let cancelled = world.start(3).await.stored.job.id;
    done(world.happens(&cancelled, Event::CancelAsked).await);
    let succeeded = world.answered(4, ProviderId::Kiban, now).await;
    let of = |states: &[StateName]| JobFilter {
        states: states.to_vec(),
        ..JobFilter::default()
    };
    assert_eq!(filtered(world, of(&[StateName::Queued])).await, [queued]);
    assert_eq!(
        filtered(world, of(&[StateName::Running])).await,
        std::slice::from_ref(&running)
    );
    let two = of(&[StateName::Succeeded, StateName::Cancelled]);
    assert_eq!(filtered(world, two).await, [succeeded, cancelled]);
    assert!(filtered(world, of(&[StateName::Failed])).await.is_empty());

    done(world.happens(&running, Event::CallerLost { until: now }).await);
    assert_eq!(filtered(world, of(&[StateName::Running])).await, [running]);
}

pub(crate) async fn labels_filter_a_list(world: &World) {
    let now = world.now().await;
    let mut ids = Vec::new();
    for (number, team) in [(1, "loans"), (2, "hiring"), (3, "loans"), (4, "lo%")] {
        let mut job = fixtures::work_history(number, now);
        job.ask.labels.insert("team".to_owned(), team.to_owned());
        job.ask.labels.insert("n".to_owned(), number.to_string());
        ids.push(create(world, job).await);
    }
    create(world, fixtures::work_history(5, now)).await;
    let of = |labels: &[(&str, &str)]| JobFilter {
        labels: labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..JobFilter::default()
    };
    assert_eq!(
        filtered(world, of(&[("team", "loans")])).await,
        [ids[2].clone(), ids[0].clone()]
    );
    assert_eq!(
        filtered(world, of(&[("team", "loans"), ("n", "1")])).await,
        [ids[0].clone()]
    );
    assert_eq!(filtered(world, of(&[("team", "lo%")])).await, [ids[3].clone()]);
    assert!(filtered(world, of(&[("loans", "team")])).await.is_empty());
}

pub(crate) async fn birth_times_filter_a_list(world: &World) {
    let now = world.now().await;
    let mut ids = Vec::new();
    for number in 0..4_u8 {
        ids.push(
            create(
                world,
                fixtures::work_history(number, now - MINUTE * u32::from(9 - number)),
            )
            .await,
        );
    }
    let between = |from, until| JobFilter {
        created_from: from,
        created_until: until,
        ..JobFilter::default()
    };
    let at = |number: u32| Some(now - MINUTE * (9 - number));
    assert_eq!(
        filtered(world, between(at(2), None)).await,
        [ids[3].clone(), ids[2].clone()]
    );
    assert_eq!(
        filtered(world, between(None, at(2))).await,
        [ids[1].clone(), ids[0].clone()],
        "the end is not included"
    );
    assert_eq!(filtered(world, between(at(1), at(2))).await, [ids[1].clone()]);
}

pub(crate) async fn charges_page_from_new_to_old(world: &World) {
    let now = world.now().await;
    let mut ids = Vec::new();
    for number in 0..9 {
        let id = world.start(number * 5).await.stored.job.id;
        let intent = fixtures::history_intent();
        world.intends(&id, &intent, now).await;
        ids.push(intent.id);
    }
    ids.reverse();
    for page_size in [1, 4, 9, 50] {
        assert_eq!(
            charges(
                world,
                ChargeQuery {
                    page_size,
                    ..all_charges()
                }
            )
            .await,
            ids,
            "pages of {page_size}"
        );
    }
}

pub(crate) async fn charges_are_filtered(world: &World) {
    let now = world.now().await;
    let mut made = Vec::new();
    let calls = [
        (1, ProviderId::Kiban, found()),
        (2, ProviderId::TuIdentidad, Outcome::NotSent),
        (3, ProviderId::Kiban, Outcome::Ambiguous),
    ];
    for (number, provider, outcome) in calls {
        let id = world.start(number).await.stored.job.id;
        let intent = fixtures::intent(provider, Step::FetchHistory);
        let at = now - MINUTE * u32::from(9 - number);
        world.intends(&id, &intent, at).await;
        world.outcome(&id, &intent, outcome, at).await;
        made.push((id, intent.id));
    }
    let name = |number: usize| made[number].1.clone();
    let all = || ChargeQuery {
        page_size: 1,
        ..all_charges()
    };
    let of_job = ChargeQuery {
        job: Some(made[1].0.clone()),
        ..all()
    };
    assert_eq!(charges(world, of_job).await, [name(1)]);
    let of_provider = ChargeQuery {
        provider: Some(ProviderId::Kiban),
        ..all()
    };
    assert_eq!(charges(world, of_provider).await, [name(2), name(0)]);
    let of_charges = ChargeQuery {
        charges: vec![Charge::No, Charge::Unknown],
        ..all()
    };
    assert_eq!(charges(world, of_charges).await, [name(2), name(1)]);
    let from = ChargeQuery {
        opened_from: Some(now - MINUTE * 7),
        ..all()
    };
    assert_eq!(charges(world, from).await, [name(2), name(1)]);
    let until = ChargeQuery {
        opened_until: Some(now - MINUTE * 7),
        ..all()
    };
    assert_eq!(charges(world, until).await, [name(0)], "the end is not included");
    let of_tenant = ChargeQuery {
        tenant: fixtures::tenant("other"),
        ..all()
    };
    assert!(charges(world, of_tenant).await.is_empty());
    let stranger = ChargeQuery {
        job: Some(fixtures::work_history(1, now).id),
        ..all()
    };
    assert!(charges(world, stranger).await.is_empty());
}
