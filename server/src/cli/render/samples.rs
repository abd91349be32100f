//! Messages about synthetic people, for the tests of what is shown.

use prost_types::Timestamp;
use semanas_client::raw::v1::{
    Attempt, BreakerState, Charge, ChargeState, Date, Disposition, Employment, ErrorReason, Failure, JobEvent,
    JobStage, JobState, LookupNssResponse, Money, Movement, MovementType, OutcomeClass, Person, Provenance, Provider,
    ProviderStatus, Step, Warning, Weeks, WorkHistory, WorkHistoryJob,
};
use semanas_client::{JobChange, JobUpdate};

fn at(seconds: i64) -> Option<Timestamp> {
    let nanos = 250_000_000;
    Some(Timestamp {
        seconds: 1_767_225_600 + seconds,
        nanos,
    })
}

fn day(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

fn pesos(units: i64, nanos: i32) -> Option<Money> {
    Some(Money {
        currency_code: "MXN".into(),
        units,
        nanos,
    })
}

fn provenance(provider: Provider, reference: &str) -> Provenance {
    Provenance {
        provider: provider.into(),
        adapter_version: "1".into(),
        provider_reference: reference.into(),
        retrieve_time: at(3),
        warnings: vec![],
    }
}

pub fn attempt() -> Attempt {
    Attempt {
        attempt_id: "at_1".into(),
        provider: Provider::Kiban.into(),
        step: Step::FetchHistory.into(),
        outcome_class: OutcomeClass::Answered.into(),
        charge: ChargeState::Yes.into(),
        start_time: at(1),
        end_time: at(3),
        ..Attempt::default()
    }
}

pub fn history() -> WorkHistory {
    let current = Employment {
        employer: "TECNOLOGIAS ESPEJISMO S DE RL DE CV".into(),
        registro_patronal: "Y6498765432".into(),
        federal_entity: "YUCATAN".into(),
        federal_entity_code: "MX-YUC".into(),
        start_date: day(2021, 7, 5),
        current: true,
        daily_base_salary: pesos(1_234, 560_000_000),
        movements: vec![Movement {
            r#type: MovementType::Alta.into(),
            type_text: "ALTA".into(),
            date: day(2021, 7, 5),
            daily_base_salary: pesos(810, 0),
        }],
        ..Employment::default()
    };
    let earlier = Employment {
        employer: "ABARROTES LA CEIBA\u{1b}[31m SA DE CV".into(),
        registro_patronal: "Y54*****101".into(),
        federal_entity: "OTRO LUGAR".into(),
        start_date: day(2016, 3, 1),
        end_date: day(2018, 8, 31),
        ..Employment::default()
    };
    let mut by_kiban = provenance(Provider::Kiban, "663567bb");
    by_kiban.warnings.push(Warning {
        code: "ENTITY_UNKNOWN".into(),
        message: "A federal entity is not known.".into(),
    });
    WorkHistory {
        person: Some(Person {
            curp: "GOAA970724HYNNNL08".into(),
            nss: "12345678903".into(),
            full_name: "JOSE ALBERTO GONZALEZ ANGULO".into(),
        }),
        weeks: Some(Weeks {
            quoted: Some(512),
            discounted: Some(0),
            total: Some(500),
            reconciles: Some(false),
            ..Weeks::default()
        }),
        employments: vec![current, earlier],
        employment_count: 3,
        provenance: Some(by_kiban),
        nss_provenance: Some(provenance(Provider::Nubarium, "A-77")),
    }
}

fn job(state: JobState) -> WorkHistoryJob {
    WorkHistoryJob {
        job_id: "wh_1".into(),
        state: state.into(),
        create_time: at(0),
        update_time: at(3),
        deadline_time: at(900),
        event_sequence: 5,
        labels: [("flow".to_owned(), "onboarding".to_owned())].into(),
        ..WorkHistoryJob::default()
    }
}

pub fn succeeded() -> WorkHistoryJob {
    WorkHistoryJob {
        end_time: at(3),
        attempts: vec![attempt()],
        work_history: Some(history()),
        ..job(JobState::Succeeded)
    }
}

pub fn failed() -> WorkHistoryJob {
    WorkHistoryJob {
        end_time: at(3),
        failure: Some(Failure {
            reason: ErrorReason::WorkHistoryNotFound.into(),
            message: "The provider has no work history under this CURP and NSS.".into(),
            provider: Provider::TuIdentidad.into(),
            provider_code: "WH007".into(),
            retryable: false,
        }),
        ..job(JobState::Failed)
    }
}

pub fn running() -> WorkHistoryJob {
    WorkHistoryJob {
        stage: JobStage::WaitingForProvider.into(),
        stage_provider: Provider::Kiban.into(),
        ..job(JobState::Running)
    }
}

pub fn snapshot() -> JobUpdate {
    JobUpdate {
        cursor: "c1".into(),
        is_terminal: false,
        change: JobChange::Snapshot {
            job: Box::new(running().into()),
            cause: semanas_client::SnapshotCause::Start,
        },
    }
}

pub fn asking() -> JobUpdate {
    let event = JobEvent {
        sequence: 4,
        event_time: at(2),
        state: JobState::Running.into(),
        stage: JobStage::AskingProvider.into(),
        stage_provider: Provider::TuIdentidad.into(),
        attempt: Some(attempt()),
        job: None,
    };
    JobUpdate {
        cursor: "c4".into(),
        is_terminal: false,
        change: JobChange::Event(Box::new(event.into())),
    }
}

pub fn nss() -> LookupNssResponse {
    LookupNssResponse {
        nss: "12345678903".into(),
        full_name: "JOSE ALBERTO GONZALEZ ANGULO".into(),
        disposition: Disposition::Reused.into(),
        provenance: Some(provenance(Provider::Nubarium, "A-77")),
    }
}

pub fn charge() -> Charge {
    Charge {
        charge_id: "at_1".into(),
        job_id: "wh_1".into(),
        provider: Provider::Kiban.into(),
        step: Step::FetchHistory.into(),
        state: ChargeState::Unknown.into(),
        outcome_class: OutcomeClass::Ambiguous.into(),
        open_time: at(1),
        late: true,
        ..Charge::default()
    }
}

pub fn provider() -> ProviderStatus {
    ProviderStatus {
        provider: Provider::Nubarium.into(),
        configured: true,
        breaker_state: BreakerState::Open.into(),
        retry_time: at(30),
        consecutive_failures: 5,
        in_flight: 2,
        in_flight_max: 50,
        credentials_refused: true,
        ..ProviderStatus::default()
    }
}
