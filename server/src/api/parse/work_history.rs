//! Reads the requests of `WorkHistoryService`.

use prost::Message as _;
use semanas_proto::v1;

use super::{
    Refusal, Violations,
    fields::{self, CurpRule},
};
use crate::{
    api::caller::Caller,
    domain::{
        person::{NameParts, PersonName, Subject},
        provider_id::ProviderId,
    },
    engine::{JobFilter, Lookup, RequestId, Submit, Watch, WatchAll},
};

const INITIAL_COUNT_DEFAULT: usize = 100;

pub(in crate::api) fn lookup(request: v1::LookupNssRequest, caller: Caller) -> Result<Lookup, Refusal> {
    let mut wrong = Violations::default();
    let curp = fields::curp(&mut wrong, "curp", &request.curp, CurpRule::Strict);
    let max_age = fields::max_age(&mut wrong, request.max_age.as_ref());
    let purpose = fields::plain_text(&mut wrong, "purpose", request.purpose);
    let consent_reference = fields::plain_text(&mut wrong, "consent_reference", request.consent_reference);
    wrong.unless_any(curp.map(|curp| Lookup {
        tenant: caller.tenant,
        curp,
        max_age,
        allow_repeat_charge: request.allow_repeat_charge,
        purpose,
        consent_reference,
        trace_parent: caller.trace_parent,
    }))
}

pub(in crate::api) fn submit(request: v1::SubmitWorkHistoryRequest, caller: Caller) -> Result<Submit, Refusal> {
    let mut wrong = Violations::default();
    let rule = if request.test_case_id.is_empty() {
        CurpRule::Strict
    } else {
        CurpRule::TestCase
    };
    let subject = subject(&mut wrong, request.subject.as_ref(), rule);
    let request_id = subject.as_ref().and_then(|subject| request_id(&request, subject));
    fields::request_id(&mut wrong, &request.request_id);
    let provider = history_provider(&mut wrong, request.provider, request.subject.as_ref());
    // Any other choice could end in a real, billed call about a made-up case. A wrong provider is told about already.
    let may_be_wrong = [v1::Provider::Unspecified as i32, v1::Provider::TuIdentidad as i32];
    if !request.test_case_id.is_empty() && may_be_wrong.contains(&request.provider) {
        wrong.add(
            "provider",
            "must be KIBAN with test_case_id: nobody else has test cases",
        );
    }
    let limit = fields::limit(&mut wrong, "limit", request.limit);
    let max_age = fields::max_age(&mut wrong, request.max_age.as_ref());
    let test_case_id = fields::test_case_id(&mut wrong, request.test_case_id);
    let purpose = fields::plain_text(&mut wrong, "purpose", request.purpose);
    let consent_reference = fields::plain_text(&mut wrong, "consent_reference", request.consent_reference);
    let labels = fields::labels(&mut wrong, "labels", request.labels);
    wrong.unless_any(subject.map(|subject| Submit {
        tenant: caller.tenant,
        subject,
        limit,
        request_id,
        max_age,
        allow_repeat_charge: request.allow_repeat_charge,
        provider,
        test_case_id,
        purpose,
        consent_reference,
        labels,
        trace_parent: caller.trace_parent,
    }))
}

pub(in crate::api) fn watch(request: v1::WatchWorkHistoryRequest, caller: Caller) -> Result<Watch, Refusal> {
    let mut wrong = Violations::default();
    let job_id = fields::job_id(&mut wrong, request.job_id);
    let limit = request.limit.map(|limit| fields::limit(&mut wrong, "limit", limit));
    let cursor = Some(request.cursor).filter(|cursor| !cursor.is_empty());
    wrong.unless_any(Some(Watch {
        tenant: caller.tenant,
        job_id,
        cursor,
        limit,
    }))
}

/// The one field of a request that only names a job.
pub(in crate::api) fn job_id(text: String) -> Result<String, Refusal> {
    let mut wrong = Violations::default();
    let job_id = fields::job_id(&mut wrong, text);
    wrong.unless_any(Some(job_id))
}

pub(in crate::api) fn get(request: v1::GetWorkHistoryRequest) -> Result<(String, Option<u32>), Refusal> {
    let mut wrong = Violations::default();
    let job_id = fields::job_id(&mut wrong, request.job_id);
    let limit = request.limit.map(|limit| fields::limit(&mut wrong, "limit", limit));
    wrong.unless_any(Some((job_id, limit)))
}

/// Filter and page size; the page token is the engine's to read.
pub(in crate::api) fn list(request: v1::ListWorkHistoriesRequest) -> Result<(JobFilter, usize), Refusal> {
    let mut wrong = Violations::default();
    let page_size = fields::page_size(&mut wrong, request.page_size);
    let filter = job_filter(&mut wrong, request.filter);
    wrong.unless_any(Some((filter, page_size)))
}

pub(in crate::api) fn watch_all(request: v1::WatchWorkHistoriesRequest, caller: Caller) -> Result<WatchAll, Refusal> {
    let mut wrong = Violations::default();
    if request
        .filter
        .as_ref()
        .is_some_and(|filter| filter.create_time.is_some())
    {
        wrong.add("filter.create_time", "is not supported here; leave it out");
    }
    let filter = job_filter(
        &mut wrong,
        request.filter.map(|filter| v1::JobFilter {
            create_time: None,
            ..filter
        }),
    );
    let initial_count = fields::count(
        &mut wrong,
        "initial_count",
        request.initial_count,
        INITIAL_COUNT_DEFAULT,
    );
    let cursor = Some(request.cursor).filter(|cursor| !cursor.is_empty());
    wrong.unless_any(Some(WatchAll {
        tenant: caller.tenant,
        cursor,
        filter,
        initial_count,
    }))
}

fn subject(wrong: &mut Violations, subject: Option<&v1::Subject>, rule: CurpRule) -> Option<Subject> {
    let absent = v1::Subject::default();
    let subject = subject.unwrap_or(&absent);
    let curp = fields::curp(wrong, "subject.curp", &subject.curp, rule);
    let nss = fields::nss(wrong, "subject.nss", &subject.nss);
    let name = if has_names(subject) {
        person_name(wrong, subject)
    } else {
        None
    };
    curp.map(|curp| Subject { curp, name, nss })
}

fn has_names(subject: &v1::Subject) -> bool {
    let names = [
        &subject.given_names,
        &subject.paternal_surname,
        &subject.maternal_surname,
    ];
    names.iter().any(|name| !name.trim().is_empty())
}

fn person_name(wrong: &mut Violations, subject: &v1::Subject) -> Option<PersonName> {
    let parts = NameParts {
        given_names: &subject.given_names,
        paternal_surname: &subject.paternal_surname,
        maternal_surname: Some(&subject.maternal_surname),
    };
    let add_all = |errors| {
        for error in errors as Vec<crate::domain::person::NameError> {
            wrong.add(format!("subject.{}", error.field.as_str()), error.problem.to_string());
        }
    };
    PersonName::parse(parts).map_err(add_all).ok()
}

/// A provider of work histories that can be asked with what the subject gives.
fn history_provider(wrong: &mut Violations, number: i32, subject: Option<&v1::Subject>) -> Option<ProviderId> {
    let provider = fields::provider(wrong, "provider", number);
    match provider {
        Some(ProviderId::Kiban) if !subject.is_some_and(has_names) => {
            for field in ["subject.given_names", "subject.paternal_surname"] {
                wrong.add(
                    field,
                    "is required when provider is KIBAN; send it as it stands in the person's document",
                );
            }
        }
        Some(ProviderId::Nubarium) => wrong.add(
            "provider",
            "must be KIBAN or TU_IDENTIDAD: NUBARIUM has no work histories",
        ),
        Some(ProviderId::Kiban | ProviderId::TuIdentidad) | None => {}
    }
    provider
}

/// The same request gives the same bytes: its maps are ordered, its identifiers are written in one way, the id itself is left out.
fn request_id(request: &v1::SubmitWorkHistoryRequest, subject: &Subject) -> Option<RequestId> {
    if request.request_id.is_empty() {
        return None;
    }
    let mut canonical = v1::SubmitWorkHistoryRequest {
        request_id: String::new(),
        ..request.clone()
    };
    if let Some(written) = canonical.subject.as_mut() {
        written.curp = subject.curp.expose().to_owned();
        written.nss = subject
            .nss
            .as_ref()
            .map(|nss| nss.expose().to_owned())
            .unwrap_or_default();
    }
    Some(RequestId {
        id: request.request_id.clone(),
        body: canonical.encode_to_vec(),
    })
}

fn job_filter(wrong: &mut Violations, filter: Option<v1::JobFilter>) -> JobFilter {
    let filter = filter.unwrap_or_default();
    let states = fields::states(wrong, "filter.states", &filter.states, fields::job_state);
    let (created_from, created_until) = fields::time_range(wrong, "filter.create_time", filter.create_time);
    let labels = fields::labels(wrong, "filter.labels", filter.labels)
        .into_iter()
        .collect();
    JobFilter {
        states,
        created_from,
        created_until,
        labels,
    }
}
