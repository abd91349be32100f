//! The gRPC edge: reads requests into the engine's types, asks the engine, writes its answers as protobuf.
//!
//! Decides what a wrong request looks like, which status and sentence a reason gets, and how a connection is kept. It
//! deliberately does not know any rule of jobs, money or providers, nor that there is a store: all that is the engine's.

mod caller;
mod deadline;
mod edge_layer;
mod forward;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod gathered;
mod health;
mod metrics;
mod operations_service;
mod parse;
mod reflection;
mod server;
mod status;
mod to_proto;
mod trace_context;
mod web;
mod work_history_service;

pub(crate) use self::{
    metrics::Metrics,
    server::{Edge, Options, serve},
    web::{WebOrigin, WebOrigins},
};
