//! What Semanas knows about its subject: identifiers, people, money, and the one normal form of a work history.
//!
//! Everything below is pure. It decides what a value is and what follows from it; it deliberately knows no clock,
//! no randomness, no storage, no network, and no provider's wire format.

/// The population registry code of a person.
pub(crate) mod curp;
/// The federal entities of Mexico and the many ways they are written.
pub(crate) mod entity;
/// What must hold for any text.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
/// The gate before a provider.
pub(crate) mod gate;
/// Names of things.
pub(crate) mod ids;
/// The job and its state machine.
pub(crate) mod job;
/// Exact amounts of Mexican pesos.
pub(crate) mod money;
/// The social security number of a person.
pub(crate) mod nss;
/// How a call went.
pub(crate) mod outcome;
/// The names of a person, and the subject of a request.
pub(crate) mod person;
/// Personal data where none may be.
pub(crate) mod personal_data;
/// The providers that the gateway can buy from.
pub(crate) mod provider_id;
/// Dates and counts as the providers write them.
pub(crate) mod reading;
/// The catalogue of reasons.
pub(crate) mod reason;
/// Delays between tries.
pub(crate) mod retry;
/// Cleaning and folding of text that came from outside.
pub(crate) mod text;
/// The normal form of a work history.
pub(crate) mod work_history;
