//! Brings the messages of an engine's stream to a reader who may be slow, gone, or out of time.
//!
//! Decides when a stream is given up. At most one message waits; while it waits nothing more is pulled from the engine, so a
//! slow reader costs no memory, and after the limit no stream either. Most streams are idle most of the time, so a message is
//! boxed: room for it stands in no future and no channel while there is none. What the messages say is the engine's business.

use std::{
    future::{pending, poll_fn},
    time::Duration,
};

use futures::{
    StreamExt as _,
    channel::mpsc,
    stream::{self, BoxStream, Stream},
};
use tokio::{
    task::JoinError,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;
use tracing::Instrument as _;

use crate::{api::status, engine::EngineError};

/// Messages that wait besides the one that a sender may always leave. Not tokio's channel: it takes room for 32 messages at once,
/// which costs each idle stream 8 kB of resident memory.
const BESIDES_SENDERS_OWN: usize = 0;

/// When a stream is given up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How long a message may wait for its reader.
    pub(super) slow_reader_limit: Duration,
    /// When the caller's own deadline ends it.
    pub(super) until: Option<Instant>,
}

/// Why the forwarding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The engine said all, or the reader is gone.
    Done,
    SlowReader,
    OutOfTime,
}

/// The stream that tonic sends: `to_proto` of each message. It ends with DEADLINE_EXCEEDED when the caller's deadline is there, and
/// with SLOW_CONSUMER when a message was not taken in time. Dropping it drops the engine's stream at once.
pub(super) fn forward<M, P>(
    messages: BoxStream<'static, Result<M, EngineError>>,
    to_proto: fn(M) -> P,
    job_id: Option<String>,
    patience: Patience,
) -> BoxStream<'static, Result<P, Status>>
where
    M: Send + 'static,
    P: Send + 'static,
{
    let converted = messages.map(move |message| {
        Box::new(
            message
                .map(to_proto)
                .map_err(|error| status::of_engine(error, job_id.as_deref())),
        )
    });
    let (sender, receiver) = mpsc::channel(BESIDES_SENDERS_OWN);
    let task = AbortOnDropHandle::new(tokio::spawn(pump(converted, sender, patience).in_current_span()));
    let last = stream::once(task).flat_map(|end| stream::iter(failure(end)).map(Err));
    receiver.map(|message| *message).chain(last).boxed()
}

/// The status that is told after all messages, if there is one.
fn failure(end: Result<End, JoinError>) -> Option<Status> {
    match end {
        Ok(End::Done) => None,
        Ok(End::SlowReader) => Some(status::slow_consumer()),
        Ok(End::OutOfTime) => Some(status::deadline_exceeded()),
        Err(panic) => {
            tracing::error!(cause = %panic, "forwarding a stream failed");
            Some(status::internal())
        }
    }
}

async fn pump<T>(mut messages: impl Stream<Item = T> + Unpin, mut sender: mpsc::Sender<T>, patience: Patience) -> End {
    let all = async {
        while let Some(message) = messages.next().await {
            let place = poll_fn(|context| sender.poll_ready(context));
            match timeout(patience.slow_reader_limit, place).await {
                Ok(Ok(())) if sender.start_send(message).is_ok() => {}
                Ok(_gone) => return End::Done,
                Err(_elapsed) => return End::SlowReader,
            }
        }
        End::Done
    };
    tokio::select! {
        end = all => end,
        () = passing(patience.until) => End::OutOfTime,
    }
}

async fn passing(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
