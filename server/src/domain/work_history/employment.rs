//! One employment: a stretch of work for one employer, with its movements.
//!
//! Decides what is kept of it and how the words of the providers for an end and for a movement are understood. It
//! deliberately does not check dates against each other: one-day jobs and overlaps are real.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::{
    entity::FederalEntity,
    money::Money,
    reading::DateReading,
    text::{TEXT_CHARS_MAX, clean_text, fold},
};

/// The length of a registro patronal: officially 11 characters, usually shown as 10, sometimes as 9.
const REGISTRO_CHARS: std::ops::RangeInclusive<usize> = 9..=11;

/// An employment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Employment {
    /// The employer's name, cleaned; empty where the provider gave none.
    pub employer: String,
    /// The employer's registration with IMSS.
    #[serde(default)]
    pub registro_patronal: Option<RegistroPatronal>,
    /// Where the employer is registered.
    #[serde(default)]
    pub entity: Option<FederalEntity>,
    /// The first day.
    #[serde(default)]
    pub start: Option<Date>,
    /// The last day, or that there is none.
    pub end: EmploymentEnd,
    /// The base salary for one day, as last reported.
    #[serde(default)]
    pub daily_base_salary: Option<Money>,
    /// What happened meanwhile, newest first.
    #[serde(default)]
    pub movements: Vec<Movement>,
}

/// How an employment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EmploymentEnd {
    /// It has not ended.
    Current,
    /// It ended on this day.
    On(Date),
    /// The provider wrote something that cannot be read.
    Unknown,
}

/// One entry in the record of an employment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Movement {
    /// What happened.
    pub kind: MovementKind,
    /// What happened, in the provider's words, cleaned.
    pub raw: String,
    /// When.
    #[serde(default)]
    pub date: Option<Date>,
    /// The base salary for one day from then on.
    #[serde(default)]
    pub daily_base_salary: Option<Money>,
}

/// The kinds of movement that IMSS records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MovementKind {
    /// ALTA: the employer registers the person.
    Alta,
    /// REINGRESO: the employer registers the person again.
    Reingreso,
    /// MODIFICACION DE SALARIO: the salary changes.
    ModificacionDeSalario,
    /// BAJA: the employer takes the person off.
    Baja,
    /// Another word; the raw text has it.
    Other,
}

/// The registration of an employer with IMSS, as a provider shows it: it may be masked with `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RegistroPatronal(String);

impl EmploymentEnd {
    /// The end that a reading states. No date means that the job is current: the providers mark a current job by null,
    /// by absence, by a zero date or by the word `Vigente`.
    pub(crate) fn from_reading(reading: DateReading) -> EmploymentEnd {
        match reading {
            DateReading::On(date) => EmploymentEnd::On(date),
            DateReading::Current | DateReading::Absent => EmploymentEnd::Current,
            DateReading::Unreadable => EmploymentEnd::Unknown,
        }
    }
}

impl Movement {
    /// A movement by the provider's word for it.
    pub(crate) fn read(word: &str, date: Option<Date>, daily_base_salary: Option<Money>) -> Movement {
        let raw = clean_text(word, TEXT_CHARS_MAX);
        Movement {
            kind: MovementKind::read(&raw),
            raw,
            date,
            daily_base_salary,
        }
    }
}

impl MovementKind {
    /// The kind that a word means, in any case, with or without accents, with spaces or underscores.
    pub(crate) fn read(word: &str) -> MovementKind {
        match fold(word).as_str() {
            "ALTA" => MovementKind::Alta,
            "REINGRESO" => MovementKind::Reingreso,
            "MODIFICACION DE SALARIO" => MovementKind::ModificacionDeSalario,
            "BAJA" => MovementKind::Baja,
            _ => MovementKind::Other,
        }
    }
}

impl RegistroPatronal {
    /// Keeps what the provider sent, cleaned; `None` when nothing is left.
    pub(crate) fn read(text: &str) -> Option<RegistroPatronal> {
        let text = clean_text(text, TEXT_CHARS_MAX);
        (!text.is_empty()).then_some(RegistroPatronal(text))
    }

    /// The registration as received.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it looks like a registration: 9 to 11 letters, digits or mask characters, spaces and hyphens apart.
    pub(crate) fn is_plausible(&self) -> bool {
        let mut significant = self.0.chars().filter(|c| !matches!(c, ' ' | '-'));
        REGISTRO_CHARS.contains(&significant.clone().count())
            && significant.all(|c| c.is_ascii_alphanumeric() || c == '*')
    }
}
