//! Is this Redis fit to hold a data set?
//!
//! Whatever cannot be verified is refused with the setting to change. Which data set it holds is not asked here.

use std::collections::HashMap;

use redis::{RedisError, cmd};

use super::{
    connection::{Link, reason_of},
    open::Durability,
};
use crate::store::OpenError;

/// Scripts declare in their first line how they behave; older servers do not know that.
const VERSION_MIN: (u32, u32) = (7, 0);

/// Refuses a server that would lose what it acknowledged, or cannot run the scripts.
pub(super) async fn check_server(link: &Link, durability: Durability) -> Result<(), OpenError> {
    let refused = |why: String, what_to_do: &str| {
        Err(OpenError::Refused {
            what: link.address().shown(),
            why,
            what_to_do: what_to_do.to_owned(),
        })
    };
    let info: String = match link.ask_plainly(cmd("INFO")).await {
        Ok(info) => info,
        Err(error) => {
            return Err(OpenError::Unreachable {
                what: link.address().shown(),
                why: reason_of(&error),
            });
        }
    };
    let facts = facts(&info);
    let fact = |name: &str| facts.get(name).copied().unwrap_or("unknown");
    if fact("loading") == "1" {
        return Err(OpenError::Unreachable {
            what: link.address().shown(),
            why: "it is still loading its data".to_owned(),
        });
    }
    if version(fact("redis_version")) < VERSION_MIN {
        return refused(
            format!("it has version {}", fact("redis_version")),
            "run Redis 7.0 or newer",
        );
    }
    if fact("role") != "master" {
        return refused(format!("it is a {}", fact("role")), "point store.url at the master");
    }
    if let Some(policy) = policy_that_evicts(&facts) {
        return refused(
            format!("its maxmemory-policy is {policy}, so it may forget charges"),
            "set maxmemory-policy noeviction in redis.conf",
        );
    }
    match durability {
        Durability::AcceptRisk => Ok(()),
        Durability::Demand if fact("aof_enabled") != "1" => refused(
            "appendonly is off, so acknowledged jobs are lost when it stops".to_owned(),
            "set appendonly yes and appendfsync always in redis.conf, or store.durability = \"accept-risk\"",
        ),
        Durability::Demand => check_fsync(link).await,
    }
}

async fn check_fsync(link: &Link) -> Result<(), OpenError> {
    let mut config = cmd("CONFIG");
    config.arg("GET").arg("appendfsync");
    let answer: Result<HashMap<String, String>, RedisError> = link.ask_plainly(config).await;
    let (why, what_to_do) = match answer.map(|settings| settings.get("appendfsync").cloned()) {
        Ok(Some(fsync)) if fsync == "always" => return Ok(()),
        Ok(Some(fsync)) => (
            format!("appendfsync is {fsync}, so acknowledged jobs are lost when it crashes"),
            "set appendfsync always in redis.conf, or store.durability = \"accept-risk\"",
        ),
        Ok(None) | Err(_) => (
            "it does not permit CONFIG GET appendfsync, so its durability cannot be verified".to_owned(),
            "permit CONFIG|GET to this user, or set store.durability = \"accept-risk\"",
        ),
    };
    Err(OpenError::Refused {
        what: link.address().shown(),
        why,
        what_to_do: what_to_do.to_owned(),
    })
}

/// `INFO`'s lines.
pub(super) fn facts(info: &str) -> HashMap<&str, &str> {
    info.lines()
        .filter_map(|line| line.trim_end().split_once(':'))
        .collect()
}

/// The eviction policy, if it lets Redis remove what it holds.
pub(super) fn policy_that_evicts<'a>(facts: &HashMap<&str, &'a str>) -> Option<&'a str> {
    facts
        .get("maxmemory_policy")
        .copied()
        .filter(|policy| *policy != "noeviction")
}

fn version(text: &str) -> (u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}
