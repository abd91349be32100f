//! Requests in other shapes: of the generated stubs, so that who uses both need not write them twice, and of a CURP alone.

use std::time::{Duration, SystemTime};

use super::{
    JobFilter, ListChargesRequest, LookupNssRequest, ResolveWorkHistoryRequest, Subject, SubmitWorkHistoryRequest,
    TimeRange, WatchWorkHistoriesRequest,
};
use crate::raw::v1;

impl From<&str> for LookupNssRequest {
    /// The request for this CURP and nothing special.
    fn from(curp: &str) -> Self {
        Self {
            curp: curp.to_owned(),
            ..Self::default()
        }
    }
}

impl From<&str> for SubmitWorkHistoryRequest {
    /// The request for this CURP and nothing special.
    fn from(curp: &str) -> Self {
        let subject = Subject {
            curp: curp.to_owned(),
            ..Subject::default()
        };
        Self {
            subject,
            ..Self::default()
        }
    }
}

impl From<v1::LookupNssRequest> for LookupNssRequest {
    fn from(request: v1::LookupNssRequest) -> Self {
        Self {
            curp: request.curp,
            max_age: span(request.max_age),
            allow_repeat_charge: request.allow_repeat_charge,
            purpose: request.purpose,
            consent_reference: request.consent_reference,
        }
    }
}

impl From<v1::Subject> for Subject {
    fn from(subject: v1::Subject) -> Self {
        Self {
            curp: subject.curp,
            given_names: subject.given_names,
            paternal_surname: subject.paternal_surname,
            maternal_surname: subject.maternal_surname,
            nss: subject.nss,
        }
    }
}

impl From<v1::SubmitWorkHistoryRequest> for SubmitWorkHistoryRequest {
    fn from(request: v1::SubmitWorkHistoryRequest) -> Self {
        Self {
            subject: request.subject.unwrap_or_default().into(),
            limit: request.limit,
            request_id: request.request_id,
            max_age: span(request.max_age),
            allow_repeat_charge: request.allow_repeat_charge,
            provider: request.provider.into(),
            test_case_id: request.test_case_id,
            purpose: request.purpose,
            consent_reference: request.consent_reference,
            labels: request.labels,
        }
    }
}

impl From<v1::TimeRange> for TimeRange {
    fn from(range: v1::TimeRange) -> Self {
        let time = |time: Option<prost_types::Timestamp>| time.and_then(|time| SystemTime::try_from(time).ok());
        Self {
            start_time: time(range.start_time),
            end_time: time(range.end_time),
        }
    }
}

impl From<v1::JobFilter> for JobFilter {
    fn from(filter: v1::JobFilter) -> Self {
        Self {
            states: filter.states.into_iter().map(Into::into).collect(),
            create_time: filter.create_time.map(Into::into),
            labels: filter.labels,
        }
    }
}

impl From<v1::WatchWorkHistoriesRequest> for WatchWorkHistoriesRequest {
    fn from(request: v1::WatchWorkHistoriesRequest) -> Self {
        Self {
            cursor: request.cursor,
            filter: request.filter.unwrap_or_default().into(),
            initial_count: request.initial_count,
        }
    }
}

impl From<v1::ListChargesRequest> for ListChargesRequest {
    fn from(request: v1::ListChargesRequest) -> Self {
        Self {
            job_id: request.job_id,
            provider: request.provider.into(),
            states: request.states.into_iter().map(Into::into).collect(),
            open_time: request.open_time.map(Into::into),
        }
    }
}

impl From<v1::ResolveWorkHistoryRequest> for ResolveWorkHistoryRequest {
    fn from(request: v1::ResolveWorkHistoryRequest) -> Self {
        Self {
            job_id: request.job_id,
            charge: request.charge.into(),
            note: request.note,
        }
    }
}

/// A negative age is refused by the server; here it is the youngest that there is.
fn span(span: Option<prost_types::Duration>) -> Option<Duration> {
    span.map(|span| Duration::try_from(span).unwrap_or_default())
}
