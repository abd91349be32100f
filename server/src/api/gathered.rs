//! A connection whose small writes go out together.
//!
//! HTTP/2 flushes whatever one stream has to say, and tokio runs next whoever was woken last: so each message of each stream would be
//! a write of its own, and a read of its own at the other end. Decides that a flush lets those who are ready to run go first, and
//! then writes what all of them had to say. Nobody is waited for: a connection that is alone with its message is run again at once.
//! It deliberately does not know what is written.

use std::{
    io,
    mem::replace,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// When so much waits, it is written before more is taken.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// A connection, and what is to be written to it.
pub(super) struct Gathered<S> {
    connection: S,
    waiting: BytesMut,
    /// Whether others have had their turn since the last write.
    has_yielded: bool,
}

impl<S> Gathered<S> {
    pub(super) fn new(connection: S) -> Gathered<S> {
        Gathered {
            connection,
            waiting: BytesMut::new(),
            has_yielded: false,
        }
    }
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    fn poll_write_waiting(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let written = ready!(Pin::new(&mut self.connection).poll_write(context, &self.waiting))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.waiting.advance(written);
        }
        // A connection that is idle keeps no room.
        self.waiting = BytesMut::new();
        self.has_yielded = false;
        Poll::Ready(Ok(()))
    }
}

/// Not vectored: HTTP/2 then gathers payloads below 1 KiB by itself, and asks for a flush once for all of them.
impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.waiting.len() >= WAITING_BYTES_MAX {
            ready!(self.poll_write_waiting(context))?;
        }
        let taken = bytes.len().min(WAITING_BYTES_MAX - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.waiting.is_empty() && !replace(&mut self.has_yielded, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(self.poll_write_waiting(context))?;
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_waiting(context))?;
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, buffer)
    }
}

impl<S: Connected> Connected for Gathered<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.connection.connect_info()
    }
}

#[cfg(test)]
mod tests;
