//! Every fault that concerns the service, at the worst moment, on real processes. A test's number is its row in the table of
//! docs/guarantees.md, and its comment names the invariants that it holds the service to: against the provider's own books, the
//! ledger, and what a watcher saw. The rows about Redis itself are elsewhere.

mod callbacks;
mod crashes;
mod data_set;
mod freezes;
mod joins;
mod points;
mod poison;
mod provider;
mod rolling;
mod watching;

use futures::TryStreamExt as _;
use semanas_client::raw::v1::{ListChargesRequest, Subject, SubmitWorkHistoryRequest};
use semanas_client::{Charge, ChargeState, JobState, Provider as Route, WorkHistoryJob};
use semanas_client::{Client, JobChange};
use tokio::task::JoinHandle;

use crate::harness::*;

/// A job with which replica `a` is held at a point, while replica `b` looks on.
pub struct Held {
    pub pair: Pair,
    pub points: Failpoints,
    pub person: Human,
    pub request: SubmitWorkHistoryRequest,
    pub job_id: String,
    witness: JoinHandle<WorkHistoryJob>,
}

impl Held {
    pub async fn at(point: &str) -> Held {
        Held::with(point, by_kiban, |_, _| {}).await
    }

    /// With another request, and a person made ready for it.
    pub async fn with(
        point: &str,
        ask: impl FnOnce(&Human) -> SubmitWorkHistoryRequest,
        prepare: impl FnOnce(&Sandbox, &Human),
    ) -> Held {
        let (redis, sandbox, points) = (Redis::start().await, sandbox().await, Failpoints::new());
        let store = Store::redis(&redis);
        let options = || {
            ServerOptions::new(&store, &sandbox)
                .set("PROVIDERS__KIBAN__CALL_TIMEOUT", "3s")
                .set("PROVIDERS__TUIDENTIDAD__CALL_TIMEOUT", "3s")
        };
        let a = options().held_by(&points).start().await;
        let person = fresh_person();
        prepare(&sandbox, &person);
        points.arm(point);
        let request = ask(&person);
        let submitted = a.client().submit_work_history(request.clone()).await.unwrap();
        let job_id = submitted.job.job_id;
        assert_eq!(points.reached(point).await, job_id);
        // Only now: before, it could take up a job that waits, and pass the point itself.
        let b = options().start().await;
        let witness = witness(&b.client(), &job_id);
        let pair = Pair { redis, sandbox, a, b };
        Held {
            pair,
            points,
            person,
            request,
            job_id,
            witness,
        }
    }

    /// Waits for the job's end as it was seen on `b`. The provider booked so many charges, each of which is in the ledger.
    pub async fn ends(&mut self, state: JobState, charges: usize) -> WorkHistoryJob {
        let job = within("the job", PATIENCE, &mut self.witness).await.unwrap();
        assert_eq!(job.state, state, "{:?}", job.failure);
        self.check_money(charges).await;
        job
    }

    pub async fn check_money(&self, charges: usize) {
        let booked = self.pair.sandbox.books().matching(None, Some(&self.person.curp)).len();
        assert_eq!(booked, charges, "charges in the provider's books");
        let rows = self.ledger().await;
        let not_free = rows.iter().filter(|row| row.state != ChargeState::No).count();
        assert!(not_free >= charges, "a charge without a row: {rows:?}");
    }

    pub async fn ledger(&self) -> Vec<Charge> {
        ledger(&self.pair.b.client(), &self.job_id).await
    }

    /// Waits until the only row of the ledger is as wanted.
    pub async fn settles(&self, wanted: ChargeState) -> Charge {
        eventually(&format!("the charge to be {wanted:?}"), || async {
            let [row] = self.ledger().await.try_into().unwrap();
            (row.state == wanted).then_some(row)
        })
        .await
    }

    /// The job still is what it was when it ended: nothing happened to it that a watcher could see.
    pub async fn is_still(&self, ended: &WorkHistoryJob) {
        let now = self
            .pair
            .b
            .client()
            .get_work_history(self.job_id.as_str(), None)
            .await
            .unwrap();
        assert_eq!((now.state, now.event_sequence), (ended.state, ended.event_sequence));
    }
}

/// Tu Identidad answers the billed call itself, where Kiban only takes it on.
pub fn by_tuidentidad(person: &Human) -> SubmitWorkHistoryRequest {
    let subject = Subject {
        nss: "12345678903".to_owned(),
        ..person.by_curp()
    };
    SubmitWorkHistoryRequest {
        provider: Route::TuIdentidad.into(),
        ..submit_request(subject)
    }
}

pub async fn ledger(client: &Client, job_id: &str) -> Vec<Charge> {
    let of_job = ListChargesRequest {
        job_id: job_id.to_owned(),
        ..ListChargesRequest::default()
    };
    client.list_charges(of_job).try_collect().await.unwrap()
}

/// Watches a job to its end, and fails on a gap, a repetition, or anything after the end.
pub fn witness(client: &Client, job_id: &str) -> JoinHandle<WorkHistoryJob> {
    let mut watch = client.watch_work_history(job_id, None, None);
    tokio::spawn(async move {
        let (mut last, mut ended) = (0, None);
        while let Some(update) = watch.next().await {
            assert!(ended.is_none(), "something follows the terminal update");
            let update = update.unwrap();
            match &update.change {
                JobChange::Snapshot { job, .. } => last = job.event_sequence,
                JobChange::Event(event) => {
                    assert_eq!(event.sequence, last + 1, "a gap or a repetition");
                    last = event.sequence;
                }
                JobChange::Stale { .. } => {}
            }
            ended = update.is_terminal.then(|| update.job().unwrap().clone());
        }
        let ended = ended.expect("a watch ends with a terminal update");
        assert_eq!(ended.event_sequence, last);
        ended
    })
}

/// Whether `semanas doctor` finds every job of the data set whole: in the due set exactly while it has not ended, with all its events.
pub async fn check_whole(store: &Store, sandbox: &Sandbox) {
    let ended = doctor(store, sandbox).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("each whole"), "{}", ended.stdout);
}

pub async fn doctor(store: &Store, sandbox: &Sandbox) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let options = ServerOptions::new(store, sandbox);
    semanas(folder.path(), &["doctor", "--output", "json"], &options.environment()).await
}
