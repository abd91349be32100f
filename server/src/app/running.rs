//! A running replica: its ports, its tasks, and how it is started and stopped.
//!
//! Start: bind the ports first, so that a port in use is said before anything is opened; then store, engine, edges. Stop: no
//! more connections, no more claims, streams end with `draining`, billed calls finish until `drain_limit`, then the rest is
//! dropped. Leases that are dropped run out by themselves.

use std::{collections::HashMap, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use rand::Rng as _;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{Id, JoinError, JoinSet},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::parts;
use crate::{
    api,
    clock::Clock,
    config::Config,
    engine::{self, Engine},
    http, telemetry,
};

/// How often the store is asked whether this replica is fit to serve.
const READINESS_INTERVAL: Duration = Duration::from_secs(1);
/// Engine and edges end by themselves when `drain_limit` is over; this is for the rest of their way.
const DRAIN_SLACK: Duration = Duration::from_secs(3);
/// Replicas that start together would have their connections renewed together: each takes an age this much off, at most.
const CONNECTION_AGE_SPREAD: f64 = 0.1;

/// A replica that serves. Dropping it stops it at once.
pub struct Running {
    /// Where gRPC is served.
    pub grpc: SocketAddr,
    /// Where HTTP is served.
    pub http: SocketAddr,
    stop_edges: CancellationToken,
    stop_engine: CancellationToken,
    drain_limit: Duration,
    tasks: JoinSet<anyhow::Result<()>>,
    task_names: HashMap<Id, &'static str>,
}

impl Running {
    pub(crate) async fn start(config: Config) -> anyhow::Result<Running> {
        let grpc = bind("grpc.listen", config.grpc.listen).await?;
        let http = bind("http.listen", config.http.listen).await?;
        let mut running = Running {
            grpc: grpc.local_addr()?,
            http: http.local_addr()?,
            stop_edges: CancellationToken::new(),
            stop_engine: CancellationToken::new(),
            drain_limit: config.engine.drain_limit,
            tasks: JoinSet::new(),
            task_names: HashMap::new(),
        };
        // Opening a store holds a lot, once.
        Box::pin(running.spawn_all(config, grpc, http)).await?;
        Ok(running)
    }

    async fn spawn_all(&mut self, config: Config, grpc: TcpListener, http: TcpListener) -> anyhow::Result<()> {
        let mut registry = telemetry::metrics_registry();
        let engine_metrics = engine::Metrics::default();
        engine_metrics.register(&mut registry);
        let edge_metrics = api::Metrics::register(&mut registry);

        let (store, vault) = parts::open_store(&config).await?;
        let engine = Engine::new(engine::Parts {
            store,
            journal: parts::journal(&config),
            providers: parts::providers(&config.providers)?,
            vault,
            clock: Clock::system(),
            dice: engine::Dice::system(),
            metrics: engine_metrics,
            options: config.engine.clone(),
        })
        .await
        .context("opening the data set")?;
        let (ready_tx, ready) = watch::channel(engine.ready().await);

        let edge = api::Edge {
            engine: engine.clone(),
            options: parts::grpc_options(&config, spread()),
            web_origins: config.grpc.web_origins.clone(),
            metrics: edge_metrics,
            ready: ready.clone(),
        };
        let face = http::Face {
            engine: engine.clone(),
            options: parts::http_options(&config),
            registry: Arc::new(registry),
            ready,
        };
        let (stop_edges, stop_engine) = (self.stop_edges.clone(), self.stop_engine.clone());
        let watcher = engine.clone();
        self.spawn("readiness", watch_readiness(watcher, ready_tx, stop_edges.clone()));
        self.spawn("engine", async move {
            engine.run(stop_engine).await;
            Ok(())
        });
        let stop = stop_edges.clone();
        self.spawn("grpc", async move { Ok(api::serve(grpc, edge, stop).await?) });
        self.spawn("http", async move { Ok(http::serve(http, face, stop_edges).await?) });
        Ok(())
    }

    fn spawn(&mut self, name: &'static str, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.task_names.insert(id, name);
    }

    /// Waits until a task ends though nobody asked it to.
    pub(crate) async fn failure(&mut self) -> anyhow::Error {
        match self.tasks.join_next_with_id().await {
            Some(ended) => {
                let (name, result) = self.named(ended);
                let context = format!("task {name} ended by itself");
                result
                    .err()
                    .map_or_else(|| anyhow!(context.clone()), |error| error.context(context.clone()))
            }
            None => anyhow!("no task is left"),
        }
    }

    /// Stops in order and waits until everything has ended, within `shutdown.drain_limit` and a little.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop_edges.cancel();
        self.stop_engine.cancel();
        let mut first_failure = Ok(());
        let limit = self.drain_limit + DRAIN_SLACK;
        let all_ended = timeout(limit, async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                let (name, result) = self.named(ended);
                let result = result.with_context(|| format!("task {name} failed while stopping"));
                first_failure = std::mem::replace(&mut first_failure, Ok(())).and(result);
            }
        })
        .await;
        if all_ended.is_err() {
            let left: Vec<&str> = self.task_names.values().copied().collect();
            tracing::warn!(
                tasks = left.join(", "),
                limit_ms = limit.as_millis(),
                "tasks were dropped at the end of the drain"
            );
        }
        first_failure
    }

    fn named(&mut self, ended: Result<(Id, anyhow::Result<()>), JoinError>) -> (&'static str, anyhow::Result<()>) {
        let (id, result) = match ended {
            Ok((id, result)) => (id, result),
            Err(error) => (error.id(), Err(anyhow::Error::new(error))),
        };
        (self.task_names.remove(&id).unwrap_or("unnamed"), result)
    }
}

/// Tells the edges whether this replica is fit to serve, once a second, until the stop; then it is not.
async fn watch_readiness(engine: Engine, ready: watch::Sender<bool>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut ticks = interval(READINESS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let Some(is_ready) = stop.run_until_cancelled(engine.ready()).await else {
            break;
        };
        tell(&ready, is_ready);
    }
    tell(&ready, false);
    Ok(())
}

fn tell(ready: &watch::Sender<bool>, is_ready: bool) {
    let changed = ready.send_if_modified(|was| std::mem::replace(was, is_ready) != is_ready);
    if changed {
        tracing::info!(ready = is_ready, "readiness changed");
    }
}

async fn bind(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let variable = Config::variable(setting);
        let (why, fix) = match error.kind() {
            io::ErrorKind::AddrInUse => ("is in use by another program", "stop that program, or"),
            io::ErrorKind::PermissionDenied => ("is not permitted to this user", "take a port above 1023, or"),
            io::ErrorKind::AddrNotAvailable => (
                "is no address of this machine",
                "take 0.0.0.0 for all of its addresses, or",
            ),
            // Other people's kinds: passed on as they are.
            _ => return anyhow::Error::new(error).context(format!("{setting}: cannot listen on {address}")),
        };
        anyhow!("{setting}: {address} {why}; {fix} set {setting} ({variable}) to another address")
    })
}

/// Around 1, different for each replica.
fn spread() -> f64 {
    rand::rng().random_range(1.0 - CONNECTION_AGE_SPREAD..1.0 + CONNECTION_AGE_SPREAD)
}

#[cfg(test)]
mod tests;
