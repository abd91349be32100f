//! No type of tonic, prost or what they stand on is part of the crate's surface, but for the module `raw`.
//!
//! Read from the sources: what is public is written so, and a foreign name is either imported or spelled out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What may change its version without ours.
const FOREIGN: [&str; 8] = [
    "tonic",
    "tonic_health",
    "tonic_prost",
    "tonic_types",
    "prost",
    "prost_types",
    "tower",
    "hyper_util",
];
/// The escape hatch: `raw`, whose `Transport` stands in a file of its own, and the generated code.
const RAW: [&str; 3] = ["raw.rs", "transport.rs", "semanas.v1.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_raw = RAW.iter().any(|name| path.ends_with(name));
        match path.is_dir() {
            true => sources(&path, found),
            false if !is_raw => found.push(path),
            false => {}
        }
    }
}

/// The code without comments and tests, and with the statements of `use` apart.
fn read(text: &str) -> (String, String) {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    let code = lines.collect::<Vec<_>>().join("\n");
    let (mut uses, mut rest) = (String::new(), String::new());
    for statement in code.split_inclusive(';') {
        let is_use = statement.trim_start().starts_with("use ");
        if is_use { &mut uses } else { &mut rest }.push_str(statement);
    }
    (uses, rest)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

/// Foreign crates, and what the file imports of them.
fn foreign_names(uses: &str) -> BTreeSet<&str> {
    let is_foreign = |statement: &&str| words(statement).nth(1).is_some_and(|of| FOREIGN.contains(&of));
    let imported = uses
        .split(';')
        .filter(is_foreign)
        .flat_map(|statement| words(statement).skip(2));
    let imported = imported.filter(|word| !["as", "_", "self"].contains(word));
    imported.chain(FOREIGN).collect()
}

/// What others see: public items up to their bodies, public fields, and the heads of all `impl`s of a trait.
fn public_parts(code: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for (start, _) in code.match_indices("pub ").chain(code.match_indices("\nimpl")) {
        let part = &code[start..];
        let end = part.find(['{', ';', '=']).unwrap_or(part.len());
        let head = &part[..end];
        let is_trait = head.starts_with("\nimpl") && head.contains(" for ");
        if head.starts_with("pub ") || is_trait {
            parts.push(head);
        }
    }
    // Variants of public enums.
    for (start, _) in code.match_indices("pub enum ") {
        parts.push(code[start..].split("\n}").next().unwrap());
    }
    parts
}

fn leaks(text: &str) -> Vec<String> {
    let (uses, code) = read(text);
    let foreign = foreign_names(&uses);
    let parts = public_parts(&code);
    let leaking = parts
        .into_iter()
        .filter(|part| words(part).any(|word| foreign.contains(word)));
    let reexported = uses.split(';').filter(|statement| {
        statement.trim_start().starts_with("pub use") && words(statement).any(|word| FOREIGN.contains(&word))
    });
    leaking
        .chain(reexported)
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn what_is_public_names_no_foreign_type() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 15, "the sources were not found");
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let said = |leak| format!("{}: {leak}", file.display());
            leaks(&text).into_iter().map(said).collect::<Vec<_>>()
        })
        .collect();
    assert!(
        found.is_empty(),
        "move it to `raw`, or make it private:\n{}",
        found.join("\n")
    );
}

#[test]
fn a_leak_would_be_seen() {
    let is_seen = |text: &str| assert!(!leaks(text).is_empty(), "{text}");
    is_seen("use tonic::{Code, Status};\nimpl From<Status> for Error {}");
    is_seen("use tonic::transport::Channel;\nimpl Client {\n    pub fn over(channel: Channel) -> Client {}\n}");
    is_seen("pub struct Error { pub status: tonic::Status }");
    is_seen("use prost_types::Timestamp;\npub enum Time { At(Timestamp) }");
    is_seen("pub use tonic::Status;");
    let is_fine = |text: &str| assert!(leaks(text).is_empty(), "{text}");
    is_fine("use tonic::Status;\npub struct Error { status: Status }\npub(crate) fn of(status: Status) {}");
    is_fine("use tonic::Status;\nimpl Error { fn of(status: Status) -> Self {} }");
}
