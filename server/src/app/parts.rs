//! From settings to the parts that an engine is made of.
//!
//! The settings are right already; what can still fail here is the world: a file, a Redis, the system's certificates.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::secret;
use crate::store::redis::{self as redis_store, RedisOptions};
use crate::{
    api,
    clock::Clock,
    config::{self, Config, Encoding, Place, SecretSource},
    domain::provider_id::ProviderId,
    engine::Vault,
    http,
    providers::{Provider, http::HttpClient, kiban, nubarium, tuidentidad},
    store::{
        FEED_KEPT_MIN, Journal, Store,
        sqlite::{SqliteOptions, SqliteStore},
    },
};

/// The store, open, and the vault of its secret.
pub(super) async fn open_store(config: &Config) -> anyhow::Result<(Arc<dyn Store>, Vault)> {
    let vault = Vault::new(secret(&config.store)?.expose_secret().as_bytes());
    let fingerprint = vault.secret_fingerprint();
    let store: Arc<dyn Store> = match &config.store.place {
        Place::Sqlite { path } => Arc::new(open_sqlite(config, path, fingerprint).await?),
        Place::Redis(place) => Arc::new(redis_store::open(redis_options(config, place, fingerprint)?).await?),
    };
    Ok((store, vault))
}

/// A folder that cannot be made keeps nobody from serving: then outcomes that the store does not take are kept in memory alone.
pub(super) fn journal(config: &Config) -> Option<Journal> {
    let folder = &config.store.journal;
    match Journal::open(folder) {
        Ok(journal) => Some(journal),
        Err(error) => {
            tracing::error!(
                folder = %folder.display(), error = %error,
                "there is no journal: outcomes that the store does not take are kept in memory alone, and lost if this process ends \
                 first; make the folder writable, or set store.journal to one that is"
            );
            None
        }
    }
}

/// The secret from wherever it is; beside the database it is made when there is neither.
pub(super) fn secret(settings: &config::Store) -> anyhow::Result<SecretString> {
    match (&settings.secret, &settings.place) {
        (SecretSource::Given(secret), _) => Ok(secret.clone()),
        (SecretSource::File(path), _) => Ok(secret::read(path)?),
        (SecretSource::NotSet, Place::Sqlite { path }) => Ok(secret::beside_database(path)?),
        (SecretSource::NotSet, Place::Redis(_)) => anyhow::bail!("store.secret is not set"),
    }
}

/// Opening reads and perhaps repairs a file, which may take its time.
pub(super) async fn open_sqlite(
    config: &Config,
    path: &Path,
    secret_fingerprint: String,
) -> anyhow::Result<SqliteStore> {
    let retention = config.engine.retention;
    let options = SqliteOptions::new(Some(path.to_owned()), secret_fingerprint, retention, Clock::system());
    Ok(tokio::task::spawn_blocking(|| SqliteStore::open(options)).await??)
}

pub(super) fn redis_options(
    config: &Config,
    place: &config::Redis,
    secret_fingerprint: String,
) -> anyhow::Result<RedisOptions> {
    let read = |path: &PathBuf| {
        let pem = std::fs::read(path);
        pem.with_context(|| format!("cannot read store.tls_ca_file ({})", path.display()))
    };
    Ok(RedisOptions {
        url: place.url.clone(),
        sentinel_login: place.sentinel_login.clone(),
        tls_ca: place.tls_ca_file.as_ref().map(read).transpose()?,
        prefix: redis_store::PREFIX_DEFAULT.to_owned(),
        secret_fingerprint,
        create: place.create,
        durability: match place.durability {
            config::Durability::Demand => redis_store::Durability::Demand,
            config::Durability::Managed => redis_store::Durability::Managed,
            config::Durability::AcceptRisk => redis_store::Durability::AcceptRisk,
        },
        replicas_min: place.replicas_min,
        clock: Clock::system(),
        feed_kept_min: FEED_KEPT_MIN,
        retention: config.engine.retention,
        failover_pause: place.failover_pause,
        connect_timeout: config.store.connect_timeout,
        response_timeout: config.store.response_timeout,
    })
}

/// An adapter for each provider that is set up.
pub(super) fn providers(settings: &config::Providers) -> anyhow::Result<BTreeMap<ProviderId, Arc<dyn Provider>>> {
    let client = HttpClient::new(settings.connect_timeout)?;
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    if let Some(settings) = settings.kiban.clone() {
        let options = kiban::Options {
            base_url: settings.base_url,
            api_key: settings.api_key,
            version: settings.version,
            path: settings.path,
            unbilled_statuses: settings.unbilled_statuses,
        };
        providers.push(Arc::new(
            kiban::Kiban::new(options, client.clone()).context("providers.kiban")?,
        ));
    }
    if let Some(settings) = settings.tuidentidad.clone() {
        let options = tuidentidad::Options {
            base_url: settings.base_url,
            api_key: settings.api_key,
            encoding: match settings.encoding {
                Encoding::Multipart => tuidentidad::Encoding::Multipart,
                Encoding::Urlencoded => tuidentidad::Encoding::Urlencoded,
            },
            work_history_path: settings.path,
            status_path: settings.status_path,
            unbilled_statuses: settings.unbilled_statuses,
        };
        let adapter = tuidentidad::TuIdentidad::new(options, client.clone()).context("providers.tuidentidad")?;
        providers.push(Arc::new(adapter));
    }
    if let Some(settings) = settings.nubarium.clone() {
        let options = nubarium::Options {
            base_url: settings.base_url,
            username: settings.username,
            password: settings.password,
            path: settings.path,
            unbilled_statuses: settings.unbilled_statuses,
        };
        providers.push(Arc::new(
            nubarium::Nubarium::new(options, client).context("providers.nubarium")?,
        ));
    }
    Ok(providers
        .into_iter()
        .map(|provider| (provider.id(), provider))
        .collect())
}

/// `connection_age_factor` lets this replica's connections age a little differently from the others'.
pub(super) fn grpc_options(config: &Config, connection_age_factor: f64) -> api::Options {
    api::Options {
        request_bytes_max: config.grpc.request_bytes_max,
        lookup_wait_max: config.engine.lookup_wait_max,
        slow_reader_limit: config.engine.watch.slow_reader_limit,
        streams_per_connection_max: config.grpc.concurrent_streams_max,
        keepalive_interval: config.grpc.keepalive,
        keepalive_time_limit: config.grpc.keepalive_timeout,
        connection_age: config.grpc.connection_age.mul_f64(connection_age_factor),
        drain_limit: config.engine.drain_limit,
    }
}

pub(super) fn http_options(config: &Config) -> http::Options {
    http::Options {
        request_time_limit: config.http.request_timeout,
        drain_limit: config.engine.drain_limit,
    }
}
