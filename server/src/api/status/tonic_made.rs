//! Gives details to a status that tonic made by itself: for a method that is not there, a message that it cannot read.
//!
//! Decides its code and reason by code and moment alone. tonic's own message is dropped: nobody promises that it holds nothing
//! of the request.

use std::collections::HashMap;

use http::HeaderMap;
use semanas_proto::ERROR_DOMAIN;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::catalogue;
use crate::domain::reason::Reason;

/// The sentence for a request that protobuf itself cannot read.
const UNREADABLE: &str = "the request is not a message of this method; generate the client from the server's contract";
/// The sentence for an encoding, or another feature of gRPC, that the server does not have.
const FEATURE_UNKNOWN: &str = "the server does not support this way of sending the request; send it uncompressed";

/// Where tonic ended a call by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Moment {
    /// Before there was a response: mostly for what the request was.
    BeforeResponse,
    /// While the response was being sent.
    AfterResponse,
}

/// The code in these headers or trailers, if there is one, after making sure that a code other than OK has details.
pub(in crate::api) fn complete(headers: &mut HeaderMap, moment: Moment) -> Option<Code> {
    let made = Status::from_header_map(headers)?;
    if made.code() == Code::Ok || !made.details().is_empty() {
        return Some(made.code());
    }
    let completed = instead_of(&made, moment);
    if completed.add_header(headers).is_err() {
        tracing::error!("a status could not be written into headers");
    }
    Some(completed.code())
}

/// The status to send instead.
pub(super) fn instead_of(made: &Status, moment: Moment) -> Status {
    let (code, reason, sentence) = restated(made, moment);
    let entry = catalogue::entry(reason);
    let mut details = ErrorDetails::with_error_info(catalogue::word(reason), ERROR_DOMAIN, HashMap::new());
    if let Some(delay) = entry.retry_after {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code, sentence.unwrap_or(entry.sentence), details)
}

/// Code, reason and, where the catalogue's does not fit, sentence.
fn restated(made: &Status, moment: Moment) -> (Code, Reason, Option<&'static str>) {
    match (made.code(), moment) {
        // The router and the generated services leave the message empty; only an unknown encoding has one.
        (Code::Unimplemented, _) if made.message().is_empty() => (Code::Unimplemented, Reason::MethodUnknown, None),
        (Code::Unimplemented, _) => (Code::Unimplemented, Reason::InvalidRequest, Some(FEATURE_UNKNOWN)),
        // tonic answers OUT_OF_RANGE for a message over the limit; the specification says RESOURCE_EXHAUSTED.
        (Code::OutOfRange | Code::ResourceExhausted, Moment::BeforeResponse) => {
            (Code::ResourceExhausted, Reason::RequestTooLarge, None)
        }
        // Our own INTERNAL has details: this one is tonic's word for a message that cannot be decoded.
        (Code::Internal | Code::InvalidArgument, Moment::BeforeResponse) => {
            (Code::InvalidArgument, Reason::InvalidRequest, Some(UNREADABLE))
        }
        (Code::Unavailable, _) => (Code::Unavailable, Reason::ServerDraining, None),
        (code @ (Code::NotFound | Code::InvalidArgument), _) => (code, Reason::InvalidRequest, None),
        (code, _) => (code, Reason::Internal, None),
    }
}
