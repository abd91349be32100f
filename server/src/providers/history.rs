//! Reads a work history out of whatever JSON a provider wraps it in.
//!
//! Decides where a history may stand, under which names its parts are known across vendors, and what about it is odd. It
//! deliberately knows no provider: Kiban publishes no JSON for a success, and both sell the same IMSS document. Where
//! neither a list of employments nor weeks are found there is no known shape, and that is said rather than an empty
//! history made up.

mod oddities;
mod rows;

use serde_json::Value;

use self::oddities::{Oddities, Oddity};
use crate::{
    domain::{
        curp::Curp,
        nss::Nss,
        reading::parse_count,
        work_history::{Employment, FullName, Person, Provenance, Warning, Weeks, WorkHistory},
    },
    providers::json,
};

/// Where a history may stand below the document's top, innermost first; the top itself comes last.
const PLACES: [&[&str]; 8] = [
    &["response", "data", "generaldata"],
    &["data", "generaldata"],
    &["response", "generaldata"],
    &["generaldata"],
    &["response", "data"],
    &["response"],
    &["data"],
    &[],
];

const LIST: [&str; 3] = ["workhistory", "historiallaboral", "employments"];
const WEEKS: [&str; 2] = ["quotationweeks", "semanascotizadas"];
const WEEKS_QUOTED: [&str; 3] = ["quotedweeks", "semanascotizadas", "listedweeks"];
const WEEKS_DISCOUNTED: [&str; 2] = ["discountedweeks", "semanasdescontadas"];
const WEEKS_REINTEGRATED: [&str; 3] = ["reintegratedweeks", "semanasreintegradas", "reinstatedweeks"];
const WEEKS_TOTAL: [&str; 4] = ["numberquotationweeks", "totalsemanas", "semanastotales", "totalweeks"];
const CURP: [&str; 1] = ["curp"];
const NSS: [&str; 3] = ["nss", "numeroseguridadsocial", "numerodeseguridadsocial"];
const FULL_NAME: [&str; 5] = ["employeename", "nombrecompleto", "fullname", "nombre", "name"];

/// A history as it was found, not yet in the normal form.
pub(super) struct FoundHistory {
    person: Person,
    weeks: Weeks,
    employments: Vec<Employment>,
    warnings: Vec<Warning>,
}

/// Whom an answer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The person that was asked for, or nobody: providers leave the CURP out, or put something else in its place.
    Asked,
    /// Certainly somebody else.
    SomebodyElse,
}

/// Finds the history in a document; `None` when nothing in it is a history in any known shape.
pub(super) fn find(document: &Value) -> Option<FoundHistory> {
    let places: Vec<&Value> = PLACES.iter().filter_map(|path| descend(document, path)).collect();
    let list = places.iter().find_map(|place| list_in(place));
    let weeks = places.iter().find(|place| has_weeks(place));
    if list.is_none() && weeks.is_none() {
        return None;
    }
    let mut oddities = Oddities::default();
    let employments = rows::employments(list.unwrap_or_default(), &mut oddities)?;
    let weeks = weeks.map(|place| read_weeks(place, &mut oddities)).unwrap_or_default();
    let person = read_person(&places, &mut oddities);
    Some(FoundHistory {
        person,
        weeks,
        employments,
        warnings: oddities.into_warnings(),
    })
}

/// A verified history without weeks and employments.
pub(super) fn empty() -> FoundHistory {
    FoundHistory {
        person: Person::default(),
        weeks: Weeks::default(),
        employments: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Whether a reported CURP is the one that was asked for.
pub(super) fn about(reported: Option<&str>, asked: &Curp) -> About {
    match reported.and_then(|text| Curp::parse_lenient(text).ok()) {
        Some(curp) if curp != *asked => About::SomebodyElse,
        Some(_) | None => About::Asked,
    }
}

impl FoundHistory {
    pub(super) fn about(&self, asked: &Curp) -> About {
        about(self.person.curp.as_ref().map(Curp::expose), asked)
    }

    /// The normal form. The oddities go behind the warnings that the provenance already has.
    pub(super) fn into_history(self, mut provenance: Provenance) -> WorkHistory {
        provenance.warnings.extend(self.warnings);
        WorkHistory::new(self.person, self.weeks, self.employments, provenance)
    }
}

fn descend<'a>(document: &'a Value, path: &[&str]) -> Option<&'a Value> {
    let place = path
        .iter()
        .try_fold(document, |value, name| json::field(value, &[name]).map(unwrapped))?;
    place.is_object().then_some(place)
}

/// The first element of a list where one object was expected; generations of one API differ in this.
fn unwrapped(value: &Value) -> &Value {
    match value {
        Value::Array(elements) => elements.first().unwrap_or(value),
        _ => value,
    }
}

fn list_in(place: &Value) -> Option<&[Value]> {
    json::field(place, &LIST)?.as_array().map(Vec::as_slice)
}

/// The objects in which weeks may stand: one of their own, a list of such, and the place itself.
fn week_holders(place: &Value) -> Vec<&Value> {
    let own = match json::field(place, &WEEKS) {
        Some(Value::Array(elements)) => elements.iter().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    };
    own.into_iter().chain([place]).collect()
}

fn has_weeks(place: &Value) -> bool {
    let holders = week_holders(place);
    [&WEEKS_QUOTED[..], &WEEKS_DISCOUNTED, &WEEKS_REINTEGRATED, &WEEKS_TOTAL]
        .iter()
        .any(|names| holders.iter().any(|holder| json::text(holder, names).is_some()))
}

fn read_weeks(place: &Value, oddities: &mut Oddities) -> Weeks {
    let holders = week_holders(place);
    let mut count = |names: &[&str]| {
        let text = holders.iter().find_map(|holder| json::text(holder, names))?;
        let count = parse_count(text);
        oddities.note_if(count.is_none(), Oddity::UnreadableWeeks);
        count
    };
    let weeks = Weeks {
        quoted: count(&WEEKS_QUOTED),
        discounted: count(&WEEKS_DISCOUNTED),
        reintegrated: count(&WEEKS_REINTEGRATED),
        total: count(&WEEKS_TOTAL),
    };
    oddities.note_if(weeks.reconciles() == Some(false), Oddity::WeeksNotReconciled);
    weeks
}

fn read_person(places: &[&Value], oddities: &mut Oddities) -> Person {
    let text = |names: &[&str]| places.iter().find_map(|place| json::text(place, names));
    let curp = text(&CURP).and_then(|text| Curp::parse_lenient(text).ok());
    oddities.note_if(text(&CURP).is_some() && curp.is_none(), Oddity::UnreadableCurp);
    let nss = text(&NSS).map(Nss::received);
    oddities.note_if(nss == Some(None), Oddity::UnreadableNss);
    let (nss, warning) = nss.flatten().unzip();
    oddities.extend(warning.flatten());
    Person {
        curp,
        nss,
        full_name: text(&FULL_NAME).and_then(FullName::received),
    }
}

#[cfg(test)]
mod tests;
