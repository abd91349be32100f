//! Engine values and the messages that callers see of them.
#![allow(clippy::unwrap_used)]

use jiff::civil;
use semanas_proto::v1::{watch_work_histories_response, watch_work_history_response};
use uuid::Uuid;

use super::*;
use crate::{
    domain::{
        curp::Curp,
        gate::{Breaker, GateStatus},
        ids::{IntentId, JobId, JobKind, PersonKey, Shard, Tenant},
        job::{Ask, Attempt, Job, NewJob, Settlement, State},
        money::Money,
        reason::{Failure, Reason},
        work_history::{Employment, EmploymentEnd, Movement, Person, Provenance, Warning, Weeks, WorkHistory},
    },
    engine::{
        ChargePage, ChargeRow, FeedContent, FeedMessage, JobAnswer, ProviderStatus, Snapshot, SnapshotCause,
        WatchContent, WatchMessage,
    },
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn seconds(time: Option<prost_types::Timestamp>) -> Option<i64> {
    time.map(|time| time.seconds)
}

fn new_job() -> Job {
    let ask = Ask {
        limit: 3,
        provider: None,
        test_case_id: None,
        has_names: false,
        has_nss: false,
        fresh_after: at(0),
        allow_repeat_charge: false,
        purpose: "credit".to_owned(),
        consent_reference: "c-1".to_owned(),
        labels: [("a".to_owned(), "b".to_owned())].into(),
    };
    let id = JobId::new(JobKind::WorkHistory, Uuid::from_u128(42), Shard::new(3).unwrap());
    let person = PersonKey::from_mac([3; 16]);
    let new = NewJob {
        id,
        tenant: Tenant::sole(),
        person,
        ask,
        deadline_at: at(900),
        dependent: None,
        trace_parent: None,
    };
    Job::new(new, at(100))
}

fn new_attempt(charge: Charge, shared: bool, failure: Option<Failure>) -> Attempt {
    Attempt {
        id: IntentId::new(Uuid::from_u128(7)),
        provider: ProviderId::TuIdentidad,
        step: Step::FetchHistory,
        class: Some(OutcomeClass::ProviderDown),
        charge,
        started_at: at(101),
        ended_at: Some(at(102)),
        failure,
        shared,
    }
}

fn down() -> Failure {
    Failure::told(
        Reason::ProviderUnavailable,
        ProviderId::TuIdentidad,
        Some("E1".to_owned()),
    )
}

fn new_provenance() -> Provenance {
    Provenance {
        provider: ProviderId::Kiban,
        adapter_version: "1".to_owned(),
        provider_reference: None,
        retrieved_at: at(150),
        warnings: vec![Warning::new("WH008", "no records")],
    }
}

#[test]
fn a_job_shows_state_times_and_what_was_asked() {
    let job = job(new_job());
    assert_eq!(job.job_id, "wh_0000000000000000000000000000002a03");
    assert_eq!((job.state(), job.stage()), (v1::JobState::Queued, v1::JobStage::Queued));
    assert_eq!(
        (
            seconds(job.create_time),
            seconds(job.end_time),
            seconds(job.deadline_time)
        ),
        (Some(100), None, Some(900))
    );
    assert_eq!((job.limit, job.event_sequence, job.purpose.as_str()), (3, 1, "credit"));
    assert_eq!(
        (job.labels["a"].as_str(), job.failure, job.settlement),
        ("b", None, None)
    );
}

fn failed_job(attempts: Vec<Attempt>) -> Job {
    Job {
        state: State::Failed {
            at: at(200),
            failure: down(),
        },
        attempts,
        ..new_job()
    }
}

#[test]
fn a_failed_job_says_why_in_a_sentence() {
    let job = job(failed_job(vec![new_attempt(Charge::No, false, Some(down()))]));
    let failure = job.failure.unwrap();
    assert_eq!(
        (job.state, seconds(job.end_time)),
        (v1::JobState::Failed.into(), Some(200))
    );
    assert_eq!(
        (failure.reason(), failure.provider()),
        (v1::ErrorReason::ProviderUnavailable, v1::Provider::TuIdentidad)
    );
    assert!(failure.message.contains("come back") && failure.provider_code == "E1" && failure.retryable);
    let attempt = &job.attempts[0];
    assert_eq!(
        (attempt.outcome_class(), attempt.charge()),
        (v1::OutcomeClass::ProviderDown, v1::ChargeState::No)
    );
    assert_eq!(
        (attempt.reason(), attempt.provider_code.as_str()),
        (v1::ErrorReason::ProviderUnavailable, "E1")
    );
}

#[test]
fn a_failed_job_with_an_unknown_charge_tells_to_settle_it_and_not_to_come_back() {
    let failed = failed_job(vec![new_attempt(Charge::Unknown, false, Some(down()))]);
    let failure = job(failed).failure.unwrap();
    assert_eq!(failure.reason(), v1::ErrorReason::ProviderUnavailable);
    assert!(failure.message.contains("settle") && !failure.retryable);
}

#[track_caller]
fn check_retryable(attempts: Vec<Attempt>, expected: bool) {
    assert_eq!(job(failed_job(attempts)).failure.unwrap().retryable, expected);
}

#[test]
fn only_a_job_that_cost_nothing_can_be_tried_again() {
    check_retryable(vec![], true);
    check_retryable(vec![new_attempt(Charge::No, false, None)], true);
    check_retryable(vec![new_attempt(Charge::Yes, false, None)], false);
    check_retryable(
        vec![
            new_attempt(Charge::No, false, None),
            new_attempt(Charge::Unknown, false, None),
        ],
        false,
    );
    // An NSS that was found and paid for elsewhere is used again without cost; a definite no would only come again.
    check_retryable(vec![new_attempt(Charge::Yes, true, None)], true);
    check_retryable(vec![new_attempt(Charge::Yes, true, Some(down()))], false);
    let mut unknown = new_job();
    unknown.state = State::OutcomeUnknown {
        at: at(200),
        failure: Failure::own(Reason::OutcomeUnknown),
    };
    unknown.settlement = Some(Settlement {
        charge: Charge::No,
        at: at(300),
        note: "n".to_owned(),
    });
    let job = job(unknown);
    assert!(!job.failure.unwrap().retryable);
    assert_eq!(job.settlement.unwrap().charge(), v1::ChargeState::No);
}

fn answer() -> JobAnswer {
    let employment = Employment {
        employer: "ACME".to_owned(),
        registro_patronal: None,
        entity: crate::domain::entity::FederalEntity::read("Yucatán"),
        start: Some(civil::date(2020, 1, 31)),
        end: EmploymentEnd::On(civil::date(2021, 2, 1)),
        daily_base_salary: Some(Money::parse("$1,234.05").unwrap()),
        movements: vec![
            Movement::read("BAJA", Some(civil::date(2021, 2, 1)), None),
            Movement::read("OTRA", None, None),
        ],
    };
    let current = Employment {
        end: EmploymentEnd::Current,
        start: None,
        daily_base_salary: None,
        movements: vec![],
        entity: None,
        ..employment.clone()
    };
    let unknown = Employment {
        end: EmploymentEnd::Unknown,
        ..current.clone()
    };
    let person = Person {
        curp: Some(Curp::parse("XEXX010101HNEXXXA4").unwrap()),
        ..Person::default()
    };
    let weeks = Weeks {
        quoted: Some(10),
        discounted: Some(0),
        reintegrated: None,
        total: Some(10),
    };
    let history = WorkHistory::new(person, weeks, vec![employment, current, unknown], new_provenance());
    JobAnswer {
        history,
        employment_count: 5,
        nss_provenance: None,
    }
}

fn find(history: &v1::WorkHistory, is: impl Fn(&v1::Employment) -> bool) -> &v1::Employment {
    history.employments.iter().find(|employment| is(employment)).unwrap()
}

#[test]
fn a_history_keeps_amounts_exact_and_absence_apart_from_zero() {
    let snapshot = snapshot(Snapshot {
        job: new_job(),
        answer: Some(answer()),
    });
    let history = snapshot.work_history.unwrap();
    assert_eq!((history.employments.len(), history.employment_count), (3, 5));
    let weeks = history.weeks.unwrap();
    assert_eq!(
        (weeks.quoted, weeks.discounted, weeks.reintegrated, weeks.reconciles),
        (Some(10), Some(0), None, None)
    );
    let person = history.person.as_ref().unwrap();
    assert_eq!((person.curp.as_str(), person.nss.as_str()), ("XEXX010101HNEXXXA4", ""));
    let ended = find(&history, |it| it.end_date.is_some());
    let salary = ended.daily_base_salary.as_ref().unwrap();
    assert_eq!(
        (salary.currency_code.as_str(), salary.units, salary.nanos),
        ("MXN", 1234, 50_000_000)
    );
    assert_eq!(
        ended.start_date,
        Some(v1::Date {
            year: 2020,
            month: 1,
            day: 31
        })
    );
    assert_eq!(
        (ended.federal_entity.as_str(), ended.federal_entity_code.as_str()),
        ("Yucatán", "MX-YUC")
    );
    let kinds: Vec<_> = ended
        .movements
        .iter()
        .map(|it| (it.r#type(), it.type_text.as_str()))
        .collect();
    assert!(
        kinds.contains(&(v1::MovementType::Baja, "BAJA")) && kinds.contains(&(v1::MovementType::Unspecified, "OTRA"))
    );
    assert!(find(&history, |it| it.current).end_date.is_none());
    assert!(
        find(&history, |it| !it.current && it.end_date.is_none())
            .daily_base_salary
            .is_none()
    );
    assert_eq!(history.provenance.unwrap().warnings[0].code, "WH008");
}

#[test]
fn a_list_never_holds_an_answer() {
    assert!(
        job(Snapshot {
            job: new_job(),
            answer: Some(answer())
        }
        .job)
        .work_history
        .is_none()
    );
}

#[test]
fn instants_before_the_epoch_have_positive_nanos() {
    let time = instant(Timestamp::from_millisecond(-1).unwrap());
    assert_eq!((time.seconds, time.nanos), (-1, 999_000_000));
    assert_eq!(instant(Timestamp::MAX).seconds, Timestamp::MAX.as_second());
}

fn watch_content(content: WatchContent) -> watch_work_history_response::Content {
    let message = watch_message(WatchMessage {
        cursor: "c".to_owned(),
        terminal: true,
        content,
    });
    assert_eq!((message.cursor.as_str(), message.terminal), ("c", true));
    message.content.unwrap()
}

#[test]
fn each_message_of_a_watch_keeps_its_kind() {
    use watch_work_history_response::Content;
    let snapshot = || Snapshot {
        job: new_job(),
        answer: Some(answer()),
    };
    let start = WatchContent::Snapshot {
        snapshot: Box::new(snapshot()),
        heartbeat_interval: Duration::from_millis(15_500),
        cause: SnapshotCause::Reset,
    };
    assert!(matches!(watch_content(start), Content::Snapshot(it)
        if it.cause() == v1::SnapshotCause::Reset && it.heartbeat_interval.unwrap().nanos == 500_000_000));
    let event = new_job().events.remove(0);
    assert!(
        matches!(watch_content(WatchContent::Event { event: event.clone(), job: None }), Content::Event(it)
        if it.sequence == 1 && it.job.is_none() && it.stage() == v1::JobStage::Queued)
    );
    let last = WatchContent::Event {
        event,
        job: Some(Box::new(snapshot())),
    };
    assert!(matches!(watch_content(last), Content::Event(it) if it.job.as_ref().unwrap().work_history.is_some()));
    assert!(
        matches!(watch_content(WatchContent::Heartbeat { now: at(5) }), Content::Heartbeat(it) if seconds(it.server_time) == Some(5))
    );
    assert!(
        matches!(watch_content(WatchContent::Stale { since: at(6) }), Content::Stale(it) if seconds(it.since_time) == Some(6))
    );
    let draining = WatchContent::Draining {
        resume_delay: Duration::from_secs(2),
    };
    assert!(matches!(watch_content(draining), Content::Draining(it) if it.resume_delay.unwrap().seconds == 2));
}

fn feed_content(content: FeedContent) -> watch_work_histories_response::Content {
    feed_message(FeedMessage {
        cursor: "c".to_owned(),
        content,
    })
    .content
    .unwrap()
}

#[test]
fn each_message_of_the_feed_keeps_its_kind() {
    use watch_work_histories_response::Content;
    assert!(
        matches!(feed_content(FeedContent::Job(Box::new(new_job()))), Content::Job(it) if it.work_history.is_none())
    );
    let synced = FeedContent::Synced {
        heartbeat_interval: Duration::from_secs(15),
    };
    assert!(matches!(feed_content(synced), Content::Synced(it) if it.heartbeat_interval.unwrap().seconds == 15));
    assert!(matches!(
        feed_content(FeedContent::Heartbeat { now: at(5) }),
        Content::Heartbeat(_)
    ));
    assert!(matches!(
        feed_content(FeedContent::Stale { since: at(5) }),
        Content::Stale(_)
    ));
    assert!(matches!(
        feed_content(FeedContent::Draining {
            resume_delay: Duration::ZERO
        }),
        Content::Draining(_)
    ));
    let reset = FeedContent::Reset {
        cause: SnapshotCause::SlowReader,
    };
    assert!(matches!(feed_content(reset), Content::Reset(it) if it.cause() == v1::SnapshotCause::SlowReader));
}

#[test]
fn the_ledger_shows_a_row_as_it_is_stored() {
    let row = ChargeRow {
        id: IntentId::new(Uuid::from_u128(7)),
        job: new_job().id,
        tenant: Tenant::sole(),
        provider: ProviderId::Nubarium,
        step: Step::FindNss,
        charge: Charge::Unknown,
        class: Some(OutcomeClass::Ambiguous),
        reference: None,
        provider_code: None,
        opened_at: at(1),
        settled_at: None,
        late: true,
        note: None,
    };
    let response = charges(
        ChargePage {
            unreadable: Vec::new(),
            rows: vec![row],
            next: None,
        },
        "next".to_owned(),
    );
    let charge = &response.charges[0];
    assert_eq!(
        (charge.provider(), charge.step(), charge.state()),
        (v1::Provider::Nubarium, v1::Step::FindNss, v1::ChargeState::Unknown)
    );
    assert_eq!(
        (charge.outcome_class(), charge.late, charge.settle_time),
        (v1::OutcomeClass::Ambiguous, true, None)
    );
    assert_eq!(
        (charge.charge_id.len(), response.next_page_token.as_str()),
        (36, "next")
    );
}

#[test]
fn an_open_breaker_says_until_when() {
    let gate = GateStatus {
        breaker: Breaker::Open { until: at(9) },
        in_flight: 2,
        credentials_refused: true,
        ..Default::default()
    };
    let status = ProviderStatus {
        provider: ProviderId::Kiban,
        configured: true,
        in_flight_max: 4,
        gate,
    };
    let response = provider_status(vec![status]);
    let status = &response.providers[0];
    assert_eq!(
        (status.breaker_state(), seconds(status.retry_time)),
        (v1::BreakerState::Open, Some(9))
    );
    assert_eq!(
        (status.in_flight, status.in_flight_max, status.credentials_refused),
        (2, 4, true)
    );
}
