//! The settings: read from the compiled-in defaults, a file and the environment, and refused as a whole when anything is wrong.
//!
//! `config.default.toml` is the list of settings, their defaults and their documentation. What a module needs is filled into
//! its own `Options` where it has them, or stands here as plain data that `app` hands over. Nothing is opened, bound or
//! connected here, and secrets do not show in `Debug` or in any message.

mod checks;
mod duration;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod layers;
mod mistakes;
mod parse;
mod providers;
mod reader;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

#[cfg(test)]
pub(crate) use self::checks::SANDBOX_SETTINGS;
pub(crate) use self::providers::{Encoding, Providers};
pub use self::{layers::Sources, mistakes::Mistakes};
use self::{
    layers::variable,
    reader::{Reader, parse_choice},
};
use crate::{
    api::WebOrigins,
    domain::retry::Backoff,
    engine::{self, Route, WatchOptions},
    store::redis::Login,
    telemetry,
};

/// A secret shorter than this could be guessed; 32 hex digits are 128 bits.
pub(crate) const SECRET_CHARS_MIN: usize = 32;
/// gRPC's own default for messages in both directions; no request of ours comes near.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Far more replicas than any server has.
const REPLICAS_MAX: u32 = 100;
const COUNT_MAX: u32 = 1_000_000;
const FACTOR_MAX: f64 = 100.0;

/// All settings, right in themselves and with each other.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) grpc: Grpc,
    pub(crate) http: Http,
    pub(crate) store: Store,
    pub(crate) engine: engine::Options,
    pub(crate) providers: Providers,
    pub(crate) telemetry: telemetry::Options,
}

/// Settings of the gRPC edge.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    pub listen: SocketAddr,
    pub concurrent_streams_max: u32,
    pub connection_age: Duration,
    pub request_bytes_max: usize,
    pub keepalive: Duration,
    pub keepalive_timeout: Duration,
    pub web_origins: WebOrigins,
}

/// Settings of the plain HTTP edge.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pub listen: SocketAddr,
    pub request_timeout: Duration,
}

/// Settings of the store.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub place: Place,
    pub secret: SecretSource,
    /// Folder for outcomes that the store does not take.
    pub journal: PathBuf,
    pub response_timeout: Duration,
    pub connect_timeout: Duration,
}

/// What the settings are read for: not everything needs everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `serve`: all of it, with at least one provider and a secret.
    Serve,
    /// `init`: it makes the secret that is missing, and asks no provider.
    Init,
    /// `healthcheck`: it asks a running server, and needs no more than its address.
    Healthcheck,
}

/// Where the data set is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Sqlite { path: PathBuf },
    Redis(Redis),
}

/// Where a shared data set is.
#[derive(Clone, Debug)]
pub(crate) struct Redis {
    pub url: SecretString,
    /// As whom sentinels are asked, if not as the URL says.
    pub sentinel_login: Option<Login>,
    /// Certificate authority (PEM) to trust instead of the system's.
    pub tls_ca_file: Option<PathBuf>,
    pub create: bool,
    pub durability: Durability,
    pub replicas_min: u32,
    /// How long no billed call is begun after its master changed.
    pub failover_pause: Duration,
}

/// What is asked of Redis before it is trusted with money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    Demand,
    Managed,
    AcceptRisk,
}

/// Where the secret of the data set is.
#[derive(Clone, Debug)]
pub(crate) enum SecretSource {
    Given(SecretString),
    File(PathBuf),
    /// For SQLite in a file beside the database, made when there is none. Redis is not served without one of the others.
    NotSet,
}

impl Config {
    /// Reads everything, then says everything that is wrong.
    pub fn read(sources: &Sources, purpose: Purpose) -> Result<Config, Mistakes> {
        let mut reader = Reader::new(sources)?;
        let config = read(&mut reader);
        if purpose == Purpose::Serve {
            checks::check_complete(&mut reader, &config);
        }
        checks::check(&mut reader, &config);
        reader.finish()?;
        Ok(config)
    }

    /// The name of the environment variable of a setting, for messages.
    pub(crate) fn variable(name: &str) -> String {
        variable(name)
    }
}

fn read(r: &mut Reader) -> Config {
    let grpc = Grpc {
        listen: r.read("grpc.listen", parse::listen),
        concurrent_streams_max: r.integer("grpc.concurrent_streams_max", 1, COUNT_MAX),
        connection_age: r.duration("grpc.connection_age"),
        request_bytes_max: r.integer("grpc.request_bytes_max", 1024, REQUEST_BYTES_MAX),
        keepalive: r.duration("grpc.keepalive"),
        keepalive_timeout: r.duration("grpc.keepalive_timeout"),
        web_origins: WebOrigins::of(r.list("grpc.web_origins", parse::web_origin)),
    };
    let http = Http {
        listen: r.read("http.listen", parse::listen),
        request_timeout: r.duration("http.request_timeout"),
    };
    let public_url = r.optional("http.public_url", parse::http_url);
    let store = read_store(r);
    let providers = providers::read(r);
    let engine = read_engine(r, public_url, &providers);
    let telemetry = telemetry::Options {
        log_format: r.choice(
            "log.format",
            &[
                ("auto", telemetry::LogFormat::Auto),
                ("human", telemetry::LogFormat::Human),
                ("json", telemetry::LogFormat::Json),
            ],
        ),
        log_filter: r.read("log.filter", parse::log_filter),
        otlp_endpoint: r.optional("telemetry.otlp_endpoint", parse::http_url),
        service_name: r.read("telemetry.service_name", parse::nonempty),
        sample_ratio: r.number("telemetry.sample_ratio", 0.0, 1.0),
    };
    Config {
        grpc,
        http,
        store,
        engine,
        providers,
        telemetry,
    }
}

fn read_sentinel_login(r: &mut Reader) -> Option<Login> {
    let user = r.optional("store.sentinel_user", |text| Ok(text.to_owned()));
    let password = r.optional_secret("store.sentinel_password", 1);
    r.demand(password.is_some() || user.is_none(), &["store.sentinel_user"], || {
        let what = "store.sentinel_password is not set, and a user is shown to sentinels with a password only";
        (
            what.into(),
            "set both, or only the password for sentinels that know no users".into(),
        )
    });
    Some(Login {
        user,
        password: password?,
    })
}

fn read_store(r: &mut Reader) -> Store {
    let url = r.read("store.url", parse::store_url);
    let secret = r.optional_secret("store.secret", SECRET_CHARS_MIN);
    let file = r.optional_path("store.secret_file");
    let create = r.switch("store.create");
    let durability = r.choice(
        "store.durability",
        &[
            ("demand", Durability::Demand),
            ("managed", Durability::Managed),
            ("accept-risk", Durability::AcceptRisk),
        ],
    );
    let replicas_min = r.integer("store.replicas_min", 0, REPLICAS_MAX);
    let failover_pause = r.duration("store.failover_pause");
    let journal = r.optional_path("store.journal");
    let tls_ca_file = r.optional_path("store.tls_ca_file");
    let sentinel_login = read_sentinel_login(r);
    let response_timeout = r.duration("store.response_timeout");
    let connect_timeout = r.duration("store.connect_timeout");

    let both = r.is_set("store.secret") && r.is_set("store.secret_file");
    r.demand(!both, &["store.secret_file"], || {
        ("store.secret is set too".into(), "keep one of the two".into())
    });
    let place = match url {
        parse::StoreUrl::Sqlite(path) => Place::Sqlite { path },
        parse::StoreUrl::Redis(url) => Place::Redis(Redis {
            url,
            sentinel_login,
            tls_ca_file,
            create,
            durability,
            replicas_min,
            failover_pause,
        }),
    };
    let journal = journal.unwrap_or_else(|| journal_beside(&place));
    let secret = match (secret, file) {
        (Some(secret), _) => SecretSource::Given(secret),
        (None, Some(path)) => SecretSource::File(path),
        (None, None) => SecretSource::NotSet,
    };
    Store {
        place,
        secret,
        journal,
        response_timeout,
        connect_timeout,
    }
}

/// Where the data is, when that is on this machine.
fn journal_beside(place: &Place) -> PathBuf {
    match place {
        Place::Sqlite { path } => {
            let mut journal = path.clone().into_os_string();
            journal.push(".journal");
            PathBuf::from(journal)
        }
        Place::Redis(_) => PathBuf::from("./data/journal"),
    }
}

fn read_engine(r: &mut Reader, public_url: Option<Url>, providers: &Providers) -> engine::Options {
    let routes = [("kiban", Route::Kiban), ("nss", Route::Nss)];
    engine::Options {
        workers_max: r.integer("engine.workers_max", 1, 100_000),
        lease: r.duration("engine.lease"),
        sweep_interval: r.duration("engine.sweep_interval"),
        job_deadline: r.duration("engine.job_deadline"),
        max_age_default: r.duration_or_zero("engine.max_age_default"),
        stalled_claims_max: r.integer("engine.stalled_claims_max", 1, COUNT_MAX),
        ambiguous_grace: r.duration_or_zero("engine.ambiguous_grace"),
        ambiguous_failover: r.switch("engine.ambiguous_failover"),
        person_daily_max: r.integer("engine.person_daily_max", 0, COUNT_MAX),
        retry: Backoff {
            first: r.duration("engine.retry_first"),
            factor: r.number("engine.retry_factor", 1.0, FACTOR_MAX),
            max: r.duration("engine.retry_max"),
            tries_max: r.integer("engine.retry_tries", 1, COUNT_MAX),
        },
        routes: r.list("engine.routes", |text| parse_choice(text, &routes)),
        lookup_wait_max: r.duration("engine.lookup_wait_max"),
        retention: r.duration("engine.retention"),
        test_cases_allowed: r.switch("engine.test_cases_allowed"),
        public_url: public_url.map(|url| url.as_str().trim_end_matches('/').to_owned()),
        drain_limit: r.duration_or_zero("shutdown.drain_limit"),
        watch: WatchOptions {
            heartbeat_interval: r.duration("watch.heartbeat"),
            stream_age_min: r.duration("watch.stream_age_min"),
            stream_age_max: r.duration("watch.stream_age_max"),
            resync_interval: r.duration("watch.resync"),
            streams_max: r.integer("watch.streams_max", 1, 10_000_000),
            cursor_ttl: r.duration("watch.cursor_ttl"),
            slow_reader_limit: r.duration("watch.slow_reader"),
        },
        providers: providers.engine.clone(),
    }
}

#[cfg(test)]
mod tests;
