//! Forwarding under a clock of the tests' own: slow readers, idle readers, gone readers, deadlines.
#![allow(clippy::unwrap_used)]

use std::{future::poll_fn, time::Duration};

use futures::stream;
use tokio::{
    sync::{mpsc, oneshot},
    time::{advance, timeout},
};
use tokio_util::task::AbortOnDropHandle;
use tonic_types::StatusExt as _;

use super::*;
use crate::{domain::reason::Reason, engine::EngineError};

const LIMIT: Duration = Duration::from_secs(30);
const SWEEP: Duration = Duration::from_secs(1);
/// How much later than at its limit a stream may be ended, by a clock that is moved in small steps.
const LATE_MAX: Duration = Duration::from_millis(1_050);

fn same(number: u32) -> u32 {
    number
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

/// The readers of a server that has a watchdog.
fn readers() -> (Readers, AbortOnDropHandle<()>) {
    let readers = Readers::new(LIMIT);
    let swept = readers.clone();
    let task = tokio::spawn(async move { swept.end_the_stuck().await });
    (readers, AbortOnDropHandle::new(task))
}

fn forwarded(messages: Messages<u32>, readers: &Readers) -> Forwarded<u32, u32> {
    forward(messages, same, None, None, readers)
}

/// Messages that are always there. Tells, by ending the receiver, that the stream it is part of was dropped.
fn endless() -> (Messages<u32>, oneshot::Receiver<()>) {
    let (alive, dropped) = oneshot::channel::<()>();
    let numbers = stream::unfold((0, alive), |(number, alive)| async move {
        Some((Ok(number), (number + 1, alive)))
    });
    (numbers.boxed(), dropped)
}

/// Messages that are there when the test says so, and whether the stream was dropped.
fn told() -> (mpsc::Sender<u32>, Messages<u32>) {
    let (tell, told) = mpsc::channel(1);
    let numbers = stream::unfold(told, |mut told| async move {
        Some((Ok::<_, EngineError>(told.recv().await?), told))
    });
    (tell, numbers.boxed())
}

/// As tonic does before it sends: until there is nothing.
async fn polled_until_nothing(stream: &mut Forwarded<u32, u32>) -> Vec<u32> {
    let mut got = Vec::new();
    poll_fn(|context| {
        while let Poll::Ready(Some(message)) = stream.poll_next_unpin(context) {
            got.push(message.unwrap());
        }
        Poll::Ready(())
    })
    .await;
    got
}

#[tokio::test]
async fn messages_arrive_in_order_and_an_error_of_the_engine_is_the_last() {
    let error = EngineError::new(Reason::CursorExpired);
    let numbers = stream::iter([Ok(1), Ok(2), Err(error), Ok(3)]).boxed();
    let received: Vec<_> = forwarded(numbers, &Readers::new(LIMIT)).collect().await;
    assert_eq!(
        received[..2].iter().map(|it| *it.as_ref().unwrap()).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(
        (received.len(), reason(received[2].as_ref().unwrap_err()).as_str()),
        (3, "CURSOR_EXPIRED")
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_taken_in_time_ends_the_stream() {
    let (readers, _watchdog) = readers();
    let (numbers, dropped) = endless();
    let mut stream = forwarded(numbers, &readers);
    stream.next().await.unwrap().unwrap();
    let given_at = Instant::now();
    // The clock is paused: it moves on when nothing else can, which is when the watchdog waits for its next sweep.
    timeout(LIMIT * 2, dropped).await.expect("an end").unwrap_err();
    let waited = given_at.elapsed();
    assert!(LIMIT <= waited && waited <= LIMIT + LATE_MAX, "{waited:?}");
    let received: Vec<_> = stream.collect().await;
    assert_eq!(received.len(), 1);
    assert_eq!(reason(received[0].as_ref().unwrap_err()), "SLOW_CONSUMER");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_never_asked_for_ends_too() {
    let (readers, _watchdog) = readers();
    let (numbers, dropped) = endless();
    let _stream = forwarded(numbers, &readers);
    timeout(LIMIT * 2, dropped).await.expect("an end").unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_for_news_may_wait_for_ever() {
    let (readers, _watchdog) = readers();
    let (tell, numbers) = told();
    let mut stream = forwarded(numbers, &readers);
    for number in 0..3 {
        tell.try_send(number).unwrap();
        assert_eq!(polled_until_nothing(&mut stream).await, [number]);
        for _ in 0..100 {
            advance(SWEEP).await;
        }
    }
    assert!(!tell.is_closed());
}

#[tokio::test(start_paused = true)]
async fn time_runs_from_the_first_call_that_was_not_heard() {
    let (readers, _watchdog) = readers();
    let (tell, numbers) = told();
    let mut stream = forwarded(numbers, &readers);
    assert!(polled_until_nothing(&mut stream).await.is_empty());
    for _ in 0..100 {
        advance(SWEEP).await;
    }
    let called_at = Instant::now();
    tell.try_send(1).unwrap();
    // Others who call meanwhile do not give it more time.
    let calls = async {
        loop {
            advance(Duration::from_millis(10)).await;
            stream.waker.wake_by_ref();
        }
    };
    tokio::select! {
        () = tell.closed() => {}
        _ = timeout(LIMIT * 2, calls) => {}
    }
    let waited = called_at.elapsed();
    assert!(LIMIT <= waited && waited <= LIMIT + LATE_MAX, "{waited:?}");
    assert_eq!(reason(&stream.next().await.unwrap().unwrap_err()), "SLOW_CONSUMER");
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_whole_process_makes_no_reader_slow() {
    let (readers, _watchdog) = readers();
    let (numbers, mut dropped) = endless();
    let mut stream = forwarded(numbers, &readers);
    for _ in 0..5 {
        stream.next().await.unwrap().unwrap();
        advance(LIMIT * 10).await;
    }
    assert!(dropped.try_recv().unwrap_err() == oneshot::error::TryRecvError::Empty);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_keeps_up_may_take_for_ever() {
    let (readers, _watchdog) = readers();
    let (numbers, mut dropped) = endless();
    let mut stream = forwarded(numbers, &readers);
    for number in 0..10 {
        assert_eq!(stream.next().await.unwrap().unwrap(), number);
        for _ in 0..20 {
            advance(SWEEP).await;
        }
    }
    assert!(dropped.try_recv().unwrap_err() == oneshot::error::TryRecvError::Empty);
}

#[tokio::test]
async fn dropping_the_stream_drops_the_engines_though_its_wakers_live() {
    let readers = Readers::new(LIMIT);
    let (numbers, dropped) = endless();
    let mut stream = forwarded(numbers, &readers);
    stream.next().await.unwrap().unwrap();
    let waker = stream.waker.clone();
    drop(stream);
    dropped.await.unwrap_err();
    waker.wake();
}

#[tokio::test(start_paused = true)]
async fn at_the_callers_deadline_the_stream_ends_and_says_so() {
    let until = Instant::now() + Duration::from_secs(5);
    let silent = stream::iter([Ok(1)]).chain(stream::pending()).boxed();
    let stream = forward(silent, same, None, Some(until), &Readers::new(LIMIT));
    let received: Vec<_> = stream.collect().await;
    assert!(received.len() == 2 && received[0].is_ok());
    assert_eq!(reason(received[1].as_ref().unwrap_err()), "DEADLINE_EXCEEDED");
    assert_eq!(Instant::now(), until);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_reader_costs_nothing_beyond_its_own_deadline() {
    let (readers, _watchdog) = readers();
    let (tell, numbers) = told();
    let until = Instant::now() + Duration::from_secs(5);
    let mut stream = forward(numbers, same, None, Some(until), &readers);
    assert!(polled_until_nothing(&mut stream).await.is_empty());
    tell.closed().await;
    assert!(until.elapsed() <= LATE_MAX);
    assert_eq!(reason(&stream.next().await.unwrap().unwrap_err()), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_defect_in_a_stream_is_an_internal_error_not_a_silent_end() {
    let broken = stream::once(async { panic!("a defect") }).boxed();
    let received: Vec<_> = forwarded(broken, &Readers::new(LIMIT)).collect().await;
    assert_eq!(received.len(), 1);
    assert_eq!(reason(received[0].as_ref().unwrap_err()), "INTERNAL");
}

#[tokio::test(start_paused = true)]
async fn streams_that_are_gone_are_forgotten() {
    let (readers, _watchdog) = readers();
    let streams: Vec<_> = (0..10).map(|_| forwarded(endless().0, &readers)).collect();
    assert_eq!(readers.known(), 10);
    drop(streams);
    advance(SWEEP).await;
    advance(SWEEP).await;
    assert_eq!(readers.known(), 0);
}
