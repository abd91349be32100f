//! The connections to Redis: the only place that knows where Redis is and how its parts are arranged.
//!
//! It decides how long an answer is waited for, what is tried again and what an operator reads when it is not answered. A call
//! that timed out may have been done; it is not repeated here, because the caller has less patience than two timeouts.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, ProtocolVersion, RedisError, RedisResult,
    ServerErrorKind,
    aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection},
};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{reply::Reply, scripts::Call};
use crate::{domain::retry::Backoff, store::StoreError};

/// How often a silent connection is asked whether it still stands. A dead one is noticed after this and one response timeout.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(2);

/// Between the tries of one call: a failover or a slot that moves is over within a second or is an outage.
const RETRY: Backoff = Backoff {
    first: Duration::from_millis(50),
    factor: 3.0,
    max: Duration::from_millis(450),
    tries_max: 4,
};

/// Tries to connect before the calls that wait for the connection fail.
const CONNECT_RETRIES: usize = 2;
const CONNECT_DELAY_MIN: Duration = Duration::from_millis(20);
const CONNECT_DELAY_MAX: Duration = Duration::from_millis(200);

/// Where Redis is, and how long it is waited for.
#[derive(Clone)]
pub(super) struct Address {
    client: Client,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
}

/// The connection for commands. It mends itself.
pub(super) struct Link {
    address: Address,
    manager: Arc<RwLock<ConnectionManager>>,
    _keepalive: AbortOnDropHandle<()>,
}

/// How a call failed.
enum Fault {
    /// No answer in time: nobody knows whether it was done.
    TimedOut,
    Redis(RedisError),
}

// === impl Address ===

impl Address {
    pub(super) fn parse(url: &str, connect_timeout: Duration, response_timeout: Duration) -> RedisResult<Address> {
        let info = url.into_connection_info()?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(Address {
            client: Client::open(info.set_redis_settings(settings))?,
            connect_timeout,
            response_timeout,
        })
    }

    /// Host and port, without name and password.
    pub(super) fn shown(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    pub(super) fn connection_config(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout))
    }

    /// A connection of its own, which does not mend itself.
    pub(super) async fn connect(&self, config: AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    fn manager(&self) -> RedisResult<ConnectionManager> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout))
            .set_number_of_retries(CONNECT_RETRIES)
            .set_min_delay(CONNECT_DELAY_MIN)
            .set_max_delay(CONNECT_DELAY_MAX);
        self.client.get_connection_manager_lazy(config)
    }
}

// === impl Link ===

impl Link {
    /// Makes a link; the connection is made with the first call.
    pub(super) fn new(address: Address) -> RedisResult<Link> {
        let manager = Arc::new(RwLock::new(address.manager()?));
        let keepalive = tokio::spawn(keep_alive(address.clone(), Arc::clone(&manager)));
        Ok(Link {
            address,
            manager,
            _keepalive: AbortOnDropHandle::new(keepalive),
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Runs a script and gives its word and its fields. What Redis refused for the moment is tried again within a bound.
    pub(super) async fn run(&self, call: Call) -> Result<(String, Reply), StoreError> {
        let mut tries = 0;
        let fields = loop {
            tries += 1;
            let fault = match self.try_once(&call).await {
                Ok(fields) => break fields,
                Err(fault) => fault,
            };
            match RETRY.delay(tries, 1.0).filter(|_| fault.may_pass()) {
                Some(delay) => sleep(delay).await,
                None => return Err(fault.into_error(call.doing, &self.address)),
            }
        };
        let mut reply = Reply::new(call.doing, fields);
        match reply.text()?.as_str() {
            "DATASET_LOST" => Err(self.lost()),
            word => Ok((word.to_owned(), reply)),
        }
    }

    /// Asks Redis about itself.
    pub(super) async fn ask(&self, doing: &'static str, command: redis::Cmd) -> Result<redis::Value, StoreError> {
        let answer = self.within_limit(command.query_async(&mut self.connection())).await;
        answer.map_err(|fault| fault.into_error(doing, &self.address))
    }

    /// As [`Link::ask`], but with the reason as Redis gave it.
    pub(super) async fn ask_plainly<T: redis::FromRedisValue>(&self, command: redis::Cmd) -> Result<T, RedisError> {
        command.query_async(&mut self.connection()).await
    }

    pub(super) fn lost(&self) -> StoreError {
        let why = format!(
            "the redis at {} no longer holds the data set that was opened there",
            self.address.shown()
        );
        StoreError::DataSetLost { why: why.into() }
    }

    async fn try_once(&self, call: &Call) -> Result<Vec<redis::Value>, Fault> {
        let mut connection = self.connection();
        self.within_limit(call.invoke(&mut connection)).await
    }

    /// The library bounds each reply; this bounds the whole, with the connection that may have to be made for it.
    async fn within_limit<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> Result<T, Fault> {
        let limit = self.address.connect_timeout + self.address.response_timeout;
        match timeout(limit, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_timeout() => Err(Fault::TimedOut),
            Ok(Err(error)) => Err(Fault::Redis(error)),
            Err(_) => Err(Fault::TimedOut),
        }
    }

    fn connection(&self) -> ConnectionManager {
        self.manager.read().expect("nobody panics while holding it").clone()
    }
}

/// Replaces a connection on which a ping is not answered: the library only mends connections that were closed.
async fn keep_alive(address: Address, manager: Arc<RwLock<ConnectionManager>>) {
    loop {
        sleep(PING_INTERVAL).await;
        let mut connection = manager.read().expect("nobody panics while holding it").clone();
        let answer: RedisResult<redis::Value> = redis::cmd("PING").query_async(&mut connection).await;
        if answer.is_err_and(|error| error.is_timeout())
            && let Ok(fresh) = address.manager()
        {
            tracing::warn!(
                redis.address = address.shown(),
                "redis does not answer a ping: connecting anew"
            );
            *manager.write().expect("nobody panics while holding it") = fresh;
        }
    }
}

// === impl Fault ===

impl Fault {
    /// Whether the same call, a moment later, may go through. All verbs are idempotent, so one that was cut off is repeated too.
    fn may_pass(&self) -> bool {
        match self {
            Fault::TimedOut => false,
            Fault::Redis(error) => {
                error.is_connection_dropped() || error.code().is_some_and(|code| plain_reason(code).is_some())
            }
        }
    }

    fn into_error(self, doing: &'static str, address: &Address) -> StoreError {
        let at = address.shown();
        let why = match self {
            Fault::TimedOut => format!("redis at {at} did not answer in time"),
            Fault::Redis(error) => format!("redis at {at} {}", reason_of(&error)),
        };
        StoreError::Unavailable { doing, why: why.into() }
    }
}

/// What Redis says when it cannot serve for the moment, in words an operator can act on.
fn plain_reason(code: &str) -> Option<&'static str> {
    Some(match code {
        "READONLY" => "is read-only: it is a replica, or a failover is under way",
        "LOADING" => "is still loading its data",
        "MASTERDOWN" => "is a replica that has lost its master",
        "CLUSTERDOWN" => "says that the cluster is down",
        "NOREPLICAS" => "has too few replicas to accept writes",
        "OOM" => "has used up its memory: raise maxmemory",
        "MISCONF" => "cannot write to its disk",
        "TRYAGAIN" | "ASK" | "MOVED" => "is moving the slot of this key",
        "BUSY" => "is busy with a slow script",
        _ => return None,
    })
}

pub(super) fn reason_of(error: &RedisError) -> String {
    let known = match error.code() {
        Some("WRONGPASS" | "NOAUTH") => Some("refuses the user name or password"),
        code => code.and_then(plain_reason),
    };
    match (known, error.kind()) {
        (Some(reason), _) => reason.to_owned(),
        (None, ErrorKind::AuthenticationFailed) => "refuses the user name or password".to_owned(),
        (None, ErrorKind::Server(ServerErrorKind::NoPerm)) => format!("does not permit it: {error}"),
        (None, ErrorKind::Io) => format!("cannot be reached: {error}"),
        (None, _) => format!("failed: {error}"),
    }
}
