//! One stream between its sender, who polls it, and the watchdog, who ends it when nobody does.
//!
//! Decides whether a stream is stuck: it was called and its sender did not ask it for so many sweeps, because a message that it gave
//! before still waits for the reader. No clock is read for that: wakes are many, and a process that was frozen must not find that
//! all its readers had been slow. It deliberately does not know what messages are.

use std::{
    mem::replace,
    sync::{
        Arc, Mutex, MutexGuard, TryLockError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Wake, Waker},
};

use futures::{stream::BoxStream, task::AtomicWaker};
use tokio::time::Instant;
use tonic::Status;

use crate::{api::status, engine::EngineError};

/// A stream as the engine gives it.
pub(super) type Messages<M> = BoxStream<'static, Result<M, EngineError>>;

/// Nobody waits to be asked: the engine has nothing, and will wake the stream when it has.
const ASLEEP: u32 = 0;
/// There is something to ask for, since less than one sweep.
const CALLED: u32 = 1;

/// A stream that is being read. As a waker, it notes that there is something to ask for and passes the wake on.
pub(super) struct Reading<M> {
    /// `ASLEEP`, or one more than the sweeps since there is something to ask for. A hint that needs no order of its own: the sender
    /// clears it and the watchdog acts on it under the lock of `source`.
    called: AtomicU32,
    sender: AtomicWaker,
    /// When the caller's own deadline ends it.
    until: Option<Instant>,
    source: Mutex<Source<M>>,
}

pub(super) enum Source<M> {
    Open(Messages<M>),
    /// With what the reader is still to be told.
    Ended(Option<End>),
}

/// Why a stream was ended from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    SlowReader,
    OutOfTime,
}

/// A stream as the watchdog sees it, whatever it carries.
pub(super) trait Swept: Send + Sync {
    /// Counts a sweep, and ends the stream if it is stuck for more than `sweeps_max` of them or out of time. At once: what the
    /// engine holds for it is free when this returns.
    fn sweep(&self, sweeps_max: u32, now: Instant);
}

// === impl Reading ===

impl<M> Reading<M> {
    pub(super) fn new(messages: Messages<M>, until: Option<Instant>) -> Reading<M> {
        Reading {
            // Until it is asked for the first time there is something to ask for.
            called: AtomicU32::new(CALLED),
            sender: AtomicWaker::new(),
            until,
            source: Mutex::new(Source::Open(messages)),
        }
    }

    /// The sender asks, and is to be woken when there is something to ask for again.
    pub(super) fn asked(&self, sender: &Waker) -> MutexGuard<'_, Source<M>> {
        self.sender.register(sender);
        let source = self.lock();
        self.called.store(ASLEEP, Relaxed);
        source
    }

    /// It was given a message; there may be another one, and nothing will call for it.
    pub(super) fn gave(&self) {
        self.called.store(CALLED, Relaxed);
    }

    /// The sender is gone. The engine's stream is dropped explicitly, because what it waits for holds wakers of this.
    pub(super) fn left(&self) {
        drop(self.sender.take());
        let over = replace(&mut *self.lock(), Source::Ended(None));
        drop(over);
    }

    fn lock(&self) -> MutexGuard<'_, Source<M>> {
        self.source
            .lock()
            .expect("what may panic under this lock is caught there")
    }
}

impl<M: Send + 'static> Wake for Reading<M> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It counts from the first call that was not heard.
        let _ = self.called.compare_exchange(ASLEEP, CALLED, Relaxed, Relaxed);
        self.sender.wake();
    }
}

impl<M: Send> Swept for Reading<M> {
    fn sweep(&self, sweeps_max: u32, now: Instant) {
        if self.called.load(Relaxed) == ASLEEP {
            return;
        }
        let mut source = match self.source.try_lock() {
            Ok(source) => source,
            // It is being asked right now.
            Err(TryLockError::WouldBlock) => return,
            Err(TryLockError::Poisoned(_)) => unreachable!("what may panic under this lock is caught there"),
        };
        let sweeps = self.called.load(Relaxed);
        let end = match (sweeps, self.until) {
            (ASLEEP, _) => return,
            (_, Some(until)) if until <= now => End::OutOfTime,
            (sweeps, _) if sweeps > sweeps_max => End::SlowReader,
            (sweeps, _) => return self.called.store(sweeps + 1, Relaxed),
        };
        if matches!(*source, Source::Open(_)) {
            let over = replace(&mut *source, Source::Ended(Some(end)));
            drop(source);
            drop(over);
        }
    }
}

// === impl End ===

impl End {
    pub(super) fn status(self) -> Status {
        match self {
            End::SlowReader => status::slow_consumer(),
            End::OutOfTime => status::deadline_exceeded(),
        }
    }
}
