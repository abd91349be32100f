//! Replicas that die, each between two moves of one job: what was claimed is run, what may have been paid is never paid again.

use semanas_client::raw::v1::ResolveWorkHistoryRequest;
use semanas_client::{ChargeState, ErrorReason, JobStage, JobState};
use semanas_sandbox::{CallbackMode, KibanScenario, Provider, Settings};

use super::*;

/// I1, I7: killed with a job that it claimed and did nothing about, the other replica runs it, once.
#[tokio::test]
async fn fault_01_a_replica_dies_after_the_claim() {
    let mut held = Held::at("claimed").await;
    held.pair.a.kill();
    let job = held.ends(JobState::Succeeded, 1).await;
    assert_eq!(job.attempts.len(), 1);
}

/// I1, I7: the one that takes it up, as a job that came due, dies as well. The third one runs it, once.
#[tokio::test]
async fn fault_01_the_next_replica_dies_after_its_claim_too() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let points = [Failpoints::new(), Failpoints::new()];
    let options = || ServerOptions::new(&store, &sandbox);
    let person = fresh_person();
    points.iter().for_each(|points| points.arm("claimed"));
    let mut first = options().held_by(&points[0]).start().await;
    let mut second = options().held_by(&points[1]).start().await;
    first.client().submit_work_history(by_kiban(&person)).await.unwrap();
    let job_id = points[0].reached("claimed").await;
    first.kill();
    assert_eq!(points[1].reached("claimed").await, job_id);
    let third = options().start().await;
    let witness = witness(&third.client(), &job_id);
    second.kill();
    let job = within("the job", PATIENCE, witness).await.unwrap();
    assert_eq!(
        (job.state, job.attempts.len()),
        (JobState::Succeeded, 1),
        "{:?}",
        job.failure
    );
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
}

/// I1, I2: an intent without a call is taken for a call. Nothing is sent for it again until somebody says that it was none.
#[tokio::test]
async fn fault_02_a_replica_dies_after_the_intent_and_before_the_call() {
    for point in ["intent_committed", "about_to_send"] {
        let mut held = Held::at(point).await;
        held.pair.a.kill();
        let job = held.ends(JobState::OutcomeUnknown, 0).await;
        assert_eq!(failure_of(&job).0, ErrorReason::OutcomeUnknown);
        held.settles(ChargeState::Unknown).await;
        let (client, request) = (held.pair.b.client(), held.request.clone());
        let again = client.submit_work_history(request.clone()).await.unwrap();
        assert_eq!(again.job.job_id, held.job_id, "{point}");
        held.check_money(0).await;

        let settle = ResolveWorkHistoryRequest {
            job_id: held.job_id.clone(),
            charge: ChargeState::No.into(),
            note: "not in their books".to_owned(),
        };
        client.resolve_work_history(settle).await.unwrap();
        let next = to_the_end(&client, request).await;
        assert_eq!(next.state, JobState::Succeeded);
        assert_eq!(booked(&held.pair.sandbox, Provider::Kiban, &held.person.curp), 1);
    }
}

/// I1, I2: the same with a job that was created with its intent, since the gate counts no calls.
#[tokio::test]
async fn fault_02_a_replica_dies_between_the_creation_with_an_intent_and_the_call() {
    let (redis, sandbox, points) = (Redis::start().await, sandbox().await, Failpoints::new());
    let store = Store::redis(&redis);
    let options = || ServerOptions::new(&store, &sandbox).set("PROVIDERS__KIBAN__IN_FLIGHT_MAX", "0");
    let mut dies = options().held_by(&points).start().await;
    let person = fresh_person();
    points.arm("claimed");
    points.arm("intent_committed");
    let submitted = dies.client().submit_work_history(by_kiban(&person)).await.unwrap();
    let job_id = submitted.job.job_id;
    // No claim came between.
    assert_eq!(points.reached("intent_committed").await, job_id);
    let lives = options().start().await;
    let witness = witness(&lives.client(), &job_id);
    dies.kill();
    let job = within("the job", PATIENCE, witness).await.unwrap();
    assert_eq!(job.state, JobState::OutcomeUnknown);
    assert_eq!(ledger(&lives.client(), &job_id).await[0].state, ChargeState::Unknown);
    let again = lives.client().submit_work_history(by_kiban(&person)).await.unwrap();
    assert_eq!(again.job.job_id, job_id);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 0);
}

/// I1, I2: the provider has answered and nobody knows. Without a word from it the outcome stays unknown, and is not bought again.
#[tokio::test]
async fn fault_03_a_replica_dies_after_the_call_and_before_the_fact() {
    let mut held = Held::at("answer_received").await;
    held.pair.a.kill();
    held.ends(JobState::OutcomeUnknown, 1).await;
    held.settles(ChargeState::Unknown).await;
    let again = held
        .pair
        .b
        .client()
        .submit_work_history(held.request.clone())
        .await
        .unwrap();
    assert_eq!(again.job.job_id, held.job_id);
    held.check_money(1).await;
}

/// I1: the same, and the provider's callback reaches the other replica: the paid answer is found.
#[tokio::test]
async fn fault_03_a_callback_finds_what_the_dead_replica_paid_for() {
    let b = free_port();
    let heard_by_b = move |options: ServerOptions| {
        options
            .set("HTTP__PUBLIC_URL", &format!("http://127.0.0.1:{b}"))
            .set("ENGINE__AMBIGUOUS_GRACE", "60s")
    };
    let (redis, sandbox, points) = (Redis::start().await, sandbox().await, Failpoints::new());
    let store = Store::redis(&redis);
    let options = || heard_by_b(ServerOptions::new(&store, &sandbox)).set("PROVIDERS__KIBAN__CALL_TIMEOUT", "3s");
    let mut dies = options().held_by(&points).start().await;
    let lives = options().set("HTTP__LISTEN", &format!("127.0.0.1:{b}")).start().await;
    let (client, person) = (lives.client(), fresh_person());
    let kiban = KibanScenario {
        callback: Some(CallbackMode::Held),
        ..KibanScenario::default()
    };
    let settings = Settings {
        kiban,
        ..Settings::default()
    };
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    points.arm("answer_received");
    dies.client().submit_work_history(by_kiban(&person)).await.unwrap();
    let job_id = points.reached("answer_received").await;
    let witness = witness(&client, &job_id);
    dies.kill();
    reaches(&client, &job_id, JobStage::ConfirmingWithProvider).await;
    eventually("the callback to be ready", || async {
        (sandbox.release_callbacks() > 0).then_some(())
    })
    .await;
    let job = within("the job", PATIENCE, witness).await.unwrap();
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.failure);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
    assert_eq!(ledger(&client, &job_id).await[0].state, ChargeState::Yes);
}

/// I4, I7: the fact is on record, its replica does nothing more. The other one polls on.
#[tokio::test]
async fn fault_04_a_replica_dies_after_the_fact() {
    let mut held = Held::with("fact_committed", by_kiban, hold_document).await;
    held.pair.a.kill();
    let_go(&held.pair.sandbox, &held.person);
    held.ends(JobState::Succeeded, 1).await;
}

/// I4, I5, I7: a commit that ends the job was about to be sent. The end comes, once, from the other replica.
#[tokio::test]
async fn fault_04_a_replica_dies_before_the_finish() {
    let mut held = Held::at("finishing").await;
    held.pair.a.kill();
    held.ends(JobState::Succeeded, 1).await;
}

/// I3, I6, I7: killed while it drains, with a job that it has claimed to poll, one whose call is under way, and one that waits for
/// its turn. All of them were acknowledged, and all end.
#[tokio::test]
async fn fault_07_a_replica_dies_while_it_drains() {
    let (redis, sandbox, points) = (Redis::start().await, sandbox().await, Failpoints::new());
    let store = Store::redis(&redis);
    let options = || {
        ServerOptions::new(&store, &sandbox)
            .set("PROVIDERS__KIBAN__CALL_TIMEOUT", "3s")
            .set("PROVIDERS__KIBAN__IN_FLIGHT_MAX", "1")
    };
    let mut a = options().held_by(&points).start().await;
    let b = options().start().await;
    let (waiting, calling, queued) = (fresh_person(), fresh_person(), fresh_person());
    hold_document(&sandbox, &waiting);
    slow_down(&sandbox, &calling, 2_500);
    let submit = async |person: &Human, reached: JobStage| {
        let job = a.client().submit_work_history(by_kiban(person)).await.unwrap().job;
        reaches(&b.client(), &job.job_id, reached).await;
        job.job_id
    };
    let waiting_job = submit(&waiting, JobStage::WaitingForProvider).await;
    // Whoever polls it next, in time it is `a`.
    points.arm_for("claimed", &waiting_job);
    points.reached("claimed").await;
    points.arm("draining");
    let jobs = [
        waiting_job,
        submit(&calling, JobStage::AskingProvider).await,
        submit(&queued, JobStage::WaitingToRetry).await,
    ];
    let witnesses: Vec<_> = jobs.iter().map(|job_id| witness(&b.client(), job_id)).collect();
    a.signal("TERM");
    points.reached("draining").await;
    a.kill();
    let_go(&sandbox, &waiting);
    let mut ends = Vec::new();
    for witness in witnesses {
        ends.push(within("a job", PATIENCE, witness).await.unwrap().state);
    }
    // Whether the answer of the call was on record before the kill is not ours to say.
    assert_eq!((ends[0], ends[2]), (JobState::Succeeded, JobState::Succeeded));
    assert!(
        matches!(ends[1], JobState::Succeeded | JobState::OutcomeUnknown),
        "{:?}",
        ends[1]
    );
    assert_eq!(sandbox.books().summary().max_per_provider_and_person, 1);
    check_whole(&store, &sandbox).await;
}
