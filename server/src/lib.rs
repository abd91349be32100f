//! The Semanas gateway as a library: what `main` starts and the tests reach into.

pub mod domain;
