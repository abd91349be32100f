//! The doorbell: one connection that listens, and rings for every watcher of this replica.
//!
//! A ring is a plain `PUBLISH`: a cluster passes it on to all its nodes, so one connection to any of them hears every shard. Sharded
//! channels would save that traffic, and would need a subscription per slot that moves with its slot.
//!
//! Rings are lost when the connection is, so every new connection begins with `Bell::Resync`. A receiver that lags is told so by
//! its broadcast channel and must take that as a `Resync` too: nothing is queued for it here.

use std::{sync::Arc, time::Duration};

use redis::{PushInfo, PushKind, RedisResult, Value, aio::MultiplexedConnection};
use tokio::{
    sync::{Notify, broadcast},
    time::sleep,
};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{
    connection::{Masters, PING_INTERVAL},
    fault::Fault,
    node::Node,
};
use crate::{
    domain::ids::JobId,
    store::{Bell, Change},
};

/// Rings kept for a receiver that is behind; a replica that commits a thousand times while its hub sleeps reads everything anew.
const RINGS_KEPT_MAX: usize = 1024;

/// Between two tries to listen. Watched jobs are read every few seconds anyhow.
const RECONNECT_DELAY: Duration = Duration::from_millis(200);

/// The bells of this replica.
pub(super) struct Bells {
    sender: broadcast::Sender<Bell>,
    _listener: AbortOnDropHandle<()>,
}

/// One connection that listens.
struct Ear {
    masters: Arc<Masters>,
    node: Arc<Node>,
    connection: MultiplexedConnection,
    closed: Arc<Notify>,
}

impl Bells {
    /// Returns when it listens.
    pub(super) async fn listen(masters: Arc<Masters>, channel: String) -> Result<Bells, Fault> {
        let (sender, _) = broadcast::channel(RINGS_KEPT_MAX);
        let ear = Ear::open(&masters, 0, &channel, &sender).await?;
        let listener = tokio::spawn(listen_for_ever(ear, masters, channel, sender.clone()));
        Ok(Bells {
            sender,
            _listener: AbortOnDropHandle::new(listener),
        })
    }

    pub(super) fn sender(&self) -> broadcast::Sender<Bell> {
        self.sender.clone()
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Bell> {
        self.sender.subscribe()
    }
}

async fn listen_for_ever(mut ear: Ear, masters: Arc<Masters>, channel: String, sender: broadcast::Sender<Bell>) {
    let mut turn = 0;
    loop {
        ear.until_closed().await;
        ear = loop {
            let topology = masters.now();
            turn += 1;
            match Ear::open(&masters, turn, &channel, &sender).await {
                Ok(ear) => break ear,
                Err(_) => {
                    // Whether that found another master is seen by the next try.
                    let _ = masters.look_again(&topology).await;
                    sleep(RECONNECT_DELAY).await;
                }
            }
        };
    }
}

impl Ear {
    /// Listens at the master, or at one after the other of several.
    async fn open(
        masters: &Arc<Masters>,
        turn: usize,
        channel: &str,
        sender: &broadcast::Sender<Bell>,
    ) -> Result<Ear, Fault> {
        let topology = masters.known().await?;
        let node = &topology.masters[turn % topology.masters.len()];
        let closed = Arc::new(Notify::new());
        let config = node.connection_config().set_push_sender({
            let (sender, closed) = (sender.clone(), Arc::clone(&closed));
            move |push: PushInfo| {
                hear(push, &sender, &closed);
                Ok::<(), redis::aio::SendError>(())
            }
        });
        let mut connection = node.connect(config).await?;
        connection.subscribe(channel).await?;
        ring(sender, Bell::Resync);
        Ok(Ear {
            masters: Arc::clone(masters),
            node: Arc::clone(node),
            connection,
            closed,
        })
    }

    /// Returns when the connection is closed or does not answer a ping, or its server is no master any more.
    async fn until_closed(mut self) {
        loop {
            tokio::select! {
                () = self.closed.notified() => return,
                () = sleep(PING_INTERVAL) => {}
            }
            let answer: RedisResult<Value> = redis::cmd("PING").query_async(&mut self.connection).await;
            if answer.is_err() || self.masters.now().node_named(&self.node.name).is_none() {
                return;
            }
        }
    }
}

fn hear(push: PushInfo, sender: &broadcast::Sender<Bell>, closed: &Notify) {
    match push.kind {
        PushKind::Disconnection => closed.notify_one(),
        PushKind::Message => {
            let job = push.data.get(1).and_then(job_of);
            ring(sender, job.unwrap_or(Bell::Resync));
        }
        _ => {}
    }
}

/// A job's name, and behind it what changed it, unless that was put back.
fn job_of(payload: &Value) -> Option<Bell> {
    let Value::BulkString(bytes) = payload else { return None };
    let text = str::from_utf8(bytes).ok()?;
    let (id, change) = text.split_once(' ').unwrap_or((text, ""));
    let by = match change {
        "new" => Change::Creation,
        op => Uuid::parse_str(op).map_or(Change::Untold, Change::Commit),
    };
    let id = JobId::parse(id).ok()?;
    Some(Bell::Job { id, by })
}

/// A bell that nobody hears is no error.
fn ring(sender: &broadcast::Sender<Bell>, bell: Bell) {
    let _ = sender.send(bell);
}
