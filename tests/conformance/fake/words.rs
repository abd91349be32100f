//! The short words of the cases, written out as messages of the contract.

use anyhow::bail;
use serde_json::{Map, Value, json};

use super::script::Action;

/// The job that a case means when it names none.
const JOB_ID: &str = "wh_1";

/// The message that an action sends, as protobuf's JSON; none when it sends none.
pub fn message(action: &Action) -> anyhow::Result<Option<Value>> {
    let message = match action {
        Action::Message(message) => written_out(message.clone())?,
        Action::Snapshot(words) => {
            let cause = enumeration("SNAPSHOT_CAUSE", &words["cause"], "START");
            let mut snapshot = json!({"job": job(words)?, "cause": cause});
            if let Some(ms) = words["heartbeat_ms"].as_u64() {
                snapshot["heartbeat_interval"] = duration(ms);
            }
            json!({"cursor": words["cursor"], "terminal": words["terminal"] == true, "snapshot": snapshot})
        }
        Action::Event(words) => {
            let is_terminal = words["terminal"] == true;
            let mut event =
                json!({"sequence": words["sequence"], "state": enumeration("JOB_STATE", &words["state"], "RUNNING")});
            if is_terminal {
                event["job"] = job(words)?;
            }
            json!({"cursor": words["cursor"], "terminal": is_terminal, "event": event})
        }
        Action::Heartbeat(cursor) => json!({"cursor": cursor, "heartbeat": {}}),
        Action::Stale(cursor) => json!({"cursor": cursor, "stale": {}}),
        Action::Draining {
            cursor,
            resume_delay_ms,
        } => {
            json!({"cursor": cursor, "draining": {"resume_delay": duration(*resume_delay_ms)}})
        }
        Action::Job(words) => json!({"cursor": words["cursor"], "job": job(words)?}),
        Action::Synced(words) => {
            let mut synced = json!({});
            if let Some(ms) = words["heartbeat_ms"].as_u64() {
                synced["heartbeat_interval"] = duration(ms);
            }
            json!({"cursor": words["cursor"], "synced": synced})
        }
        Action::FeedReset(words) => {
            json!({"cursor": words["cursor"], "reset": {"cause": enumeration("SNAPSHOT_CAUSE", &words["cause"], "RESET")}})
        }
        Action::UnknownContent(cursor) => json!({"cursor": cursor}),
        Action::Headers
        | Action::DelayMs(_)
        | Action::Ok
        | Action::Error(_)
        | Action::End
        | Action::Reset(_)
        | Action::GoawayGraceful
        | Action::GoawayNow
        | Action::Close
        | Action::Freeze
        | Action::Silence
        | Action::Http { .. } => return Ok(None),
    };
    Ok(Some(message))
}

/// Puts a job wherever `$job` stands.
fn written_out(value: Value) -> anyhow::Result<Value> {
    Ok(match value {
        Value::Object(mut object) => match object.remove("$job") {
            Some(words) => job(&words)?,
            None => {
                let fields = object.into_iter().map(|(key, value)| Ok((key, written_out(value)?)));
                Value::Object(fields.collect::<anyhow::Result<Map<_, _>>>()?)
            }
        },
        Value::Array(list) => Value::Array(list.into_iter().map(written_out).collect::<anyhow::Result<_>>()?),
        other => other,
    })
}

/// A job: `job_id`, `state`, `sequence`, `employments` (how many), `reason`, `attempts` (how many), `labels`. What stands beside
/// it for the message around it is left alone.
fn job(words: &Value) -> anyhow::Result<Value> {
    const KNOWN: &[&str] = &[
        "job_id",
        "state",
        "sequence",
        "employments",
        "reason",
        "attempts",
        "labels",
        "cursor",
        "terminal",
        "heartbeat_ms",
        "cause",
    ];
    if let Some(unknown) = words
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .find(|key| !KNOWN.contains(&key.as_str()))
    {
        bail!("a job has no {unknown:?}; it has {KNOWN:?}");
    }
    let mut job = json!({
        "job_id": words["job_id"].as_str().unwrap_or(JOB_ID),
        "state": enumeration("JOB_STATE", &words["state"], "RUNNING"),
        "event_sequence": words["sequence"].as_i64().unwrap_or(1),
        "create_time": "2026-01-02T03:04:05Z",
    });
    if let Some(count) = words["employments"].as_u64() {
        let employments: Vec<Value> = (0..count).map(employment).collect();
        let person = json!({"curp": "GOAA970724HYNNNL08", "nss": "12345678903", "full_name": "ALONDRA GONZALEZ"});
        let weeks = json!({"quoted": 512, "discounted": 0, "reintegrated": 0, "total": 512});
        job["work_history"] = json!({
            "person": person, "weeks": weeks, "employments": employments, "employment_count": count,
        });
    }
    if !words["reason"].is_null() {
        let reason = enumeration("ERROR_REASON", &words["reason"], "INTERNAL");
        job["failure"] = json!({"reason": reason, "message": "it did not succeed"});
    }
    if let Some(count) = words["attempts"].as_u64() {
        let attempt = |number| json!({"attempt_id": format!("at_{number}"), "provider": "PROVIDER_KIBAN", "charge": "CHARGE_STATE_YES"});
        job["attempts"] = (0..count).map(attempt).collect();
    }
    if let Some(labels) = words["labels"].as_object() {
        job["labels"] = Value::Object(labels.clone());
    }
    Ok(job)
}

/// About 450 bytes on the wire, as an employment with some changes of salary has. They are put into one text: to build messages
/// by their descriptors takes time, and a client has as much to read.
fn employment(number: u64) -> Value {
    let date = |year: u64| json!({"year": 1950 + year % 70, "month": 1 + year % 12, "day": 1 + year % 28});
    let changes = "MODIFICACION DE SALARIO; ".repeat(12);
    json!({
        "employer": format!("COMERCIALIZADORA SINTETICA DEL NORTE NUMERO {number} SA DE CV"),
        "registro_patronal": format!("Y{:010}", number), "federal_entity": "NUEVO LEON", "federal_entity_code": "MX-NLE",
        "start_date": date(number), "end_date": date(number + 1),
        "movements": [{"type": "MOVEMENT_TYPE_MODIFICACION_DE_SALARIO", "type_text": changes, "date": date(number)}],
    })
}

/// A number stands for itself, so that a case can say one that the contract does not have.
fn enumeration(prefix: &str, value: &Value, default: &str) -> Value {
    match value {
        Value::Number(number) => Value::Number(number.clone()),
        other => Value::String(format!("{prefix}_{}", other.as_str().unwrap_or(default))),
    }
}

fn duration(ms: u64) -> Value {
    Value::String(format!("{}.{:03}s", ms / 1_000, ms % 1_000))
}
