//! Forwarding under a clock of the tests' own: slow readers, gone readers, deadlines.
#![allow(clippy::unwrap_used)]

use tokio::sync::oneshot;
use tonic_types::StatusExt as _;

use super::*;
use crate::domain::reason::Reason;

const PATIENT: Patience = Patience {
    slow_reader_limit: Duration::from_secs(30),
    until: None,
};

fn same(number: u32) -> u32 {
    number
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

/// Tells, by ending the receiver, that the stream it is part of was dropped.
fn endless() -> (BoxStream<'static, Result<u32, EngineError>>, oneshot::Receiver<()>) {
    let (alive, dropped) = oneshot::channel::<()>();
    let numbers = stream::unfold((0, alive), |(number, alive)| async move {
        Some((Ok(number), (number + 1, alive)))
    });
    (numbers.boxed(), dropped)
}

#[tokio::test]
async fn messages_arrive_in_order_and_an_error_of_the_engine_is_the_last() {
    let error = EngineError::new(Reason::CursorExpired);
    let numbers = stream::iter([Ok(1), Ok(2), Err(error)]).boxed();
    let received: Vec<_> = forward(numbers, same, None, PATIENT).collect().await;
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
    let (numbers, dropped) = endless();
    let forwarded = forward(numbers, same, None, PATIENT);
    // The clock is paused: it moves on when nothing else can, which is when the limit is waited for.
    dropped.await.unwrap_err();
    let received: Vec<_> = forwarded.collect().await;
    assert_eq!(received.len(), 2, "what had been sent is still read");
    assert_eq!(reason(received[1].as_ref().unwrap_err()), "SLOW_CONSUMER");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_keeps_up_may_take_for_ever() {
    let numbers = stream::unfold(0, |number| async move {
        tokio::time::advance(Duration::from_secs(20)).await;
        (number < 10).then_some((Ok(number), number + 1))
    });
    let received: Vec<_> = forward(numbers.boxed(), same, None, PATIENT).collect().await;
    assert!(received.len() == 10 && received.iter().all(Result::is_ok));
}

#[tokio::test]
async fn dropping_the_stream_drops_the_engines() {
    let (numbers, dropped) = endless();
    let mut forwarded = forward(numbers, same, None, PATIENT);
    forwarded.next().await.unwrap().unwrap();
    drop(forwarded);
    dropped.await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn at_the_callers_deadline_the_stream_ends_and_says_so() {
    let until = Instant::now() + Duration::from_secs(5);
    let silent = stream::iter([Ok(1)]).chain(stream::pending()).boxed();
    let received: Vec<_> = forward(
        silent,
        same,
        None,
        Patience {
            until: Some(until),
            ..PATIENT
        },
    )
    .collect()
    .await;
    assert!(received.len() == 2 && received[0].is_ok());
    assert_eq!(reason(received[1].as_ref().unwrap_err()), "DEADLINE_EXCEEDED");
    assert_eq!(Instant::now(), until);
}

#[tokio::test]
async fn a_defect_in_a_stream_is_an_internal_error_not_a_silent_end() {
    let broken = stream::once(async { panic!("a defect") }).boxed();
    let received: Vec<_> = forward(broken, same, None, PATIENT).collect().await;
    assert_eq!(reason(received[0].as_ref().unwrap_err()), "INTERNAL");
}
