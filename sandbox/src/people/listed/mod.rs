//! The listed people, one paragraph each, and the few words with which they are written down. All are synthetic.

mod histories;
mod troubles;

use jiff::civil::{Date, date};

use super::Person;
use crate::history::{Employment, History, Weeks};
use crate::scenario::{NubariumScenario, Settings, TuIdentidadScenario};

pub(super) fn all() -> Vec<Person> {
    let mut people = histories::people();
    people.extend(troubles::people());
    people
}

/// Starts a person; an empty text in the names (given, middle, paternal, maternal) or the NSS means there is none.
fn person(curp: &str, [given, middle, paternal, maternal]: [&str; 4], nss: &str) -> Person {
    let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Person {
        curp: curp.to_owned(),
        given_name: given.to_owned(),
        middle_name: optional(middle),
        paternal_surname: paternal.to_owned(),
        maternal_surname: optional(maternal),
        nss: optional(nss),
        shows: String::new(),
        history: History::default(),
        nature: Settings::default(),
        is_generated: false,
    }
}

impl Person {
    fn shows(self, shows: &str) -> Self {
        Self {
            shows: shows.to_owned(),
            ..self
        }
    }

    fn history(self, employments: Vec<Employment>) -> Self {
        Self {
            history: History::of(employments),
            ..self
        }
    }

    fn weeks(self, weeks: Weeks) -> Self {
        Self {
            history: self.history.with_weeks(weeks),
            ..self
        }
    }

    fn nature(self, nature: Settings) -> Self {
        Self { nature, ..self }
    }
}

fn tuidentidad(tuidentidad: TuIdentidadScenario) -> Settings {
    Settings {
        tuidentidad,
        ..Settings::default()
    }
}

fn nubarium(nubarium: NubariumScenario) -> Settings {
    Settings {
        nubarium,
        ..Settings::default()
    }
}

fn no_wish<T: Default>() -> T {
    T::default()
}

fn day(year: i16, month: i8, day: i8) -> Date {
    date(year, month, day)
}
