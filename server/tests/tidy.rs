//! Style as a test: what the project says about its own shape, checked by reading its files.
//!
//! The checks are in `tidy/`, each a pure function from files to offences, with tests that it can fail. This file says
//! which of them the tree must pass. It deliberately knows nothing of what the code does, and does not parse Rust: a
//! scan of tokens is enough to see who imports whom.

#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/runbook.rs"]
mod runbook;
#[path = "tidy/text.rs"]
mod text;
#[path = "tidy/tree.rs"]
mod tree;

use tree::{Offence, Tree};

#[test]
fn imports_go_down_the_layers() {
    assert_tidy(layers::check_layers(&Tree::of_the_project()));
}

#[test]
fn modules_form_no_cycle() {
    assert_tidy(layers::check_cycles(&Tree::of_the_project()));
}

#[test]
fn crates_stay_where_they_belong() {
    assert_tidy(layers::check_crates(&Tree::of_the_project()));
}

#[test]
fn every_file_says_what_it_decides() {
    assert_tidy(text::check_openings(&Tree::of_the_project()));
}

#[test]
fn files_are_short() {
    assert_tidy(text::check_lengths(&Tree::of_the_project()));
}

#[test]
fn no_word_promises_later_work() {
    assert_tidy(text::check_words(&Tree::of_the_project()));
}

#[test]
fn lines_are_clean() {
    assert_tidy(text::check_lines(&Tree::of_the_project()));
}

#[test]
fn no_large_file_is_tracked() {
    assert_tidy(text::check_sizes(&Tree::of_the_project()));
}

#[test]
fn the_changelog_has_room_for_the_next_release() {
    assert_tidy(text::check_changelog(&Tree::of_the_project()));
}

#[test]
fn every_dependency_comes_from_the_registry() {
    assert_tidy(text::check_lock(&Tree::of_the_project()));
}

#[test]
fn the_runbook_knows_every_line_of_the_log() {
    assert_tidy(runbook::check_log_lines(&Tree::of_the_project()));
}

/// All offences at once, each where it is and with what to do, so that one run is enough to fix them.
#[track_caller]
fn assert_tidy(offences: Vec<Offence>) {
    let lines: Vec<String> = offences.iter().map(Offence::to_string).collect();
    assert!(lines.is_empty(), "{} offence(s):\n{}", lines.len(), lines.join("\n"));
}
