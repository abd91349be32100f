//! The fail points themselves: each is a place that real jobs come by.

use std::collections::BTreeSet;

use semanas_client::JobState;
use semanas_sandbox::{CallbackMode, KibanScenario, Settings};

use super::*;

#[tokio::test]
async fn every_fail_point_is_on_the_way_of_an_ordinary_job_or_of_a_stop() {
    let (sandbox, points) = (sandbox().await, Failpoints::new());
    let options = ServerOptions::new(&Store::sqlite(), &sandbox).with_callbacks();
    // The lease outlasts the stops.
    let mut server = options.set("ENGINE__LEASE", "60s").held_by(&points).start().await;
    let (client, person) = (server.client(), fresh_person());
    let kiban = KibanScenario {
        callback: Some(CallbackMode::Held),
        ..KibanScenario::default()
    };
    let settings = Settings {
        kiban,
        ..Settings::default()
    };
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let all = points.all();
    all.iter().for_each(|point| points.arm(point));
    let submitted = client.submit_work_history(by_kiban(&person)).await.unwrap();
    let job_id = submitted.job.job_id;
    let mut reached = BTreeSet::new();
    let is_last = |reached: &BTreeSet<String>| reached.len() + 1 == all.len();
    eventually("all points but that of the stop", || {
        sandbox.release_callbacks();
        for point in &all {
            if let Some(by) = points.take(point) {
                assert_eq!(by, job_id, "{point}");
                points.release(point);
                reached.insert(point.clone());
            }
        }
        std::future::ready(is_last(&reached).then_some(()))
    })
    .await;
    assert_eq!(to_the_end(&client, by_kiban(&person)).await.state, JobState::Succeeded);
    server.signal("TERM");
    points.reached("draining").await;
    points.release("draining");
    assert_eq!(server.end().await.code(), Some(0));
    assert!(!reached.contains("draining"));
}
