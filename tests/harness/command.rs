//! The program under test, and runs of it that end by themselves.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::io::AsyncWriteExt as _;

use super::wait::{PATIENCE, within};

/// How a run of the program ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Names another program to test than the one beside this one.
const OTHER_PROGRAM: &str = "SEMANAS_UNDER_TEST";

/// `target/debug/semanas`, which `make build` puts beside the programs and one folder above the test programs.
pub fn program() -> PathBuf {
    if let Some(other) = std::env::var_os(OTHER_PROGRAM) {
        return PathBuf::from(other);
    }
    let here = std::env::current_exe().unwrap();
    let folders = here.ancestors().skip(1).take(2);
    let mut places = folders.map(|folder| folder.join("semanas"));
    let program = places.clone().find(|place| place.exists()).or(places.next()).unwrap();
    assert!(
        program.exists(),
        "the program under test is not at {}; run: make build",
        program.display()
    );
    program
}

/// A run with nothing of our own environment but the path, in `folder`.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(program());
    command.env_clear().current_dir(folder);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Runs the program to its end.
pub async fn semanas(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    semanas_with(folder, arguments, environment, "").await
}

/// The same, with something on standard input.
pub async fn semanas_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Ended {
    let mut command = command(folder);
    command.args(arguments).envs(environment.iter().copied());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that does not read its input may be gone before it is written.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let what = format!("semanas {}", arguments.join(" "));
    let output = within(&what, PATIENCE, child.wait_with_output()).await.unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ended {
    /// Fails unless the run ended with this code; what it said is shown.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Ended {
        assert_eq!(
            self.code,
            Some(code),
            "exit code; standard output:\n{}\nstandard error:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Fails unless standard error holds every one of these.
    #[track_caller]
    pub fn expect_complaint(self, words: &[&str]) -> Ended {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in:\n{}", self.stderr);
        }
        self
    }
}
