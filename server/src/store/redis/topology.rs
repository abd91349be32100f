//! Who is the master, and of which keys: asked of the sentinels or of the cluster itself.
//!
//! Decides whom to believe. When to ask again, and what to do while nobody knows, is the link's business.

use std::{collections::HashMap, sync::Arc};

use futures::{StreamExt as _, stream::FuturesUnordered};
use redis::{FromRedisValue, Value, cmd};

use super::{
    address::{Address, Arrangement, joined},
    fault::Fault,
    node::Node,
};

/// Slots of a cluster.
const SLOTS: u16 = 16_384;

/// The masters as they were last found.
#[derive(Debug, Default)]
pub(super) struct Topology {
    pub(super) masters: Vec<Arc<Node>>,
    /// First slot, last slot and master; empty where one master has all.
    slots: Vec<(u16, u16, Arc<Node>)>,
    /// Replicas that the sentinels might promote. A write that one of them lacks is lost if it is the one.
    pub(super) heirs: u32,
}

/// What a sentinel knows.
struct Testimony {
    master: String,
    heirs: u32,
}

/// Those whom the address names, and how to reach those whom they name.
pub(super) struct Scouts {
    address: Address,
    named: Vec<Arc<Node>>,
    /// The same sentinels, asked with the password.
    named_with_password: Vec<Arc<Node>>,
}

impl Topology {
    pub(super) fn node_of(&self, key: &str) -> Option<&Arc<Node>> {
        if self.slots.is_empty() {
            return self.masters.first();
        }
        let slot = slot_of(key);
        let holds = |(first, last, _): &&(u16, u16, Arc<Node>)| (*first..=*last).contains(&slot);
        self.slots.iter().find(holds).map(|(_, _, node)| node)
    }

    pub(super) fn node_named(&self, name: &str) -> Option<&Arc<Node>> {
        self.masters.iter().find(|node| node.name == name)
    }

    /// Whether a part of the keys has no master.
    fn is_partial(&self) -> bool {
        let covered: u32 = self
            .slots
            .iter()
            .map(|(first, last, _)| u32::from(last - first) + 1)
            .sum();
        covered < u32::from(SLOTS)
    }
}

impl Scouts {
    pub(super) fn new(address: Address) -> redis::RedisResult<Scouts> {
        let limits = address.limits;
        let sentinels = |with_password| {
            let node = |name: &String| Node::new(name, address.sentinel(name, with_password)?, limits).map(Arc::new);
            address.named.iter().map(node).collect::<redis::RedisResult<Vec<_>>>()
        };
        let (named, named_with_password) = match address.arrangement {
            Arrangement::Sentinel { .. } => (sentinels(false)?, sentinels(true)?),
            Arrangement::Single | Arrangement::Cluster => {
                let node = |name: &String| Node::new(name, address.server(name)?, limits).map(Arc::new);
                let named = address.named.iter().map(node);
                (named.collect::<redis::RedisResult<Vec<_>>>()?, Vec::new())
            }
        };
        Ok(Scouts {
            address,
            named,
            named_with_password,
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// The masters as they are now; nodes that were known keep their connections.
    pub(super) async fn find(&self, known: &Topology) -> Result<Topology, Fault> {
        match &self.address.arrangement {
            Arrangement::Single => Ok(Topology {
                masters: self.named.clone(),
                ..Topology::default()
            }),
            Arrangement::Sentinel { service } => self.find_master(service, known).await,
            Arrangement::Cluster => self.find_slots(known).await,
        }
    }

    /// The known node of this name, or a new one.
    pub(super) fn node(&self, name: &str, known: &Topology) -> Result<Arc<Node>, Fault> {
        let known = known.node_named(name).or_else(|| {
            let named = self.named.iter().find(|node| node.name == name);
            named.filter(|_| self.address.arrangement == Arrangement::Cluster)
        });
        match known {
            Some(node) => Ok(Arc::clone(node)),
            None => Ok(Arc::new(Node::new(
                name,
                self.address.server(name)?,
                self.address.limits,
            )?)),
        }
    }

    /// All sentinels are asked at once, and whom most of them name is the master: a single one may have been cut off from the
    /// others while they made another the master. Then it is asked itself.
    async fn find_master(&self, service: &str, known: &Topology) -> Result<Topology, Fault> {
        let asked = (0..self.named.len()).map(|index| self.ask_sentinel(index, service));
        let mut answers: FuturesUnordered<_> = asked.collect();
        let mut votes: HashMap<String, (usize, u32)> = HashMap::new();
        let mut complaints = Vec::new();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(Testimony { master, heirs }) => {
                    let (count, heirs_max) = votes.entry(master).or_default();
                    *count += 1;
                    *heirs_max = heirs.max(*heirs_max);
                }
                Err(why) => complaints.push(why),
            }
            if votes.values().any(|(count, _)| 2 * count > self.named.len()) {
                break;
            }
        }
        let elected = votes.into_iter().max_by_key(|(_, (count, _))| *count);
        let (name, (_, heirs)) = elected.ok_or_else(|| Fault::Nowhere(complaints.join("; ")))?;
        let node = self.node(&name, known)?;
        let role: Vec<Value> = node.ask(cmd("ROLE")).await?;
        match role.first() {
            Some(Value::BulkString(role)) if role == b"master" => Ok(Topology {
                masters: vec![node],
                heirs,
                ..Topology::default()
            }),
            _ => Err(Fault::Nowhere(format!(
                "is under failover: the sentinels name {name}, which is no master"
            ))),
        }
    }

    /// The replicas are asked for before the master: should the sentinel change its mind between the two, the old replicas are
    /// demanded of the new master for a moment, but never too few of the old one.
    async fn ask_sentinel(&self, index: usize, service: &str) -> Result<Testimony, String> {
        let name = &self.named[index].name;
        let complaint = |fault: Fault| format!("has a sentinel, {name}, that {}", fault.reason());
        let replicas: Result<Vec<HashMap<String, String>>, Fault> =
            self.question_sentinel(index, &["REPLICAS", service]).await;
        let who = ["GET-MASTER-ADDR-BY-NAME", service];
        let master = self.question_sentinel(index, &who).await;
        let master: Option<(String, u16)> = master.map_err(complaint)?;
        let (host, port) = master.ok_or_else(|| format!("is unknown to the sentinel {name}"))?;
        let heirs = replicas
            .map_err(complaint)?
            .iter()
            .filter(|replica| may_be_promoted(replica))
            .count();
        Ok(Testimony {
            master: joined(&host, port),
            heirs: u32::try_from(heirs).unwrap_or(u32::MAX),
        })
    }

    async fn question_sentinel<T: FromRedisValue>(&self, index: usize, words: &[&str]) -> Result<T, Fault> {
        let mut question = cmd("SENTINEL");
        question.arg(words);
        let answer = self.named[index].ask(question.clone()).await;
        let wants_password = |fault: &Fault| match fault {
            Fault::Redis(error) => error.to_string().contains("NOAUTH"),
            Fault::TimedOut | Fault::Nowhere(_) | Fault::FewReplicas { .. } => false,
        };
        if answer.as_ref().is_err_and(wants_password) {
            return self.named_with_password[index].ask(question).await;
        }
        answer
    }

    /// All nodes that are named or known are asked at once. The first that finds its cluster whole is believed; what it does not
    /// know yet, a `MOVED` tells.
    async fn find_slots(&self, known: &Topology) -> Result<Topology, Fault> {
        let mut asked = known.masters.clone();
        asked.extend(
            self.named
                .iter()
                .filter(|node| known.node_named(&node.name).is_none())
                .cloned(),
        );
        let mut answers: FuturesUnordered<_> = asked.iter().map(|node| self.ask_node(node, known)).collect();
        let mut second_best = None;
        let mut complaints = Vec::new();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok((topology, true)) => return Ok(topology),
                Ok((topology, false)) => second_best = Some(topology),
                Err(why) => complaints.push(why),
            }
        }
        second_best.ok_or_else(|| Fault::Nowhere(complaints.join("; ")))
    }

    /// With `true` when the node finds all well.
    async fn ask_node(&self, node: &Arc<Node>, known: &Topology) -> Result<(Topology, bool), String> {
        let complaint = |fault: Fault| format!("has a node, {}, that {}", node.name, fault.reason());
        let (mut info, mut slots) = (cmd("CLUSTER"), cmd("CLUSTER"));
        let info: String = node.ask(info.arg("INFO").to_owned()).await.map_err(complaint)?;
        let slots: Vec<Vec<Value>> = node.ask(slots.arg("SLOTS").to_owned()).await.map_err(complaint)?;
        let topology = self.read_slots(node, &slots, known).map_err(complaint)?;
        let is_whole = info.contains("cluster_state:ok") && !topology.is_partial();
        Ok((topology, is_whole))
    }

    fn read_slots(&self, asked: &Arc<Node>, slots: &[Vec<Value>], known: &Topology) -> Result<Topology, Fault> {
        let misread = || Fault::Nowhere("tells its slots in an unexpected shape".to_owned());
        let mut topology = Topology::default();
        for range in slots {
            let [first, last, master, ..] = range.as_slice() else {
                return Err(misread());
            };
            let number = |value: &Value| redis::from_redis_value::<u16>(value.clone()).map_err(|_| misread());
            let Value::Array(master) = master else {
                return Err(misread());
            };
            let [host, port, ..] = master.as_slice() else {
                return Err(misread());
            };
            let host: Option<String> = redis::from_redis_value(host.clone()).map_err(|_| misread())?;
            let name = named_by(asked, &host.unwrap_or_default(), number(port)?);
            let node = match topology.node_named(&name) {
                Some(node) => Arc::clone(node),
                None => {
                    let node = self.node(&name, known)?;
                    topology.masters.push(Arc::clone(&node));
                    node
                }
            };
            topology.slots.push((number(first)?, number(last)?, node));
        }
        if topology.masters.is_empty() {
            return Err(Fault::Nowhere("has no slots".to_owned()));
        }
        Ok(topology)
    }
}

/// How many times the time after which a server counts as dead a replica may be cut off from its master and still be chosen.
const CUT_OFF_PERIODS_MAX: u64 = 10;

/// Whether sentinels would choose this replica, as far as they tell. It goes by the rules of the sentinels, not by what would be
/// sensible: they also choose one that has no link to its master, or has just come back and lags behind, and what they know of
/// links is up to ten seconds old. While there is such a one, a write that it does not hold is lost if it is chosen.
///
/// That they have no connection to it themselves says nothing: they close the connections of the one that they have chosen, and
/// if it did not count in that moment, the old master would acknowledge writes that only the others hold.
fn may_be_promoted(replica: &HashMap<String, String>) -> bool {
    let field = |name: &str| replica.get(name).map_or("", String::as_str);
    let is_away = ["s_down", "o_down"].iter().any(|flag| field("flags").contains(flag));
    let ms = |name: &str| field(name).parse::<u64>().unwrap_or_default();
    let cut_off_max_ms = ms("down-after-milliseconds").saturating_mul(CUT_OFF_PERIODS_MAX);
    let is_too_old = ms("master-link-down-time") > cut_off_max_ms;
    !is_away && !is_too_old && field("slave-priority") != "0"
}

/// A node that does not know its own address leaves the host out, and means the one at which it was asked.
pub(super) fn named_by(asked: &Node, host: &str, port: u16) -> String {
    match host {
        "" | "?" => {
            let own_host = asked.name.rsplit_once(':').map_or("", |(host, _)| host);
            joined(own_host, port)
        }
        host => joined(host, port),
    }
}

/// The slot of a key: CRC16 (XMODEM) of its hash tag, or of the whole key.
fn slot_of(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.is_empty());
    crc16(tag.unwrap_or(key).as_bytes()) % SLOTS
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A replica as sentinels tell of it: these fields differ from one in best health.
    #[track_caller]
    fn check_promotion(fields: &[(&str, &str)], expected: bool) {
        let well = [
            ("flags", "slave"),
            ("master-link-status", "ok"),
            ("master-link-down-time", "0"),
            ("down-after-milliseconds", "1000"),
            ("slave-priority", "100"),
        ];
        let fields = well
            .iter()
            .chain(fields)
            .map(|(name, value)| ((*name).into(), (*value).into()));
        assert_eq!(may_be_promoted(&fields.collect()), expected);
    }

    #[test]
    fn a_replica_counts_for_as_long_as_sentinels_would_choose_it() {
        check_promotion(&[], true);
        check_promotion(&[("flags", "s_down,slave")], false);
        check_promotion(&[("flags", "slave,disconnected")], true);
        check_promotion(&[("slave-priority", "0")], false);
        let cut_off = |ms| [("master-link-status", "err"), ("master-link-down-time", ms)];
        check_promotion(&cut_off("0"), true);
        check_promotion(&cut_off("10000"), true);
        check_promotion(&cut_off("10001"), false);
    }

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of("foo"), 12_182);
        assert_eq!(slot_of("x:{foo}:y"), 12_182);
        assert_eq!(slot_of("{}foo"), crc16(b"{}foo") % SLOTS);
    }
}
