//! Reads settings by name and type, and collects every mistake on the way.
//!
//! A setting exists because somebody asks for it here: what was set and is never asked for is unknown. After a mistake the
//! default is handed out, so that reading goes on; contradictions are not looked for between settings that were misread.

use std::{collections::BTreeSet, fmt::Display, path::PathBuf, time::Duration};

use secrecy::SecretString;

use super::{
    duration,
    layers::{Given, Layers, Origin, Sources, Written, variable},
    mistakes::{Mistake, Mistakes},
};

/// Reads settings; see the module.
pub(super) struct Reader {
    layers: Layers,
    asked: BTreeSet<String>,
    misread: BTreeSet<String>,
    mistakes: Vec<Mistake>,
}

/// What is wrong with a value and what to do about it.
pub(super) struct Wrong {
    what: String,
    fix: String,
}

/// Below this nobody can mean the name that is suggested.
const LIKENESS_MIN: f64 = 0.8;

/// A longer name is not a mistyped setting. Comparing takes the product of both lengths, for each setting.
const COMPARED_BYTES_MAX: usize = 80;

// === impl Reader ===

impl Reader {
    pub(super) fn new(sources: &Sources) -> Result<Reader, Mistakes> {
        let layers = Layers::of(sources)?;
        Ok(Reader {
            layers,
            asked: BTreeSet::new(),
            misread: BTreeSet::new(),
            mistakes: Vec::new(),
        })
    }

    /// Everything that was wrong, after all settings have been read.
    pub(super) fn finish(mut self) -> Result<(), Mistakes> {
        self.refuse_unknown();
        Mistakes::of(self.mistakes)
    }

    /// A mistake in one setting, or between several: then `name` is the one to change first.
    pub(super) fn wrong(&mut self, name: &str, what: impl Into<String>, fix: impl Into<String>) {
        self.misread.insert(name.to_owned());
        let origin = self
            .given(name)
            .map_or_else(|| "not set".to_owned(), |given| given.origin.to_string());
        self.mistakes.push(Mistake::new(name, origin, what, fix));
    }

    /// Demands something of settings that go together; passed over when one of them was misread.
    pub(super) fn demand(&mut self, holds: bool, names: &[&str], what: impl FnOnce() -> (String, String)) {
        if !holds && !names.iter().any(|name| self.misread.contains(*name)) {
            let (what, fix) = what();
            self.wrong(names[0], what, fix);
        }
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    // --- Types

    /// Longer than nothing.
    pub(super) fn duration(&mut self, name: &str) -> Duration {
        self.read(name, |text| match parse_duration(text)? {
            Duration::ZERO => Err(Wrong::new("it is zero", "give it some time")),
            duration => Ok(duration),
        })
    }

    pub(super) fn duration_or_zero(&mut self, name: &str) -> Duration {
        self.read(name, parse_duration)
    }

    pub(super) fn integer<N: TryFrom<u64> + Display + Copy>(&mut self, name: &str, min: N, max: N) -> N
    where
        u64: TryFrom<N>,
    {
        let (low, high) = (u64::try_from(min).ok(), u64::try_from(max).ok());
        self.read(name, |text| {
            let number = text.replace('_', "").parse::<u64>().ok();
            let number = number
                .filter(|number| low.is_some_and(|low| *number >= low) && high.is_some_and(|high| *number <= high));
            let wrong = || {
                Wrong::new(
                    format!("{text:?} is out of range"),
                    format!("write a whole number from {min} to {max}"),
                )
            };
            number.and_then(|number| N::try_from(number).ok()).ok_or_else(wrong)
        })
    }

    pub(super) fn number(&mut self, name: &str, min: f64, max: f64) -> f64 {
        self.read(name, |text| {
            let number = text.parse().ok().filter(|number| (min..=max).contains(number));
            let wrong = || {
                Wrong::new(
                    format!("{text:?} is out of range"),
                    format!("write a number from {min} to {max}"),
                )
            };
            number.ok_or_else(wrong)
        })
    }

    pub(super) fn switch(&mut self, name: &str) -> bool {
        self.choice(name, &[("true", true), ("false", false)])
    }

    pub(super) fn choice<T: Clone>(&mut self, name: &str, choices: &[(&str, T)]) -> T {
        self.read(name, |text| parse_choice(text, choices))
    }

    pub(super) fn list<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, Wrong>) -> Vec<T> {
        self.read_as(name, |given| parts(given)?.iter().map(|part| parse(part)).collect())
    }

    /// Anything else that has a default.
    pub(super) fn read<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, Wrong>) -> T {
        self.read_as(name, |given| parse(&plain(given)?))
    }

    /// A setting without a default. What is wrong with it must not show it when it may hold a secret.
    pub(super) fn optional<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, Wrong>) -> Option<T> {
        self.optional_as(name, |given| parse(&plain(given)?))
    }

    pub(super) fn optional_secret(&mut self, name: &str, chars_min: usize) -> Option<SecretString> {
        let fix = format!("give it at least {chars_min} characters");
        self.optional(name, |text| match text.chars().count() {
            chars if chars < chars_min => Err(Wrong::new(format!("it has {chars} characters"), fix.clone())),
            _ => Ok(SecretString::from(text)),
        })
    }

    pub(super) fn optional_path(&mut self, name: &str) -> Option<PathBuf> {
        self.optional(name, |text| Ok(PathBuf::from(text)))
    }

    // --- Helpers

    fn read_as<T>(&mut self, name: &str, parse: impl Fn(&Given) -> Result<T, Wrong>) -> T {
        let read = self.optional_as(name, &parse);
        read.unwrap_or_else(|| {
            let default = self.layers.defaults.get(name).and_then(|given| parse(given).ok());
            default.expect("a test reads every default")
        })
    }

    fn optional_as<T>(&mut self, name: &str, parse: impl Fn(&Given) -> Result<T, Wrong>) -> Option<T> {
        self.asked.insert(name.to_owned());
        let read = parse(self.given(name)?);
        read.map_err(|wrong| self.wrong(name, wrong.what, wrong.fix)).ok()
    }

    /// The value that wins. An empty variable counts as not set: that is what Compose makes of `${NAME:-}`.
    fn given(&self, name: &str) -> Option<&Given> {
        let is_empty = |given: &Given| matches!(&given.written, Written::Plain(text) if text.trim().is_empty());
        let environment = self.layers.environment.get(name).filter(|given| !is_empty(given));
        environment
            .or_else(|| self.layers.file.get(name))
            .or_else(|| self.layers.defaults.get(name))
    }

    fn refuse_unknown(&mut self) {
        let set = self.layers.file.iter().chain(&self.layers.environment);
        let unknown: Vec<Mistake> = set
            .filter(|(name, _)| !self.asked.contains(*name))
            .map(|(name, given)| {
                let fix = match self.likeliest(name) {
                    Some(likely) if matches!(given.origin, Origin::Environment(_)) => {
                        format!("did you mean {}?", variable(likely))
                    }
                    Some(likely) => format!("did you mean {likely}?"),
                    None => "remove it; config.default.toml lists all settings".to_owned(),
                };
                Mistake::new(name, given.origin.to_string(), "there is no such setting", fix)
            })
            .collect();
        self.mistakes.extend(unknown);
    }

    /// The setting whose name is most like the given one, if any is: with other separators, in another section, or mistyped.
    fn likeliest(&self, name: &str) -> Option<&str> {
        if name.len() > COMPARED_BYTES_MAX {
            return None;
        }
        let letters = |name: &str| name.replace(['.', '_', '-'], "");
        let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
        let same_letters = self.asked.iter().find(|known| letters(known) == letters(name));
        let mut same_end = self.asked.iter().filter(|known| last(known) == last(name));
        let by_end = same_end.next().filter(|_| same_end.next().is_none());
        let alike = |known: &&String| strsim::normalized_damerau_levenshtein(known, name);
        let by_likeness = self.asked.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
        let by_likeness = by_likeness.filter(|known| alike(known) >= LIKENESS_MIN);
        same_letters.or(by_likeness).or(by_end).map(String::as_str)
    }

    #[cfg(test)]
    pub(super) fn asked(&self) -> &BTreeSet<String> {
        &self.asked
    }
}

impl Wrong {
    pub(super) fn new(what: impl Into<String>, fix: impl Into<String>) -> Wrong {
        Wrong {
            what: what.into(),
            fix: fix.into(),
        }
    }
}

pub(super) fn parse_choice<T: Clone>(text: &str, choices: &[(&str, T)]) -> Result<T, Wrong> {
    let chosen = choices.iter().find(|(word, _)| *word == text);
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
    let wrong = || {
        Wrong::new(
            format!("{text:?} is no choice"),
            format!("write {}", words.join(" or ")),
        )
    };
    chosen.map(|(_, value)| value.clone()).ok_or_else(wrong)
}

fn parse_duration(text: &str) -> Result<Duration, Wrong> {
    let fix = "write a number and a unit, such as \"500ms\", \"15s\", \"10m\", \"24h\" or \"30d\"";
    duration::parse(text).ok_or_else(|| Wrong::new(format!("{text:?} is no duration"), fix))
}

/// A list as its parts.
fn parts(given: &Given) -> Result<Vec<String>, Wrong> {
    match &given.written {
        Written::Toml(toml::Value::Array(values)) => values.iter().map(plain_scalar).collect(),
        Written::Toml(_) | Written::Plain(_) => {
            let text = plain(given)?;
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Ok(parts.map(str::to_owned).collect())
        }
    }
}

/// A value as plain text, as it would stand in the environment.
fn plain(given: &Given) -> Result<String, Wrong> {
    match &given.written {
        Written::Plain(text) => Ok(text.trim().to_owned()),
        Written::Toml(value) => plain_scalar(value),
    }
}

fn plain_scalar(value: &toml::Value) -> Result<String, Wrong> {
    let fix = "see config.default.toml for how it is written";
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(truth) => Ok(truth.to_string()),
        toml::Value::Array(_) => Err(Wrong::new("it is a list and wants one value", fix)),
        toml::Value::Datetime(_) | toml::Value::Table(_) => Err(Wrong::new("no setting has this type", fix)),
    }
}
