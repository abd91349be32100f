//! What Nubarium's answers mean.
//!
//! Decides by `codigoMensaje` and `estatus`, which together are the truth of every answer that HTTP calls a success. It
//! deliberately never matches on text.

use jiff::Timestamp;
use serde_json::Value;

use super::{ID, wire::Body};
use crate::{
    domain::{
        curp::Curp,
        nss::Nss,
        outcome::Outcome,
        reason::{Failure, Reason},
        work_history::{FullName, Provenance, Warning},
    },
    providers::{
        Answer, NssAnswer, Reply,
        history::{About, about},
        reference,
    },
};

const ADAPTER_VERSION: &str = "1";

/// The longest code that is kept; the known ones have one digit.
const CODE_DIGITS_MAX: usize = 4;

/// Reads a body that HTTP calls a success.
pub(super) fn answer(value: &Value, asked: &Curp, now: Timestamp) -> Reply {
    let body = Body::read(value);
    if about(body.curp, asked) == About::SomebodyElse {
        return Reply::contract_changed(ID, None);
    }
    let no = |reason, code: &str| {
        let failure = Failure::told(reason, ID, Some(code.to_owned()));
        Reply::no(failure, body.validation_code.and_then(reference))
    };
    match body.code {
        Some(code) if is_contradictory(&body, code) => Reply::contract_changed(ID, digits(code)),
        Some("0") => found(&body, now),
        Some(code @ "1") => no(Reason::NssNotFound, code),
        Some(code @ "2") => no(Reason::PersonDailyLimit, code),
        Some(code @ "3") => no(Reason::EmailRegisteredToOtherCurp, code),
        Some(code @ "4") => no(Reason::CurpNotInRenapo, code),
        Some(code @ "5") => no(Reason::VisitSubdelegation, code),
        Some(code) => Reply::contract_changed(ID, digits(code)),
        None if is_internal_error(&body) => Reply::bare(Outcome::Down {
            failure: Failure::told(Reason::ProviderUnavailable, ID, None),
            retry_after: None,
        }),
        None => Reply::contract_changed(ID, None),
    }
}

/// Whether `estatus` and `codigoMensaje` say opposite things. An `estatus` that is missing or unknown says nothing.
fn is_contradictory(body: &Body<'_>, code: &str) -> bool {
    if code == "0" {
        has_status(body, "ERROR")
    } else {
        has_status(body, "OK")
    }
}

/// The documented internal error, which is not billed: ERROR with neither a code nor a `codigoValidacion`.
fn is_internal_error(body: &Body<'_>) -> bool {
    has_status(body, "ERROR") && body.validation_code.is_none() && body.nss.is_none()
}

fn has_status(body: &Body<'_>, word: &str) -> bool {
    body.status.is_some_and(|status| status.eq_ignore_ascii_case(word))
}

fn found(body: &Body<'_>, now: Timestamp) -> Reply {
    let Some((nss, warning)) = body.nss.and_then(Nss::received) else {
        return Reply::contract_changed(ID, Some("0".to_owned()));
    };
    let provider_reference = body.validation_code.and_then(reference);
    let warning = warning.map(|warning| Warning::new(warning.code(), warning.message()));
    let answer = NssAnswer {
        nss,
        full_name: body
            .full_name
            .and_then(FullName::received)
            .map(|name| name.expose().to_owned()),
        provenance: Provenance {
            provider: ID,
            adapter_version: ADAPTER_VERSION.to_owned(),
            provider_reference: provider_reference.clone(),
            retrieved_at: now,
            warnings: warning.into_iter().collect(),
        },
    };
    Reply::found(Answer::Nss(answer), provider_reference)
}

/// A code that is a short number; anything else might hold personal data.
fn digits(code: &str) -> Option<String> {
    let is_code = code.bytes().all(|b| b.is_ascii_digit()) && code.len() <= CODE_DIGITS_MAX;
    is_code.then(|| code.to_owned())
}
