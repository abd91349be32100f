//! Kiban's JSON, going out and coming in.
//!
//! Decides what of a document is looked at. It deliberately leaves `apiData`, `cost`, `duration` and `errorMessage` alone:
//! the first may hold secrets, the others have no published meaning.

use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::reading::{DateReading, parse_date},
    providers::{json, reference},
};

/// The body of the POST. Personal data: it has no `Debug`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Submission<'a> {
    pub curp: &'a str,
    pub primer_nombre: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segundo_nombre: Option<&'a str>,
    pub apellido_paterno: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apellido_materno: Option<&'a str>,
}

/// What the POST, the look-up and the callback all carry. Personal data: it has no `Debug`.
pub(super) struct Document {
    pub id: Option<String>,
    /// In upper case.
    pub status: Option<String>,
    /// Whether `finishedAt` is a real time. Go's zero time means that it is not set.
    pub is_finished: bool,
    /// The CURP of the echoed request.
    pub asked_curp: Option<String>,
    /// The inner status, in upper case.
    pub inner_status: Option<String>,
    /// The whole of it, for the history reader.
    pub whole: Value,
}

impl Document {
    /// Reads any JSON; what is not there is `None`.
    pub(super) fn read(whole: Value) -> Document {
        let id = json::text(&whole, &["id", "requestid"]).and_then(reference);
        let upper = |text: &str| text.to_ascii_uppercase();
        let finished_at = json::text(&whole, &["finishedat"]).map(parse_date);
        let request = json::field(&whole, &["request"]);
        let response = json::field(&whole, &["response"]);
        Document {
            id,
            status: json::text(&whole, &["status"]).map(upper),
            is_finished: matches!(finished_at, Some(DateReading::On(_))),
            asked_curp: request
                .and_then(|request| json::text(request, &["curp"]))
                .map(str::to_owned),
            inner_status: response
                .and_then(|response| json::text(response, &["status"]))
                .map(upper),
            whole,
        }
    }
}
