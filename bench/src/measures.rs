//! What is measured, each subject in a file of its own. A measure starts what it needs and leaves nothing behind.

pub mod delivery;
pub mod lifecycle;
pub mod parked;
pub mod scripts;
pub mod sqlite;
pub mod startup;
pub mod streams;
pub mod unary;

use crate::machine::Quiet;
use crate::report::Report;
use crate::scale::Scale;

/// What every measure is given.
pub struct Run {
    pub scale: Scale,
    pub quiet: Quiet,
    pub report: Report,
}
