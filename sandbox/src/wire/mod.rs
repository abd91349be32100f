//! The way from a provider's answer to bytes on a socket, with everything that can go wrong there.
//!
//! `reply` is the answer as the provider means it, `sabotage` spoils it, `body` plays it out, `port` owns the socket
//! and `gate` leads a call through all of them. Nothing here knows what the providers say.

mod body;
mod gate;
mod port;
mod reply;
mod sabotage;
#[cfg(test)]
mod tests;

pub(crate) use port::{Door, bind, serve};
pub(crate) use reply::{Answer, Reply};
