//! Tu Identidad's work history: the answer at once, or a ticket to be looked up.
//!
//! Decides what is said and whether it is billed; `messages` holds the codes, `result` writes the history.

mod messages;
mod result;

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Form, FromRequest, Multipart};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use tokio::time::Instant;
use uuid::Uuid;

use self::messages::Message;
pub(crate) use self::messages::is_known as is_known_code;
use crate::books::{Product, Provider};
use crate::faults::Step;
use crate::identity::{CurpShape, examine_curp, is_nss};
use crate::people;
use crate::rules::Plan;
use crate::scenario::TuIdentidadScenario;
use crate::shelf::Shelf;
use crate::wire::{Answer, Reply};
use crate::world::{World, now};

const HISTORY_PATH: &str = "/api/WorkHistory/workhistory";
const STATUS_PATH: &str = "/api/WorkHistory/verificationstatus";

/// A request as Tu Identidad understands it.
pub(crate) enum Asks {
    History { curp: String, nss: String, limit: String },
    Status { verification_id: String },
    Elsewhere,
    WrongMethod,
}

impl Asks {
    pub(crate) fn endpoint(&self) -> &'static str {
        match self {
            Self::History { .. } => "POST /api/WorkHistory/workhistory",
            Self::Status { .. } => "POST /api/WorkHistory/verificationstatus",
            Self::Elsewhere | Self::WrongMethod => "other",
        }
    }

    pub(crate) fn step(&self) -> Step {
        match self {
            Self::Status { .. } => Step::Status,
            Self::History { .. } | Self::Elsewhere | Self::WrongMethod => Step::Submit,
        }
    }
}

/// The tickets that were given out.
#[derive(Default)]
pub(crate) struct Desk {
    tickets: Mutex<Shelf<Ticket>>,
}

/// What a 202 promised: the query, and when it is ready.
struct Ticket {
    query: Query,
    scenario: TuIdentidadScenario,
    ready_at: Instant,
    polls_left: u32,
}

/// A query that passed the checks. The limit sticks to it, and so to the ticket.
#[derive(Clone)]
struct Query {
    curp: String,
    nss: String,
    limit: usize,
}

impl Desk {
    pub(crate) fn curp_of<'a>(&self, asks: &'a Asks) -> Option<Cow<'a, str>> {
        match asks {
            Asks::History { curp, .. } => Some(Cow::Borrowed(curp)),
            Asks::Status { verification_id } => self
                .tickets()
                .get(verification_id)
                .map(|ticket| Cow::Owned(ticket.query.curp.clone())),
            Asks::Elsewhere | Asks::WrongMethod => None,
        }
    }

    pub(crate) fn clear(&self) {
        self.tickets().clear();
    }

    fn tickets(&self) -> MutexGuard<'_, Shelf<Ticket>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) async fn understand(request: &Request<Bytes>) -> Asks {
    let path = request.uri().path();
    let is_history = path.eq_ignore_ascii_case(HISTORY_PATH);
    if !is_history && !path.eq_ignore_ascii_case(STATUS_PATH) {
        return Asks::Elsewhere;
    }
    if request.method() != Method::POST {
        return Asks::WrongMethod;
    }
    let fields = form_fields(request).await;
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    if is_history {
        Asks::History {
            curp: field("CURP"),
            nss: field("NSS"),
            limit: field("Limit"),
        }
    } else {
        Asks::Status {
            verification_id: field("verificationId"),
        }
    }
}

/// The fields of a multipart or an urlencoded body; a body that is neither has none.
async fn form_fields(request: &Request<Bytes>) -> Vec<(String, String)> {
    let copy = Request::from_parts(
        request.clone().into_parts().0,
        axum::body::Body::from(request.body().clone()),
    );
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        return Form::<Vec<(String, String)>>::from_request(copy, &())
            .await
            .map(|Form(fields)| fields)
            .unwrap_or_default();
    }
    let mut fields = Vec::new();
    let Ok(mut multipart) = Multipart::from_request(copy, &()).await else {
        return fields;
    };
    while let Ok(Some(field)) = multipart.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        fields.push((name, field.text().await.unwrap_or_default()));
    }
    fields
}

pub(crate) fn answer(world: &World, request: &Request<Bytes>, asks: Asks, plan: &Plan) -> Answer {
    match &asks {
        Asks::Elsewhere => return Reply::empty(StatusCode::NOT_FOUND).free(),
        Asks::WrongMethod => return Reply::empty(StatusCode::METHOD_NOT_ALLOWED).free(),
        Asks::History { .. } | Asks::Status { .. } => {}
    }
    let key = request.headers().get("apikey").and_then(|value| value.to_str().ok());
    if key != Some(world.credentials.tuidentidad_api_key.as_str()) {
        return credentials_refused(StatusCode::UNAUTHORIZED).free();
    }
    match asks {
        Asks::History { curp, nss, limit } => match check(curp, nss, &limit) {
            Ok(query) => history(world, query, plan),
            Err(message) => message.reply(None).free(),
        },
        Asks::Status { verification_id } => status(world, &verification_id).free(),
        Asks::Elsewhere | Asks::WrongMethod => Reply::empty(StatusCode::NOT_FOUND).free(),
    }
}

fn check(curp: String, nss: String, limit: &str) -> Result<Query, &'static Message> {
    if curp.is_empty() || nss.is_empty() {
        return Err(messages::of("WH020"));
    }
    let limit = if limit.is_empty() { Ok(0) } else { limit.parse() };
    match (examine_curp(&curp), is_nss(&nss), limit) {
        (CurpShape::Valid | CurpShape::WrongDigit, true, Ok(limit)) => Ok(Query { curp, nss, limit }),
        _malformed => Err(messages::of("WH014")),
    }
}

/// The billed call: a result, a message, or a ticket.
fn history(world: &World, query: Query, plan: &Plan) -> Answer {
    let scenario = plan.tuidentidad.clone();
    let is_ticket = scenario.ticket == Some(true) || scenario.code.as_deref() == Some(messages::NOT_READY);
    let billed = is_ticket || is_billed(scenario.code.as_deref());
    let verification_id = Uuid::new_v4().to_string();
    let charged_as = billed
        .then(|| {
            world.charge(
                plan,
                (Provider::TuIdentidad, Product::WorkHistory),
                &query.curp,
                &verification_id,
            )
        })
        .flatten();
    let reply = if is_ticket {
        let polls_left = scenario.running_polls.unwrap_or(0);
        let ready_in = if scenario.running_polls.is_some() {
            Duration::ZERO
        } else {
            plan.ready_in
        };
        let ticket = Ticket {
            query,
            scenario,
            ready_at: Instant::now() + ready_in,
            polls_left,
        };
        world.tuidentidad.tickets().put(verification_id.clone(), ticket);
        messages::of(messages::NOT_READY).ticket(&verification_id)
    } else {
        settle(world, &query, &verification_id, &scenario)
    };
    Answer { reply, charged_as }
}

/// An accepted work history call is billed, whatever it brings (WH004 is a ticket, WH007 and WH008 are answers). Not
/// billed: a failing service (WH001 to WH003, WH005), an id that is not known (WH006), a request that was malformed
/// (WH014, WH020). Codes that nobody documents count as billed, which is the harder case for a caller.
pub(crate) fn is_billed(code: Option<&str>) -> bool {
    !matches!(
        code,
        Some("WH001" | "WH002" | "WH003" | "WH005" | "WH006" | "WH014" | "WH020")
    )
}

fn status(world: &World, verification_id: &str) -> Reply {
    let (query, scenario) = {
        let mut tickets = world.tuidentidad.tickets();
        let Some(ticket) = tickets.get_mut(verification_id) else {
            return messages::of("WH006").reply(None);
        };
        if ticket.polls_left > 0 || Instant::now() < ticket.ready_at {
            ticket.polls_left = ticket.polls_left.saturating_sub(1);
            return messages::of(messages::NOT_READY).ticket(verification_id);
        }
        (ticket.query.clone(), ticket.scenario.clone())
    };
    settle(world, &query, verification_id, &scenario)
}

/// The final word about a query, the same for a direct answer and for a ticket.
fn settle(world: &World, query: &Query, verification_id: &str, scenario: &TuIdentidadScenario) -> Reply {
    if scenario.no_content == Some(true) {
        return Reply::empty(StatusCode::NO_CONTENT);
    }
    let code = scenario.code.as_deref().filter(|code| *code != messages::NOT_READY);
    if let Some(code) = code {
        return messages::settle(messages::of(code), scenario.code_status, verification_id, scenario);
    }
    let person = people::find(world.seed, &query.curp);
    match person.filter(|person| person.is_generated || person.nss.as_ref() == Some(&query.nss)) {
        Some(person) => {
            let status = if scenario.partial == Some(true) {
                StatusCode::NON_AUTHORITATIVE_INFORMATION
            } else {
                StatusCode::OK
            };
            let subject = result::Subject {
                person: &person,
                nss: &query.nss,
                limit: query.limit,
            };
            Reply::json(status, &result::document(&subject, verification_id, now(), scenario))
        }
        None => messages::settle(messages::of("WH007"), None, verification_id, scenario),
    }
}

pub(crate) fn credentials_refused(status: StatusCode) -> Reply {
    messages::UNAUTHORISED.reply(Some(status.as_u16()))
}

#[cfg(test)]
mod tests;
