//! The command line: what can be said, and which file does it.
//!
//! The commands are callers like any other: they see the server through semanas-client alone. What needs a server inside this
//! process (serve, init, doctor, healthcheck, and the one that demo starts) is connected in `main`, which alone sees both.

mod args;
mod cancel;
mod charges;
mod curp;
pub mod demo;
pub mod doctor;
mod end;
mod follow;
mod get;
mod json;
mod list;
mod live;
mod lookup;
mod out;
#[cfg(test)]
mod parse_tests;
mod providers;
mod render;
mod resolve;
mod sandbox;
mod submit;
#[cfg(test)]
mod tests;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use args::Common;
pub use end::{Exit, Failure};
use out::Out;

/// A self-hosted gRPC gateway to Mexican employment verification: from a CURP to an NSS and to a work history.
#[derive(Debug, Parser)]
#[command(name = "semanas", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub common: Common,
}

/// Part of `--help`, so that scripts can be written from it.
const EXIT_CODES: &str = "\
Exit codes:
  0  succeeded
  1  unexpected error
  2  usage or invalid input
  3  the job failed: a definite no
  4  outcome unknown: a billed call may have been charged
  5  cancelled
  6  not found
  7  unavailable, or a limit is used up: try again later
  8  the deadline passed; the work goes on

Data goes to standard output, progress and errors to standard error.";

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show it all at work: sandbox and server in this process, two people's histories, and the charges made
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::DemoArgs),
    /// Run the server
    #[command(after_help = "\
Examples:
  semanas serve
  semanas serve --config /etc/semanas.toml
  SEMANAS_STORE__URL=redis://redis:6379 semanas serve")]
    Serve(ConfigArgs),
    /// Create the data set in an empty store
    #[command(after_help = "\
Examples:
  semanas init --config /etc/semanas.toml")]
    Init(ConfigArgs),
    /// Check the settings, the store and the providers' credentials, and say what to mend; changes and costs nothing
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(ConfigArgs),
    /// Ask the server of this configuration whether it takes work; for containers
    #[command(after_help = "\
Examples:
  semanas healthcheck")]
    Healthcheck(ConfigArgs),
    /// Commands that call a server, or the providers' doubles.
    #[command(flatten)]
    Client(ClientCommand),
}

/// The settings of a server.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    /// Settings file; every setting can also be given in the environment
    #[arg(long, env = "SEMANAS_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Commands that need no server in this process.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Run doubles of the three providers, with faults and their own books of charges
    #[command(after_help = sandbox::EXAMPLES)]
    Sandbox(sandbox::SandboxArgs),
    /// Find the NSS for a CURP
    #[command(after_help = lookup::EXAMPLES)]
    Lookup(lookup::LookupArgs),
    /// Ask for a work history
    #[command(after_help = submit::EXAMPLES)]
    Submit(Box<submit::SubmitArgs>),
    /// Follow a job until it ends, or all jobs
    #[command(after_help = watch::EXAMPLES)]
    Watch(watch::WatchArgs),
    /// Show a job, with its work history once it is there
    #[command(after_help = get::EXAMPLES)]
    Get(get::GetArgs),
    /// List jobs, newest first
    #[command(after_help = list::EXAMPLES)]
    List(list::ListArgs),
    /// Ask a job to stop
    #[command(after_help = cancel::EXAMPLES)]
    Cancel(cancel::CancelArgs),
    /// List the ledger of charges (operators)
    #[command(after_help = charges::EXAMPLES)]
    Charges(charges::ChargesArgs),
    /// Show the state of the providers (operators)
    #[command(after_help = providers::EXAMPLES)]
    Providers,
    /// Settle a job whose outcome is unknown, after asking the provider's books (operators)
    #[command(after_help = resolve::EXAMPLES)]
    Resolve(resolve::ResolveArgs),
}

/// Runs a command that needs no server in this process, and reports its end.
pub async fn run(command: &ClientCommand, common: &Common) -> ExitCode {
    let mut out = Out::standard(common.output);
    report(dispatch(command, common, &mut out).await)
}

async fn dispatch(command: &ClientCommand, common: &Common, out: &mut Out) -> Result<Exit, Failure> {
    match command {
        ClientCommand::Sandbox(args) => sandbox::run(args, out).await,
        ClientCommand::Lookup(args) => lookup::run(args, &common.client()?, out).await,
        ClientCommand::Submit(args) => submit::run(args, &common.client()?, out).await,
        ClientCommand::Watch(args) => watch::run(args, &common.client()?, out).await,
        ClientCommand::Get(args) => get::run(args, &common.client()?, out).await,
        ClientCommand::List(args) => list::run(args, &common.client()?, out).await,
        ClientCommand::Cancel(args) => cancel::run(args, &common.client()?, out).await,
        ClientCommand::Charges(args) => charges::run(args, &common.client()?, out).await,
        ClientCommand::Providers => providers::run(&common.client()?, out).await,
        ClientCommand::Resolve(args) => resolve::run(args, &common.client()?, out).await,
    }
}

/// Says on standard error what went wrong, and gives the exit code.
#[must_use]
pub fn report(result: Result<Exit, Failure>) -> ExitCode {
    let exit = result.unwrap_or_else(|failure| {
        let text = failure.text();
        if !text.is_empty() {
            out::complain(&text);
        }
        failure.exit()
    });
    ExitCode::from(exit as u8)
}
