//! The providers' doubles, with books of charges that the engine does not write: I1, and that no call leaves without its intent.
//!
//! What a provider has received it goes on with, whether its caller still waits or not.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use super::{callbacks, chance::Chance, fleet::Fleet, plan::Course, power::Power, scene::Scene};
use crate::{
    domain::{
        curp::Curp,
        ids::Tenant,
        job::Step,
        nss::Nss,
        outcome::{Charge, Outcome, Verdict},
        provider_id::ProviderId,
        reason::{Failure, Reason},
        work_history::{Employment, EmploymentEnd, Person, Provenance, Weeks, WorkHistory},
    },
    engine::Vault,
    providers::{Answer, CallRequest, CallbackAddress, Check, NssAnswer, PollRequest, Provider, Reply},
};

/// Longer than any caller waits for a reply.
const HANGS: Duration = Duration::from_secs(60);

/// One provider, for all replicas.
pub(super) struct Bureau {
    pub id: ProviderId,
    pub scene: Arc<Scene>,
    pub chance: Chance,
    pub fleet: Weak<Fleet>,
    vault: Vault,
    /// Charges by person.
    books: Mutex<BTreeMap<usize, usize>>,
    /// By person: calls that may still be charged for.
    undecided: Mutex<BTreeMap<usize, usize>>,
    tickets: Mutex<BTreeMap<String, Ticket>>,
    numbers: AtomicU64,
}

#[derive(Clone, Copy)]
struct Ticket {
    person: usize,
    ready_at: Instant,
    end: End,
}

/// What a poll will bring in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Found,
    No,
    /// Failed, and by the contract not billed.
    Down,
    Unusable,
    Forgotten,
    Never,
}

/// A provider as one replica reaches it.
pub(super) struct Desk {
    pub bureau: Arc<Bureau>,
    pub power: Arc<Power>,
}

impl Bureau {
    pub(super) fn new(id: ProviderId, scene: Arc<Scene>, fleet: Weak<Fleet>) -> Arc<Bureau> {
        Arc::new(Bureau {
            id,
            chance: Chance::of(scene.plan.seed, id.as_str()),
            scene,
            fleet,
            vault: super::fleet::vault(),
            books: Mutex::default(),
            undecided: Mutex::default(),
            tickets: Mutex::default(),
            numbers: AtomicU64::new(1),
        })
    }

    pub(super) fn charges(&self) -> BTreeMap<usize, usize> {
        self.books.lock().unwrap().clone()
    }

    /// Whether the books will say tomorrow what they say today.
    pub(super) fn has_decided_about(&self, person: usize) -> bool {
        self.undecided
            .lock()
            .unwrap()
            .get(&person)
            .is_none_or(|count| *count == 0)
    }

    fn note(&self, what: impl std::fmt::Display) {
        self.scene.note(self.id.as_str(), what);
    }

    fn bill(&self, person: usize) {
        let mut books = self.books.lock().unwrap();
        let count = books.entry(person).or_default();
        *count += 1;
        let allowed = 1 + self.scene.leaves(person);
        self.note(format_args!("bills person {person}: {count} of {allowed}"));
        self.scene.check("I1", *count <= allowed, || {
            format!(
                "{} billed person {person} {count} times, {allowed} allowed",
                self.id.as_str()
            )
        });
    }

    /// The intent of a call that leaves must stand, and nobody may have taken its caller for lost.
    fn check_intent(&self, person: usize) {
        let key = (
            Tenant::sole().as_str().to_owned(),
            self.vault.person_key(&super::scene::curp(person)).as_str().to_owned(),
            self.id,
            step(self.id).as_str(),
            String::new(),
        );
        let charge = self
            .scene
            .model
            .look(|data| data.units.get(&key).map(|unit| unit.charge));
        // A rewind takes back claims that were acknowledged: then two may hold the same fence.
        let stands = charge == Some(Charge::Open) || self.scene.has_rewound();
        self.scene.check("I10", stands, || {
            format!(
                "a call for person {person} leaves for {} while its unit is {charge:?}",
                self.id.as_str()
            )
        });
    }

    fn course(&self) -> Course {
        let calm = [(10, Course::Found), (10, Course::Ticket), (3, Course::No)];
        let course = if self.scene.is_healed() {
            self.chance.weighted(&calm)
        } else {
            self.chance.weighted(&self.scene.plan.courses)
        };
        match course {
            Course::Ticket if self.id == ProviderId::Nubarium => Course::Found,
            other => other,
        }
    }

    /// What the provider does with a call that has left for it.
    async fn process(
        self: Arc<Self>,
        course: Course,
        person: usize,
        callback: Option<CallbackAddress>,
        tell: oneshot::Sender<Reply>,
    ) {
        sleep(self.chance.ms(1, 30)).await;
        let thinks = self.chance.weighted(&[(8, 20), (2, 1_500), (1, 6_000)]);
        let thinks = self.chance.ms(1, if self.scene.plan.is_fair { 20 } else { thinks });
        let reply = match course {
            Course::NotSent | Course::RequestLost => None,
            Course::Refused => Some(self.failed(Reason::ProviderCredentials, |failure| Outcome::Rejected { failure })),
            Course::Down => Some(self.failed(Reason::ProviderUnavailable, down)),
            Course::Found => {
                self.bill(person);
                Some(self.found(person))
            }
            Course::No => {
                self.bill(person);
                Some(self.no())
            }
            Course::Unusable => {
                if self.chance.percent(50) {
                    self.bill(person);
                }
                Some(self.failed(Reason::ProviderContractChanged, |failure| Outcome::Unusable { failure }))
            }
            Course::Hangs => {
                sleep(self.chance.ms(1, 5_000)).await;
                self.bill(person);
                None
            }
            Course::ReplyLost if self.id == ProviderId::Kiban => {
                drop(self.ticket(person, callback));
                None
            }
            Course::ReplyLost => {
                self.bill(person);
                None
            }
            Course::Ticket => Some(Reply::bare(Outcome::Accepted {
                reference: self.ticket(person, callback),
            })),
        };
        *self.undecided.lock().unwrap().entry(person).or_default() -= 1;
        sleep(if course == Course::Hangs { HANGS } else { thinks }).await;
        if let Some(reply) = reply {
            drop(tell.send(reply));
        }
    }

    /// Takes a call on, and says under which reference.
    fn ticket(self: &Arc<Self>, person: usize, callback: Option<CallbackAddress>) -> String {
        let reference = format!("ref-{}", self.numbers.fetch_add(1, Ordering::Relaxed));
        let is_calm = self.scene.is_healed() || self.scene.plan.is_fair;
        let end = match self.chance.below(if is_calm { 10 } else { 20 }) {
            0..=7 => End::Found,
            8..=9 => End::No,
            10..=11 if self.id == ProviderId::Kiban => End::Down,
            12..=13 => End::Unusable,
            14 => End::Forgotten,
            15 => End::Never,
            _ => End::Found,
        };
        let is_billed = match end {
            End::Found | End::No => true,
            End::Down => false,
            End::Unusable | End::Forgotten | End::Never => self.chance.percent(50),
        };
        if is_billed {
            self.bill(person);
        }
        let ticket = Ticket {
            person,
            ready_at: Instant::now() + self.chance.ms(1, 4_000),
            end,
        };
        self.tickets.lock().unwrap().insert(reference.clone(), ticket);
        if let Some(address) = callback {
            callbacks::schedule(self, &address, &reference, ticket.ready_at);
        }
        reference
    }

    fn found(&self, person: usize) -> Reply {
        let answer = match self.id {
            ProviderId::Kiban | ProviderId::TuIdentidad => Answer::History(history(self.id, person)),
            ProviderId::Nubarium => Answer::Nss(NssAnswer {
                nss: Nss::parse("12345678903").unwrap(),
                full_name: None,
                provenance: provenance(self.id),
            }),
        };
        Reply {
            outcome: Outcome::Answered {
                verdict: Verdict::Found,
                reference: None,
            },
            answer: Some(answer),
        }
    }

    fn no(&self) -> Reply {
        let reason = match step(self.id) {
            Step::FindNss => Reason::NssNotFound,
            Step::FetchHistory => Reason::WorkHistoryNotFound,
        };
        self.failed(reason, |failure| Outcome::Answered {
            verdict: Verdict::No(failure),
            reference: None,
        })
    }

    fn failed(&self, reason: Reason, outcome: impl FnOnce(Failure) -> Outcome) -> Reply {
        Reply::bare(outcome(Failure::told(reason, self.id, None)))
    }

    fn polled(&self, reference: &str) -> Option<Reply> {
        let ticket = self.tickets.lock().unwrap().get(reference).copied();
        let Some(ticket) = ticket else {
            self.scene
                .violated("I1", format_args!("nobody gave the reference {reference}"));
            return None;
        };
        if Instant::now() < ticket.ready_at {
            return None;
        }
        match ticket.end {
            End::Found => Some(self.found(ticket.person)),
            End::No => Some(self.no()),
            End::Down => Some(self.failed(Reason::ProviderUnavailable, down)),
            End::Unusable => {
                Some(self.failed(Reason::ProviderContractChanged, |failure| Outcome::Unusable { failure }))
            }
            End::Forgotten => Some(self.failed(Reason::OutcomeUnknown, |failure| Outcome::ReferenceLost { failure })),
            End::Never => None,
        }
    }
}

fn down(failure: Failure) -> Outcome {
    Outcome::Down {
        failure,
        retry_after: None,
    }
}

#[async_trait]
impl Provider for Desk {
    fn id(&self) -> ProviderId {
        self.bureau.id
    }

    async fn call(&self, request: &CallRequest, time_limit: Duration) -> Reply {
        let person = person(&request.subject.curp);
        self.bureau.check_intent(person);
        let course = self.bureau.course();
        self.bureau
            .note(format_args!("is asked about person {person}: {course:?}"));
        let reply = if course == Course::NotSent {
            sleep(self.bureau.chance.ms(1, 50)).await;
            Reply::bare(Outcome::NotSent)
        } else {
            let (tell, told) = oneshot::channel();
            *self.bureau.undecided.lock().unwrap().entry(person).or_default() += 1;
            let bureau = Arc::clone(&self.bureau);
            tokio::spawn(bureau.process(course, person, request.callback.clone(), tell));
            match timeout(time_limit, told).await {
                Ok(Ok(reply)) => reply,
                Ok(Err(_)) | Err(_) => Reply::bare(Outcome::Ambiguous),
            }
        };
        self.power.pass().await;
        reply
    }

    async fn poll(&self, request: &PollRequest, time_limit: Duration) -> Option<Reply> {
        let chance = &self.bureau.chance;
        let takes = if chance.percent(5) {
            chance.ms(1, 2_000)
        } else {
            chance.ms(1, 20)
        };
        let reply = timeout(time_limit, async {
            sleep(takes).await;
            self.bureau.polled(&request.reference)
        });
        let reply = reply.await.ok().flatten();
        self.power.pass().await;
        reply
    }

    async fn check(&self, _now: jiff::Timestamp, _time_limit: Duration) -> Check {
        Check::Reachable
    }
}

pub(super) fn step(provider: ProviderId) -> Step {
    match provider {
        ProviderId::Kiban | ProviderId::TuIdentidad => Step::FetchHistory,
        ProviderId::Nubarium => Step::FindNss,
    }
}

fn person(curp: &Curp) -> usize {
    curp.expose()[4..6].parse().unwrap()
}

/// Says whose it is, so that an answer that reaches somebody else is noticed.
pub(super) fn employer_of(person: usize) -> String {
    format!("TALLER FICTICIO {person}")
}

fn history(provider: ProviderId, person: usize) -> WorkHistory {
    let employment = Employment {
        employer: employer_of(person),
        registro_patronal: None,
        entity: None,
        start: None,
        end: EmploymentEnd::Unknown,
        daily_base_salary: None,
        movements: Vec::new(),
    };
    let (person, weeks) = (Person::default(), Weeks::default());
    WorkHistory::new(person, weeks, vec![employment], provenance(provider))
}

fn provenance(provider: ProviderId) -> Provenance {
    Provenance {
        provider,
        adapter_version: "1".to_owned(),
        provider_reference: None,
        retrieved_at: jiff::Timestamp::UNIX_EPOCH,
        warnings: Vec::new(),
    }
}
