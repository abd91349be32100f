//! Nubarium's JSON, going out and coming in, under the field names of all its generations.
//!
//! Decides what of an answer is looked at. It deliberately does not read the message: its wording varies and is the
//! portal's own.

use serde::Serialize;
use serde_json::Value;

use crate::providers::json;

/// The body of the request. Personal data: it has no `Debug`.
#[derive(Serialize)]
pub(super) struct Question<'a> {
    pub curp: &'a str,
}

/// The flat answer. Personal data: it has no `Debug`.
pub(super) struct Body<'a> {
    pub status: Option<&'a str>,
    /// The digit of `codigoMensaje`, which comes as a number or as text.
    pub code: Option<&'a str>,
    pub validation_code: Option<&'a str>,
    pub nss: Option<&'a str>,
    pub curp: Option<&'a str>,
    pub full_name: Option<&'a str>,
}

impl Body<'_> {
    pub(super) fn read(value: &Value) -> Body<'_> {
        Body {
            status: json::text(value, &["estatus", "status"]),
            code: json::text(value, &["codigomensaje", "clavemensaje", "messagecode"]),
            validation_code: json::text(value, &["codigovalidacion", "validationcode"]),
            nss: json::text(value, &["nss"]),
            curp: json::text(value, &["curp"]),
            full_name: json::text(value, &["nombre", "name"]),
        }
    }
}
