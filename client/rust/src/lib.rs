//! A caller of Semanas, as a library: what the methods promise, and where each part is.
//!
//! - `client`, `calls`, `done`, `operations`, `pages`: the methods, one RPC each, and one for all of it.
//! - `watch`, `follow`: streams that resume by themselves; `watch` knows the messages, `follow` the way back.
//! - `retry`: when a call is made again and after how long, as a pure function.
//! - `model`: what is asked and answered, in types of our own.
//! - `error`, `code`: what went wrong, by what can be done about it.
//! - `endpoint`, `credentials`, `options`, `hooks`: where to, as whom, how, and who is told.
//! - `connect`, `transport`: the connection, and what goes around each request on it.
//! - `raw`: the generated stubs, for what the client does not offer.
//! - `testing`: a server for the tests of those who use this.
//!
#![doc = include_str!("../README.md")]

mod calls;
mod client;
mod code;
mod connect;
mod credentials;
mod done;
mod endpoint;
mod error;
mod follow;
mod hooks;
mod model;
mod operations;
mod options;
mod pages;
pub mod raw;
mod retry;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
mod watch;

pub use client::{Client, Health};
pub use code::Code;
pub use credentials::{Credentials, TokenError};
pub use endpoint::ConfigurationError;
pub use error::{Details, Error, Progress, Violation};
pub use follow::Watch;
pub use hooks::{AttemptHook, CallAttempt, ConnectionHook, ConnectionState, Hooks};
pub use model::*;
pub use options::{Options, WatchOptions};
pub use pages::Pages;
pub use retry::RetryPolicy;
pub use watch::{FeedChange, FeedUpdate, JobChange, JobUpdate};

/// `domain` of every reason that Semanas gives.
pub const ERROR_DOMAIN: &str = "semanas";
