//! What single settings look like. A value that may hold a secret (any URL may) is never repeated in what is wrong with it.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use http::HeaderValue;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

use super::reader::Wrong;
use crate::api::WebOrigin;
use crate::store::redis as redis_store;

/// `store.url`, by its kind.
pub(super) enum StoreUrl {
    Sqlite(PathBuf),
    Redis(SecretString),
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, Wrong> {
    let fix = "write an IP address and a port, such as \"127.0.0.1:50051\", or \"0.0.0.0:50051\" for all interfaces";
    text.parse()
        .map_err(|_| Wrong::new(format!("{text:?} is no address to listen on"), fix))
}

/// Where something is reached by HTTP; paths go behind it.
pub(super) fn http_url(text: &str) -> Result<Url, Wrong> {
    let fix = "write it as https://HOST or https://HOST:PORT/PATH";
    let url = Url::parse(text).map_err(|error| Wrong::new(format!("it is no URL ({error})"), fix))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Wrong::new("it is no URL of HTTP", fix));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Wrong::new("it holds credentials", "put them into their own settings"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Wrong::new("it has a part behind ? or #", fix));
    }
    Ok(url)
}

/// Where a page comes from, as browsers write it.
pub(super) fn web_origin(text: &str) -> Result<WebOrigin, Wrong> {
    if text == "*" {
        return Ok(WebOrigin::Every);
    }
    let wrong = || {
        let fix = "write it as https://HOST or https://HOST:PORT, with nothing behind it, or \"*\" for every page";
        Wrong::new(format!("{text:?} is no origin of a page"), fix)
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_web = matches!(url.scheme(), "http" | "https");
    // An origin that is written in another way than browsers do would never be met.
    if !is_web || url.origin().ascii_serialization() != text {
        return Err(wrong());
    }
    HeaderValue::from_str(text).map(WebOrigin::This).map_err(|_| wrong())
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

pub(super) fn store_url(text: &str) -> Result<StoreUrl, Wrong> {
    if let Some(path) = text.strip_prefix("sqlite:") {
        let is_url = path.starts_with("//") || path.starts_with(':') || path.is_empty();
        let wrong = || {
            Wrong::new(
                "it names no file",
                "write sqlite:PATH, such as sqlite:./data/semanas.db",
            )
        };
        return (!is_url)
            .then(|| StoreUrl::Sqlite(PathBuf::from(path)))
            .ok_or_else(wrong);
    }
    let url = redis_store::check_url(text).map(|()| StoreUrl::Redis(SecretString::from(text)));
    url.map_err(|mistake| {
        Wrong::new(
            mistake.what,
            format!("write sqlite:PATH; or {}", mistake.fix.trim_start_matches("write ")),
        )
    })
}

/// A path behind a base URL, without slashes at its ends.
pub(super) fn url_path(text: &str) -> Result<String, Wrong> {
    let path = text.trim_matches('/');
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '\\');
    let wrong = || {
        Wrong::new(
            format!("{text:?} is no path of a URL"),
            "write it without ?, # and white space",
        )
    };
    (!path.is_empty() && path.chars().all(is_plain))
        .then(|| path.to_owned())
        .ok_or_else(wrong)
}

/// One part of a path.
pub(super) fn version(text: &str) -> Result<String, Wrong> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let wrong = || {
        Wrong::new(
            format!("{text:?} is no version"),
            "write it without the v, such as \"1\"",
        )
    };
    (!text.is_empty() && text.chars().all(is_plain))
        .then(|| text.to_owned())
        .ok_or_else(wrong)
}

pub(super) fn nonempty(text: &str) -> Result<String, Wrong> {
    let wrong = || Wrong::new("it is empty", "give it a value, or remove it for the default");
    (!text.is_empty()).then(|| text.to_owned()).ok_or_else(wrong)
}

/// An HTTP status that means a failure.
pub(super) fn failure_status(text: &str) -> Result<u16, Wrong> {
    let status = text.parse().ok().filter(|status| (400..=599).contains(status));
    status.ok_or_else(|| {
        Wrong::new(
            format!("{text:?} is no HTTP status of a failure"),
            "write numbers from 400 to 599",
        )
    })
}

pub(super) fn log_filter(text: &str) -> Result<String, Wrong> {
    let fix = "write a level, or levels by module, such as \"info,semanas_server::engine=debug\"";
    let is_filter = !text.is_empty() && EnvFilter::builder().parse(text).is_ok();
    is_filter
        .then(|| text.to_owned())
        .ok_or_else(|| Wrong::new(format!("{text:?} is no filter"), fix))
}
