//! Every reason of the catalogue is brought about by a test; a reason that is added without one makes this file fail.

use semanas_client::ErrorReason;

/// Where each reason is produced from outside, or why it cannot be.
const PRODUCED_BY: &[(ErrorReason, &str)] = &[
    (
        ErrorReason::InvalidRequest,
        "refusals::every_wrong_field_is_named_at_once",
    ),
    (
        ErrorReason::InvalidCurp,
        "refusals::a_wrong_curp_is_refused_for_its_shape_its_date_and_its_digit",
    ),
    (ErrorReason::InvalidNss, "refusals::a_wrong_nss_is_refused"),
    (
        ErrorReason::RequestIdReused,
        "refusals::a_request_id_stands_for_one_request",
    ),
    (
        ErrorReason::CursorInvalid,
        "cursors::cursors_and_page_tokens_are_taken_only_where_they_were_given",
    ),
    (
        ErrorReason::JobNotFound,
        "refusals::an_unknown_job_is_not_found_whatever_its_name_looks_like",
    ),
    (
        ErrorReason::NssNotFound,
        "provider_words::each_code_of_nubarium_ends_a_lookup_and_a_job_as_documented",
    ),
    (
        ErrorReason::CurpNotInRenapo,
        "provider_words::each_code_of_nubarium_ends_a_lookup_and_a_job_as_documented",
    ),
    (
        ErrorReason::WorkHistoryNotFound,
        "provider_words::each_code_of_tu_identidad_ends_as_documented",
    ),
    (
        ErrorReason::VisitSubdelegation,
        "provider_words::each_code_of_nubarium_ends_a_lookup_and_a_job_as_documented",
    ),
    (
        ErrorReason::EmailRegisteredToOtherCurp,
        "provider_words::each_code_of_nubarium_ends_a_lookup_and_a_job_as_documented",
    ),
    (
        ErrorReason::OutcomeUnknown,
        "money::a_lookup_whose_outcome_is_unknown_says_so_and_is_not_bought_again_without_leave",
    ),
    (
        ErrorReason::NoRoute,
        "refusals::kiban_cannot_be_chosen_without_names_and_no_route_is_said_where_there_is_none",
    ),
    (
        ErrorReason::JobNotResolvable,
        "refusals::only_an_unknown_outcome_can_be_settled",
    ),
    (
        ErrorReason::CursorExpired,
        "cursors::an_old_cursor_is_expired_and_not_just_wrong",
    ),
    (
        ErrorReason::PersonDailyLimit,
        "limits::a_person_has_a_limit_of_charges_for_a_day",
    ),
    (
        ErrorReason::QuotaExceeded,
        "outages::a_quota_of_the_provider_that_is_used_up_says_when_to_come_back",
    ),
    (
        ErrorReason::SlowConsumer,
        "faults::watching::fault_22_a_thousand_readers_stop_reading",
    ),
    (
        ErrorReason::TooManyWatches,
        "limits::one_watch_too_many_is_told_to_come_back",
    ),
    (
        ErrorReason::RequestTooLarge,
        "limits::a_message_that_is_too_large_is_refused_with_its_own_reason",
    ),
    (
        ErrorReason::ProviderUnavailable,
        "provider_words::each_code_of_nubarium_ends_a_lookup_and_a_job_as_documented",
    ),
    (
        ErrorReason::StoreUnavailable,
        "outages::a_lost_redis_is_unavailable_and_never_not_found_and_everything_is_back_with_it",
    ),
    (
        ErrorReason::ServerDraining,
        "outages::a_replica_that_drains_sends_its_callers_elsewhere",
    ),
    (
        ErrorReason::LookupInProgress,
        "limits::a_lookup_that_outlasts_its_caller_goes_on_and_is_paid_once",
    ),
    (
        ErrorReason::ProviderCredentials,
        "outages::credentials_that_a_provider_refuses_are_the_operators_affair",
    ),
    (
        ErrorReason::ProviderContractChanged,
        "outages::a_provider_that_changes_its_contract_is_said_to_have_and_is_not_asked_again",
    ),
    (
        ErrorReason::Internal,
        "damage::a_record_that_cannot_be_read_is_an_internal_error_of_that_job_alone",
    ),
    (
        ErrorReason::MethodUnknown,
        "refusals::an_unknown_method_or_service_is_said_to_be_unknown",
    ),
    (
        ErrorReason::DeadlineExceeded,
        "deadlines::the_streams_of_a_caller_end_at_its_deadline_and_say_so",
    ),
];

/// The sources of the tests that the table names.
const SOURCES: &[(&str, &str)] = &[
    ("cursors", include_str!("cursors.rs")),
    ("damage", include_str!("damage.rs")),
    ("deadlines", include_str!("deadlines.rs")),
    ("limits", include_str!("limits.rs")),
    ("money", include_str!("money.rs")),
    ("outages", include_str!("outages.rs")),
    ("provider_words", include_str!("provider_words.rs")),
    ("refusals", include_str!("refusals.rs")),
    ("faults::watching", include_str!("faults/watching.rs")),
];

#[test]
fn every_reason_of_the_contract_is_produced_by_a_test_that_exists() {
    let reasons: Vec<ErrorReason> = (1..)
        .map(ErrorReason::from)
        .take_while(|reason| reason.name().is_some())
        .collect();
    assert!(reasons.len() >= 29, "the contract's reasons were not found");
    for reason in reasons {
        let found = PRODUCED_BY.iter().find(|(produced, _)| *produced == reason);
        let (_, test) = found.unwrap_or_else(|| panic!("no test produces {reason:?}"));
        let (file, name) = test.rsplit_once("::").unwrap();
        let (_, source) = SOURCES.iter().find(|(known, _)| *known == file).unwrap();
        let head = format!("#[tokio::test]\nasync fn {name}()");
        assert!(source.contains(&head), "there is no test {test}");
        let word = reason.name().unwrap();
        let is_named = source.contains(&format!("\"{word}\"")) || source.contains(&format!("{reason:?}"));
        assert!(is_named, "{file}.rs never names {reason:?}");
    }
}
