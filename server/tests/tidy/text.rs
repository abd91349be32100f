//! Rules that need no knowledge of the language: openings, lengths, words, white space, sizes, and two single files.
//!
//! The limits stand at the top. What is generated, recorded from elsewhere or written by a tool is left alone.

use crate::tree::{Offence, Tree, is_generated, is_test};

/// Past this a file has more than one subject (ours should have 80 to 250 lines).
const FILE_LINES_MAX: usize = 450;
/// Tests are lists of cases, which read well for longer.
const TEST_LINES_MAX: usize = 600;
/// rustfmt breaks at 120; what it cannot break (strings, comments, tables) may go a little further.
const LINE_CHARS_MAX: usize = 140;
/// Tests quote what providers send as they send it, on one line.
const TEST_LINE_CHARS_MAX: usize = 200;
/// A larger file is nearly always a build product or a recording that wants a link instead.
const FILE_BYTES_MAX: u64 = 300_000;

const CODE: &[&str] = &["rs", "go", "py", "ts", "java", "lua", "proto", "sh", "toml"];
/// Go and make indent with tabs.
const NO_TABS: &[&str] = &[
    "rs", "py", "ts", "java", "lua", "proto", "sh", "toml", "md", "yaml", "yml", "json", "html", "css",
];

/// Words that announce unfinished work, and what to do instead. Split, so that this file may hold them.
const BANNED: &[(&str, &str)] = &[
    (concat!("todo", "!"), "do it, or leave it out"),
    (concat!("unimplemented", "!"), "do it, or leave it out"),
    (concat!("TO", "DO"), "do it, or say in CHANGELOG.md what is missing"),
    (concat!("FIX", "ME"), "fix it"),
    (concat!("XX", "X"), "say what is wrong, and mend it"),
    (concat!("for", " now"), "say under which condition it holds"),
    (
        concat!("#[ig", "nore"),
        "delete the test, or skip a slow one by an environment variable",
    ),
];
const BANNED_IN_TESTS: &[(&str, &str)] = &[(
    concat!("sleep", "("),
    "wait for a state, with a deadline: a test that sleeps is slow on a good day and red on a bad one",
)];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// Also in deny.toml, which needs a program that not every machine has.
const BANNED_CRATES: &[&str] = &["openssl-sys", "native-tls", "chrono"];

pub fn check_openings(tree: &Tree) -> Vec<Offence> {
    let silent = tree
        .texts(&["rs"])
        .filter(|(path, text)| !is_generated(path) && !text.starts_with("//!"));
    silent
        .map(|(path, _)| {
            let fix = "say in //! what the module decides and what it deliberately does not know";
            offence(path, 1, "the file does not open with //!", fix)
        })
        .collect()
}

pub fn check_lengths(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, text) in tree
        .texts(&["rs", "go", "py", "ts", "java"])
        .filter(|(path, _)| !is_generated(path))
    {
        let lines = text.lines().count();
        let lines_max = if is_test(path) { TEST_LINES_MAX } else { FILE_LINES_MAX };
        if lines > lines_max {
            let what = format!("{lines} lines, at most {lines_max}");
            offences.push(offence(path, lines_max + 1, &what, "split it by subject"));
        }
    }
    offences
}

pub fn check_words(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, text) in tree.texts(CODE).filter(|(path, _)| !is_generated(path)) {
        let in_tests = if is_test(path) { BANNED_IN_TESTS } else { &[] };
        for (number, line) in numbered(text) {
            let found = BANNED.iter().chain(in_tests).filter(|(word, _)| holds_word(line, word));
            offences.extend(found.map(|(word, fix)| offence(path, number, &format!("`{word}`"), fix)));
        }
    }
    offences
}

pub fn check_lines(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, text) in tree.texts(NO_TABS).filter(|(path, _)| is_written_by_hand(path)) {
        for (number, line) in numbered(text) {
            if line.contains('\t') {
                offences.push(offence(path, number, "a tab", "use spaces, or \\t in a string"));
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            offences.push(offence(
                path,
                text.lines().count(),
                "no line feed at the end",
                "end the last line",
            ));
        }
    }
    let trailing = [NO_TABS, &["go", "Makefile", "Dockerfile"]].concat();
    for (path, text) in tree.texts(&trailing).filter(|(path, _)| is_written_by_hand(path)) {
        for (number, line) in numbered(text) {
            if line.ends_with([' ', '\t', '\r']) {
                offences.push(offence(path, number, "trailing white space", "delete it"));
            }
        }
    }
    for (path, text) in tree.texts(CODE).filter(|(path, _)| is_written_by_hand(path)) {
        // A dependency with its features is an inline table, which TOML keeps on one line.
        if path.ends_with(".toml") {
            continue;
        }
        let chars_max = if is_test(path) {
            TEST_LINE_CHARS_MAX
        } else {
            LINE_CHARS_MAX
        };
        for (number, line) in numbered(text) {
            let chars = line.chars().count();
            // A link cannot be broken.
            if chars > chars_max && !line.contains("://") {
                let what = format!("{chars} characters, at most {chars_max}");
                offences.push(offence(path, number, &what, "break the line"));
            }
        }
    }
    offences
}

pub fn check_sizes(tree: &Tree) -> Vec<Offence> {
    let large = tree.files.iter().filter(|file| file.size_bytes > FILE_BYTES_MAX);
    large
        .map(|file| {
            let what = format!("{} bytes, at most {FILE_BYTES_MAX}", file.size_bytes);
            offence(&file.path, 0, &what, "make it smaller, generate it, or link to it")
        })
        .collect()
}

pub fn check_changelog(tree: &Tree) -> Vec<Offence> {
    let changelog = tree.texts(&["md"]).find(|(path, _)| *path == "CHANGELOG.md");
    let is_unreleased = |line: &str| line.starts_with("## ") && line.contains("Unreleased");
    if changelog.is_some_and(|(_, text)| text.lines().any(is_unreleased)) {
        return Vec::new();
    }
    vec![offence(
        "CHANGELOG.md",
        0,
        "no section \"## Unreleased\"",
        "add it above the last release",
    )]
}

pub fn check_lock(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, text) in tree.texts(&["lock"]).filter(|(path, _)| path.ends_with("Cargo.lock")) {
        for (number, line) in numbered(text) {
            let value = |key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
            if value("source").is_some_and(|source| source != REGISTRY) {
                offences.push(offence(path, number, line, "every dependency comes from crates.io"));
            }
            if value("name").is_some_and(|name| BANNED_CRATES.contains(&name)) {
                offences.push(offence(path, number, line, "see deny.toml for what to use instead"));
            }
        }
    }
    offences
}

fn offence(path: &str, line: usize, what: &str, fix: &str) -> Offence {
    Offence {
        path: path.to_owned(),
        line,
        what: what.to_owned(),
        fix: fix.to_owned(),
    }
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    // Not `lines()`, which would hide a carriage return.
    text.split('\n').enumerate().map(|(index, line)| (index + 1, line))
}

/// Recorded answers keep their bytes, and tools write lock files as they please.
fn is_written_by_hand(path: &str) -> bool {
    !is_generated(path) && !path.contains("/fixtures/") && !path.ends_with("-lock.json")
}

/// Whether `word` stands in `line` by itself: a CURP may hold the same letters.
fn holds_word(line: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let runs_on = word.ends_with(is_word) && after.is_some_and(is_word);
        !runs_on && before.is_none_or(|c| !is_word(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(check: fn(&Tree) -> Vec<Offence>, file: (&str, &str), expected_lines: &[usize]) {
        let offences = check(&Tree::made_up(&[file]));
        let lines: Vec<usize> = offences.iter().map(|o| o.line).collect();
        assert_eq!(lines, expected_lines, "{offences:?}");
    }

    #[test]
    fn a_file_without_an_opening_is_found() {
        check(check_openings, ("a.rs", "//! Decides.\n"), &[]);
        check(check_openings, ("a.rs", "use x;\n//! Late.\n"), &[1]);
        check(check_openings, ("a.rs", ""), &[1]);
        check(check_openings, ("client/gen/a.rs", ""), &[]);
    }

    #[test]
    fn a_long_file_is_found() {
        let lines = |count: usize| "x\n".repeat(count);
        check(check_lengths, ("a.rs", &lines(FILE_LINES_MAX)), &[]);
        check(
            check_lengths,
            ("a.rs", &lines(FILE_LINES_MAX + 1)),
            &[FILE_LINES_MAX + 1],
        );
        check(check_lengths, ("tests/it/a.rs", &lines(TEST_LINES_MAX)), &[]);
        check(
            check_lengths,
            ("tests/it/a.rs", &lines(TEST_LINES_MAX + 1)),
            &[TEST_LINES_MAX + 1],
        );
        check(check_lengths, ("client/go/gen/a.pb.go", &lines(9_999)), &[]);
    }

    #[test]
    fn a_banned_word_is_found_as_a_word() {
        for (word, _) in BANNED {
            check(check_words, ("a.rs", &format!("\nlet x = 1; // {word} \n")), &[2]);
        }
        check(check_words, ("a.rs", concat!("XEXX010101HNEXX", "XA8")), &[]);
        check(check_words, ("a.rs", "before nowhere"), &[]);
    }

    #[test]
    fn a_sleep_is_found_in_tests_only() {
        let sleeping = concat!("tokio::time::sleep", "(second).await;");
        check(check_words, ("sandbox/src/faults.rs", sleeping), &[]);
        check(check_words, ("server/src/engine/tests.rs", sleeping), &[1]);
        check(check_words, ("tests/it/main.rs", sleeping), &[1]);
        check(
            check_words,
            ("client/go/watch_test.go", concat!("time.Sleep(x); sleep", "(y)")),
            &[1],
        );
    }

    #[test]
    fn unclean_lines_are_found() {
        check(check_lines, ("a.rs", "fn f() {}\n"), &[]);
        check(check_lines, ("a.rs", "\tf();\n"), &[1]);
        check(check_lines, ("a.go", "\tf()\n"), &[]);
        check(check_lines, ("a.go", "f() \n"), &[1]);
        check(check_lines, ("a.rs", "f();\r\n"), &[1]);
        check(check_lines, ("a.rs", "f();"), &[1]);
        check(check_lines, ("a.rs", &format!("{}\n", "é".repeat(LINE_CHARS_MAX))), &[]);
        check(
            check_lines,
            ("a.rs", &format!("{}\n", "x".repeat(LINE_CHARS_MAX + 1))),
            &[1],
        );
        check(check_lines, ("sandbox/fixtures/a.json", "{\t} "), &[]);
    }

    #[test]
    fn a_large_file_is_found() {
        check(check_sizes, ("a.bin", &"x".repeat(FILE_BYTES_MAX as usize)), &[]);
        check(check_sizes, ("a.bin", &"x".repeat(FILE_BYTES_MAX as usize + 1)), &[0]);
    }

    #[test]
    fn a_changelog_without_the_next_release_is_found() {
        check(
            check_changelog,
            ("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n"),
            &[],
        );
        check(check_changelog, ("CHANGELOG.md", "# Changelog\n\n## 0.1.0\n"), &[0]);
        check(check_changelog, ("README.md", "## Unreleased\n"), &[0]);
    }

    #[test]
    fn a_dependency_from_elsewhere_is_found() {
        check(
            check_lock,
            ("Cargo.lock", &format!("name = \"tonic\"\nsource = \"{REGISTRY}\"\n")),
            &[],
        );
        check(
            check_lock,
            (
                "Cargo.lock",
                "name = \"tonic\"\nsource = \"git+https://example.com/tonic\"\n",
            ),
            &[2],
        );
        check(check_lock, ("Cargo.lock", "name = \"openssl-sys\"\n"), &[1]);
    }
}
