//! Lets the blows of a round fall, mends what they did, and measures how long it takes until everything works again.

use std::future::Future;
use std::time::Duration;

use futures::future::join_all;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use semanas_client::raw::v1::GetWorkHistoryRequest;
use semanas_tests::harness::Server;
use tokio::time::timeout;

use crate::clock::{now_ms, pause_ms};
use crate::history::Fallen;
use crate::load;
use crate::plan::{Blow, Round, What};
use crate::world::{Replica, World};

/// People who are asked for to see whether a replica works again; nobody else asks for them.
const PROBES_FROM: usize = 80_000;
/// How long a probe goes on looking, and how long one look may take.
const PROBE_PATIENCE_MS: u64 = 30_000;
const LOOK_PATIENCE: Duration = Duration::from_secs(4);
/// Between two looks at the leases, which cost Redis some time.
const BETWEEN_LOOKS_MS: u64 = 200;
/// Lines of its log that are shown of a replica that ended wrongly.
const LAST_WORDS: usize = 5;

/// Plays one round and waits until everything has recovered: each replica takes a new job and the job ends, and every job that was
/// under a lease when the last fault had healed has moved on, whoever held it.
pub async fn play(world: &World, number: usize, round: &Round) {
    join_all(round.lanes.iter().map(|lane| play_lane(world, lane))).await;
    note_crashes(world).await;
    let healed_ms = now_ms();
    let probes = world.replicas.iter().enumerate().map(|(place, replica)| {
        let person = PROBES_FROM + number * world.replicas.len() + place;
        works_again(replica, person)
    });
    let (probed_ms, moved_ms) = tokio::join!(
        async {
            join_all(probes).await;
            now_ms()
        },
        all_move_on(world)
    );
    eprintln!(
        "after round {number}: new jobs had ended after {} ms, old ones had moved on after {} ms",
        probed_ms - healed_ms,
        moved_ms - healed_ms
    );
    let recovery_ms = probed_ms.max(moved_ms) - healed_ms;
    let look = world.store.look().await;
    world.recorder.note(|history| {
        history.recoveries_ms.push(recovery_ms);
        history.note_look(look);
    });
}

/// When the last of the jobs that are leased now was seen to have moved on.
async fn all_move_on(world: &World) -> u64 {
    let began_ms = now_ms();
    let mut waiting = world.store.leased().await;
    while !waiting.is_empty() && now_ms() < began_ms + PROBE_PATIENCE_MS {
        pause_ms(BETWEEN_LOOKS_MS).await;
        let leased = world.store.leased().await;
        let moved: Vec<String> = waiting.difference(&leased).cloned().collect();
        for job in &moved {
            waiting.remove(job);
        }
        if waiting.is_empty() && !moved.is_empty() {
            eprintln!(
                "the last of {} to move on (job, version, fence): {}",
                moved.len(),
                moved[0]
            );
        }
    }
    now_ms()
}

async fn play_lane(world: &World, lane: &[Blow]) {
    for blow in lane {
        pause_ms(blow.pause_ms).await;
        let began_ms = now_ms();
        strike(world, blow).await;
        let fallen = Fallen {
            what: blow.what,
            began_ms,
            ended_ms: now_ms(),
        };
        if !matches!(blow.what, What::Link { .. }) {
            eprintln!("{} to {}: {:?}", fallen.began_ms, fallen.ended_ms, fallen.what);
        }
        world.recorder.note(|history| history.blows.push(fallen));
    }
}

async fn strike(world: &World, blow: &Blow) {
    match blow.what {
        What::Kill { replica } => {
            let replica = &world.replicas[replica];
            replica.server.lock().await.kill();
            pause_ms(blow.for_ms).await;
            replica.start_again().await;
        }
        What::Freeze { replica } => {
            let server = world.replicas[replica].server.lock().await;
            server.signal("STOP");
            pause_ms(blow.for_ms).await;
            server.signal("CONT");
        }
        What::RollingRestart => {
            for (place, replica) in world.replicas.iter().enumerate() {
                let mut server = replica.server.lock().await;
                server.signal("TERM");
                let status = server.end().await;
                let last_words = last_words(&server);
                drop(server);
                if !status.success() {
                    let crash = format!("replica {place} was told to stop and ended with {status}: {last_words}");
                    world.recorder.note(|history| history.crashes.push(crash));
                }
                replica.start_again().await;
            }
        }
        What::RedisKill => world.store.kill(blow.for_ms).await,
        What::Failover { how, master } => world.store.fail_over(how, master).await,
        What::Link { replica, far, ill } => {
            let link = world.replicas[replica].link(far);
            link.make(ill);
            pause_ms(blow.for_ms).await;
            link.mend();
        }
    }
}

async fn note_crashes(world: &World) {
    for (place, replica) in world.replicas.iter().enumerate() {
        let server = replica.server.lock().await;
        let ended = server.has_ended();
        let last_words = last_words(&server);
        drop(server);
        if let Some(status) = ended {
            let crash = format!("replica {place} ended by itself with {status}: {last_words}");
            world.recorder.note(|history| history.crashes.push(crash));
            replica.start_again().await;
        }
    }
}

fn last_words(server: &Server) -> String {
    let log = server.log();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n    ")
}

/// The replica takes a new job and the job ends; gives up after a while, which the checker will not overlook.
async fn works_again(replica: &Replica, person: usize) {
    let mut dice = StdRng::seed_from_u64(person as u64);
    let request = load::probe_request(person, &mut dice);
    let began_ms = now_ms();
    let submit = || async {
        let mut stub = replica.direct_stub();
        let answer = timeout(LOOK_PATIENCE, stub.submit_work_history(request.clone())).await;
        answer.ok()?.ok()?.into_inner().job
    };
    let Some(job) = until_seen(submit).await else {
        eprintln!("probe {person}: no replica took it");
        return;
    };
    let taken_ms = now_ms();
    let get = || async {
        let mut stub = replica.direct_stub();
        let job_id = job.job_id.clone();
        let answer = timeout(
            LOOK_PATIENCE,
            stub.get_work_history(GetWorkHistoryRequest { job_id, limit: None }),
        )
        .await;
        answer.ok()?.ok()?.into_inner().job.filter(|job| job.end_time.is_some())
    };
    let state = until_seen(get).await.map(|job| job.state());
    eprintln!(
        "probe {person}: {} was taken after {} ms and {} ms later it is {state:?}",
        job.job_id,
        taken_ms - began_ms,
        now_ms() - taken_ms
    );
}

/// As the harness's `eventually`, but whoever waits in vain goes on.
async fn until_seen<T, F: Future<Output = Option<T>>>(look: impl Fn() -> F) -> Option<T> {
    let until_ms = now_ms() + PROBE_PATIENCE_MS;
    while now_ms() < until_ms {
        let seen = look().await;
        if seen.is_some() {
            return seen;
        }
        pause_ms(20).await;
    }
    None
}
