//! Two replicas on one Redis behind a small proxy, replaced one after the other while clients watch.
//!
//! People are held before the case begins, so that their jobs wait; some are let go after each restart, so that events fall on
//! both sides of every break. It does not know what the clients saw.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use semanas_sandbox::{Fault, FaultRule, Provider, Settings, Step};
use semanas_tests::harness::{
    Human, Redis, Sandbox, Server, ServerOptions, Store, eventually, numbered_person, submit_request,
};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::real::{World, set_up_sandbox};

/// People whose jobs are watched; a third of them is let go after each restart.
const HELD: usize = 6;
const LET_GO_AT_A_TIME: usize = 2;

pub struct Rolling {
    /// The proxy, which leads to whichever replica listens.
    pub address: SocketAddr,
    /// The jobs, in the order of `$held_1` and so on.
    pub jobs: Vec<String>,
    pub sandbox: Arc<Sandbox>,
    /// Gives the replicas back, so that they serve until the case is judged.
    story: Option<JoinHandle<Replicas>>,
    _proxy: JoinSet<()>,
}

/// What runs behind the proxy.
struct Replicas {
    a: Server,
    b: Server,
    _redis: Redis,
}

impl Rolling {
    pub async fn start(world: &World) -> anyhow::Result<Rolling> {
        let sandbox = Arc::new(set_up_sandbox(world).await?);
        let redis = Redis::start_in_memory().await;
        let store = Store::redis(&redis);
        let replica = || {
            ServerOptions::new(&store, &sandbox)
                .set("WATCH__HEARTBEAT", "1s")
                .start()
        };
        let (a, b) = (replica().await, replica().await);
        let targets = [&a, &b].map(|server| server.grpc().trim_start_matches("http://").parse::<SocketAddr>());
        let [Ok(first), Ok(second)] = targets else {
            return Err(anyhow!("a replica's address is none"));
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut proxy = JoinSet::new();
        proxy.spawn(lead(listener, [first, second]));

        let people: Vec<Human> = (1..=HELD).map(numbered_person).collect();
        let mut jobs = Vec::new();
        for person in &people {
            hold(&sandbox, person)?;
            let request = semanas_client::raw::v1::SubmitWorkHistoryRequest {
                provider: semanas_client::Provider::Kiban.into(),
                ..submit_request(person.with_names())
            };
            let submitted = a
                .client()
                .submit_work_history(request)
                .await
                .context("submitting a held job")?;
            jobs.push(submitted.job.job_id);
        }
        let replicas = Replicas { a, b, _redis: redis };
        let story = tokio::spawn(restart_all(replicas, sandbox.clone(), people));
        Ok(Rolling {
            address,
            jobs,
            sandbox,
            story: Some(story),
            _proxy: proxy,
        })
    }

    /// Waits for the end of the restarts; an error is one of the servers'.
    pub async fn end(&mut self) -> Result<(), String> {
        match self.story.take() {
            Some(story) => story
                .await
                .map(drop)
                .map_err(|error| format!("the restarts failed: {error}")),
            None => Ok(()),
        }
    }
}

async fn restart_all(mut replicas: Replicas, sandbox: Arc<Sandbox>, people: Vec<Human>) -> Replicas {
    eventually("all watches to be open", || async {
        let open = watches(&replicas.a).await + watches(&replicas.b).await;
        (open >= HELD).then_some(())
    })
    .await;
    let mut held = people.chunks(LET_GO_AT_A_TIME);
    for round in 0..people.len() / LET_GO_AT_A_TIME {
        let server = if round % 2 == 0 {
            &mut replicas.a
        } else {
            &mut replicas.b
        };
        server.signal("TERM");
        server.end().await;
        server.start_again().await;
        server
            .becomes(tonic_health::pb::health_check_response::ServingStatus::Serving)
            .await;
        for person in held.next().into_iter().flatten() {
            sandbox.set_person(&person.curp, None).expect("a CURP of ours");
        }
    }
    replicas
}

async fn watches(server: &Server) -> usize {
    let (_, metrics) = server.page("/metrics").await;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("semanas_watch_streams "));
    line.and_then(|count| count.parse().ok()).unwrap_or_default()
}

/// Kiban does not show this person's document until they are let go.
fn hold(sandbox: &Sandbox, person: &Human) -> anyhow::Result<()> {
    let no_answer = FaultRule::from(Fault::ServerError {
        status: 503,
        billed: false,
    });
    let settings = Settings::default().fault(no_answer.at(Provider::Kiban).on(Step::Status));
    sandbox
        .set_person(&person.curp, Some(settings))
        .map_err(anyhow::Error::msg)
}

/// Leads each connection to a replica that listens, in turn.
async fn lead(listener: TcpListener, targets: [SocketAddr; 2]) {
    let mut connections = JoinSet::new();
    let mut turn = 0;
    loop {
        let Ok((mut near, _)) = listener.accept().await else {
            continue;
        };
        turn += 1;
        connections.spawn(async move {
            for target in [targets[turn % 2], targets[(turn + 1) % 2]] {
                if let Ok(mut far) = TcpStream::connect(target).await {
                    // Either end may break it: that is what the case is about.
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                    return;
                }
            }
        });
    }
}
