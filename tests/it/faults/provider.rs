//! Providers that are not there, break off, ask for patience or never answer. What may have been billed is not asked for again; what
//! cannot have been is.

use std::time::Duration;

use semanas_client::raw::v1::SubmitWorkHistoryRequest;
use semanas_client::{
    BreakerState, ChargeState, ErrorReason, JobState, OutcomeClass, Provider as Route, WorkHistoryJob,
};
use semanas_sandbox::{Fault, FaultRule, KibanScenario, KibanShape, MsRange, Provider, Quota, Settings, Step};

use super::*;

fn hit(sandbox: &Sandbox, person: &Human, rule: FaultRule) {
    let settings = Settings::default().fault(rule);
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
}

/// Tries enough to outlast a pause, however slow the machine is.
fn patient(options: ServerOptions) -> ServerOptions {
    options
        .set("ENGINE__RETRY_TRIES", "1000")
        .set("ENGINE__RETRY_FIRST", "200ms")
        .set("ENGINE__RETRY_MAX", "200ms")
}

/// Submits, and waits until two calls are known not to have been sent.
async fn is_not_sent(server: &Server, sandbox: &Sandbox) -> Human {
    let (client, person) = (server.client(), fresh_person());
    let job = client.submit_work_history(by_kiban(&person)).await.unwrap().job;
    eventually("two tries that were not sent", || async {
        let job = client.get_work_history(job.job_id.as_str(), None).await.unwrap();
        let ended = job.attempts.iter().filter(|attempt| attempt.end_time.is_some());
        (ended.count() >= 2).then_some(())
    })
    .await;
    assert_eq!(booked(sandbox, Provider::Kiban, &person.curp), 0);
    for row in ledger(&client, &job.job_id).await {
        assert!(matches!(row.state, ChargeState::No | ChargeState::Open), "{row:?}");
    }
    person
}

/// I1: the port does not listen. Nothing was sent, which is known; the job tries on and pays once when the provider is back.
#[tokio::test]
async fn fault_27_the_provider_does_not_listen() {
    let sandbox = sandbox().await;
    let server = patient(ServerOptions::new(&Store::sqlite(), &sandbox)).start().await;
    let refuse = Settings::default().fault(Fault::Refuse);
    sandbox.set_provider(Provider::Kiban, Some(refuse)).await.unwrap();
    let person = is_not_sent(&server, &sandbox).await;
    sandbox.set_provider(Provider::Kiban, None).await.unwrap();
    let job = to_the_end(&server.client(), by_kiban(&person)).await;
    assert_eq!(job.state, JobState::Succeeded);
    let (last, before) = job.attempts.split_last().unwrap();
    assert!(before.iter().all(|attempt| attempt.charge == ChargeState::No));
    assert!(
        before
            .iter()
            .all(|attempt| attempt.outcome_class == OutcomeClass::NotSent)
    );
    assert_eq!(last.charge, ChargeState::Yes);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
}

/// I1: the provider does not speak TLS, though it should. No request left, so that nothing can have been charged.
#[tokio::test]
async fn fault_27_the_provider_breaks_the_tls_handshake() {
    let sandbox = sandbox().await;
    let url = sandbox.base_url(Provider::Kiban).replace("http://", "https://");
    let server = patient(ServerOptions::new(&Store::sqlite(), &sandbox).set("PROVIDERS__KIBAN__BASE_URL", &url));
    let server = server.start().await;
    is_not_sent(&server, &sandbox).await;
    assert!(sandbox.books().charges().is_empty());
}

/// I1, I2: the connection stands and is reset before an answer, whether or not the provider billed: the outcome is unknown, and the
/// same request gets that job back.
#[tokio::test]
async fn fault_28_the_provider_resets_the_connection_before_its_answer() {
    let (server, sandbox) = embedded().await;
    for billed in [true, false] {
        for fault in [Fault::Reset { billed }, Fault::Close { billed }] {
            let person = fresh_person();
            hit(&sandbox, &person, rule(fault).at(Provider::Kiban).times(1));
            let job = to_the_end(&server.client(), by_kiban(&person)).await;
            assert_eq!(failure_of(&job).0, ErrorReason::OutcomeUnknown);
            assert_eq!(job.attempts[0].outcome_class, OutcomeClass::Ambiguous);
            let again = to_the_end(&server.client(), by_kiban(&person)).await;
            assert_eq!(again.job_id, job.job_id);
            assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), usize::from(billed));
            assert_eq!(
                ledger(&server.client(), &job.job_id).await[0].state,
                ChargeState::Unknown
            );
        }
    }
}

/// A connection that is accepted and reset before a byte of the request was read may all the same have carried it.
#[tokio::test]
async fn fault_28_the_provider_resets_the_connection_as_soon_as_it_stands() {
    let (server, sandbox) = embedded().await;
    let reset = Settings::default().fault(Fault::ResetOnConnect);
    sandbox.set_provider(Provider::Kiban, Some(reset)).await.unwrap();
    let job = to_the_end(&server.client(), by_kiban(&fresh_person())).await;
    assert!(
        matches!(job.attempts[0].charge, ChargeState::Unknown | ChargeState::No),
        "{:?}",
        job.attempts
    );
    assert!(sandbox.books().charges().is_empty());
}

/// How a call went wrong on the wire, and how the job has to end when the fault hits the first call only.
struct Trouble {
    name: &'static str,
    fault: Fault,
    end: JobState,
}

const fn trouble(name: &'static str, fault: Fault, end: JobState) -> Trouble {
    Trouble { name, fault, end }
}

/// All that can break after the first byte. The provider billed in each of them.
fn breaks_that_were_billed() -> Vec<Trouble> {
    use JobState::{OutcomeUnknown, Succeeded};
    let (status, billed) = (200, true);
    let redirect = Fault::Redirect {
        status: 307,
        location: "http://moved.invalid/".to_owned(),
        billed,
    };
    let other_type = Fault::ContentType {
        value: "text/plain".to_owned(),
        billed,
    };
    vec![
        trouble("reset", Fault::Reset { billed }, OutcomeUnknown),
        trouble("close", Fault::Close { billed }, OutcomeUnknown),
        trouble("500", Fault::ServerError { status: 500, billed }, OutcomeUnknown),
        trouble("truncated body", Fault::TruncatedBody { billed }, OutcomeUnknown),
        trouble("broken JSON", Fault::BrokenJson { billed }, OutcomeUnknown),
        trouble("hang", Fault::Hang { billed }, OutcomeUnknown),
        trouble("hanging body", Fault::HangBody { billed }, OutcomeUnknown),
        trouble("endless body", Fault::EndlessBody { billed }, OutcomeUnknown),
        trouble("HTML", Fault::Html { status, billed }, OutcomeUnknown),
        trouble("empty body", Fault::EmptyBody { status, billed }, OutcomeUnknown),
        trouble("redirect", redirect, OutcomeUnknown),
        trouble("another content type", other_type, Succeeded),
        trouble("slowness", Fault::Delay { ms: 300, billed }, Succeeded),
    ]
}

fn request(provider: Provider, person: &Human) -> SubmitWorkHistoryRequest {
    let route = match provider {
        Provider::Kiban => Route::Kiban,
        Provider::TuIdentidad | Provider::Nubarium => Route::TuIdentidad,
    };
    SubmitWorkHistoryRequest {
        provider: route.into(),
        ..submit_request(person.with_names())
    }
}

/// A history job cannot say whether somebody else's lookup was paid for: it fails for that reason, and the lookup is what is
/// settled.
fn is_as_expected(job: &WorkHistoryJob, end: JobState, provider: Provider) -> bool {
    match (end, provider) {
        (JobState::OutcomeUnknown, Provider::Nubarium) => {
            let (reason, failure) = failure_of(job);
            job.state == JobState::Failed && reason == ErrorReason::OutcomeUnknown && !failure.retryable
        }
        (end, _) => job.state == end,
    }
}

/// Every fault at one provider, all at once: each hits a person of its own.
async fn check_breaks(provider: Provider) {
    let sandbox = sandbox().await;
    let options = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("PROVIDERS__KIBAN__CALL_TIMEOUT", "3s")
        .set("PROVIDERS__TUIDENTIDAD__CALL_TIMEOUT", "3s")
        .set("PROVIDERS__NUBARIUM__CALL_TIMEOUT", "3s");
    let server = options.start().await;
    let client = server.client();
    let troubles = breaks_that_were_billed();
    let jobs = troubles.iter().map(|trouble| {
        let person = fresh_person();
        hit(&sandbox, &person, rule(trouble.fault.clone()).at(provider));
        let client = client.clone();
        async move {
            let job = to_the_end(&client, request(provider, &person)).await;
            // Asked again without leave: whatever came of the first time is the answer.
            let again = to_the_end(&client, request(provider, &person)).await;
            (trouble, person, job, again)
        }
    });
    let mut wrong = Vec::new();
    for (trouble, person, job, again) in futures::future::join_all(jobs).await {
        for (when, job) in [("at first", &job), ("again", &again)] {
            if !is_as_expected(job, trouble.end, provider) {
                wrong.push(format!("{} {when}: {:?} {:?}", trouble.name, job.state, job.failure));
            }
        }
        let charges = booked(&sandbox, provider, &person.curp);
        if charges != 1 {
            wrong.push(format!("{}: {charges} charges", trouble.name));
        }
        if trouble.end == JobState::OutcomeUnknown && job.job_id != again.job_id && provider != Provider::Nubarium {
            wrong.push(format!("{}: the second request got another job", trouble.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(sandbox.books().summary().max_per_provider_and_person, 1);
}

/// I1.
#[tokio::test]
async fn fault_29_no_break_of_the_wire_makes_kiban_charge_twice() {
    check_breaks(Provider::Kiban).await;
}

/// I1.
#[tokio::test]
async fn fault_29_no_break_of_the_wire_makes_tu_identidad_charge_twice() {
    check_breaks(Provider::TuIdentidad).await;
}

/// I1.
#[tokio::test]
async fn fault_29_no_break_of_the_wire_makes_nubarium_charge_twice() {
    check_breaks(Provider::Nubarium).await;
}

/// The operator sees a contract that changed also where it shows in the answer to a poll only.
#[tokio::test]
async fn fault_29_a_contract_that_changed_is_seen_in_a_poll_too() {
    let (server, sandbox) = embedded().await;
    let person = fresh_person();
    let kiban = KibanScenario {
        shape: Some(KibanShape::Unknown),
        ..KibanScenario::default()
    };
    let settings = Settings {
        kiban,
        ..Settings::default()
    };
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let job = to_the_end(&server.client(), by_kiban(&person)).await;
    assert_eq!(failure_of(&job).0, ErrorReason::ProviderContractChanged);
    let changed = async || {
        let status = server.client().get_provider_status().await.unwrap();
        let kiban = status.iter().find(|it| it.provider == Route::Kiban);
        kiban.unwrap().contract_changed
    };
    eventually("the alarm", || async { changed().await.then_some(()) }).await;
    to_the_end(&server.client(), by_kiban(&fresh_person())).await;
    eventually("its end", || async { (!changed().await).then_some(()) }).await;
}

/// I11: the first calls are all told to come back in a second. Three replicas keep to the provider's quota, by its own clock, also
/// when that second is over.
#[tokio::test]
async fn fault_30_a_storm_of_too_many_requests() {
    const JOBS: usize = 18;
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let start = || {
        let options = ServerOptions::new(&store, &sandbox)
            .set("PROVIDERS__KIBAN__RATE_MAX", "5")
            .set("ENGINE__RETRY_TRIES", "100");
        options.start()
    };
    let servers = [start().await, start().await, start().await];
    // Twice what we allow ourselves, and room for calls that a busy machine bunches.
    let quota = Quota {
        requests_per_second: 10.0,
        burst: 6,
    };
    let storm = Fault::TooManyRequests {
        retry_after_s: Some(1),
        billed: false,
    };
    let settings = Settings {
        quota: Some(quota),
        ..Settings::default()
    };
    let settings = settings.fault(FaultRule::from(storm).on(Step::Submit).times(5));
    sandbox.set_provider(Provider::Kiban, Some(settings)).await.unwrap();
    let jobs = (0..JOBS).map(|number| {
        let client = servers[number % 3].client();
        async move { to_the_end(&client, by_kiban(&fresh_person())).await }
    });
    let jobs = futures::future::join_all(jobs).await;
    assert!(jobs.iter().all(|job| job.state == JobState::Succeeded));
    let told = jobs.iter().flat_map(|job| &job.attempts);
    assert_eq!(
        told.filter(|attempt| attempt.reason == ErrorReason::QuotaExceeded)
            .count(),
        5
    );
    let traffic = sandbox.traffic();
    assert_eq!(traffic.providers[&Provider::Kiban].quota_violations, 0);
    assert_eq!(sandbox.books().summary().max_per_provider_and_person, 1);
}

/// Not I11 but its other half: who is told when to come back does not come sooner.
#[tokio::test]
async fn fault_30_too_many_requests_is_waited_out_as_long_as_the_provider_asks() {
    let (server, sandbox) = embedded().await;
    let person = fresh_person();
    let fault = Fault::TooManyRequests {
        retry_after_s: Some(1),
        billed: false,
    };
    hit(&sandbox, &person, rule(fault).at(Provider::Kiban).times(1));
    let job = to_the_end(&server.client(), by_kiban(&person)).await;
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.failure);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
    let (first, second) = (&job.attempts[0], &job.attempts[1]);
    assert_eq!(first.reason, ErrorReason::QuotaExceeded);
    let pause = second.start_time.unwrap().duration_since(first.end_time.unwrap());
    let pause = pause.unwrap();
    assert!(
        pause >= Duration::from_millis(990),
        "it was asked again after {pause:?}"
    );
}

/// I7: the call is never answered, its body never ends, or the document is never ready: each job ends by its deadline, as one that
/// may have been charged.
#[tokio::test]
async fn fault_31_the_provider_never_ends() {
    let sandbox = sandbox().await;
    let server = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("PROVIDERS__CONNECT_TIMEOUT", "500ms")
        .set("PROVIDERS__KIBAN__CALL_TIMEOUT", "1s")
        .set("PROVIDERS__TUIDENTIDAD__CALL_TIMEOUT", "1s")
        .set("PROVIDERS__NUBARIUM__CALL_TIMEOUT", "1s")
        .set("ENGINE__LOOKUP_WAIT_MAX", "3s")
        .set("ENGINE__JOB_DEADLINE", "4s")
        .start()
        .await;
    let (billed, slow) = (true, |chunk_bytes, pause_ms| Fault::SlowBody {
        chunk_bytes,
        pause_ms,
        billed: true,
    });
    let faults = [
        Fault::Hang { billed },
        Fault::HangBody { billed },
        Fault::EndlessBody { billed },
        slow(1, 600_000),
        Fault::Delay { ms: 600_000, billed },
    ];
    let mut people: Vec<Human> = Vec::new();
    for fault in faults {
        let person = fresh_person();
        hit(&sandbox, &person, rule(fault).at(Provider::Kiban));
        people.push(person);
    }
    let never_ready = KibanScenario {
        running_polls: Some(1_000_000),
        ..KibanScenario::default()
    };
    let settings = Settings {
        kiban: never_ready,
        ..Settings::default()
    };
    people.push(fresh_person());
    sandbox
        .set_person(&people.last().unwrap().curp, Some(settings))
        .unwrap();
    let client = server.client();
    let jobs = people.iter().map(|person| to_the_end(&client, by_kiban(person)));
    for job in futures::future::join_all(jobs).await {
        assert_eq!(job.state, JobState::OutcomeUnknown, "{:?}", job.failure);
        assert!(job.end_time.is_some());
    }
    assert!(
        people
            .iter()
            .all(|person| booked(&sandbox, Provider::Kiban, &person.curp) == 1)
    );
}

/// Three replicas whose breaker opens at the first failure, and one failure.
async fn with_an_open_breaker(points: &Failpoints) -> (Redis, Sandbox, [Server; 3]) {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let options = || {
        ServerOptions::new(&store, &sandbox)
            .set("PROVIDERS__KIBAN__BREAKER_FAILURES", "1")
            .set("PROVIDERS__KIBAN__BREAKER_OPEN", "2s")
            .set("PROVIDERS__KIBAN__CALL_TIMEOUT", "4s")
            .set("ENGINE__LEASE", "2s")
    };
    let first = options().held_by(points).start().await;
    let servers = [first, options().start().await, options().start().await];
    let unwell = fresh_person();
    hit(
        &sandbox,
        &unwell,
        rule(Fault::Reset { billed: false }).at(Provider::Kiban),
    );
    to_the_end(&servers[0].client(), by_kiban(&unwell)).await;
    assert_eq!(breaker(&servers[1]).await, BreakerState::Open);
    (redis, sandbox, servers)
}

async fn breaker(server: &Server) -> BreakerState {
    let status = server.client().get_provider_status().await.unwrap();
    let kiban = status.iter().find(|it| it.provider == Route::Kiban);
    kiban.unwrap().breaker_state
}

fn calls(sandbox: &Sandbox) -> usize {
    let traffic = sandbox.traffic();
    let endpoints = traffic.providers[&Provider::Kiban].endpoints.iter();
    let billed = endpoints.filter(|(name, _)| name.starts_with("POST"));
    usize::try_from(billed.map(|(_, count)| count).sum::<u64>()).unwrap()
}

/// I11: many jobs wait on three replicas for a breaker to close. One of them tries, the others wait for what comes of it.
#[tokio::test]
async fn fault_40_a_half_open_breaker_lets_one_probe_through() {
    let (_redis, sandbox, servers) = with_an_open_breaker(&Failpoints::new()).await;
    let before = calls(&sandbox);
    let slow = Settings {
        latency: Some(MsRange::fixed(1_500)),
        ..Settings::default()
    };
    sandbox.set_provider(Provider::Kiban, Some(slow)).await.unwrap();
    let jobs: Vec<_> = (0..9)
        .map(|number: usize| {
            let client = servers[number % 3].client();
            tokio::spawn(async move { to_the_end(&client, by_kiban(&fresh_person())).await })
        })
        .collect();
    eventually("the answer to the probe", || async {
        // Looked at in this order: whoever called before the answer was there is no follower of it.
        let (made, charges) = (calls(&sandbox) - before, sandbox.books().charges());
        let is_answered = charges.iter().any(|charge| charge.delivered);
        assert!(is_answered || made <= 1, "{made} calls before the first was answered");
        is_answered.then_some(())
    })
    .await;
    sandbox.set_provider(Provider::Kiban, None).await.unwrap();
    for job in jobs {
        let job = within("a job", PATIENCE, job).await.unwrap();
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.failure);
    }
    assert_eq!(breaker(&servers[0]).await, BreakerState::Closed);
    assert_eq!(sandbox.books().summary().max_per_provider_and_person, 1);
}

/// I11, I15: the replica with the probe dies. Its place is free again when its call could no longer be under way, and another job is
/// the next probe.
#[tokio::test]
async fn fault_40_a_probe_dies_with_its_replica() {
    let points = Failpoints::new();
    let (_redis, sandbox, mut servers) = with_an_open_breaker(&points).await;
    // The first to come now is the probe.
    eventually("the breaker to be half open", || async {
        (breaker(&servers[0]).await == BreakerState::HalfOpen).then_some(())
    })
    .await;
    points.arm("about_to_send");
    // The job waits for the breaker, and any replica may be the one that finds it due: here it is to be the first.
    for other in &servers[1..] {
        other.signal("STOP");
    }
    servers[0]
        .client()
        .submit_work_history(by_kiban(&fresh_person()))
        .await
        .unwrap();
    points.reached("about_to_send").await;
    for other in &servers[1..] {
        other.signal("CONT");
    }
    let waiting: Vec<_> = (0..4)
        .map(|number: usize| {
            let client = servers[1 + number % 2].client();
            tokio::spawn(async move { to_the_end(&client, by_kiban(&fresh_person())).await })
        })
        .collect();
    servers[0].kill();
    for job in waiting {
        let job = within("a job", PATIENCE, job).await.unwrap();
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.failure);
    }
    assert_eq!(breaker(&servers[1]).await, BreakerState::Closed);
    assert_eq!(sandbox.books().summary().max_per_provider_and_person, 1);
}
