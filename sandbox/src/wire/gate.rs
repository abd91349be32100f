//! Leads one call through the sandbox: count, quota, plan, provider, latency, fault.
//!
//! The provider books its charge before the latency and the fault, as a real one does: a caller who gives up waiting,
//! or whose connection breaks, has still bought the answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep};

use super::body::{ScriptedBody, WhenSent};
use super::reply::{Answer, Reply};
use super::sabotage::{Delivery, spoil, too_many_requests, untouched};
use crate::faults::{Fault, Step};
use crate::rules::{Asked, Plan};
use crate::world::World;
use crate::{Provider, kiban, nubarium, people, tuidentidad};

/// The largest request that is read; real ones stay below a kilobyte.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Why hyper gets no response: the connection ends, or stays open for ever without one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("the fault resets the connection")]
    Reset,
    #[error("the fault closes the connection")]
    Close,
}

/// A request as its provider understood it.
enum Understood {
    Kiban(kiban::Asks),
    TuIdentidad(tuidentidad::Asks),
    Nubarium(nubarium::Asks),
}

impl Understood {
    fn step(&self) -> Step {
        match self {
            Self::Kiban(asks) => asks.step(),
            Self::TuIdentidad(asks) => asks.step(),
            Self::Nubarium(_) => Step::Submit,
        }
    }
}

pub(super) async fn respond(
    world: &Arc<World>,
    provider: Provider,
    request: Request<Incoming>,
) -> Result<Response<ScriptedBody>, NoAnswer> {
    let _in_flight = world.traffic.begin(provider, request.headers());
    match pass(world, provider, request).await {
        Delivery::Respond(response) => Ok(response),
        Delivery::Reset => Err(NoAnswer::Reset),
        Delivery::Close => Err(NoAnswer::Close),
        Delivery::Hang => std::future::pending().await,
    }
}

async fn pass(world: &Arc<World>, provider: Provider, request: Request<Incoming>) -> Delivery {
    if let Err(wait) = world.rules.admit(provider, Instant::now()) {
        world.traffic.violation(provider);
        return untouched(too_many_requests(Some(wait.as_secs() + 1)), None);
    }
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(axum::body::Body::new(body), REQUEST_BYTES_MAX).await else {
        return untouched(Reply::empty(StatusCode::PAYLOAD_TOO_LARGE), None);
    };
    let request = Request::from_parts(head, body);
    let understood = understand(provider, &request).await;
    let plan = plan(world, provider, &understood);
    let delivery = deliver(world, &request, understood, &plan).await;
    tracing::debug!(
        provider = provider.name(),
        outcome = %describe(&delivery),
        has_fault = plan.fault.is_some(),
        "the sandbox answered a call"
    );
    delivery
}

async fn understand(provider: Provider, request: &Request<Bytes>) -> Understood {
    match provider {
        Provider::Kiban => Understood::Kiban(kiban::understand(request)),
        Provider::TuIdentidad => Understood::TuIdentidad(tuidentidad::understand(request).await),
        Provider::Nubarium => Understood::Nubarium(nubarium::understand(request)),
    }
}

fn plan(world: &World, provider: Provider, understood: &Understood) -> Plan {
    let (endpoint, curp) = match understood {
        Understood::Kiban(asks) => (asks.endpoint(), world.kiban.curp_of(asks)),
        Understood::TuIdentidad(asks) => (asks.endpoint(), world.tuidentidad.curp_of(asks)),
        Understood::Nubarium(asks) => (asks.endpoint(), asks.curp()),
    };
    let step = understood.step();
    world.traffic.endpoint(provider, endpoint);
    let nature = curp
        .as_deref()
        .and_then(|curp| people::find(world.seed, curp))
        .map(|person| person.nature);
    let nature = nature.unwrap_or_default();
    world.rules.plan(&Asked {
        provider,
        step,
        curp: curp.as_deref(),
        nature: &nature,
    })
}

async fn deliver(world: &Arc<World>, request: &Request<Bytes>, understood: Understood, plan: &Plan) -> Delivery {
    let Some(fault) = &plan.fault else {
        let answer = ask(world, request, understood, plan).await;
        sleep(plan.answer_in).await;
        let when_sent = when_sent(world, &answer);
        return untouched(answer.reply, when_sent);
    };
    if let Fault::CredentialsRefused { status } = fault {
        return untouched(credentials_refused(&understood, *status), None);
    }
    if !fault.is_billed() && !fault.shows_the_answer() && understood.step() == Step::Submit {
        sleep(plan.answer_in).await;
        return spoil(fault, Reply::empty(StatusCode::OK), None);
    }
    let answer = ask(world, request, understood, plan).await;
    sleep(plan.answer_in).await;
    if let Fault::Delay { ms, .. } = fault {
        sleep(Duration::from_millis(*ms)).await;
    }
    let when_sent = when_sent(world, &answer);
    spoil(fault, answer.reply, when_sent)
}

async fn ask(world: &Arc<World>, request: &Request<Bytes>, understood: Understood, plan: &Plan) -> Answer {
    match understood {
        Understood::Kiban(asks) => kiban::answer(world, request, asks, plan).await,
        Understood::TuIdentidad(asks) => tuidentidad::answer(world, request, asks, plan),
        Understood::Nubarium(asks) => nubarium::answer(world, request, &asks, plan),
    }
}

fn credentials_refused(understood: &Understood, status: u16) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED);
    match understood {
        Understood::Kiban(_) => kiban::credentials_refused(status),
        Understood::TuIdentidad(_) => tuidentidad::credentials_refused(status),
        Understood::Nubarium(_) => nubarium::credentials_refused(status),
    }
}

fn when_sent(world: &Arc<World>, answer: &Answer) -> Option<WhenSent> {
    let reference = answer.charged_as.clone()?;
    let books = world.books.clone();
    Some(Box::new(move || books.mark_delivered(&reference)))
}

fn describe(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Respond(response) => response.status().as_u16().to_string(),
        Delivery::Reset => "reset".to_owned(),
        Delivery::Close => "closed".to_owned(),
        Delivery::Hang => "never answered".to_owned(),
    }
}
