//! The one form of all tables.

use comfy_table::{Cell, ContentArrangement, Table, presets};

use crate::cli::render::printable;

/// A table that fits into `width`; without one, lines are as long as they need to be.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).force_no_tty();
    table.set_header(header.iter().map(|title| Cell::new(title)));
    for row in rows {
        table.add_row(row.iter().map(|text| printable(text)));
    }
    match width {
        Some(width) => table
            .set_width(width)
            .set_content_arrangement(ContentArrangement::Dynamic),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.trim_fmt()
}
