//! Synthetic people: any number of new ones, each with a CURP of their own, and those that the sandbox lists by name.

use std::sync::atomic::{AtomicUsize, Ordering};

use semanas_client::raw::v1::Subject;

/// Who a test asks for.
#[derive(Clone)]
pub struct Human {
    pub curp: String,
    pub given_names: String,
    pub paternal_surname: String,
    pub maternal_surname: String,
}

/// The alphabet of the CURP's check digit; Ñ has a place in it.
const CURP_ALPHABET: &str = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ";
const CONSONANTS: &[u8] = b"BCDFGHJKLMNPQRSTVWXYZ";

/// Somebody whom no other test asks for. The sandbox makes up the rest of them.
pub fn fresh_person() -> Human {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    numbered_person(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The person of this number, always the same one; the numbers below 90 000 are all different people.
pub fn numbered_person(number: usize) -> Human {
    let letter = |place: u32| char::from(CONSONANTS[number / CONSONANTS.len().pow(place) % CONSONANTS.len()]);
    let stem = format!("LOTP85031{}HDF{}{}{}0", number % 10, letter(2), letter(1), letter(0));
    Human {
        curp: format!("{stem}{}", check_digit(&stem)),
        given_names: "PEDRO PABLO".to_owned(),
        paternal_surname: "LOZANO".to_owned(),
        maternal_surname: "TREVIÑO".to_owned(),
    }
}

/// One of the people in the sandbox's table.
pub fn listed_person(curp: &str) -> Human {
    let person = semanas_sandbox::people()
        .iter()
        .find(|person| person.curp == curp)
        .unwrap();
    let given_names = [Some(person.given_name.as_str()), person.middle_name.as_deref()];
    Human {
        curp: person.curp.clone(),
        given_names: given_names.into_iter().flatten().collect::<Vec<_>>().join(" "),
        paternal_surname: person.paternal_surname.clone(),
        maternal_surname: person.maternal_surname.clone().unwrap_or_default(),
    }
}

/// The NSS of a listed person.
pub fn nss_of(curp: &str) -> String {
    let person = semanas_sandbox::people()
        .iter()
        .find(|person| person.curp == curp)
        .unwrap();
    person.nss.clone().unwrap()
}

impl Human {
    /// With names, so that both routes are open.
    pub fn with_names(&self) -> Subject {
        Subject {
            curp: self.curp.clone(),
            given_names: self.given_names.clone(),
            paternal_surname: self.paternal_surname.clone(),
            maternal_surname: self.maternal_surname.clone(),
            nss: String::new(),
        }
    }

    /// The CURP alone, so that only the route by NSS is open.
    pub fn by_curp(&self) -> Subject {
        Subject {
            curp: self.curp.clone(),
            ..Subject::default()
        }
    }
}

fn check_digit(stem: &str) -> u32 {
    let value = |letter| CURP_ALPHABET.chars().position(|known| known == letter).unwrap();
    let sum: usize = stem
        .chars()
        .enumerate()
        .map(|(place, letter)| value(letter) * (18 - place))
        .sum();
    u32::try_from((10 - sum % 10) % 10).unwrap()
}
