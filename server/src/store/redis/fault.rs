//! How a call to Redis fails, whether the same call may go through a moment later, and how an operator is told.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::store::StoreError;

/// How a call failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// No answer in time: nobody knows whether it was done.
    TimedOut,
    Redis(RedisError),
    /// Nobody says which server to ask.
    Nowhere(String),
    /// It was done, but a failover could undo it.
    FewReplicas {
        held: u64,
        wanted: u32,
    },
}

/// What Redis says when a script looks for a key that has gone to another node already, while its slot is on its way there.
const KEY_HAS_GONE: &str = "non local key";

impl Fault {
    /// Whether the same call, a moment later, may go through. All verbs are idempotent, so one that was cut off is repeated too.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Fault::TimedOut => false,
            Fault::Nowhere(_) | Fault::FewReplicas { .. } => true,
            Fault::Redis(error) => {
                error.is_connection_dropped()
                    || error.code().is_some_and(|code| plain_reason(code).is_some())
                    || is_about_moving_key(error)
            }
        }
    }

    /// Whether another server may be the right one by now.
    pub(super) fn is_about_place(&self) -> bool {
        match self {
            Fault::TimedOut => false,
            // A replica that left may have become the master.
            Fault::Nowhere(_) | Fault::FewReplicas { .. } => true,
            Fault::Redis(error) => {
                error.is_io_error()
                    || matches!(
                        error.code(),
                        Some("READONLY" | "MASTERDOWN" | "CLUSTERDOWN" | "MOVED" | "LOADING")
                    )
            }
        }
    }

    /// Where a cluster says that the slot is: `host:port`, without the host when it is the one that was asked. Not where a slot is
    /// on its way to (`ASK`): a script there would take keys that have not come yet for keys that do not exist.
    pub(super) fn moved_to(&self) -> Option<&str> {
        let Fault::Redis(error) = self else { return None };
        let (to, _) = error.redirect_node().filter(|_| error.code() == Some("MOVED"))?;
        Some(to)
    }

    /// In words that follow the name of the server.
    pub(super) fn reason(&self) -> String {
        match self {
            Fault::TimedOut => "did not answer in time".to_owned(),
            Fault::Redis(error) => reason_of(error),
            Fault::Nowhere(why) => why.clone(),
            Fault::FewReplicas { held, wanted } => format!(
                "has this write on {held} replicas instead of {wanted}: a failover could undo it (see store.replicas_min)"
            ),
        }
    }

    pub(super) fn into_error(self, doing: &'static str, at: &str) -> StoreError {
        StoreError::Unavailable {
            doing,
            why: format!("redis at {at} {}", self.reason()).into(),
        }
    }
}

impl From<RedisError> for Fault {
    fn from(error: RedisError) -> Fault {
        if error.is_timeout() {
            Fault::TimedOut
        } else {
            Fault::Redis(error)
        }
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
        "TRYAGAIN" | "ASK" | "MOVED" => "is moving the slot of this key to another node",
        "BUSY" => "is busy with a slow script",
        _ => return None,
    })
}

fn is_about_moving_key(error: &RedisError) -> bool {
    error.to_string().contains(KEY_HAS_GONE)
}

pub(super) fn reason_of(error: &RedisError) -> String {
    let known = match error.code() {
        _ if is_about_moving_key(error) => plain_reason("TRYAGAIN"),
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
