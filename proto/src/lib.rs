//! The Semanas contract: generated messages, client and server stubs, and the descriptor set.
//!
//! The `.proto` files beside this crate are the source; nothing generated is committed.

mod codec;

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

/// The source of the same messages and stubs, for the client's package, whose users have no need of a compiler of protobuf.
pub const PACKAGE_SOURCE: &str = include_str!(concat!(env!("OUT_DIR"), "/package/semanas.v1.rs"));

/// `domain` of every `google.rpc.ErrorInfo` that Semanas sends.
pub const ERROR_DOMAIN: &str = "semanas";
