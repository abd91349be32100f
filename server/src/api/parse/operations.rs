//! Reads the requests of `OperationsService`.

use semanas_proto::v1;

use super::{Refusal, Violations, fields};
use crate::{api::caller::Caller, domain::outcome::Charge, engine::ChargeQuery};

/// An operator's word on a job.
#[derive(Debug)]
pub(in crate::api) struct Resolution {
    pub(in crate::api) job_id: String,
    pub(in crate::api) charge: Charge,
    pub(in crate::api) note: String,
}

/// The query; the page token is the engine's to read.
pub(in crate::api) fn charges(request: &v1::ListChargesRequest, caller: Caller) -> Result<ChargeQuery, Refusal> {
    let mut wrong = Violations::default();
    let page_size = fields::page_size(&mut wrong, request.page_size);
    let job = fields::job_id_filter(&mut wrong, "job_id", &request.job_id);
    let provider = fields::provider(&mut wrong, "provider", request.provider);
    let charges = fields::states(&mut wrong, "states", &request.states, charge);
    let (opened_from, opened_until) = fields::time_range(&mut wrong, "open_time", request.open_time);
    wrong.unless_any(Some(ChargeQuery {
        tenant: caller.tenant,
        job,
        provider,
        charges,
        opened_from,
        opened_until,
        before: None,
        page_size,
    }))
}

pub(in crate::api) fn resolve(request: v1::ResolveWorkHistoryRequest) -> Result<Resolution, Refusal> {
    let mut wrong = Violations::default();
    let job_id = fields::job_id(&mut wrong, request.job_id);
    let note = fields::plain_text(&mut wrong, "note", request.note);
    let charge = charge(request.charge).filter(|charge| matches!(charge, Charge::Yes | Charge::No));
    if charge.is_none() {
        wrong.add("charge", "must be YES or NO, as the provider's books say");
    }
    wrong.unless_any(charge.map(|charge| Resolution { job_id, charge, note }))
}

fn charge(number: i32) -> Option<Charge> {
    match v1::ChargeState::try_from(number).ok()? {
        v1::ChargeState::Unspecified => None,
        v1::ChargeState::Open => Some(Charge::Open),
        v1::ChargeState::Yes => Some(Charge::Yes),
        v1::ChargeState::No => Some(Charge::No),
        v1::ChargeState::Unknown => Some(Charge::Unknown),
    }
}
