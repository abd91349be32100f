//! The link to Redis, however it is arranged: each call goes to the master of its keys, and follows it when it has moved.
//!
//! Decides what is tried again, for how long, and when the masters are looked for anew. A call that timed out may have been done;
//! it is not repeated here, because the caller has less patience than two timeouts.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use futures::future::join_all;
use redis::RedisResult;
use tokio::{sync::Mutex, time::sleep};
use tokio_util::task::AbortOnDropHandle;

use super::{
    address::{Address, Arrangement},
    fault::Fault,
    node::Node,
    reply::Reply,
    scripts::Call,
    topology::{Scouts, Topology, named_by},
};
use crate::{domain::retry::Backoff, store::StoreError};

/// How often a silent connection is asked whether it still stands, and sentinels or cluster who is the master. A dead one is
/// noticed after this and one response timeout.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(2);

/// Between the tries of one call: a failover or a slot that moves is over within a second or is an outage.
const RETRY: Backoff = Backoff {
    first: Duration::from_millis(50),
    factor: 3.0,
    max: Duration::from_millis(450),
    tries_max: 4,
};

/// The link for commands. It mends itself.
pub(super) struct Link {
    masters: Arc<Masters>,
    /// Replicas that must hold a write before it counts.
    replicas_min: u32,
    _minder: AbortOnDropHandle<()>,
}

/// The masters, as far as they are known.
pub(super) struct Masters {
    scouts: Scouts,
    topology: RwLock<Arc<Topology>>,
    looking: Mutex<()>,
}

/// A call that failed, and where.
struct Failed {
    at: String,
    fault: Fault,
    moved_to: Option<Arc<Node>>,
}

// === impl Link ===

impl Link {
    /// Makes a link; connections are made with the first call. One server alone has no replicas to wait for.
    pub(super) fn new(address: Address, replicas_min: u32) -> RedisResult<Link> {
        let is_single = address.arrangement == Arrangement::Single;
        let masters = Arc::new(Masters {
            scouts: Scouts::new(address)?,
            topology: RwLock::default(),
            looking: Mutex::new(()),
        });
        let minder = tokio::spawn(mind(Arc::clone(&masters)));
        Ok(Link {
            masters,
            replicas_min: if is_single { 0 } else { replicas_min },
            _minder: AbortOnDropHandle::new(minder),
        })
    }

    pub(super) fn address(&self) -> &Address {
        self.masters.scouts.address()
    }

    pub(super) fn replicas_min(&self) -> u32 {
        self.replicas_min
    }

    pub(super) fn masters(&self) -> &Arc<Masters> {
        &self.masters
    }

    /// Runs a script and gives its word and its fields. What Redis refused for the moment is tried again within a bound.
    pub(super) async fn run(&self, call: Call) -> Result<(String, Reply), StoreError> {
        let mut tries = 0;
        let mut moved_to = None;
        let fields = loop {
            tries += 1;
            let failed = match self.try_once(&call, moved_to.take()).await {
                Ok(fields) => break fields,
                Err(failed) => failed,
            };
            match RETRY.delay(tries, 1.0).filter(|_| failed.fault.may_pass()) {
                Some(delay) => sleep(delay).await,
                None => return Err(failed.fault.into_error(call.doing, &failed.at)),
            }
            moved_to = failed.moved_to;
        };
        let mut reply = Reply::new(call.doing, fields);
        match reply.text()?.as_str() {
            "DATASET_LOST" => Err(self.lost()),
            word => Ok((word.to_owned(), reply)),
        }
    }

    pub(super) fn lost(&self) -> StoreError {
        let why = format!(
            "the redis at {} no longer holds the data set that was opened there",
            self.address().shown()
        );
        StoreError::DataSetLost { why: why.into() }
    }

    async fn try_once(&self, call: &Call, moved_to: Option<Arc<Node>>) -> Result<Vec<redis::Value>, Failed> {
        let nowhere = |fault| Failed {
            at: self.address().shown(),
            fault,
            moved_to: None,
        };
        let topology = self.masters.known().await.map_err(nowhere)?;
        let node = match moved_to {
            Some(node) => node,
            None => match topology.node_of(call.first_key()) {
                Some(node) => Arc::clone(node),
                None => {
                    // Told apart from a failure only by the next look.
                    let fault = Fault::Nowhere("has no master for the slot of this key".to_owned());
                    let _ = self.masters.look_again(&topology).await;
                    return Err(nowhere(fault));
                }
            },
        };
        let replicas = match (call.must_last(), self.replicas_min) {
            (false, _) | (_, 0) => 0,
            (true, replicas_min) => replicas_min.max(topology.heirs),
        };
        let fault = match node.invoke(call, replicas).await {
            Ok(fields) => return Ok(fields),
            Err(fault) => fault,
        };
        let moved_to = fault
            .moved_to()
            .and_then(|to| self.masters.moved_to(&node, to, &topology));
        if fault.is_about_place() {
            // What it finds is used by the next try; that it found nothing is said by that one.
            let _ = self.masters.look_again(&topology).await;
        }
        Err(Failed {
            at: node.name.clone(),
            fault,
            moved_to,
        })
    }
}

// === impl Masters ===

impl Masters {
    pub(super) fn now(&self) -> Arc<Topology> {
        Arc::clone(&self.topology.read().expect("nobody panics while holding it"))
    }

    /// The masters as last found; they are looked for when none ever were.
    pub(super) async fn known(&self) -> Result<Arc<Topology>, Fault> {
        let topology = self.now();
        if !topology.masters.is_empty() {
            return Ok(topology);
        }
        self.look_again(&topology).await?;
        Ok(self.now())
    }

    /// Looks for the masters, unless somebody has found them since `seen`.
    pub(super) async fn look_again(&self, seen: &Arc<Topology>) -> Result<(), Fault> {
        let _one_at_a_time = self.looking.lock().await;
        let known = self.now();
        if !Arc::ptr_eq(&known, seen) {
            return Ok(());
        }
        let found = self.scouts.find(&known).await?;
        let names =
            |topology: &Topology| -> Vec<String> { topology.masters.iter().map(|node| node.name.clone()).collect() };
        let (before, after) = (names(&known), names(&found));
        if before != after && !before.is_empty() {
            tracing::info!(redis.masters = after.join(","), "the masters of redis have changed");
        }
        *self.topology.write().expect("nobody panics while holding it") = Arc::new(found);
        Ok(())
    }

    fn moved_to(&self, from: &Node, to: &str, known: &Topology) -> Option<Arc<Node>> {
        let (host, port) = to.rsplit_once(':')?;
        let name = named_by(from, host, port.parse().ok()?);
        self.scouts.node(&name, known).ok()
    }
}

/// Replaces silent connections, and notices a new master also when nobody calls or the old one does not know yet.
async fn mind(masters: Arc<Masters>) {
    let has_one_place = masters.scouts.address().arrangement == Arrangement::Single;
    loop {
        sleep(PING_INTERVAL).await;
        let topology = masters.now();
        let pings = join_all(topology.masters.iter().map(|node| node.renew_silent_lines()));
        let looks = async {
            if !has_one_place && let Err(fault) = masters.look_again(&topology).await {
                let at = masters.scouts.address().shown();
                tracing::warn!(
                    redis.address = at,
                    why = fault.reason(),
                    "nobody tells who is the master"
                );
            }
        };
        tokio::join!(pings, looks);
    }
}
