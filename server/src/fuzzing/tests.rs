//! Replays the inputs in `fuzz/seeds`, and spoiled ones made of them, on every target.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{TARGETS, Target};

/// Spoiled inputs for each target: all targets together take a few seconds in a debug build. `make fuzz` is for more.
const SPOILED: usize = 2000;
/// Changes to one input.
const CHANGES_MAX: usize = 4;
/// Longer ones are replayed as they are, and not spoiled: they are there for their length.
const SPOILED_BYTES_MAX: usize = 16 * 1024;
/// What readers stumble over, wherever it gets.
const TROUBLE: [&[u8]; 20] = [
    b"null",
    b"[]",
    b"{}",
    b"\"\"",
    b"-1",
    b"1e999",
    b"99999999999999999999999999999999999999",
    b"0.00000000000000000000000000001",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\0",
    b"\\u0000",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b",",
    b"\n",
    b"XEXX010101HNEXXXA4",
    b"12345678903",
    b"0001-01-01T00:00:00Z",
    b"9999-12-31",
    "Ñ\u{301}".as_bytes(),
];

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*

        #[test]
        fn every_target_is_replayed_and_has_seeds() {
            let replayed = BTreeSet::from([$(stringify!($name)),*]);
            let targets: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(targets, replayed);
            for name in targets {
                assert!(!seeds(name).is_empty(), "fuzz/seeds/{name} holds no input");
            }
        }
    };
}

replays! {
    kiban tuidentidad nubarium callback_body callback_address cursor sealed job_record charge_record curp nss money text settings
    request header
}

/// The numbers are the same in every run: what fails here fails again. New ones are looked for by `make fuzz`.
fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds(name);
    for (path, seed) in &seeds {
        run(target, seed, &path.display().to_string());
    }
    let short: Vec<&[u8]> = seeds
        .iter()
        .map(|(_, seed)| seed.as_slice())
        .filter(|seed| seed.len() <= SPOILED_BYTES_MAX)
        .collect();
    let mut rng = StdRng::seed_from_u64(name.bytes().map(u64::from).sum());
    for number in 0..SPOILED {
        let input = spoiled(&short, &mut rng);
        run(target, &input, &format!("spoiled input {number}"));
    }
}

/// Says which input failed: in the message as a test needs it, whole, to be put into `fuzz/seeds`.
#[track_caller]
fn run(target: &Target, input: &[u8], what: &str) {
    let ended = panic::catch_unwind(AssertUnwindSafe(|| target.run(input)));
    assert!(
        ended.is_ok(),
        "{} fails on {what}; keep it in fuzz/seeds/{}: b\"{}\"",
        target.name,
        target.name,
        input.escape_ascii()
    );
}

fn seeds(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
    let Ok(entries) = fs::read_dir(&folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn spoiled(seeds: &[&[u8]], rng: &mut StdRng) -> Vec<u8> {
    let mut input = seeds.choose(rng).unwrap().to_vec();
    for _ in 0..rng.random_range(1..=CHANGES_MAX) {
        change(&mut input, seeds, rng);
    }
    input
}

fn change(input: &mut Vec<u8>, seeds: &[&[u8]], rng: &mut StdRng) {
    let (from, to) = range(input.len(), rng);
    let insert: Vec<u8> = match rng.random_range(0..6) {
        0 => Vec::new(),
        1 => vec![rng.random()],
        2 => TROUBLE.choose(rng).unwrap().to_vec(),
        3 => input[from..to].repeat(2),
        4 => {
            let other = seeds.choose(rng).unwrap();
            let (from, to) = range(other.len(), rng);
            other[from..to].to_vec()
        }
        _ => {
            let mut bits = input[from..to].to_vec();
            if let Some(byte) = bits.first_mut() {
                *byte ^= 1 << rng.random_range(0..8);
            }
            bits
        }
    };
    // Half of what comes in takes something's place.
    let to = if rng.random() { from } else { to };
    input.splice(from..to, insert);
}

/// Mostly short: long ones leave little of an input.
fn range(len: usize, rng: &mut StdRng) -> (usize, usize) {
    let from = rng.random_range(0..=len);
    let length = 1_usize << rng.random_range(0..8);
    (from, (from + length).min(len))
}
