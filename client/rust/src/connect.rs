//! How a TCP connection is made, and how its state is told. TLS and HTTP/2 are laid over it by tonic.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::transport::Uri;

use crate::hooks::{ConnectionState, Hooks};

/// A connection that says when it ends.
pub(crate) struct Watched {
    stream: TcpStream,
    hooks: Hooks,
}

pub(crate) async fn connect(uri: Uri, limit: Duration, hooks: Hooks) -> io::Result<TokioIo<Watched>> {
    hooks.connection(ConnectionState::Connecting);
    let host = uri
        .host()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let port = uri
        .port_u16()
        .unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let connected = match timeout(limit, TcpStream::connect((host.as_str(), port))).await {
        Ok(connected) => connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream)),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {limit:?}"),
        )),
    };
    let connected =
        connected.map_err(|error| io::Error::new(error.kind(), format!("cannot connect to {host}:{port}: {error}")));
    let state = if connected.is_ok() {
        ConnectionState::Ready
    } else {
        ConnectionState::Failed
    };
    hooks.connection(state);
    connected.map(|stream| TokioIo::new(Watched { stream, hooks }))
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.hooks.connection(ConnectionState::Idle);
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
