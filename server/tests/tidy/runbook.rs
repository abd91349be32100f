//! The runbook knows every line that the server logs for an operator, and no other.
//!
//! A line is found by its macro and told by the last string in it; what is filled in counts as `…`. Its level is not compared.

use crate::lexer::without_inline_tests;
use crate::tree::{Offence, Tree, is_test};

const RUNBOOK: &str = "docs/operations.md";
/// How the head of a table of such lines begins.
const TABLE: &str = "| Log line";
const MACROS: [&str; 2] = ["tracing::error!(", "tracing::warn!("];
/// A release has none of its lines.
const NOT_IN_A_RELEASE: &str = "server/src/failpoint.rs";

/// A text with the place where it stands.
struct Line<'a> {
    path: &'a str,
    number: usize,
    text: String,
}

pub fn check_log_lines(tree: &Tree) -> Vec<Offence> {
    let is_logged = |path: &str| path.starts_with("server/src/") && !is_test(path) && path != NOT_IN_A_RELEASE;
    let sources = tree.texts(&["rs"]).filter(|(path, _)| is_logged(path));
    let logged: Vec<Line<'_>> = sources.flat_map(|(path, text)| logged_by(path, text)).collect();
    let runbook = tree.texts(&["md"]).find(|(path, _)| *path == RUNBOOK);
    let told: Vec<Line<'_>> = runbook.map(|(path, text)| told_by(path, text)).unwrap_or_default();

    let untold = logged
        .iter()
        .filter(|line| !told.iter().any(|told| is_meant(&told.text, &line.text)));
    let unlogged = told
        .iter()
        .filter(|told| !logged.iter().any(|line| is_meant(&told.text, &line.text)));
    let untold = untold.map(|line| {
        line.offence(
            "is not in the runbook",
            "give it a row in docs/operations.md, with what to do",
        )
    });
    let unlogged = unlogged.map(|line| {
        line.offence(
            "is logged by nobody",
            "write it as the source has it, … for what is left out",
        )
    });
    untold.chain(unlogged).collect()
}

/// `told` may leave out the end.
fn is_meant(told: &str, logged: &str) -> bool {
    told == logged || told.strip_suffix('…').is_some_and(|stem| logged.starts_with(stem))
}

fn logged_by<'a>(path: &'a str, source: &str) -> Vec<Line<'a>> {
    let code = without_inline_tests(source);
    let calls = MACROS.iter().flat_map(|name| code.match_indices(name));
    let lines = calls.filter_map(|(at, name)| {
        let text = last_string(&code[at + name.len()..])?;
        let number = code[..at].lines().count().max(1);
        Some(Line {
            path,
            number,
            text: with_gaps(&text),
        })
    });
    lines.collect()
}

/// The last string literal before the parenthesis closes that was just opened.
fn last_string(arguments: &str) -> Option<String> {
    let (mut depth, mut last) = (1, None);
    let mut chars = arguments.chars();
    while let Some(char) = chars.next() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            '"' => last = Some(rest_of_string(&mut chars)),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    last
}

fn rest_of_string(chars: &mut std::str::Chars<'_>) -> String {
    let mut text = String::new();
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => match chars.next() {
                // A string that goes on in the next line, without its indentation.
                Some('\n') => *chars = chars.as_str().trim_start().chars(),
                escaped => text.extend(escaped),
            },
            char => text.push(char),
        }
    }
    text
}

/// What is filled in becomes a gap.
fn with_gaps(text: &str) -> String {
    let mut pieces = text.split('{');
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = pieces.map(|piece| format!("…{}", piece.split_once('}').map_or("", |(_, after)| after)));
    rest.fold(first, |text, piece| text + &piece)
}

fn told_by<'a>(path: &'a str, text: &str) -> Vec<Line<'a>> {
    let mut is_in_table = false;
    let mut told = Vec::new();
    for (number, line) in text.lines().enumerate() {
        is_in_table = line.starts_with(TABLE) || (is_in_table && line.starts_with('|'));
        let cell = line
            .split('|')
            .nth(1)
            .filter(|_| is_in_table && !line.starts_with(TABLE));
        let quoted = cell.into_iter().flat_map(|cell| cell.split('`').skip(1).step_by(2));
        told.extend(quoted.map(|text| Line {
            path,
            number: number + 1,
            text: text.to_owned(),
        }));
    }
    told
}

impl Line<'_> {
    fn offence(&self, what: &str, fix: &str) -> Offence {
        Offence {
            path: self.path.to_owned(),
            line: self.number,
            what: format!("\"{}\" {what}", self.text),
            fix: fix.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
fn f() {
    tracing::error!(job.id = %id("x"), "lost {race} races \
        in a row");
    tracing::warn!("it is {what}: {why}");
}
#[cfg(test)]
mod tests {
    fn g() { tracing::warn!("a test's own"); }
}
"#;

    #[track_caller]
    fn check(rows: &str, expected: &[(&str, usize)]) {
        let runbook = format!("`not this`\n\n| Log line | Do |\n|---|---|\n{rows}\n\n| Other |\n| `nor this` |\n");
        let offences = check_log_lines(&Tree::made_up(&[("server/src/a.rs", SOURCE), (RUNBOOK, &runbook)]));
        let found: Vec<(&str, usize)> = offences.iter().map(|it| (it.path.as_str(), it.line)).collect();
        assert_eq!(found, expected, "{offences:?}");
    }

    #[test]
    fn a_line_without_a_row_and_a_row_without_a_line_are_found() {
        check("| `lost … races in a row`, WARN `it is …: …` | x |", &[]);
        check("| `lost …`, WARN `it is …` | `x` |", &[]);
        check("| `lost … races in a row` | x |", &[("server/src/a.rs", 5)]);
        check("| `lost …`, `it is …`, `it was` | x |", &[(RUNBOOK, 5)]);
    }
}
