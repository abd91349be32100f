//! The way from a replica to its Redis, which can lead elsewhere, slow down, go silent, or lose replies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

/// Replies that a slow road holds at a time.
const ON_THE_WAY_MAX: usize = 1_024;

pub struct Link {
    address: SocketAddr,
    road: Arc<Road>,
    task: AbortHandle,
}

struct Road {
    target: watch::Sender<u16>,
    /// Nothing comes back on connections that saw this.
    is_silent: watch::Sender<bool>,
    replies_to_lose: AtomicUsize,
    delay: Mutex<Duration>,
}

impl Link {
    pub async fn to(port: u16) -> Link {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let road = Arc::new(Road {
            target: watch::Sender::new(port),
            is_silent: watch::Sender::new(false),
            replies_to_lose: AtomicUsize::new(0),
            delay: Mutex::default(),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&road))).abort_handle();
        Link { address, road, task }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Cuts what there is, and leads there from now on.
    pub fn leads_to(&self, port: u16) {
        self.road.target.send_replace(port);
    }

    /// Open connections go silent for good; new ones are as silent until it is over.
    pub fn is_silent(&self, is_silent: bool) {
        self.road.is_silent.send_replace(is_silent);
    }

    /// So many replies are lost, each with its connection.
    pub fn loses_replies(&self, count: usize) {
        self.road.replies_to_lose.store(count, Ordering::SeqCst);
    }

    pub fn slows_down(&self, delay: Duration) {
        *self.road.delay.lock().unwrap() = delay;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, road: Arc<Road>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        connections.spawn(carry(near, Arc::clone(&road)));
    }
}

async fn carry(mut near: TcpStream, road: Arc<Road>) {
    let mut target = road.target.subscribe();
    let port = *target.borrow_and_update();
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (mut from_near, mut to_near) = near.split();
    let (mut from_far, mut to_far) = far.split();
    let there = tokio::io::copy(&mut from_near, &mut to_far);
    let (on_the_way, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY_MAX);
    let back = async {
        let mut chunk = vec![0; 65_536];
        let mut has_gone_silent = false;
        while let Ok(count @ 1..) = from_far.read(&mut chunk).await {
            has_gone_silent |= *road.is_silent.borrow();
            if has_gone_silent {
                continue;
            }
            let take_one = |left: usize| left.checked_sub(1);
            let counter = &road.replies_to_lose;
            if counter
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one)
                .is_ok()
            {
                return;
            }
            let arrives_at = Instant::now() + *road.delay.lock().unwrap();
            if on_the_way.send((arrives_at, chunk[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let arrive = async {
        while let Some((at, chunk)) = arriving.recv().await {
            tokio::time::sleep_until(at).await;
            if to_near.write_all(&chunk).await.is_err() {
                return;
            }
        }
    };
    tokio::select! { _ = there => {}, () = back => {}, () = arrive => {}, _ = target.changed() => {} }
}
