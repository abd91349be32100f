//! Kiban's notifications: when they go out, how often, with which key, and how often one is tried again.
//!
//! The documentation names two request headers and no more. The sandbox sends `POST {id, status, …}` and gives the
//! key back in `x-api-key`. The body is a hint only: the history is never in it.

use std::sync::{Arc, LazyLock, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use reqwest::Client;
use serde::Serialize;
use tokio::time::sleep;

use crate::rules::Plan;
use crate::scenario::CallbackMode;
use crate::world::{World, now};

/// A callback is sent at most so often while the receiver answers 5xx or does not answer.
const DELIVERIES_MAX: u32 = 6;
/// The first pause between deliveries; it doubles up to the maximum.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);
/// How late a `late` callback is unless the scenario says otherwise.
const LATE: Duration = Duration::from_secs(2);
const WRONG_KEY: &str = "a-key-that-nobody-gave";

/// Where to call back, and the key to show there.
#[derive(Clone)]
pub(super) struct Target {
    url: String,
    key: Option<String>,
}

impl Target {
    pub(super) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Some(Self {
            url: header("urlCallback")?,
            key: header("xApiKeyCallback"),
        })
    }
}

/// A notification that waits for `POST /callbacks/release`.
pub(super) struct Held {
    target: Target,
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    id: String,
    status: String,
    finished_at: String,
}

/// Arranges the notifications of one document; returns at once except in mode `before_ack`.
pub(super) async fn arrange(world: &Arc<World>, target: Target, id: &str, plan: &Plan) {
    let (id, due) = (id.to_owned(), plan.ready_in);
    match plan.kiban.callback.unwrap_or(CallbackMode::Normal) {
        CallbackMode::Lost => {}
        CallbackMode::BeforeAck => notify(world, &target, &id).await,
        CallbackMode::Held => held(world).push(Held { target, id }),
        CallbackMode::Normal => later(world, due, target, id, 1),
        CallbackMode::Duplicate => later(world, due, target, id, 2),
        CallbackMode::Late => {
            let late = plan.kiban.callback_late_ms.map_or(LATE, Duration::from_millis);
            later(world, due + late, target, id, 1);
        }
        CallbackMode::WrongKey => later(
            world,
            due,
            Target {
                key: Some(WRONG_KEY.to_owned()),
                ..target
            },
            id,
            1,
        ),
        CallbackMode::Reordered => {
            let world = world.clone();
            spawn(&world.clone(), async move {
                sleep(due).await;
                notify(&world, &target, &id).await;
                deliver(&target, &notification(&id, "IMSS_PROCESSING")).await;
            });
        }
    }
}

/// Sends what mode `held` kept; returns how many notifications that are.
pub(super) fn release(world: &Arc<World>) -> usize {
    let waiting = std::mem::take(&mut *held(world));
    let count = waiting.len();
    for Held { target, id } in waiting {
        later(world, Duration::ZERO, target, id, 1);
    }
    count
}

fn later(world: &Arc<World>, due: Duration, target: Target, id: String, times: u32) {
    let world = world.clone();
    spawn(&world.clone(), async move {
        sleep(due).await;
        for _ in 0..times {
            notify(&world, &target, &id).await;
        }
    });
}

fn spawn(world: &Arc<World>, work: impl Future<Output = ()> + Send + 'static) {
    let stop = world.stop.clone();
    world.tasks.spawn(async move {
        let _stopped = stop.run_until_cancelled(work).await;
    });
}

/// The terminal notification. The document is ready from then on, whatever it was waiting for.
async fn notify(world: &World, target: &Target, id: &str) {
    if let Some(status) = world.kiban.finish(id) {
        deliver(target, &notification(id, &status)).await;
    }
}

fn notification(id: &str, status: &str) -> Notification {
    let finished_at = now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    Notification {
        id: id.to_owned(),
        status: status.to_owned(),
        finished_at,
    }
}

async fn deliver(target: &Target, notification: &Notification) {
    let mut pause = PAUSE_FIRST;
    for delivery in 1..=DELIVERIES_MAX {
        match deliver_once(target, notification).await {
            Some(status) if !status.is_server_error() => {
                tracing::debug!(status = status.as_u16(), delivery, "a callback was answered");
                return;
            }
            status => {
                let status = status.map(|status| status.as_u16());
                tracing::warn!(status, delivery, "a callback failed and may be sent again");
            }
        }
        if delivery < DELIVERIES_MAX {
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

async fn deliver_once(target: &Target, notification: &Notification) -> Option<StatusCode> {
    let mut request = client().post(&target.url).json(notification);
    if let Some(key) = &target.key {
        request = request.header("x-api-key", key);
    }
    request.send().await.ok().map(|response| response.status())
}

fn client() -> &'static Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        let builder = Client::builder()
            .no_proxy()
            .timeout(DELIVERY_TIMEOUT)
            .pool_max_idle_per_host(0);
        builder
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("fixed settings build a client")
    });
    &CLIENT
}

fn held(world: &World) -> std::sync::MutexGuard<'_, Vec<Held>> {
    world.kiban.held.lock().unwrap_or_else(PoisonError::into_inner)
}
