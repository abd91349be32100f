//! Opening a data set: is it the right one, and is all of it there?
//!
//! An empty Redis where data was expected costs money twice, so a data set is only created on purpose, and a part of one is
//! refused. Whether the server is fit to hold it stands in `fitness`. What still holds is asked again by every probe.

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use futures::future::try_join_all;
use redis::cmd;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::task::AbortOnDropHandle;

use super::{
    RedisStore,
    address::{Address, Limits, Login},
    bells::Bells,
    connection::Link,
    fault::{Fault, reason_of},
    fitness::{Demands, check_servers},
    keys::Keys,
    node::Node,
    reigns::Reigns,
    scripts::{self, Call},
    vigil,
};
use crate::{
    clock::Clock,
    domain::ids::SHARDS,
    store::{DataSet, OpenError, StoreError},
};

/// Form of the keys and of what stands under them; a program with another form must not touch them.
const FORMAT: u32 = 2;

/// Keys that one `SCAN` looks at.
const SCAN_COUNT: usize = 1000;

/// Where the data set is and what is demanded of it.
#[derive(Clone, Debug)]
pub(crate) struct RedisOptions {
    /// See `address` for its forms; with user name and password if there are any.
    pub url: SecretString,
    /// As whom sentinels are asked, if not as the URL says.
    pub sentinel_login: Option<Login>,
    /// Certificate authority (PEM) to trust instead of the system's.
    pub tls_ca: Option<Vec<u8>>,
    /// Prefix of all keys; more than one data set can live in one Redis.
    pub prefix: String,
    /// Fingerprint of `store.secret`.
    pub secret_fingerprint: String,
    /// Create the data set if there is none.
    pub create: bool,
    pub durability: Durability,
    /// Replicas that must hold a write before it is acknowledged, where there can be a failover: with Sentinel and Cluster.
    pub replicas_min: u32,
    /// To compare with Redis' own.
    pub clock: Clock,
    /// Newest feed entries that each shard keeps at least; `FEED_KEPT_MIN` but for tests.
    pub feed_kept_min: u64,
    /// How long a paid answer can be asked for: as long as ended jobs are kept.
    pub retention: Duration,
    /// How long no billed call is begun when the master has changed, so that every replica can look for what it remembers.
    pub failover_pause: Duration,
    pub connect_timeout: Duration,
    pub response_timeout: Duration,
}

/// What is demanded of Redis' own durability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Every write is on disk before it is acknowledged.
    Demand,
    /// As `Demand`, but whoever runs Redis vouches for its disk: it does not tell its settings.
    Managed,
    /// The operator knows that acknowledged jobs and records of charges may be lost.
    AcceptRisk,
}

/// A data set that was found.
struct Found {
    epoch: String,
    format: u32,
    shards: u32,
    secret: String,
    complete: bool,
}

/// Opens the data set, or says what an operator must do.
pub(crate) async fn open(options: RedisOptions) -> Result<RedisStore, OpenError> {
    let link = Arc::new(link(&options)?);
    check_servers(&link, &demands(&options)).await?;

    let keys = Keys::new(&options.prefix);
    let epoch = open_data_set(&link, &keys, &options).await?;
    let bells = Bells::listen(Arc::clone(link.masters()), keys.bell());
    let bells = bells.await.map_err(|fault| unreached(&link, &fault))?;
    let reigns = Arc::new(Reigns::new(
        Arc::clone(&link),
        keys.clone(),
        epoch,
        options.failover_pause,
        options.retention,
        bells.sender(),
    ));
    let fitness = vigil::Seen::default();
    let vigil = vigil::keep(Arc::clone(&reigns), Arc::clone(&fitness), options.durability);
    Ok(RedisStore {
        link,
        keys,
        epoch,
        bells,
        reigns,
        fitness,
        _vigil: AbortOnDropHandle::new(tokio::spawn(vigil)),
        feed_kept_min: options.feed_kept_min,
        retention: options.retention,
        clock: options.clock,
        claims_made: AtomicUsize::new(0),
    })
}

impl RedisStore {
    /// One look at data set and clock, and at what the vigil saw; a server that takes no writes refuses the script.
    pub(super) async fn probe_data_set(&self) -> Result<DataSet, StoreError> {
        let call = Call::new("probe", &scripts::PROBE)
            .key(self.keys.meta())
            .arg(self.epoch());
        let (_, mut reply) = self.link.run(call).await?;
        let now = reply.timestamp_us()?;
        match self.fitness().unfit {
            Some(why) => Err(StoreError::Unavailable { doing: "probe", why }),
            None => Ok(DataSet { epoch: self.epoch, now }),
        }
    }
}

/// The link to where the options say; nothing is connected yet. Who accepts the risk does not wait for replicas.
pub(super) fn link(options: &RedisOptions) -> Result<Link, OpenError> {
    let limits = Limits {
        connect: options.connect_timeout,
        response: options.response_timeout,
    };
    let address = Address::parse(options.url.expose_secret(), options.tls_ca.clone(), limits);
    let address = address.map_err(|mistake| OpenError::Refused {
        what: "store.url".to_owned(),
        why: mistake.what.to_owned(),
        what_to_do: mistake.fix.to_owned(),
    })?;
    let address = address.with_sentinel_login(options.sentinel_login.clone());
    let replicas_min = match options.durability {
        Durability::Demand | Durability::Managed => options.replicas_min,
        Durability::AcceptRisk => 0,
    };
    let what = address.shown();
    Link::new(address, replicas_min).map_err(|error| OpenError::Unreachable {
        what,
        why: reason_of(&error),
    })
}

pub(super) fn demands(options: &RedisOptions) -> Demands<'_> {
    Demands {
        durability: options.durability,
        clock: &options.clock,
    }
}

async fn open_data_set(link: &Link, keys: &Keys, options: &RedisOptions) -> Result<u64, OpenError> {
    let what = link.address().shown();
    let found = match find(link, keys, options, false).await? {
        Some(found) => found,
        None if options.create => create(link, keys, options).await?,
        None => return Err(no_data_set(what)),
    };
    if found.format > FORMAT {
        return Err(OpenError::NewerFormat {
            what,
            found: found.format,
            known: FORMAT,
        });
    }
    if found.format < FORMAT {
        return Err(OpenError::Refused {
            what,
            why: format!("its data set has format {}, and this program reads format {FORMAT} only", found.format),
            what_to_do: "let the version that wrote it finish its jobs, then start a new data set: another Redis, or an empty database \
                         of this one; what was paid for stands in the old one's ledger (semanas charges, with the old version)"
                .to_owned(),
        });
    }
    if found.secret != options.secret_fingerprint {
        return Err(OpenError::WrongSecret { what });
    }
    if found.shards != u32::from(SHARDS) {
        return Err(damaged(
            what,
            format!("it has {} shards instead of {SHARDS}", found.shards),
        ));
    }
    let epoch = found
        .epoch
        .parse()
        .map_err(|_| damaged(what.clone(), "its epoch is no number".to_owned()))?;
    plant(link, keys, &found).await?;
    Ok(epoch)
}

async fn find(link: &Link, keys: &Keys, options: &RedisOptions, create: bool) -> Result<Option<Found>, OpenError> {
    let call = Call::new("find the data set", &scripts::FOUND)
        .key(keys.meta())
        .arg(flag(create))
        .arg(FORMAT.to_string())
        .arg(SHARDS.to_string())
        .arg(options.secret_fingerprint.as_str());
    let (word, mut reply) = link.run(call).await.map_err(|error| unreachable(link, error))?;
    if word == "NONE" {
        return Ok(None);
    }
    let mut read = || {
        let (epoch, format, shards) = (reply.text()?, reply.number()?, reply.number()?);
        Ok(Found {
            epoch,
            format,
            shards,
            secret: reply.text()?,
            complete: reply.text()? == "1",
        })
    };
    read().map(Some).map_err(|error: StoreError| unreachable(link, error))
}

/// Creates a data set where there is nothing of one. Many replicas may do so at once: one names it, all complete it.
async fn create(link: &Link, keys: &Keys, options: &RedisOptions) -> Result<Found, OpenError> {
    if has_keys(link, keys).await? {
        return match find(link, keys, options, false).await? {
            // Another replica was faster.
            Some(found) => Ok(found),
            None => Err(damaged(
                link.address().shown(),
                "it has keys of a data set, but not its meta key".to_owned(),
            )),
        };
    }
    let created = find(link, keys, options, true).await?;
    created.ok_or_else(|| {
        damaged(
            link.address().shown(),
            "its meta key was removed while it was created".to_owned(),
        )
    })
}

async fn has_keys(link: &Link, keys: &Keys) -> Result<bool, OpenError> {
    let topology = link.masters().known().await.map_err(|fault| unreached(link, &fault))?;
    for node in &topology.masters {
        if node_has_keys(node, keys)
            .await
            .map_err(|fault| unreached(link, &fault))?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn node_has_keys(node: &Node, keys: &Keys) -> Result<bool, Fault> {
    let mut cursor = "0".to_owned();
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(&cursor)
            .arg("MATCH")
            .arg(keys.pattern())
            .arg("COUNT")
            .arg(SCAN_COUNT);
        let (next, found): (String, Vec<String>) = node.ask(scan).await?;
        if !found.is_empty() {
            return Ok(true);
        }
        if next == "0" {
            return Ok(false);
        }
        cursor = next;
    }
}

/// Makes sure that every slot holds the epoch; writes it only while the data set is being created.
async fn plant(link: &Link, keys: &Keys, found: &Found) -> Result<(), OpenError> {
    let shards = keys.shards().map(|slot| (slot.epoch(), Some(slot.reign())));
    let others = keys.other_slots().map(|slot| (slot.epoch(), None));
    let plant_in = async |(epoch, reign): (String, Option<String>)| {
        let call = Call::new("open a slot", &scripts::PLANT).key(epoch);
        let call = match reign {
            Some(reign) => call.key(reign),
            None => call,
        };
        let call = call.arg(found.epoch.as_str()).arg(flag(!found.complete));
        let (_, mut reply) = link.run(call).await?;
        reply.text_or_none()
    };
    let epochs = try_join_all(shards.chain(others).map(plant_in))
        .await
        .map_err(|error| unreachable(link, error))?;
    if epochs.iter().any(|epoch| epoch.as_ref() != Some(&found.epoch)) {
        return Err(damaged(link.address().shown(), "a part of its data is gone".to_owned()));
    }
    if !found.complete {
        let call = Call::new("complete the data set", &scripts::COMPLETE)
            .key(keys.meta())
            .arg(found.epoch.as_str());
        link.run(call).await.map_err(|error| unreachable(link, error))?;
    }
    Ok(())
}

fn no_data_set(what: String) -> OpenError {
    let how_to_create =
        "if this Redis is new, run `semanas init` or set store.create = true; if it held data before, that data \
        is lost or elsewhere: restore it first, else people are asked for, and charged, again"
            .to_owned();
    OpenError::NoDataSet { what, how_to_create }
}

fn damaged(what: String, why: String) -> OpenError {
    let what_to_do = "restore it from a backup, or start a new data set at another place".to_owned();
    OpenError::Refused { what, why, what_to_do }
}

fn unreachable(link: &Link, error: StoreError) -> OpenError {
    let why = match error {
        StoreError::Unavailable { why, .. } | StoreError::DataSetLost { why } | StoreError::Unreadable { why, .. } => {
            why
        }
    };
    OpenError::Unreachable {
        what: link.address().shown(),
        why: why.to_string(),
    }
}

fn unreached(link: &Link, fault: &Fault) -> OpenError {
    OpenError::Unreachable {
        what: link.address().shown(),
        why: fault.reason(),
    }
}

fn flag(set: bool) -> &'static str {
    if set { "1" } else { "0" }
}
