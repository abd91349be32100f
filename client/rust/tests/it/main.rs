//! The client against a server that follows a script, over a connection in memory and with a clock that the test owns:
//! minutes of waiting pass at once, and nothing is left to chance.
#![allow(clippy::unwrap_used)]

mod feed;
mod readme;
mod script;
mod surface;
mod testing;
mod unary;
mod watch;
