//! Callers: they submit, with request ids and without, repeat what they do not know the end of, and do all else that a caller may.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    chance::Chance,
    fleet::{Fleet, Replica},
    plan::STORM,
    scene::{curp, short},
    watcher,
};
use crate::{
    domain::{
        ids::{JobId, Tenant},
        job::Job,
        outcome::Charge,
        person::{NameParts, PersonName, Subject},
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{EngineError, Lookup, RequestId, Submit, Submitted},
    store::model::Entry,
};

/// Errors that say: come back later.
const LATER: [Reason; 3] = [Reason::StoreUnavailable, Reason::ServerDraining, Reason::TooManyWatches];

/// Pause before a repeat.
const AGAIN: Duration = Duration::from_millis(700);

/// A request that can be made again.
#[derive(Clone)]
struct Request {
    person: usize,
    id: Option<String>,
    /// Is part of what the request id is bound to.
    limit: u32,
    has_names: bool,
    max_age: Option<Duration>,
    repeat: bool,
    provider: Option<ProviderId>,
}

pub(super) struct Caller {
    number: usize,
    fleet: Arc<Fleet>,
    chance: Chance,
    /// Requests with an id, and the job that they were answered with.
    known: Vec<(Request, JobId)>,
    /// How far each job had come when it was last seen.
    seen: BTreeMap<JobId, u64>,
}

pub(super) fn enter(fleet: &Arc<Fleet>) {
    for number in 0..fleet.scene.plan.callers {
        let caller = Caller {
            number,
            chance: Chance::of(fleet.scene.plan.seed, &format!("caller {number}")),
            fleet: Arc::clone(fleet),
            known: Vec::new(),
            seen: BTreeMap::new(),
        };
        let busy = fleet.scene.busy();
        fleet.scene.door.enter(async move {
            caller.call().await;
            drop(busy);
        });
    }
}

impl Caller {
    async fn call(mut self) {
        let ends_at = Instant::now() + STORM;
        loop {
            let pause = self.chance.weighted(&[(3, 0), (3, 1_000), (3, 8_000)]);
            sleep(self.chance.ms(0, pause)).await;
            if Instant::now() > ends_at || self.fleet.scene.violation().is_some() {
                return;
            }
            match self.chance.below(20) {
                0..=7 => self.submit_new().await,
                8..=10 => self.submit_again().await,
                11 => self.submit_other().await,
                12..=13 => self.look_up().await,
                14 => self.cancel().await,
                15..=16 => self.get().await,
                17 => self.settle().await,
                18 => self.list().await,
                _ => self.watch().await,
            }
        }
    }

    fn note(&self, what: impl std::fmt::Display) {
        self.fleet.scene.note(&format!("caller {}", self.number), what);
    }

    fn request(&self) -> Request {
        let chance = &self.chance;
        let gives_leave = self.fleet.scene.plan.gives_leave;
        let serial = self.known.len();
        Request {
            person: chance.below(self.fleet.scene.plan.people),
            id: chance
                .percent(60)
                .then(|| format!("{}-{serial}-{}", self.number, chance.between(0, 999_999))),
            limit: *chance.pick(&[0, 1, 5]),
            has_names: chance.percent(80),
            max_age: (gives_leave && chance.percent(30)).then_some(Duration::ZERO),
            repeat: gives_leave && chance.percent(30),
            provider: chance.weighted(&[
                (10, None),
                (1, Some(ProviderId::Kiban)),
                (1, Some(ProviderId::TuIdentidad)),
            ]),
        }
    }

    async fn submit_new(&mut self) {
        let mut request = self.request();
        if request.provider == Some(ProviderId::Kiban) {
            request.has_names = true;
        }
        if let Some((job, cursor)) = self.submit(&request).await {
            if request.id.is_some() {
                self.known.push((request.clone(), job.clone()));
            }
            if self.chance.percent(60) {
                let cursor = self.chance.percent(50).then_some(cursor);
                watcher::enter(&self.fleet, job, request.person, cursor);
            }
        }
    }

    /// The same request once more gets the same job.
    async fn submit_again(&mut self) {
        if self.known.is_empty() {
            return;
        }
        let (request, first) = self.chance.pick(&self.known).clone();
        if let Some((job, _)) = self.submit(&request).await {
            let is_right = job == first || self.fleet.scene.is_lost(&first);
            self.fleet.scene.check("I9", is_right, || {
                format!("a repeated request got {} instead of {}", short(&job), short(&first))
            });
        }
    }

    /// Another request under the same id is refused.
    async fn submit_other(&mut self) {
        if self.known.is_empty() {
            return;
        }
        let (mut request, _) = self.chance.pick(&self.known).clone();
        request.limit += 7;
        if let Some(replica) = self.fleet.any(&self.chance)
            && let Some(answer) = replica.ask(replica.engine.submit(self.made(&request))).await
        {
            let reason = answer.err().map(|error| error.reason);
            let is_right = reason.is_some_and(|reason| reason == Reason::RequestIdReused || LATER.contains(&reason));
            self.fleet
                .scene
                .check("I9", is_right, || format!("a request id was used twice: {reason:?}"));
        }
    }

    /// Submits until it is known what came of it, or the storm is long over.
    async fn submit(&mut self, request: &Request) -> Option<(JobId, String)> {
        let is_known = request.id.is_some() && self.known.iter().any(|(known, _)| known.id == request.id);
        let gives_leave = request.repeat || request.max_age.is_some();
        loop {
            if gives_leave && !is_known {
                self.fleet.scene.give_leave(request.person);
            }
            let answer = match self.fleet.any(&self.chance) {
                Some(replica) => self.submit_to(&replica, request).await,
                None => None,
            };
            match answer {
                Some(Ok(submitted)) => return Some(self.acknowledged(request, submitted)),
                // Its request id was answered with a job that is lost by now.
                Some(Err(error)) if error.reason == Reason::JobNotFound && self.fleet.scene.has_lost_jobs() => {
                    return None;
                }
                Some(Err(error)) => self.check_error("submit", &error),
                None => self.note("does not know what came of a submit"),
            }
            // Who gave no request id must not repeat what may have been done; who gave leave to pay twice even less.
            if request.id.is_none() || self.fleet.scene.violation().is_some() {
                return None;
            }
            sleep(AGAIN).await;
        }
    }

    /// Now and then to two replicas at once.
    async fn submit_to(&self, replica: &Arc<Replica>, request: &Request) -> Option<Result<Submitted, EngineError>> {
        let one = replica.ask(replica.engine.submit(self.made(request)));
        let twin = self
            .fleet
            .any(&self.chance)
            .filter(|_| request.id.is_some() && self.chance.percent(20));
        let Some(twin) = twin else { return one.await };
        let (one, two) = futures::join!(one, twin.ask(twin.engine.submit(self.made(request))));
        if let (Some(Ok(one)), Some(Ok(two))) = (&one, &two)
            && one.snapshot.job.id != two.snapshot.job.id
        {
            let (one, two) = (&one.snapshot.job.id, &two.snapshot.job.id);
            self.fleet
                .scene
                .check("I9", self.is_free(one) || self.is_free(two), || {
                    format!("twins got {} and {}", short(one), short(two))
                });
            return None;
        }
        one.or(two)
    }

    /// Of two tries at the same moment one may get a job that ends just then and leaves nothing behind, or is lost, and the other
    /// start anew. To close this, each Submit would have to go to the store once more.
    fn is_free(&self, id: &JobId) -> bool {
        self.fleet.scene.model.look(|data| {
            let Some(Entry { job, .. }) = data.jobs.get(id) else {
                return true;
            };
            let mut own = job.attempts.iter().filter(|attempt| !attempt.shared);
            job.is_terminal() && own.all(|attempt| attempt.charge == Charge::No)
        })
    }

    fn acknowledged(&mut self, request: &Request, submitted: Submitted) -> (JobId, String) {
        let job = submitted.snapshot.job;
        let id = job.id.clone();
        let (who, how) = (request.person, submitted.disposition);
        self.note(format_args!(
            "has {} of person {who}: {how:?}, {}",
            short(&id),
            job.state.name()
        ));
        self.fleet.scene.acknowledged.lock().unwrap().insert(id.clone(), who);
        self.saw(&job);
        (id, submitted.watch_cursor)
    }

    /// A job never goes back.
    fn saw(&mut self, job: &Job) {
        let scene = &self.fleet.scene;
        let before = self.seen.insert(job.id.clone(), job.sequence).unwrap_or_default();
        let is_forward = job.sequence >= before || scene.has_rewound();
        scene.check("I4", is_forward, || {
            format!("{} was at {before} and is at {}", short(&job.id), job.sequence)
        });
    }

    fn made(&self, request: &Request) -> Submit {
        Submit {
            tenant: Tenant::sole(),
            subject: Subject {
                curp: curp(request.person),
                name: request.has_names.then(name),
                nss: None,
            },
            limit: request.limit,
            request_id: request.id.as_ref().map(|id| RequestId {
                id: id.clone(),
                body: format!("{} {}", request.person, request.limit).into_bytes(),
            }),
            max_age: request.max_age,
            allow_repeat_charge: request.repeat,
            provider: request.provider,
            test_case_id: None,
            purpose: "test".to_owned(),
            consent_reference: String::new(),
            labels: BTreeMap::new(),
            trace_parent: None,
        }
    }

    fn check_error(&self, what: &str, error: &EngineError) {
        self.note(format_args!("{what}: {:?}", error.reason));
        self.fleet.scene.check("I13", LATER.contains(&error.reason), || {
            format!("{what} was refused: {:?}, {:?}", error.reason, error.source)
        });
    }

    fn check_error_about(&self, job: &JobId, what: &str, error: &EngineError) {
        if error.reason != Reason::JobNotFound || !self.fleet.scene.is_lost(job) {
            self.check_error(what, error);
        }
    }

    async fn look_up(&mut self) {
        let person = self.chance.below(self.fleet.scene.plan.people);
        let Some(replica) = self.fleet.any(&self.chance) else {
            return;
        };
        let lookup = Lookup {
            tenant: Tenant::sole(),
            curp: curp(person),
            max_age: None,
            allow_repeat_charge: false,
            purpose: "test".to_owned(),
            consent_reference: String::new(),
            trace_parent: None,
        };
        let until = Instant::now() + self.chance.ms(1, 10_000);
        let found = replica.ask(replica.engine.lookup_nss(lookup, until)).await;
        match found {
            Some(Ok(found)) => self.note(format_args!(
                "knows the NSS of person {person}: {:?}",
                found.disposition
            )),
            Some(Err(error)) => {
                self.note(format_args!("has no NSS of person {person}: {:?}", error.reason));
                let is_wrong = matches!(error.reason, Reason::JobNotFound | Reason::CursorInvalid);
                self.fleet
                    .scene
                    .check("I13", !is_wrong, || format!("a lookup was refused: {:?}", error.reason));
            }
            None => {}
        }
    }

    fn any_job(&self) -> Option<JobId> {
        let jobs: Vec<JobId> = self.fleet.scene.acknowledged_jobs().into_iter().collect();
        (!jobs.is_empty()).then(|| self.chance.pick(&jobs).clone())
    }

    async fn cancel(&mut self) {
        let (Some(job), Some(replica)) = (self.any_job(), self.fleet.any(&self.chance)) else {
            return;
        };
        self.note(format_args!("cancels {}", short(&job)));
        let cancelled = replica.ask(replica.engine.cancel(&Tenant::sole(), job.as_str())).await;
        match cancelled {
            Some(Ok(snapshot)) => self.saw(&snapshot.job),
            Some(Err(error)) => self.check_error_about(&job, "cancel", &error),
            None => {}
        }
    }

    async fn get(&mut self) {
        let (Some(job), Some(replica)) = (self.any_job(), self.fleet.any(&self.chance)) else {
            return;
        };
        let got = replica
            .ask(replica.engine.get(&Tenant::sole(), job.as_str(), None))
            .await;
        match got {
            Some(Ok(snapshot)) => self.saw(&snapshot.job),
            Some(Err(error)) => self.check_error_about(&job, "get", &error),
            None => {}
        }
    }

    /// An operator who says what the provider's books say frees the unit: whoever asks again pays again. The books are read after
    /// the job has ended: until then they may still change.
    async fn settle(&mut self) {
        let (Some(job), Some(replica)) = (self.any_job(), self.fleet.any(&self.chance)) else {
            return;
        };
        let found = replica
            .ask(replica.engine.get(&Tenant::sole(), job.as_str(), None))
            .await;
        let Some(Ok(snapshot)) = found else { return };
        if !snapshot.job.is_terminal() {
            return;
        }
        let scene = Arc::clone(&self.fleet.scene);
        let person = scene.acknowledged.lock().unwrap()[&job];
        let mut bureaus = self.fleet.bureaus.values();
        // Nobody settles what a provider has not yet made up its own books about.
        if !scene.plan.gives_leave || !bureaus.all(|bureau| bureau.has_decided_about(person)) {
            return;
        }
        scene.give_leave(person);
        let mut bureaus = self.fleet.bureaus.values();
        let billed = bureaus.any(|bureau| bureau.charges().contains_key(&person));
        let charge = if billed { Charge::Yes } else { Charge::No };
        let note = "as the books say".to_owned();
        let settled = replica
            .ask(replica.engine.resolve(&Tenant::sole(), job.as_str(), charge, note))
            .await;
        match settled {
            Some(Ok(snapshot)) => self.note(format_args!("settles {}: {charge:?}", short(&snapshot.job.id))),
            Some(Err(error)) if error.reason == Reason::JobNotResolvable => {}
            Some(Err(error)) => self.check_error_about(&job, "settle", &error),
            None => {}
        }
    }

    async fn list(&mut self) {
        let acknowledged = self.fleet.scene.acknowledged_jobs();
        let Some(replica) = self.fleet.any(&self.chance) else {
            return;
        };
        let filter = crate::engine::JobFilter::default();
        let listed = replica
            .ask(replica.engine.list(&Tenant::sole(), filter, 1_000, ""))
            .await;
        match listed {
            Some(Ok((page, _))) => {
                let scene = &self.fleet.scene;
                let mut kept = acknowledged.into_iter().filter(|id| !scene.is_lost(id));
                let missing = kept.find(|id| !page.jobs.iter().any(|job| job.id == *id));
                scene.check("I3", missing.is_none(), || {
                    format!("{missing:?} is missing from the list")
                });
            }
            Some(Err(error)) => self.check_error("list", &error),
            None => {}
        }
    }

    async fn watch(&mut self) {
        if let Some(job) = self.any_job() {
            let person = self.fleet.scene.acknowledged.lock().unwrap()[&job];
            watcher::enter(&self.fleet, job, person, None);
        }
    }
}

pub(super) fn is_later(reason: Reason) -> bool {
    LATER.contains(&reason)
}

fn name() -> PersonName {
    PersonName::parse(NameParts {
        given_names: "PERSONA",
        paternal_surname: "INVENTADA",
        maternal_surname: None,
    })
    .unwrap()
}
