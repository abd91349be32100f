//! Synthetic people, any number of them, each always the same by number. Nobody of them exists.

use semanas_proto::v1::{Provider, Subject, SubmitWorkHistoryRequest};

/// The alphabet of the CURP's check digit; Ñ has a place in it.
const CURP_ALPHABET: &str = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ";
const CONSONANTS: &[u8] = b"BCDFGHJKLMNPQRSTVWXYZ";
/// Every month has them.
const DAYS: u64 = 28;
const MONTHS: u64 = 12;
const YEARS: u64 = 50;

/// Somebody's CURP; numbers below 155 million are all different people.
pub fn curp(number: u64) -> String {
    let consonants = CONSONANTS.len() as u64;
    let letter = |place: u64| char::from(CONSONANTS[(place % consonants) as usize]);
    let day = number / consonants.pow(3);
    let (year, month, day) = (
        50 + day / DAYS / MONTHS % YEARS,
        1 + day / DAYS % MONTHS,
        1 + day % DAYS,
    );
    let names = [number / consonants.pow(2), number / consonants, number].map(letter);
    let stem = format!("LOTP{year:02}{month:02}{day:02}HDF{}0", String::from_iter(names));
    format!("{stem}{}", curp_digit(&stem))
}

/// Asks Tu Identidad, in one call, for somebody whose NSS is known.
pub fn by_nss(number: u64) -> SubmitWorkHistoryRequest {
    let subject = Subject {
        curp: curp(number),
        nss: nss(number),
        ..Subject::default()
    };
    SubmitWorkHistoryRequest {
        subject: Some(subject),
        provider: Provider::TuIdentidad.into(),
        ..SubmitWorkHistoryRequest::default()
    }
}

/// Asks Kiban, who answers later.
pub fn by_names(number: u64) -> SubmitWorkHistoryRequest {
    let subject = Subject {
        curp: curp(number),
        given_names: "PEDRO PABLO".to_owned(),
        paternal_surname: "LOZANO".to_owned(),
        maternal_surname: "TREVIÑO".to_owned(),
        nss: String::new(),
    };
    SubmitWorkHistoryRequest {
        subject: Some(subject),
        provider: Provider::Kiban.into(),
        ..SubmitWorkHistoryRequest::default()
    }
}

fn nss(number: u64) -> String {
    let stem = format!("{:010}", 1 + number % 9_999_999_999);
    let doubled = |(place, digit): (usize, u8)| {
        let value = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
        value / 10 + value % 10
    };
    let sum: u32 = stem.bytes().enumerate().map(doubled).sum();
    format!("{stem}{}", (10 - sum % 10) % 10)
}

fn curp_digit(stem: &str) -> usize {
    let value = |letter| {
        CURP_ALPHABET
            .chars()
            .position(|known| known == letter)
            .unwrap_or_default()
    };
    let weighed = stem
        .chars()
        .enumerate()
        .map(|(place, letter)| value(letter) * (18 - place));
    (10 - weighed.sum::<usize>() % 10) % 10
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn people_differ_and_their_check_digits_are_right() {
        let many: HashSet<String> = (0..30_000).map(curp).collect();
        assert_eq!(many.len(), 30_000);
        assert!(many.iter().all(|curp| curp.len() == 18));
        assert_eq!(curp_digit("GOAA970724HYNNNL0"), 8);
        assert_eq!(nss(1_234_567_889), "12345678903");
    }
}
