//! What a run found: rows of a table for people, one line of JSON for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::spread::Spread;

/// What comes between these lines of `RESULTS.md` is written by a run.
const BEGIN: &str = "<!-- table:begin -->";
const END: &str = "<!-- table:end -->";

#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    notes: Vec<String>,
    errors: Vec<String>,
}

struct Row {
    /// Its name for programs.
    key: &'static str,
    what: String,
    semanas: Spread,
    floor: Option<Spread>,
    ratio: Option<Spread>,
    target: &'static str,
}

impl Report {
    /// Figures that were measured in turns with their floor's.
    pub fn ratio(&mut self, key: &'static str, what: &str, semanas: &[f64], floors: &[f64], target: &'static str) {
        self.add(Row {
            key,
            what: what.to_owned(),
            semanas: Spread::of(semanas),
            floor: Some(Spread::of(floors)),
            ratio: Some(Spread::of_ratios(semanas, floors)),
            target,
        });
    }

    /// Figures that have no floor.
    pub fn figure(&mut self, key: &'static str, what: &str, figures: &[f64], target: &'static str) {
        self.add(Row {
            key,
            what: what.to_owned(),
            semanas: Spread::of(figures),
            floor: None,
            ratio: None,
            target,
        });
    }

    /// Something that a reader of the table should know.
    pub fn note(&mut self, note: String) {
        crate::tell(&format!("  {note}"));
        self.notes.push(note);
    }

    /// Calls failed: the figures of this measure are not what they look like.
    pub fn errors(&mut self, measure: &str, told: Option<String>) {
        if let Some(told) = told {
            crate::tell(&format!("  {measure}: {told}"));
            self.errors.push(format!("{measure}: {told}"));
        }
    }

    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The table and what there is to say about it, as Markdown.
    pub fn table(&self, ratios_only: bool) -> String {
        let mut text = String::from("| what | Semanas | floor | ratio | target |\n|---|---|---|---|---|\n");
        for row in self.rows.iter().filter(|row| !ratios_only || row.ratio.is_some()) {
            let cell = |spread: Option<Spread>| spread.map(|spread| spread.to_string()).unwrap_or_default();
            let (semanas, floor, ratio) = (row.semanas, cell(row.floor), cell(row.ratio));
            let _ = writeln!(
                text,
                "| {} | {semanas} | {floor} | {ratio} | {} |",
                row.what, row.target
            );
        }
        for (heading, lines) in [("Errors", &self.errors), ("Notes", &self.notes)] {
            if !lines.is_empty() {
                let _ = write!(text, "\n{heading}:\n\n");
                lines.iter().for_each(|line| {
                    let _ = writeln!(text, "- {line}");
                });
            }
        }
        text
    }

    /// Each row's median: the ratio where there is one, and nothing else if so wanted.
    pub fn json(&self, is_quiet: bool, ratios_only: bool) -> Value {
        let figure = |row: &Row| {
            let median = row.ratio.map_or(row.semanas.median, |ratio| ratio.median);
            (row.key.to_owned(), json!((median * 1000.0).round() / 1000.0))
        };
        let rows = self.rows.iter().filter(|row| !ratios_only || row.ratio.is_some());
        let mut object: Map<String, Value> = rows.map(figure).collect();
        object.insert("errors".to_owned(), json!(self.errors.len()));
        object.insert("quiet".to_owned(), json!(is_quiet));
        Value::Object(object)
    }

    fn add(&mut self, row: Row) {
        let ratio = row.ratio.map(|ratio| format!(", ratio {ratio}")).unwrap_or_default();
        let floor = row.floor.map(|floor| format!(", floor {floor}")).unwrap_or_default();
        crate::tell(&format!("  {}: {}{floor}{ratio}", row.what, row.semanas));
        self.rows.push(row);
    }
}

/// `RESULTS.md` with another table; `None` when it has no place for one.
pub fn with_table(results: &str, table: &str) -> Option<String> {
    let (before, rest) = results.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_replaces_the_table_and_nothing_else() {
        let results = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let expected = format!("before\n{BEGIN}\nnew\n{END}\nafter\n");
        assert_eq!(with_table(&results, "new\n"), Some(expected));
        assert_eq!(with_table("no place", "new\n"), None);
    }
}
