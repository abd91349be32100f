//! `POST /callbacks/{provider}/{job_id}/{attempt_id}/{token}`: a provider's word that an answer may be ready.
//!
//! Decides what a provider is answered: 200 when it was understood, 401 with no words for whatever is not right about it, 503
//! when it should come again. It deliberately reads nothing of the body.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;

use crate::{
    domain::provider_id::ProviderId,
    engine::{Callback, CallbackVerdict, Engine, EngineError},
};

/// The largest callback: a whole document of the provider that sends the most has about a tenth of it.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// When a provider should come again if the engine does not say.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The headers that providers send the key in; the first one that is there counts.
const KEY_HEADERS: [&str; 2] = ["x-api-key", "xapikeycallback"];

/// The parts of the path. Not `Debug`: it holds the token.
#[derive(Deserialize)]
struct Address {
    provider: String,
    job_id: String,
    attempt_id: String,
    token: String,
}

pub(super) fn routes(engine: Engine) -> Router {
    Router::new()
        .route("/callbacks/{provider}/{job_id}/{attempt_id}/{token}", post(receive))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(engine)
}

async fn receive(
    State(engine): State<Engine>,
    Path(address): Path<Address>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(callback) = read(address, &headers, body) else {
        return answer(CallbackVerdict::Forged);
    };
    match engine.callback(callback).await {
        Ok(verdict) => answer(verdict),
        Err(error) => come_again(&error),
    }
}

fn read(address: Address, headers: &HeaderMap, body: Bytes) -> Option<Callback> {
    let provider: ProviderId = address.provider.parse().ok()?;
    let key = KEY_HEADERS
        .iter()
        .find_map(|name| headers.get(*name))
        .and_then(|value| value.to_str().ok());
    Some(Callback {
        provider,
        job_id: address.job_id,
        intent_id: address.attempt_id,
        token: address.token,
        key: key.map(ToOwned::to_owned),
        body,
    })
}

fn answer(verdict: CallbackVerdict) -> Response {
    match verdict {
        CallbackVerdict::Accepted => StatusCode::OK.into_response(),
        CallbackVerdict::Forged => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// Whatever the engine could not do, a later try of the provider may do; and if none comes, polling finds the answer.
fn come_again(error: &EngineError) -> Response {
    tracing::warn!(reason = ?error.reason, cause = error.source.as_ref().map(tracing::field::display), "callback could not be taken");
    let seconds = error
        .retry_after
        .map_or(RETRY_AFTER_SECONDS, |delay| delay.as_secs().max(1));
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, seconds.to_string())]).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::domain::reason::Reason;

    fn address(provider: &str) -> Address {
        let [job_id, attempt_id, token] = ["wh_1", "att_1", "secret"].map(ToOwned::to_owned);
        Address {
            provider: provider.to_owned(),
            job_id,
            attempt_id,
            token,
        }
    }

    #[test]
    fn the_key_is_read_from_either_header() {
        for name in ["x-api-key", "xApiKeyCallback"] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), "key".parse().unwrap())]);
            let callback = read(address("kiban"), &headers, Bytes::from_static(b"{}")).unwrap();
            assert_eq!(
                (callback.key.as_deref(), callback.intent_id.as_str()),
                (Some("key"), "att_1"),
                "{name}"
            );
        }
        assert!(
            read(address("kiban"), &HeaderMap::new(), Bytes::new())
                .unwrap()
                .key
                .is_none()
        );
        assert!(read(address("equifax"), &HeaderMap::new(), Bytes::new()).is_none());
    }

    #[test]
    fn a_store_that_is_away_asks_the_provider_to_come_again() {
        let error = EngineError {
            retry_after: Some(std::time::Duration::from_millis(200)),
            ..EngineError::new(Reason::StoreUnavailable)
        };
        let response = come_again(&error);
        assert_eq!(
            (response.status(), &response.headers()[RETRY_AFTER]),
            (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
        );
    }
}
