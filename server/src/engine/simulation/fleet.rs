//! The replicas: started, killed, frozen, drained, and asked by clients over connections that break with them.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    bureau::{Bureau, Desk},
    chance::Chance,
    failover::Heaven,
    power::{Power, State},
    scene::Scene,
    weather::Weather,
};
use crate::{
    clock::Clock,
    domain::provider_id::ProviderId,
    engine::{Dice, Engine, Metrics, Parts, Vault},
    providers::Provider,
};

/// A client gives up on a call after this.
const PATIENCE: Duration = Duration::from_secs(12);

/// A client takes a stream for broken after this.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// How often a replica looks whether it is ready, as `app` does.
const READINESS: Duration = Duration::from_secs(1);

pub(super) struct Fleet {
    pub scene: Arc<Scene>,
    pub heaven: Arc<Heaven>,
    pub bureaus: BTreeMap<ProviderId, Arc<Bureau>>,
    slots: Mutex<Vec<Option<Arc<Replica>>>>,
    lives: Mutex<usize>,
    start: Timestamp,
}

/// One life of a replica.
pub(super) struct Replica {
    /// Its place and the number of its life.
    pub name: String,
    pub engine: Engine,
    pub power: Arc<Power>,
    stop: CancellationToken,
    run: tokio::sync::Mutex<JoinHandle<()>>,
    helpers: Vec<tokio::task::AbortHandle>,
}

pub(super) fn vault() -> Vault {
    Vault::new(b"a secret of thirty-two characters")
}

impl Fleet {
    pub(super) fn new(scene: Arc<Scene>, start: Timestamp) -> Arc<Fleet> {
        Arc::new_cyclic(|fleet: &Weak<Fleet>| Fleet {
            bureaus: ProviderId::ALL
                .map(|id| (id, Bureau::new(id, Arc::clone(&scene), Weak::clone(fleet))))
                .into(),
            heaven: Arc::default(),
            slots: Mutex::new(vec![None; scene.plan.skews_ms.len()]),
            lives: Mutex::default(),
            scene,
            start,
        })
    }

    pub(super) async fn start(&self, place: usize) {
        let life = {
            let mut lives = self.lives.lock().unwrap();
            *lives += 1;
            *lives
        };
        let name = format!("{}{life}", ["a", "b", "c"][place]);
        let power = Arc::new(Power::on());
        let (scene, heaven) = (Arc::clone(&self.scene), Arc::clone(&self.heaven));
        let weather = Weather::new(scene, heaven, Arc::clone(&power), name.clone());
        let engine = loop {
            match Engine::new(self.parts(place, life, &weather, &power)).await {
                Ok(engine) => break engine,
                Err(_) => sleep(Duration::from_millis(500)).await,
            }
        };
        let stop = CancellationToken::new();
        let bells = tokio::spawn(weather.carry_bells());
        let run = tokio::spawn({
            let (engine, stop) = (engine.clone(), stop.clone());
            async move { engine.run(stop).await }
        });
        let readiness = tokio::spawn({
            let engine = engine.clone();
            async move {
                loop {
                    sleep(READINESS).await;
                    engine.ready().await;
                }
            }
        });
        self.scene.note(&name, "starts");
        let replica = Replica {
            name,
            engine,
            power,
            stop,
            helpers: vec![bells.abort_handle(), run.abort_handle(), readiness.abort_handle()],
            run: tokio::sync::Mutex::new(run),
        };
        self.slots.lock().unwrap()[place] = Some(Arc::new(replica));
    }

    fn parts(&self, place: usize, life: usize, weather: &Arc<Weather>, power: &Arc<Power>) -> Parts {
        let plan = &self.scene.plan;
        let desk = |bureau: &Arc<Bureau>| -> Arc<dyn Provider> {
            Arc::new(Desk {
                bureau: Arc::clone(bureau),
                power: Arc::clone(power),
            })
        };
        let elapsed = self.scene.elapsed();
        let own_now = self.start + elapsed + jiff::SignedDuration::from_millis(plan.skews_ms[place]);
        Parts {
            store: Arc::clone(weather) as Arc<_>,
            providers: self.bureaus.iter().map(|(id, bureau)| (*id, desk(bureau))).collect(),
            vault: vault(),
            clock: Clock::of_runtime(own_now),
            dice: Dice::loaded(plan.seed.wrapping_mul(1_000).wrapping_add(life as u64)),
            metrics: Metrics::default(),
            options: plan.options.clone(),
            // No disk: an outcome that cannot be stored is kept in memory, and dies with its replica.
            journal: None,
        }
    }

    /// A replica that a client may reach, if there is one; perhaps a frozen one.
    pub(super) fn any(&self, chance: &Chance) -> Option<Arc<Replica>> {
        let slots = self.slots.lock().unwrap();
        let there: Vec<Arc<Replica>> = slots.iter().flatten().cloned().collect();
        (!there.is_empty()).then(|| Arc::clone(chance.pick(&there)))
    }

    pub(super) fn at(&self, place: usize) -> Option<Arc<Replica>> {
        self.slots.lock().unwrap()[place].clone()
    }

    pub(super) async fn crash(&self, place: usize, down: Duration) {
        let Some(replica) = self.slots.lock().unwrap()[place].take() else {
            return;
        };
        self.scene.note(&replica.name, "is killed");
        replica.die();
        sleep(down).await;
        self.start(place).await;
    }

    pub(super) async fn freeze(&self, place: usize, thaws: Duration) {
        let Some(replica) = self.at(place).filter(|replica| replica.power.state() == State::On) else {
            return;
        };
        self.scene.note(&replica.name, "freezes");
        replica.power.turn(State::Frozen);
        sleep(thaws).await;
        self.scene.note(&replica.name, "thaws");
        replica.power.turn(State::On);
    }

    pub(super) async fn drain(&self, place: usize, down: Duration) {
        let Some(replica) = self.at(place) else { return };
        if !self.stop(&replica).await {
            return;
        }
        let is_same = |there: &mut Arc<Replica>| there.name == replica.name;
        let taken = self.slots.lock().unwrap()[place].take_if(is_same);
        if taken.is_some() {
            replica.die();
            sleep(down).await;
            self.start(place).await;
        }
    }

    /// Stops a replica as SIGTERM does; false when it died of something else meanwhile.
    pub(super) async fn stop(&self, replica: &Replica) -> bool {
        self.scene.note(&replica.name, "drains");
        replica.stop.cancel();
        let mut run = replica.run.lock().await;
        if run.is_finished() {
            return replica.power.state() != State::Dead;
        }
        tokio::select! {
            biased;
            () = replica.power.gone() => false,
            ended = &mut *run => {
                self.scene.check("I14", ended.is_ok(), || format!("{} panicked", replica.name));
                self.scene.note(&replica.name, "has drained");
                true
            }
        }
    }
}

impl Replica {
    fn die(&self) {
        self.power.turn(State::Dead);
        for helper in &self.helpers {
            helper.abort();
        }
    }

    /// The next message of a stream of this replica; `None` = the connection broke.
    pub(super) async fn ask_long<T>(&self, next: impl Future<Output = T>) -> Option<T> {
        let answered = async {
            self.power.pass().await;
            let answer = next.await;
            self.power.pass().await;
            answer
        };
        tokio::select! {
            biased;
            () = self.power.gone() => None,
            answer = timeout(SILENCE_MAX, answered) => answer.ok(),
        }
    }

    /// What came of a call to this replica; `None` = nobody knows.
    pub(super) async fn ask<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let answered = async {
            self.power.pass().await;
            let answer = call.await;
            self.power.pass().await;
            answer
        };
        tokio::select! {
            biased;
            () = self.power.gone() => None,
            answer = timeout(PATIENCE, answered) => answer.ok(),
        }
    }
}
