//! Providers that play a script, and count what they are asked.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::{
    domain::{
        nss::Nss,
        outcome::{Outcome, Verdict},
        provider_id::ProviderId,
        reason::{Failure, Reason},
        work_history::{Employment, EmploymentEnd, Person, Provenance, Weeks, WorkHistory},
    },
    providers::{Answer, CallRequest, CallbackAddress, Check, NssAnswer, PollRequest, Provider, Reply},
};

/// What a call may look at.
pub(super) struct Seen {
    pub callback: Option<CallbackAddress>,
}

type Play = Box<dyn FnOnce(Seen) -> BoxFuture<'static, Reply> + Send>;

/// A provider that answers what it was told to, in order. An empty script answers calls with `Ambiguous`, polls with nothing.
pub(super) struct Scripted {
    id: ProviderId,
    calls: AtomicUsize,
    polls: AtomicUsize,
    plays: Mutex<VecDeque<Play>>,
    answers: Mutex<VecDeque<Option<Reply>>>,
    /// The NSS that each call came with.
    pub nss_seen: Mutex<Vec<Option<Nss>>>,
}

/// Lets a hanging call go on.
pub(super) type Release = oneshot::Sender<Reply>;

impl Scripted {
    pub(super) fn new(id: ProviderId) -> Arc<Scripted> {
        Arc::new(Scripted {
            id,
            calls: AtomicUsize::default(),
            polls: AtomicUsize::default(),
            plays: Mutex::default(),
            answers: Mutex::default(),
            nss_seen: Mutex::default(),
        })
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(super) fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    /// The next call is answered so.
    pub(super) fn replies(&self, reply: Reply) {
        self.plays(move |_| Box::pin(async move { reply }));
    }

    pub(super) fn plays(&self, play: impl FnOnce(Seen) -> BoxFuture<'static, Reply> + Send + 'static) {
        self.plays.lock().unwrap().push_back(Box::new(play));
    }

    /// The next call hangs until it is released; for ever when the release is dropped.
    pub(super) fn hangs(&self) -> Release {
        let (release, released) = oneshot::channel();
        self.plays(move |_| {
            Box::pin(async move {
                match released.await {
                    Ok(reply) => reply,
                    Err(_) => std::future::pending().await,
                }
            })
        });
        release
    }

    /// The next call tells where it may be called back, then hangs until it is released.
    pub(super) fn hangs_with_callback(&self) -> (oneshot::Receiver<CallbackAddress>, Release) {
        let (tell, told) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.plays(move |seen| {
            Box::pin(async move {
                let _ = tell.send(seen.callback.expect("the engine hears back"));
                released.await.expect("the story releases the call")
            })
        });
        (told, release)
    }

    /// The next polls are answered so.
    pub(super) fn answers(&self, polls: impl IntoIterator<Item = Option<Reply>>) {
        self.answers.lock().unwrap().extend(polls);
    }
}

#[async_trait]
impl Provider for Scripted {
    fn id(&self) -> ProviderId {
        self.id
    }

    async fn call(&self, request: &CallRequest, _time_limit: Duration) -> Reply {
        self.nss_seen.lock().unwrap().push(request.nss.clone());
        let play = self.plays.lock().unwrap().pop_front();
        self.calls.fetch_add(1, Ordering::SeqCst);
        match play {
            Some(play) => {
                play(Seen {
                    callback: request.callback.clone(),
                })
                .await
            }
            None => Reply::bare(Outcome::Ambiguous),
        }
    }

    async fn poll(&self, _request: &PollRequest, _time_limit: Duration) -> Option<Reply> {
        let answer = self.answers.lock().unwrap().pop_front();
        self.polls.fetch_add(1, Ordering::SeqCst);
        answer.flatten()
    }

    async fn check(&self, _now: jiff::Timestamp, _time_limit: Duration) -> Check {
        Check::Reachable
    }
}

pub(super) const EMPLOYERS: [&str; 3] = ["CARPINTERIA FICTICIA", "PANADERIA FICTICIA", "SASTRERIA FICTICIA"];

/// A history of three employments.
pub(super) fn history() -> Reply {
    let employment = |employer: &str| Employment {
        employer: employer.to_owned(),
        registro_patronal: None,
        entity: None,
        start: None,
        end: EmploymentEnd::Unknown,
        daily_base_salary: None,
        movements: Vec::new(),
    };
    let history = WorkHistory::new(
        Person::default(),
        Weeks::default(),
        EMPLOYERS.map(employment).into(),
        provenance(ProviderId::Kiban),
    );
    found(Answer::History(history))
}

pub(super) const NSS: &str = "12345678903";

pub(super) fn nss() -> Reply {
    found(Answer::Nss(NssAnswer {
        nss: Nss::parse(NSS).unwrap(),
        full_name: None,
        provenance: provenance(ProviderId::Nubarium),
    }))
}

pub(super) fn accepted(reference: &str) -> Reply {
    Reply::bare(Outcome::Accepted {
        reference: reference.to_owned(),
    })
}

pub(super) fn ambiguous() -> Reply {
    Reply::bare(Outcome::Ambiguous)
}

pub(super) fn not_sent() -> Reply {
    Reply::bare(Outcome::NotSent)
}

pub(super) fn down(provider: ProviderId) -> Reply {
    Reply::bare(Outcome::Down {
        failure: Failure::told(Reason::ProviderUnavailable, provider, Some("503".to_owned())),
        retry_after: None,
    })
}

pub(super) fn rejected(provider: ProviderId, reason: Reason) -> Reply {
    Reply::bare(Outcome::Rejected {
        failure: Failure::told(reason, provider, None),
    })
}

pub(super) fn no(provider: ProviderId, reason: Reason) -> Reply {
    Reply::bare(Outcome::Answered {
        verdict: Verdict::No(Failure::told(reason, provider, None)),
        reference: None,
    })
}

fn found(answer: Answer) -> Reply {
    Reply {
        outcome: Outcome::Answered {
            verdict: Verdict::Found,
            reference: Some("ref-1".to_owned()),
        },
        answer: Some(answer),
    }
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
