//! The one normal form of a work history, whichever provider it came from.
//!
//! Decides what a history holds, its order (newest first) and its bounds. It deliberately does not know any provider's
//! field names, and does not judge the content: weeks that do not add up and overlapping jobs are real, and are reported
//! as they are. A history is personal data as a whole: its Debug says its size only, and it is stored sealed.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    curp::Curp,
    nss::Nss,
    provider_id::ProviderId,
    text::{TEXT_CHARS_MAX, clean_text},
};

mod employment;
mod order;

pub(crate) use employment::{Employment, EmploymentEnd, Movement, MovementKind, RegistroPatronal};
pub(crate) use order::{sort_employments_newest_first, sort_movements_newest_first};

/// The most employments that one history keeps; the longest real ones, of day labourers, have some hundreds.
pub(crate) const EMPLOYMENTS_MAX: usize = 2000;

/// The most movements that one employment keeps: more than one salary change a month over a whole working life.
pub(crate) const MOVEMENTS_MAX: usize = 500;

/// The most warnings that one history keeps; past this they say nothing new.
pub(crate) const WARNINGS_MAX: usize = 100;

/// The code of the warning that employments over [`EMPLOYMENTS_MAX`] were left out.
pub(crate) const EMPLOYMENTS_LEFT_OUT: &str = "EMPLOYMENTS_LEFT_OUT";

/// The code of the warning that movements over [`MOVEMENTS_MAX`] were left out.
pub(crate) const MOVEMENTS_LEFT_OUT: &str = "MOVEMENTS_LEFT_OUT";

/// A work history: ordered and bounded by construction, possibly empty.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorkHistory {
    person: Person,
    weeks: Weeks,
    employments: Vec<Employment>,
    employments_total: u32,
    provenance: Provenance,
}

/// Whom the provider says the history belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// The CURP as the provider reports it.
    #[serde(default)]
    pub curp: Option<Curp>,
    /// The NSS as the provider reports it.
    #[serde(default)]
    pub nss: Option<Nss>,
    /// The name as the provider reports it, in one piece.
    #[serde(default)]
    pub full_name: Option<FullName>,
}

/// A person's name in one piece, as a provider wrote it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FullName(String);

/// The contribution weeks, each as reported; absent is not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Weeks {
    /// Weeks contributed.
    #[serde(default)]
    pub quoted: Option<u32>,
    /// Weeks taken off, for partial withdrawals.
    #[serde(default)]
    pub discounted: Option<u32>,
    /// Weeks bought back.
    #[serde(default)]
    pub reintegrated: Option<u32>,
    /// The total as the provider states it.
    #[serde(default)]
    pub total: Option<u32>,
}

/// Where a history came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Provenance {
    /// The provider.
    pub provider: ProviderId,
    /// The version of the adapter that read the answer.
    pub adapter_version: String,
    /// The provider's own name for the answer.
    #[serde(default)]
    pub provider_reference: Option<String>,
    /// When the answer arrived.
    pub retrieved_at: Timestamp,
    /// What was odd about the answer.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// Something odd about an answer that is still usable.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Warning {
    /// The provider's code, or ours in UPPER_SNAKE.
    pub code: String,
    /// The explanation. A provider may quote personal data in it, so Debug leaves it out.
    pub message: String,
}

impl WorkHistory {
    /// Puts a provider's answer into order and within bounds; what had to be left out is a warning.
    /// `employments_total` of the result counts all employments given here.
    pub(crate) fn new(
        person: Person,
        weeks: Weeks,
        mut employments: Vec<Employment>,
        mut provenance: Provenance,
    ) -> WorkHistory {
        let employments_total = u32::try_from(employments.len()).unwrap_or(u32::MAX);
        sort_employments_newest_first(&mut employments);
        provenance.warnings.truncate(WARNINGS_MAX);
        provenance.warnings.extend(bound(&mut employments));
        WorkHistory {
            person,
            weeks,
            employments,
            employments_total,
            provenance,
        }
    }

    /// The person.
    pub(crate) fn person(&self) -> &Person {
        &self.person
    }

    /// The contribution weeks.
    pub(crate) fn weeks(&self) -> Weeks {
        self.weeks
    }

    /// The employments kept, newest first.
    pub(crate) fn employments(&self) -> &[Employment] {
        &self.employments
    }

    /// How many employments the provider gave, before any cut.
    pub(crate) fn employments_total(&self) -> u32 {
        self.employments_total
    }

    /// Where the history came from.
    pub(crate) fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The history with at most `limit` employments, the newest; 0 keeps all. The total stays what it was.
    pub(crate) fn cut(mut self, limit: u32) -> WorkHistory {
        if limit > 0 {
            self.employments.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        self
    }
}

impl Weeks {
    /// Whether total = quoted - discounted + reintegrated; `None` unless all four are reported.
    pub(crate) fn reconciles(&self) -> Option<bool> {
        let [quoted, discounted, reintegrated, total] =
            [self.quoted?, self.discounted?, self.reintegrated?, self.total?].map(i64::from);
        Some(total == quoted - discounted + reintegrated)
    }
}

impl FullName {
    /// Cleans a name that a provider sent; `None` when nothing is left.
    pub(crate) fn received(text: &str) -> Option<FullName> {
        let name = clean_text(text, TEXT_CHARS_MAX);
        (!name.is_empty()).then_some(FullName(name))
    }

    /// The name itself. Personal data: never for logs, errors, metrics, keys or URLs.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl Warning {
    /// A warning, with both texts cleaned.
    pub(crate) fn new(code: &str, message: &str) -> Warning {
        Warning {
            code: clean_text(code, TEXT_CHARS_MAX),
            message: clean_text(message, TEXT_CHARS_MAX),
        }
    }
}

impl fmt::Debug for WorkHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "WorkHistory({} of {} employments, redacted)",
            self.employments.len(),
            self.employments_total
        )
    }
}

impl fmt::Debug for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FullName(redacted)")
    }
}

impl fmt::Debug for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Warning({}, message redacted)", self.code)
    }
}

/// Orders the movements and cuts what is over the bounds; the newest stay.
fn bound(employments: &mut Vec<Employment>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if employments.len() > EMPLOYMENTS_MAX {
        employments.truncate(EMPLOYMENTS_MAX);
        warnings.push(Warning::new(
            EMPLOYMENTS_LEFT_OUT,
            "the oldest employments were left out: there are too many",
        ));
    }
    let mut movements_left_out = false;
    for employment in employments {
        sort_movements_newest_first(&mut employment.movements);
        movements_left_out |= employment.movements.len() > MOVEMENTS_MAX;
        employment.movements.truncate(MOVEMENTS_MAX);
    }
    if movements_left_out {
        warnings.push(Warning::new(
            MOVEMENTS_LEFT_OUT,
            "the oldest movements of an employment were left out: there are too many",
        ));
    }
    warnings
}

#[cfg(test)]
mod tests;
