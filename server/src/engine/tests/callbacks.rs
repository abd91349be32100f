//! Callbacks: hints that may come early, twice, late, forged or never, and calls whose outcome only they can tell.

use std::time::Duration;

use super::{
    harness::{Replica, World, short_leases},
    scripted::{accepted, ambiguous, down, history},
};
use crate::{
    domain::{
        ids::{JobId, JobKind, PersonKey},
        job::{State, StateName},
        outcome::Charge,
        provider_id::ProviderId,
    },
    engine::{Callback, CallbackVerdict, Options},
    providers::CallbackAddress,
};

const HOUR: Duration = Duration::from_secs(3600);

fn hears_back(options: &mut Options) {
    options.public_url = Some("https://semanas.example/".to_owned());
    options.ambiguous_grace = HOUR;
}

fn callback(address: &CallbackAddress, body: &str) -> Callback {
    let path = address
        .url
        .strip_prefix("https://semanas.example/callbacks/kiban/")
        .unwrap();
    let mut parts = path.split('/').map(str::to_owned);
    Callback {
        provider: ProviderId::Kiban,
        job_id: parts.next().unwrap(),
        intent_id: parts.next().unwrap(),
        token: parts.next().unwrap(),
        key: Some(address.key.clone()),
        body: body.to_owned().into(),
    }
}

const BODY: &str = r#"{"id":"ref-1"}"#;

async fn accepts(replica: &Replica, callback: Callback) {
    assert_eq!(replica.callback(callback).await.unwrap(), CallbackVerdict::Accepted);
}

#[tokio::test]
async fn a_callback_that_overtakes_the_acknowledgement_is_believed() {
    for reply in [accepted("ref-1"), ambiguous(), down(ProviderId::Kiban)] {
        let (world, replica) = World::with(hears_back).await;
        let (address, release) = world.kiban.hangs_with_callback();
        world.kiban.answers([Some(history())]);
        let id = replica.start().await.snapshot.job.id;
        let address = address.await.unwrap();
        accepts(&replica, callback(&address, BODY)).await;
        assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
        accepts(&replica, callback(&address, BODY)).await;
        assert!(release.send(reply).is_ok());
        replica.stop.cancel();
        replica.run.await.unwrap();
        let job = world.replica(|_| {}).await.job(&id).await;
        assert_eq!(
            (job.view().state, job.attempts[0].charge),
            (StateName::Succeeded, Charge::Yes)
        );
        assert_eq!(world.kiban.calls(), 1);
    }
}

#[tokio::test]
async fn an_ambiguous_call_is_cleared_by_its_callback_on_another_replica() {
    let (world, replica) = World::with(hears_back).await;
    let other = world.replica(hears_back).await;
    let (address, release) = world.kiban.hangs_with_callback();
    world.kiban.answers([None, Some(history())]);
    let id = replica.start().await.snapshot.job.id;
    let address = address.await.unwrap();
    assert!(release.send(ambiguous()).is_ok());
    replica
        .when(&id, |job| matches!(job.state, State::Ambiguous { .. }))
        .await;
    accepts(&other, callback(&address, BODY)).await;
    accepts(&other, callback(&address, BODY)).await;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 1);
    assert_eq!(replica.rows().await[0].charge, Charge::Yes);
}

#[tokio::test]
async fn a_callback_makes_a_waiting_job_look_at_once() {
    let (world, replica) = World::with(|options| {
        hears_back(options);
        let kiban = options.providers.get_mut(&ProviderId::Kiban).unwrap();
        (kiban.poll.first, kiban.poll.max) = (HOUR, HOUR);
    })
    .await;
    let (address, release) = world.kiban.hangs_with_callback();
    world.kiban.answers([Some(history())]);
    let id = replica.start().await.snapshot.job.id;
    let address = address.await.unwrap();
    assert!(release.send(accepted("ref-1")).is_ok());
    replica
        .when(&id, |job| matches!(job.state, State::Waiting { .. }))
        .await;
    accepts(&replica, callback(&address, BODY)).await;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
}

#[tokio::test]
async fn a_forged_callback_changes_nothing_and_learns_nothing() {
    let (world, replica) = World::with(hears_back).await;
    let (address, release) = world.kiban.hangs_with_callback();
    let id = replica.start().await.snapshot.job.id;
    let address = address.await.unwrap();
    let before = replica.job(&id).await;

    let stranger = JobId::new(
        JobKind::WorkHistory,
        uuid::Uuid::from_u128(7),
        PersonKey::from_mac([1; 16]).shard(),
    );
    let genuine = || callback(&address, BODY);
    let token = |text: &str| Callback {
        token: text.to_owned(),
        ..genuine()
    };
    let key = |key: Option<&str>| Callback {
        key: key.map(str::to_owned),
        ..genuine()
    };
    let forged = [
        token("forged"),
        token(""),
        key(None),
        key(Some("")),
        key(Some("wrong")),
        Callback {
            key: Some(genuine().token),
            ..genuine()
        },
        Callback {
            job_id: stranger.to_string(),
            ..genuine()
        },
        Callback {
            job_id: "no job".to_owned(),
            ..genuine()
        },
        Callback {
            intent_id: "att_0".to_owned(),
            ..genuine()
        },
        Callback {
            provider: ProviderId::TuIdentidad,
            ..genuine()
        },
    ];
    for (number, forged) in forged.into_iter().enumerate() {
        let verdict = replica.callback(forged).await.unwrap();
        assert_eq!(verdict, CallbackVerdict::Forged, "number {number}");
    }
    for empty in ["", "{}", "no json", r#"{"id":"../x"}"#] {
        accepts(&replica, callback(&address, empty)).await;
    }
    assert_eq!(replica.job(&id).await, before);
    assert!(release.send(history()).is_ok());
    let ended = replica.end(&id).await;
    accepts(&replica, genuine()).await;
    assert_eq!(replica.job(&id).await, ended, "after the end a callback is no news");
}

#[tokio::test]
async fn a_callback_while_the_store_is_down_is_asked_for_again() {
    let (world, replica) = World::with(hears_back).await;
    let (address, _release) = world.kiban.hangs_with_callback();
    replica.start().await;
    let address = address.await.unwrap();
    replica.store.goes_down();
    let refused = super::harness::reason(replica.callback(callback(&address, BODY)).await);
    assert_eq!(refused, crate::domain::reason::Reason::StoreUnavailable);
    replica.store.comes_back();
}

#[tokio::test]
async fn a_thawed_callers_fact_is_believed_while_the_job_waits_for_it() {
    let (world, replica) = World::with(|options| {
        short_leases(options);
        options.ambiguous_grace = HOUR;
    })
    .await;
    let release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    replica
        .when(&id, |job| matches!(job.state, State::Ambiguous { .. }))
        .await;
    assert!(release.send(history()).is_ok());
    let job = replica.end(&id).await;
    assert_eq!(
        (job.view().state, job.attempts[0].charge),
        (StateName::Succeeded, Charge::Yes)
    );
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_thawed_callers_fact_after_the_end_goes_to_the_ledger_only() {
    let (world, replica) = World::with(short_leases).await;
    let release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::OutcomeUnknown);
    assert!(release.send(history()).is_ok());
    super::harness::until("the late fact is in the ledger", || async {
        let row = &replica.rows().await[0];
        row.charge == Charge::Yes && row.late
    })
    .await;
    assert_eq!(replica.ends(&id).await.0, StateName::OutcomeUnknown);
    assert_eq!(world.kiban.calls(), 1);
}
