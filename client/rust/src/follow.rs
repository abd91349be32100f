//! A stream that survives its connections: it resumes with the last cursor, notices silence, and knows when to give up.
//!
//! What the messages mean is not decided here: `watch` reads them into frames.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::time::{sleep, timeout};
use tonic::{Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::code::Code;
use crate::error::Error;
use crate::hooks::{CallAttempt, Hooks};
use crate::options::{Options, WatchOptions};
use crate::retry;

/// The contract: three missed heartbeats mean a dead connection.
const HEARTBEATS_MISSED_MAX: u32 = 3;

/// A watch. It ends after the terminal update, or after an error that resuming cannot mend. Dropping it ends it at once.
pub struct Watch<U>(BoxStream<'static, Result<U, Error>>);

impl<U: Send + 'static> Watch<U> {
    /// Follows what `open` opens at a cursor (empty = from the beginning).
    pub(crate) fn new<M, F>(
        method: &'static str,
        open: impl Fn(String) -> F + Send + 'static,
        cursor: Option<String>,
        options: &Options,
    ) -> Self
    where
        M: Message<Update = U>,
        F: Future<Output = Result<Streaming<M>, Status>> + Send + 'static,
    {
        let follower = Follower {
            method,
            hooks: options.hooks.clone(),
            open: Box::new(move |cursor| open(cursor).boxed()),
            place: Place {
                cursor: cursor.unwrap_or_default(),
                last_sequence: None,
                heartbeat_interval: options.watch.heartbeat_interval,
            },
            options: options.watch.clone(),
            stream: None,
            failures: 0,
            streams: 0,
            is_over: false,
        };
        let updates = futures::stream::unfold(follower, |mut follower| async move {
            let update = follower.next().await?;
            Some((update, follower))
        });
        Watch(updates.boxed())
    }

    /// The next update; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<U, Error>> {
        self.0.next().await
    }
}

impl<U> Stream for Watch<U> {
    type Item = Result<U, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

/// A message of one of the two watches.
pub(crate) trait Message: Sized + Send + 'static {
    type Update: Send + 'static;

    /// Says what the message means to a reader who stands at `place`, and moves them.
    fn read(self, place: &mut Place) -> Frame<Self::Update>;
}

/// What a message means.
pub(crate) enum Frame<U> {
    /// For the reader; says nothing yet about the stream's health, since a server may begin and break again and again.
    Start(U),
    /// For the reader; the stream makes progress.
    Progress(U),
    /// For the reader, and nothing follows.
    Last(U),
    /// For a reader who asked to be told.
    Stale(U),
    /// Seen before.
    Repeated,
    /// Something before it is missing.
    Gap,
    /// A sign of life.
    Heartbeat,
    /// The server asks to resume after this long.
    Draining(Duration),
    /// Not known to this version.
    Unknown,
}

/// Where a reader stands.
pub(crate) struct Place {
    pub cursor: String,
    pub last_sequence: Option<i64>,
    pub heartbeat_interval: Duration,
}

struct Follower<M: Message> {
    method: &'static str,
    hooks: Hooks,
    open: Opener<M>,
    place: Place,
    options: WatchOptions,
    stream: Option<Streaming<M>>,
    /// Breaks since the last sign of health.
    failures: u32,
    /// How many were opened, for the hooks.
    streams: u32,
    is_over: bool,
}

type Opener<M> = Box<dyn Fn(String) -> BoxFuture<'static, Result<Streaming<M>, Status>> + Send>;

enum Step<U> {
    Give(U),
    GiveLast(U),
    Nothing,
    Broken(Error),
}

impl<M: Message> Follower<M> {
    async fn next(&mut self) -> Option<Result<M::Update, Error>> {
        while !self.is_over {
            match self.step().await {
                Step::Give(update) => return Some(Ok(update)),
                Step::GiveLast(update) => {
                    self.is_over = true;
                    self.stream = None;
                    self.tell(Code::Ok, "", None);
                    return Some(Ok(update));
                }
                Step::Nothing => {}
                Step::Broken(error) => {
                    if let Err(error) = self.recover(error).await {
                        self.is_over = true;
                        return Some(Err(error));
                    }
                }
            }
        }
        None
    }

    /// Opens the stream, or reads one message of it.
    async fn step(&mut self) -> Step<M::Update> {
        let patience = self.place.heartbeat_interval * HEARTBEATS_MISSED_MAX;
        let Some(stream) = &mut self.stream else {
            self.streams += 1;
            return match timeout(patience, (self.open)(self.place.cursor.clone())).await {
                Ok(Ok(stream)) => {
                    self.stream = Some(stream);
                    Step::Nothing
                }
                Ok(Err(status)) => Step::Broken(Error::of(status)),
                Err(_) => Step::Broken(broken("the server did not answer")),
            };
        };
        match timeout(patience, stream.message()).await {
            Ok(Ok(Some(message))) => {
                let frame = message.read(&mut self.place);
                self.sort(frame)
            }
            Ok(Ok(None)) => Step::Broken(broken("the stream ended without a terminal message")),
            Ok(Err(status)) => Step::Broken(Error::of(status)),
            Err(_) => Step::Broken(broken("the stream was silent for three heartbeats")),
        }
    }

    fn sort(&mut self, frame: Frame<M::Update>) -> Step<M::Update> {
        match frame {
            Frame::Start(update) => Step::Give(update),
            Frame::Progress(update) => {
                self.failures = 0;
                Step::Give(update)
            }
            Frame::Last(update) => Step::GiveLast(update),
            Frame::Stale(update) if self.options.reports_stale => Step::Give(update),
            Frame::Stale(_) | Frame::Repeated | Frame::Unknown => Step::Nothing,
            Frame::Gap => Step::Broken(broken("the stream left out an event")),
            Frame::Heartbeat => {
                self.failures = 0;
                Step::Nothing
            }
            Frame::Draining(resume_delay) => Step::Broken(draining(resume_delay)),
        }
    }

    /// Lets go of the stream and waits until it may be opened again; gives the error back when there is no use in that.
    async fn recover(&mut self, error: Error) -> Result<(), Error> {
        self.stream = None;
        self.failures += 1;
        let delay = retry::resume_delay(&self.options.resume, &error, self.failures, rand::random());
        self.tell(error.code(), error.reason(), delay);
        match delay {
            Some(delay) => sleep(delay).await,
            None => return Err(error),
        }
        Ok(())
    }

    /// Tells of a stream that has ended.
    fn tell(&self, code: Code, reason: &str, wait: Option<Duration>) {
        self.hooks.attempted(&CallAttempt {
            method: self.method,
            number: self.streams,
            code,
            reason: reason.to_owned(),
            wait,
        });
    }
}

fn broken(what: &str) -> Error {
    Error::of(Status::unavailable(what))
}

fn draining(resume_delay: Duration) -> Error {
    let details = ErrorDetails::with_retry_info(Some(resume_delay));
    Error::of(Status::with_error_details(
        tonic::Code::Unavailable,
        "the server is draining",
        details,
    ))
}
