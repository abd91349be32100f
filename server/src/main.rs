//! The `semanas` binary: reads the command line and hands it to who carries it out.
//!
//! Commands that need a server in this process are joined to it here; what they do is decided elsewhere.

use std::process::ExitCode;

use clap::Parser as _;
use semanas_server::app::{self, Mistakes};
use semanas_server::cli::demo::{Settings, Started};
use semanas_server::cli::{self, Cli, Command, ConfigArgs, Exit, Failure};

/// Measured with idle streams: half of the memory of others, and the only one that gave it back.
#[cfg(all(not(target_env = "msvc"), target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command, common } = Cli::parse();
    match command {
        Command::Serve(ConfigArgs { config }) => cli::report(ended(app::serve(config.as_deref()).await)),
        Command::Init(ConfigArgs { config }) => cli::report(ended(app::init(config.as_deref()).await)),
        Command::Healthcheck(ConfigArgs { config }) => cli::report(ended(app::healthcheck(config.as_deref()).await)),
        Command::Doctor(ConfigArgs { config }) => {
            cli::report(cli::doctor::run(&app::doctor(config.as_deref()).await, common.output))
        }
        Command::Demo(args) => cli::demo::run(&args, start_server).await,
        Command::Client(command) => cli::run(&command, &common).await,
    }
}

/// Wrong settings are invalid input, as wrong arguments are.
fn ended(result: anyhow::Result<()>) -> Result<Exit, Failure> {
    match result.map_err(|error| error.downcast::<Mistakes>()) {
        Ok(()) => Ok(Exit::Succeeded),
        Err(Ok(mistakes)) => Err(Failure::Usage(mistakes.to_string())),
        Err(Err(error)) => Err(Failure::Other(error)),
    }
}

async fn start_server(settings: Settings) -> anyhow::Result<Started> {
    let running = app::start(settings).await?;
    Ok(Started {
        grpc: running.grpc,
        stop: Box::pin(running.stop()),
    })
}
