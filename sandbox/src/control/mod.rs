//! The control API: the books, the counts, the people and every fault over HTTP and JSON.
//!
//! Meant for a developer with curl and for test suites in any language. A wrong request gets 400 and a sentence that
//! says what is wrong and what is accepted.

mod checks;
mod views;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) use self::checks::{Target, check};
use crate::books::Provider;
use crate::kiban;
use crate::people::{self, people};
use crate::scenario::Settings;
use crate::world::World;

type Shared = State<Arc<World>>;

/// A request that was refused, as a status and a sentence.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<String> for Refusal {
    fn from(error: String) -> Self {
        Self(StatusCode::BAD_REQUEST, error)
    }
}

pub(crate) async fn serve(world: Arc<World>, listener: TcpListener) {
    let stop = world.stop.clone();
    let served = axum::serve(listener, router(world)).into_future();
    if let Some(Err(error)) = stop.run_until_cancelled(served).await {
        tracing::error!(%error, "the sandbox's control API ended");
    }
}

fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/health", get(async || Json(json!({"status": "ok"}))))
        .route("/books", get(books))
        .route(
            "/books/summary",
            get(async |State(world): Shared| Json(world.books.summary())),
        )
        .route(
            "/requests",
            get(async |State(world): Shared| Json(world.traffic.report())),
        )
        .route("/people", get(list_people))
        .route("/people/{curp}", get(show_person))
        .route(
            "/people/{curp}/faults",
            put(set_person).delete(unset_person).get(person_settings),
        )
        .route(
            "/providers/{provider}/faults",
            put(set_provider).delete(unset_provider).get(provider_settings),
        )
        .route("/defaults", put(set_defaults).get(defaults))
        .route("/callbacks/release", post(release_callbacks))
        .route("/reset", post(reset))
        .fallback(async || Refusal(StatusCode::NOT_FOUND, views::PATHS.to_owned()))
        .with_state(world)
}

async fn books(State(world): Shared, RawQuery(query): RawQuery) -> Result<Json<Value>, Refusal> {
    let (mut provider, mut curp) = (None, None);
    for pair in query
        .as_deref()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        match pair.split_once('=') {
            Some(("provider", name)) => provider = Some(parse_provider(name)?),
            Some(("curp", wanted)) => curp = Some(wanted),
            _unknown => return Err(format!("unknown filter `{pair}`; accepted: provider=, curp=").into()),
        }
    }
    Ok(Json(json!({"charges": world.books.matching(provider, curp)})))
}

async fn list_people() -> Json<Value> {
    Json(json!({"people": people().iter().map(views::person).collect::<Vec<_>>()}))
}

async fn show_person(State(world): Shared, Path(curp): Path<String>) -> Result<Json<Value>, Refusal> {
    let person = people::find(world.seed, &curp).ok_or_else(|| {
        let error = "not a valid CURP, so the sandbox has no person for it; GET /people lists the known ones";
        Refusal(StatusCode::NOT_FOUND, error.to_owned())
    })?;
    let mut view = views::person(&person);
    view["history"] = views::history(&person);
    view["settings"] = json!(world.rules.person(&curp));
    Ok(Json(view))
}

async fn set_person(State(world): Shared, Path(curp): Path<String>, body: Bytes) -> Result<Json<Settings>, Refusal> {
    let settings: Settings = parse(&body)?;
    checks::check_curp(&curp)?;
    check(&settings, Target::Person)?;
    world.rules.set_person(&curp, Some(settings.clone()));
    Ok(Json(settings))
}

async fn unset_person(State(world): Shared, Path(curp): Path<String>) -> StatusCode {
    world.rules.set_person(&curp, None);
    StatusCode::NO_CONTENT
}

async fn person_settings(State(world): Shared, Path(curp): Path<String>) -> Json<Settings> {
    Json(world.rules.person(&curp).unwrap_or_default())
}

async fn set_provider(State(world): Shared, Path(name): Path<String>, body: Bytes) -> Result<Json<Settings>, Refusal> {
    let provider = parse_provider(&name)?;
    let settings: Settings = parse(&body)?;
    check(&settings, Target::Provider)?;
    world.set_provider(provider, Some(settings.clone())).await;
    Ok(Json(settings))
}

async fn unset_provider(State(world): Shared, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    world.set_provider(parse_provider(&name)?, None).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn provider_settings(State(world): Shared, Path(name): Path<String>) -> Result<Json<Settings>, Refusal> {
    Ok(Json(world.rules.provider(parse_provider(&name)?)))
}

async fn set_defaults(State(world): Shared, body: Bytes) -> Result<Json<Value>, Refusal> {
    let wanted: checks::Defaults = parse(&body)?;
    wanted.check()?;
    world.rules.set_latency(wanted.latency, wanted.latency_scale);
    if let Some(settings) = wanted.settings {
        world.rules.set_everybody(settings);
    }
    Ok(defaults(State(world)).await)
}

async fn defaults(State(world): Shared) -> Json<Value> {
    let (latency, latency_scale) = world.rules.latency();
    let settings = world.rules.everybody();
    Json(json!({"latency": latency, "latency_scale": latency_scale, "settings": settings}))
}

async fn release_callbacks(State(world): Shared) -> Json<Value> {
    Json(json!({"released": kiban::release_callbacks(&world)}))
}

async fn reset(State(world): Shared) -> StatusCode {
    world.reset().await;
    StatusCode::NO_CONTENT
}

fn parse_provider(name: &str) -> Result<Provider, String> {
    Provider::from_name(name)
        .ok_or_else(|| format!("unknown provider `{name}`; accepted: kiban, tuidentidad, nubarium"))
}

/// Goes through `Value`: with arbitrary-precision numbers a tagged enum cannot read numbers straight from text.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
