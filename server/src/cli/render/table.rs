//! The one form of all tables.

use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Table};

use crate::cli::render::printable;

/// A line above, below and under the header; none between rows, so that a screen holds many of them.
const PRESET: &str = "  ── ══      ──    ";
/// Narrower than this, the blanks beside it included, text is a ladder of syllables.
const TEXT_CHARS_MIN: u16 = 10;

/// A column. On a narrow terminal only free text is broken: half a date or identifier is of no use.
#[derive(Clone, Copy)]
pub enum Column {
    /// Dates, identifiers, figures.
    Exact(&'static str),
    /// Names and sentences.
    Text(&'static str),
}

/// A table that fits into `width`; without one, lines are as long as they need to be.
pub fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>, width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_preset(PRESET).force_no_tty();
    table.set_header(columns.iter().map(|column| match column {
        Column::Exact(title) | Column::Text(title) => Cell::new(title),
    }));
    for row in rows {
        table.add_row(row.iter().map(|text| printable(text)));
    }
    match width {
        Some(width) => table
            .set_width(width)
            .set_content_arrangement(ContentArrangement::Dynamic),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.set_constraints(columns.iter().map(|column| match column {
        Column::Exact(_) => ColumnConstraint::ContentWidth,
        Column::Text(_) => ColumnConstraint::LowerBoundary(comfy_table::Width::Fixed(TEXT_CHARS_MIN)),
    }));
    table.trim_fmt()
}
