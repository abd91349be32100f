//! What the fake saw: each call with its request, metadata and end, in the order in which they came.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value, json};

/// Shared by all connections of a fake.
#[derive(Clone)]
pub struct Record {
    began: Instant,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    calls: Vec<Call>,
    connections: usize,
    /// What the case did not foresee, or what is wrong with its script.
    faults: Vec<String>,
}

struct Call {
    method: String,
    request: Value,
    metadata: Map<String, Value>,
    connection: usize,
    began_ms: u64,
    ended_ms: Option<u64>,
    /// Left by the client before the fake had ended it.
    is_cancelled: bool,
}

/// A call under way; one that is dropped before it has ended was left by the client.
pub struct Open {
    record: Record,
    index: usize,
    is_ended: bool,
}

impl Record {
    pub fn new() -> Record {
        Record {
            began: Instant::now(),
            inner: Arc::default(),
        }
    }

    /// Gives the connection's number, from 1 on.
    pub fn connected(&self) -> usize {
        let mut inner = self.lock();
        inner.connections += 1;
        inner.connections
    }

    /// Gives also how many calls to this method came before.
    pub fn begin(
        &self,
        connection: usize,
        method: &str,
        request: Value,
        metadata: Map<String, Value>,
    ) -> (Open, usize) {
        let began_ms = self.now_ms();
        let mut inner = self.lock();
        let before = inner.calls.iter().filter(|call| call.method == method).count();
        inner.calls.push(Call {
            method: method.to_owned(),
            request,
            metadata,
            connection,
            began_ms,
            ended_ms: None,
            is_cancelled: false,
        });
        let index = inner.calls.len() - 1;
        (
            Open {
                record: self.clone(),
                index,
                is_ended: false,
            },
            before,
        )
    }

    pub fn fault(&self, what: String) {
        self.lock().faults.push(what);
    }

    pub fn faults(&self) -> Vec<String> {
        self.lock().faults.clone()
    }

    pub fn connections(&self) -> usize {
        self.lock().connections
    }

    /// `gap_ms` is the time from the end of the call before to the beginning of this one.
    pub fn calls(&self) -> Value {
        let inner = self.lock();
        let mut ended_before_ms = None;
        let mut list = Vec::new();
        for call in &inner.calls {
            let gap_ms = ended_before_ms.map(|ended_ms| call.began_ms.saturating_sub(ended_ms));
            list.push(json!({
                "method": call.method, "request": call.request, "metadata": call.metadata, "connection": call.connection,
                "began_ms": call.began_ms, "ended_ms": call.ended_ms, "cancelled": call.is_cancelled, "gap_ms": gap_ms,
            }));
            ended_before_ms = call.ended_ms;
        }
        Value::Array(list)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    pub fn end(mut self) {
        self.close(false);
    }

    fn close(&mut self, is_cancelled: bool) {
        if !std::mem::replace(&mut self.is_ended, true) {
            let now_ms = self.record.now_ms();
            let call = &mut self.record.lock().calls[self.index];
            call.ended_ms = Some(now_ms);
            call.is_cancelled = is_cancelled;
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close(true);
    }
}
