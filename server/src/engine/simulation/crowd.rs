//! The clients of a run, polled one at a time in an order drawn from the seed.
//!
//! Tokio wakes the receivers of a `watch` channel in an order that no seed decides. All of them are clients here: whoever is woken
//! only joins the set of those who are ready, and the draw from that sorted set is the same in every run of the seed. It also
//! tries orders that no queue would bring about.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
};

use futures::future::BoxFuture;

use super::chance::Chance;

/// Runs until all its members have ended.
pub(super) struct Crowd {
    members: Vec<Option<BoxFuture<'static, ()>>>,
    door: Door,
    chance: Chance,
}

/// Where new members come in.
#[derive(Clone, Default)]
pub(super) struct Door(Arc<Hall>);

#[derive(Default)]
struct Hall {
    newcomers: Mutex<Vec<BoxFuture<'static, ()>>>,
    ready: Mutex<BTreeSet<usize>>,
    crowd: Mutex<Option<Waker>>,
}

struct Member {
    number: usize,
    hall: Arc<Hall>,
}

impl Door {
    pub(super) fn enter(&self, member: impl Future<Output = ()> + Send + 'static) {
        self.0.newcomers.lock().unwrap().push(Box::pin(member));
        self.0.wake_crowd();
    }
}

impl Hall {
    fn wake_crowd(&self) {
        if let Some(crowd) = &*self.crowd.lock().unwrap() {
            crowd.wake_by_ref();
        }
    }
}

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        self.hall.ready.lock().unwrap().insert(self.number);
        self.hall.wake_crowd();
    }
}

impl Crowd {
    pub(super) fn new(door: Door, chance: Chance) -> Crowd {
        Crowd {
            members: Vec::new(),
            door,
            chance,
        }
    }

    fn let_in(&mut self) {
        for newcomer in self.door.0.newcomers.lock().unwrap().drain(..) {
            self.door.0.ready.lock().unwrap().insert(self.members.len());
            self.members.push(Some(newcomer));
        }
    }

    fn next_ready(&self) -> Option<usize> {
        let mut ready = self.door.0.ready.lock().unwrap();
        let nth = (!ready.is_empty()).then(|| self.chance.below(ready.len()))?;
        let number = *ready.iter().nth(nth)?;
        ready.remove(&number);
        Some(number)
    }
}

impl Future for Crowd {
    type Output = ();

    /// Polls one member: each then has tokio's whole budget, and the engine's tasks run in between.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        *self.door.0.crowd.lock().unwrap() = Some(cx.waker().clone());
        self.let_in();
        if let Some(number) = self.next_ready() {
            let hall = Arc::clone(&self.door.0);
            let waker = Waker::from(Arc::new(Member { number, hall }));
            if let Some(member) = &mut self.members[number]
                && member.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
            {
                self.members[number] = None;
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.members.iter().all(Option::is_none) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
