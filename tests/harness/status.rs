//! Reading the status of a call that did not succeed, as strictly as the contract is written.

use std::collections::BTreeSet;

use tonic::{Code, Status};
use tonic_types::{ErrorDetail, StatusExt as _};

/// Fails unless the status is whole: this code, exactly one ErrorInfo of ours with this reason, RetryInfo where waiting helps.
#[track_caller]
pub fn check_status(status: &Status, code: Code, reason: &str) {
    let details = status.get_error_details();
    let info = details
        .error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{status:?}");
    assert_eq!(info.domain, "semanas");
    assert!(!status.message().is_empty());
    let infos = status.get_error_details_vec();
    let infos = infos.iter().filter(|it| matches!(it, ErrorDetail::ErrorInfo(_)));
    assert_eq!(infos.count(), 1);
    let tells_when = details.retry_info().is_some_and(|info| info.retry_delay.is_some());
    if matches!(code, Code::Unavailable | Code::ResourceExhausted) {
        assert!(tells_when, "no RetryInfo: {status:?}");
    }
}

/// The wrong fields that the status names.
pub fn wrong_fields(status: &Status) -> BTreeSet<String> {
    let details = status.get_error_details();
    let violations = details
        .bad_request()
        .map(|it| it.field_violations.clone())
        .unwrap_or_default();
    assert!(violations.iter().all(|it| !it.description.is_empty()));
    violations.into_iter().map(|it| it.field).collect()
}
