//! From a person to a work history by both routes, on the embedded store: what comes, what it cost, and that it costs once.

use futures::TryStreamExt as _;
use semanas_client::raw::v1::{ListChargesRequest, LookupNssRequest, SubmitWorkHistoryRequest};
use semanas_client::{ChargeState, Disposition, JobState, OutcomeClass, Provider as Route, Step, WorkHistory};
use semanas_client::{Client, JobChange};
use semanas_sandbox::{MsRange, Provider, Settings};
use serde_json::Value;

use crate::harness::*;

const CURP: &str = "GOAA970724HYNNNL08";

fn by(provider: Route, person: &Human) -> SubmitWorkHistoryRequest {
    SubmitWorkHistoryRequest {
        provider: provider.into(),
        ..submit_request(person.with_names())
    }
}

/// The same facts as the sandbox's control API gives them, from our answer.
fn as_the_sandbox_says(history: &WorkHistory) -> Value {
    let date = |date: &semanas_client::Date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day);
    let rows = history.employments.iter().map(|row| {
        let salary = row.daily_base_salary.as_ref().unwrap();
        assert_eq!((salary.currency_code.as_str(), salary.nanos % 10_000_000), ("MXN", 0));
        assert_eq!(row.current, row.end_date.is_none());
        serde_json::json!({
            "employer": row.employer,
            "registro_patronal": row.registro_patronal,
            "entity": row.federal_entity,
            "start": row.start_date.as_ref().map(date),
            "end": row.end_date.as_ref().map(date),
            "daily_base_salary": format!("{}.{:02}", salary.units, salary.nanos / 10_000_000),
            "movements": row.movements.len(),
        })
    });
    let weeks = history.weeks.as_ref().unwrap();
    serde_json::json!({
        "weeks": {
            "quoted": weeks.quoted, "discounted": weeks.discounted,
            "reintegrated": weeks.reintegrated, "total": weeks.total,
        },
        "employments": rows.collect::<Vec<_>>(),
    })
}

async fn sandbox_history(sandbox: &Sandbox, curp: &str) -> Value {
    let url = format!("{}/people/{curp}", sandbox.control_url());
    let mut person: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    person["history"].take()
}

async fn charges(client: &Client, job_id: &str) -> Vec<(Route, Step, ChargeState, OutcomeClass)> {
    let request = ListChargesRequest {
        job_id: job_id.to_owned(),
        ..ListChargesRequest::default()
    };
    let rows = client
        .list_charges(request)
        .map_ok(|row| (row.provider, row.step, row.state, row.outcome_class));
    rows.try_collect().await.unwrap()
}

#[tokio::test]
async fn kiban_gives_the_history_that_it_has_and_is_paid_once() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let (client, person) = (server.client(), listed_person(CURP));

    let mut watch = client.submit_and_watch(by(Route::Kiban, &person)).await.unwrap();
    let (mut sequences, mut ended) = (Vec::new(), None);
    while let Some(update) = watch.next().await {
        let update = update.unwrap();
        match &update.change {
            JobChange::Snapshot { job, .. } => sequences.push(job.event_sequence),
            JobChange::Event(event) => sequences.push(event.sequence),
            JobChange::Stale { .. } => panic!("stale was not asked for"),
        }
        assert!(ended.is_none(), "nothing follows the terminal update");
        ended = update.is_terminal.then(|| update.job().unwrap().clone());
    }
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1), "{sequences:?}");
    let job = ended.unwrap();
    assert_eq!(job.state, JobState::Succeeded);
    assert_eq!(job, client.get_work_history(&job.job_id, None).await.unwrap());

    let history = job.work_history.as_ref().unwrap();
    assert_eq!(as_the_sandbox_says(history), sandbox_history(&sandbox, CURP).await);
    let whom = history.person.as_ref().unwrap();
    assert_eq!((whom.curp.as_str(), whom.nss.as_str()), (CURP, "12345678903"));
    assert_eq!(whom.full_name, "JOSE ALBERTO GONZALEZ ANGULO");
    assert_eq!(history.weeks.as_ref().unwrap().reconciles, Some(true));
    assert_eq!(history.employments[0].federal_entity_code, "MX-YUC");
    assert_eq!(history.employment_count, 3);
    let provenance = history.provenance.as_ref().unwrap();
    let line = &sandbox.books().charges()[0];
    assert_eq!(provenance.provider, Route::Kiban);
    assert_eq!(provenance.provider_reference, line.reference);
    assert!(provenance.retrieve_time.is_some() && !provenance.adapter_version.is_empty());
    assert!(history.nss_provenance.is_none(), "no NSS was looked up");

    let attempt = &job.attempts[0];
    assert_eq!((job.attempts.len(), attempt.charge), (1, ChargeState::Yes));
    let paid = (
        Route::Kiban,
        Step::FetchHistory,
        ChargeState::Yes,
        OutcomeClass::Answered,
    );
    assert_eq!(charges(&client, &job.job_id).await, [paid]);

    let again = client.submit_work_history(by(Route::Kiban, &person)).await.unwrap();
    assert_eq!(again.disposition, Disposition::Reused);
    assert_eq!(again.job.work_history, job.work_history);
    assert_eq!(sandbox.books().charges().len(), 1);
}

#[tokio::test]
async fn the_route_by_nss_buys_the_nss_and_the_history_once_each() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let (client, person) = (server.client(), listed_person(CURP));

    let job = to_the_end(&client, submit_request(person.by_curp())).await;
    assert_eq!(job.state, JobState::Succeeded);
    let history = job.work_history.as_ref().unwrap();
    assert_eq!(as_the_sandbox_says(history), sandbox_history(&sandbox, CURP).await);
    assert_eq!(history.provenance.as_ref().unwrap().provider, Route::TuIdentidad);
    let source = history.nss_provenance.as_ref().unwrap();
    assert_eq!(source.provider, Route::Nubarium);
    let nss_line = &sandbox.books().matching(Some(Provider::Nubarium), Some(CURP))[0];
    assert_eq!(source.provider_reference, nss_line.reference);

    let steps: Vec<_> = job
        .attempts
        .iter()
        .map(|it| (it.provider, it.step, it.charge, it.shared))
        .collect();
    let expected = [
        (Route::Nubarium, Step::FindNss, ChargeState::Yes, true),
        (Route::TuIdentidad, Step::FetchHistory, ChargeState::Yes, false),
    ];
    assert_eq!(steps, expected);

    let lookup = LookupNssRequest {
        curp: CURP.to_owned(),
        ..LookupNssRequest::default()
    };
    let found = client.lookup_nss(lookup).await.unwrap();
    assert_eq!(
        (found.nss.as_str(), found.disposition),
        ("12345678903", Disposition::Reused)
    );
    assert_eq!(found.provenance.as_ref(), Some(source));

    let again = client
        .submit_work_history(submit_request(person.by_curp()))
        .await
        .unwrap();
    assert_eq!(again.disposition, Disposition::Reused);
    assert_eq!(sandbox.books().charges().len(), 2, "one NSS and one history");
}

#[tokio::test]
async fn both_providers_tell_the_same_history_of_everybody_whom_they_know() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let client = server.client();
    let curps = [
        "PEMJ920906HNLRRS00",
        "SASO750909HDFNNS05",
        "PEXL750909HDFRXS02",
        "BASJ841209XCLNCS02",
        "MUBA850314MJCXRN03",
        "NUGI800229HYNXRR03",
        "TOSD950623MSLRLN04",
        "RIFU740404HSRVLL01",
        "VAGE620228MOCRTS04",
        "HELO881205HMNRNC04",
    ];
    for curp in curps {
        let person = listed_person(curp);
        let truth = sandbox_history(&sandbox, curp).await;
        for provider in [Route::Kiban, Route::TuIdentidad] {
            let job = to_the_end(&client, by(provider, &person)).await;
            let history = job
                .work_history
                .as_ref()
                .unwrap_or_else(|| panic!("{curp} by {provider:?}: {:?}", job.failure));
            assert_eq!(as_the_sandbox_says(history), truth, "{curp} by {provider:?}");
        }
    }
    assert_eq!(sandbox.books().summary().max_per_provider_and_person, 1);
}

#[tokio::test]
async fn a_lookup_is_bought_once_and_joined_by_all_who_ask() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let lookups = (0..20).map(|_| {
        let (client, curp) = (server.client(), CURP.to_owned());
        async move {
            let request = LookupNssRequest {
                curp,
                ..LookupNssRequest::default()
            };
            client.lookup_nss(request).await.unwrap()
        }
    });
    let answers = futures::future::join_all(lookups).await;
    let started = answers
        .iter()
        .filter(|it| it.disposition == Disposition::Started)
        .count();
    assert_eq!(started, 1);
    assert!(answers.iter().all(|it| it.nss == "12345678903"));
    assert_eq!(booked(&sandbox, Provider::Nubarium, CURP), 1);
}

#[tokio::test]
async fn a_limit_cuts_the_answer_and_never_the_purchase() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let (client, person) = (server.client(), listed_person(CURP));
    let narrow = SubmitWorkHistoryRequest {
        limit: 1,
        ..by(Route::Kiban, &person)
    };
    let job = to_the_end(&client, narrow).await;
    let history = job.work_history.unwrap();
    assert_eq!((history.employments.len(), history.employment_count), (1, 3));
    let wide = to_the_end(&client, by(Route::Kiban, &person)).await;
    assert_eq!(wide.work_history.unwrap().employments.len(), 3);
    assert_eq!(booked(&sandbox, Provider::Kiban, CURP), 1);
}

#[tokio::test]
async fn a_kiban_that_refuses_our_key_is_passed_over_for_the_other_route() {
    let sandbox = sandbox().await;
    let options = ServerOptions::new(&Store::sqlite(), &sandbox).set("PROVIDERS__KIBAN__API_KEY", "wrong");
    let server = options.start().await;
    let person = listed_person(CURP);
    let job = to_the_end(&server.client(), submit_request(person.with_names())).await;
    assert_eq!(job.state, JobState::Succeeded);
    let classes: Vec<_> = job.attempts.iter().map(|it| (it.provider, it.outcome_class)).collect();
    let expected = [
        (Route::Kiban, OutcomeClass::Rejected),
        (Route::Nubarium, OutcomeClass::Answered),
        (Route::TuIdentidad, OutcomeClass::Answered),
    ];
    assert_eq!(classes, expected);
    assert_eq!(booked(&sandbox, Provider::Kiban, CURP), 0);
}

#[tokio::test]
async fn what_was_paid_for_is_still_there_after_a_restart() {
    let sandbox = sandbox().await;
    let mut server = Server::start(&Store::sqlite(), &sandbox).await;
    let person = listed_person(CURP);
    let job = to_the_end(&server.client(), by(Route::Kiban, &person)).await;
    server.kill();
    server.start_again().await;
    let again = server
        .client()
        .submit_work_history(by(Route::Kiban, &person))
        .await
        .unwrap();
    assert_eq!(again.disposition, Disposition::Reused);
    assert_eq!(again.job, job);
    assert_eq!(sandbox.books().charges().len(), 1);
}

#[tokio::test]
async fn a_lone_replica_killed_during_a_billed_call_knows_after_its_restart_that_it_may_have_paid() {
    let sandbox = sandbox().await;
    let mut server = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("PROVIDERS__KIBAN__CALL_TIMEOUT", "3s")
        .start()
        .await;
    let person = listed_person(CURP);
    let slow = Settings {
        latency: Some(MsRange::fixed(2_500)),
        ..Settings::default()
    };
    sandbox.set_person(CURP, Some(slow)).unwrap();
    server
        .client()
        .submit_work_history(by(Route::Kiban, &person))
        .await
        .unwrap();
    eventually("the charge", || async {
        (booked(&sandbox, Provider::Kiban, CURP) == 1).then_some(())
    })
    .await;
    server.kill();
    server.start_again().await;
    let job = to_the_end(&server.client(), by(Route::Kiban, &person)).await;
    assert_eq!(job.state, JobState::OutcomeUnknown);
    assert_eq!(booked(&sandbox, Provider::Kiban, CURP), 1);
}
