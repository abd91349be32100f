//! Tu Identidad's result document, in the documented order, with the shapes in which it is known to vary.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Number;

use super::messages::Flat;
use crate::history::{Employment, Movement, Salary, Weeks};
use crate::people::Person;
use crate::scenario::{CurrentJob, ListOrder, TuIdentidadScenario, ValidName, WeeksShape};

/// Whose history, under which NSS, and how many rows of it (0: all).
pub(super) struct Subject<'a> {
    pub(super) person: &'a Person,
    pub(super) nss: &'a str,
    pub(super) limit: usize,
}

/// The outer object; the name of its first field varies in case.
pub(super) struct Document {
    valid_name: &'static str,
    valid: bool,
    data: Data,
    warnings: Vec<Flat>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    success: bool,
    verification_id: String,
    #[serde(rename = "generaldata")]
    general_data: Option<GeneralData>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GeneralData {
    work_history: Vec<Row>,
    #[serde(rename = "quotationweeks")]
    quotation_weeks: WeeksField,
    employee_name: String,
    date_insurance: String,
    number_quotation_weeks: u32,
    nss: String,
    curp: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    employer_name: String,
    employer_id_number: String,
    state: String,
    date_registration: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_termination: Option<Option<String>>,
    base_salary: Number,
    movements: Vec<MovementRow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MovementRow {
    type_movement: &'static str,
    date_movement: String,
    base_salary: Number,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WeeksField {
    Object(WeeksRow),
    Array([WeeksRow; 1]),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WeeksRow {
    quoted_weeks: u32,
    discounted_weeks: u32,
    reintegrated_weeks: u32,
}

/// `valid: true` with the history, and a warning when the answer is a partial one.
pub(super) fn document(
    subject: &Subject<'_>,
    verification_id: &str,
    now: Timestamp,
    scenario: &TuIdentidadScenario,
) -> Document {
    let person = subject.person;
    let weeks = person.history.weeks;
    let mut rows: Vec<Row> = person
        .history
        .newest(subject.limit)
        .iter()
        .map(|job| row(job, scenario))
        .collect();
    if scenario.order == Some(ListOrder::OldestFirst) {
        rows.reverse();
    }
    let general_data = GeneralData {
        work_history: rows,
        quotation_weeks: weeks_field(weeks, scenario),
        employee_name: person.full_name(),
        date_insurance: now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        number_quotation_weeks: weeks.total,
        nss: subject.nss.to_owned(),
        curp: person.curp.clone(),
    };
    let is_partial = scenario.partial == Some(true);
    let warnings = if is_partial {
        vec![super::messages::of("WH002").flat(None)]
    } else {
        Vec::new()
    };
    wrap(true, verification_id, Some(general_data), warnings, scenario)
}

/// `valid: false` without data, and the warning that says why.
pub(super) fn nothing(verification_id: &str, warning: Flat, scenario: &TuIdentidadScenario) -> Document {
    wrap(false, verification_id, None, vec![warning], scenario)
}

fn wrap(
    valid: bool,
    verification_id: &str,
    general_data: Option<GeneralData>,
    warnings: Vec<Flat>,
    scenario: &TuIdentidadScenario,
) -> Document {
    let valid_name = match scenario.valid_name {
        Some(ValidName::Upper) => "Valid",
        Some(ValidName::Lower) | None => "valid",
    };
    let data = Data {
        success: true,
        verification_id: verification_id.to_owned(),
        general_data,
    };
    Document {
        valid_name,
        valid,
        data,
        warnings,
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry(self.valid_name, &self.valid)?;
        map.serialize_entry("data", &self.data)?;
        map.serialize_entry("warnings", &self.warnings)?;
        map.end()
    }
}

fn row(job: &Employment, scenario: &TuIdentidadScenario) -> Row {
    Row {
        employer_name: job.employer.clone(),
        employer_id_number: job.registry.clone(),
        state: job.entity.clone(),
        date_registration: date_time(job.start),
        date_termination: termination(job.end, scenario),
        base_salary: amount(job.salary),
        movements: job.movements.iter().map(movement).collect(),
    }
}

fn movement(movement: &Movement) -> MovementRow {
    MovementRow {
        type_movement: movement.kind,
        date_movement: date_time(movement.date),
        base_salary: amount(movement.salary),
    }
}

/// Outer `None` leaves the field out, inner `None` writes null.
fn termination(end: Option<Date>, scenario: &TuIdentidadScenario) -> Option<Option<String>> {
    match (end, scenario.current_job) {
        (Some(end), _) => Some(Some(date_time(end))),
        (None, Some(CurrentJob::Null) | None) => Some(None),
        (None, Some(CurrentJob::Absent)) => None,
        (None, Some(CurrentJob::MinimumDate)) => Some(Some("0001-01-01T00:00:00".to_owned())),
        (None, Some(CurrentJob::Vigente)) => Some(Some("Vigente".to_owned())),
    }
}

fn weeks_field(weeks: Weeks, scenario: &TuIdentidadScenario) -> WeeksField {
    let row = WeeksRow {
        quoted_weeks: weeks.quoted,
        discounted_weeks: weeks.discounted,
        reintegrated_weeks: weeks.reintegrated,
    };
    match scenario.weeks {
        Some(WeeksShape::Array) => WeeksField::Array([row]),
        Some(WeeksShape::Object) | None => WeeksField::Object(row),
    }
}

fn date_time(date: Date) -> String {
    format!("{date}T00:00:00.000Z")
}

/// A JSON number that keeps both decimals (`0.00`), as the documented sample shows.
fn amount(salary: Salary) -> Number {
    salary
        .plain()
        .parse()
        .expect("digits, a point and two digits are a JSON number")
}
