//! Who exists: the listed synthetic people, and one generated on demand for every other plausible CURP.
//!
//! Nobody here is real. A person knows their names, NSS and history, and what each provider makes of them unless the
//! control API says otherwise (`nature`).

mod generated;
mod listed;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::history::History;
use crate::identity::{CurpShape, examine_curp};
use crate::scenario::Settings;

pub(crate) use generated::generate;

/// A synthetic person. `nss` is absent when no NSS is known for the CURP.
#[derive(Clone)]
pub struct Person {
    pub curp: String,
    pub given_name: String,
    pub middle_name: Option<String>,
    pub paternal_surname: String,
    pub maternal_surname: Option<String>,
    pub nss: Option<String>,
    /// What this person is good for, in one sentence.
    pub shows: String,
    pub(crate) history: History,
    pub(crate) nature: Settings,
    /// Whether the person was made up on demand. Such a person has whatever NSS the caller says.
    pub(crate) is_generated: bool,
}

impl Person {
    /// Given names first, as the providers print it.
    #[must_use]
    pub fn full_name(&self) -> String {
        let names = [
            Some(&self.given_name),
            self.middle_name.as_ref(),
            Some(&self.paternal_surname),
        ];
        let parts: Vec<&str> = names
            .into_iter()
            .chain([self.maternal_surname.as_ref()])
            .flatten()
            .map(String::as_str)
            .collect();
        parts.join(" ")
    }

    /// The number of employments in the history.
    #[must_use]
    pub fn employments(&self) -> usize {
        self.history.employments.len()
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Person(redacted)")
    }
}

/// Every listed person, in the order of the README's table.
#[must_use]
pub fn people() -> &'static [Person] {
    static PEOPLE: LazyLock<Vec<Person>> = LazyLock::new(listed::all);
    &PEOPLE
}

/// The listed person with this CURP, or the one generated from the seed. `None` when the CURP is not a valid one:
/// the population register would not know it.
pub(crate) fn find(seed: u64, curp: &str) -> Option<Person> {
    static BY_CURP: LazyLock<HashMap<&'static str, &'static Person>> =
        LazyLock::new(|| people().iter().map(|person| (person.curp.as_str(), person)).collect());
    match (BY_CURP.get(curp), examine_curp(curp)) {
        (Some(person), _) => Some((*person).clone()),
        (None, CurpShape::Valid) => Some(generate(seed, curp)),
        (None, CurpShape::WrongDigit | CurpShape::Malformed) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use super::*;
    use crate::identity::is_nss;

    #[test]
    fn every_listed_person_has_a_valid_curp_and_nss_of_their_own() {
        let mut seen = HashSet::new();
        for person in people() {
            assert_eq!(examine_curp(&person.curp), CurpShape::Valid, "{}", person.curp);
            assert!(seen.insert(person.curp.clone()), "{} is listed twice", person.curp);
            if let Some(nss) = &person.nss {
                assert!(is_nss(nss), "the NSS {nss} of {}", person.curp);
                assert!(seen.insert(nss.clone()), "the NSS {nss} is listed twice");
            }
        }
        assert!(people().len() >= 12);
    }

    #[test]
    fn the_initials_of_a_curp_fit_the_names() {
        for person in people() {
            let initial = |name: &str| {
                name.chars()
                    .next()
                    .map(|letter| if letter == 'Ñ' { 'X' } else { letter })
            };
            let curp: Vec<char> = person.curp.chars().collect();
            assert_eq!(initial(&person.paternal_surname), Some(curp[0]), "{}", person.curp);
            let maternal = person.maternal_surname.as_deref().map_or(Some('X'), initial);
            assert_eq!(maternal, Some(curp[2]), "{}", person.curp);
        }
    }

    #[test]
    fn the_readme_lists_every_person_as_they_are() {
        let readme = include_str!("../../README.md");
        for person in people() {
            let nss = person.nss.as_deref().unwrap_or("none");
            let row = format!(
                "| {} | {} | {nss} | {} |",
                person.curp,
                person.full_name(),
                person.shows
            );
            assert!(readme.contains(&row), "sandbox/README.md lacks this row:\n{row}");
        }
    }

    #[test]
    fn a_generated_person_depends_on_the_seed_and_the_curp_only() {
        let curp = "LOOA531113HTCPBN07";
        let (once, again, other) = (find(1, curp).unwrap(), find(1, curp).unwrap(), find(2, curp).unwrap());
        assert_eq!((once.full_name(), &once.nss), (again.full_name(), &again.nss));
        assert_ne!(once.nss, other.nss);
        assert!(is_nss(once.nss.as_deref().unwrap()));
        assert!(
            find(1, "BOXW310820HNERXN08").is_none(),
            "a wrong check digit is in no register"
        );
    }
}
