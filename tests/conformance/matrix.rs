//! The matrix of case x language, for people and as one line for programs. Pure.

use serde_json::json;

/// What came of a case with a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    Passed,
    Failed,
    Skipped,
}

pub struct Matrix {
    pub cases: Vec<String>,
    /// Of each column.
    pub languages: Vec<String>,
    /// Each face of each language with a cell for each case.
    pub columns: Vec<(String, Vec<Cell>)>,
}

impl Matrix {
    pub fn table(&self) -> String {
        let width = self.cases.iter().map(String::len).max().unwrap_or_default();
        let heads: Vec<String> = self
            .columns
            .iter()
            .map(|(column, _)| format!("{column:>13}"))
            .collect();
        let mut table = format!("{:width$}{}\n", "", heads.concat());
        for (row, case) in self.cases.iter().enumerate() {
            let words = self
                .columns
                .iter()
                .map(|(_, cells)| format!("{:>13}", word(cells[row])));
            table.push_str(&format!("{case:width$}{}\n", words.collect::<String>()));
        }
        table
    }

    pub fn json(&self) -> String {
        let mut languages = self.languages.clone();
        languages.dedup();
        let columns: Vec<&str> = self.columns.iter().map(|(column, _)| column.as_str()).collect();
        let count = |wanted| {
            self.columns
                .iter()
                .flat_map(|(_, cells)| cells)
                .filter(|cell| **cell == wanted)
                .count()
        };
        let (passed, failed, skipped) = (count(Cell::Passed), count(Cell::Failed), count(Cell::Skipped));
        json!({
            "cases": self.cases.len(), "languages": languages, "columns": columns, "passed": passed, "failed": failed, "skipped": skipped,
        })
        .to_string()
    }

    pub fn is_green(&self) -> bool {
        self.columns.iter().all(|(_, cells)| !cells.contains(&Cell::Failed))
    }
}

fn word(cell: Cell) -> &'static str {
    match cell {
        Cell::Passed => "ok",
        Cell::Failed => "FAILED",
        Cell::Skipped => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_cell_makes_it_red_and_a_skipped_one_does_not() {
        let matrix = |cells: Vec<Cell>| Matrix {
            cases: vec!["a".into(), "b".into()],
            languages: vec!["java".into(), "java".into()],
            columns: vec![("java".into(), cells.clone()), ("java-async".into(), cells)],
        };
        assert!(matrix(vec![Cell::Passed, Cell::Skipped]).is_green());
        let red = matrix(vec![Cell::Passed, Cell::Failed]);
        assert!(!red.is_green());
        assert_eq!(
            red.json(),
            r#"{"cases":2,"columns":["java","java-async"],"failed":2,"languages":["java"],"passed":2,"skipped":0}"#
        );
        assert_eq!(red.table().lines().count(), 3);
    }
}
