//! Cursors and page tokens: opaque to callers, signed by us, without personal data.
//!
//! A cursor names what it belongs to, the data set it was made in and when; whoever reads it back learns whether it is forged,
//! foreign, expired or of a data set that was lost.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    domain::{ids::JobId, job::Job, reason::Reason},
    engine::{Engine, EngineError, Vault, vault::Purpose},
    store::FeedPosition,
};

/// Bytes of the signature at the end of a cursor.
const MAC_BYTES: usize = 16;

/// Longest cursor that is looked at: a feed's sixteen positions fit several times.
const CURSOR_CHARS_MAX: usize = 1024;

/// A position in one job.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct JobCursor {
    #[serde(rename = "j")]
    pub job: JobId,
    #[serde(rename = "s")]
    pub sequence: u64,
    #[serde(rename = "l")]
    pub limit: u32,
    /// When the event of that number happened, in microseconds. A failover may put another one in its place.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub at_us: Option<i64>,
}

/// A position in the feed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FeedCursor {
    #[serde(rename = "f")]
    pub position: FeedPosition,
    /// Set while the newest jobs are still being listed: who has seen only some of them must be shown them again.
    #[serde(rename = "n", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_listing: bool,
}

/// A position in a list that was made with a certain filter.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PageToken {
    #[serde(rename = "b")]
    pub before: String,
    /// Keyed hash of the filter.
    #[serde(rename = "q")]
    pub filter: String,
}

/// A cursor that was read back.
#[derive(Debug)]
pub(super) struct Position<T> {
    pub at: T,
    /// False when the data set it was made in is not this one, or has lost something since.
    pub is_of_this_data_set: bool,
}

/// A cursor as it is signed.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed<T> {
    #[serde(rename = "e")]
    pub epoch: u64,
    /// When the store had last lost something; see `Condition`.
    #[serde(rename = "l", default)]
    pub lost_at: u64,
    /// Made at, seconds since 1970.
    #[serde(rename = "t")]
    pub made_at: i64,
    #[serde(rename = "a")]
    pub at: T,
}

/// A type of cursor.
pub(super) trait Cursor: Serialize + DeserializeOwned {
    /// Signed for this, so that one kind is never taken for another.
    const PURPOSE: Purpose;
}

impl Cursor for JobCursor {
    const PURPOSE: Purpose = Purpose::Cursor;
}

impl Cursor for FeedCursor {
    const PURPOSE: Purpose = Purpose::FeedCursor;
}

impl Cursor for PageToken {
    const PURPOSE: Purpose = Purpose::PageToken;
}

/// When the event of this number happened, if it is still kept.
pub(super) fn event_time_us(job: &Job, sequence: u64) -> Option<i64> {
    let event = job.events.iter().rev().find(|event| event.sequence == sequence)?;
    Some(event.at.as_microsecond())
}

impl Engine {
    /// A cursor after an event of a job that was read when the store had last lost something at `lost_at`.
    pub(super) fn job_cursor(&self, lost_at: u64, job: &Job, sequence: u64, limit: u32) -> String {
        let at = JobCursor {
            job: job.id.clone(),
            sequence,
            limit,
            at_us: event_time_us(job, sequence),
        };
        self.write_cursor_since(lost_at, at)
    }

    pub(super) fn write_cursor<T: Cursor>(&self, at: T) -> String {
        self.write_cursor_since(self.inner.store.condition().lost_at, at)
    }

    /// A cursor to what was read when the store had last lost something at `lost_at`. To have heard of a newer loss meanwhile must
    /// not make it look as if it were from after that.
    pub(super) fn write_cursor_since<T: Cursor>(&self, lost_at: u64, at: T) -> String {
        let sealed = Sealed {
            epoch: self.inner.epoch,
            lost_at,
            made_at: self.inner.clock.now().as_second(),
            at,
        };
        sealed.close(&self.inner.vault)
    }

    pub(super) fn read_cursor<T: Cursor>(&self, text: &str) -> Result<Position<T>, EngineError> {
        let sealed: Sealed<T> =
            Sealed::open(&self.inner.vault, text).ok_or_else(|| EngineError::new(Reason::CursorInvalid))?;
        let made_at = Timestamp::from_second(sealed.made_at).map_err(|_| EngineError::new(Reason::CursorInvalid))?;
        let age = self.inner.clock.now().duration_since(made_at);
        if age
            > jiff::SignedDuration::try_from(self.inner.options.watch.cursor_ttl).unwrap_or(jiff::SignedDuration::MAX)
        {
            return Err(EngineError::new(Reason::CursorExpired));
        }
        Ok(Position {
            at: sealed.at,
            is_of_this_data_set: sealed.epoch == self.inner.epoch
                && sealed.lost_at == self.inner.store.condition().lost_at,
        })
    }
}

impl<T: Cursor> Sealed<T> {
    pub(super) fn close(&self, vault: &Vault) -> String {
        let mut bytes = serde_json::to_vec(self).expect("our own types have string keys and no failing serializer");
        let mac = vault.sign(T::PURPOSE, &bytes);
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` for whatever was not made by `close` with this secret.
    pub(super) fn open(vault: &Vault, text: &str) -> Option<Sealed<T>> {
        if text.len() > CURSOR_CHARS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        if !vault.verify(T::PURPOSE, body, mac) {
            return None;
        }
        serde_json::from_slice(body).ok()
    }
}
