//! The adapters against the sandbox, whose books say what was charged.
//!
//! Decides that an adapter's word about money is the provider's: what it calls not charged is in no book, and what it calls
//! charged is there once. What it calls unknown may be either.

use semanas_sandbox::{
    KibanInner, KibanScenario, KibanShape, NubariumOutcome, NubariumScenario, Options, Person, Provider as Book,
    Sandbox, Settings, TEST_CASES, TuIdentidadScenario, people, start,
};

use super::*;
use crate::domain::outcome::Charge;

/// Polls until an answer must have come: the sandbox answers at once here.
const POLLS_MAX: usize = 3;

struct Bench {
    sandbox: Sandbox,
    kiban: kiban::Kiban,
    tuidentidad: tuidentidad::TuIdentidad,
    nubarium: nubarium::Nubarium,
}

impl Bench {
    async fn start() -> Bench {
        let sandbox = start(Options::for_tests()).await.unwrap();
        let url = |book| sandbox.base_url(book).parse::<Url>().unwrap();
        let credentials = sandbox.credentials().clone();
        let kiban = kiban::Options {
            base_url: url(Book::Kiban),
            api_key: credentials.kiban_api_key.into(),
            version: "2".to_owned(),
            path: "imss/semanas_cotizadas".to_owned(),
            unbilled_statuses: vec![],
        };
        let tuidentidad = tuidentidad::Options {
            base_url: url(Book::TuIdentidad),
            api_key: credentials.tuidentidad_api_key.into(),
            encoding: tuidentidad::Encoding::Multipart,
            work_history_path: "api/WorkHistory/workhistory".to_owned(),
            status_path: "api/WorkHistory/verificationstatus".to_owned(),
            unbilled_statuses: vec![],
        };
        let nubarium = nubarium::Options {
            base_url: url(Book::Nubarium),
            username: credentials.nubarium_username,
            password: credentials.nubarium_password.into(),
            path: "imss/obtener_nss".to_owned(),
            unbilled_statuses: vec![],
        };
        Bench {
            kiban: kiban::Kiban::new(kiban, http()).unwrap(),
            tuidentidad: tuidentidad::TuIdentidad::new(tuidentidad, http()).unwrap(),
            nubarium: nubarium::Nubarium::new(nubarium, http()).unwrap(),
            sandbox,
        }
    }

    /// Buys from one provider under these settings, and checks the word about money against the books.
    async fn buy(&self, book: Book, person: &Person, settings: Settings, test_case_id: Option<&str>) -> Reply {
        self.sandbox.reset().await;
        self.sandbox.set_person(&person.curp, Some(settings)).unwrap();
        let mut request = request_for(person);
        request.test_case_id = test_case_id.map(str::to_owned);
        let adapter: &dyn Provider = match book {
            Book::Kiban => &self.kiban,
            Book::TuIdentidad => &self.tuidentidad,
            Book::Nubarium => &self.nubarium,
        };
        let reply = until_settled(adapter, &request).await;
        let charges = self.sandbox.books().count(book, &person.curp);
        match reply.outcome.settles().map(|(_, charge)| charge) {
            Some(Charge::No) => assert_eq!(charges, 0, "{}", brief(&reply.outcome)),
            Some(Charge::Yes) if test_case_id.is_none() => assert_eq!(charges, 1, "{}", brief(&reply.outcome)),
            Some(Charge::Yes | Charge::Unknown | Charge::Open) | None => assert!(charges <= 1),
        }
        reply
    }
}

fn request_for(person: &Person) -> CallRequest {
    let given_names = [Some(person.given_name.as_str()), person.middle_name.as_deref()];
    let parts = NameParts {
        given_names: &given_names.into_iter().flatten().collect::<Vec<_>>().join(" "),
        paternal_surname: &person.paternal_surname,
        maternal_surname: person.maternal_surname.as_deref(),
    };
    let nss = person.nss.as_deref().unwrap_or(NSS);
    CallRequest {
        subject: Subject {
            curp: Curp::parse_lenient(&person.curp).unwrap(),
            name: Some(PersonName::parse(parts).unwrap()),
            nss: None,
        },
        nss: Some(Nss::received(nss).unwrap().0),
        callback: None,
        ..call_request()
    }
}

async fn until_settled(adapter: &dyn Provider, request: &CallRequest) -> Reply {
    let reply = adapter.call(request, DEADLINE).await;
    let Outcome::Accepted { reference } = &reply.outcome else {
        return reply;
    };
    let poll = PollRequest {
        subject: request.subject.clone(),
        test_case_id: request.test_case_id.clone(),
        ..poll_request(reference)
    };
    for _ in 0..POLLS_MAX {
        if let Some(reply) = adapter.poll(&poll, DEADLINE).await {
            return reply;
        }
    }
    reply
}

/// The first listed person who has an NSS and a history, and no nature of their own.
fn ordinary() -> &'static Person {
    &people()[0]
}

#[tokio::test]
async fn every_listed_person_gets_an_answer_that_is_known_and_paid_once() {
    let bench = Bench::start().await;
    for person in people() {
        if Curp::parse_lenient(&person.curp).is_err() {
            continue;
        }
        for book in [Book::Kiban, Book::TuIdentidad, Book::Nubarium] {
            let reply = bench.buy(book, person, Settings::default(), None).await;
            let is_changed = reply
                .outcome
                .failure()
                .is_some_and(|failure| failure.reason == Reason::ProviderContractChanged);
            assert!(!is_changed, "{}: {}", person.shows, brief(&reply.outcome));
            if let Some(Answer::History(history)) = &reply.answer {
                assert_eq!(
                    history.employments_total() as usize,
                    person.employments(),
                    "{}",
                    person.shows
                );
            }
        }
    }
}

#[tokio::test]
async fn both_providers_bring_the_same_history() {
    let bench = Bench::start().await;
    let spanish = bench.buy(Book::Kiban, ordinary(), Settings::default(), None).await;
    let english = KibanScenario {
        shape: Some(KibanShape::English),
        ..KibanScenario::default()
    };
    let english = bench.buy(Book::Kiban, ordinary(), settings(english), None).await;
    let other = bench
        .buy(Book::TuIdentidad, ordinary(), Settings::default(), None)
        .await;
    let parts = |reply: Reply| match reply.answer {
        Some(Answer::History(history)) => (history.person().clone(), history.employments().to_vec()),
        Some(Answer::Nss(_)) | None => panic!("{}", brief(&reply.outcome)),
    };
    let spanish = parts(spanish);
    assert!(
        spanish.1.len() > 1
            && spanish
                .1
                .iter()
                .all(|job| job.entity.is_some() && job.daily_base_salary.is_some())
    );
    assert!(spanish == parts(english));
    assert!(spanish == parts(other));
}

fn settings(kiban: KibanScenario) -> Settings {
    Settings {
        kiban,
        ..Settings::default()
    }
}

#[tokio::test]
async fn the_test_cases_of_kiban() {
    let bench = Bench::start().await;
    let expected = [
        "rejected INVALID_CURP FORMAT_ERROR",
        "no NSS_NOT_FOUND NOT_FOUND",
        "found",
        "down PROVIDER_UNAVAILABLE SERVICE_UNAVAILABLE",
    ];
    for (case, expected) in TEST_CASES.iter().zip(expected) {
        let reply = bench
            .buy(Book::Kiban, ordinary(), Settings::default(), Some(case.id))
            .await;
        assert_eq!(brief(&reply.outcome), expected, "{}", case.name);
    }
    let reply = bench
        .buy(Book::Kiban, ordinary(), Settings::default(), Some("no-such-case"))
        .await;
    assert_eq!(brief(&reply.outcome), "rejected INVALID_REQUEST EMPTY_ERROR");
}

#[tokio::test]
async fn what_kiban_is_made_to_say() {
    let bench = Bench::start().await;
    let scenario = |change: fn(&mut KibanScenario)| {
        let mut kiban = KibanScenario::default();
        change(&mut kiban);
        settings(kiban)
    };
    for (settings, expected) in [
        (
            scenario(|kiban| kiban.inner = Some(KibanInner::NotFound)),
            "no NSS_NOT_FOUND NOT_FOUND",
        ),
        (
            scenario(|kiban| kiban.inner = Some(KibanInner::Invalid)),
            "no INVALID_CURP INVALID",
        ),
        (
            scenario(|kiban| kiban.shape = Some(KibanShape::Unknown)),
            "unusable PROVIDER_CONTRACT_CHANGED FOUND",
        ),
        (
            scenario(|kiban| kiban.status = Some("PROVIDER_ERROR".to_owned())),
            "unusable PROVIDER_UNAVAILABLE PROVIDER_ERROR",
        ),
        (
            scenario(|kiban| kiban.submit_status = Some(400)),
            "rejected INVALID_CURP FORMAT_ERROR",
        ),
        (
            scenario(|kiban| kiban.submit_status = Some(401)),
            "rejected PROVIDER_CREDENTIALS",
        ),
        (scenario(|kiban| kiban.submit_status = Some(406)), "ambiguous"),
        (scenario(|kiban| kiban.submit_status = Some(408)), "ambiguous"),
        (scenario(|kiban| kiban.submit_status = Some(500)), "ambiguous"),
        (scenario(|kiban| kiban.running_polls = Some(2)), "found"),
    ] {
        let reply = bench.buy(Book::Kiban, ordinary(), settings, None).await;
        assert_eq!(brief(&reply.outcome), expected);
    }
}

#[tokio::test]
async fn no_code_of_tu_identidad_is_paid_twice_with_or_without_a_ticket() {
    let bench = Bench::start().await;
    for code in 1..=20 {
        for (ticket, code_status) in [(false, None), (false, Some(200)), (true, None), (true, Some(200))] {
            let tuidentidad = TuIdentidadScenario {
                code: Some(format!("WH{code:03}")),
                code_status,
                ticket: Some(ticket),
                ..TuIdentidadScenario::default()
            };
            let settings = Settings {
                tuidentidad,
                ..Settings::default()
            };
            bench.buy(Book::TuIdentidad, ordinary(), settings, None).await;
        }
    }
}

#[tokio::test]
async fn what_nubarium_is_made_to_say() {
    let bench = Bench::start().await;
    for (outcome, expected) in [
        (NubariumOutcome::Found, "found"),
        (NubariumOutcome::NoNss, "no NSS_NOT_FOUND 1"),
        (NubariumOutcome::LimitReached, "no PERSON_DAILY_LIMIT 2"),
        (NubariumOutcome::EmailRegistered, "no EMAIL_REGISTERED_TO_OTHER_CURP 3"),
        (NubariumOutcome::NotInRenapo, "no CURP_NOT_IN_RENAPO 4"),
        (NubariumOutcome::VisitSubdelegacion, "no VISIT_SUBDELEGATION 5"),
        (NubariumOutcome::InternalError, "down PROVIDER_UNAVAILABLE"),
    ] {
        let nubarium = NubariumScenario {
            outcome: Some(outcome),
            ..NubariumScenario::default()
        };
        let settings = Settings {
            nubarium,
            ..Settings::default()
        };
        let reply = bench.buy(Book::Nubarium, ordinary(), settings, None).await;
        assert_eq!(brief(&reply.outcome), expected);
    }
}
