//! One run: the storm, the recovery, the end, and what is left.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    broken::Broken,
    caller,
    chance::Chance,
    crowd::Crowd,
    disturbance, feed_watcher,
    fleet::Fleet,
    plan::{Plan, STORM},
    scene::Scene,
    verdict::{self, Figures},
};
use crate::{
    clock::Clock,
    store::{FEED_KEPT_MIN, conformance::fixtures, model::Model},
};

/// How often it is looked whether something has come to rest.
const LOOK: Duration = Duration::from_millis(250);

/// What may take long after the faults are over: calls to the store that are done late, clients that give up, callbacks that come
/// late, breakers and retries.
const SLACK: Duration = Duration::from_secs(30);

/// What came of a run.
#[derive(Debug)]
pub(super) struct Report {
    pub seed: u64,
    pub violation: Option<String>,
    pub trace: Vec<String>,
    pub hash: u64,
    pub figures: Figures,
}

pub(super) fn run(seed: u64, broken: Option<Broken>) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(play(seed, broken))
}

async fn play(seed: u64, broken: Option<Broken>) -> Report {
    let plan = Plan::of(seed);
    let clock = Clock::of_runtime(fixtures::EPOCH);
    let model = Arc::new(Model::new(clock, plan.options.retention, FEED_KEPT_MIN));
    let scene = Arc::new(Scene::new(plan, model, broken));
    scene.note("-", format_args!("{:?}", scene.plan));
    let fleet = Fleet::new(Arc::clone(&scene), fixtures::EPOCH);
    let (tell, told) = tokio::sync::oneshot::channel();
    scene.door.enter({
        let fleet = Arc::clone(&fleet);
        async move {
            let figures = direct(fleet).await;
            let _ = tell.send(figures);
        }
    });
    let crowd = Crowd::new(scene.door.clone(), Chance::of(seed, "crowd"));
    // Who still waits for something when the last word is said, waits for nothing.
    let figures = tokio::select! {
        biased;
        figures = told => figures.expect("the director tells before it leaves"),
        () = crowd => panic!("the crowd left before the director had told"),
    };
    let (trace, hash) = scene.trace();
    Report {
        seed,
        violation: scene.violation(),
        trace,
        hash,
        figures,
    }
}

async fn direct(fleet: Arc<Fleet>) -> Figures {
    let scene = Arc::clone(&fleet.scene);
    for place in 0..scene.plan.skews_ms.len() {
        fleet.start(place).await;
    }
    disturbance::enter(&fleet);
    caller::enter(&fleet);
    feed_watcher::enter(&fleet);
    sleep(STORM).await;
    scene.heal();
    let options = &scene.plan.options;
    let recovery = options.job_deadline + options.ambiguous_grace + options.lease * 3 + SLACK;
    let is_at_rest = || !scene.is_busy() && verdict::is_quiet(&fleet);
    comes_true(&scene, recovery, is_at_rest).await;
    let figures = verdict::check_jobs(&fleet);
    scene.check("I8", !scene.is_busy(), || "somebody waits in vain".to_owned());
    // The feed is read again with the next resync at the latest.
    sleep(options.watch.resync_interval * 2).await;
    scene.end();
    comes_true(&scene, SLACK, || scene.has_feed_ended()).await;
    scene.check("I8", scene.has_feed_ended(), || {
        "the feed's watcher waits in vain".to_owned()
    });
    stop_all(&fleet).await;
    figures
}

async fn stop_all(fleet: &Arc<Fleet>) {
    for place in 0..fleet.scene.plan.skews_ms.len() {
        let replica = fleet.at(place);
        fleet
            .scene
            .check("I14", replica.is_some(), || format!("no replica at {place}"));
        if let Some(replica) = replica
            && fleet.stop(&replica).await
        {
            verdict::check_drained(fleet, &replica);
        }
    }
}

/// Waits until it is so, until the limit, or until something is wrong.
async fn comes_true(scene: &Scene, limit: Duration, is_so: impl Fn() -> bool) {
    let until = Instant::now() + limit;
    while !is_so() && Instant::now() < until && scene.violation().is_none() {
        sleep(LOOK).await;
    }
}
