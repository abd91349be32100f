//! A response body that is played step by step: bytes, pauses, repetition, an early end.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

pub(crate) enum Act {
    Send(Bytes),
    /// Sends the piece over and over until so many bytes are out.
    Repeat {
        piece: Bytes,
        bytes_left: u64,
    },
    /// Sends the piece for ever, with a pause after each.
    Endless {
        piece: Bytes,
        pause: Duration,
    },
    Pause(Duration),
    /// Ends the connection, whatever was promised.
    Break,
    Stall,
}

/// Runs when the last byte of the script was handed to the socket.
pub(crate) type WhenSent = Box<dyn FnOnce() + Send>;

pub(crate) struct ScriptedBody {
    acts: VecDeque<Act>,
    declared_bytes: Option<u64>,
    pausing: Option<Pin<Box<Sleep>>>,
    when_sent: Option<WhenSent>,
}

#[derive(Debug, thiserror::Error)]
#[error("the fault ends the body early")]
pub(crate) struct BrokenOff;

impl ScriptedBody {
    /// `declared_bytes` becomes the content length; without it the body is sent in chunks.
    pub(crate) fn new(
        acts: impl Into<VecDeque<Act>>,
        declared_bytes: Option<u64>,
        when_sent: Option<WhenSent>,
    ) -> Self {
        let mut body = Self {
            acts: acts.into(),
            declared_bytes,
            pausing: None,
            when_sent,
        };
        body.finish_if_done();
        body
    }

    fn finish_if_done(&mut self) {
        if self.acts.is_empty()
            && let Some(when_sent) = self.when_sent.take()
        {
            when_sent();
        }
    }

    fn send(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        self.finish_if_done();
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        loop {
            if let Some(pause) = &mut self.pausing {
                ready!(pause.as_mut().poll(context));
                self.pausing = None;
            }
            match self.acts.pop_front() {
                None => return Poll::Ready(None),
                Some(Act::Send(bytes)) => return self.send(bytes),
                Some(Act::Repeat { piece, bytes_left }) => {
                    let now = bytes_left.min(piece.len() as u64);
                    if bytes_left > now {
                        self.acts.push_front(Act::Repeat {
                            piece: piece.clone(),
                            bytes_left: bytes_left - now,
                        });
                    }
                    let length = usize::try_from(now).expect("no longer than the piece");
                    return self.send(piece.slice(..length));
                }
                Some(Act::Endless { piece, pause }) => {
                    self.acts.push_front(Act::Endless {
                        piece: piece.clone(),
                        pause,
                    });
                    self.acts.push_front(Act::Pause(pause));
                    return self.send(piece);
                }
                Some(Act::Pause(duration)) => self.pausing = Some(Box::pin(sleep(duration))),
                Some(Act::Break) => return Poll::Ready(Some(Err(BrokenOff))),
                Some(Act::Stall) => {
                    // Nothing will wake this body again; the connection ends when the client or the sandbox ends it.
                    self.acts.push_front(Act::Stall);
                    return Poll::Pending;
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.acts.is_empty() && self.pausing.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.declared_bytes.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
