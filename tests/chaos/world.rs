//! What a part of a run happens in: Redis, the sandbox, three replicas, and a link of our own between any two of them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use semanas_client::raw::v1::work_history_service_client::WorkHistoryServiceClient;
use semanas_sandbox::{MsRange, Provider, Sandbox, Settings};
use semanas_tests::harness::{Server, ServerOptions, Store, eventually, free_port, sandbox};
use tokio::sync::Mutex;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::health_check_response::ServingStatus;

use crate::clock::now_ms;
use crate::data_store::DataStore;
use crate::history::Recorder;
use crate::plan::{Far, Plan, REPLICAS};
use crate::proxy::{Ear, Link};

/// Connections of the callers to each replica.
const CHANNELS: usize = 4;

/// How long an ambiguous call is waited for.
pub const GRACE_MS: u64 = 1_000;
/// As long as a lease, as in the field.
pub const FAILOVER_PAUSE_MS: u64 = 4_000;
pub const DEADLINE_MS: u64 = 12_000;

/// The quota of a provider, over all replicas: above what callers bring, below what comes when a fault has healed.
pub const CALLS_PER_S_MAX: u32 = 30;
pub const CALLS_BURST: u32 = 5;
pub const CALLS_IN_FLIGHT_MAX: u32 = 40;
/// But of this one's calls none is counted, so that jobs that begin with it do so with their first intent.
pub const UNCOUNTED: Provider = Provider::TuIdentidad;

/// How the CURPs of all people of a run begin, and their length.
pub const CURPS_BEGIN: &[u8] = b"LOTP8503";
const CURP_BYTES: usize = 18;

/// Short times, so that what takes minutes in the field takes seconds here. Breakers are short, and nothing else stands between a
/// defect and the books: no limit by person and day, and claims that stall are let go on for longer.
const SETTINGS: &[(&str, &str)] = &[
    ("ENGINE__AMBIGUOUS_GRACE", "1s"),
    ("ENGINE__JOB_DEADLINE", "12s"),
    ("ENGINE__LOOKUP_WAIT_MAX", "8s"),
    ("ENGINE__PERSON_DAILY_MAX", "0"),
    ("ENGINE__STALLED_CLAIMS_MAX", "20"),
    ("ENGINE__RETRY_MAX", "200ms"),
    ("STORE__RESPONSE_TIMEOUT", "700ms"),
    ("STORE__CONNECT_TIMEOUT", "700ms"),
    ("STORE__FAILOVER_PAUSE", "4s"),
    ("WATCH__HEARTBEAT", "500ms"),
    ("WATCH__STREAM_AGE_MIN", "3s"),
    ("WATCH__STREAM_AGE_MAX", "5s"),
    ("WATCH__RESYNC", "2s"),
    ("PROVIDERS__CONNECT_TIMEOUT", "500ms"),
    ("PROVIDERS__KIBAN__CALL_TIMEOUT", "1500ms"),
    ("PROVIDERS__KIBAN__POLL_TIMEOUT", "800ms"),
    ("PROVIDERS__KIBAN__BREAKER_FAILURES", "5"),
    ("PROVIDERS__KIBAN__BREAKER_OPEN", "300ms"),
    ("PROVIDERS__TUIDENTIDAD__CALL_TIMEOUT", "1500ms"),
    ("PROVIDERS__TUIDENTIDAD__POLL_TIMEOUT", "800ms"),
    ("PROVIDERS__TUIDENTIDAD__BREAKER_FAILURES", "5"),
    ("PROVIDERS__TUIDENTIDAD__BREAKER_OPEN", "300ms"),
    ("PROVIDERS__NUBARIUM__CALL_TIMEOUT", "1500ms"),
    ("PROVIDERS__NUBARIUM__BREAKER_FAILURES", "5"),
    ("PROVIDERS__NUBARIUM__BREAKER_OPEN", "300ms"),
    ("SHUTDOWN__DRAIN_LIMIT", "3s"),
];

pub struct World {
    pub store: DataStore,
    pub sandbox: Sandbox,
    pub replicas: Vec<Replica>,
    pub recorder: Recorder,
    gossip: Gossip,
    /// Streams that watchers have open at this moment.
    open_watches: AtomicUsize,
}

/// One open stream of a watcher, for as long as it is held.
pub struct OpenWatch<'a>(&'a World);

/// A CURP on its way to a provider: when, by which replica, to whom.
#[derive(Clone)]
pub struct Overheard {
    pub at_ms: u64,
    pub replica: usize,
    pub provider: Provider,
    pub curp: String,
}

type Gossip = Arc<StdMutex<Vec<Overheard>>>;

pub struct Replica {
    pub server: Mutex<Server>,
    /// In the order of `Far::ALL`.
    links: Vec<Link>,
    address: SocketAddr,
    channels: Vec<Channel>,
}

impl World {
    pub async fn start(plan: &Plan) -> World {
        let (store, sandbox) = (DataStore::start(plan.topology).await, sandbox().await);
        let latency = Settings {
            latency: Some(MsRange { min_ms: 5, max_ms: 150 }),
            ..Settings::default()
        };
        for provider in Provider::ALL {
            sandbox.set_provider(provider, Some(latency.clone())).await.unwrap();
        }
        let gossip = Gossip::default();
        let mut replicas = Vec::new();
        for number in 0..REPLICAS {
            let ear = |provider| ear(gossip.clone(), number, provider);
            replicas.push(Replica::start(&store, &sandbox, plan.lease_ms, ear).await);
        }
        World {
            store,
            sandbox,
            replicas,
            recorder: Recorder::default(),
            gossip,
            open_watches: AtomicUsize::new(0),
        }
    }

    /// What was heard on the links to the providers.
    pub fn overheard(&self) -> Vec<Overheard> {
        self.gossip.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a stream of a watcher as open.
    pub fn open_watch(&self) -> OpenWatch<'_> {
        let open = self.open_watches.fetch_add(1, Ordering::Relaxed) + 1;
        self.recorder
            .note(|history| history.watches_max = history.watches_max.max(open));
        OpenWatch(self)
    }

    /// Writes what each replica and each server of Redis has said to a file of its own in `folder`.
    pub async fn keep_logs(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        for (name, log) in self.store.logs().await {
            std::fs::write(folder.join(format!("{name}.log")), log).unwrap();
        }
        for (place, replica) in self.replicas.iter().enumerate() {
            let log = replica.server.lock().await.log();
            std::fs::write(folder.join(format!("replica-{place}.log")), log).unwrap();
        }
    }

    /// Through the links, at a replica and connection that the dice choose.
    pub fn any_stub(&self, dice: &mut impl rand::Rng) -> WorkHistoryServiceClient<Channel> {
        let replica = &self.replicas[dice.random_range(0..REPLICAS)];
        WorkHistoryServiceClient::new(replica.channels[dice.random_range(0..CHANNELS)].clone())
    }
}

impl Drop for OpenWatch<'_> {
    fn drop(&mut self) {
        self.0.open_watches.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Replica {
    async fn start(store: &DataStore, sandbox: &Sandbox, lease_ms: u64, ear: impl Fn(Provider) -> Ear) -> Replica {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (grpc, http) = (local(free_port()), local(free_port()));
        let url = store.url().await;
        // Only a single server can be reached by a link; the others name each other.
        let single: Option<SocketAddr> = url.strip_prefix("redis://").map(|address| address.parse().unwrap());
        let mut links = Vec::new();
        for far in Far::ALL {
            let target = match far {
                Far::Redis => single.unwrap_or(local(0)),
                Far::Provider(provider) => sandbox.address(provider),
                Far::Callers => grpc,
                Far::Callbacks => http,
            };
            links.push(match far {
                Far::Provider(provider) => Link::overheard(target, ear(provider)).await,
                Far::Redis | Far::Callers | Far::Callbacks => Link::to(target).await,
            });
        }
        let link = |far| format!("http://{}", links[place(far)].address());
        let url = single.map_or(url, |_| link(Far::Redis).replace("http", "redis"));
        let mut options = ServerOptions::new(&Store::Redis(url), sandbox)
            .set("GRPC__LISTEN", &grpc.to_string())
            .set("HTTP__LISTEN", &http.to_string())
            .set("HTTP__PUBLIC_URL", &link(Far::Callbacks))
            .set("ENGINE__LEASE", &format!("{lease_ms}ms"));
        for (provider, name) in [
            (Provider::Kiban, "KIBAN"),
            (Provider::TuIdentidad, "TUIDENTIDAD"),
            (Provider::Nubarium, "NUBARIUM"),
        ] {
            let (rate_max, in_flight_max) = match provider == UNCOUNTED {
                true => (0, 0),
                false => (CALLS_PER_S_MAX, CALLS_IN_FLIGHT_MAX),
            };
            options = options
                .set(&format!("PROVIDERS__{name}__BASE_URL"), &link(Far::Provider(provider)))
                .set(&format!("PROVIDERS__{name}__RATE_MAX"), &rate_max.to_string())
                .set(&format!("PROVIDERS__{name}__RATE_BURST"), &CALLS_BURST.to_string())
                .set(&format!("PROVIDERS__{name}__IN_FLIGHT_MAX"), &in_flight_max.to_string());
        }
        for (name, value) in SETTINGS {
            options = options.set(name, value);
        }
        let channels = (0..CHANNELS).map(|_| channel(&link(Far::Callers))).collect();
        Replica {
            server: Mutex::new(options.start().await),
            links,
            address: grpc,
            channels,
        }
    }

    pub fn link(&self, far: Far) -> &Link {
        &self.links[place(far)]
    }

    /// Past the links, over a connection of its own.
    pub fn direct(&self) -> Channel {
        channel(&format!("http://{}", self.address))
    }

    pub fn direct_stub(&self) -> WorkHistoryServiceClient<Channel> {
        WorkHistoryServiceClient::new(self.direct())
    }

    /// Starts it as a supervisor would: again and again until it serves. A start may fail while the store is out of reach.
    pub async fn start_again(&self) {
        self.server.lock().await.launch();
        eventually("a replica to serve", || async {
            let mut server = self.server.lock().await;
            if server.has_ended().is_some() {
                server.launch();
            }
            let health = server.health("semanas.v1.WorkHistoryService").await;
            (health == Some(ServingStatus::Serving)).then_some(())
        })
        .await;
    }
}

/// Notes whose CURP goes by. One that is cut in two by the pieces is missed: who called is then not known.
fn ear(gossip: Gossip, replica: usize, provider: Provider) -> Ear {
    Arc::new(move |piece| {
        for curp in curps_in(piece) {
            let overheard = Overheard {
                at_ms: now_ms(),
                replica,
                provider,
                curp,
            };
            gossip.lock().unwrap_or_else(PoisonError::into_inner).push(overheard);
        }
    })
}

fn curps_in(piece: &[u8]) -> impl Iterator<Item = String> {
    let begins = |place: &usize| piece[*place..].starts_with(CURPS_BEGIN);
    let found = (0..piece.len()).filter(begins);
    found.filter_map(|place| String::from_utf8(piece.get(place..place + CURP_BYTES)?.to_vec()).ok())
}

fn channel(url: &str) -> Channel {
    let second = Duration::from_secs(1);
    Endpoint::from_shared(url.to_owned())
        .unwrap()
        .connect_timeout(second)
        .http2_keep_alive_interval(second)
        .keep_alive_timeout(second)
        .connect_lazy()
}

fn place(far: Far) -> usize {
    Far::ALL.iter().position(|known| *known == far).unwrap()
}
