//! Nubarium's `obtener_nss`: the NSS of a CURP, synchronous, HTTP 200 for every business outcome.
//!
//! Decides the outcome and whether it is billed; `wire` writes it down in the documented fields.

mod wire_format;

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

use crate::books::{Product, Provider};
use crate::identity::{CurpShape, examine_curp};
use crate::people::{self, Person};
use crate::rules::Plan;
use crate::scenario::NubariumOutcome;
use crate::wire::{Answer, Reply};
use crate::world::World;

const PATH: &str = "/imss/obtener_nss";

/// A request as Nubarium understands it.
pub(crate) enum Asks {
    Nss { curp: Option<String> },
    Elsewhere,
}

impl Asks {
    pub(crate) fn endpoint(&self) -> &'static str {
        match self {
            Self::Nss { .. } => "POST /imss/obtener_nss",
            Self::Elsewhere => "other",
        }
    }

    pub(crate) fn curp(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Nss { curp } => curp.as_deref().map(Cow::Borrowed),
            Self::Elsewhere => None,
        }
    }
}

pub(crate) fn understand(request: &Request<Bytes>) -> Asks {
    if request.method() != Method::POST || request.uri().path() != PATH {
        return Asks::Elsewhere;
    }
    let body: Option<Value> = serde_json::from_slice(request.body()).ok();
    let curp = body.and_then(|body| body.get("curp").and_then(Value::as_str).map(str::to_owned));
    Asks::Nss { curp }
}

pub(crate) fn answer(world: &World, request: &Request<Bytes>, asks: &Asks, plan: &Plan) -> Answer {
    let Asks::Nss { curp } = asks else {
        return Reply::empty(StatusCode::NOT_FOUND).free();
    };
    if !is_authorised(world, request) {
        return credentials_refused(StatusCode::UNAUTHORIZED).free();
    }
    let curp = curp.as_deref().unwrap_or_default();
    let person = people::find(world.seed, curp);
    let outcome = outcome(plan, curp, person.as_ref());
    let validation_code = Uuid::new_v4().simple().to_string();
    let body = wire_format::body(outcome, person.as_ref(), &validation_code, &plan.nubarium);
    let billed = if is_billed(outcome) {
        Some(&validation_code)
    } else {
        None
    };
    let charged_as = billed.and_then(|code| world.charge(plan, (Provider::Nubarium, Product::Nss), curp, code));
    Answer {
        reply: Reply::json(StatusCode::OK, &body),
        charged_as,
    }
}

/// Codes 0 to 5 are billed; the internal error is documented as not billable.
pub(crate) fn is_billed(outcome: NubariumOutcome) -> bool {
    match outcome {
        NubariumOutcome::Found
        | NubariumOutcome::NoNss
        | NubariumOutcome::LimitReached
        | NubariumOutcome::EmailRegistered
        | NubariumOutcome::NotInRenapo
        | NubariumOutcome::VisitSubdelegacion => true,
        NubariumOutcome::InternalError => false,
    }
}

fn outcome(plan: &Plan, curp: &str, person: Option<&Person>) -> NubariumOutcome {
    let natural = match (person, examine_curp(curp)) {
        (Some(person), _) if person.nss.is_none() => NubariumOutcome::NoNss,
        (Some(_), _) => NubariumOutcome::Found,
        (None, CurpShape::Malformed) => NubariumOutcome::InternalError,
        (None, CurpShape::Valid | CurpShape::WrongDigit) => NubariumOutcome::NotInRenapo,
    };
    match plan.nubarium.outcome {
        // Nobody can be found without an NSS to show.
        Some(NubariumOutcome::Found) | None => natural,
        Some(wished) => wished,
    }
}

fn is_authorised(world: &World, request: &Request<Bytes>) -> bool {
    let credentials = &world.credentials;
    let expected = STANDARD.encode(format!(
        "{}:{}",
        credentials.nubarium_username, credentials.nubarium_password
    ));
    let sent = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    sent.and_then(|value| value.split_once(' '))
        .is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("basic") && token.trim() == expected)
}

pub(crate) fn credentials_refused(status: StatusCode) -> Reply {
    let realm = HeaderValue::from_static("Basic realm=\"Error de autenticacion\"");
    Reply::json(status, &wire_format::authentication_error()).header(header::WWW_AUTHENTICATE, realm)
}

#[cfg(test)]
mod tests;
