//! The conformance driver of the Rust client: reads cases, makes the calls that they name, says what came of them.
//!
//! It sees the client's public surface only, and knows nothing of what is expected. Protocol: tests/conformance/README.md.

#![allow(clippy::print_stdout)]

mod requests;
mod results;

use std::io::{BufRead as _, Write as _};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _, join_all};
use opentelemetry::context::FutureExt as _;
use semanas_client::{CallAttempt, Client, Error};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

/// What the newest result gave, for the calls that follow.
#[derive(Clone, Default)]
struct Known {
    job_id: Option<String>,
    cursor: Option<String>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let result = run(&case).await;
        println!("{result}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

async fn run(case: &Value) -> Value {
    let calls = case["calls"].as_array().cloned().unwrap_or_default();
    let heard = Arc::new(Heard::default());
    let hook = {
        let heard = heard.clone();
        move |attempt: &CallAttempt| heard.hear(attempt)
    };
    let results = match requests::client(case, hook) {
        Ok(client) => {
            call_all(&client, &calls, &heard)
                .with_context(requests::context(case))
                .await
        }
        Err(error) => calls.iter().map(|_| json!({"error": results::error(&error)})).collect(),
    };
    let attempts = std::mem::take(&mut *heard.attempts.lock().expect("no hook panics"));
    json!({"case": case["case"], "results": results, "attempts": attempts})
}

/// What the hooks were told, with the call that was being made.
#[derive(Default)]
struct Heard {
    call: AtomicUsize,
    attempts: Mutex<Vec<Value>>,
}

impl Heard {
    fn hear(&self, attempt: &CallAttempt) {
        let call = self.call.load(Ordering::Relaxed);
        let told =
            json!({"call": call, "method": attempt.method, "number": attempt.number, "code": attempt.code.name()});
        self.attempts.lock().expect("no hook panics").push(told);
    }
}

async fn call_all(client: &Client, calls: &[Value], heard: &Heard) -> Vec<Value> {
    let mut known = Known::default();
    let mut results = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        heard.call.store(number, Ordering::Relaxed);
        let call = put_in(call, &known);
        let result = call_once(client, call).await;
        learn(&mut known, &result);
        results.push(result);
    }
    results
}

fn call_once(client: &Client, call: Value) -> BoxFuture<'_, Value> {
    async move {
        match call["call"].as_str().unwrap_or_default() {
            "together" => {
                let calls = call["calls"].as_array().cloned().unwrap_or_default();
                Value::Array(join_all(calls.into_iter().map(|call| call_once(client, call))).await)
            }
            "watch_work_history" => watch(client, &call).await,
            "watch_work_histories" => watch_all(client, &call).await,
            "list_work_histories" => list(client, &call).await,
            "list_charges" => charges(client, &call).await,
            name => match unary(client, name, &call).await {
                Some(Ok(answer)) => json!({"ok": answer}),
                Some(Err(error)) => json!({"error": results::error(&error)}),
                None => json!({"unsupported": format!("the driver does not know the call {name}")}),
            },
        }
    }
    .boxed()
}

async fn unary(client: &Client, name: &str, call: &Value) -> Option<Result<Value, Error>> {
    let (job_id, request) = (requests::text(&call["job_id"]), &call["request"]);
    Some(match name {
        "lookup_nss" => client
            .lookup_nss(requests::lookup(request))
            .await
            .map(|it| results::nss(&it)),
        "submit_work_history" => {
            let answer = client.submit_work_history(requests::submit(request)).await;
            answer.map(|it| results::submitted(&it))
        }
        "get_work_history_when_done" => {
            let done =
                client.get_work_history_when_done(requests::submit(request), requests::ms(&call["time_limit_ms"]));
            done.await.map(|job| json!({"job": results::job(&job)}))
        }
        "get_work_history" => {
            let job = client.get_work_history(job_id, requests::limit(call)).await;
            job.map(|job| json!({"job": results::job(&job)}))
        }
        "cancel_work_history" => {
            let job = client.cancel_work_history(job_id).await;
            job.map(|job| json!({"job": results::job(&job)}))
        }
        "get_provider_status" => client.get_provider_status().await.map(|it| results::providers(&it)),
        "resolve_work_history" => {
            let job = client.resolve_work_history(requests::resolve(call)).await;
            job.map(|job| json!({"job": results::job(&job)}))
        }
        "health" => client
            .health()
            .await
            .map(|health| json!({"health": results::health(health)})),
        _ => return None,
    })
}

async fn watch(client: &Client, call: &Value) -> Value {
    let cursor = call["cursor"].as_str().map(str::to_owned);
    let updates = client.watch_work_history(requests::text(&call["job_id"]), cursor, requests::limit(call));
    let (list, end) = gather(updates, call, |update| results::update(&update)).await;
    json!({"updates": list, "end": end})
}

async fn watch_all(client: &Client, call: &Value) -> Value {
    let updates = client.watch_work_histories(requests::feed(call));
    let (list, end) = gather(updates, call, |update| results::feed_update(&update)).await;
    json!({"updates": list, "end": end})
}

async fn list(client: &Client, call: &Value) -> Value {
    let jobs = client.list_work_histories(requests::filter(&call["filter"]));
    let (list, end) = gather(jobs, call, |job| results::job(&job)).await;
    json!({"jobs": list, "end": end})
}

async fn charges(client: &Client, call: &Value) -> Value {
    let charges = client.list_charges(requests::charges(call));
    let (list, end) = gather(charges, call, |charge| results::charge(&charge)).await;
    match end {
        Value::String(_) => json!({"ok": {"charges": list}}),
        error => json!({"error": error}),
    }
}

/// Reads until the end, `stop_after` items or `cancel_after_ms`; leaving is a drop.
async fn gather<T>(
    stream: impl futures::Stream<Item = Result<T, Error>>,
    call: &Value,
    say: impl Fn(T) -> Value,
) -> (Vec<Value>, Value) {
    let mut stream = pin!(stream);
    let count_max = call["stop_after"].as_u64().unwrap_or(u64::MAX);
    let cancel_ms = call["cancel_after_ms"].as_u64().unwrap_or(u64::from(u32::MAX));
    let until = Instant::now() + Duration::from_millis(cancel_ms);
    let mut list: Vec<Value> = Vec::new();
    loop {
        if list.len() as u64 >= count_max {
            return (list, json!("stopped"));
        }
        match timeout_at(until, stream.next()).await {
            Ok(Some(Ok(item))) => list.push(say(item)),
            Ok(Some(Err(error))) => return (list, results::error(&error)),
            Ok(None) => return (list, json!("done")),
            Err(_) => return (list, json!("stopped")),
        }
    }
}

/// Replaces `$job_id` and `$cursor` by what the results before gave.
fn put_in(call: &Value, known: &Known) -> Value {
    match call {
        Value::String(text) => match text.as_str() {
            "$job_id" => json!(known.job_id),
            "$cursor" => json!(known.cursor),
            _ => call.clone(),
        },
        Value::Array(list) => list.iter().map(|it| put_in(it, known)).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(key, it)| (key.clone(), put_in(it, known)))
            .collect(),
        other => other.clone(),
    }
}

fn learn(known: &mut Known, result: &Value) {
    let last = result["updates"].as_array().and_then(|updates| updates.last());
    let cursors = [
        &result["ok"]["watch_cursor"],
        &result["error"]["cursor"],
        last.map_or(&Value::Null, |it| &it["cursor"]),
    ];
    let jobs = [
        &result["ok"]["job"]["job_id"],
        &result["error"]["job_id"],
        &result["error"]["job"]["job_id"],
        &result["jobs"][0]["job_id"],
    ];
    let text = |values: &[&Value]| values.iter().find_map(|it| it.as_str().map(str::to_owned));
    known.cursor = text(&cursors).or(known.cursor.take());
    known.job_id = text(&jobs).or(known.job_id.take());
}
