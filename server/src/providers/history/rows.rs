//! Reads the rows of a history: employments and their movements.
//!
//! Decides which names a row's fields go by, and that a list of which not one row can be understood is no known shape. It
//! deliberately keeps rows in any order; the normal form sorts them.

use serde_json::Value;

use super::oddities::{Oddities, Oddity};
use crate::{
    domain::{
        entity::FederalEntity,
        money::Money,
        reading::{DateReading, parse_date},
        text::{TEXT_CHARS_MAX, clean_text},
        work_history::{Employment, EmploymentEnd, Movement, RegistroPatronal},
    },
    providers::json,
};

const EMPLOYER: [&str; 5] = ["employername", "nombrepatron", "companyname", "patron", "employer"];
const REGISTRO: [&str; 4] = [
    "employeridnumber",
    "registropatronal",
    "employerregistry",
    "employerregistration",
];
const ENTITY: [&str; 4] = ["state", "entidadfederativa", "employerentity", "federalentity"];
const START: [&str; 4] = ["dateregistration", "fechaalta", "startdate", "startingdate"];
const END: [&str; 4] = ["datetermination", "fechabaja", "enddate", "endingdate"];
const SALARY: [&str; 4] = ["basesalary", "salariobasecotizacion", "salariobase", "salary"];
const MOVEMENTS: [&str; 2] = ["movements", "movimientos"];
const MOVEMENT_WORD: [&str; 3] = ["typemovement", "evento", "eventtype"];
const MOVEMENT_DATE: [&str; 3] = ["datemovement", "fecha", "eventdate"];

/// The employments of a list; `None` when there are rows and none of them has a field that is known.
pub(super) fn employments(rows: &[Value], oddities: &mut Oddities) -> Option<Vec<Employment>> {
    let employments: Vec<Employment> = rows.iter().filter_map(|row| employment(row, oddities)).collect();
    (rows.is_empty() || !employments.is_empty()).then_some(employments)
}

fn employment(row: &Value, oddities: &mut Oddities) -> Option<Employment> {
    let is_known = [&EMPLOYER[..], &REGISTRO, &START, &END]
        .iter()
        .any(|names| json::field(row, names).is_some());
    oddities.note_if(!is_known, Oddity::UnreadableEmployment);
    if !is_known {
        return None;
    }
    let registro_patronal = json::text(row, &REGISTRO).and_then(RegistroPatronal::read);
    let is_odd = registro_patronal
        .as_ref()
        .is_some_and(|registro| !registro.is_plausible());
    oddities.note_if(is_odd, Oddity::ImplausibleRegistro);
    let movements = json::field(row, &MOVEMENTS).and_then(Value::as_array);
    Some(Employment {
        employer: clean_text(json::text(row, &EMPLOYER).unwrap_or_default(), TEXT_CHARS_MAX),
        registro_patronal,
        entity: json::text(row, &ENTITY).and_then(FederalEntity::read),
        start: date(row, &START, oddities).date(),
        end: EmploymentEnd::from_reading(date(row, &END, oddities)),
        daily_base_salary: salary(row, oddities),
        movements: movements
            .into_iter()
            .flatten()
            .filter_map(|row| movement(row, oddities))
            .collect(),
    })
}

/// A movement of which neither word nor date is known says nothing.
fn movement(row: &Value, oddities: &mut Oddities) -> Option<Movement> {
    let word = json::text(row, &MOVEMENT_WORD);
    if word.is_none() && json::field(row, &MOVEMENT_DATE).is_none() {
        return None;
    }
    let on = date(row, &MOVEMENT_DATE, oddities).date();
    Some(Movement::read(word.unwrap_or_default(), on, salary(row, oddities)))
}

fn date(row: &Value, names: &[&str], oddities: &mut Oddities) -> DateReading {
    let reading = match json::field(row, names) {
        None => DateReading::Absent,
        Some(Value::String(text)) => parse_date(text),
        Some(_) => DateReading::Unreadable,
    };
    oddities.note_if(reading == DateReading::Unreadable, Oddity::UnreadableDate);
    reading
}

fn salary(row: &Value, oddities: &mut Oddities) -> Option<Money> {
    let value = json::field(row, &SALARY)?;
    let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    let amount = json::as_text(value).and_then(|text| Money::parse(text).ok());
    oddities.note_if(amount.is_none() && !is_blank, Oddity::UnreadableSalary);
    oddities.note_if(amount.is_some_and(Money::is_negative), Oddity::NegativeSalary);
    amount
}
