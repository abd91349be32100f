//! Writes a work history.

use jiff::civil::Date;
use semanas_proto::v1;

use super::{count, instant, provider};
use crate::{
    domain::{
        money::{CURRENCY, Money},
        work_history::{Employment, EmploymentEnd, Movement, MovementKind, Person, Provenance, Warning, Weeks},
    },
    engine::JobAnswer,
};

pub(super) fn work_history(answer: JobAnswer) -> v1::WorkHistory {
    let history = &answer.history;
    v1::WorkHistory {
        person: Some(person(history.person())),
        weeks: Some(weeks(history.weeks())),
        employments: history.employments().iter().map(employment).collect(),
        employment_count: i32::try_from(answer.employment_count).unwrap_or(i32::MAX),
        provenance: Some(provenance(history.provenance())),
        nss_provenance: answer.nss_provenance.as_ref().map(provenance),
    }
}

pub(super) fn provenance(provenance: &Provenance) -> v1::Provenance {
    v1::Provenance {
        provider: provider(provenance.provider).into(),
        adapter_version: provenance.adapter_version.clone(),
        provider_reference: provenance.provider_reference.clone().unwrap_or_default(),
        retrieve_time: Some(instant(provenance.retrieved_at)),
        warnings: provenance.warnings.iter().map(warning).collect(),
    }
}

fn person(person: &Person) -> v1::Person {
    v1::Person {
        curp: person
            .curp
            .as_ref()
            .map(|curp| curp.expose().to_owned())
            .unwrap_or_default(),
        nss: person
            .nss
            .as_ref()
            .map(|nss| nss.expose().to_owned())
            .unwrap_or_default(),
        full_name: person
            .full_name
            .as_ref()
            .map(|name| name.expose().to_owned())
            .unwrap_or_default(),
    }
}

fn weeks(weeks: Weeks) -> v1::Weeks {
    v1::Weeks {
        quoted: weeks.quoted.map(count),
        discounted: weeks.discounted.map(count),
        reintegrated: weeks.reintegrated.map(count),
        total: weeks.total.map(count),
        reconciles: weeks.reconciles(),
    }
}

fn employment(employment: &Employment) -> v1::Employment {
    let (end_date, current) = match employment.end {
        EmploymentEnd::Current => (None, true),
        EmploymentEnd::On(day) => (Some(date(day)), false),
        EmploymentEnd::Unknown => (None, false),
    };
    let entity = employment.entity.as_ref();
    v1::Employment {
        employer: employment.employer.clone(),
        registro_patronal: employment
            .registro_patronal
            .as_ref()
            .map(|text| text.as_str().to_owned())
            .unwrap_or_default(),
        federal_entity: entity.map(|entity| entity.raw().to_owned()).unwrap_or_default(),
        federal_entity_code: entity.and_then(|entity| entity.code()).unwrap_or_default().to_owned(),
        start_date: employment.start.map(date),
        end_date,
        current,
        daily_base_salary: employment.daily_base_salary.map(money),
        movements: employment.movements.iter().map(movement).collect(),
    }
}

fn movement(movement: &Movement) -> v1::Movement {
    let kind = match movement.kind {
        MovementKind::Alta => v1::MovementType::Alta,
        MovementKind::Reingreso => v1::MovementType::Reingreso,
        MovementKind::ModificacionDeSalario => v1::MovementType::ModificacionDeSalario,
        MovementKind::Baja => v1::MovementType::Baja,
        MovementKind::Other => v1::MovementType::Unspecified,
    };
    v1::Movement {
        r#type: kind.into(),
        type_text: movement.raw.clone(),
        date: movement.date.map(date),
        daily_base_salary: movement.daily_base_salary.map(money),
    }
}

fn warning(warning: &Warning) -> v1::Warning {
    v1::Warning {
        code: warning.code.clone(),
        message: warning.message.clone(),
    }
}

fn date(date: Date) -> v1::Date {
    v1::Date {
        year: date.year().into(),
        month: date.month().into(),
        day: date.day().into(),
    }
}

fn money(money: Money) -> v1::Money {
    v1::Money {
        currency_code: CURRENCY.to_owned(),
        units: money.units(),
        nanos: money.nanos(),
    }
}
