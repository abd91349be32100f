//! Servers for the tests of those who use this client: the real one with its sandbox, or a fake that is told what to answer.
//!
//! ```
//! use semanas_client::testing::{Fake, Refusal, Server};
//! use semanas_client::{Code, Error, LookupNssResponse};
//!
//! # #[tokio::main]
//! # async fn main() {
//! let fake = Fake::new().lookup_nss(|request| match request.curp.as_str() {
//!     "GOAA970724HYNNNL08" => Ok(LookupNssResponse { nss: "12345678903".into(), ..LookupNssResponse::default() }),
//!     _ => Err(Refusal::new(Code::NotFound, "NSS_NOT_FOUND", "IMSS has no NSS for this CURP")),
//! });
//! let server = Server::start_fake(fake).await.unwrap();
//! let client = server.client().unwrap();
//! assert_eq!(client.lookup_nss("GOAA970724HYNNNL08").await.unwrap().nss, "12345678903");
//! assert!(matches!(client.lookup_nss("ZUNA540308MNELTN05").await, Err(Error::NotFound { .. })));
//! # }
//! ```

mod fake;
mod refusal;
mod server;
mod service;
mod story;

pub use fake::{Act, Fake, WatchWorkHistoryRequest};
pub use refusal::Refusal;
pub use server::Server;
