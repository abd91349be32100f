//! The frames that a script's messages are sent as, each built once in a run.
//!
//! A history of ten thousand employments takes seconds to build. Done while a call waits, that would use up the caller's deadline, and
//! done on a thread that serves connections, those of every other language would stand still.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::Context as _;
use bytes::Bytes;
use prost_reflect::MethodDescriptor;

use super::script::{Action, Script};
use super::words;
use crate::wire;

/// The field of a watch's message that no version of the contract has.
const UNKNOWN_CONTENT_FIELD: u32 = 99;

/// By the full name of the method and the action's text.
static BUILT: LazyLock<Mutex<HashMap<(String, String), Bytes>>> = LazyLock::new(Mutex::default);

/// Builds all frames of a script; what is wrong with a message is told here.
pub fn prepare(script: &Script) -> anyhow::Result<()> {
    for (name, answers) in &script.calls {
        let method = wire::method_named(name).with_context(|| format!("the contract has no method {name}"))?;
        for action in answers.iter().flatten() {
            of(&method, action)?;
        }
    }
    Ok(())
}

/// The frame that an action sends as the method's answer; none when it sends none.
pub fn of(method: &MethodDescriptor, action: &Action) -> anyhow::Result<Option<Bytes>> {
    let key = (method.full_name().to_owned(), format!("{action:?}"));
    if let Some(frame) = BUILT.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(Some(frame.clone()));
    }
    let Some(message) = words::message(action)? else {
        return Ok(None);
    };
    let more = match action {
        Action::UnknownContent(_) => wire::unknown_field(UNKNOWN_CONTENT_FIELD),
        _ => Vec::new(),
    };
    let frame = wire::answer_frame(method, &message, &more)?;
    BUILT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(key, frame.clone());
    Ok(Some(frame))
}
