//! A case as it stands in `cases/*.yaml`: what the server does, what the client is asked, and what must come of it.
//!
//! Reads and checks; it runs nothing.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::fake::other_address;
use crate::fake::script::Script;
use crate::real::World;

/// Longest time of a case with one client, unless it says more.
const TIME_LIMIT_MS: u64 = 30_000;

/// One case. Names are unique over all files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// One sentence: what would be wrong if this failed.
    pub why: String,
    #[serde(default)]
    pub server: ServerKind,
    /// What the machine must have; where it has not, the case is skipped in all languages, and said so.
    pub needs: Option<Need>,
    /// What the fake does.
    #[serde(default)]
    pub script: Script,
    /// How the real one and its sandbox are set up.
    #[serde(default)]
    pub world: World,
    /// Given to the driver as they are; see `placeholders`.
    pub endpoint: Option<String>,
    pub credentials: Option<Value>,
    pub options: Option<Value>,
    pub calls: Vec<Value>,
    pub expect: Expect,
    #[serde(default = "time_limit_ms")]
    pub time_limit_ms: u64,
}

/// Which server the client talks to.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ServerKind {
    /// The scripted one.
    #[default]
    Fake,
    /// `semanas serve` with the sandbox.
    Real,
    /// Two of them on one Redis, restarted one after the other.
    Rolling,
}

/// What not every machine has.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// An address other than its loopback one.
    OtherAddress,
}

impl Need {
    /// Why the machine cannot run the case; none when it can.
    pub fn missing(self) -> Option<&'static str> {
        match self {
            Need::OtherAddress if other_address().is_none() => {
                Some("this machine has no address but its loopback one, so that nothing can listen elsewhere")
            }
            Need::OtherAddress => None,
        }
    }
}

/// What must come of it: patterns, see `pattern`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub results: Value,
    pub attempts: Option<Value>,
    /// The calls that the fake saw, in their order.
    pub saw: Option<Value>,
    /// How many connections the fake accepted.
    pub connections: Option<Value>,
    /// What the providers' books of the sandbox hold: the number of charges by provider.
    pub books: Option<Value>,
}

/// A case that a language may fail, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    pub case: String,
    pub language: String,
    pub why: String,
}

fn time_limit_ms() -> u64 {
    TIME_LIMIT_MS
}

/// All cases of a folder, in the order of its files.
pub fn read_all(folder: &Path) -> anyhow::Result<Vec<Case>> {
    let listed = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files: Vec<_> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "yaml"));
    files.sort();
    let mut cases: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = Vec::new();
    for file in files {
        for case in read_yaml::<Vec<Case>>(&file)? {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if case.name.is_empty() || !case.name.chars().all(is_plain) {
                bail!("{}: the name {:?} is not of a-z 0-9 -", file.display(), case.name);
            }
            if cases.insert(case.name.clone(), all.len()).is_some() {
                bail!("{}: there are two cases {}", file.display(), case.name);
            }
            case.script.check().with_context(|| format!("case {}", case.name))?;
            all.push(case);
        }
    }
    Ok(all)
}

/// The list of what may fail; every entry must name a case that there is.
pub fn read_skipped(file: &Path, cases: &[Case]) -> anyhow::Result<Vec<Skipped>> {
    let skipped: Vec<Skipped> = read_yaml(file)?;
    for entry in &skipped {
        if !cases.iter().any(|case| case.name == entry.case) {
            bail!("{} names a case that is not there: {}", file.display(), entry.case);
        }
    }
    Ok(skipped)
}

/// By way of JSON, so that texts and numbers of a case are what they will be on the drivers' lines.
fn read_yaml<T: serde::de::DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let value: Value = serde_saphyr::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
    serde_json::from_value(value).with_context(|| format!("{} is not as it should be", file.display()))
}
