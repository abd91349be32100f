//! A language's driver: a process that takes a case a line and gives a result a line, with a deadline for each.
//!
//! It knows nothing of what is expected.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long a driver may take to end after its input has ended.
const END_LIMIT: Duration = Duration::from_secs(20);
/// Clients whose calls can be made in two ways: the driver makes them in the second one when it is started with its name.
const OTHER_FACES: [(&str, &str); 2] = [("python", "async"), ("java", "async")];
/// How much of standard error is shown with a failure.
const ERROR_BYTES_MAX: u64 = 4_000;

/// What starts a language's driver, for one of the faces that its client has.
#[derive(Clone)]
pub struct Language {
    /// Of the matrix's column: the language, with the face behind it unless it is the first.
    pub column: String,
    pub name: String,
    pub program: PathBuf,
    face: Option<&'static str>,
}

pub struct Driver {
    child: Child,
    /// Closed at the end.
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    errors: std::fs::File,
}

impl Language {
    /// All faces of a language; none when it has no driver.
    pub fn find(root: &Path, name: &str) -> Vec<Language> {
        let program = root.join("client").join(name).join("conformance/run");
        let of_face = |face: Option<&'static str>| Language {
            column: face.map_or_else(|| name.to_owned(), |face| format!("{name}-{face}")),
            name: name.to_owned(),
            program: program.clone(),
            face,
        };
        if !program.exists() {
            return Vec::new();
        }
        let more = OTHER_FACES.iter().filter(|(language, _)| *language == name);
        std::iter::once(None)
            .chain(more.map(|(_, face)| Some(*face)))
            .map(of_face)
            .collect()
    }

    pub fn start(&self) -> anyhow::Result<Driver> {
        let errors = tempfile::tempfile()?;
        let mut child = Command::new(&self.program)
            .args(self.face)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone()?)
            .kill_on_drop(true)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let input = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().expect("it was asked for")).lines();
        Ok(Driver {
            child,
            input,
            lines,
            errors,
        })
    }
}

impl Driver {
    /// Runs a case. After an error the driver is of no more use.
    pub async fn run(&mut self, case: &Value, limit: Duration) -> anyhow::Result<Value> {
        let mut line = case.to_string();
        line.push('\n');
        let exchange = async {
            let input = self.input.as_mut().context("the driver's input was closed")?;
            input
                .write_all(line.as_bytes())
                .await
                .context("the driver does not take the case")?;
            input.flush().await?;
            self.lines.next_line().await.context("the driver's line cannot be read")
        };
        let line = match timeout(limit, exchange).await {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => bail!("the driver ended in the middle of the case{}", self.last_errors()),
            Ok(Err(error)) => return Err(error.context(format!("the driver is gone{}", self.last_errors()))),
            Err(_) => bail!(
                "no result within {limit:?}: the driver was killed{}",
                self.last_errors()
            ),
        };
        let result: Value =
            serde_json::from_str(&line).with_context(|| format!("the driver's line is no JSON: {line}"))?;
        if result["case"] != case["case"] {
            bail!("the driver answered to another case: {}", result["case"]);
        }
        Ok(result)
    }

    /// Ends its input and waits for it.
    pub async fn end(mut self) -> anyhow::Result<()> {
        self.input = None;
        match timeout(END_LIMIT, self.child.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => Ok(()),
            Ok(status) => bail!("the driver ended with {status:?} and not with 0"),
            Err(_) => bail!("the driver does not end though its input has ended"),
        }
    }

    fn last_errors(&mut self) -> String {
        let mut text = Vec::new();
        let length = self.errors.metadata().map_or(0, |it| it.len());
        let read = self
            .errors
            .seek(SeekFrom::Start(length.saturating_sub(ERROR_BYTES_MAX)));
        if read.is_ok() && self.errors.read_to_end(&mut text).is_ok() && !text.is_empty() {
            return format!("; it said last:\n{}", String::from_utf8_lossy(&text));
        }
        String::new()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // What the start script has started goes with it: they are a process group of their own.
        if let (Some(pid), Ok(None)) = (self.child.id(), self.child.try_wait()) {
            let _ = std::process::Command::new("kill")
                .args(["-s", "KILL", "--", &format!("-{pid}")])
                .status();
        }
    }
}
