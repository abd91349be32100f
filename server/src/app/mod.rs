//! The process: settings in, a running replica out, and its end on a signal.
//!
//! This is the only place that reads the environment, binds ports, opens the store and spawns what runs for as long as the
//! process does. It decides the order of start and stop, and nothing about jobs.

mod doctor;
mod health;
mod init;
mod parts;
mod running;
mod secret;
mod signals;

use std::path::Path;

use anyhow::Context as _;

use self::signals::Signals;
pub use crate::config::Mistakes;

pub use self::{doctor::doctor, health::healthcheck, init::init, running::Running};
use crate::{
    config::{Config, Purpose, Sources},
    failpoint, telemetry,
};

/// Runs a replica until SIGTERM or SIGINT, then drains it; a second signal ends it at once. `file` is the settings file that
/// the command line names, if it does.
pub async fn serve(file: Option<&Path>) -> anyhow::Result<()> {
    let config = settings(file, Purpose::Serve)?;
    let telemetry = telemetry::start(&config.telemetry)?;
    failpoint::watch(std::env::var_os(failpoint::FOLDER_VARIABLE));
    let served = serve_until_signal(config).await;
    telemetry.stop().await;
    served
}

/// Starts a replica inside this process, from exactly these settings (as environment variables): no file is read, and nothing
/// of the process' own environment.
pub async fn start(environment: Vec<(String, String)>) -> anyhow::Result<Running> {
    let sources = Sources {
        file: None,
        environment,
    };
    Running::start(Config::read(&sources, Purpose::Serve)?).await
}

async fn serve_until_signal(config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("listening for signals")?;
    let mut running = tokio::select! {
        started = Running::start(config) => started?,
        _ = signals.next() => return Ok(()),
    };
    tracing::info!(grpc = %running.grpc, http = %running.http, "listening");
    tokio::select! {
        signal = signals.next() => tracing::info!(signal, "stopping"),
        failure = running.failure() => {
            running.stop().await?;
            return Err(failure);
        }
    }
    tokio::select! {
        stopped = running.stop() => stopped.inspect(|()| tracing::info!("stopped")),
        signal = signals.next() => {
            tracing::warn!(signal, "stopping at once: what is under way is settled by another replica, or after the next start");
            Ok(())
        }
    }
}

fn settings(file: Option<&Path>, purpose: Purpose) -> anyhow::Result<Config> {
    let sources = Sources::gather(file, std::env::vars_os())?;
    Ok(Config::read(&sources, purpose)?)
}
