//! What must hold for whatever an operator writes: all mistakes are named and none shows a secret.
//!
//! An input is a settings file, then a line `---`, then lines `NAME=VALUE` as they would stand in the environment. Where the word
//! [`SECRET`] stands in a value of a secret setting and nowhere else, nothing that is told may hold it.

use std::path::PathBuf;

use super::{
    Config, Purpose, Sources,
    layers::{Layers, Written},
};

const SECRET: &str = "s3cret-c0ffee";

/// The settings that hold secrets, the addresses with room for a password among them.
const SECRET_SETTINGS: [&str; 11] = [
    "store.url",
    "store.secret",
    "store.sentinel_password",
    "http.public_url",
    "telemetry.otlp_endpoint",
    "providers.kiban.base_url",
    "providers.kiban.api_key",
    "providers.tuidentidad.base_url",
    "providers.tuidentidad.api_key",
    "providers.nubarium.base_url",
    "providers.nubarium.password",
];

pub(crate) fn settings(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (file, environment) = text.split_once("\n---\n").unwrap_or((&text, ""));
    let pairs = environment.lines().filter_map(|line| line.split_once('='));
    let pairs = pairs.filter(|(name, _)| name.starts_with("SEMANAS_"));
    let sources = Sources {
        file: Some((PathBuf::from("semanas.toml"), file.to_owned())),
        environment: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    };
    let is_secret = is_only_in_secrets(&sources);
    for purpose in [Purpose::Serve, Purpose::Init, Purpose::Healthcheck] {
        let told = match Config::read(&sources, purpose) {
            Ok(config) => format!("{config:?}"),
            Err(mistakes) => {
                let told = mistakes.to_string();
                assert!(mistakes.each().count() >= 1);
                for (name, what, fix) in mistakes.each() {
                    assert!(!name.is_empty() && !what.is_empty() && !fix.is_empty(), "{told}");
                }
                told
            }
        };
        assert!(!is_secret || !told.contains(SECRET), "a secret is shown: {told}");
    }
}

/// Also when the file is no TOML: then nothing of it may be shown, for nobody knows what it would have been.
fn is_only_in_secrets(sources: &Sources) -> bool {
    let Ok(layers) = Layers::of(sources) else {
        return true;
    };
    let mut given = layers.file.iter().chain(&layers.environment);
    given.all(|(name, given)| {
        let written = match &given.written {
            Written::Toml(value) => format!("{value:?}"),
            Written::Plain(text) => text.clone(),
        };
        let is_named = name.contains(SECRET);
        !is_named && (SECRET_SETTINGS.contains(&name.as_str()) || !written.contains(SECRET))
    })
}
