//! Who calls, read from the request's metadata.
//!
//! Decides the tenant that a call acts for. Callers are not told apart today, so it is always the same one; every handler asks
//! here, so that telling them apart changes this file only.

use tonic::Request;

use crate::{api::trace_context::TraceParent, domain::ids::Tenant};

/// What a handler knows of its caller.
pub(super) struct Caller {
    pub(super) tenant: Tenant,
    /// The caller's W3C `traceparent`.
    pub(super) trace_parent: Option<String>,
}

pub(super) fn caller<T>(request: &Request<T>) -> Caller {
    let header = request
        .metadata()
        .get("traceparent")
        .and_then(|value| value.to_str().ok());
    Caller {
        tenant: Tenant::sole(),
        trace_parent: header
            .and_then(TraceParent::parse)
            .map(|parent| parent.as_str().to_owned()),
    }
}
