//! The faults of the store, one by one, under real replicas: each test is a row of the table of faults and begins with its number.
//! The books of the providers say what was paid; nothing here looks into the server.

mod disk;
mod failovers;
mod fleet;
mod link;
mod losses;
mod replies;
mod restarts;
mod settings;
mod silence;
mod skew;

use std::time::Duration;

use semanas_client::Client;
use semanas_client::JobState;
use semanas_sandbox::Provider;

use crate::harness::*;

/// What stands behind the name of a metric.
async fn metric(server: &Server, name: &str) -> i64 {
    let (_, page) = server.page("/metrics").await;
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |value| value.trim().parse().unwrap())
}

async fn metric_becomes(server: &Server, name: &str, wanted: impl Fn(i64) -> bool) {
    eventually(&format!("{name} to change"), || async {
        wanted(metric(server, name).await).then_some(())
    })
    .await;
}

/// Submits of many people, some at a time, that nobody repeats.
struct Crowd {
    people: Vec<Human>,
    /// Person by number, and the job that was acknowledged.
    acknowledged: Vec<(usize, String)>,
    refused: usize,
    longest_pause: Duration,
}

const AT_A_TIME: usize = 32;

impl Crowd {
    /// `meanwhile` is told how many were acknowledged so far.
    async fn submits(server: &Server, count: usize, acknowledged: &std::sync::atomic::AtomicUsize) -> Crowd {
        use futures::{StreamExt as _, stream};
        let people: Vec<Human> = (0..count).map(|_| fresh_person()).collect();
        let client = server.blunt_client();
        let began = tokio::time::Instant::now();
        let submits = people.iter().enumerate().map(|(number, person)| {
            let (client, request) = (client.clone(), by_kiban(person));
            async move {
                let job = client.submit_work_history(request).await;
                if job.is_ok() {
                    acknowledged.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                (number, job.map(|told| told.job.job_id), began.elapsed())
            }
        });
        let answers: Vec<_> = stream::iter(submits).buffer_unordered(AT_A_TIME).collect().await;
        let mut crowd = Crowd {
            people,
            acknowledged: Vec::new(),
            refused: 0,
            longest_pause: Duration::ZERO,
        };
        let mut last = Duration::ZERO;
        for (number, job, at) in answers {
            match job {
                Ok(job) => {
                    crowd.longest_pause = crowd.longest_pause.max(at.saturating_sub(last));
                    last = at;
                    crowd.acknowledged.push((number, job));
                }
                Err(error) => {
                    assert_eq!(error.reason(), "STORE_UNAVAILABLE", "{error}");
                    assert!(error.retry_delay().is_some(), "{error}");
                    crowd.refused += 1;
                }
            }
        }
        crowd
    }

    /// Every job that was acknowledged is there and ends, and nobody is paid for twice.
    async fn all_end(&self, what: &str, client: &Client, sandbox: &Sandbox) {
        use futures::{StreamExt as _, stream};
        let mut lost = Vec::new();
        for (_, job) in &self.acknowledged {
            if client.get_work_history(job.as_str(), None).await.is_err() {
                lost.push(job);
            }
        }
        eprintln!(
            "{what}: {} acknowledged, {} refused, {} lost, longest pause {:?}",
            self.acknowledged.len(),
            self.refused,
            lost.len(),
            self.longest_pause
        );
        assert!(lost.is_empty(), "{what}: acknowledged and gone: {lost:?}");
        let ends = self.acknowledged.iter().map(|(number, job)| async move {
            eventually(&format!("the end of {job}"), || async {
                let job = client.get_work_history(job.as_str(), None).await.ok()?;
                job.state.is_terminal().then_some(job.state)
            })
            .await;
            *number
        });
        stream::iter(ends).buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await;
        for person in &self.people {
            let charges = booked(sandbox, Provider::Kiban, &person.curp);
            assert!(charges <= 1, "{what}: {charges} charges for one person");
        }
    }
}

/// Whether a state is an end.
trait IsTerminal {
    fn is_terminal(&self) -> bool;
}

impl IsTerminal for JobState {
    fn is_terminal(&self) -> bool {
        !matches!(self, JobState::Unspecified | JobState::Queued | JobState::Running)
    }
}
