//! The Semanas contract: generated messages, client and server stubs, and the descriptor set.
//!
//! The `.proto` files beside this crate are the source; nothing generated is committed.

/// Package `semanas.v1`.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    unused_qualifications,
    rustdoc::all
)]
pub mod v1 {
    tonic::include_proto!("semanas.v1");
}

/// The encoded `google.protobuf.FileDescriptorSet` of the contract and all that it imports, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));

/// `domain` of every `google.rpc.ErrorInfo` that Semanas sends.
pub const ERROR_DOMAIN: &str = "semanas";
