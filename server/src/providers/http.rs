//! The one way to a provider: one client, one `send`, and what a failed exchange proves.
//!
//! Decides the limits of an exchange and whether a failure happened before or after the first byte; the first is proved
//! not sent, the second may have been billed. It deliberately knows no provider, reads no body, and logs nothing but
//! sizes and times: URLs, headers and bodies hold credentials and personal data.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{RequestBuilder, Response, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use crate::domain::provider_id::ProviderId;

/// The largest answer that is read. The longest real histories, with hundreds of employments, stay under 300 kB, and
/// Kiban wraps its raw traffic around them.
pub(crate) const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The longest pause that a provider can ask for. Quotas are counted by the day, so more is a mistake or malice.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

const USER_AGENT: &str = concat!("semanas/", env!("CARGO_PKG_VERSION"));
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// The HTTP client that all adapters share; cheap to clone.
#[derive(Clone)]
pub(crate) struct HttpClient(reqwest::Client);

/// Why an adapter cannot be built: its settings make no request. The messages hold no setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OptionsError {
    #[error("base_url must be http or https with a host, without user, query or fragment")]
    BaseUrl,
    #[error("a path must lead to a URL below base_url, without query or fragment")]
    Path,
    #[error("the credentials hold a character that no HTTP header can carry")]
    Credentials,
    #[error("unbilled_statuses may hold HTTP statuses from 400 to 599 only")]
    UnbilledStatus,
}

/// The client could not be made, usually for want of the system's root certificates.
#[derive(Debug, thiserror::Error)]
#[error("making the HTTP client for the providers")]
pub(crate) struct HttpClientError(#[source] reqwest::Error);

/// What surrounds one exchange.
pub(super) struct Exchange<'a> {
    pub provider: ProviderId,
    /// For the whole exchange, from connecting to the last byte.
    pub time_limit: Duration,
    pub trace_parent: Option<&'a str>,
    /// What a `Retry-After` date is counted from.
    pub now: Timestamp,
}

/// How an exchange went.
pub(super) enum Exchanged {
    /// The connection never stood; no byte of the request left.
    NotSent,
    /// Something failed after that: nothing is known about what the provider did.
    Lost,
    /// A whole HTTP answer.
    Answer(HttpAnswer),
}

/// A whole HTTP answer. Not `Debug`: the body is personal data.
pub(super) struct HttpAnswer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

/// Why an exchange broke, as the log says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Break {
    Connect,
    Timeout,
    Broken,
    BodyTooLarge,
}

impl HttpClient {
    /// A client that connects within `connect_timeout`, follows nothing, repeats nothing, and keeps no connection.
    ///
    /// A call whose own time limit is shorter than `connect_timeout` cannot tell a connection that never stood from an
    /// answer that never came; it is then lost, the more careful of the two.
    pub(crate) fn new(connect_timeout: Duration) -> Result<HttpClient, HttpClientError> {
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(connect_timeout)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // A request on a reused connection that the provider just closed is sent again by the pool, unseen.
            .pool_max_idle_per_host(0)
            // The environment's proxies are not meant for this; a proxy would see credentials.
            .no_proxy()
            // HTTP/2 brings retries of refused streams, and gains nothing for one request at a time.
            .http1_only()
            // A small answer could unpack to a large one, past the cap.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .referer(false)
            .build()
            .map_err(HttpClientError)?;
        Ok(HttpClient(client))
    }

    pub(super) fn post(&self, url: Url) -> RequestBuilder {
        self.0.post(url)
    }

    pub(super) fn get(&self, url: Url) -> RequestBuilder {
        self.0.get(url)
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient")
    }
}

/// Sends a request once and reads its answer whole.
pub(super) async fn send(request: RequestBuilder, exchange: Exchange<'_>) -> Exchanged {
    let started = Instant::now();
    let request = request.timeout(exchange.time_limit).headers(trace_headers(&exchange));
    let result = receive(request, exchange.now).await;
    let (provider, duration_ms) = (exchange.provider, started.elapsed().as_millis() as u64);
    match result {
        Ok(answer) => {
            let (status, body_bytes) = (answer.status, answer.body.len());
            tracing::info!(%provider, status, duration_ms, body_bytes, "a provider answered");
            Exchanged::Answer(answer)
        }
        Err(Break::Connect) => {
            tracing::warn!(%provider, duration_ms, "no connection to a provider; nothing was sent");
            Exchanged::NotSent
        }
        Err(cause @ (Break::Timeout | Break::Broken | Break::BodyTooLarge)) => {
            tracing::warn!(%provider, duration_ms, ?cause, "an exchange with a provider broke after it began");
            Exchanged::Lost
        }
    }
}

/// The URL of a provider's endpoint.
pub(super) fn endpoint(base: &Url, path: &str) -> Result<Url, OptionsError> {
    let is_plain = matches!(base.scheme(), "http" | "https")
        && base.has_host()
        && base.username().is_empty()
        && base.password().is_none()
        && base.query().is_none()
        && base.fragment().is_none();
    if !is_plain {
        return Err(OptionsError::BaseUrl);
    }
    let text = format!(
        "{}/{}",
        base.as_str().trim_end_matches('/'),
        path.trim_start_matches('/')
    );
    let url = Url::parse(&text).map_err(|_| OptionsError::Path)?;
    match url.query().is_none() && url.fragment().is_none() && url.origin() == base.origin() {
        true => Ok(url),
        false => Err(OptionsError::Path),
    }
}

/// A credential as a header that no log of the HTTP stack shows.
pub(super) fn secret_header(secret: &SecretString) -> Result<HeaderValue, OptionsError> {
    sensitive_header(secret.expose_secret()).ok_or(OptionsError::Credentials)
}

/// A text as a header that no log of the HTTP stack shows; `None` when a header cannot carry it.
pub(super) fn sensitive_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok().filter(|value| !value.is_empty())?;
    value.set_sensitive(true);
    Some(value)
}

async fn receive(request: RequestBuilder, now: Timestamp) -> Result<HttpAnswer, Break> {
    let response = request.send().await.map_err(|error| classify(&error))?;
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), now);
    let body = read_body(response).await?;
    Ok(HttpAnswer {
        status,
        retry_after,
        body,
    })
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, Break> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| after_first_byte(&error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Break::BodyTooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// DNS, a refused connection, a failed TLS handshake and the connect timeout all count as connecting: none of them lets
/// a byte of the request out. A request that could not even be built has not been sent either.
fn classify(error: &reqwest::Error) -> Break {
    if error.is_connect() || error.is_builder() {
        Break::Connect
    } else {
        after_first_byte(error)
    }
}

fn after_first_byte(error: &reqwest::Error) -> Break {
    if error.is_timeout() {
        Break::Timeout
    } else {
        Break::Broken
    }
}

fn trace_headers(exchange: &Exchange<'_>) -> HeaderMap {
    let value = exchange.trace_parent.and_then(|text| HeaderValue::from_str(text).ok());
    value.into_iter().map(|value| (TRACE_PARENT, value)).collect()
}

/// The pause that the provider asks for, in seconds or as a date, cut to [`RETRY_AFTER_MAX`].
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = DateTimeParser::new().parse_timestamp(text).ok()?;
            Duration::try_from(until.duration_since(now)).unwrap_or_default()
        }
    };
    Some(pause.min(RETRY_AFTER_MAX))
}
