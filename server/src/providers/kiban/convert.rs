//! What Kiban's documents mean.
//!
//! Decides when a document has ended and with what. An outer SUCCESS only says that Kiban is done: the truth stands
//! inside, on a second level. It deliberately matches on words of the contract, never on messages.

use jiff::Timestamp;

use super::{ID, wire::Document};
use crate::{
    domain::{
        curp::Curp,
        outcome::Outcome,
        reason::{Failure, Reason},
        work_history::Provenance,
    },
    providers::{
        Answer, Reply,
        history::{self, About},
        json,
    },
};

const ADAPTER_VERSION: &str = "1";

/// Ends that cost nothing when a test case brought them. Kiban documents the case "Servicio no disponible" (the service
/// is not available); the word for it is the sandbox's. For a real person nobody says that a failure after the
/// acknowledgement is free, and to take it for free would be to pay again with every retry.
const UNBILLED_TEST_ENDS: [&str; 1] = ["SERVICE_UNAVAILABLE"];

/// The longest word of Kiban that is kept.
const WORD_CHARS_MAX: usize = 40;

/// What was asked, as far as the reading of its answer depends on it.
pub(super) struct Asked<'a> {
    pub curp: &'a Curp,
    pub is_test_case: bool,
    pub now: Timestamp,
}

/// What a document says.
pub(super) enum Reading {
    Running,
    /// It belongs to another person or another call.
    SomebodyElse,
    Ended(Box<Reply>),
}

/// The answer to the POST: usually that Kiban has it, at times the end already.
pub(super) fn acknowledgement(document: &Document, asked: &Asked<'_>) -> Reply {
    let Some(reference) = document.id.clone() else {
        return Reply::contract_changed(ID, None);
    };
    match self::document(document, &reference, asked) {
        Reading::Running => Reply::bare(Outcome::Accepted { reference }),
        Reading::SomebodyElse => Reply::contract_changed(ID, None),
        Reading::Ended(reply) => *reply,
    }
}

/// The answer to a look-up.
pub(super) fn document(document: &Document, reference: &str, asked: &Asked<'_>) -> Reading {
    let is_other_call = document.id.as_deref().is_some_and(|id| id != reference);
    if is_other_call || history::about(document.asked_curp.as_deref(), asked.curp) == About::SomebodyElse {
        return Reading::SomebodyElse;
    }
    match document.status.as_deref() {
        Some("SUCCESS") => ended_well(document, reference, asked),
        Some(status) if is_running(status) || !document.is_finished => Reading::Running,
        Some(status) => ended(ended_badly(status, asked)),
        None if document.is_finished => ended(Reply::contract_changed(ID, None)),
        None => Reading::Running,
    }
}

fn ended(reply: Reply) -> Reading {
    Reading::Ended(Box::new(reply))
}

/// What a 400 says: a map from field to text. `None` when the body is no such map, hence not Kiban's own refusal.
pub(super) fn rejection(body: &[u8]) -> Option<Outcome> {
    let fields = json::read(body).ok()?;
    let curp = json::text(&fields, &["curp"]);
    let first = || fields.as_object()?.values().find_map(json::as_text);
    let (reason, text) = match curp {
        Some(text) => (Reason::InvalidCurp, text),
        None => (Reason::InvalidRequest, first()?),
    };
    Some(Outcome::Rejected {
        failure: Failure::told(reason, ID, leading_word(text)),
    })
}

fn is_running(status: &str) -> bool {
    status == "PENDING" || status.ends_with("_PROGRESS") || status.ends_with("_PROCESSING")
}

fn ended_badly(status: &str, asked: &Asked<'_>) -> Reply {
    let failure = Failure::told(Reason::ProviderUnavailable, ID, whole_word(status));
    match asked.is_test_case && UNBILLED_TEST_ENDS.contains(&status) {
        true => Reply::bare(Outcome::Down {
            failure,
            retry_after: None,
        }),
        false => Reply::unusable(failure),
    }
}

fn ended_well(document: &Document, reference: &str, asked: &Asked<'_>) -> Reading {
    let code = document.inner_status.as_deref().and_then(whole_word);
    let no = |reason| {
        ended(Reply::no(
            Failure::told(reason, ID, code.clone()),
            Some(reference.to_owned()),
        ))
    };
    match document.inner_status.as_deref() {
        // The documented case is "NSS Inválido": the NSS was not located at IMSS.
        Some("NOT_FOUND" | "NSS_NOT_FOUND") => no(Reason::NssNotFound),
        Some("WORK_HISTORY_NOT_FOUND") => no(Reason::WorkHistoryNotFound),
        Some("INVALID" | "NOT_VALID") => no(Reason::InvalidCurp),
        Some(_) | None => found(document, reference, asked, code),
    }
}

fn found(document: &Document, reference: &str, asked: &Asked<'_>, code: Option<String>) -> Reading {
    let Some(found) = history::find(&document.whole) else {
        return ended(Reply::contract_changed(ID, code));
    };
    if found.about(asked.curp) == About::SomebodyElse {
        return Reading::SomebodyElse;
    }
    let history = found.into_history(Provenance {
        provider: ID,
        adapter_version: ADAPTER_VERSION.to_owned(),
        provider_reference: Some(reference.to_owned()),
        retrieved_at: asked.now,
        warnings: Vec::new(),
    });
    ended(Reply::found(Answer::History(history), Some(reference.to_owned())))
}

/// The UPPER_SNAKE word at the start of a text such as `FORMAT_ERROR; invalid curp format`. A capital word without a
/// `_` may be the name that was refused, quoted.
fn leading_word(text: &str) -> Option<String> {
    let end = text.find([';', ',', ':', ' ']).unwrap_or(text.len());
    whole_word(&text[..end]).filter(|word| word.contains('_'))
}

/// A text that is one word of capitals. Digits have no place in it: a CURP is made of capitals and digits.
fn whole_word(text: &str) -> Option<String> {
    let is_word = text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    (is_word && (1..=WORD_CHARS_MAX).contains(&text.len())).then(|| text.to_owned())
}
