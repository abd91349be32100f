//! The layers that settings come from: the compiled-in defaults, a file, the environment; the later ones win.
//!
//! Each layer is flattened to names such as `grpc.listen`, and every value remembers where it came from, so that a mistake can
//! be named where it was made. This module does not know which settings exist, nor of what type they are.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::mistakes::{Mistake, Mistakes};

/// Every setting with its default and a comment.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// The file that is read when none is named, if it is there.
const FILE_IF_PRESENT: &str = "semanas.toml";

const PREFIX: &str = "SEMANAS_";
/// Names the settings file.
const FILE_VARIABLE: &str = "SEMANAS_CONFIG";
/// The variables with our prefix that are no settings: the one above, the server that the client commands call, and the program
/// that the clients' own tests start.
const NOT_SETTINGS: [&str; 3] = [FILE_VARIABLE, "SEMANAS_SERVER", "SEMANAS_BIN"];

/// What the settings are read from.
#[derive(Default)]
pub struct Sources {
    /// Path, for messages, and contents of the settings file.
    pub file: Option<(PathBuf, String)>,
    /// Name and value of each variable that starts with `SEMANAS_`.
    pub environment: Vec<(String, String)>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
}

/// A value as it was written.
#[derive(Clone)]
pub(super) enum Written {
    /// In TOML, which has types.
    Toml(toml::Value),
    /// In the environment, which has none.
    Plain(String),
}

/// A value and where it came from.
#[derive(Clone)]
pub(super) struct Given {
    pub written: Written,
    pub origin: Origin,
}

/// Settings by name; of each the one that wins, and below it the others.
pub(super) struct Layers {
    pub defaults: BTreeMap<String, Given>,
    pub file: BTreeMap<String, Given>,
    pub environment: BTreeMap<String, Given>,
}

// === impl Sources ===

impl Sources {
    /// Reads the settings file: the one named on the command line, else by `SEMANAS_CONFIG`, else `./semanas.toml` if there is
    /// one. `environment` is the whole environment of the process.
    pub fn gather(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Sources, Mistakes> {
        let lossy = |text: OsString| text.to_string_lossy().into_owned();
        let environment: Vec<(String, String)> = environment
            .into_iter()
            .map(|(name, value)| (lossy(name), lossy(value)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let from_variable = environment
            .iter()
            .find(|(name, value)| name == FILE_VARIABLE && !value.is_empty());
        let (path, named_by) = match (file, from_variable) {
            (Some(path), _) => (path.to_owned(), Some("--config".to_owned())),
            (None, Some((name, value))) => (PathBuf::from(value), Some(format!("environment {name}"))),
            (None, None) => (PathBuf::from(FILE_IF_PRESENT), None),
        };
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Sources {
                file: Some((path, text)),
                environment,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && named_by.is_none() => Ok(Sources {
                file: None,
                environment,
            }),
            Err(error) => {
                let name = format!("settings file {}", path.display());
                let origin = named_by.unwrap_or_else(|| "found in the working directory".to_owned());
                let fix = "name a file that exists and that this user may read";
                Err(Mistakes::one(Mistake::new(
                    name,
                    origin,
                    format!("it cannot be read: {error}"),
                    fix,
                )))
            }
        }
    }
}

// === impl Layers ===

impl Layers {
    pub(super) fn of(sources: &Sources) -> Result<Layers, Mistakes> {
        let mut file = BTreeMap::new();
        if let Some((path, text)) = &sources.file {
            let table = parse(text).map_err(|(line, what)| {
                let name = format!("settings file {}", path.display());
                let origin = line.map_or_else(|| "as a whole".to_owned(), |line| format!("line {line}"));
                Mistakes::one(Mistake::new(
                    name,
                    origin,
                    what,
                    "write it as TOML; text stands in double quotes",
                ))
            })?;
            flatten("", table, &Origin::File(path.clone()), &mut file);
        }
        let mut defaults = BTreeMap::new();
        let table = parse(DEFAULTS).expect("a test reads the compiled-in defaults");
        flatten("", table, &Origin::Default, &mut defaults);
        Ok(Layers {
            defaults,
            file,
            environment: of_environment(&sources.environment),
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "from file {}", path.display()),
            Origin::Environment(variable) => write!(f, "environment {variable}"),
        }
    }
}

/// The name of the variable that sets a setting.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "__").to_ascii_uppercase())
}

/// The error holds the line and the parser's sentence, never the line itself: a secret may stand there.
fn parse(text: &str) -> Result<toml::Table, (Option<usize>, String)> {
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
        (line, error.message().lines().collect::<Vec<_>>().join(", "))
    })
}

fn flatten(prefix: &str, table: toml::Table, origin: &Origin, into: &mut BTreeMap<String, Given>) {
    for (key, value) in table {
        let name = if prefix.is_empty() {
            key
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            toml::Value::Table(inner) => flatten(&name, inner, origin, into),
            value => {
                into.insert(
                    name,
                    Given {
                        written: Written::Toml(value),
                        origin: origin.clone(),
                    },
                );
            }
        }
    }
}

fn of_environment(environment: &[(String, String)]) -> BTreeMap<String, Given> {
    let settings = environment
        .iter()
        .filter(|(variable, _)| !NOT_SETTINGS.contains(&variable.as_str()) && !is_of_kubernetes(variable));
    settings
        .map(|(variable, value)| {
            let name = variable[PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
            let origin = Origin::Environment(variable.clone());
            (
                name,
                Given {
                    written: Written::Plain(value.clone()),
                    origin,
                },
            )
        })
        .collect()
}

/// Kubernetes tells each pod about the services of its namespace, and one named `semanas` gives `SEMANAS_SERVICE_HOST`,
/// `SEMANAS_SERVICE_PORT_GRPC`, `SEMANAS_PORT_50051_TCP_ADDR` and more. Nobody set those.
fn is_of_kubernetes(variable: &str) -> bool {
    let rest = &variable[PREFIX.len()..];
    let port = rest.strip_prefix("PORT").is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('_')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    port || rest == "SERVICE_HOST" || rest == "SERVICE_PORT" || rest.starts_with("SERVICE_PORT_")
}
