//! Never pay twice for one answer, whatever the wire does: after each fault the provider's own books hold at most one charge of
//! a person, also when the same request is made again.

use std::time::Duration;

use semanas_client::raw::v1::{LookupNssRequest, ResolveWorkHistoryRequest, SubmitWorkHistoryRequest};
use semanas_client::{ChargeState, ErrorReason, JobState, Provider as Route, WorkHistoryJob};
use semanas_sandbox::{Fault, FaultRule, Provider, Settings};

use crate::harness::*;

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
    vec![
        trouble("reset", Fault::Reset { billed: true }, OutcomeUnknown),
        trouble("close", Fault::Close { billed: true }, OutcomeUnknown),
        trouble(
            "500",
            Fault::ServerError {
                status: 500,
                billed: true,
            },
            OutcomeUnknown,
        ),
        trouble("truncated body", Fault::TruncatedBody { billed: true }, OutcomeUnknown),
        trouble("broken JSON", Fault::BrokenJson { billed: true }, OutcomeUnknown),
        trouble("hang", Fault::Hang { billed: true }, OutcomeUnknown),
        trouble("hanging body", Fault::HangBody { billed: true }, OutcomeUnknown),
        trouble("endless body", Fault::EndlessBody { billed: true }, OutcomeUnknown),
        trouble(
            "HTML",
            Fault::Html {
                status: 200,
                billed: true,
            },
            OutcomeUnknown,
        ),
        trouble(
            "empty body",
            Fault::EmptyBody {
                status: 200,
                billed: true,
            },
            OutcomeUnknown,
        ),
        trouble(
            "redirect",
            Fault::Redirect {
                status: 307,
                location: "http://moved.invalid/".to_owned(),
                billed: true,
            },
            OutcomeUnknown,
        ),
        trouble(
            "another content type",
            Fault::ContentType {
                value: "text/plain".to_owned(),
                billed: true,
            },
            Succeeded,
        ),
        trouble("slowness", Fault::Delay { ms: 300, billed: true }, Succeeded),
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

fn hit(sandbox: &Sandbox, person: &Human, rule: FaultRule) {
    let settings = Settings::default().fault(rule);
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
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

#[tokio::test]
async fn no_break_of_the_wire_makes_kiban_charge_twice() {
    check_breaks(Provider::Kiban).await;
}

#[tokio::test]
async fn no_break_of_the_wire_makes_tu_identidad_charge_twice() {
    check_breaks(Provider::TuIdentidad).await;
}

#[tokio::test]
async fn no_break_of_the_wire_makes_nubarium_charge_twice() {
    check_breaks(Provider::Nubarium).await;
}

#[tokio::test]
async fn a_lookup_whose_outcome_is_unknown_says_so_and_is_not_bought_again_without_leave() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let (client, person) = (server.blunt_client(), fresh_person());
    hit(
        &sandbox,
        &person,
        rule(Fault::Close { billed: true }).at(Provider::Nubarium).times(1),
    );
    let lookup = LookupNssRequest {
        curp: person.curp.clone(),
        ..LookupNssRequest::default()
    };
    for _ in 0..2 {
        let refused = client.lookup_nss(lookup.clone()).await.unwrap_err();
        assert_eq!(refused.known_reason(), ErrorReason::OutcomeUnknown);
    }
    assert_eq!(booked(&sandbox, Provider::Nubarium, &person.curp), 1);
    let with_leave = LookupNssRequest {
        allow_repeat_charge: true,
        ..lookup
    };
    client.lookup_nss(with_leave).await.unwrap();
    assert_eq!(
        booked(&sandbox, Provider::Nubarium, &person.curp),
        2,
        "with leave it is paid again"
    );
}

#[tokio::test]
async fn an_operator_settles_an_unknown_outcome_and_the_person_can_be_asked_for_again() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let (client, person) = (server.client(), fresh_person());
    hit(
        &sandbox,
        &person,
        rule(Fault::Reset { billed: false }).at(Provider::Kiban).times(1),
    );
    let job = to_the_end(&client, request(Provider::Kiban, &person)).await;
    assert_eq!(job.state, JobState::OutcomeUnknown);
    let settled = client
        .resolve_work_history(ResolveWorkHistoryRequest {
            job_id: job.job_id.clone(),
            charge: ChargeState::No.into(),
            note: "not in their books".to_owned(),
        })
        .await
        .unwrap();
    assert_eq!(settled.settlement.unwrap().charge, ChargeState::No);
    let next = to_the_end(&client, request(Provider::Kiban, &person)).await;
    assert_eq!(next.state, JobState::Succeeded);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
}

/// A fault that costs nothing is tried again until the provider is well.
async fn check_retried(fault: Fault, times: u32) -> WorkHistoryJob {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let person = fresh_person();
    hit(&sandbox, &person, rule(fault).at(Provider::Kiban).times(times));
    let job = to_the_end(&server.client(), request(Provider::Kiban, &person)).await;
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.failure);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
    job
}

#[tokio::test]
async fn too_many_requests_is_waited_out_as_long_as_the_provider_asks() {
    let fault = Fault::TooManyRequests {
        retry_after_s: Some(1),
        billed: false,
    };
    let job = check_retried(fault, 1).await;
    let (first, second) = (&job.attempts[0], &job.attempts[1]);
    assert_eq!(first.reason, ErrorReason::QuotaExceeded);
    let pause = second.start_time.unwrap().duration_since(first.end_time.unwrap());
    let pause = pause.unwrap();
    assert!(
        pause >= Duration::from_millis(990),
        "it was asked again after {pause:?}"
    );
}

#[tokio::test]
async fn a_provider_that_does_not_listen_costs_nothing_and_is_tried_again() {
    let sandbox = sandbox().await;
    // Enough tries to outlast the pause, however slow the machine is.
    let options = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("ENGINE__RETRY_TRIES", "1000")
        .set("ENGINE__RETRY_FIRST", "200ms")
        .set("ENGINE__RETRY_MAX", "200ms");
    let server = options.start().await;
    let (client, person) = (server.client(), fresh_person());
    let refuse = Settings::default().fault(Fault::Refuse);
    sandbox.set_provider(Provider::Kiban, Some(refuse)).await.unwrap();
    let job = client
        .submit_work_history(request(Provider::Kiban, &person))
        .await
        .unwrap()
        .job;
    eventually("two tries that were not sent", || async {
        let job = client.get_work_history(job.job_id.as_str(), None).await.unwrap();
        (job.attempts.len() >= 2).then_some(())
    })
    .await;
    sandbox.set_provider(Provider::Kiban, None).await.unwrap();
    let job = to_the_end(&client, request(Provider::Kiban, &person)).await;
    assert_eq!(job.state, JobState::Succeeded);
    let (last, before) = job.attempts.split_last().unwrap();
    assert!(before.iter().all(|attempt| attempt.charge == ChargeState::No));
    assert_eq!(last.charge, ChargeState::Yes);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
}
