//! The plain HTTP edge: callbacks of providers, metrics, and probes for those who cannot speak gRPC health.
//!
//! Decides paths, bounds and HTTP statuses. It deliberately does not know what a callback means: everything in it is untrusted
//! and goes to the engine as it is. Paths are never logged, for a callback's path holds its token.

mod callbacks;
mod observability;
mod server;

pub(crate) use self::server::{Face, Options, serve};
