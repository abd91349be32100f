//! Calls that failed: how many, and what the first one said.

use std::sync::{Mutex, PoisonError};

#[derive(Default)]
pub struct Errors(Mutex<(u64, Option<String>)>);

impl Errors {
    pub fn note(&self, why: String) {
        let mut errors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        errors.0 += 1;
        errors.1.get_or_insert(why);
    }

    /// A sentence about them; `None` when there are none.
    pub fn told(&self) -> Option<String> {
        let errors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = errors.1.as_ref()?;
        Some(format!("{} errors, the first: {first}", errors.0))
    }
}
