//! What stands inside an outer SUCCESS: the inner status and, when found, the work history.
//!
//! Nobody publishes Kiban's success JSON. This file is the one place where the sandbox defines it, with Spanish names
//! as other vendors use them, printed money and `dd/mm/yyyy` dates. Two more shapes serve to test a tolerant reader.

use jiff::civil::Date;
use serde::Serialize;

use super::desk::Ending;
use crate::history::{Employment, Movement};
use crate::people::Person;
use crate::scenario::KibanShape;

/// `status`, `message`, and the fields of one shape beside them.
#[derive(Serialize)]
pub(super) struct Response {
    status: &'static str,
    message: &'static str,
    #[serde(flatten)]
    found: Option<Found>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Found {
    Spanish(Spanish),
    English(English),
    Unknown { resultado: Unknown },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spanish {
    nombre: String,
    curp: String,
    nss: String,
    semanas_cotizadas: SpanishWeeks,
    historial_laboral: Vec<SpanishRow>,
}

/// Numbers as strings, as real portals print them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanishWeeks {
    semanas_cotizadas: String,
    semanas_descontadas: String,
    semanas_reintegradas: String,
    total_semanas: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanishRow {
    nombre_patron: String,
    registro_patronal: String,
    entidad_federativa: String,
    fecha_alta: String,
    fecha_baja: String,
    salario_base_cotizacion: String,
    movimientos: Vec<SpanishMovement>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanishMovement {
    evento: &'static str,
    fecha: String,
    salario_base: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct English {
    name: String,
    curp: String,
    nss: String,
    quoted_weeks: u32,
    discounted_weeks: u32,
    reintegrated_weeks: u32,
    employments: Vec<EnglishRow>,
}

#[derive(Serialize)]
struct EnglishRow {
    employer: String,
    employer_registration: String,
    federal_entity: String,
    start_date: String,
    end_date: Option<String>,
    base_salary: String,
    movements: Vec<EnglishMovement>,
}

#[derive(Serialize)]
struct EnglishMovement {
    event_type: &'static str,
    event_date: String,
    base_salary: String,
}

/// A history whose names no reader knows: a contract that changed overnight.
#[derive(Serialize)]
struct Unknown {
    filas: Vec<[String; 3]>,
}

/// What a document says inside; a failed one has nothing inside.
pub(super) fn response(ending: &Ending) -> Option<Response> {
    let (status, message, found) = match ending {
        Ending::Found { person, shape } => ("FOUND", "", Some(found(person, *shape))),
        Ending::NotFound => ("NOT_FOUND", "NSS not found in IMSS", None),
        Ending::Invalid => ("INVALID", "the data does not match a person", None),
        Ending::Failure { .. } => return None,
    };
    Some(Response { status, message, found })
}

fn found(person: &Person, shape: KibanShape) -> Found {
    match shape {
        KibanShape::Spanish => Found::Spanish(spanish(person)),
        KibanShape::English => Found::English(english(person)),
        KibanShape::Unknown => Found::Unknown {
            resultado: unknown(person),
        },
    }
}

fn spanish(person: &Person) -> Spanish {
    let weeks = person.history.weeks;
    Spanish {
        nombre: person.full_name(),
        curp: person.curp.clone(),
        nss: person.nss.clone().unwrap_or_default(),
        semanas_cotizadas: SpanishWeeks {
            semanas_cotizadas: weeks.quoted.to_string(),
            semanas_descontadas: weeks.discounted.to_string(),
            semanas_reintegradas: weeks.reintegrated.to_string(),
            total_semanas: weeks.total.to_string(),
        },
        historial_laboral: person.history.employments.iter().map(spanish_row).collect(),
    }
}

fn spanish_row(job: &Employment) -> SpanishRow {
    SpanishRow {
        nombre_patron: job.employer.clone(),
        registro_patronal: job.registry.clone(),
        entidad_federativa: job.entity.clone(),
        fecha_alta: printed(job.start),
        fecha_baja: job.end.map_or_else(|| "Vigente".to_owned(), printed),
        salario_base_cotizacion: job.salary.printed(),
        movimientos: job.movements.iter().map(spanish_movement).collect(),
    }
}

fn spanish_movement(movement: &Movement) -> SpanishMovement {
    SpanishMovement {
        evento: movement.kind,
        fecha: printed(movement.date),
        salario_base: movement.salary.printed(),
    }
}

fn english(person: &Person) -> English {
    let weeks = person.history.weeks;
    English {
        name: person.full_name(),
        curp: person.curp.clone(),
        nss: person.nss.clone().unwrap_or_default(),
        quoted_weeks: weeks.quoted,
        discounted_weeks: weeks.discounted,
        reintegrated_weeks: weeks.reintegrated,
        employments: person.history.employments.iter().map(english_row).collect(),
    }
}

fn english_row(job: &Employment) -> EnglishRow {
    let movement = |movement: &Movement| EnglishMovement {
        event_type: movement.kind,
        event_date: movement.date.to_string(),
        base_salary: movement.salary.plain(),
    };
    EnglishRow {
        employer: job.employer.clone(),
        employer_registration: job.registry.clone(),
        federal_entity: job.entity.clone(),
        start_date: job.start.to_string(),
        end_date: job.end.map(|end| end.to_string()),
        base_salary: job.salary.plain(),
        movements: job.movements.iter().map(movement).collect(),
    }
}

fn unknown(person: &Person) -> Unknown {
    let row = |job: &Employment| [job.employer.clone(), job.start.to_string(), job.salary.plain()];
    Unknown {
        filas: person.history.employments.iter().map(row).collect(),
    }
}

fn printed(date: Date) -> String {
    date.strftime("%d/%m/%Y").to_string()
}
