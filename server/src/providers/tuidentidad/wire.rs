//! Tu Identidad's fields, going out and coming in.
//!
//! Decides what of an answer is looked at: the same few fields in a result, in a ticket and in an error body. It
//! deliberately ignores `dateInsurance`, which is documented as a truth value and shown as a date.

use serde_json::Value;

use crate::{
    domain::work_history::Warning,
    providers::{json, reference},
};

/// The field names of both requests, as documented.
pub(super) const CURP: &str = "CURP";
pub(super) const NSS: &str = "NSS";
pub(super) const LIMIT: &str = "Limit";
pub(super) const VERIFICATION_ID: &str = "verificationId";

/// Everything, because a narrower answer could not serve a wider request later.
pub(super) const LIMIT_ALL: &str = "0";

/// An answer. Personal data: it has no `Debug`.
pub(super) struct Body<'a> {
    pub valid: Option<bool>,
    /// Whether the request was done, which does not say that anything was found.
    pub success: Option<bool>,
    pub verification_id: Option<String>,
    /// The code of a flat body.
    pub code: Option<&'a str>,
    pub message: Option<&'a str>,
    pub warnings: Vec<Notice<'a>>,
}

/// A warning beside a result.
pub(super) struct Notice<'a> {
    pub code: &'a str,
    pub message: &'a str,
}

impl Body<'_> {
    pub(super) fn read(value: &Value) -> Body<'_> {
        let data = json::field(value, &["data"]).unwrap_or(&Value::Null);
        let id = |value| json::text(value, &["verificationid"]).and_then(reference);
        let warnings = json::field(value, &["warnings"]).and_then(Value::as_array);
        Body {
            valid: json::flag(value, &["valid"]),
            success: json::flag(data, &["success"]),
            verification_id: id(value).or_else(|| id(data)),
            code: json::text(value, &["code"]).filter(|code| is_code(code)),
            message: json::text(value, &["message"]),
            warnings: warnings.into_iter().flatten().filter_map(Notice::read).collect(),
        }
    }
}

impl<'a> Notice<'a> {
    fn read(value: &'a Value) -> Option<Notice<'a>> {
        Some(Notice {
            code: json::text(value, &["code"]).filter(|code| is_code(code))?,
            message: json::text(value, &["message"]).unwrap_or_default(),
        })
    }

    pub(super) fn warning(&self) -> Warning {
        Warning::new(self.code, self.message)
    }
}

/// `WH` and three digits; anything else is not of this service, and might hold personal data.
fn is_code(code: &str) -> bool {
    code.strip_prefix("WH")
        .is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
}
