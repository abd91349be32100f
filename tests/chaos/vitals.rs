//! Memory and open files of the replicas, looked at all through a run (I14).

use std::fs;
use std::sync::Arc;

use crate::clock::pause_ms;
use crate::world::World;

const BETWEEN_LOOKS_MS: u64 = 300;

/// The most that one replica had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    pub looks: usize,
    pub memory_bytes_max: u64,
    pub open_files_max: usize,
}

/// Looks again and again; for a task that is ended by its owner.
pub async fn watch(world: Arc<World>) {
    loop {
        for (place, replica) in world.replicas.iter().enumerate() {
            // Whoever holds a replica is about to kill it or waits for its start: the next look sees it.
            let Ok(server) = replica.server.try_lock() else {
                continue;
            };
            let id = server.process_id();
            drop(server);
            if let Some((memory_bytes, open_files)) = id.and_then(look) {
                world.recorder.note(|history| {
                    let vitals = history.vitals.entry(place).or_default();
                    vitals.looks += 1;
                    vitals.memory_bytes_max = vitals.memory_bytes_max.max(memory_bytes);
                    vitals.open_files_max = vitals.open_files_max.max(open_files);
                });
            }
        }
        pause_ms(BETWEEN_LOOKS_MS).await;
    }
}

/// Resident memory in bytes and the number of open files; `None` when the process has just ended.
fn look(process: u32) -> Option<(u64, usize)> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    let open_files = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count();
    Some((kilobytes * 1024, open_files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_files_and_one_that_is_gone_has_not() {
        let (memory_bytes, open_files) = look(std::process::id()).unwrap();
        assert!(memory_bytes > 100_000 && open_files >= 3);
        assert_eq!(look(u32::MAX), None);
    }
}
