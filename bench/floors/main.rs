//! The floors: what tonic, Redis and the machine allow, each in a file of its own and as small as can be.
//!
//! They speak the contract of Semanas, so that one load generator calls floors and Semanas alike. They use the allocator that Semanas
//! uses, and tonic's own codec, which Semanas does not. They promise nothing: no lease, no ledger, no second replica, no word for a
//! caller who is wrong.

#![allow(clippy::print_stderr)]

mod answers;
mod echo;
mod life;
mod script;
mod service;
mod stream;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use semanas_client::raw::v1::work_history_service_server::WorkHistoryServiceServer;
use tonic::transport::Server;

use crate::service::{Floor, Served};

#[cfg(all(not(target_env = "msvc"), target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// As Semanas has it: many watches on one connection.
const STREAMS_PER_CONNECTION_MAX: u32 = 10_000;

#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
    #[command(subcommand)]
    which: Which,
}

#[derive(Subcommand)]
enum Which {
    /// F1: a unary call that is answered from memory.
    Echo,
    /// F2: the same with one Redis script of Submit's size.
    Script {
        #[arg(long)]
        redis: String,
    },
    /// F3: server streams that are held idle and fed from a channel.
    Stream,
    /// F5: the whole life of a job without an engine.
    Life {
        #[arg(long)]
        redis: String,
        /// Base URL of Tu Identidad.
        #[arg(long)]
        upstream: String,
        #[arg(long)]
        api_key: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the floor ended: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Arguments { listen, which }: Arguments) -> anyhow::Result<()> {
    match which {
        Which::Echo => serve(listen, echo::Echo).await,
        Which::Script { redis } => serve(listen, script::OneScript::connect(&redis).await?).await,
        Which::Stream => serve(listen, stream::Streams::new()).await,
        Which::Life {
            redis,
            upstream,
            api_key,
        } => serve(listen, life::Life::connect(&redis, &upstream, api_key).await?).await,
    }
}

async fn serve(listen: SocketAddr, floor: impl Floor) -> anyhow::Result<()> {
    let service = WorkHistoryServiceServer::new(Served(floor));
    let server = Server::builder().max_concurrent_streams(STREAMS_PER_CONNECTION_MAX);
    { server }.add_service(service).serve(listen).await?;
    Ok(())
}
