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
    /// Each language with a cell for each case.
    pub columns: Vec<(String, Vec<Cell>)>,
}

impl Matrix {
    pub fn table(&self) -> String {
        let width = self.cases.iter().map(String::len).max().unwrap_or_default();
        let heads: Vec<String> = self
            .columns
            .iter()
            .map(|(language, _)| format!("{language:>11}"))
            .collect();
        let mut table = format!("{:width$}{}\n", "", heads.concat());
        for (row, case) in self.cases.iter().enumerate() {
            let words = self
                .columns
                .iter()
                .map(|(_, cells)| format!("{:>11}", word(cells[row])));
            table.push_str(&format!("{case:width$}{}\n", words.collect::<String>()));
        }
        table
    }

    pub fn json(&self) -> String {
        let languages: Vec<&str> = self.columns.iter().map(|(language, _)| language.as_str()).collect();
        let count = |wanted| {
            self.columns
                .iter()
                .flat_map(|(_, cells)| cells)
                .filter(|cell| **cell == wanted)
                .count()
        };
        let (passed, failed, skipped) = (count(Cell::Passed), count(Cell::Failed), count(Cell::Skipped));
        json!({
            "cases": self.cases.len(), "languages": languages, "passed": passed, "failed": failed, "skipped": skipped,
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
            columns: vec![("rust".into(), cells)],
        };
        assert!(matrix(vec![Cell::Passed, Cell::Skipped]).is_green());
        let red = matrix(vec![Cell::Passed, Cell::Failed]);
        assert!(!red.is_green());
        assert_eq!(
            red.json(),
            r#"{"cases":2,"failed":1,"languages":["rust"],"passed":1,"skipped":0}"#
        );
        assert_eq!(red.table().lines().count(), 3);
    }
}
