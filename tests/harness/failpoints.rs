//! Holds a server exactly between two of its moves; the server's side, and what each point means, is `server/src/failpoint.rs`.

use std::fs;

use tempfile::TempDir;

use super::wait::eventually;

/// The fail points of one server.
pub struct Failpoints {
    folder: TempDir,
}

impl Failpoints {
    pub fn new() -> Failpoints {
        Failpoints {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(super) fn variable(&self) -> (String, String) {
        let folder = self.folder.path().to_str().unwrap();
        ("FAILPOINTS".to_owned(), folder.to_owned())
    }

    /// Whoever comes there from now on is held.
    pub fn arm(&self, point: &str) {
        self.arm_for(point, "");
    }

    /// Only this job is held there; others that were go on.
    pub fn arm_for(&self, point: &str, job_id: &str) {
        let unnamed = self.folder.path().join("armed.new");
        fs::write(&unnamed, job_id).unwrap();
        fs::rename(unnamed, self.folder.path().join(point)).unwrap();
    }

    /// Everybody goes on.
    pub fn release(&self, point: &str) {
        fs::remove_file(self.folder.path().join(point)).unwrap();
    }

    /// Waits until somebody is held there, and gives the job.
    pub async fn reached(&self, point: &str) -> String {
        eventually(&format!("{point} to be reached"), || async { self.take(point) }).await
    }

    /// The job that has been held there since this was last asked.
    pub fn take(&self, point: &str) -> Option<String> {
        let reached = self.folder.path().join(format!("{point}.reached"));
        let job_id = fs::read_to_string(&reached).ok()?;
        fs::remove_file(reached).unwrap();
        Some(job_id)
    }

    /// All points that the server has. It must have been started.
    pub fn all(&self) -> Vec<String> {
        let listed = fs::read_to_string(self.folder.path().join("points"));
        let listed = listed.expect("the program under test has fail points: it is a debug build");
        listed.lines().map(str::to_owned).collect()
    }
}

impl Default for Failpoints {
    fn default() -> Failpoints {
        Failpoints::new()
    }
}
