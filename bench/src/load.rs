//! Load: how fast calls can be made (closed loop), and how long each takes at a rate that does not wait for answers (open loop).
//!
//! What is called is not known here, so floors and Semanas are loaded by the same code.

mod closed;
mod errors;
mod latencies;
mod open;

use std::sync::Arc;

use futures::future::BoxFuture;

pub use closed::{Closed, closed};
pub use errors::Errors;
pub use latencies::Latencies;

pub use open::{Open, open};

/// Makes the call of this number, and says why when it failed.
pub type Call = Arc<dyn Fn(u64) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;
