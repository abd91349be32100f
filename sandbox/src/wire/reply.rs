//! A complete answer of a provider, before any fault.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// Status, headers and body. The content type is a header like any other.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

/// What a provider decided: its reply, and the reference of the charge that it booked for it.
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    pub(crate) charged_as: Option<String>,
}

impl Reply {
    /// JSON in the order in which the value's fields are declared.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("the sandbox's own documents have string keys and serialise");
        Self::text(status, "application/json", body)
    }

    pub(crate) fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers: vec![content_type],
            body: body.into(),
        }
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }

    pub(crate) fn free(self) -> Answer {
        Answer {
            reply: self,
            charged_as: None,
        }
    }
}
