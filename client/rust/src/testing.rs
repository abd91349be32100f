//! A server for the tests of those who use this client: `semanas demo --serve` on a free port.
//!
//! The program is that of `SEMANAS_BIN`, else `semanas` on the path. Nobody in its answers is real.

use std::io;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::{Client, Error, Options};

/// Names the program.
const PROGRAM: &str = "SEMANAS_BIN";
/// What stands before the address in the program's one line.
const ADDRESS: &str = "SEMANAS_SERVER=";

/// A server that ends when this value does.
#[derive(Debug)]
pub struct Server {
    endpoint: String,
    _process: Child,
}

impl Server {
    /// Starts it and waits until it serves.
    ///
    /// # Errors
    /// The program is not there, or ends before it serves.
    pub async fn start() -> io::Result<Server> {
        let program = std::env::var_os(PROGRAM).unwrap_or_else(|| "semanas".into());
        let arguments = ["demo", "--serve", "--listen", "127.0.0.1:0", "--latency", "0"];
        // Its end of the pipe on standard input tells it when we are gone, however we went.
        let mut process = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("cannot start {}: {error}; set {PROGRAM}", program.display()),
                )
            })?;
        let output = process
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("the server has no standard output"))?;
        let line = BufReader::new(output).lines().next_line().await?.unwrap_or_default();
        let endpoint = line.strip_prefix(ADDRESS).map(str::to_owned);
        let endpoint =
            endpoint.ok_or_else(|| io::Error::other(format!("{} did not begin to serve", program.display())))?;
        Ok(Server {
            endpoint,
            _process: process,
        })
    }

    /// Where it serves, such as `http://127.0.0.1:4242`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A client of it.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn client(&self) -> Result<Client, Error> {
        Client::new(&self.endpoint, Options::default())
    }
}
