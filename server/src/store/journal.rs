//! A folder for what a store does not take: one file for each entry, on disk before it counts.
//!
//! An entry is opaque here: whoever writes it has sealed it. It is written beside its name and then renamed, so that a name never
//! stands for half an entry, whatever ended the process. Removing and writing twice are harmless.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Ends the name of an entry, of one that is being written, and of one that cannot be read.
const ENTRY: &str = "outcome";
const PART: &str = "part";
const DAMAGED: &str = "damaged";

/// Larger than any answer that a provider is let give, so that a stray file does not fill the memory.
const ENTRY_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// An open folder.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
}

impl Journal {
    /// Makes the folder if it is not there, and removes what a dead process had not finished to write: nobody counted on it.
    pub(crate) fn open(folder: &Path) -> io::Result<Journal> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        let journal = Journal {
            folder: folder.to_owned(),
        };
        for name in names(folder, PART)? {
            let removed = fs::remove_file(journal.path(&name, PART)).is_ok();
            tracing::warn!(
                entry = name,
                removed,
                "an outcome was not written to its end, and nobody counts on it"
            );
        }
        Ok(journal)
    }

    /// Returns when the entry outlasts a power cut.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let part = self.path(name, PART);
        let written = write_synced(&part, bytes).and_then(|()| fs::rename(&part, self.path(name, ENTRY)));
        if let Err(error) = written {
            // A full disk must not keep the half of it.
            let _ = fs::remove_file(&part);
            return Err(error);
        }
        self.sync_names()
    }

    /// Names of the entries, in no order.
    pub(crate) fn list(&self) -> io::Result<Vec<String>> {
        Journal::names_in(&self.folder)
    }

    /// The same, for one who only looks.
    pub(crate) fn names_in(folder: &Path) -> io::Result<Vec<String>> {
        names(folder, ENTRY)
    }

    pub(crate) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let path = self.path(name, ENTRY);
        if fs::metadata(&path)?.len() > ENTRY_BYTES_MAX {
            return Err(io::Error::other("it is larger than any entry"));
        }
        fs::read(path)
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name, ENTRY)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => self.sync_names(),
        }
    }

    /// Keeps what cannot be read for an operator, out of the way.
    pub(crate) fn set_aside(&self, name: &str) -> io::Result<()> {
        fs::rename(self.path(name, ENTRY), self.path(name, DAMAGED))
    }

    fn path(&self, name: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{name}.{ending}"))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

fn names(folder: &Path, ending: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = PathBuf::from(file?.file_name());
        if path.extension().is_some_and(|found| found == ending)
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_entry_is_there_until_it_is_removed_and_only_its_owner_reads_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data/journal");
        let journal = Journal::open(&folder).unwrap();
        journal.write("one", b"first").unwrap();
        journal.write("one", b"again").unwrap();
        let again = Journal::open(&folder).unwrap();
        assert_eq!(
            (again.list().unwrap(), again.read("one").unwrap()),
            (vec!["one".to_owned()], b"again".to_vec())
        );
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("one.outcome"))), (0o700, 0o600));
        again.remove("one").unwrap();
        again.remove("one").unwrap();
        assert!(journal.list().unwrap().is_empty());
    }

    #[test]
    fn what_a_dead_process_left_half_written_is_no_entry_and_goes() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("torn.part"), b"hal").unwrap();
        let journal = Journal::open(place.path()).unwrap();
        assert!(journal.list().unwrap().is_empty());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_disk_that_takes_nothing_is_said_so_and_keeps_no_half() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("journal");
        let journal = Journal::open(&folder).unwrap();
        // The place of the unfinished entry is taken by a folder, which no program can write to, not even an administrator's.
        fs::create_dir(folder.join("one.part")).unwrap();
        assert!(journal.write("one", b"first").is_err());
        assert!(journal.list().unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_kept_aside() {
        let place = tempfile::tempdir().unwrap();
        let journal = Journal::open(place.path()).unwrap();
        journal.write("one", b"garbage").unwrap();
        journal.set_aside("one").unwrap();
        assert!(journal.list().unwrap().is_empty());
        assert!(place.path().join("one.damaged").exists());
    }
}
