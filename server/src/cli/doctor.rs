//! `semanas doctor`: what was checked, what is wrong, and what to do about it. The checks themselves are made elsewhere.

use serde_json::{Value, json};

use crate::cli::args::Format;
use crate::cli::end::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::render::Column::{Exact, Text};
use crate::cli::render::table;

pub const EXAMPLES: &str = "\
Examples:
  semanas doctor
  semanas doctor --config /etc/semanas.toml
  semanas doctor --output json | jq '.checks[] | select(.ok | not)'

Exit code 0 when all is well, 1 when something is to be mended.";

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What was looked at: `settings`, `store`, `providers.kiban` …
    pub part: String,
    pub check: String,
    /// What was found, when it is well.
    pub result: Result<String, Problem>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub what: String,
    /// What to do about it; empty when it stands in `what`.
    pub fix: String,
}

/// Shows the checks.
pub fn run(checked: &[Checked], format: Format) -> Result<Exit, Failure> {
    let mut out = Out::standard(format);
    show(checked, &mut out)
}

fn show(checked: &[Checked], out: &mut Out) -> Result<Exit, Failure> {
    let is_well = checked.iter().all(|checked| checked.result.is_ok());
    match out.format {
        Format::Table => {
            let width = out.width();
            out.text(&as_table(checked, width))?;
        }
        Format::Json => {
            let checks: Vec<Value> = checked.iter().map(as_json).collect();
            out.json(&json!({"ok": is_well, "checks": checks}))?;
        }
    }
    Ok(if is_well { Exit::Succeeded } else { Exit::Unexpected })
}

fn as_table(checked: &[Checked], width: Option<u16>) -> String {
    let header = [
        Exact(""),
        Exact("Part"),
        Exact("Check"),
        Text("Found"),
        Text("What to do"),
    ];
    let rows = checked.iter().map(|checked| {
        let (mark, found, fix) = match &checked.result {
            Ok(found) => ("ok", found.as_str(), ""),
            Err(problem) => ("PROBLEM", problem.what.as_str(), problem.fix.as_str()),
        };
        let cells = [mark, &checked.part, &checked.check, found, fix];
        cells.map(str::to_owned).to_vec()
    });
    table(&header, rows, width)
}

fn as_json(checked: &Checked) -> Value {
    let Checked { part, check, result } = checked;
    match result {
        Ok(found) => json!({"part": part, "check": check, "ok": true, "found": found}),
        Err(problem) => json!({"part": part, "check": check, "ok": false, "found": problem.what, "fix": problem.fix}),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn checked() -> Vec<Checked> {
        vec![
            Checked {
                part: "settings".to_owned(),
                check: "read".to_owned(),
                result: Ok("all right".to_owned()),
            },
            Checked {
                part: "store".to_owned(),
                check: "eviction of h:1".to_owned(),
                result: Err(Problem {
                    what: "its maxmemory-policy is allkeys-lru".to_owned(),
                    fix: "set maxmemory-policy noeviction in redis.conf".to_owned(),
                }),
            },
        ]
    }

    #[test]
    fn problems_stand_out_and_decide_the_exit_code() {
        let text = as_table(&checked(), None);
        assert!(
            text.contains("PROBLEM") && text.contains("set maxmemory-policy"),
            "{text}"
        );
        let sink = || Box::new(Vec::new());
        let ended = |checked: &[Checked]| show(checked, &mut Out::into_page(sink(), Format::Json)).unwrap();
        assert_eq!(ended(&checked()), Exit::Unexpected);
        assert_eq!(ended(&checked()[..1]), Exit::Succeeded);
        assert_eq!(
            as_json(&checked()[1])["fix"],
            "set maxmemory-policy noeviction in redis.conf"
        );
    }
}
