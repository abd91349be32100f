//! Makes up a person for a CURP that is not on the list, from the seed and the CURP alone.
//!
//! Load tests need any number of people; the same seed and CURP always give the same person, NSS and history.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::Person;
use crate::history::{Employment, History, WEEKS_AS_OF, job};
use crate::identity::{birth_date, nss_from_ten_digits};
use crate::scenario::Settings;

const GIVEN: [&str; 12] = [
    "ADRIANA", "BRUNO", "CECILIA", "DAMIAN", "ELISA", "FABIAN", "GLORIA", "HUGO", "INES", "JULIAN", "LORENA", "MATEO",
];
const SURNAMES: [&str; 12] = [
    "AGUILAR",
    "BAUTISTA",
    "CERVANTES",
    "DELGADO",
    "ESTRADA",
    "FIGUEROA",
    "GUERRERO",
    "IBARRA",
    "JUÁREZ",
    "LUNA",
    "MEDINA",
    "NÚÑEZ",
];
const EMPLOYERS: [&str; 8] = [
    "COMERCIALIZADORA DEL VALLE SINTETICO SA DE CV",
    "MANUFACTURAS IMAGINARIAS DEL NORTE S DE RL DE CV",
    "SERVICIOS FICTICIOS DE PERSONAL SA DE CV",
    "PANIFICADORA LA ESPIGA INVENTADA SA DE CV",
    "TRANSPORTES QUIMERA SA DE CV",
    "CONSTRUCTORA MIRAGE DEL CENTRO SA DE CV",
    "HOTELERA COSTA IRREAL SA DE CV",
    "TEXTILES UTOPIA SA DE CV",
];
const ENTITIES: [&str; 8] = [
    "JALISCO",
    "NUEVO LEON",
    "CIUDAD DE MEXICO",
    "ESTADO DE MEXICO",
    "PUEBLA",
    "YUCATAN",
    "SONORA",
    "QUERETARO",
];
/// The greatest number of employments of a generated person.
const EMPLOYMENTS_MAX: usize = 8;

pub(crate) fn generate(seed: u64, curp: &str) -> Person {
    let mut dice = StdRng::seed_from_u64(hash(seed, curp));
    let ten_digits = format!("{:010}", dice.random_range(1_000_000_000_u64..9_999_999_999));
    Person {
        curp: curp.to_owned(),
        given_name: pick(&mut dice, &GIVEN).to_owned(),
        middle_name: dice.random_bool(0.4).then(|| pick(&mut dice, &GIVEN).to_owned()),
        paternal_surname: pick(&mut dice, &SURNAMES).to_owned(),
        maternal_surname: Some(pick(&mut dice, &SURNAMES).to_owned()),
        nss: Some(nss_from_ten_digits(&ten_digits)),
        shows: "generated from the seed and the CURP".to_owned(),
        history: history(&mut dice, curp),
        nature: Settings::default(),
        is_generated: true,
    }
}

fn history(dice: &mut StdRng, curp: &str) -> History {
    let came_of_age = birth_date(curp).and_then(|born| born.checked_add(18.years()).ok());
    let mut start = came_of_age.unwrap_or(date(2000, 1, 3)).max(date(1985, 1, 7));
    let mut employments = Vec::new();
    for _ in 0..dice.random_range(1..=EMPLOYMENTS_MAX) {
        let last_day = start.saturating_add(dice.random_range(20..1_900).days());
        if start >= WEEKS_AS_OF {
            break;
        }
        employments.push(employment(dice, start, last_day));
        start = last_day.saturating_add(dice.random_range(-30..400).days());
    }
    History::of(employments)
}

fn employment(dice: &mut StdRng, start: Date, last_day: Date) -> Employment {
    let registry = format!(
        "{}{:09}",
        char::from(dice.random_range(b'A'..=b'Z')),
        dice.random_range(0..999_999_999)
    );
    let salary_centavos = dice.random_range(12_000..250_000);
    let row = job(
        pick(dice, &EMPLOYERS),
        &registry,
        pick(dice, &ENTITIES),
        start,
        salary_centavos,
    );
    if last_day < WEEKS_AS_OF {
        row.until(last_day)
    } else {
        row
    }
}

fn pick(dice: &mut StdRng, words: &[&'static str]) -> &'static str {
    words[dice.random_range(0..words.len())]
}

/// FNV-1a: small, and the same on every machine and release.
fn hash(seed: u64, text: &str) -> u64 {
    let bytes = seed.to_le_bytes().into_iter().chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
