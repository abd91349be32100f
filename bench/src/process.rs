//! Child processes: started from the folder of this program or from the path, ended with it, and looked at through `/proc`.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Below the ports that the kernel takes for outgoing connections.
const PORT_FIRST: u16 = 12_000;
const PORT_COUNT: u16 = 18_000;

/// How long a process may take until it listens.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// The kernel's unit of processor time, the same on all machines that Linux runs on.
const TICKS_PER_S: f64 = 100.0;

/// A running child; killed when dropped.
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it with what it says going to a file in `folder`.
    pub fn start(name: &'static str, command: &mut Command, folder: &Path) -> anyhow::Result<Process> {
        let log = folder.join(format!("{name}-{}.log", free_port()));
        let output = File::create(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {name} ({:?})", command.get_program()))?;
        Ok(Process { name, child, log })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it has said.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until somebody listens on the port, or says why not.
    pub async fn listens(&mut self, port: u16) -> anyhow::Result<()> {
        let until = Instant::now() + START_PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            self.must_run()?;
            if Instant::now() > until {
                bail!("{} does not listen on port {port}:\n{}", self.name, self.log());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    pub fn must_run(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended by itself ({status}):\n{}", self.name, self.log()),
        }
    }

    /// Asks it to end, as Ctrl-C does, and waits until it has.
    pub async fn interrupt(&mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-s", "INT", &id]).status()?;
        let until = Instant::now() + START_PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > until {
                bail!("{} does not end when it is asked to", self.name);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Memory that it holds.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        let status = self.proc_file("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kib.context("the kernel tells a process's memory")? * 1024)
    }

    /// Processor time that it has used.
    pub fn cpu_s(&self) -> anyhow::Result<f64> {
        let stat = self.proc_file("stat")?;
        // The name in parentheses may hold spaces.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
        let used = ticks(11).zip(ticks(12)).context("the kernel tells a process's time")?;
        Ok((used.0 + used.1) / TICKS_PER_S)
    }

    fn proc_file(&self, name: &str) -> io::Result<String> {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that was built with this one.
pub fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.exists() {
        bail!("{} is not there: start this through `make bench`", path.display());
    }
    Ok(path)
}

/// A port that nobody listens on; each call gives another one.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % u32::from(PORT_COUNT)) as u16;
    loop {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PORT_COUNT;
        let port = PORT_FIRST + offset;
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            return port;
        }
    }
}
