//! Kiban's `semanas_cotizadas`: an acknowledgement at once, the document later, by look-up or callback.
//!
//! Decides what is accepted, refused and billed. `cases` is the table of test cases, `desk` remembers the documents,
//! `document` writes them, `history` writes the work history, `callback` notifies.

mod callback;
mod cases;
mod desk;
mod document;
mod history;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use self::desk::{Accepted, Ending};
use self::document::Submitted;
use crate::books::{Product, Provider};
use crate::faults::Step;
use crate::identity::{CurpShape, examine_curp};
use crate::people;
use crate::rules::Plan;
use crate::scenario::KibanInner;
use crate::wire::{Answer, Reply};
use crate::world::World;

pub use self::cases::{TEST_CASES, TestCase};
pub(crate) use self::desk::Desk;
/// Stands in `apiData` of every document, so that a test can prove that none of it is kept.
pub use self::document::DECOY_SECRET;

const SERVICE: &str = "/imss/semanas_cotizadas";
const NO_SUCH_TEST_CASE: &str = "EMPTY_ERROR; test case not found";
const MISSING: &str = "REQUIRED_FIELD_ERROR; EMPTY_ERROR; can't be empty";
const BAD_CURP: &str = "FORMAT_ERROR; invalid curp format";

/// A request as Kiban understands it.
pub(crate) enum Asks {
    Submit {
        body: Option<Value>,
        test_case_id: Option<String>,
    },
    Document {
        id: String,
    },
    Elsewhere,
    WrongMethod,
}

impl Asks {
    pub(crate) fn endpoint(&self) -> &'static str {
        match self {
            Self::Submit { .. } => "POST /imss/semanas_cotizadas",
            Self::Document { .. } => "GET /imss/semanas_cotizadas/{id}",
            Self::Elsewhere | Self::WrongMethod => "other",
        }
    }

    pub(crate) fn step(&self) -> Step {
        match self {
            Self::Document { .. } => Step::Status,
            Self::Submit { .. } | Self::Elsewhere | Self::WrongMethod => Step::Submit,
        }
    }
}

pub(crate) fn understand(request: &Request<Bytes>) -> Asks {
    let Some(rest) = after_service(request.uri().path()) else {
        return Asks::Elsewhere;
    };
    match (request.method(), rest.strip_prefix('/')) {
        (&Method::POST, None) => Asks::Submit {
            body: serde_json::from_slice(request.body()).ok().filter(Value::is_object),
            test_case_id: test_case_id(request.uri().query().unwrap_or_default()),
        },
        (&Method::GET, Some(id)) => Asks::Document { id: id.to_owned() },
        _other => Asks::WrongMethod,
    }
}

/// What follows `/api/v{version}/imss/semanas_cotizadas`; any version will do.
fn after_service(path: &str) -> Option<&str> {
    let (version, rest) = path.strip_prefix("/api/v")?.split_once('/')?;
    let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let rest = rest.strip_prefix(&SERVICE[1..])?;
    (is_version && (rest.is_empty() || rest.len() > 1 && rest.starts_with('/'))).then_some(rest)
}

/// Ids are hexadecimal, so the value needs no percent decoding.
fn test_case_id(query: &str) -> Option<String> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("testCaseId="))
        .map(str::to_owned)
}

pub(crate) async fn answer(world: &Arc<World>, request: &Request<Bytes>, asks: Asks, plan: &Plan) -> Answer {
    let status = match &asks {
        Asks::Elsewhere => Some(StatusCode::NOT_FOUND),
        Asks::WrongMethod => Some(StatusCode::METHOD_NOT_ALLOWED),
        Asks::Submit { .. } | Asks::Document { .. } => refused_key(world, request),
    };
    match (status, asks) {
        (Some(status), _) => credentials_refused(status).free(),
        (None, Asks::Submit { body, test_case_id }) => {
            submit(world, request, body, test_case_id.as_deref(), plan).await
        }
        (None, Asks::Document { id }) => look_up(world, &id).free(),
        (None, Asks::Elsewhere | Asks::WrongMethod) => credentials_refused(StatusCode::NOT_FOUND).free(),
    }
}

fn refused_key(world: &World, request: &Request<Bytes>) -> Option<StatusCode> {
    let key = request.headers().get("x-api-key").and_then(|value| value.to_str().ok());
    match key {
        Some(key) if key == world.credentials.kiban_api_key => None,
        Some(crate::KIBAN_API_KEY_WITHOUT_ACCESS) => Some(StatusCode::FORBIDDEN),
        _missing_or_unknown => Some(StatusCode::UNAUTHORIZED),
    }
}

async fn submit(
    world: &Arc<World>,
    request: &Request<Bytes>,
    body: Option<Value>,
    test_case_id: Option<&str>,
    plan: &Plan,
) -> Answer {
    let test_case = match test_case_id
        .map(|id| cases::find(id).ok_or(NO_SUCH_TEST_CASE))
        .transpose()
    {
        Ok(test_case) => test_case,
        Err(text) => return bad_request([("testCase", text)]).free(),
    };
    let submitted = match read(body) {
        Ok(submitted) => submitted,
        Err(fields) => return bad_request(fields).free(),
    };
    if let Some((field, text)) = test_case.and_then(TestCase::bad_request) {
        return bad_request([(field, text)]).free();
    }
    let refusal = plan
        .kiban
        .submit_status
        .and_then(|status| StatusCode::from_u16(status).ok());
    let billed = is_billed(refusal.unwrap_or(StatusCode::OK), test_case.is_some());
    let id = desk::new_id();
    let charge = || world.charge(plan, (Provider::Kiban, Product::WorkHistory), &submitted.curp, &id);
    let charged_as = billed.then(charge).flatten();
    if let Some(status) = refusal {
        return Answer {
            reply: refused(status),
            charged_as,
        };
    }
    let ending = ending(world, &submitted, test_case, plan);
    let accepted = Accepted {
        id: id.clone(),
        submitted,
        ending,
    };
    let acknowledgement = world.kiban.accept(accepted, plan);
    if let Some(target) = callback::Target::from_headers(request.headers()) {
        callback::arrange(world, target, &id, plan).await;
    }
    Answer {
        reply: Reply::json(StatusCode::OK, &acknowledgement),
        charged_as,
    }
}

/// An accepted POST is billed, also when its document turns out to be a failure. A test case never is. Of the
/// refusals, 406 and 408 come after Kiban asked its own provider and are billed; the others are not.
pub(crate) fn is_billed(status: StatusCode, is_test_case: bool) -> bool {
    !is_test_case
        && matches!(
            status,
            StatusCode::OK | StatusCode::NOT_ACCEPTABLE | StatusCode::REQUEST_TIMEOUT
        )
}

fn read(body: Option<Value>) -> Result<Submitted, BTreeMap<&'static str, &'static str>> {
    let body = body.unwrap_or(Value::Null);
    let field = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .filter(|text| !text.is_empty())
    };
    let mut wrong: BTreeMap<&'static str, &'static str> = BTreeMap::new();
    for name in ["curp", "primerNombre", "apellidoPaterno"] {
        if field(name).is_none() {
            wrong.insert(name, MISSING);
        }
    }
    if field("curp").is_some_and(|curp| examine_curp(&curp) == CurpShape::Malformed) {
        wrong.insert("curp", BAD_CURP);
    }
    match (field("curp"), field("primerNombre"), field("apellidoPaterno")) {
        (Some(curp), Some(primer_nombre), Some(apellido_paterno)) if wrong.is_empty() => Ok(Submitted {
            apellido_materno: field("apellidoMaterno"),
            apellido_paterno,
            curp,
            primer_nombre,
            segundo_nombre: field("segundoNombre"),
        }),
        _incomplete => Err(wrong),
    }
}

/// How the document will end: as the test case says, else as the scenario says, else by who the person is.
fn ending(world: &World, submitted: &Submitted, test_case: Option<&TestCase>, plan: &Plan) -> Ending {
    let person = people::find(world.seed, &submitted.curp);
    if let Some(test_case) = test_case {
        return test_case.ending(person.filter(|person| !person.is_generated));
    }
    let scenario = &plan.kiban;
    if let Some(status) = scenario.status.as_deref().filter(|status| *status != document::SUCCESS) {
        return Ending::failure(status, "the source did not answer");
    }
    let natural = match &person {
        None => KibanInner::Invalid,
        Some(person) if person.nss.is_none() => KibanInner::NotFound,
        Some(_) => KibanInner::Found,
    };
    match (scenario.inner.unwrap_or(natural), person) {
        (KibanInner::Found, Some(person)) => Ending::found(person, scenario.shape),
        (KibanInner::Found | KibanInner::Invalid, _) => Ending::Invalid,
        (KibanInner::NotFound, _) => Ending::NotFound,
    }
}

fn look_up(world: &World, id: &str) -> Reply {
    match world.kiban.look_up(id) {
        Some(document) => Reply::json(StatusCode::OK, &document),
        None => Reply::json(
            StatusCode::NOT_FOUND,
            &json!({"id": "NOT_FOUND_ERROR; request not found"}),
        ),
    }
}

/// A 400 in Kiban's way: field names and what is wrong with each.
fn bad_request(fields: impl IntoIterator<Item = (&'static str, &'static str)>) -> Reply {
    let fields: BTreeMap<&'static str, &'static str> = fields.into_iter().collect();
    Reply::json(StatusCode::BAD_REQUEST, &fields)
}

fn refused(status: StatusCode) -> Reply {
    match status {
        StatusCode::BAD_REQUEST => bad_request([("curp", BAD_CURP)]),
        other => credentials_refused(other),
    }
}

/// Nobody publishes the bodies of 401 and 403; this is the usual one of an API gateway.
pub(crate) fn credentials_refused(status: StatusCode) -> Reply {
    Reply::json(
        status,
        &json!({"message": status.canonical_reason().unwrap_or("Error")}),
    )
}

pub(crate) fn release_callbacks(world: &Arc<World>) -> usize {
    callback::release(world)
}

#[cfg(test)]
mod tests;
