//! Reads requests into the engine's types: what passes is right by construction, and what does not is named field by field.
//!
//! Decides which values a field may have; every wrong one is reported at once. It deliberately does not know which routes
//! exist or what the store holds. No description repeats a value: it may be personal data, put into the wrong field.

mod fields;
mod operations;
#[cfg(test)]
mod tests;
mod work_history;

pub(super) use self::{
    operations::{charges, resolve},
    work_history::{get, job_id, list, lookup, submit, watch, watch_all},
};
use crate::domain::reason::Reason;

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// Path of the field as the contract names it, for example `subject.curp`.
    pub(super) field: String,
    pub(super) description: String,
    pub(super) reason: Reason,
}

/// Why a request is refused: at least one wrong field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    violations: Vec<Violation>,
}

/// The wrong fields found so far.
#[derive(Default)]
struct Violations(Vec<Violation>);

impl Refusal {
    /// INVALID_CURP or INVALID_NSS when nothing else is wrong, else INVALID_REQUEST.
    pub(super) fn reason(&self) -> Reason {
        let mut reasons = self.violations.iter().map(|violation| violation.reason);
        let first = reasons.next().unwrap_or(Reason::InvalidRequest);
        if reasons.all(|reason| reason == first) {
            first
        } else {
            Reason::InvalidRequest
        }
    }

    #[cfg(test)]
    pub(super) fn of(violations: Vec<Violation>) -> Refusal {
        Refusal { violations }
    }

    pub(super) fn into_violations(self) -> Vec<Violation> {
        self.violations
    }
}

impl Violations {
    fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.add_for(Reason::InvalidRequest, field, description);
    }

    fn add_for(&mut self, reason: Reason, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(Violation {
            field: field.into(),
            description: description.into(),
            reason,
        });
    }

    /// The request, unless a field of it was wrong. `None` comes only with a violation: its cause was added when it was found.
    fn unless_any<T>(self, request: Option<T>) -> Result<T, Refusal> {
        match request {
            Some(request) if self.0.is_empty() => Ok(request),
            Some(_) | None => Err(Refusal { violations: self.0 }),
        }
    }
}
