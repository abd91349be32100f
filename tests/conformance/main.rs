//! Runs every case of `cases/*.yaml` with every client and prints the matrix. See README.md beside this file.
//!
//! It decides the order, what counts as passed, and the exit code.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod case;
mod certificates;
mod driver;
mod fake;
mod matrix;
mod pattern;
mod placeholders;
mod real;
mod rolling;
mod run;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Parser;
use futures::StreamExt as _;

use case::{Case, Skipped};
use certificates::Certificates;
use driver::{Driver, Language};
use matrix::{Cell, Matrix};
use run::Verdict;

/// All clients, in the order of the matrix.
const LANGUAGES: [&str; 5] = ["rust", "go", "python", "typescript", "java"];

const COLUMNS_PER_CORE: usize = 2;

/// Runs the conformance cases with every client.
#[derive(Parser)]
struct Arguments {
    /// Languages, separated by commas [default: all whose driver is built]
    #[arg(long, value_delimiter = ',')]
    languages: Vec<String>,
    /// Only cases whose name fits, such as watch-* [default: all]
    #[arg(long, value_delimiter = ',')]
    cases: Vec<String>,
    /// Print what was said between client and server in each case that fails
    #[arg(long)]
    show: bool,
    /// Print the cases and what each is for, and run none
    #[arg(long)]
    list: bool,
}

/// What all languages share.
struct Plan {
    cases: Vec<Case>,
    skipped: Vec<Skipped>,
    certificates: Certificates,
    show: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match conform(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn conform(arguments: Arguments) -> anyhow::Result<bool> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let folder = root.join("tests/conformance");
    let all = case::read_all(&folder.join("cases"))?;
    let skipped = case::read_skipped(&folder.join("skipped.yaml"), &all)?;
    let wanted = |case: &Case| arguments.cases.is_empty() || arguments.cases.iter().any(|it| fits(it, &case.name));
    let cases: Vec<Case> = all.into_iter().filter(wanted).collect();
    if cases.is_empty() {
        bail!("no case fits {}", arguments.cases.join(","));
    }
    if arguments.list {
        cases.iter().for_each(|case| println!("{:<44} {}", case.name, case.why));
        return Ok(true);
    }
    let languages = languages(&root, &arguments.languages)?;
    let certificates = Certificates::make().context("making the certificates of the run")?;
    let plan = Arc::new(Plan {
        cases,
        skipped,
        certificates,
        show: arguments.show,
    });
    // Most of a column's time is waited. More of them at once would only have drivers wait for a core instead.
    let at_once = COLUMNS_PER_CORE * std::thread::available_parallelism().map_or(1, usize::from);
    let columns: Vec<Vec<Cell>> = futures::stream::iter(languages.clone())
        .map(|language| tokio::spawn(column(language, plan.clone())))
        .buffered(at_once)
        .map(|column| column.expect("a column ends without a panic"))
        .collect()
        .await;
    let names = plan.cases.iter().map(|case| case.name.clone()).collect();
    let matrix = Matrix {
        cases: names,
        languages: languages.iter().map(|it| it.name.clone()).collect(),
        columns: languages.iter().map(|it| it.column.clone()).zip(columns).collect(),
    };
    print!("{}", matrix.table());
    println!("{}", matrix.json());
    Ok(matrix.is_green())
}

fn languages(root: &std::path::Path, wanted: &[String]) -> anyhow::Result<Vec<Language>> {
    let mut languages = Vec::new();
    if wanted.is_empty() {
        languages.extend(LANGUAGES.iter().flat_map(|name| Language::find(root, name)));
    }
    for name in wanted {
        let found = Language::find(root, name);
        if found.is_empty() {
            let known = LANGUAGES.join(" ");
            bail!("there is no client/{name}/conformance/run; languages: {known}");
        }
        languages.extend(found);
    }
    if languages.is_empty() {
        bail!("no client has a driver");
    }
    Ok(languages)
}

/// All cases with one language, one after the other, in as few processes as it takes.
async fn column(language: Language, plan: Arc<Plan>) -> Vec<Cell> {
    let mut driver: Option<Driver> = None;
    let mut cells = Vec::new();
    for case in &plan.cases {
        if let Some(why) = case.needs.and_then(case::Need::missing) {
            cells.push(tell(&language, case, Cell::Skipped, &[why.to_owned()], ""));
            continue;
        }
        let started = match driver.take() {
            Some(driver) => Ok(driver),
            None => language.start(),
        };
        let mut ready = match started {
            Ok(ready) => ready,
            Err(error) => {
                cells.push(tell(&language, case, Cell::Failed, &[format!("{error:#}")], ""));
                continue;
            }
        };
        let outcome = run::run(case, &mut ready, &plan.certificates).await;
        if outcome.is_driver_usable {
            driver = Some(ready);
        }
        let exchange = if plan.show { outcome.exchange.as_str() } else { "" };
        let entry = plan
            .skipped
            .iter()
            .find(|it| it.case == case.name && it.language == language.column);
        cells.push(match (outcome.verdict, entry) {
            (Verdict::Passed, None) => Cell::Passed,
            (Verdict::Passed, Some(_)) => {
                let why = "skipped.yaml lists it, and it passes: take it out".to_owned();
                tell(&language, case, Cell::Failed, &[why], exchange)
            }
            (Verdict::Failed(_) | Verdict::Unsupported(_), Some(entry)) => {
                tell(&language, case, Cell::Skipped, std::slice::from_ref(&entry.why), "")
            }
            (Verdict::Failed(why), None) => tell(&language, case, Cell::Failed, &why, exchange),
            (Verdict::Unsupported(why), None) => {
                let why = format!("the driver cannot do it ({why}), and skipped.yaml does not say why");
                tell(&language, case, Cell::Failed, &[why], exchange)
            }
        });
    }
    let ended = match driver {
        Some(driver) => driver.end().await,
        None => Ok(()),
    };
    if let (Err(error), Some(last)) = (ended, plan.cases.last()) {
        cells.pop();
        cells.push(tell(&language, last, Cell::Failed, &[format!("{error:#}")], ""));
    }
    cells
}

fn tell(language: &Language, case: &Case, cell: Cell, why: &[String], exchange: &str) -> Cell {
    let word = match cell {
        Cell::Passed => "passed",
        Cell::Failed => "FAILED",
        Cell::Skipped => "skipped",
    };
    println!(
        "{word} {} {} ({})\n    {}\n{exchange}",
        language.column,
        case.name,
        case.why,
        why.join("\n    ")
    );
    cell
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name
            .strip_prefix(before)
            .is_some_and(|rest| (0..=rest.len()).any(|at| rest.is_char_boundary(at) && fits(after, &rest[at..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, expected) in [
            ("a-*", "a-b", true),
            ("*-b", "a-b", true),
            ("a", "a-b", false),
            ("*", "", true),
            ("a*c*", "abcd", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn every_case_and_every_skipped_one_can_be_read() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conformance");
        let cases = case::read_all(&folder.join("cases")).unwrap();
        case::read_skipped(&folder.join("skipped.yaml"), &cases).unwrap();
    }
}
