//! What is odd about an answer that can be used all the same.
//!
//! Decides the stable codes and sentences of our own warnings. They are counted rather than listed, so that a history of
//! a thousand rows with one defect each has one warning. It deliberately holds no part of what was odd.

use std::collections::BTreeMap;

use crate::domain::{nss::NssWarning, work_history::Warning};

/// A kind of defect that does not make an answer useless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oddity {
    UnreadableEmployment,
    UnreadableDate,
    UnreadableSalary,
    NegativeSalary,
    ImplausibleRegistro,
    UnreadableWeeks,
    WeeksNotReconciled,
    UnreadableCurp,
    UnreadableNss,
}

/// The defects of one answer.
#[derive(Default)]
pub(super) struct Oddities {
    counts: BTreeMap<Oddity, usize>,
    nss_warning: Option<NssWarning>,
}

impl Oddities {
    pub(super) fn note_if(&mut self, is_odd: bool, oddity: Oddity) {
        if is_odd {
            *self.counts.entry(oddity).or_default() += 1;
        }
    }

    pub(super) fn extend(&mut self, nss_warning: Option<NssWarning>) {
        self.nss_warning = self.nss_warning.or(nss_warning);
    }

    pub(super) fn into_warnings(self) -> Vec<Warning> {
        let counted = self.counts.into_iter().map(|(oddity, count)| {
            let message = format!("{} ({count} in this answer)", oddity.message());
            Warning::new(oddity.code(), &message)
        });
        let nss_warning = self.nss_warning;
        counted
            .chain(nss_warning.map(|warning| Warning::new(warning.code(), warning.message())))
            .collect()
    }
}

impl Oddity {
    fn code(self) -> &'static str {
        match self {
            Oddity::UnreadableEmployment => "UNREADABLE_EMPLOYMENT",
            Oddity::UnreadableDate => "UNREADABLE_DATE",
            Oddity::UnreadableSalary => "UNREADABLE_SALARY",
            Oddity::NegativeSalary => "NEGATIVE_SALARY",
            Oddity::ImplausibleRegistro => "IMPLAUSIBLE_REGISTRO_PATRONAL",
            Oddity::UnreadableWeeks => "UNREADABLE_WEEKS",
            Oddity::WeeksNotReconciled => "WEEKS_NOT_RECONCILED",
            Oddity::UnreadableCurp => "UNREADABLE_CURP",
            Oddity::UnreadableNss => "UNREADABLE_NSS",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Oddity::UnreadableEmployment => "an employment cannot be read and is left out",
            Oddity::UnreadableDate => "a date cannot be read and is left out",
            Oddity::UnreadableSalary => "a salary cannot be read and is left out",
            Oddity::NegativeSalary => "a salary is negative; it is given as received",
            Oddity::ImplausibleRegistro => "a registro patronal does not look like one; it is given as received",
            Oddity::UnreadableWeeks => "a number of weeks cannot be read and is left out",
            Oddity::WeeksNotReconciled => "the total is not quoted - discounted + reintegrated weeks",
            Oddity::UnreadableCurp => "what the provider sent as CURP is none and is left out",
            Oddity::UnreadableNss => "what the provider sent as NSS is none and is left out",
        }
    }
}
