//! Everything at once: many people, two replicas, providers that break at random, replicas and a store that are killed and frozen
//! meanwhile. In the end every job has ended and nobody was charged twice.

use semanas_client::raw::v1::SubmitWorkHistoryRequest;
use semanas_client::{Client, Error, Options, RetryPolicy, WatchOptions};
use semanas_client::{JobState, Provider as Route, WorkHistoryJob};
use semanas_sandbox::{Fault, FaultRule, MsRange, Provider, Settings};
use tonic_health::pb::health_check_response::ServingStatus;

use crate::harness::*;

const PEOPLE: usize = 60;
/// How many jobs have to have ended before each blow falls.
const BLOWS: [usize; 4] = [5, 15, 25, 35];

/// What goes wrong at each provider, by the sandbox's seeded dice.
fn bad_weather() -> Settings {
    let faults = [
        Fault::Reset { billed: true },
        Fault::Close { billed: false },
        Fault::TruncatedBody { billed: true },
        Fault::ServerError {
            status: 502,
            billed: true,
        },
        Fault::TooManyRequests {
            retry_after_s: None,
            billed: false,
        },
        Fault::Html {
            status: 200,
            billed: true,
        },
        Fault::Delay { ms: 500, billed: true },
    ];
    let settings = Settings {
        latency: Some(MsRange {
            min_ms: 20,
            max_ms: 150,
        }),
        ..Settings::default()
    };
    faults.into_iter().fold(settings, |settings, fault| {
        settings.fault(FaultRule {
            probability: Some(0.08),
            ..FaultRule::from(fault)
        })
    })
}

/// A client that outlasts every blow.
fn patient(server: &Server) -> Client {
    let stubborn = RetryPolicy {
        tries_max: 100,
        delay_max: std::time::Duration::from_millis(500),
        ..RetryPolicy::default()
    };
    let options = Options {
        unary_deadline: Some(PATIENCE),
        retry: stubborn,
        watch: WatchOptions {
            resume: stubborn,
            ..WatchOptions::default()
        },
        ..Options::default()
    };
    Client::new(&server.grpc(), options).unwrap()
}

async fn ask(client: Client, request: SubmitWorkHistoryRequest) -> Result<WorkHistoryJob, Error> {
    let mut watch = client.submit_and_watch(request).await?;
    loop {
        let update = watch.next().await.expect("a watch ends with a terminal update")?;
        if update.is_terminal {
            return Ok(update.job().unwrap().clone());
        }
    }
}

#[tokio::test]
async fn whatever_breaks_every_job_ends_and_nobody_is_charged_twice() {
    let (mut redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let options = || {
        ServerOptions::new(&store, &sandbox)
            .set("PROVIDERS__KIBAN__CALL_TIMEOUT", "3s")
            .set("PROVIDERS__TUIDENTIDAD__CALL_TIMEOUT", "3s")
            .set("PROVIDERS__NUBARIUM__CALL_TIMEOUT", "3s")
    };
    let (mut a, mut b) = (options().start().await, options().start().await);
    for provider in Provider::ALL {
        sandbox.set_provider(provider, Some(bad_weather())).await.unwrap();
    }
    // Each person is asked for at both replicas, so that joining and racing are part of it.
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..PEOPLE {
        let person = fresh_person();
        let route = [Route::Kiban, Route::TuIdentidad, Route::Unspecified][number % 3];
        let request = SubmitWorkHistoryRequest {
            provider: route.into(),
            ..submit_request(person.with_names())
        };
        for server in [&a, &b] {
            asked.spawn(ask(patient(server), request.clone()));
        }
    }
    let (mut ended, mut blows) = (Vec::new(), 0);
    while let Some(job) = within("the next job", PATIENCE * 2, asked.join_next()).await {
        ended.push(job.unwrap().unwrap());
        if BLOWS.get(blows).is_some_and(|due| ended.len() >= *due) {
            match blows {
                0 => {
                    a.kill();
                    a.start_again().await;
                    // A start needs its store, which the next blow takes away.
                    a.becomes(ServingStatus::Serving).await;
                }
                1 => {
                    redis.kill();
                    redis.start_again().await;
                }
                2 => {
                    b.signal("STOP");
                    a.becomes(ServingStatus::Serving).await;
                    b.signal("CONT");
                }
                _ => {
                    b.signal("TERM");
                    b.end().await;
                    b.start_again().await;
                    b.becomes(ServingStatus::Serving).await;
                }
            }
            blows += 1;
        }
    }
    assert_eq!((ended.len(), blows), (PEOPLE * 2, BLOWS.len()));
    let summary = sandbox.books().summary();
    assert_eq!(summary.max_per_provider_and_person, 1, "{summary:?}");
    let succeeded = ended.iter().filter(|job| job.state == JobState::Succeeded).count();
    assert!(
        succeeded >= PEOPLE / 2,
        "only {succeeded} succeeded: the weather was too bad to mean anything"
    );
    assert!(ended.iter().all(|job| job.end_time.is_some()));
}
