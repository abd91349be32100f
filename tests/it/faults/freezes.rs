//! Replicas that sleep while the world goes on, and wake believing that their lease still holds.

use semanas_client::{ChargeState, JobState};
use semanas_sandbox::Provider;

use super::*;

/// I1, I10: frozen with the leave to call until long after its lease. Awake, it looks at its own clock, sends nothing, and says
/// so: the charge that had to be called unknown is known to be none, and the person can be asked for again.
#[tokio::test]
async fn fault_05_a_replica_freezes_between_the_intent_and_the_call() {
    let mut held = Held::at("intent_committed").await;
    held.pair.a.signal("STOP");
    let ended = held.ends(JobState::OutcomeUnknown, 0).await;
    held.points.release("intent_committed");
    held.pair.a.signal("CONT");
    let row = held.settles(ChargeState::No).await;
    assert!(row.late);
    held.is_still(&ended).await;
    held.check_money(0).await;
    let next = to_the_end(&held.pair.a.client(), held.request.clone()).await;
    assert_eq!(next.state, JobState::Succeeded);
    assert_ne!(next.job_id, held.job_id);
    assert_eq!(booked(&held.pair.sandbox, Provider::Kiban, &held.person.curp), 1);
}

/// I10: frozen with a claim until another replica has run the job. Awake, its fence is stale and it changes nothing.
#[tokio::test]
async fn fault_05_a_replica_freezes_after_the_claim() {
    let mut held = Held::at("claimed").await;
    held.pair.a.signal("STOP");
    let ended = held.ends(JobState::Succeeded, 1).await;
    held.points.arm("draining");
    held.points.release("claimed");
    held.pair.a.signal("CONT");
    // Its drain waits for the claim, so that nothing of it is left when it has ended.
    held.pair.a.signal("TERM");
    held.points.reached("draining").await;
    held.points.release("draining");
    assert_eq!(held.pair.a.end().await.code(), Some(0));
    held.is_still(&ended).await;
    held.check_money(1).await;
}

/// I5: frozen with an answer in hand until the job has ended without it. The fact comes late, into the ledger, and the job that
/// has ended stays as it ended.
#[tokio::test]
async fn fault_06_a_replica_freezes_after_the_call() {
    let mut held = Held::with("answer_received", by_tuidentidad, |_, _| {}).await;
    held.pair.a.signal("STOP");
    let ended = held.ends(JobState::OutcomeUnknown, 1).await;
    held.points.release("answer_received");
    held.pair.a.signal("CONT");
    let row = held.settles(ChargeState::Yes).await;
    assert!(row.late);
    held.is_still(&ended).await;
    // Nobody holds that answer: the next caller learns so, and pays again only after an operator's word or by leave.
    let again = held
        .pair
        .a
        .client()
        .submit_work_history(held.request.clone())
        .await
        .unwrap();
    assert_eq!(again.job.job_id, held.job_id);
    held.check_money(1).await;
}

/// I2, I5: the same with an acknowledgement, which does not say yet what it costs. Its reference is in the ledger for whoever
/// settles the charge.
#[tokio::test]
async fn fault_06_a_late_acknowledgement_leaves_its_reference() {
    let mut held = Held::at("answer_received").await;
    held.pair.a.signal("STOP");
    let ended = held.ends(JobState::OutcomeUnknown, 1).await;
    held.points.release("answer_received");
    held.pair.a.signal("CONT");
    let row = eventually("the reference in the ledger", || async {
        let [row] = held.ledger().await.try_into().unwrap();
        (!row.provider_reference.is_empty()).then_some(row)
    })
    .await;
    assert_eq!((row.state, row.late), (ChargeState::Unknown, true));
    assert_eq!(row.provider_reference, held.pair.sandbox.books().charges()[0].reference);
    held.is_still(&ended).await;
    held.check_money(1).await;
}
