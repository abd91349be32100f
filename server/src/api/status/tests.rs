//! The catalogue against the domain and the contract, and what a status carries.
#![allow(clippy::unwrap_used)]

use tonic_types::ErrorDetail;

use super::{tonic_made::instead_of, *};
use crate::domain::provider_id::ProviderId;

fn error(reason: Reason) -> EngineError {
    EngineError::new(reason)
}

#[test]
fn a_status_has_one_error_info_and_says_when_to_come_back() {
    let told = EngineError {
        retry_after: Some(Duration::from_secs(7)),
        provider: Some(ProviderId::Kiban),
        provider_code: Some("WH007".to_owned()),
        ..error(Reason::ProviderUnavailable)
    };
    let job_id = "wh_0193e5a0c2d17f9ab3c4a5d6e7f8091203";
    let status = of_engine(told, Some(job_id));
    assert_eq!(status.code(), Code::Unavailable);
    let details = status.get_error_details_vec();
    let infos: Vec<_> = details
        .iter()
        .filter(|detail| matches!(detail, ErrorDetail::ErrorInfo(_)))
        .collect();
    assert_eq!((details.len(), infos.len()), (2, 1));
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(
        (info.domain.as_str(), info.reason.as_str()),
        ("semanas", "PROVIDER_UNAVAILABLE")
    );
    let metadata = [("provider", "kiban"), ("provider_code", "WH007"), ("job_id", job_id)];
    assert_eq!(
        info.metadata,
        metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    );
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(7)));
}

#[test]
fn what_may_pass_has_a_retry_delay_even_if_nobody_knows_one() {
    for reason in [
        Reason::StoreUnavailable,
        Reason::TooManyWatches,
        Reason::RequestTooLarge,
        Reason::SlowConsumer,
    ] {
        let details = of_engine(error(reason), None).get_error_details();
        assert!(
            details.retry_info().is_some_and(|info| info.retry_delay.is_some()),
            "{reason:?}"
        );
    }
    assert!(
        of_engine(error(Reason::JobNotFound), None)
            .get_error_details()
            .retry_info()
            .is_none()
    );
}

#[test]
fn a_job_id_that_is_none_is_not_repeated() {
    let status = of_engine(error(Reason::JobNotFound), Some("XEXX010101HNEXXXA4"));
    assert!(status.get_error_details().error_info().unwrap().metadata.is_empty());
    assert!(!format!("{status:?}").contains("XEXX"));
}

#[test]
fn a_field_that_only_the_engine_knows_to_be_wrong_is_named_too() {
    let refused = EngineError::of_field(Reason::InvalidRequest, "test_case_id", "must be empty");
    let token = error(Reason::CursorInvalid).of_token_in("page_token");
    for (error, reason, field) in [
        (refused, "INVALID_REQUEST", "test_case_id"),
        (token, "CURSOR_INVALID", "page_token"),
    ] {
        let status = of_engine(error, None);
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        let named: Vec<_> = violations
            .iter()
            .map(|it| (it.field.as_str(), it.reason.as_str()))
            .collect();
        assert_eq!((status.code(), named), (Code::InvalidArgument, vec![(field, reason)]));
    }
    let expired = of_engine(error(Reason::CursorExpired).of_token_in("cursor"), None);
    assert!(expired.get_error_details().bad_request().is_none());
}

#[test]
fn a_refusal_names_every_field_with_its_reason() {
    let wrong = |field: &str, reason| Violation {
        field: field.to_owned(),
        description: "is wrong".to_owned(),
        reason,
    };
    let refusal = Refusal::of(vec![
        wrong("subject.curp", Reason::InvalidCurp),
        wrong("limit", Reason::InvalidRequest),
    ]);
    let status = refused(refusal);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "INVALID_REQUEST");
    let violations = &details.bad_request().unwrap().field_violations;
    let named: Vec<_> = violations
        .iter()
        .map(|it| (it.field.as_str(), it.reason.as_str()))
        .collect();
    assert_eq!(named, [("subject.curp", "INVALID_CURP"), ("limit", "INVALID_REQUEST")]);
}

#[track_caller]
fn check_restated(made: Status, moment: Moment, code: Code, reason: &str) {
    let status = instead_of(&made, moment);
    let details = status.get_error_details();
    assert_eq!(
        (status.code(), details.error_info().unwrap().reason.as_str()),
        (code, reason)
    );
    assert_eq!(
        details.retry_info().is_some(),
        matches!(code, Code::Unavailable | Code::ResourceExhausted)
    );
    assert!(
        !status.message().contains("secret"),
        "a message of tonic is not passed on"
    );
}

#[test]
fn what_tonic_made_by_itself_gets_code_and_reason_of_the_catalogue() {
    use Moment::{AfterResponse, BeforeResponse};
    let too_large = Status::out_of_range("secret");
    check_restated(too_large, BeforeResponse, Code::ResourceExhausted, "REQUEST_TOO_LARGE");
    check_restated(
        Status::internal("secret"),
        BeforeResponse,
        Code::InvalidArgument,
        "INVALID_REQUEST",
    );
    check_restated(Status::internal("secret"), AfterResponse, Code::Internal, "INTERNAL");
    check_restated(
        Status::unimplemented(""),
        BeforeResponse,
        Code::Unimplemented,
        "METHOD_UNKNOWN",
    );
    check_restated(
        Status::unimplemented("secret"),
        BeforeResponse,
        Code::Unimplemented,
        "INVALID_REQUEST",
    );
    check_restated(
        Status::not_found("secret"),
        AfterResponse,
        Code::NotFound,
        "INVALID_REQUEST",
    );
    check_restated(Status::cancelled("secret"), AfterResponse, Code::Cancelled, "INTERNAL");
    check_restated(
        Status::unavailable("secret"),
        BeforeResponse,
        Code::Unavailable,
        "SERVER_DRAINING",
    );
}
