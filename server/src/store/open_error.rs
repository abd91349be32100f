//! Why a data set was not opened, in words that tell an operator what to do. Which store says what is the stores' business.

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Another process has it.
    #[error("{what} is in use by another semanas process; stop it, or set store.url to another place")]
    InUse { what: String },
    /// The secret is not the one that the data set was made with.
    #[error(
        "store.secret is not the secret that the data set at {what} was made with; give the right secret, \
         or start a new data set at another place"
    )]
    WrongSecret { what: String },
    /// A newer program has written it.
    #[error("the data set at {what} has format {found}, this program knows formats up to {known}; run a newer semanas")]
    NewerFormat { what: String, found: u32, known: u32 },
    /// There is none, and one is not made by just starting.
    #[error("there is no data set at {what}; {how_to_create}")]
    NoDataSet { what: String, how_to_create: String },
    /// It cannot be reached, read or written.
    #[error("cannot reach the store at {what}: {why}; see that it is there and lets us in, or correct store.url")]
    Unreachable { what: String, why: String },
    /// It is there, but must not be used as it is.
    #[error("the store at {what} must not be used: {why}; {what_to_do}")]
    Refused {
        what: String,
        why: String,
        what_to_do: String,
    },
}
