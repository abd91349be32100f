//! An operator settles what nobody else can know: in every case where money is in question, by RPC and by command line, with
//! yes and with no, once; and afterwards the person can be asked for again.

use semanas_client::raw::v1::{
    ListChargesRequest, LookupNssRequest, ResolveWorkHistoryRequest, SubmitWorkHistoryRequest,
};
use semanas_client::{Charge, ChargeState, Disposition, ErrorReason, JobState, Provider as Route, WorkHistoryJob};
use semanas_client::{Client, Error};
use semanas_sandbox::{Fault, KibanScenario, Provider, Settings};

use crate::harness::*;

/// A person whose job left money in question, and which job is to be settled.
struct Case {
    request: SubmitWorkHistoryRequest,
    job_id: String,
    provider: Provider,
    person: Human,
}

/// Kiban took the call and then said nothing.
async fn silence(client: &Client, sandbox: &Sandbox) -> Case {
    let person = fresh_person();
    hit(sandbox, &person, Provider::Kiban, Fault::Close { billed: true });
    let request = by_kiban(&person);
    let job = to_the_end(client, request.clone()).await;
    assert_eq!(job.state, JobState::OutcomeUnknown);
    Case {
        request,
        job_id: job.job_id,
        provider: Provider::Kiban,
        person,
    }
}

/// Kiban took the call and then failed in words of its own: FAILED, and perhaps charged.
async fn failure(client: &Client, sandbox: &Sandbox) -> Case {
    let person = fresh_person();
    let settings = Settings {
        kiban: KibanScenario {
            status: Some("SERVICE_UNAVAILABLE".to_owned()),
            ..KibanScenario::default()
        },
        ..Settings::default()
    };
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let request = by_kiban(&person);
    let job = to_the_end(client, request.clone()).await;
    let (reason, failure) = failure_of(&job);
    assert_eq!(
        (job.state, reason, failure.retryable),
        (JobState::Failed, ErrorReason::ProviderUnavailable, false)
    );
    Case {
        request,
        job_id: job.job_id,
        provider: Provider::Kiban,
        person,
    }
}

/// Nubarium took the call for an NSS: the history job fails, and the lookup is what is settled.
async fn lost_lookup(client: &Client, sandbox: &Sandbox) -> Case {
    let person = fresh_person();
    hit(sandbox, &person, Provider::Nubarium, Fault::Close { billed: true });
    let request = SubmitWorkHistoryRequest {
        provider: Route::TuIdentidad.into(),
        ..submit_request(person.by_curp())
    };
    let job = to_the_end(client, request.clone()).await;
    let (reason, failure) = failure_of(&job);
    assert_eq!((reason, failure.retryable), (ErrorReason::OutcomeUnknown, false));
    let query = ListChargesRequest {
        states: vec![ChargeState::Unknown.into()],
        provider: Route::Nubarium.into(),
        ..ListChargesRequest::default()
    };
    let rows = charges(client, query).await;
    let job_id = rows[0].job_id.clone();
    assert!(job_id.starts_with("nss_"), "{job_id}");
    Case {
        request,
        job_id,
        provider: Provider::Nubarium,
        person,
    }
}

fn hit(sandbox: &Sandbox, person: &Human, provider: Provider, fault: Fault) {
    let settings = Settings::default().fault(rule(fault).at(provider).times(1));
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
}

async fn resolve(client: &Client, job_id: &str, charge: ChargeState) -> Result<WorkHistoryJob, Error> {
    let request = ResolveWorkHistoryRequest {
        job_id: job_id.to_owned(),
        charge: charge.into(),
        note: "told by telephone".to_owned(),
    };
    client.resolve_work_history(request).await
}

async fn charges(client: &Client, query: ListChargesRequest) -> Vec<Charge> {
    let mut pages = client.list_charges(query);
    let mut rows = Vec::new();
    while let Some(row) = pages.next().await {
        rows.push(row.unwrap());
    }
    rows
}

async fn rows_of(client: &Client, job_id: &str) -> Vec<(ChargeState, String)> {
    let query = ListChargesRequest {
        job_id: job_id.to_owned(),
        ..ListChargesRequest::default()
    };
    let rows = charges(client, query).await;
    rows.iter().map(|row| (row.state, row.note.clone())).collect()
}

/// Before: the same request pays for nothing. After, whichever word it was: it begins anew and is answered.
async fn check(client: &Client, sandbox: &Sandbox, case: Case, charge: ChargeState) {
    let before = to_the_end(client, case.request.clone()).await;
    assert_ne!(
        before.state,
        JobState::Succeeded,
        "nothing is bought while money is in question"
    );
    let paid = booked(sandbox, case.provider, &case.person.curp);
    assert!(paid <= 1);

    let settled = resolve(client, &case.job_id, charge).await.unwrap();
    assert_eq!(settled.settlement.unwrap().charge, charge);
    assert_eq!(
        rows_of(client, &case.job_id).await,
        [(charge, "told by telephone".to_owned())]
    );
    // An operator's word stands: a second one, the same or another, changes nothing.
    for again in [charge, ChargeState::Yes, ChargeState::No] {
        let refused = resolve(client, &case.job_id, again).await.unwrap_err();
        assert_eq!(refused.known_reason(), ErrorReason::JobNotResolvable);
    }
    assert_eq!(rows_of(client, &case.job_id).await[0].0, charge);

    let_go(sandbox, &case.person);
    let next = client.submit_work_history(case.request.clone()).await.unwrap();
    assert_eq!(next.disposition, Disposition::Started);
    let ended = to_the_end(client, case.request).await;
    assert_eq!(ended.state, JobState::Succeeded, "{:?}", ended.failure);
    assert_eq!(
        booked(sandbox, case.provider, &case.person.curp),
        paid + 1,
        "the one that was settled, and the one that was asked for"
    );
}

#[tokio::test]
async fn whatever_left_money_in_question_is_settled_with_yes_and_with_no() {
    let (server, sandbox) = embedded().await;
    let client = server.client();
    for charge in [ChargeState::Yes, ChargeState::No] {
        check(&client, &sandbox, silence(&client, &sandbox).await, charge).await;
        check(&client, &sandbox, failure(&client, &sandbox).await, charge).await;
        check(&client, &sandbox, lost_lookup(&client, &sandbox).await, charge).await;
    }
}

#[tokio::test]
async fn the_same_holds_on_redis() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let client = server.client();
    check(&client, &sandbox, silence(&client, &sandbox).await, ChargeState::Yes).await;
    check(&client, &sandbox, lost_lookup(&client, &sandbox).await, ChargeState::No).await;
}

#[tokio::test]
async fn a_lookup_by_itself_is_settled_too() {
    let (server, sandbox) = embedded().await;
    let (client, person) = (server.blunt_client(), fresh_person());
    hit(&sandbox, &person, Provider::Nubarium, Fault::Close { billed: true });
    let lookup = LookupNssRequest {
        curp: person.curp.clone(),
        ..LookupNssRequest::default()
    };
    let refused = client.lookup_nss(lookup.clone()).await.unwrap_err();
    assert_eq!(refused.known_reason(), ErrorReason::OutcomeUnknown);
    let rows = charges(&client, ListChargesRequest::default()).await;
    resolve(&client, &rows[0].job_id, ChargeState::Yes).await.unwrap();
    client.lookup_nss(lookup).await.unwrap();
}

#[tokio::test]
async fn a_job_without_money_in_question_is_not_settled() {
    let (server, sandbox) = embedded().await;
    let client = server.blunt_client();
    let succeeded = to_the_end(&server.client(), by_kiban(&fresh_person())).await;
    let held = fresh_person();
    hold_document(&sandbox, &held);
    let running = client.submit_work_history(by_kiban(&held)).await.unwrap().job;
    for job in [succeeded, running] {
        let refused = resolve(&client, &job.job_id, ChargeState::No).await.unwrap_err();
        assert_eq!(refused.known_reason(), ErrorReason::JobNotResolvable);
    }
    let nobody = "wh_0193e5a0c2d17f9ab3c4a5d6e7f8091201";
    let refused = resolve(&client, nobody, ChargeState::No).await.unwrap_err();
    assert_eq!(refused.known_reason(), ErrorReason::JobNotFound);
}

#[tokio::test]
async fn the_command_line_settles_and_says_what_it_did_or_why_not() {
    let (server, sandbox) = embedded().await;
    let client = server.client();
    let folder = tempfile::tempdir().unwrap();
    let address = server.grpc();
    let run = |arguments: Vec<String>| {
        let (folder, address) = (folder.path().to_owned(), address.clone());
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            semanas(&folder, &arguments, &[("SEMANAS_SERVER", address.as_str())]).await
        }
    };
    let resolve = |id: &str, charged: &str| {
        let words = ["resolve", id, "--charged", charged, "--note", "ticket 4711"];
        run(words.map(str::to_owned).to_vec())
    };
    for (case, charged, state) in [
        (silence(&client, &sandbox).await, "no", ChargeState::No),
        (failure(&client, &sandbox).await, "yes", ChargeState::Yes),
        (lost_lookup(&client, &sandbox).await, "no", ChargeState::No),
    ] {
        let unknown = run(["charges", "--state", "unknown"].map(str::to_owned).to_vec()).await;
        assert!(unknown.expect_code(0).stdout.contains(&case.job_id));
        let said = resolve(&case.job_id, charged).await.expect_code(0).stdout;
        assert!(said.contains(&case.job_id) && said.contains("ticket 4711"), "{said}");
        assert_eq!(
            rows_of(&client, &case.job_id).await,
            [(state, "ticket 4711".to_owned())]
        );
        let again = resolve(&case.job_id, charged).await;
        assert_ne!(again.code, Some(0));
        again.expect_complaint(&["JOB_NOT_RESOLVABLE"]);
    }
    let nobody = resolve("wh_0193e5a0c2d17f9ab3c4a5d6e7f8091201", "no").await;
    nobody.expect_complaint(&["JOB_NOT_FOUND"]);
}
