//! After the storm: waits until every job has ended, then reads all that there is: jobs, ledger, books, logs.

use std::collections::{BTreeMap, HashMap};

use futures::{StreamExt as _, TryStreamExt as _};
use semanas_client::raw::v1::{JobFilter, ListChargesRequest};
use semanas_client::{ChargeState, JobState, WorkHistoryJob};
use semanas_client::{Client, Options};
use semanas_sandbox::Provider;
use semanas_tests::harness::numbered_person;

use crate::clock::{ms_of, now_ms, pause_ms};
use crate::history::{Booked, Errand, FinalAttempt, FinalJob, History, Kind, Operation, Outcome, Row, provider_of};
use crate::load::{WHO, outcome_of};
use crate::world::{DEADLINE_MS, World};

/// The largest page that the contract allows.
const PAGE_SIZE: i32 = 1_000;
/// How long jobs may live on without one of them ending. Longer than any does.
const STANDSTILL_MAX_MS: u64 = DEADLINE_MS + 15_000;
/// Final Gets at a time.
const READERS: usize = 16;
/// What a log would show of somebody: how their CURPs begin, and their surnames.
const PERSONAL: [&str; 3] = ["LOTP8503", "LOZANO", "TREVIÑO"];

/// The whole history of a run.
pub async fn gather(world: &World) -> History {
    let options = Options {
        unary_deadline: None,
        ..Options::default()
    };
    let client = semanas_client::raw::client_over(world.replicas[0].direct(), options);
    settle(&client).await;
    let look = world.store.look().await;
    world.recorder.note(|history| history.note_look(look));
    let mut history = world.recorder.copy();
    history.jobs = jobs(&client).await;
    history.ledger = ledger(&client).await;
    let people: HashMap<String, usize> = (0..90_000)
        .map(|number| (numbered_person(number).curp, number))
        .collect();
    history.booked = booked(world, &people);
    history.errands = errands(world, &people);
    let nubarium = world.sandbox.traffic().providers.remove(&Provider::Nubarium);
    history.nubarium_calls_max = nubarium.map_or(0, |traffic| traffic.in_flight_max);
    let gets = final_gets(world, &history).await;
    history.operations.extend(gets);
    for (place, replica) in world.replicas.iter().enumerate() {
        let log = replica.server.lock().await.log();
        history
            .leaks
            .extend(PERSONAL.iter().any(|word| log.contains(word)).then_some(place));
    }
    history
}

/// Waits until nothing lives any more, or nothing comes of waiting: on a slow machine it takes long, and is no fault.
async fn settle(client: &Client) {
    let (mut fewest, mut since_ms) = (usize::MAX, now_ms());
    while fewest > 0 && now_ms() < since_ms + STANDSTILL_MAX_MS {
        if let Some(living) = living(client).await.filter(|living| *living < fewest) {
            (fewest, since_ms) = (living, now_ms());
        }
        pause_ms(200).await;
    }
}

/// Jobs that have not ended and charges that are open; `None` when nobody says.
async fn living(client: &Client) -> Option<usize> {
    let states = vec![JobState::Queued.into(), JobState::Running.into()];
    let filter = JobFilter {
        states,
        ..JobFilter::default()
    };
    let open = client.list_charges(ListChargesRequest {
        page_size: PAGE_SIZE,
        states: vec![ChargeState::Open.into()],
        ..ListChargesRequest::default()
    });
    let jobs: Vec<_> = client.list_work_histories(filter).try_collect().await.ok()?;
    let open: Vec<_> = open.try_collect().await.ok()?;
    Some(jobs.len() + open.len())
}

async fn jobs(client: &Client) -> BTreeMap<String, FinalJob> {
    let jobs: Vec<WorkHistoryJob> = client
        .list_work_histories(JobFilter::default())
        .try_collect()
        .await
        .unwrap();
    jobs.into_iter()
        .map(|job| (job.job_id.clone(), final_job(&job)))
        .collect()
}

fn final_job(job: &WorkHistoryJob) -> FinalJob {
    let attempts = job.attempts.iter().filter_map(|attempt| {
        Some(FinalAttempt {
            charge_id: attempt.attempt_id.clone(),
            provider: provider_of(attempt.provider)?,
            charge: attempt.charge,
            began_ms: ms_of(attempt.start_time),
            ended_ms: ms_of(attempt.end_time),
        })
    });
    FinalJob {
        person: job.labels[WHO].parse().unwrap(),
        state: job.state,
        sequence: job.event_sequence,
        ended_ms: ms_of(job.end_time),
        deadline_ms: ms_of(job.deadline_time),
        attempts: attempts.collect(),
    }
}

async fn ledger(client: &Client) -> Vec<Row> {
    let request = ListChargesRequest {
        page_size: PAGE_SIZE,
        ..ListChargesRequest::default()
    };
    let charges: Vec<_> = client.list_charges(request).try_collect().await.unwrap();
    let row = |charge: semanas_client::Charge| {
        Some(Row {
            provider: provider_of(charge.provider)?,
            state: charge.state,
            charge_id: charge.charge_id,
            job: charge.job_id,
            reference: charge.provider_reference,
        })
    };
    charges.into_iter().filter_map(row).collect()
}

fn errands(world: &World, people: &HashMap<String, usize>) -> Vec<Errand> {
    let overheard = world.overheard().into_iter();
    let errands = overheard.filter_map(|it| {
        Some(Errand {
            at_ms: it.at_ms,
            replica: it.replica,
            provider: it.provider,
            person: *people.get(&it.curp)?,
        })
    });
    errands.collect()
}

fn booked(world: &World, people: &HashMap<String, usize>) -> Vec<Booked> {
    let lines = world.sandbox.books().charges().into_iter();
    lines
        .map(|line| Booked {
            provider: line.provider,
            person: people[&line.curp],
            reference: line.reference,
            delivered: line.delivered,
            at_ms: u64::try_from(line.time.as_millisecond()).unwrap(),
        })
        .collect()
}

/// Every job that was ever acknowledged is asked for by its name, at each replica in turn.
async fn final_gets(world: &World, history: &History) -> Vec<Operation> {
    let acknowledged = history.acknowledged();
    let stubs: Vec<_> = world.replicas.iter().map(|replica| replica.direct_stub()).collect();
    let gets = acknowledged.into_iter().enumerate().map(|(place, job)| {
        let mut stub = stubs[place % stubs.len()].clone();
        async move {
            let began_ms = now_ms();
            let request = semanas_client::raw::v1::GetWorkHistoryRequest {
                job_id: job.clone(),
                limit: None,
            };
            let outcome = match stub.get_work_history(request).await {
                Ok(_) => Outcome::Ok { job: job.clone() },
                Err(status) => outcome_of(&status),
            };
            Operation {
                kind: Kind::Get { job },
                began_ms,
                ended_ms: now_ms(),
                outcome,
            }
        }
    });
    futures::stream::iter(gets).buffer_unordered(READERS).collect().await
}
