//! The secret of a data set as a file: read where an operator put it, or made beside an embedded database.
//!
//! The file beside the database is ours, so that we insist that only its owner reads it. One that an operator names may be
//! mounted by an orchestrator, which has its own rules about modes.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;
use secrecy::SecretString;

use crate::config::SECRET_CHARS_MIN;

/// Length of a fresh secret before it is written as hex.
const FRESH_BYTES: usize = 32;

/// Why there is no secret, and what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error("the secret file {} {doing}", path.display())]
    Io {
        path: PathBuf,
        doing: &'static str,
        #[source]
        source: io::Error,
    },
    #[error(
        "the secret file {} can be read by others (mode {mode:04o}); run: chmod 600 {}",
        path.display(), path.display()
    )]
    ReadableByOthers { path: PathBuf, mode: u32 },
    #[error(
        "the secret file {} holds {chars} characters and needs {SECRET_CHARS_MIN}; restore it from a backup, or delete it if \
         there is no database yet", path.display()
    )]
    TooShort { path: PathBuf, chars: usize },
    #[error(
        "the database {} is there, but its secret {} is not, and without it nothing in there can be read; restore the file, or \
         set store.secret to what it held", database.display(), path.display()
    )]
    Lost { database: PathBuf, path: PathBuf },
}

/// A secret that nobody else has, as hex.
pub(super) fn fresh() -> String {
    let mut bytes = [0; FRESH_BYTES];
    rand::fill(&mut bytes).expect("the system's random source does not fail once it has been seeded");
    hex::encode(bytes)
}

/// From a file that an operator named. White space around it does not count: editors and `echo` end it with a line feed.
pub(super) fn read(path: &Path) -> Result<SecretString, SecretError> {
    let text = fs::read_to_string(path).map_err(|source| SecretError::io(path, "cannot be read", source))?;
    let secret = text.trim();
    let chars = secret.chars().count();
    if chars < SECRET_CHARS_MIN {
        return Err(SecretError::TooShort {
            path: path.to_owned(),
            chars,
        });
    }
    Ok(SecretString::from(secret))
}

/// From the file beside a database, which is made when there is neither.
pub(super) fn beside_database(database: &Path) -> Result<SecretString, SecretError> {
    let path = path_beside(database);
    match fs::metadata(&path) {
        Ok(metadata) => {
            refuse_readable_by_others(&path, &metadata)?;
            read(&path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if database.exists() {
                return Err(SecretError::Lost {
                    database: database.to_owned(),
                    path,
                });
            }
            create(&path)?;
            read(&path)
        }
        Err(source) => Err(SecretError::io(&path, "cannot be looked at", source)),
    }
}

fn path_beside(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(".secret");
    PathBuf::from(path)
}

/// Fails when somebody else makes it at the same moment: two processes must not each believe in a secret of their own.
fn create(path: &Path) -> Result<(), SecretError> {
    let failed = |source| SecretError::io(path, "cannot be made", source);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    writeln!(file, "{}", fresh())
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    // The name must survive a power cut as surely as the database that will be sealed with it.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

#[cfg(unix)]
fn refuse_readable_by_others(path: &Path, metadata: &fs::Metadata) -> Result<(), SecretError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(SecretError::ReadableByOthers {
            path: path.to_owned(),
            mode,
        })
    }
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_path: &Path, _metadata: &fs::Metadata) -> Result<(), SecretError> {
    Ok(())
}

impl SecretError {
    fn io(path: &Path, doing: &'static str, source: io::Error) -> SecretError {
        SecretError::Io {
            path: path.to_owned(),
            doing,
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_first_start_makes_a_secret_that_only_its_owner_reads_and_the_next_start_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("new/semanas.db");
        let first = beside_database(&database).unwrap();
        fs::write(&database, "").unwrap();
        let second = beside_database(&database).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 64);
        let path = folder.path().join("new/semanas.db.secret");
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(fresh(), fresh());
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("semanas.db");
        beside_database(&database).unwrap();
        let path = path_beside(&database);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = beside_database(&database).unwrap_err().to_string();
        assert!(refused.contains("(mode 0644); run: chmod 600 "), "{refused}");
    }

    #[test]
    fn a_database_without_its_secret_gets_no_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("semanas.db");
        fs::write(&database, "data").unwrap();
        assert!(matches!(beside_database(&database), Err(SecretError::Lost { .. })));
        assert!(!path_beside(&database).exists());
    }

    #[test]
    fn a_file_that_holds_too_little_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "  short\n").unwrap();
        assert!(matches!(read(&path), Err(SecretError::TooShort { chars: 5, .. })));
        assert!(matches!(read(&folder.path().join("none")), Err(SecretError::Io { .. })));
        fs::write(&path, format!("{}\n", "x".repeat(32))).unwrap();
        assert_eq!(read(&path).unwrap().expose_secret().len(), 32);
    }
}
