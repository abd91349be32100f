//! Settings of the upstream APIs: what the adapters need to reach them, and what the engine needs to spare them.
//!
//! A provider is set up when it has a base URL and all its credentials; one without the other is a mistake.

use std::{collections::BTreeMap, time::Duration};

use secrecy::SecretString;
use url::Url;

use super::{
    COUNT_MAX, FACTOR_MAX, parse,
    reader::{Reader, parse_choice},
};
use crate::{
    domain::{gate::GateLimits, provider_id::ProviderId, retry::Backoff},
    engine::ProviderOptions,
};

/// Nubarium answers at once, so that its polling has no settings; the engine is told the slowest, should it ever ask.
const NO_POLLING: Backoff = Backoff {
    first: Duration::from_secs(15),
    factor: 1.0,
    max: Duration::from_secs(15),
    tries_max: 0,
};

/// The providers that are set up.
#[derive(Clone, Debug)]
pub(crate) struct Providers {
    pub connect_timeout: Duration,
    pub kiban: Option<Kiban>,
    pub tuidentidad: Option<TuIdentidad>,
    pub nubarium: Option<Nubarium>,
    /// What the engine needs to know, of those that are set up.
    pub engine: BTreeMap<ProviderId, ProviderOptions>,
}

#[derive(Clone, Debug)]
pub(crate) struct Kiban {
    pub base_url: Url,
    pub api_key: SecretString,
    pub version: String,
    /// Behind `/api/v{version}/`.
    pub path: String,
    pub unbilled_statuses: Vec<u16>,
}

#[derive(Clone, Debug)]
pub(crate) struct TuIdentidad {
    pub base_url: Url,
    pub api_key: SecretString,
    pub path: String,
    pub status_path: String,
    pub encoding: Encoding,
    pub unbilled_statuses: Vec<u16>,
}

#[derive(Clone, Debug)]
pub(crate) struct Nubarium {
    pub base_url: Url,
    pub username: String,
    pub password: SecretString,
    pub path: String,
    pub unbilled_statuses: Vec<u16>,
}

/// How a form is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Multipart,
    Urlencoded,
}

impl Providers {
    pub(crate) fn is_empty(&self) -> bool {
        self.engine.is_empty()
    }
}

pub(super) fn read(r: &mut Reader) -> Providers {
    let plaintext_allowed = r.switch("providers.plaintext_allowed");
    let connect_timeout = r.duration("providers.connect_timeout");
    let mut engine = BTreeMap::new();
    let kiban = read_kiban(r, plaintext_allowed);
    let kiban_engine = read_engine(r, ProviderId::Kiban, true);
    let tuidentidad = read_tuidentidad(r, plaintext_allowed);
    let tuidentidad_engine = read_engine(r, ProviderId::TuIdentidad, true);
    let nubarium = read_nubarium(r, plaintext_allowed);
    let nubarium_engine = read_engine(r, ProviderId::Nubarium, false);
    let set_up = [
        (kiban.is_some(), ProviderId::Kiban, kiban_engine),
        (tuidentidad.is_some(), ProviderId::TuIdentidad, tuidentidad_engine),
        (nubarium.is_some(), ProviderId::Nubarium, nubarium_engine),
    ];
    engine.extend(
        set_up
            .into_iter()
            .filter(|(is_set_up, ..)| *is_set_up)
            .map(|(_, id, options)| (id, options)),
    );
    Providers {
        connect_timeout,
        kiban,
        tuidentidad,
        nubarium,
        engine,
    }
}

fn read_kiban(r: &mut Reader, plaintext_allowed: bool) -> Option<Kiban> {
    let base_url = read_base_url(r, ProviderId::Kiban, plaintext_allowed);
    let api_key = r.optional_secret("providers.kiban.api_key", 1);
    demand_whole(r, ProviderId::Kiban, &["api_key"]);
    let version = r.read("providers.kiban.version", parse::version);
    let path = r.read("providers.kiban.path", parse::url_path);
    let unbilled_statuses = r.list("providers.kiban.unbilled_statuses", parse::failure_status);
    Some(Kiban {
        base_url: base_url?,
        api_key: api_key?,
        version,
        path,
        unbilled_statuses,
    })
}

fn read_tuidentidad(r: &mut Reader, plaintext_allowed: bool) -> Option<TuIdentidad> {
    let base_url = read_base_url(r, ProviderId::TuIdentidad, plaintext_allowed);
    let api_key = r.optional_secret("providers.tuidentidad.api_key", 1);
    demand_whole(r, ProviderId::TuIdentidad, &["api_key"]);
    let path = r.read("providers.tuidentidad.path", parse::url_path);
    let status_path = r.read("providers.tuidentidad.status_path", parse::url_path);
    let encodings = [("multipart", Encoding::Multipart), ("urlencoded", Encoding::Urlencoded)];
    let encoding = r.read("providers.tuidentidad.encoding", |text| parse_choice(text, &encodings));
    let unbilled_statuses = r.list("providers.tuidentidad.unbilled_statuses", parse::failure_status);
    Some(TuIdentidad {
        base_url: base_url?,
        api_key: api_key?,
        path,
        status_path,
        encoding,
        unbilled_statuses,
    })
}

fn read_nubarium(r: &mut Reader, plaintext_allowed: bool) -> Option<Nubarium> {
    let base_url = read_base_url(r, ProviderId::Nubarium, plaintext_allowed);
    let username = r.optional("providers.nubarium.username", parse::nonempty);
    let password = r.optional_secret("providers.nubarium.password", 1);
    demand_whole(r, ProviderId::Nubarium, &["username", "password"]);
    let path = r.read("providers.nubarium.path", parse::url_path);
    let unbilled_statuses = r.list("providers.nubarium.unbilled_statuses", parse::failure_status);
    Some(Nubarium {
        base_url: base_url?,
        username: username?,
        password: password?,
        path,
        unbilled_statuses,
    })
}

fn read_base_url(r: &mut Reader, id: ProviderId, plaintext_allowed: bool) -> Option<Url> {
    let name = format!("providers.{id}.base_url");
    let url = r.optional(&name, parse::http_url)?;
    let is_safe = url.scheme() == "https" || parse::is_loopback(&url) || plaintext_allowed;
    r.demand(is_safe, &[&name, "providers.plaintext_allowed"], || {
        let what = "it would send people's data unencrypted to another machine";
        let fix = "write https://, or set providers.plaintext_allowed = true when a sandbox is there";
        (what.into(), fix.into())
    });
    Some(url)
}

/// A base URL without credentials does nothing, nor do credentials without a base URL: somebody forgot the rest.
fn demand_whole(r: &mut Reader, id: ProviderId, credentials: &[&str]) {
    let names: Vec<String> = ["base_url"]
        .iter()
        .chain(credentials)
        .map(|name| format!("providers.{id}.{name}"))
        .collect();
    let Some(set) = names.iter().find(|name| r.is_set(name)).cloned() else {
        return;
    };
    for name in names.iter().filter(|name| !r.is_set(name)).cloned().collect::<Vec<_>>() {
        let fix = format!("set it, in the settings file or as {}", super::variable(&name));
        r.wrong(&name, format!("{set} is set, and does nothing without it"), fix);
    }
}

fn read_engine(r: &mut Reader, id: ProviderId, polls: bool) -> ProviderOptions {
    let name = |setting: &str| format!("providers.{id}.{setting}");
    let call_time_limit = r.duration(&name("call_timeout"));
    let (poll_time_limit, poll) = if polls {
        read_poll(r, id)
    } else {
        (call_time_limit, NO_POLLING)
    };
    ProviderOptions {
        call_time_limit,
        poll_time_limit,
        poll,
        gate: GateLimits {
            rate_max: r.integer(&name("rate_max"), 0, COUNT_MAX),
            rate_window: r.duration(&name("rate_window")),
            rate_burst: r.integer(&name("rate_burst"), 1, COUNT_MAX),
            in_flight_max: r.integer(&name("in_flight_max"), 0, COUNT_MAX),
            breaker_failures: r.integer(&name("breaker_failures"), 0, COUNT_MAX),
            breaker_open: r.duration(&name("breaker_open")),
        },
    }
}

fn read_poll(r: &mut Reader, id: ProviderId) -> (Duration, Backoff) {
    let name = |setting: &str| format!("providers.{id}.{setting}");
    let time_limit = r.duration(&name("poll_timeout"));
    let (first, max) = (r.duration(&name("poll_first")), r.duration(&name("poll_max")));
    let factor = r.number(&name("poll_factor"), 1.0, FACTOR_MAX);
    super::checks::demand_at_most(r, (&name("poll_first"), first), (&name("poll_max"), max));
    (
        time_limit,
        Backoff {
            first,
            factor,
            max,
            tries_max: 0,
        },
    )
}
