//! A child process whose output goes to a file, that can be signalled, and that does not outlive its test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::wait::eventually;

/// How much of a log is shown when a test fails.
const TAIL_LINES: usize = 60;

pub struct Process {
    name: String,
    child: Mutex<Child>,
    log: PathBuf,
}

impl Process {
    /// Starts it with standard output and error in `log`, which is continued if it is there.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Process {
        let output = File::options().create(true).append(true).open(log).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name} ({:?}): {error}", command.get_program()));
        Process {
            name: name.to_owned(),
            child: Mutex::new(child),
            log: log.to_owned(),
        }
    }

    pub fn id(&self) -> u32 {
        self.child().id()
    }

    /// `KILL`, `TERM`, `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) {
        let pid = self.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
        assert!(sent.success(), "signal {signal} could not be sent to {}", self.name);
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&self) {
        self.child().kill().unwrap();
        self.child().wait().unwrap();
    }

    pub fn has_ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().unwrap()
    }

    /// Fails, with what it said, when it has ended.
    pub fn must_run(&self) {
        if let Some(status) = self.has_ended() {
            panic!("{} ended by itself ({status}):\n{}", self.name, self.log());
        }
    }

    /// Waits until it ends by itself.
    pub async fn end(&self) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        eventually(&what, || std::future::ready(self.has_ended())).await
    }

    /// Memory that it holds now, as the kernel counts it.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child().id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// All that it has said so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A stopped process takes SIGKILL too. It may have ended already.
        let _ = self.child().kill();
        let _ = self.child().wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
            eprintln!("---- the end of what {} said ----\n{tail}\n----", self.name);
        }
    }
}
