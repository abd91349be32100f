//! What a caller asks for. `Default` leaves everything out; a debug print shows no personal data.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::{ChargeState, Disposition, JobState, Provenance, Provider, WorkHistoryJob, message, personal};
use crate::raw::v1;

/// Asks for the NSS of a person.
#[derive(Clone, Default, PartialEq)]
pub struct LookupNssRequest {
    /// Required. CURP, 18 characters.
    pub curp: String,
    /// Accept an answer this old, zero to 30 days; `None` = the server's default. Zero buys a new one.
    pub max_age: Option<Duration>,
    /// Leave to pay again after a lookup whose outcome is unknown.
    pub allow_repeat_charge: bool,
    /// Why it is asked, without personal data.
    pub purpose: String,
    /// Reference of the person's consent, without personal data.
    pub consent_reference: String,
}

message! {
    /// The NSS of a person.
    LookupNssResponse {
        /// NSS, 11 digits.
        nss: String = same,
        /// Full name as the provider gave it; may be empty.
        full_name: String = same,
        /// Whether a call was made for this request, joined, or an earlier answer was reused.
        disposition: Disposition = value,
        /// Where the NSS came from.
        provenance: Option<Provenance> = maybe,
    }
}

/// The person a work history is asked for.
#[derive(Clone, Default, PartialEq)]
pub struct Subject {
    /// Required. CURP, 18 characters; upper or lower case.
    pub curp: String,
    /// Needed for Kiban. Given names as in the CURP record.
    pub given_names: String,
    /// Needed for Kiban. Paternal surname (primer apellido).
    pub paternal_surname: String,
    /// Maternal surname (segundo apellido).
    pub maternal_surname: String,
    /// NSS, 11 digits. When given, no NSS is bought.
    pub nss: String,
}

/// Asks for a work history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmitWorkHistoryRequest {
    /// Required. The person. Names are needed for the route by Kiban; CURP alone is enough for the route by NSS.
    pub subject: Subject,
    /// At most this many employments, newest first, 0 to 10000; 0 = all.
    pub limit: i32,
    /// Idempotency key of this request, 1 to 128 printable ASCII characters; the client makes one when it is empty.
    pub request_id: String,
    /// Accept an answer this old, zero to 30 days; `None` = the server's default. Zero buys a new one.
    pub max_age: Option<Duration>,
    /// Leave to pay again after a job for this person whose outcome is unknown.
    pub allow_repeat_charge: bool,
    /// KIBAN or TU_IDENTIDAD: new work asks only this one for the history.
    pub provider: Provider,
    /// A test case of Kiban's own sandbox; refused unless the server is configured for it.
    pub test_case_id: String,
    /// Why it is asked, without personal data.
    pub purpose: String,
    /// Reference of the person's consent, without personal data.
    pub consent_reference: String,
    /// Labels for lists and feeds, without personal data.
    pub labels: BTreeMap<String, String>,
}

/// The job that serves a Submit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmitWorkHistoryResponse {
    /// The job as it stands, with the work history when it was reused.
    pub job: WorkHistoryJob,
    /// Whether it was started, joined or reused.
    pub disposition: Disposition,
    /// Resumes a watch after this response.
    pub watch_cursor: String,
}

/// A half-open span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// First instant that is inside.
    pub start_time: Option<SystemTime>,
    /// First instant that is no longer inside.
    pub end_time: Option<SystemTime>,
}

/// What jobs a list or a feed is about. An empty filter takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Any of these states; empty = all.
    pub states: Vec<JobState>,
    /// Created inside this span; not for feeds.
    pub create_time: Option<TimeRange>,
    /// Carries all of these labels.
    pub labels: BTreeMap<String, String>,
}

/// Asks to follow all jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchWorkHistoriesRequest {
    /// Cursor of the last update that was handled; empty = the newest jobs first.
    pub cursor: String,
    /// Which jobs.
    pub filter: JobFilter,
    /// How many of the newest jobs to begin with, 1 to 1000; 0 = the server's choice. Ignored with a cursor.
    pub initial_count: i32,
}

/// Which rows of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListChargesRequest {
    /// Only rows of this job; empty = all.
    pub job_id: String,
    /// Only rows of this provider.
    pub provider: Provider,
    /// Any of these states; empty = all.
    pub states: Vec<ChargeState>,
    /// Opened inside this span.
    pub open_time: Option<TimeRange>,
}

/// Settles a job with a charge that is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolveWorkHistoryRequest {
    /// The job; also one of LookupNss, as named in the ledger.
    pub job_id: String,
    /// YES or NO: what the provider's books say about the charge.
    pub charge: ChargeState,
    /// A note for the ledger, without personal data.
    pub note: String,
}

personal!(LookupNssRequest, LookupNssResponse, Subject);

impl From<LookupNssRequest> for v1::LookupNssRequest {
    fn from(request: LookupNssRequest) -> Self {
        Self {
            curp: request.curp,
            max_age: request.max_age.map(span),
            allow_repeat_charge: request.allow_repeat_charge,
            purpose: request.purpose,
            consent_reference: request.consent_reference,
        }
    }
}

impl From<SubmitWorkHistoryRequest> for v1::SubmitWorkHistoryRequest {
    fn from(request: SubmitWorkHistoryRequest) -> Self {
        let subject = request.subject;
        Self {
            subject: Some(v1::Subject {
                curp: subject.curp,
                given_names: subject.given_names,
                paternal_surname: subject.paternal_surname,
                maternal_surname: subject.maternal_surname,
                nss: subject.nss,
            }),
            limit: request.limit,
            request_id: request.request_id,
            max_age: request.max_age.map(span),
            allow_repeat_charge: request.allow_repeat_charge,
            provider: request.provider.into(),
            test_case_id: request.test_case_id,
            purpose: request.purpose,
            consent_reference: request.consent_reference,
            labels: request.labels,
        }
    }
}

impl From<TimeRange> for v1::TimeRange {
    fn from(range: TimeRange) -> Self {
        Self {
            start_time: range.start_time.map(Into::into),
            end_time: range.end_time.map(Into::into),
        }
    }
}

impl From<JobFilter> for v1::JobFilter {
    fn from(filter: JobFilter) -> Self {
        Self {
            states: filter.states.into_iter().map(Into::into).collect(),
            create_time: filter.create_time.map(Into::into),
            labels: filter.labels,
        }
    }
}

impl From<WatchWorkHistoriesRequest> for v1::WatchWorkHistoriesRequest {
    fn from(request: WatchWorkHistoriesRequest) -> Self {
        Self {
            cursor: request.cursor,
            filter: Some(request.filter.into()),
            initial_count: request.initial_count,
        }
    }
}

impl From<ListChargesRequest> for v1::ListChargesRequest {
    fn from(request: ListChargesRequest) -> Self {
        Self {
            job_id: request.job_id,
            provider: request.provider.into(),
            states: request.states.into_iter().map(Into::into).collect(),
            open_time: request.open_time.map(Into::into),
            ..Self::default()
        }
    }
}

impl From<ResolveWorkHistoryRequest> for v1::ResolveWorkHistoryRequest {
    fn from(request: ResolveWorkHistoryRequest) -> Self {
        Self {
            job_id: request.job_id,
            charge: request.charge.into(),
            note: request.note,
        }
    }
}

/// The largest span that a message can hold is far beyond every meaningful age.
fn span(span: Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(span).unwrap_or(prost_types::Duration {
        seconds: i64::MAX,
        nanos: 0,
    })
}
