//! Settings that are each right and contradict one another. Each check says what would go wrong.

use std::time::Duration;

use super::{Config, Place, SecretSource, duration::display, reader::Reader, variable};
use crate::domain::provider_id::ProviderId;

/// What `semanas sandbox` listens on and accepts unless told otherwise; a test in `app` compares.
pub(crate) const SANDBOX_SETTINGS: [(&str, &str); 7] = [
    ("providers.kiban.base_url", "http://127.0.0.1:7101"),
    ("providers.kiban.api_key", "kiban-sandbox-key"),
    ("providers.tuidentidad.base_url", "http://127.0.0.1:7102"),
    ("providers.tuidentidad.api_key", "tuidentidad-sandbox-key"),
    ("providers.nubarium.base_url", "http://127.0.0.1:7103"),
    ("providers.nubarium.username", "nubarium-sandbox-user"),
    ("providers.nubarium.password", "nubarium-sandbox-password"),
];

pub(super) fn check(r: &mut Reader, config: &Config) {
    check_listeners(r, config);
    check_engine(r, config);
    check_watch(r, config);
    check_calls(r, config);
}

/// What is missing for serving.
pub(super) fn check_complete(r: &mut Reader, config: &Config) {
    let is_redis = matches!(config.store.place, Place::Redis(_));
    let has_secret = !matches!(config.store.secret, SecretSource::NotSet);
    r.demand(has_secret || !is_redis, &["store.secret", "store.url"], || {
        let what = "Redis needs one, the same for every replica";
        (what.into(), "set it to the line that `semanas init` prints".into())
    });
    let is_begun = |id: ProviderId| {
        ["base_url", "api_key", "username", "password"]
            .iter()
            .any(|setting| r.is_set(&format!("providers.{id}.{setting}")))
    };
    // One that is half set up was complained about already.
    let any_provider = !config.providers.is_empty() || ProviderId::ALL.into_iter().any(is_begun);
    r.demand(any_provider, &["providers"], || {
        let what = "no provider is set up, so that nobody could be asked";
        (what.into(), how_to_set_up_providers())
    });
}

fn how_to_set_up_providers() -> String {
    let lines = SANDBOX_SETTINGS.map(|(name, value)| format!("      {}={value}", variable(name)));
    let needed = "set base_url and api_key of providers.kiban or providers.tuidentidad, or base_url, username and password of \
                  providers.nubarium";
    let sandbox = "To try Semanas without any of them, run `semanas sandbox` beside it and set in the environment";
    format!("{needed}.\n    {sandbox}\n{}", lines.join("\n"))
}

/// `least` comes before `most`: neither a minimum nor a first delay can be above its maximum.
pub(super) fn demand_at_most(r: &mut Reader, least: (&str, Duration), most: (&str, Duration)) {
    r.demand(least.1 <= most.1, &[least.0, most.0], || {
        let what = format!("{} is more than {} ({})", display(least.1), most.0, display(most.1));
        (what, format!("make it {} or less, or the other more", display(most.1)))
    });
}

/// As [`demand_at_most`], where equal will not do either; `why` says what equal would mean.
fn demand_less(r: &mut Reader, less: (&str, Duration), more: (&str, Duration), why: &str) {
    r.demand(less.1 < more.1, &[less.0, more.0], || {
        let what = format!("{} is not less than {} ({})", display(less.1), more.0, display(more.1));
        (format!("{what}: {why}"), "lower it, or raise the other".to_owned())
    });
}

fn check_listeners(r: &mut Reader, config: &Config) {
    let (grpc, http) = (config.grpc.listen, config.http.listen);
    r.demand(
        grpc != http || grpc.port() == 0,
        &["http.listen", "grpc.listen"],
        || {
            (
                format!("grpc.listen is {grpc} too"),
                "give each an address of its own".to_owned(),
            )
        },
    );
}

fn check_engine(r: &mut Reader, config: &Config) {
    let engine = &config.engine;
    let lease = ("engine.lease", engine.lease);
    let deadline = ("engine.job_deadline", engine.job_deadline);
    let retention = ("engine.retention", engine.retention);
    let why = "a lease could be over before the store says that it was given";
    demand_less(r, ("store.response_timeout", config.store.response_timeout), lease, why);
    let why = "a job whose replica died would be found only leases later";
    demand_less(r, ("engine.sweep_interval", engine.sweep_interval), lease, why);
    demand_less(r, lease, deadline, "no job could be taken over before it has to end");
    let why = "every job would end before it was waited that long";
    demand_less(r, ("engine.ambiguous_grace", engine.ambiguous_grace), deadline, why);
    demand_at_most(r, ("engine.lookup_wait_max", engine.lookup_wait_max), deadline);
    demand_at_most(
        r,
        ("engine.retry_first", engine.retry.first),
        ("engine.retry_max", engine.retry.max),
    );
    demand_less(r, deadline, retention, "a job could be removed before it has ended");
    demand_at_most(r, ("engine.max_age_default", engine.max_age_default), retention);

    let routes = &engine.routes;
    r.demand(!routes.is_empty(), &["engine.routes"], || {
        (
            "no route is named".to_owned(),
            "name \"kiban\", \"nss\" or both".to_owned(),
        )
    });
    let repeated = routes
        .iter()
        .enumerate()
        .any(|(at, route)| routes[..at].contains(route));
    r.demand(!repeated, &["engine.routes"], || {
        ("a route is named twice".to_owned(), "name each once".to_owned())
    });
}

fn check_watch(r: &mut Reader, config: &Config) {
    let watch = &config.engine.watch;
    let age_min = ("watch.stream_age_min", watch.stream_age_min);
    let why = "streams would end before their first heartbeat";
    demand_less(r, ("watch.heartbeat", watch.heartbeat_interval), age_min, why);
    demand_at_most(r, age_min, ("watch.stream_age_max", watch.stream_age_max));
    demand_at_most(
        r,
        ("watch.cursor_ttl", watch.cursor_ttl),
        ("engine.retention", config.engine.retention),
    );
    let why = "the cursor of a stream that ends by itself could not be resumed";
    demand_less(
        r,
        ("watch.stream_age_max", watch.stream_age_max),
        ("watch.cursor_ttl", watch.cursor_ttl),
        why,
    );
}

fn check_calls(r: &mut Reader, config: &Config) {
    let deadline = ("engine.job_deadline", config.engine.job_deadline);
    let connect = ("providers.connect_timeout", config.providers.connect_timeout);
    for (id, provider) in &config.engine.providers {
        let name = format!("providers.{id}.call_timeout");
        let why = "every job would end before an answer could come";
        demand_less(r, (&name, provider.call_time_limit), deadline, why);
        let why = "a connection that never stood could not be told from an answer that never came";
        demand_less(r, connect, (&name, provider.call_time_limit), why);
    }
}
