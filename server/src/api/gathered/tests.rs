//! Gathering over a connection that notes each write, takes as much as it is told to, and is sometimes full.
#![allow(clippy::unwrap_used)]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use futures::task::{ArcWake, noop_waker, waker};
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt as _, duplex};

use super::*;

/// Notes what is written to it. Takes the next of `takes` bytes each time, where 0 is to be full once; then all.
#[derive(Default)]
struct Noted {
    writes: Vec<Vec<u8>>,
    takes: VecDeque<usize>,
    is_shut: bool,
}

impl AsyncWrite for Noted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = self.takes.pop_front().unwrap_or(bytes.len()).min(bytes.len());
        if taken == 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.writes.push(bytes[..taken].to_vec());
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_shut = true;
        Poll::Ready(Ok(()))
    }
}

/// Counts wakes.
#[derive(Default)]
struct Woken(Mutex<u32>);

impl ArcWake for Woken {
    fn wake_by_ref(this: &Arc<Self>) {
        *this.0.lock().unwrap() += 1;
    }
}

fn taken(gathered: &mut Gathered<Noted>, bytes: &[u8]) -> usize {
    let waker = noop_waker();
    match Pin::new(gathered).poll_write(&mut Context::from_waker(&waker), bytes) {
        Poll::Ready(taken) => taken.unwrap(),
        Poll::Pending => 0,
    }
}

fn is_flushed(gathered: &mut Gathered<Noted>, woken: &Arc<Woken>) -> bool {
    let waker = waker(Arc::clone(woken));
    let polled = Pin::new(gathered).poll_flush(&mut Context::from_waker(&waker));
    polled.map(Result::unwrap).is_ready()
}

#[test]
fn what_others_say_before_the_next_turn_goes_out_in_the_same_write() {
    let (mut gathered, woken) = (Gathered::new(Noted::default()), Arc::default());
    taken(&mut gathered, b"one ");
    assert!(!is_flushed(&mut gathered, &woken));
    assert_eq!(*woken.0.lock().unwrap(), 1, "it asks for its next turn itself");
    taken(&mut gathered, b"two ");
    taken(&mut gathered, b"three");
    assert!(is_flushed(&mut gathered, &woken));
    assert_eq!(gathered.connection.writes, [b"one two three".to_vec()]);
    // And so the next time.
    taken(&mut gathered, b"four");
    assert!(!is_flushed(&mut gathered, &woken) && is_flushed(&mut gathered, &woken));
    assert_eq!(gathered.connection.writes[1..], [b"four".to_vec()]);
}

#[test]
fn nothing_to_write_is_flushed_at_once() {
    let (mut gathered, woken) = (Gathered::new(Noted::default()), Arc::default());
    assert!(is_flushed(&mut gathered, &woken));
    assert_eq!(*woken.0.lock().unwrap(), 0);
}

#[test]
fn no_more_waits_than_is_allowed() {
    let mut gathered = Gathered::new(Noted::default());
    let much = vec![7; WAITING_BYTES_MAX + 1];
    assert_eq!(taken(&mut gathered, &much), WAITING_BYTES_MAX);
    assert!(gathered.connection.writes.is_empty());
    gathered.connection.takes = [0].into();
    assert_eq!(taken(&mut gathered, &much), 0, "it is full, and so is the connection");
    assert_eq!(taken(&mut gathered, &much), WAITING_BYTES_MAX);
    assert_eq!(gathered.connection.writes, [much[1..].to_vec()]);
}

#[tokio::test]
async fn a_shutdown_writes_what_waits() {
    let mut gathered = Gathered::new(Noted::default());
    gathered.write_all(b"the last word").await.unwrap();
    gathered.shutdown().await.unwrap();
    assert_eq!(gathered.connection.writes, [b"the last word".to_vec()]);
    assert!(gathered.connection.is_shut);
}

#[tokio::test]
async fn a_connection_that_ended_is_an_error() {
    let (near, far) = duplex(64);
    drop(far);
    let mut gathered = Gathered::new(near);
    gathered.write_all(b"too late").await.unwrap();
    assert_eq!(gathered.flush().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

proptest! {
    #[test]
    fn all_arrives_in_order_however_little_is_taken_at_a_time(
        words in prop::collection::vec((0_usize..3 * WAITING_BYTES_MAX / 2, any::<bool>()), 1..8),
        takes in prop::collection::vec(0_usize..WAITING_BYTES_MAX, 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let noted = Noted { takes: takes.into(), ..Noted::default() };
        let mut gathered = Gathered::new(noted);
        let mut said = Vec::new();
        runtime.block_on(async {
            for (number, (length, is_flushed)) in words.into_iter().enumerate() {
                let word = vec![number as u8; length];
                gathered.write_all(&word).await.unwrap();
                said.extend(word);
                if is_flushed {
                    gathered.flush().await.unwrap();
                    prop_assert_eq!(gathered.connection.writes.concat(), said.clone());
                }
            }
            gathered.shutdown().await.unwrap();
            prop_assert_eq!(gathered.connection.writes.concat(), said);
            Ok(())
        })?;
    }
}
