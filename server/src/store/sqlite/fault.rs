//! Why a piece of work on a connection failed, and what that means to the store's caller.

use crate::store::StoreError;

/// Why work was rolled back.
pub(super) enum Fault {
    Sql(rusqlite::Error),
    /// Said already in the store's words, such as a record that cannot be read.
    Said(StoreError),
}

impl Fault {
    pub(super) fn told(self, doing: &'static str) -> StoreError {
        match self {
            Fault::Sql(error) => StoreError::Unavailable {
                doing,
                why: error.to_string().into(),
            },
            Fault::Said(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault::Said(error)
    }
}
