//! A caller of Semanas, as a library: what the methods promise, and where each part is.
//!
//! - `client`, `calls`, `operations`, `pages`: the methods, one RPC each.
//! - `watch`, `follow`: streams that resume by themselves; `watch` knows the messages, `follow` the way back.
//! - `retry`: when a call is made again and after how long, as a pure function.
//! - `error`: what went wrong, by what can be done about it.
//! - `endpoint`, `options`: where to and how.
//!
#![doc = include_str!("../README.md")]

mod calls;
mod client;
mod endpoint;
mod error;
mod follow;
mod operations;
mod options;
mod pages;
mod retry;
mod watch;

pub use client::{Client, Health};
pub use endpoint::EndpointError;
pub use error::{Details, Error, Violation};
pub use follow::Watch;
pub use options::{Options, WatchOptions};
pub use pages::Pages;
pub use retry::RetryPolicy;
/// The messages of the contract, package `semanas.v1`.
pub use semanas_proto::v1;
pub use watch::{FeedChange, FeedUpdate, JobChange, JobUpdate};

/// `domain` of every reason that Semanas gives.
pub const ERROR_DOMAIN: &str = semanas_proto::ERROR_DOMAIN;
