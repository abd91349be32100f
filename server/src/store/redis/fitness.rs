//! Is this Redis fit to hold a data set?
//!
//! Every master is examined, and whatever is wrong or cannot be verified is a finding with the setting to change. Which data set
//! it holds is not asked here.

use std::collections::HashMap;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use redis::cmd;

use super::{connection::Link, fault::Fault, node::Node, open::Durability};
use crate::{
    clock::Clock,
    store::{OpenError, examination::WHAT_TO_DO},
};

/// Scripts declare in their first line how they behave; older servers do not know that.
const VERSION_MIN: (u32, u32) = (7, 0);

/// Replicas follow Redis' clock, so a difference breaks nothing; but one that no time service would leave says that one of the
/// clocks is wrong, and a failover to a server with a wrong clock would end or stretch every lease.
const CLOCK_DIFFERENCE_MAX: SignedDuration = SignedDuration::from_secs(60);

/// What one check found.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub check: &'static str,
    /// What was looked at.
    pub at: String,
    /// What was found, when it is well.
    pub result: Result<String, Problem>,
}

/// What is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub why: String,
    /// Empty when there is nothing that could be said for certain.
    pub what_to_do: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Unreachable,
    Unfit,
}

/// What is asked of a server.
pub(super) struct Demands<'a> {
    pub durability: Durability,
    pub clock: &'a Clock,
}

/// Refuses servers that would lose what they acknowledged, or cannot run the scripts.
pub(super) async fn check_servers(link: &Link, demands: &Demands<'_>) -> Result<(), OpenError> {
    for finding in examine(link, demands).await {
        let what = finding.at;
        match finding.result {
            Ok(_) => {}
            Err(Problem {
                why,
                kind: Kind::Unreachable,
                ..
            }) => {
                return Err(OpenError::Unreachable { what, why });
            }
            Err(Problem {
                why,
                what_to_do,
                kind: Kind::Unfit,
            }) => return Err(OpenError::Refused { what, why, what_to_do }),
        }
    }
    Ok(())
}

/// All checks of all masters.
pub(super) async fn examine(link: &Link, demands: &Demands<'_>) -> Vec<Finding> {
    let topology = match link.masters().known().await {
        Ok(topology) => topology,
        Err(fault) => {
            let result = Err(Problem::unreachable(&fault));
            let at = link.address().shown();
            return vec![Finding {
                check: "reachable",
                at,
                result,
            }];
        }
    };
    let examined = topology.masters.iter().map(|node| examine_server(link, node, demands));
    join_all(examined).await.into_iter().flatten().collect()
}

async fn examine_server(link: &Link, node: &Node, demands: &Demands<'_>) -> Vec<Finding> {
    let before = demands.clock.now();
    let server_time = node.ask::<(i64, i64)>(cmd("TIME")).await;
    let after = demands.clock.now();
    let info: Result<String, Fault> = node.ask(cmd("INFO")).await;
    let info = match &info {
        Ok(info) => facts(info),
        Err(fault) => return vec![node_finding(node, "reachable", Err(Problem::unreachable(fault)))],
    };
    let fact = |name: &str| info.get(name).copied().unwrap_or("unknown");
    if fact("loading") == "1" {
        let problem = Problem {
            kind: Kind::Unreachable,
            ..unfit("it is still loading its data", "wait until it has loaded")
        };
        return vec![node_finding(node, "reachable", Err(problem))];
    }
    let risk_is_accepted = demands.durability == Durability::AcceptRisk;
    let mut findings = vec![
        ("reachable", Ok("it answers".to_owned())),
        ("version", check_version(fact("redis_version"))),
        ("role", check_role(fact("role"))),
        ("eviction", check_eviction(&info)),
    ];
    match demands.durability {
        Durability::Demand => {
            findings.push(("appendonly", check_append_only(fact("aof_enabled"))));
            let fsync = fsync_of(node).await.ok_or_else(no_fsync);
            findings.push(("appendfsync", fsync.and_then(|fsync| check_fsync(&fsync))));
        }
        Durability::Managed => {
            findings.push(("appendonly", Ok("vouched for by store.durability = \"managed\"".into())))
        }
        Durability::AcceptRisk => findings.push(("appendonly", Ok("not looked at: the risk is accepted".into()))),
    }
    if !risk_is_accepted && link.replicas_min() > 0 {
        findings.push((
            "replicas",
            check_replicas(fact("connected_slaves"), link.replicas_min()),
        ));
    }
    if !risk_is_accepted && let Ok(server_time) = server_time {
        findings.push(("clock", check_clock(server_time, before, after)));
    }
    let named = |(check, result)| node_finding(node, check, result);
    findings.into_iter().map(named).collect()
}

fn check_version(found: &str) -> Result<String, Problem> {
    if version(found) < VERSION_MIN {
        return Err(unfit(format!("it has version {found}"), "run Redis 7.0 or newer"));
    }
    Ok(found.to_owned())
}

fn check_role(role: &str) -> Result<String, Problem> {
    if role != "master" {
        return Err(unfit(format!("it is a {role}"), "point store.url at the master"));
    }
    Ok(role.to_owned())
}

fn check_eviction(info: &HashMap<&str, &str>) -> Result<String, Problem> {
    match policy_that_evicts(info) {
        Some(policy) => Err(unfit(
            format!("its maxmemory-policy is {policy}, so it may forget charges"),
            "set maxmemory-policy noeviction in redis.conf",
        )),
        None => Ok("noeviction".to_owned()),
    }
}

fn check_append_only(enabled: &str) -> Result<String, Problem> {
    if enabled != "1" {
        return Err(unfit(
            "appendonly is off, so acknowledged jobs are lost when it stops",
            "set appendonly yes and appendfsync always in redis.conf, or store.durability = \"accept-risk\"",
        ));
    }
    Ok("yes".to_owned())
}

/// `None` = it does not say.
async fn fsync_of(node: &Node) -> Option<String> {
    let mut config = cmd("CONFIG");
    config.arg("GET").arg("appendfsync");
    let answer: Result<HashMap<String, String>, Fault> = node.ask(config).await;
    answer.ok()?.remove("appendfsync")
}

fn check_fsync(fsync: &str) -> Result<String, Problem> {
    if fsync != "always" {
        return Err(unfit(
            format!("appendfsync is {fsync}, so acknowledged jobs are lost when it crashes"),
            "set appendfsync always in redis.conf, or store.durability = \"accept-risk\"",
        ));
    }
    Ok(fsync.to_owned())
}

fn no_fsync() -> Problem {
    unfit(
        "it does not permit CONFIG GET appendfsync, so its durability cannot be verified",
        "permit CONFIG|GET to this user; or set store.durability = \"managed\" if whoever runs it vouches that it keeps what \
         it acknowledged, or store.durability = \"accept-risk\" if nobody does",
    )
}

fn check_replicas(connected: &str, wanted: u32) -> Result<String, Problem> {
    if connected.parse().unwrap_or(0_u32) < wanted {
        return Err(unfit(
            format!(
                "it has {connected} replicas and store.replicas_min is {wanted}, so no write could be acknowledged"
            ),
            "give it replicas or bring them back, or lower store.replicas_min: with 0, a failover forgets what it has not copied",
        ));
    }
    Ok(format!("{connected} connected"))
}

fn check_clock((seconds, micros): (i64, i64), before: Timestamp, after: Timestamp) -> Result<String, Problem> {
    let server = Timestamp::new(seconds, 0).map_or(Timestamp::MAX, |at| at + SignedDuration::from_micros(micros));
    let ahead = if server > after {
        server.duration_since(after)
    } else if server < before {
        server.duration_since(before)
    } else {
        SignedDuration::ZERO
    };
    if ahead.abs() > CLOCK_DIFFERENCE_MAX {
        let direction = if ahead.is_positive() { "ahead of" } else { "behind" };
        let seconds = ahead.abs().as_secs();
        return Err(unfit(
            format!("its clock is {seconds} s {direction} this machine's"),
            "let a time service set both clocks",
        ));
    }
    Ok(format!("{} ms from this machine's", ahead.as_millis()))
}

/// What is wrong by now with a server that was fit when it was opened, in words for an operator. What it does not tell is not
/// held against it: it told enough to be opened.
pub(super) async fn unfit_while_running(
    node: &Node,
    info: &HashMap<&str, &str>,
    durability: Durability,
) -> Option<String> {
    let mut checks = vec![check_eviction(info)];
    if durability == Durability::Demand {
        if let Some(enabled) = info.get("aof_enabled") {
            checks.push(check_append_only(enabled));
        }
        if let Some(fsync) = fsync_of(node).await {
            checks.push(check_fsync(&fsync));
        }
    }
    let problem = checks.into_iter().find_map(Result::err)?;
    Some(format!("{}; {}", problem.why, problem.what_to_do))
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

fn node_finding(node: &Node, check: &'static str, result: Result<String, Problem>) -> Finding {
    Finding {
        check,
        at: node.name.clone(),
        result,
    }
}

fn unfit(why: impl Into<String>, what_to_do: &str) -> Problem {
    Problem {
        why: why.into(),
        what_to_do: what_to_do.to_owned(),
        kind: Kind::Unfit,
    }
}

impl Problem {
    fn unreachable(fault: &Fault) -> Problem {
        Problem {
            why: fault.reason(),
            what_to_do:
                "see that Redis runs there, that its port is open to this machine, and that store.url names the right \
                         user and password"
                    .to_owned(),
            kind: Kind::Unreachable,
        }
    }

    /// What opening the data set said.
    /// Of jobs that are damaged, or that could not be looked at.
    pub(super) fn of_jobs(why: String) -> Problem {
        unfit(why, WHAT_TO_DO)
    }

    pub(super) fn of_opening(error: OpenError) -> Problem {
        match error {
            OpenError::NoDataSet { how_to_create, .. } => unfit("there is no data set", &how_to_create),
            OpenError::Refused { why, what_to_do, .. } => unfit(why, &what_to_do),
            OpenError::Unreachable { why, .. } => Problem {
                kind: Kind::Unreachable,
                ..unfit(why, "")
            },
            OpenError::InUse { .. } | OpenError::WrongSecret { .. } | OpenError::NewerFormat { .. } => {
                unfit(error.to_string(), "")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_what_the_answer_took_and_a_minute() {
        let before = Timestamp::from_second(1_000).expect("in range");
        let after = Timestamp::from_second(1_010).expect("in range");
        for (server_s, expected) in [
            (1_005, None),
            (1_070, None),
            (1_071, Some("its clock is 61 s ahead of this machine's")),
            (939, Some("its clock is 61 s behind this machine's")),
        ] {
            let why = check_clock((server_s, 0), before, after)
                .err()
                .map(|problem| problem.why);
            assert_eq!(why.as_deref(), expected, "{server_s}");
        }
    }
}
