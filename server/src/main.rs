//! The `semanas` binary: reads the command line and hands it to who carries it out.
//!
//! Commands that need a server in this process are joined to it here; what they do is decided elsewhere.

use std::process::ExitCode;

use clap::Parser as _;
use semanas_server::cli::demo::{Settings, Stop};
use semanas_server::cli::{self, Cli, Command, ConfigArgs, Exit, Failure};

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command, common } = Cli::parse();
    match command {
        Command::Serve(config) => cli::report(serve(&config).await),
        Command::Init(config) => cli::report(init(&config).await),
        Command::Healthcheck(config) => cli::report(healthcheck(&config).await),
        Command::Demo(args) => cli::demo::run(&args, start_server).await,
        Command::Client(command) => cli::run(&command, &common).await,
    }
}

async fn serve(_: &ConfigArgs) -> Result<Exit, Failure> {
    Err(anyhow::anyhow!("this build has no server").into())
}

async fn init(_: &ConfigArgs) -> Result<Exit, Failure> {
    Err(anyhow::anyhow!("this build has no server").into())
}

async fn healthcheck(_: &ConfigArgs) -> Result<Exit, Failure> {
    Err(anyhow::anyhow!("this build has no server").into())
}

async fn start_server(_: Settings) -> anyhow::Result<Stop> {
    Err(anyhow::anyhow!("this build has no server"))
}
