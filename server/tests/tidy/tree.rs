//! The files that the checks read, and the offences that they find.
//!
//! A tree is either the project's own (what git tracks or would track) or made up by a test. It does not know what is
//! checked.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A set of files, each with its path from the project's root.
pub struct Tree {
    pub files: Vec<File>,
}

pub struct File {
    /// From the root, with `/`.
    pub path: String,
    /// None for a file that is not UTF-8.
    pub text: Option<String>,
    pub size_bytes: u64,
}

/// One place that breaks a rule. `line` is 1-based; 0 means the file as a whole.
#[derive(Debug, PartialEq)]
pub struct Offence {
    pub path: String,
    pub line: usize,
    pub what: String,
    pub fix: String,
}

impl Tree {
    /// Everything that git tracks or would track; a file that is deleted but not yet committed is left out.
    pub fn of_the_project() -> Tree {
        let root = root();
        // A checkout in a container often belongs to somebody else, which git refuses to read unless told.
        let listed = Command::new("git")
            .args([
                "-c",
                "safe.directory=*",
                "ls-files",
                "--cached",
                "--others",
                "--exclude-standard",
                "-z",
            ])
            .current_dir(&root)
            .output()
            .expect("git must be installed to list the project's files");
        assert!(
            listed.status.success(),
            "git ls-files: {}",
            String::from_utf8_lossy(&listed.stderr)
        );
        let paths = String::from_utf8(listed.stdout).expect("the project's paths are UTF-8");
        let files = paths
            .split_terminator('\0')
            .filter_map(|path| File::read(&root, path))
            .collect();
        Tree { files }
    }

    /// A made-up tree for the tests of the checks.
    pub fn made_up(files: &[(&str, &str)]) -> Tree {
        let files = files
            .iter()
            .map(|(path, text)| File {
                path: path.to_string(),
                text: Some(text.to_string()),
                size_bytes: text.len() as u64,
            })
            .collect();
        Tree { files }
    }

    /// Each text file whose name ends in one of `extensions` (without the dot).
    pub fn texts<'a>(&'a self, extensions: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .filter(|file| extensions.contains(&file.extension()))
            .filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
    }
}

impl File {
    fn read(root: &Path, path: &str) -> Option<File> {
        let bytes = std::fs::read(root.join(path)).ok()?;
        Some(File {
            path: path.to_owned(),
            size_bytes: bytes.len() as u64,
            text: String::from_utf8(bytes).ok(),
        })
    }

    fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or(name, |(_, extension)| extension)
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.path, self.line, self.what, self.fix)
    }
}

fn root() -> PathBuf {
    let server = Path::new(env!("CARGO_MANIFEST_DIR"));
    server
        .parent()
        .expect("the server's folder lies in the project's")
        .to_owned()
}

/// Whether a file holds tests: they may be longer, and may not sleep.
pub fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.contains("/test/")
        || stem == "tests"
        || stem.ends_with("_tests")
        || stem.ends_with("_test")
        || (stem.starts_with("test_") && name.ends_with(".py"))
        || name.ends_with(".test.ts")
}

/// Whether a machine wrote the file: its shape is not ours to judge.
pub fn is_generated(path: &str) -> bool {
    path.contains("/gen/") || path.contains("_pb2") || path.contains(".pb.") || path.contains("_pb.")
}
