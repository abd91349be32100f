//! The callers: new people all the time, each asked for as the plan says, by callers who do not give up and who write down
//! every try. What they meet is not judged here.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use semanas_client::Provider as Route;
use semanas_client::raw::v1::{
    CancelWorkHistoryRequest, GetWorkHistoryRequest, LookupNssRequest, SubmitWorkHistoryRequest,
};
use semanas_sandbox::{Fault, FaultRule, Settings, Step};
use semanas_tests::harness::{numbered_person, submit_request};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::clock::{now_ms, pause_ms};
use crate::history::{Kind, Operation, Outcome};
use crate::plan::{Afterwards, Plan, Script};
use crate::watcher;
use crate::world::World;

/// The label that names the person of a job by number.
pub const WHO: &str = "who";
/// People who are asked for at a time; each has some watchers.
const CALLERS_MAX: usize = 80;
/// How long a caller waits for one answer, and for a LookupNss.
const ANSWER_PATIENCE: Duration = Duration::from_secs(4);
const LOOKUP_PATIENCE: Duration = Duration::from_secs(10);
/// How long a caller goes on trying to have a Submit acknowledged.
const SUBMIT_PATIENCE: Duration = Duration::from_secs(30);

/// Callers come until there were as many as planned and `is_over` says that no more blows fall. Returns when all have left.
pub async fn play(world: Arc<World>, plan: Arc<Plan>, is_over: Arc<AtomicBool>) {
    let mut callers = JoinSet::new();
    let mut arrivals = interval(Duration::from_secs(1) / u32::try_from(plan.people_per_s).unwrap());
    arrivals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut number = 0;
    // On a machine that is too slow for the rate, callers wait for one another instead of piling up.
    let places = Arc::new(Semaphore::new(CALLERS_MAX));
    while number < plan.people || !is_over.load(Ordering::Relaxed) {
        arrivals.tick().await;
        let place = places
            .clone()
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let live = live(world.clone(), plan.script(number));
        callers.spawn(async move {
            live.await;
            drop(place);
        });
        number += 1;
    }
    while let Some(left) = callers.join_next().await {
        left.expect("a caller ends without a panic");
    }
}

async fn live(world: Arc<World>, script: Script) {
    make_trouble(&world, &script);
    let mut dice = StdRng::seed_from_u64(script.dice_seed);
    let mut others = JoinSet::new();
    if script.looks_up_nss {
        others.spawn(look_up(world.clone(), script.number, dice.random()));
    }
    if script.has_twin {
        let twin = request_of(&script, "twin");
        let (world, number, seed) = (world.clone(), script.number, dice.random());
        others.spawn(async move {
            submit(&world, number, twin, &mut StdRng::seed_from_u64(seed)).await;
        });
    }
    let request = request_of(&script, "first");
    if let Some((job, cursor)) = submit(&world, script.number, request.clone(), &mut dice).await {
        let mut watchers = JoinSet::new();
        for place in 0..script.watchers {
            // Some begin where the Submit ended, some with a snapshot.
            let cursor = (place % 2 == 0).then(|| cursor.clone());
            watchers.spawn(watcher::watch(world.clone(), job.clone(), cursor, dice.random()));
        }
        get(&world, &job, &mut dice).await;
        if script.repeats_request {
            submit(&world, script.number, request, &mut dice).await;
        }
        if script.cancels {
            pause_ms(dice.random_range(0..300)).await;
            cancel(&world, &job, &mut dice).await;
        }
        watchers.join_all().await;
        come_back(&world, &script, &mut dice).await;
    }
    others.join_all().await;
}

async fn come_back(world: &Arc<World>, script: &Script, dice: &mut StdRng) {
    let request = request_of(script, "second");
    let request = match script.afterwards {
        Afterwards::Nothing => return,
        Afterwards::TheSame => request,
        Afterwards::Fresh => SubmitWorkHistoryRequest {
            max_age: Some(prost_types::Duration::default()),
            ..request
        },
        Afterwards::PayAgain => SubmitWorkHistoryRequest {
            allow_repeat_charge: true,
            ..request
        },
    };
    if let Some((job, _)) = submit(world, script.number, request, dice).await {
        watcher::watch(world.clone(), job, None, dice.random()).await;
    }
}

/// A request for somebody whom no script names.
pub fn probe_request(person: usize, dice: &mut StdRng) -> SubmitWorkHistoryRequest {
    let request_id = format!("probe-{person}-{}", dice.random::<u32>());
    request(person, Route::Unspecified, true, request_id)
}

fn request_of(script: &Script, which: &str) -> SubmitWorkHistoryRequest {
    let request_id = format!("{}-{which}", script.number);
    request(script.number, script.route, script.has_names, request_id)
}

fn request(person: usize, route: Route, has_names: bool, request_id: String) -> SubmitWorkHistoryRequest {
    let human = numbered_person(person);
    let subject = if has_names { human.with_names() } else { human.by_curp() };
    SubmitWorkHistoryRequest {
        provider: route.into(),
        request_id,
        labels: [(WHO.to_owned(), person.to_string())].into(),
        ..submit_request(subject)
    }
}

/// What the plan says about this person's providers.
fn make_trouble(world: &World, script: &Script) {
    let mut settings = Settings::default();
    settings.kiban.callback = Some(script.callback);
    settings.kiban.callback_late_ms = Some(500);
    if let Some((provider, fault)) = &script.trouble {
        let rule = FaultRule::from(fault.clone()).at(*provider).on(Step::Submit).times(1);
        settings = settings.fault(rule);
        let hides = !matches!(fault, Fault::Delay { .. } | Fault::TooManyRequests { .. });
        let who = (script.number, *provider);
        world
            .recorder
            .note(|history| history.troubled.extend(hides.then_some(who)));
    }
    let curp = numbered_person(script.number).curp;
    world.sandbox.set_person(&curp, Some(settings)).unwrap();
}

/// Sends a request until it is acknowledged or definitely refused; gives the job and the cursor.
async fn submit(
    world: &World,
    person: usize,
    request: SubmitWorkHistoryRequest,
    dice: &mut StdRng,
) -> Option<(String, String)> {
    let until = Instant::now() + SUBMIT_PATIENCE;
    let kind = Kind::Submit {
        person,
        request_id: request.request_id.clone(),
        leave: request.max_age.is_some() || request.allow_repeat_charge,
    };
    while Instant::now() < until {
        let (mut stub, request) = (world.any_stub(dice), request.clone());
        let call = async move { stub.submit_work_history(timed(request, ANSWER_PATIENCE)).await };
        let mut cursor = String::new();
        let outcome = note(world, kind.clone(), ANSWER_PATIENCE, call, |answer| {
            cursor.clone_from(&answer.watch_cursor);
            answer.job.map(|job| job.job_id)
        })
        .await;
        match outcome {
            Outcome::Ok { job } => return Some((job, cursor)),
            Outcome::Failed {
                code: Code::Unavailable | Code::ResourceExhausted,
                ..
            }
            | Outcome::Unknown => {
                pause_ms(dice.random_range(50..400)).await;
            }
            Outcome::Failed { .. } => return None,
        }
    }
    None
}

async fn get(world: &World, job: &str, dice: &mut StdRng) {
    let mut stub = world.any_stub(dice);
    let request = GetWorkHistoryRequest {
        job_id: job.to_owned(),
        limit: None,
    };
    let call = async move { stub.get_work_history(timed(request, ANSWER_PATIENCE)).await };
    let kind = Kind::Get { job: job.to_owned() };
    note(world, kind, ANSWER_PATIENCE, call, |answer| {
        answer.job.map(|job| job.job_id)
    })
    .await;
}

async fn cancel(world: &World, job: &str, dice: &mut StdRng) {
    let mut stub = world.any_stub(dice);
    let request = CancelWorkHistoryRequest { job_id: job.to_owned() };
    let call = async move { stub.cancel_work_history(timed(request, ANSWER_PATIENCE)).await };
    let kind = Kind::Cancel { job: job.to_owned() };
    note(world, kind, ANSWER_PATIENCE, call, |answer| {
        answer.job.map(|job| job.job_id)
    })
    .await;
}

async fn look_up(world: Arc<World>, person: usize, seed: u64) {
    let mut stub = world.any_stub(&mut StdRng::seed_from_u64(seed));
    let request = LookupNssRequest {
        curp: numbered_person(person).curp,
        ..LookupNssRequest::default()
    };
    let call = async move { stub.lookup_nss(timed(request, LOOKUP_PATIENCE)).await };
    note(&world, Kind::Lookup { person }, LOOKUP_PATIENCE, call, |_| {
        Some(String::new())
    })
    .await;
}

fn timed<T>(message: T, patience: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(patience);
    request
}

/// Makes a call and writes down what came of it.
async fn note<T>(
    world: &World,
    kind: Kind,
    patience: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
    job_of: impl FnOnce(T) -> Option<String>,
) -> Outcome {
    let began_ms = now_ms();
    let outcome = match timeout(patience, call).await {
        Ok(Ok(answer)) => Outcome::Ok {
            job: job_of(answer.into_inner()).unwrap_or_default(),
        },
        Ok(Err(status)) => outcome_of(&status),
        Err(_) => Outcome::Unknown,
    };
    let operation = Operation {
        kind,
        began_ms,
        ended_ms: now_ms(),
        outcome: outcome.clone(),
    };
    world.recorder.note(|history| history.operations.push(operation));
    outcome
}

/// A status of the server's own is a failure; one that the connection made up says nothing.
pub fn outcome_of(status: &Status) -> Outcome {
    let told = status.get_error_details();
    let reason = told
        .error_info()
        .filter(|info| info.domain == semanas_client::ERROR_DOMAIN);
    let is_of_transport = std::error::Error::source(status).is_some() || is_transports_own(status.code());
    if reason.is_none() && is_of_transport {
        return Outcome::Unknown;
    }
    Outcome::Failed {
        code: status.code(),
        reason: reason.map(|info| info.reason.clone()).unwrap_or_default(),
        has_retry_delay: told.retry_info().is_some_and(|info| info.retry_delay.is_some()),
    }
}

/// Codes with which the client library reports broken connections and its own deadline.
fn is_transports_own(code: Code) -> bool {
    matches!(
        code,
        Code::Cancelled | Code::Unknown | Code::Internal | Code::DeadlineExceeded
    )
}
