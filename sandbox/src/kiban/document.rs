//! Kiban's JSON: the acknowledgement as documented, and the document that a look-up returns.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde::Serialize;
use serde_json::{Value, json};

use super::desk::{Accepted, Ending, Record};
use super::history;

/// Stands where the real `apiData` holds credentials.
pub const DECOY_SECRET: &str = "decoy-secret-that-must-never-be-kept";
pub(super) const PENDING: &str = "PENDING";
pub(super) const SUCCESS: &str = "SUCCESS";
/// Go's zero time: it means "not yet".
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";
/// The documented samples show Mexico's civil time of today, six hours behind.
const MEXICO_OFFSET: Offset = Offset::constant(-6);

/// The input, echoed. The order of the fields is the documented one.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Submitted {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) apellido_materno: Option<String>,
    pub(super) apellido_paterno: String,
    pub(super) curp: String,
    pub(super) primer_nombre: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) segundo_nombre: Option<String>,
}

/// The answer to the POST, field by field as documented.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Acknowledgement {
    id: String,
    created_at: String,
    finished_at: String,
    duration: u64,
    status: String,
    request: Submitted,
}

/// The answer to a look-up: the acknowledgement's fields and the rest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    #[serde(flatten)]
    head: Acknowledgement,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<history::Response>,
    error_message: String,
    events: Vec<Value>,
    cost: u32,
    extra_cost: u32,
    api_data: Vec<Value>,
}

pub(super) fn acknowledgement(accepted: &Accepted, created: Timestamp) -> Acknowledgement {
    Acknowledgement {
        id: accepted.id.clone(),
        created_at: mexico_time(created),
        finished_at: ZERO_TIME.to_owned(),
        duration: 1,
        status: PENDING.to_owned(),
        request: accepted.submitted.clone(),
    }
}

pub(super) fn document(record: &Record) -> Document {
    let mut head = acknowledgement(&record.accepted, record.created);
    let mut events = vec![event(PENDING, record.created)];
    let Some(finished) = record.finished else {
        head.status.clone_from(&record.running_status);
        return Document {
            head,
            response: None,
            error_message: String::new(),
            events,
            cost: 0,
            extra_cost: 0,
            api_data: Vec::new(),
        };
    };
    head.finished_at = mexico_time(finished);
    // Nanoseconds here, milliseconds in the acknowledgement: the real samples disagree in the same way.
    head.duration = u64::try_from((finished - record.created).get_nanoseconds()).unwrap_or(0);
    outer_status(record).clone_into(&mut head.status);
    events.push(event(&head.status, finished));
    let error_message = match &record.accepted.ending {
        Ending::Failure { message, .. } => message.clone(),
        Ending::Found { .. } | Ending::NotFound | Ending::Invalid => String::new(),
    };
    let response = history::response(&record.accepted.ending);
    Document {
        head,
        response,
        error_message,
        events,
        cost: 15,
        extra_cost: 0,
        api_data: vec![decoy(&record.accepted)],
    }
}

pub(super) fn outer_status(record: &Record) -> &str {
    match &record.accepted.ending {
        Ending::Failure { status, .. } => status,
        Ending::Found { .. } | Ending::NotFound | Ending::Invalid => SUCCESS,
    }
}

fn event(status: &str, at: Timestamp) -> Value {
    json!({"status": status, "createdAt": at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()})
}

/// Raw provider traffic with secrets and personal data in it, as the real document carries.
fn decoy(accepted: &Accepted) -> Value {
    json!({
        "url": "https://source.invalid/semanas",
        "request": {
            "headers": {"Authorization": format!("Bearer {DECOY_SECRET}"), "Cookie": format!("session={DECOY_SECRET}")},
            "body": {"curp": accepted.submitted.curp, "password": DECOY_SECRET},
        },
        "response": {"status": 200, "headers": {"Set-Cookie": format!("session={DECOY_SECRET}")}, "body": DECOY_SECRET},
    })
}

fn mexico_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::fixed(MEXICO_OFFSET))
        .strftime("%Y-%m-%dT%H:%M:%S%.6f%:z")
        .to_string()
}
