//! What can be said about a provider without paying: is it there, and does it take our credentials?
//!
//! Decides how a check's answer reads. Which free request there is, if any, each adapter knows; `None` of them goes near a
//! billed path.

use super::http::Exchanged;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// It answers, and takes our credentials.
    Accepted,
    /// It answers, and refuses our credentials.
    CredentialsRefused,
    /// It answers; whether it takes our credentials cannot be asked for nothing.
    Reachable,
    /// It answers with this HTTP status, which proves nothing about our credentials.
    Unclear { status: u16 },
    /// No connection, or no TLS.
    NotReached,
    /// A connection, and no whole answer.
    Broke,
}

/// Reads an answer by its status; `proves` says whether it is the one that only good credentials get.
pub(super) fn read(exchanged: Exchanged, proves: impl Fn(&super::http::HttpAnswer) -> bool) -> Check {
    match exchanged {
        Exchanged::NotSent => Check::NotReached,
        Exchanged::Lost => Check::Broke,
        Exchanged::Answer(answer) if matches!(answer.status, 401 | 403) => Check::CredentialsRefused,
        Exchanged::Answer(answer) if proves(&answer) => Check::Accepted,
        Exchanged::Answer(answer) => Check::Unclear { status: answer.status },
    }
}
