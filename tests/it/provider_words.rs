//! Every word that a provider documents leads to the end that is documented for it: Kiban's test cases, Tu Identidad's WH codes,
//! Nubarium's codigoMensaje. One table for each provider.

use semanas_client::Client;
use semanas_client::Code;
use semanas_client::raw::v1::{LookupNssRequest, Subject, SubmitWorkHistoryRequest};
use semanas_client::{ChargeState, ErrorReason, JobState, Provider as Route, WorkHistoryJob};
use semanas_sandbox::{
    KibanInner, KibanScenario, NubariumOutcome, NubariumScenario, Provider, Settings, TuIdentidadScenario,
};

use crate::harness::*;

/// How a job is to end: its state, and the reason if it has one.
type End = (JobState, Option<ErrorReason>);

const SUCCEEDED: End = (JobState::Succeeded, None);

const fn failed(reason: ErrorReason) -> End {
    (JobState::Failed, Some(reason))
}

const fn unknown() -> End {
    (JobState::OutcomeUnknown, Some(ErrorReason::OutcomeUnknown))
}

fn end_of(job: &WorkHistoryJob) -> End {
    (job.state, job.failure.as_ref().map(|failure| failure.reason))
}

#[tokio::test]
async fn each_test_case_of_kiban_ends_as_its_name_says() {
    let sandbox = sandbox().await;
    let options = ServerOptions::new(&Store::sqlite(), &sandbox).set("ENGINE__TEST_CASES_ALLOWED", "true");
    let server = options.start().await;
    let table = [
        ("663567bb713cf2110a1106c3", failed(ErrorReason::InvalidCurp)),
        ("672a749eda95cf0a4c372faf", failed(ErrorReason::NssNotFound)),
        ("663567bb713cf2110a1106c2", SUCCEEDED),
        ("663567bb713cf2110a1106c5", failed(ErrorReason::ProviderUnavailable)),
    ];
    let person = listed_person("GOAA970724HYNNNL08");
    for (id, expected) in table {
        let request = SubmitWorkHistoryRequest {
            test_case_id: id.to_owned(),
            provider: Route::Kiban.into(),
            ..submit_request(person.with_names())
        };
        let job = to_the_end(&server.client(), request).await;
        assert_eq!(end_of(&job), expected, "test case {id}");
        assert_eq!(job.test_case_id, id);
    }
    assert!(sandbox.books().charges().is_empty(), "test cases are free");
}

#[tokio::test]
async fn a_test_case_is_refused_where_it_is_not_allowed() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let request = SubmitWorkHistoryRequest {
        test_case_id: "663567bb713cf2110a1106c2".to_owned(),
        provider: Route::Kiban.into(),
        ..submit_request(fresh_person().with_names())
    };
    let refused = server.client().submit_work_history(request).await.unwrap_err();
    assert_eq!(refused.known_reason(), ErrorReason::InvalidRequest);
}

/// Submits to Tu Identidad alone, for a person with a known NSS.
async fn by_nss(client: &Client, person: &Human) -> WorkHistoryJob {
    let request = SubmitWorkHistoryRequest {
        provider: Route::TuIdentidad.into(),
        ..submit_request(Subject {
            nss: "12345678903".to_owned(),
            ..person.by_curp()
        })
    };
    to_the_end(client, request).await
}

#[tokio::test]
async fn each_code_of_tu_identidad_ends_as_documented() {
    use ErrorReason::{InvalidRequest, ProviderUnavailable, WorkHistoryNotFound};
    let sandbox = sandbox().await;
    let server = ServerOptions::new(&Store::sqlite(), &sandbox).start().await;
    // Code, end, charge of the last attempt, billed calls, charges in the provider's books.
    let unavailable = (failed(ProviderUnavailable), ChargeState::No, 3, 0);
    let malformed = (failed(InvalidRequest), ChargeState::No, 1, 0);
    let undocumented = (failed(ProviderUnavailable), ChargeState::Unknown, 1, 1);
    let table = [
        ("WH001", unavailable),
        ("WH002", unavailable),
        ("WH003", unavailable),
        ("WH005", unavailable),
        ("WH007", (failed(WorkHistoryNotFound), ChargeState::Yes, 1, 1)),
        ("WH008", (SUCCEEDED, ChargeState::Yes, 1, 1)),
        ("WH009", undocumented),
        ("WH010", undocumented),
        ("WH011", undocumented),
        ("WH012", undocumented),
        ("WH013", undocumented),
        ("WH014", malformed),
        ("WH015", undocumented),
        ("WH016", undocumented),
        ("WH017", undocumented),
        ("WH018", undocumented),
        ("WH019", undocumented),
        ("WH020", malformed),
    ];
    let mut wrong = Vec::new();
    for (code, (end, charge, calls, charges)) in table {
        let person = fresh_person();
        let tuidentidad = TuIdentidadScenario {
            code: Some(code.to_owned()),
            ..TuIdentidadScenario::default()
        };
        let settings = Settings {
            tuidentidad,
            ..Settings::default()
        };
        sandbox.set_person(&person.curp, Some(settings)).unwrap();
        let job = by_nss(&server.client(), &person).await;
        let last = job.attempts.last().unwrap();
        let booked = booked(&sandbox, Provider::TuIdentidad, &person.curp);
        let seen = (end_of(&job), last.charge, job.attempts.len(), booked);
        if seen != (end, charge, calls, charges) {
            wrong.push(format!(
                "{code}: {seen:?} instead of {:?}",
                (end, charge, calls, charges)
            ));
        }
        let told = job.failure.as_ref().map(|failure| failure.provider_code.as_str());
        if told.is_some_and(|told| told != code) {
            wrong.push(format!("{code}: the failure names {told:?}"));
        }
        if code == "WH008" {
            let history = job.work_history.as_ref().unwrap();
            let warnings = &history.provenance.as_ref().unwrap().warnings;
            assert!(history.employments.is_empty() && warnings.iter().any(|warning| warning.code == "WH008"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_ticket_of_tu_identidad_is_polled_to_its_result() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let person = listed_person("MASI050805MVZRLRA8");
    let settings = Settings {
        tuidentidad: TuIdentidadScenario {
            ticket: Some(true),
            running_polls: Some(3),
            ..TuIdentidadScenario::default()
        },
        ..Settings::default()
    };
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let job = to_the_end(&server.client(), submit_request(person.by_curp())).await;
    assert_eq!(end_of(&job), SUCCEEDED);
    assert_eq!(booked(&sandbox, Provider::TuIdentidad, &person.curp), 1);
}

#[tokio::test]
async fn a_ticket_that_tu_identidad_does_not_know_any_more_is_an_unknown_outcome() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let person = fresh_person();
    let tuidentidad = TuIdentidadScenario {
        code: Some("WH006".to_owned()),
        ticket: Some(true),
        ..TuIdentidadScenario::default()
    };
    sandbox
        .set_person(
            &person.curp,
            Some(Settings {
                tuidentidad,
                ..Settings::default()
            }),
        )
        .unwrap();
    let job = by_nss(&server.client(), &person).await;
    assert_eq!(end_of(&job), unknown());
    assert_eq!(job.attempts.len(), 1);
    assert_eq!(booked(&sandbox, Provider::TuIdentidad, &person.curp), 1);
}

#[tokio::test]
async fn the_odd_statuses_of_tu_identidad_are_answers_too() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let empty_as_warning = listed_person("PEPL000909HNLRDSA1");
    let empty_as_error = listed_person("OERB560606HZSLSN09");
    for person in [empty_as_warning, empty_as_error] {
        let job = to_the_end(&server.client(), submit_request(person.by_curp())).await;
        assert_eq!(end_of(&job), SUCCEEDED, "{}", person.curp);
        assert!(job.work_history.unwrap().employments.is_empty());
    }
    let partial = to_the_end(
        &server.client(),
        submit_request(listed_person("FUZP900820MTSNMT00").by_curp()),
    )
    .await;
    assert_eq!(end_of(&partial), SUCCEEDED);
    let provenance = partial.work_history.unwrap().provenance.unwrap();
    assert!(provenance.warnings.iter().any(|warning| warning.code == "PARTIAL"));
}

#[tokio::test]
async fn each_code_of_nubarium_ends_a_lookup_and_a_job_as_documented() {
    use NubariumOutcome as Told;
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    // Outcome, reason, gRPC code of the lookup, the provider's code, charges.
    let table = [
        (Told::NoNss, ErrorReason::NssNotFound, Code::NotFound, "1", 1),
        (
            Told::LimitReached,
            ErrorReason::PersonDailyLimit,
            Code::ResourceExhausted,
            "2",
            1,
        ),
        (
            Told::EmailRegistered,
            ErrorReason::EmailRegisteredToOtherCurp,
            Code::FailedPrecondition,
            "3",
            1,
        ),
        (Told::NotInRenapo, ErrorReason::CurpNotInRenapo, Code::NotFound, "4", 1),
        (
            Told::VisitSubdelegacion,
            ErrorReason::VisitSubdelegation,
            Code::FailedPrecondition,
            "5",
            1,
        ),
        (
            Told::InternalError,
            ErrorReason::ProviderUnavailable,
            Code::Unavailable,
            "",
            0,
        ),
    ];
    let client = server.blunt_client();
    for (outcome, reason, code, provider_code, charges) in table {
        let nubarium = NubariumScenario {
            outcome: Some(outcome),
            ..NubariumScenario::default()
        };
        let person = fresh_person();
        let settings = Settings {
            nubarium,
            ..Settings::default()
        };
        sandbox.set_person(&person.curp, Some(settings)).unwrap();

        let job = to_the_end(&client, submit_request(person.by_curp())).await;
        assert_eq!(end_of(&job), failed(reason), "{outcome:?}");
        let failure = job.failure.as_ref().unwrap();
        assert_eq!(
            (failure.provider, failure.provider_code.as_str()),
            (Route::Nubarium, provider_code)
        );
        assert_eq!(failure.retryable, charges == 0, "{outcome:?}");

        let lookup = LookupNssRequest {
            curp: person.curp.clone(),
            ..LookupNssRequest::default()
        };
        let refused = client.lookup_nss(lookup).await.unwrap_err();
        let details = refused.details().unwrap();
        assert_eq!((details.code(), details.known_reason()), (code, reason), "{outcome:?}");
        assert_eq!(details.domain(), "semanas");
        assert_eq!(details.metadata().get("provider").map(String::as_str), Some("nubarium"));
        assert_eq!(
            details.metadata().get("provider_code").map_or("", String::as_str),
            provider_code
        );
        assert_eq!(
            booked(&sandbox, Provider::Nubarium, &person.curp),
            charges,
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn nubariums_code_zero_is_read_however_it_is_written() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    for curp in [
        "BASJ841209XCLNCS02",
        "MUBA850314MJCXRN03",
        "VAGE620228MOCRTS04",
        "GOAA970724HYNNNL08",
    ] {
        let request = LookupNssRequest {
            curp: curp.to_owned(),
            ..LookupNssRequest::default()
        };
        let found = server.client().lookup_nss(request).await.unwrap();
        assert_eq!(found.nss, nss_of(curp));
    }
}

#[tokio::test]
async fn each_end_of_kiban_is_read_from_inside_its_document() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let inner = |inner| KibanScenario {
        inner: Some(inner),
        ..KibanScenario::default()
    };
    let word = |status: &str| KibanScenario {
        status: Some(status.to_owned()),
        ..KibanScenario::default()
    };
    let refusal = |status| KibanScenario {
        submit_status: Some(status),
        ..KibanScenario::default()
    };
    // Scenario, end, charge of the last attempt.
    let table = [
        (
            "inner not found",
            inner(KibanInner::NotFound),
            failed(ErrorReason::NssNotFound),
            ChargeState::Yes,
        ),
        (
            "inner invalid",
            inner(KibanInner::Invalid),
            failed(ErrorReason::InvalidCurp),
            ChargeState::Yes,
        ),
        (
            "unavailable",
            word("SERVICE_UNAVAILABLE"),
            failed(ErrorReason::ProviderUnavailable),
            ChargeState::Unknown,
        ),
        (
            "another word",
            word("BURNT_DOWN"),
            failed(ErrorReason::ProviderUnavailable),
            ChargeState::Unknown,
        ),
        (
            "refused key",
            refusal(401),
            failed(ErrorReason::ProviderCredentials),
            ChargeState::No,
        ),
        (
            "no access",
            refusal(403),
            failed(ErrorReason::ProviderCredentials),
            ChargeState::No,
        ),
        ("a failure", refusal(500), unknown(), ChargeState::Unknown),
        ("a conflict", refusal(409), unknown(), ChargeState::Unknown),
    ];
    let mut wrong = Vec::new();
    for (name, kiban, end, charge) in table {
        let person = fresh_person();
        sandbox
            .set_person(
                &person.curp,
                Some(Settings {
                    kiban,
                    ..Settings::default()
                }),
            )
            .unwrap();
        let request = SubmitWorkHistoryRequest {
            provider: Route::Kiban.into(),
            ..submit_request(person.with_names())
        };
        let job = to_the_end(&server.client(), request).await;
        let seen = (end_of(&job), job.attempts.last().unwrap().charge);
        if seen != (end, charge) {
            wrong.push(format!("{name}: {seen:?} instead of {:?}", (end, charge)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
