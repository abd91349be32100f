//! `semanas demo --serve`: the server and the sandbox of the demo for programs that want to call one, such as the tests of the
//! clients and of those who use them.
//!
//! Standard output is the line that says where it serves, and nothing else. It decides when to stop; it calls nobody itself.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd as _;

use anyhow::Context as _;
use tokio::sync::oneshot;

use super::{DataDirectory, DemoArgs, Settings, Started, own_settings};
use crate::cli::args::Format;
use crate::cli::end::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::sandbox::{interrupted, settings};

/// How soon a provider is asked again. It takes the place of callbacks, whose port would have to be known before it is bound.
const POLL_FIRST: &str = "200ms";

pub(super) async fn serve<F>(args: &DemoArgs, start: impl FnOnce(Settings) -> F) -> Result<Exit, Failure>
where
    F: Future<Output = anyhow::Result<Started>>,
{
    let listen = args.listen.unwrap_or(super::local(super::GRPC_PORT));
    let mut out = Out::standard(Format::Table);
    let sandbox = super::start_sandbox(args).await?;
    let data = DataDirectory::make()?;
    let mut given = own_settings(listen, super::local(0), &data);
    given.extend(settings(&sandbox));
    // Pages under test come from wherever; nothing here is real.
    given.push(("SEMANAS_GRPC__WEB_ORIGINS".to_owned(), "*".to_owned()));
    given
        .extend(["KIBAN", "TUIDENTIDAD"].map(|it| (format!("SEMANAS_PROVIDERS__{it}__POLL_FIRST"), POLL_FIRST.into())));

    // The end of the input counts only once it serves: whoever gave none is still told where, or why it could not.
    let ended = tokio::select! {
        started = start(given) => serve_until_told(started?, &mut out).await,
        ended = interrupted() => ended,
    };
    sandbox.stop().await;
    ended.map(|()| Exit::Succeeded)
}

async fn serve_until_told(started: Started, out: &mut Out) -> Result<(), Failure> {
    let told = match out.text(&format!("SEMANAS_SERVER=http://{}", reachable(started.grpc))) {
        Ok(()) => told_to_end().await,
        Err(failure) => Err(failure),
    };
    started.stop.await?;
    told
}

/// Where a program of this machine finds a server that listens there.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, listen.port()))
    } else {
        listen
    }
}

/// SIGTERM, SIGINT, or the end of whoever holds the other end of standard input: so nothing is left behind by a test that was killed.
async fn told_to_end() -> Result<(), Failure> {
    tokio::select! {
        ended = interrupted() => ended,
        ended = end_of_input() => ended,
    }
}

/// Only a pipe says something by its end. A shell's background job has /dev/null, which is at its end from the start.
async fn end_of_input() -> Result<(), Failure> {
    use std::os::unix::fs::FileTypeExt as _;

    let input = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .context("looking at standard input");
    let kind = input.and_then(|input| Ok(File::from(input).metadata()?.file_type()));
    if !kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket()) {
        return std::future::pending().await;
    }
    let (tell, told) = oneshot::channel();
    // A thread of its own, which ends with the process: tokio's standard input would hold the runtime back until it is read.
    std::thread::spawn(move || tell.send(std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())));
    let read = told.await.context("reading standard input")?;
    read.map(drop).context("reading standard input").map_err(Failure::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_an_address_that_can_be_called() {
        let check = |listen: &str, expected: &str| assert_eq!(reachable(listen.parse().unwrap()).to_string(), expected);
        check("127.0.0.1:4242", "127.0.0.1:4242");
        check("0.0.0.0:4242", "127.0.0.1:4242");
        check("[::1]:4242", "[::1]:4242");
    }
}
