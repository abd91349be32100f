//! A server for a test: `semanas demo --serve` on a free port, or a fake in this process. Nobody in its answers is real.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;

use crate::client::SERVICE;
use crate::raw::v1::operations_service_server::OperationsServiceServer;
use crate::raw::v1::work_history_service_server::WorkHistoryServiceServer;
use crate::testing::Fake;
use crate::testing::service::Service;
use crate::testing::story::Story;
use crate::{Client, Error, Health, Options};

/// Names the program.
const PROGRAM: &str = "SEMANAS_BIN";
/// What stands before the address in the program's one line.
const ADDRESS: &str = "SEMANAS_SERVER=";
/// The program is built for debugging, perhaps, on a machine that is busy.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A server that ends when this value does. The real one ends by itself, a moment later, and leaves nothing behind.
#[derive(Debug)]
pub struct Server {
    endpoint: String,
    running: Running,
}

#[derive(Debug)]
enum Running {
    /// Not killed: it ends with its input, which goes with this value, and removes its data.
    Program { _process: Child },
    /// A runtime of its own, which ends at once with all that it serves.
    Fake(Option<Runtime>),
}

impl Server {
    /// Starts the real server, with its sandbox, where the program is at hand: the one that `SEMANAS_BIN` names, else `semanas` on the
    /// path. Elsewhere it starts the fake.
    ///
    /// # Errors
    /// The program does not serve.
    pub async fn start(fake: Fake) -> io::Result<Server> {
        match program() {
            Some(program) => Server::start_program(program).await,
            None => Server::start_fake(fake).await,
        }
    }

    /// Starts the real server and waits until it serves.
    ///
    /// # Errors
    /// The program is not there, or ends before it serves.
    pub async fn start_real() -> io::Result<Server> {
        let program = program().ok_or_else(|| {
            let what = format!("the program semanas is not on the path: install it, or set {PROGRAM} to where it is");
            io::Error::new(io::ErrorKind::NotFound, what)
        })?;
        Server::start_program(program).await
    }

    /// Starts the fake on a free port of this machine.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start_fake(fake: Fake) -> io::Result<Server> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let address = runtime.spawn(serve(fake)).await.map_err(io::Error::other)??;
        Ok(Server {
            endpoint: format!("http://{address}"),
            running: Running::Fake(Some(runtime)),
        })
    }

    /// Where it serves, such as `http://127.0.0.1:4242`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether it is the semanas program with its sandbox, and not a fake.
    #[must_use]
    pub fn is_real(&self) -> bool {
        matches!(self.running, Running::Program { .. })
    }

    /// A client of it.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn client(&self) -> Result<Client, Error> {
        Client::new(&self.endpoint, Options::default())
    }

    async fn start_program(program: OsString) -> io::Result<Server> {
        let arguments = ["demo", "--serve", "--listen", "127.0.0.1:0", "--latency", "0"];
        // Its end of the pipe on standard input tells it when we are gone, however we went.
        let mut process = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                let what = format!(
                    "cannot start {}: {error}; {PROGRAM} names the program",
                    program.display()
                );
                io::Error::new(error.kind(), what)
            })?;
        let endpoint = timeout(START_LIMIT, address(&mut process)).await;
        let endpoint = endpoint.map_err(io::Error::from).flatten().map_err(|error| {
            // Whatever it is, it may not mind its input.
            process.start_kill().ok();
            let what = format!("{} did not begin to serve: {error}", program.display());
            io::Error::new(error.kind(), what)
        })?;
        Ok(Server {
            endpoint,
            running: Running::Program { _process: process },
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The program's end of the pipe goes with its own value.
        if let Running::Fake(runtime) = &mut self.running
            && let Some(runtime) = runtime.take()
        {
            runtime.shutdown_background();
        }
    }
}

/// Where the program says that it serves, once it does.
async fn address(process: &mut Child) -> io::Result<String> {
    let output = process.stdout.take();
    let output = output.ok_or_else(|| io::Error::other("it has no standard output"))?;
    let line = BufReader::new(output).lines().next_line().await?.unwrap_or_default();
    let address = line.strip_prefix(ADDRESS).map(str::to_owned);
    address.ok_or_else(|| io::Error::other(format!("it said {line:?}")))
}

/// Begins to serve, and gives the address.
async fn serve(fake: Fake) -> io::Result<SocketAddr> {
    let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into())?;
    let address = incoming.local_addr()?;
    let (reporter, health) = tonic_health::server::health_reporter();
    let status = match fake.health.unwrap_or(Health::Serving) {
        Health::Serving => ServingStatus::Serving,
        Health::NotServing => ServingStatus::NotServing,
        Health::Unknown => ServingStatus::Unknown,
    };
    reporter.set_service_status(SERVICE, status).await;
    let service = Arc::new(Service {
        fake,
        story: Story::default(),
    });
    let serving = tonic::transport::Server::builder()
        .add_service(health)
        .add_service(WorkHistoryServiceServer::from_arc(service.clone()))
        .add_service(OperationsServiceServer::from_arc(service))
        .serve_with_incoming(incoming);
    // Nobody could be told why it ended.
    tokio::spawn(async move { drop(serving.await) });
    Ok(address)
}

/// The program, if it is at hand. What `SEMANAS_BIN` names is taken at its word, so that a wrong path is not passed over.
fn program() -> Option<OsString> {
    let named = std::env::var_os(PROGRAM).filter(|named| !named.is_empty());
    let on_path = || {
        let folders = std::env::var_os("PATH")?;
        let here = |folder: PathBuf| folder.join(format!("semanas{}", std::env::consts::EXE_SUFFIX));
        let found = std::env::split_paths(&folders)
            .map(here)
            .find(|program| program.is_file())?;
        Some(found.into_os_string())
    };
    named.or_else(on_path)
}
