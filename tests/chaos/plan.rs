//! From a seed to all that will happen: which blows fall in which order, and what each caller does. Pure.
//!
//! The same seed gives the same plan. What comes of it also depends on the machine: how far each caller is when a blow falls.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use semanas_client::Provider as Route;
use semanas_sandbox::{CallbackMode, Fault, Provider};
use semanas_tests::harness::Succession;

pub const REPLICAS: usize = 3;

/// The lease of a long run. The default of `engine.lease` is 10 s; what holds with four holds with ten.
const LEASE_MS: u64 = 4_000;
/// And of a short one, which has no time for that.
#[cfg(test)]
const LEASE_SHORT_MS: u64 = 1_500;

/// Masters that a cluster has; of fewer the remainder chooses.
const MASTERS: usize = 3;

/// Lanes of faults on links, side by side with the one of faults on processes.
const LINK_LANES: usize = 2;

/// A whole run.
pub struct Plan {
    pub seed: u64,
    pub topology: Topology,
    /// The lease that the replicas are given. A freeze lasts longer.
    pub lease_ms: u64,
    /// People who are asked for; each brings one job or more.
    pub people: usize,
    /// How many new people a second.
    pub people_per_s: usize,
    pub rounds: Vec<Round>,
}

/// How Redis is arranged. Clients of sentinels and of a cluster are told the addresses of the servers, which no link of one
/// replica's own can stand in for: there the masters are taken away instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    Standalone,
    Sentinel,
    Cluster,
}

impl Topology {
    pub const ALL: [Topology; 3] = [Topology::Standalone, Topology::Sentinel, Topology::Cluster];

    pub fn name(self) -> &'static str {
        match self {
            Topology::Standalone => "standalone",
            Topology::Sentinel => "sentinel",
            Topology::Cluster => "cluster",
        }
    }

    /// Its share of the jobs of a run that has them all, in percent.
    pub fn share(self) -> usize {
        match self {
            Topology::Standalone => 50,
            Topology::Sentinel => 30,
            Topology::Cluster => 20,
        }
    }
}

/// Blows that fall side by side; after the last one everything is healed and has to recover.
pub struct Round {
    pub lanes: Vec<Vec<Blow>>,
}

/// One fault, `pause_ms` after the one before it in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blow {
    pub pause_ms: u64,
    pub what: What,
    /// How long until it is mended. A rolling restart and a failover take the time that they take.
    pub for_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// `kill -9` of a replica, started again after the time.
    Kill {
        replica: usize,
    },
    /// SIGSTOP, SIGCONT after the time.
    Freeze {
        replica: usize,
    },
    /// SIGTERM and a new start, one replica after the other.
    RollingRestart,
    /// `kill -9` of Redis, started again from its append-only file after the time.
    RedisKill,
    /// A master is taken away and another one takes its place.
    Failover {
        how: Succession,
        master: usize,
    },
    Link {
        replica: usize,
        far: Far,
        ill: Ill,
    },
}

/// What a replica talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Far {
    Redis,
    Provider(Provider),
    Callers,
    Callbacks,
}

impl Far {
    pub const ALL: [Far; 6] = [
        Far::Redis,
        Far::Provider(Provider::Kiban),
        Far::Provider(Provider::TuIdentidad),
        Far::Provider(Provider::Nubarium),
        Far::Callers,
        Far::Callbacks,
    ];
}

/// What is wrong with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ill {
    Latency {
        ms: u64,
    },
    /// Reset, and refused until it is mended.
    Cut,
    /// Open, and nothing comes through.
    Blackhole,
    /// Requests arrive, answers do not; then reset.
    LostReplies,
}

impl What {
    /// Whether Redis comes back from it as another master, or as itself begun anew.
    pub fn replaces_master(self) -> bool {
        match self {
            What::RedisKill | What::Failover { .. } => true,
            What::Kill { .. } | What::Freeze { .. } | What::RollingRestart | What::Link { .. } => false,
        }
    }

    /// Its class in the report.
    pub fn class(self) -> &'static str {
        match self {
            What::Kill { .. } => "replica_kill",
            What::Freeze { .. } => "replica_freeze",
            What::RollingRestart => "rolling_restart",
            What::RedisKill => "redis_kill",
            What::Failover { how, .. } => match how {
                Succession::Kill => "failover_by_kill",
                Succession::Order => "failover_by_order",
                Succession::Freeze => "failover_by_freeze",
            },
            What::Link { ill, .. } => match ill {
                Ill::Latency { .. } => "latency",
                Ill::Cut => "cut",
                Ill::Blackhole => "blackhole",
                Ill::LostReplies => "lost_replies",
            },
        }
    }

    /// Whether the answer to a call of this provider may get lost by it. `caller` = the replica that made the call, if that is known.
    pub fn may_hide_answers_of(self, provider: Provider, caller: Option<usize>) -> bool {
        let is_of_caller = |replica| caller.is_none_or(|caller| caller == replica);
        match self {
            What::RollingRestart | What::RedisKill | What::Failover { .. } => true,
            What::Kill { replica } | What::Freeze { replica } => is_of_caller(replica),
            What::Link { replica, far, .. } => {
                is_of_caller(replica)
                    && match far {
                        Far::Provider(other) => other == provider,
                        // Whoever cannot reach the store loses the lease in the middle of a call.
                        Far::Redis => true,
                        Far::Callers | Far::Callbacks => false,
                    }
            }
        }
    }
}

/// What one caller does about one person.
pub struct Script {
    pub number: usize,
    pub route: Route,
    pub has_names: bool,
    /// Somebody else asks for the same person at the same time, at another replica.
    pub has_twin: bool,
    /// The answered request is sent once more.
    pub repeats_request: bool,
    pub cancels: bool,
    pub looks_up_nss: bool,
    pub watchers: usize,
    pub afterwards: Afterwards,
    pub trouble: Option<(Provider, Fault)>,
    pub callback: CallbackMode,
    /// For choices whose number depends on what happens: replicas and moments.
    pub dice_seed: u64,
}

/// What is asked once the first job has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    Nothing,
    TheSame,
    /// With `max_age` zero: leave to buy anew.
    Fresh,
    /// With leave to pay again after an unknown outcome.
    PayAgain,
}

impl Plan {
    /// One round, so that every class of fault of a standalone Redis comes at least once.
    #[cfg(test)]
    pub fn short(seed: u64) -> Plan {
        let people_per_s = 10;
        Plan::new(seed, Topology::Standalone, LEASE_SHORT_MS, [150, people_per_s, 1])
    }

    /// At least so many jobs, and as many rounds as fit beside them.
    pub fn long(seed: u64, topology: Topology, jobs: usize) -> Plan {
        // Twins and those who come back bring more jobs, callers who are refused none.
        let people = jobs * 9 / 10;
        let people_per_s = 25;
        let round_s = 25;
        let rounds = (people / people_per_s / round_s).max(1);
        Plan::new(seed, topology, LEASE_MS, [people, people_per_s, rounds])
    }

    fn new(seed: u64, topology: Topology, lease_ms: u64, [people, people_per_s, rounds]: [usize; 3]) -> Plan {
        let mut dice = StdRng::seed_from_u64(seed);
        let rounds = (0..rounds).map(|_| Round::new(&mut dice, topology, lease_ms)).collect();
        Plan {
            seed,
            topology,
            lease_ms,
            people,
            people_per_s,
            rounds,
        }
    }

    pub fn script(&self, number: usize) -> Script {
        let mut dice = StdRng::seed_from_u64(self.seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        let has_names = dice.random_bool(0.8);
        let routes = [Route::Kiban, Route::TuIdentidad, Route::Unspecified];
        let route = if has_names {
            *pick(&mut dice, &routes)
        } else {
            Route::TuIdentidad
        };
        let afterwards = [
            Afterwards::Nothing,
            Afterwards::Nothing,
            Afterwards::TheSame,
            Afterwards::TheSame,
            Afterwards::Fresh,
            Afterwards::PayAgain,
        ];
        Script {
            number,
            route,
            has_names,
            has_twin: dice.random_bool(0.25),
            repeats_request: dice.random_bool(0.2),
            cancels: dice.random_bool(0.1),
            looks_up_nss: dice.random_bool(0.15),
            watchers: dice.random_range(3..=9),
            afterwards: *pick(&mut dice, &afterwards),
            trouble: dice.random_bool(0.15).then(|| trouble(&mut dice)),
            callback: *pick(&mut dice, &CALLBACKS),
            dice_seed: dice.random(),
        }
    }
}

const CALLBACKS: [CallbackMode; 8] = [
    CallbackMode::Normal,
    CallbackMode::Normal,
    CallbackMode::Late,
    CallbackMode::Lost,
    CallbackMode::Duplicate,
    CallbackMode::Reordered,
    CallbackMode::BeforeAck,
    CallbackMode::WrongKey,
];

fn trouble(dice: &mut StdRng) -> (Provider, Fault) {
    let faults = [
        Fault::Reset { billed: true },
        Fault::Reset { billed: false },
        Fault::Close { billed: true },
        Fault::Hang { billed: true },
        Fault::ServerError {
            status: 502,
            billed: true,
        },
        Fault::ServerError {
            status: 503,
            billed: false,
        },
        Fault::TooManyRequests {
            retry_after_s: None,
            billed: false,
        },
        Fault::BrokenJson { billed: true },
        Fault::TruncatedBody { billed: true },
        Fault::Html {
            status: 200,
            billed: true,
        },
        Fault::EmptyBody {
            status: 200,
            billed: true,
        },
        Fault::Delay { ms: 700, billed: true },
    ];
    (*pick(dice, &Provider::ALL), pick(dice, &faults).clone())
}

impl Round {
    fn new(dice: &mut StdRng, topology: Topology, lease_ms: u64) -> Round {
        let mut lanes = vec![processes(dice, topology, lease_ms)];
        let fars = Far::ALL
            .into_iter()
            .filter(|far| topology == Topology::Standalone || *far != Far::Redis);
        let mut links: Vec<What> = fars.flat_map(|far| link_faults(dice, far)).collect();
        links.shuffle(dice);
        let lane_len = links.len().div_ceil(LINK_LANES);
        for lane in links.chunks(lane_len) {
            lanes.push(lane.iter().map(|what| blow(dice, *what, 200..1_200)).collect());
        }
        Round { lanes }
    }
}

fn processes(dice: &mut StdRng, topology: Topology, lease_ms: u64) -> Vec<Blow> {
    let replica = |dice: &mut StdRng| dice.random_range(0..REPLICAS);
    let mut deck = vec![
        What::Kill { replica: replica(dice) },
        What::Kill { replica: replica(dice) },
        What::Kill { replica: replica(dice) },
        What::Freeze { replica: replica(dice) },
        What::RollingRestart,
    ];
    match topology {
        Topology::Standalone => deck.push(What::RedisKill),
        Topology::Sentinel | Topology::Cluster => {
            deck.extend([Succession::Kill, Succession::Order, Succession::Freeze].map(|how| {
                let master = dice.random_range(0..MASTERS);
                What::Failover { how, master }
            }));
        }
    }
    deck.shuffle(dice);
    let lengths = |what| match what {
        What::Freeze { .. } => lease_ms * 11 / 10..lease_ms * 2,
        What::Kill { .. } | What::RollingRestart | What::RedisKill | What::Failover { .. } | What::Link { .. } => {
            100..1_000
        }
    };
    deck.into_iter().map(|what| blow(dice, what, lengths(what))).collect()
}

fn link_faults(dice: &mut StdRng, far: Far) -> Vec<What> {
    let ills = [
        Ill::Latency {
            ms: dice.random_range(20..250),
        },
        Ill::Cut,
        Ill::Blackhole,
        Ill::LostReplies,
    ];
    let mut on = |ill| What::Link {
        replica: dice.random_range(0..REPLICAS),
        far,
        ill,
    };
    ills.into_iter().map(&mut on).collect()
}

fn blow(dice: &mut StdRng, what: What, lengths_ms: std::ops::Range<u64>) -> Blow {
    Blow {
        pause_ms: dice.random_range(100..600),
        what,
        for_ms: dice.random_range(lengths_ms),
    }
}

fn pick<'a, T>(dice: &mut StdRng, from: &'a [T]) -> &'a T {
    &from[dice.random_range(0..from.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_plan_and_another_one_another() {
        let blows = |seed| {
            Plan::short(seed)
                .rounds
                .into_iter()
                .flat_map(|round| round.lanes)
                .collect::<Vec<_>>()
        };
        assert_eq!(blows(7), blows(7));
        assert_ne!(blows(7), blows(8));
        assert_eq!(Plan::short(7).script(3).dice_seed, Plan::short(7).script(3).dice_seed);
    }

    fn classes(plan: &Plan) -> BTreeSet<&'static str> {
        let blows = plan.rounds[0].lanes.iter().flatten();
        blows.map(|blow| blow.what.class()).collect()
    }

    #[test]
    fn a_round_holds_every_class_of_fault_and_every_kind_of_link() {
        for seed in 0..20 {
            let plan = Plan::short(seed);
            assert_eq!(classes(&plan).len(), 8, "{:?}", classes(&plan));
            let blows: Vec<Blow> = plan.rounds[0].lanes.iter().flatten().copied().collect();
            for far in Far::ALL {
                assert!(
                    blows
                        .iter()
                        .any(|blow| matches!(blow.what, What::Link { far: hit, .. } if hit == far))
                );
            }
        }
    }

    #[test]
    fn a_round_of_a_fleet_holds_every_kind_of_failover() {
        for topology in [Topology::Sentinel, Topology::Cluster] {
            let classes = classes(&Plan::long(3, topology, 100));
            let failovers = classes.iter().filter(|class| class.starts_with("failover"));
            assert_eq!((failovers.count(), classes.len()), (3, 10), "{classes:?}");
        }
    }

    #[test]
    fn the_shares_of_the_topologies_make_a_whole() {
        assert_eq!(Topology::ALL.map(Topology::share).iter().sum::<usize>(), 100);
    }
}
