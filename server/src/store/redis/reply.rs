//! What a script answered: a word that says how it went, then fields in a fixed order.
//!
//! A reply of another shape is no answer at all: it becomes `Unavailable`, never a guess.

use std::{str::FromStr, time::Duration};

use jiff::Timestamp;
use redis::Value;

use crate::{domain::ids::JobId, store::StoreError};

/// Fields of a reply, or of a part of it, taken from the front.
pub(super) struct Reply {
    doing: &'static str,
    fields: std::vec::IntoIter<Value>,
}

impl Reply {
    pub(super) fn new(doing: &'static str, fields: Vec<Value>) -> Reply {
        Reply {
            doing,
            fields: fields.into_iter(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.fields.len() == 0
    }

    pub(super) fn bytes_or_none(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.fields.next() {
            Some(Value::BulkString(bytes)) => Ok(Some(bytes)),
            Some(Value::SimpleString(text)) => Ok(Some(text.into_bytes())),
            Some(Value::Int(number)) => Ok(Some(number.to_string().into_bytes())),
            Some(Value::Nil | Value::Boolean(false)) => Ok(None),
            _ => Err(self.misshapen()),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.bytes_or_none()?.ok_or_else(|| self.misshapen())
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        String::from_utf8(self.bytes()?).map_err(|_| self.misshapen())
    }

    pub(super) fn text_or_none(&mut self) -> Result<Option<String>, StoreError> {
        let bytes = self.bytes_or_none()?;
        bytes.map(String::from_utf8).transpose().map_err(|_| self.misshapen())
    }

    pub(super) fn number<N: FromStr>(&mut self) -> Result<N, StoreError> {
        self.text()?.parse().map_err(|_| self.misshapen())
    }

    pub(super) fn number_or_none<N: FromStr>(&mut self) -> Result<Option<N>, StoreError> {
        let text = self.text_or_none()?;
        text.map(|text| text.parse()).transpose().map_err(|_| self.misshapen())
    }

    pub(super) fn duration_us(&mut self) -> Result<Duration, StoreError> {
        self.number().map(Duration::from_micros)
    }

    pub(super) fn timestamp_us(&mut self) -> Result<Timestamp, StoreError> {
        self.timestamp_us_or_none()?.ok_or_else(|| self.misshapen())
    }

    pub(super) fn timestamp_us_or_none(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let micros = self.number_or_none()?;
        micros
            .map(Timestamp::from_microsecond)
            .transpose()
            .map_err(|_| self.misshapen())
    }

    pub(super) fn job_id(&mut self) -> Result<JobId, StoreError> {
        JobId::parse(&self.text()?).map_err(|_| self.misshapen())
    }

    /// A field that is a list itself.
    pub(super) fn part(&mut self) -> Result<Reply, StoreError> {
        match self.fields.next() {
            Some(Value::Array(fields)) => Ok(Reply::new(self.doing, fields)),
            _ => Err(self.misshapen()),
        }
    }

    pub(super) fn misshapen(&self) -> StoreError {
        StoreError::Unavailable {
            doing: self.doing,
            why: "redis answered in an unexpected shape".into(),
        }
    }
}
