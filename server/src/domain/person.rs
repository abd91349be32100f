//! The names of a person as a caller gives them, and the subject of a request.
//!
//! Decides what a name may be made of and how given names split for a provider that wants the first apart. It
//! deliberately does not know which provider needs which name, and does not change letters: providers compare names in
//! ways of their own. Names are personal data: no message here holds one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{curp::Curp, nss::Nss, text::collapse_spaces};

/// The longest name in one field, in characters; RENAPO keeps at most 50.
pub(crate) const NAME_CHARS_MAX: usize = 100;

/// The person that a request is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// The CURP, always known.
    pub curp: Curp,
    /// The names, where the caller gave them.
    #[serde(default)]
    pub name: Option<PersonName>,
    /// The NSS, where the caller gave it.
    #[serde(default)]
    pub nss: Option<Nss>,
}

/// The names of a person, checked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PersonName {
    given_names: String,
    paternal_surname: String,
    #[serde(default)]
    maternal_surname: Option<String>,
}

/// The names of a person side by side, going in unchecked or coming out checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameParts<'a> {
    /// All given names, with spaces between them.
    pub given_names: &'a str,
    /// The first surname.
    pub paternal_surname: &'a str,
    /// The second surname; not everybody has one. Empty means absent.
    pub maternal_surname: Option<&'a str>,
}

/// Which name is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameField {
    /// The given names.
    GivenNames,
    /// The first surname.
    PaternalSurname,
    /// The second surname.
    MaternalSurname,
}

/// What is wrong with one name. The message is for the caller and holds no part of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} {problem}", .field.as_str())]
pub(crate) struct NameError {
    /// The field to correct.
    pub field: NameField,
    /// What to correct.
    pub problem: NameProblem,
}

/// What can be wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameProblem {
    /// A required name is missing.
    #[error("is empty; send it as it stands in the person's document")]
    Empty,
    /// The name is too long.
    #[error("has {found} characters; send at most 100")]
    TooLong {
        /// How many characters there are after collapsing spaces.
        found: usize,
    },
    /// A character does not belong in a name.
    #[error("may have letters, spaces, hyphens, apostrophes and periods only; correct character {position}")]
    Character {
        /// The place of the first wrong character, counted from 1 after collapsing spaces.
        position: usize,
    },
    /// There is no letter in it.
    #[error("has no letter; send it as it stands in the person's document")]
    NoLetter,
}

impl PersonName {
    /// Reads the names: outer spaces go, inner ones collapse. The error names every wrong field at once.
    pub(crate) fn parse(parts: NameParts<'_>) -> Result<PersonName, Vec<NameError>> {
        let maternal = parts
            .maternal_surname
            .map(collapse_spaces)
            .filter(|name| !name.is_empty());
        let given = read_name(NameField::GivenNames, parts.given_names);
        let paternal = read_name(NameField::PaternalSurname, parts.paternal_surname);
        let maternal = maternal
            .map(|name| read_name(NameField::MaternalSurname, &name))
            .transpose();
        match (given, paternal, maternal) {
            (Ok(given_names), Ok(paternal_surname), Ok(maternal_surname)) => Ok(PersonName {
                given_names,
                paternal_surname,
                maternal_surname,
            }),
            (given, paternal, maternal) => Err([given.err(), paternal.err(), maternal.err()]
                .into_iter()
                .flatten()
                .collect()),
        }
    }

    /// The names themselves. Personal data: never for logs, errors, metrics, keys or URLs.
    pub(crate) fn expose(&self) -> NameParts<'_> {
        NameParts {
            given_names: &self.given_names,
            paternal_surname: &self.paternal_surname,
            maternal_surname: self.maternal_surname.as_deref(),
        }
    }

    /// The first given name, and the others where there are any. Personal data, as with `expose`.
    pub(crate) fn first_and_rest(&self) -> (&str, Option<&str>) {
        match self.given_names.split_once(' ') {
            Some((first, rest)) => (first, Some(rest)),
            None => (&self.given_names, None),
        }
    }
}

impl NameField {
    /// The field as the contract names it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            NameField::GivenNames => "given_names",
            NameField::PaternalSurname => "paternal_surname",
            NameField::MaternalSurname => "maternal_surname",
        }
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(redacted)")
    }
}

impl fmt::Debug for NameParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameParts(redacted)")
    }
}

fn read_name(field: NameField, text: &str) -> Result<String, NameError> {
    let name = compose(&collapse_spaces(text));
    match problem_of(&name) {
        None => Ok(name),
        Some(problem) => Err(NameError { field, problem }),
    }
}

fn problem_of(name: &str) -> Option<NameProblem> {
    let found = name.chars().count();
    if found == 0 {
        return Some(NameProblem::Empty);
    }
    if found > NAME_CHARS_MAX {
        return Some(NameProblem::TooLong { found });
    }
    let wrong = name
        .chars()
        .position(|c| !is_latin_letter(c) && !matches!(c, ' ' | '-' | '\'' | '’' | '.'));
    if let Some(index) = wrong {
        return Some(NameProblem::Character { position: index + 1 });
    }
    (!name.chars().any(is_latin_letter)).then_some(NameProblem::NoLetter)
}

/// Letters of the Latin alphabet with and without marks: Mexican registries write every name in it.
fn is_latin_letter(c: char) -> bool {
    c.is_alphabetic() && matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// Joins a letter and a following accent into the one character that the providers expect. Some systems send names
/// decomposed; to their users the two look the same.
fn compose(name: &str) -> String {
    let mut composed = String::with_capacity(name.len());
    for c in name.chars() {
        match composed.pop() {
            None => composed.push(c),
            Some(last) => match accented(last, c) {
                Some(joined) => composed.push(joined),
                None => composed.extend([last, c]),
            },
        }
    }
    composed
}

/// The letter with the combining mark on it, for the letters of Spanish.
fn accented(letter: char, mark: char) -> Option<char> {
    let (plain, marked) = match mark {
        '\u{301}' => ("aeiouAEIOU", "áéíóúÁÉÍÓÚ"),
        '\u{303}' => ("nN", "ñÑ"),
        '\u{308}' => ("uU", "üÜ"),
        _ => return None,
    };
    plain
        .chars()
        .zip(marked.chars())
        .find(|(from, _)| *from == letter)
        .map(|(_, to)| to)
}

#[cfg(test)]
mod tests;
