//! Brings the messages of an engine's stream to a reader who may be slow, gone, or out of time.
//!
//! Decides what a reader is told, and when it has been told all. A stream has no task and no queue of its own: whoever sends it
//! polls the engine, so that an event costs each watcher one wake and an idle stream next to nothing. While a message waits for
//! its reader nothing polls, and so nothing more is pulled from the engine; `readers` finds those for whom that lasts too long.
//! What the messages say is the engine's business.

mod readers;
mod reading;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures::{FutureExt as _, StreamExt as _, stream::Stream};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tracing::Span;

pub(super) use self::readers::Readers;
use self::reading::{End, Messages, Reading, Source};
use crate::api::status;

/// The stream that tonic sends: each message of the engine as `to_proto` makes it. It ends with DEADLINE_EXCEEDED when the caller's
/// deadline is there, and with SLOW_CONSUMER when a message was not taken in time. Dropping it drops the engine's stream at once.
pub(super) struct Forwarded<M: Send + 'static, P> {
    reading: Arc<Reading<M>>,
    /// Of `reading`: what the engine's stream and the deadline wake.
    waker: Waker,
    /// Boxed, since most streams have none.
    deadline: Option<Pin<Box<Sleep>>>,
    to_proto: fn(M) -> P,
    job_id: Option<String>,
    /// Of the call, for what the engine logs when it is polled.
    span: Span,
}

/// What one poll of the engine's stream came to.
enum Polled<P> {
    Nothing,
    Message(P),
    Last(Option<Status>),
}

/// Starts to forward. `job_id` as the caller named it, for the status of an error; `until` is the caller's own deadline.
pub(super) fn forward<M: Send + 'static, P>(
    messages: Messages<M>,
    to_proto: fn(M) -> P,
    job_id: Option<String>,
    until: Option<Instant>,
    readers: &Readers,
) -> Forwarded<M, P> {
    let reading = Arc::new(Reading::new(messages, until));
    readers.add(Arc::clone(&reading));
    Forwarded {
        waker: Waker::from(Arc::clone(&reading)),
        reading,
        deadline: until.map(|until| Box::pin(sleep_until(until))),
        to_proto,
        job_id,
        span: Span::current(),
    }
}

impl<M: Send + 'static, P> Stream for Forwarded<M, P> {
    type Item = Result<P, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let _entered = this.span.enter();
        let mut source = this.reading.asked(context.waker());
        let messages = match &mut *source {
            Source::Open(messages) => messages,
            Source::Ended(end) => return Poll::Ready(end.take().map(|end| Err(end.status()))),
        };
        let mut context = Context::from_waker(&this.waker);
        let is_late = this
            .deadline
            .as_mut()
            .is_some_and(|deadline| deadline.poll_unpin(&mut context).is_ready());
        let polled = if is_late {
            Polled::Last(Some(End::OutOfTime.status()))
        } else {
            // A defect is the reader's to be told of, and must not take with it whatever else the sender's task holds.
            let polled = catch_unwind(AssertUnwindSafe(|| {
                poll_engine(messages, &mut context, this.to_proto, this.job_id.as_deref())
            }));
            polled.unwrap_or_else(|_told_by_the_hook| Polled::Last(Some(failed())))
        };
        match polled {
            Polled::Nothing => Poll::Pending,
            Polled::Message(message) => {
                this.reading.gave();
                Poll::Ready(Some(Ok(message)))
            }
            Polled::Last(status) => {
                let over = std::mem::replace(&mut *source, Source::Ended(None));
                drop(source);
                drop(over);
                Poll::Ready(status.map(Err))
            }
        }
    }
}

fn poll_engine<M, P>(
    messages: &mut Messages<M>,
    context: &mut Context<'_>,
    to_proto: fn(M) -> P,
    job_id: Option<&str>,
) -> Polled<P> {
    match messages.poll_next_unpin(context) {
        Poll::Pending => Polled::Nothing,
        Poll::Ready(None) => Polled::Last(None),
        Poll::Ready(Some(Ok(message))) => Polled::Message(to_proto(message)),
        Poll::Ready(Some(Err(error))) => Polled::Last(Some(status::of_engine(error, job_id))),
    }
}

/// What the panic was has been logged by the hook.
fn failed() -> Status {
    tracing::error!("forwarding a stream failed");
    status::internal()
}

impl<M: Send + 'static, P> Drop for Forwarded<M, P> {
    fn drop(&mut self) {
        self.reading.left();
    }
}

#[cfg(test)]
mod tests;
