//! Kiban's callbacks are hints: they make answers come sooner, and nothing that they say, or fail to say, is believed unseen.

use semanas_client::Client;
use semanas_client::JobState;
use semanas_sandbox::{CallbackMode, Fault, KibanScenario, Provider, Settings};

use crate::harness::*;

/// A job at Kiban whose callback behaves like this, on a server that polls so rarely that the callback has to do it, or, where
/// the callback brings nothing, that polls as usual.
async fn check_callback(mode: CallbackMode, is_heard: bool) {
    let sandbox = sandbox().await;
    let mut options = ServerOptions::new(&Store::sqlite(), &sandbox).with_callbacks();
    if is_heard {
        options = options
            .set("PROVIDERS__KIBAN__POLL_FIRST", "10m")
            .set("PROVIDERS__KIBAN__POLL_MAX", "10m");
    }
    let server = options.start().await;
    let person = fresh_person();
    let kiban = KibanScenario {
        callback: Some(mode),
        callback_late_ms: Some(300),
        ..KibanScenario::default()
    };
    sandbox
        .set_person(
            &person.curp,
            Some(Settings {
                kiban,
                ..Settings::default()
            }),
        )
        .unwrap();
    let job = to_the_end(&server.client(), by_kiban(&person)).await;
    assert_eq!(job.state, JobState::Succeeded, "{mode:?}: {:?}", job.failure);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1, "{mode:?}");
    let events = job.event_sequence;
    let later = server.client().get_work_history(job.job_id, None).await.unwrap();
    assert_eq!(later.event_sequence, events, "{mode:?}: nothing happens after the end");
}

#[tokio::test]
async fn a_callback_brings_the_answer_without_polling() {
    check_callback(CallbackMode::Normal, true).await;
}

#[tokio::test]
async fn a_late_callback_brings_the_answer_too() {
    check_callback(CallbackMode::Late, true).await;
}

#[tokio::test]
async fn a_callback_that_comes_twice_counts_once() {
    check_callback(CallbackMode::Duplicate, true).await;
}

#[tokio::test]
async fn callbacks_in_the_wrong_order_do_not_confuse() {
    check_callback(CallbackMode::Reordered, true).await;
}

#[tokio::test]
async fn a_callback_that_overtakes_the_acknowledgement_is_believed() {
    check_callback(CallbackMode::BeforeAck, true).await;
}

#[tokio::test]
async fn a_lost_callback_is_replaced_by_polling() {
    check_callback(CallbackMode::Lost, false).await;
}

#[tokio::test]
async fn a_callback_with_a_wrong_key_is_not_believed() {
    check_callback(CallbackMode::WrongKey, false).await;
}

#[tokio::test]
async fn a_callback_finds_the_answer_of_a_call_whose_reply_was_lost() {
    let sandbox = sandbox().await;
    let options = ServerOptions::new(&Store::sqlite(), &sandbox)
        .with_callbacks()
        .set("ENGINE__AMBIGUOUS_GRACE", "30s");
    let server = options.start().await;
    let person = fresh_person();
    let kiban = KibanScenario {
        callback: Some(CallbackMode::Normal),
        ..KibanScenario::default()
    };
    let settings = Settings {
        kiban,
        ..Settings::default()
    };
    let settings = settings.fault(rule(Fault::Close { billed: true }).at(Provider::Kiban));
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let job = to_the_end(&server.client(), by_kiban(&person)).await;
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.failure);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
}

#[tokio::test]
async fn a_forged_callback_is_refused_and_changes_nothing() {
    let sandbox = sandbox().await;
    let server = ServerOptions::new(&Store::sqlite(), &sandbox)
        .with_callbacks()
        .start()
        .await;
    let (client, person): (Client, Human) = (server.client(), fresh_person());
    let kiban = KibanScenario {
        running_polls: Some(1_000_000),
        callback: Some(CallbackMode::Lost),
        ..KibanScenario::default()
    };
    sandbox
        .set_person(
            &person.curp,
            Some(Settings {
                kiban,
                ..Settings::default()
            }),
        )
        .unwrap();
    let job = client.submit_work_history(by_kiban(&person)).await.unwrap().job;
    let attempt = eventually("the attempt at Kiban", || async {
        let job = client.get_work_history(job.job_id.as_str(), None).await.unwrap();
        job.attempts.first().map(|attempt| attempt.attempt_id.clone())
    })
    .await;
    let forged = format!(
        "{}/callbacks/kiban/{}/{attempt}/{}",
        server.http(),
        job.job_id,
        "A".repeat(32)
    );
    let answer = reqwest::Client::new()
        .post(forged)
        .header("x-api-key", "guessed")
        .body(r#"{"id": "x", "status": "SUCCESS"}"#)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_client_error(), "{}", answer.status());
    let job = client.get_work_history(job.job_id, None).await.unwrap();
    assert_eq!(job.state, JobState::Running);
}
