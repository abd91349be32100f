//! One server that speaks Redis, and the connections to it.
//!
//! Decides how long an answer is waited for, that a silent connection is replaced, and that a write which must survive a failover
//! is held by replicas before it counts. Which server is the right one is not known here.

use std::{
    fmt,
    sync::{
        RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind, Value,
    aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection},
};
use tokio::time::timeout;

use super::{address::Limits, fault::Fault, scripts::Call};

/// Tries to connect before the calls that wait for the connection fail.
const CONNECT_RETRIES: usize = 2;
const CONNECT_DELAY_MIN: Duration = Duration::from_millis(20);
const CONNECT_DELAY_MAX: Duration = Duration::from_millis(200);

/// Redis takes some 16 kB of a connection at a time before it brings to disk what was written: over several it has more to do for each
/// time, which takes a quarter of the work off it.
pub(super) const LINES: usize = 4;

/// A connection takes no further command while it waits for replicas, so such writes go over some of their own.
const WAITING_LINES: usize = 4;

/// Share of the response timeout that replicas get: all tries of a call together stay below it.
const REPLICA_SHARE: u32 = 8;

/// A server.
pub(super) struct Node {
    /// Host and port.
    pub(super) name: String,
    client: Client,
    limits: Limits,
    /// The first [`LINES`] for everything, each in turn, the others for writes that wait for replicas.
    lines: Vec<RwLock<ConnectionManager>>,
    turn: AtomicUsize,
}

impl Node {
    /// The connections are made with the first calls.
    pub(super) fn new(name: &str, client: Client, limits: Limits) -> RedisResult<Node> {
        let lines = (0..LINES + WAITING_LINES).map(|_| manager(&client, limits).map(RwLock::new));
        Ok(Node {
            name: name.to_owned(),
            lines: lines.collect::<RedisResult<_>>()?,
            client,
            limits,
            turn: AtomicUsize::new(0),
        })
    }

    /// Runs a script. With `replicas`, what it wrote is then held by so many.
    pub(super) async fn invoke(&self, call: &Call, replicas: u32) -> Result<Vec<Value>, Fault> {
        let waits = (replicas > 0).then_some(replicas);
        match self.send(call.by_hash(), waits).await {
            Err(Fault::Redis(error)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.send(call.by_text(), waits).await
            }
            answer => answer,
        }
    }

    /// Runs a plain command.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: Cmd) -> Result<T, Fault> {
        self.within_limit(command.query_async(&mut self.line(0))).await
    }

    /// Replaces connections on which a ping is not answered: the library only mends those that were closed.
    pub(super) async fn renew_silent_lines(&self) {
        join_all(self.lines.iter().map(async |line| {
            let mut connection = line.read().expect("nobody panics while holding it").clone();
            let answer: RedisResult<Value> = redis::cmd("PING").query_async(&mut connection).await;
            if answer.is_err_and(|error| error.is_timeout())
                && let Ok(fresh) = manager(&self.client, self.limits)
            {
                tracing::warn!(
                    redis.address = self.name,
                    "redis does not answer a ping: connecting anew"
                );
                *line.write().expect("nobody panics while holding it") = fresh;
            }
        }))
        .await;
    }

    pub(super) fn connection_config(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.limits.connect))
            .set_response_timeout(Some(self.limits.response))
    }

    /// A connection of its own, which does not mend itself.
    pub(super) async fn connect(&self, config: AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn send(&self, script: Cmd, waits: Option<u32>) -> Result<Vec<Value>, Fault> {
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        pipe.add_command(script);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let line = match waits {
            Some(replicas) => {
                pipe.cmd("WAIT").arg(replicas).arg(self.replica_limit_ms());
                LINES + turn % WAITING_LINES
            }
            None => turn % LINES,
        };
        let mut connection = self.line(line);
        let answers: Vec<Value> = self.within_limit(pipe.query_async(&mut connection)).await?;
        let mut answers = answers.into_iter();
        let fields = value_of(answers.next())?;
        if let Some(wanted) = waits {
            let held: u64 = value_of(answers.next())?;
            if held < u64::from(wanted) {
                return Err(Fault::FewReplicas { held, wanted });
            }
        }
        Ok(fields)
    }

    /// The library bounds each reply; this bounds the whole, with the connection that may have to be made for it.
    async fn within_limit<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> Result<T, Fault> {
        match timeout(self.limits.connect + self.limits.response, answer).await {
            Ok(answer) => answer.map_err(Fault::from),
            Err(_) => Err(Fault::TimedOut),
        }
    }

    fn line(&self, index: usize) -> ConnectionManager {
        self.lines[index]
            .read()
            .expect("nobody panics while holding it")
            .clone()
    }

    /// Never 0, which would mean for ever.
    fn replica_limit_ms(&self) -> u64 {
        let limit = self.limits.response / REPLICA_SHARE;
        u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn manager(client: &Client, limits: Limits) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(limits.connect))
        .set_response_timeout(Some(limits.response))
        .set_number_of_retries(CONNECT_RETRIES)
        .set_min_delay(CONNECT_DELAY_MIN)
        .set_max_delay(CONNECT_DELAY_MAX);
    client.get_connection_manager_lazy(config)
}

fn value_of<T: FromRedisValue>(value: Option<Value>) -> Result<T, Fault> {
    let value = value.unwrap_or(Value::Nil).extract_error().map_err(Fault::from)?;
    redis::from_redis_value(value).map_err(|error| Fault::from(RedisError::from(error)))
}
