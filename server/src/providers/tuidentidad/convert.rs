//! What Tu Identidad's answers mean.
//!
//! Decides by the WH code first, whatever the HTTP status, and by `valid` next. It deliberately does not know whether an
//! answer came to the billed call or to a poll: the same words prove less about money once a ticket was given.

use jiff::Timestamp;

use super::{
    ID,
    wire::{Body, Notice},
};
use crate::{
    domain::{
        curp::Curp,
        reason::{Failure, Reason},
        work_history::{Provenance, Warning},
    },
    providers::{
        Answer, Reply,
        history::{self, About, FoundHistory},
        http::HttpAnswer,
        json,
        refusal::is_success,
    },
};

const ADAPTER_VERSION: &str = "1";

/// What an answer says.
pub(super) enum Reading {
    /// A history or a definite no.
    Settled(Box<Reply>),
    /// It is being worked on, under this reference.
    Pending(Option<String>),
    /// The service is not available at all.
    Unavailable(String),
    /// The service could not get the history.
    Failed(String),
    Malformed(String),
    UnknownReference(String),
    /// A code without a published meaning.
    Undocumented(String),
    SomebodyElse,
    /// JSON that is nothing we know.
    UnknownShape,
    NoContent,
    /// Nothing in words; the status has to speak.
    Silent,
}

pub(super) fn read(answer: &HttpAnswer, asked: &Curp, now: Timestamp) -> Reading {
    if answer.status == 204 {
        return Reading::NoContent;
    }
    let Ok(value) = json::read(&answer.body) else {
        return Reading::Silent;
    };
    let body = Body::read(&value);
    let found = match is_success(answer.status) && body.valid != Some(false) {
        true => history::find(&value),
        false => None,
    };
    let is_partial = answer.status == 203;
    match (found, deciding_code(&body)) {
        (Some(found), _) => settled(found, &body, is_partial, asked, now),
        (None, Some(code)) => by_code(code, &body, now),
        (None, None) if is_success(answer.status) => by_words(&body, answer.status),
        (None, None) => Reading::Silent,
    }
}

/// Whether it says that there is no verification of the id that was asked for.
pub(super) fn is_unknown_reference(answer: &HttpAnswer) -> bool {
    json::read(&answer.body).is_ok_and(|value| deciding_code(&Body::read(&value)) == Some("WH006"))
}

/// The code that settles the answer: a flat body's own, else an answer among the warnings, else the first of them.
fn deciding_code<'a>(body: &Body<'a>) -> Option<&'a str> {
    let warned = || {
        let codes = || body.warnings.iter().map(|notice| notice.code);
        ["WH007", "WH008"]
            .into_iter()
            .find_map(|answer| codes().find(|code| *code == answer))
            .or_else(|| codes().next())
    };
    body.code.or_else(warned)
}

fn by_code(code: &str, body: &Body<'_>, now: Timestamp) -> Reading {
    let text = code.to_owned();
    match code {
        "WH001" => Reading::Unavailable(text),
        "WH002" | "WH003" | "WH005" => Reading::Failed(text),
        "WH004" => Reading::Pending(body.verification_id.clone()),
        "WH006" => Reading::UnknownReference(text),
        "WH007" => not_found(Some(text), body),
        "WH008" => nothing_listed(code, body, now),
        "WH014" | "WH020" => Reading::Malformed(text),
        _ => Reading::Undocumented(text),
    }
}

/// A success without a code: a ticket, the documented "data was not found", or nothing we know.
fn by_words(body: &Body<'_>, status: u16) -> Reading {
    match (status, body.valid, &body.verification_id) {
        (202, None, Some(reference)) => Reading::Pending(Some(reference.clone())),
        (200, Some(false), _) if body.success == Some(true) => not_found(None, body),
        _ => Reading::UnknownShape,
    }
}

fn not_found(code: Option<String>, body: &Body<'_>) -> Reading {
    let failure = Failure::told(Reason::WorkHistoryNotFound, ID, code);
    Reading::Settled(Box::new(Reply::no(failure, body.verification_id.clone())))
}

/// WH008 is an answer: a verified history that is empty. It comes as a warning or as an error body.
fn nothing_listed(code: &str, body: &Body<'_>, now: Timestamp) -> Reading {
    let own = Warning::new(
        code,
        body.message
            .unwrap_or("there are no listed weeks and no history at IMSS"),
    );
    let warned: Vec<Warning> = body.warnings.iter().map(Notice::warning).collect();
    let warnings = if warned.is_empty() { vec![own] } else { warned };
    Reading::Settled(Box::new(reply(history::empty(), body, warnings, now)))
}

fn settled(found: FoundHistory, body: &Body<'_>, is_partial: bool, asked: &Curp, now: Timestamp) -> Reading {
    if found.about(asked) == About::SomebodyElse {
        return Reading::SomebodyElse;
    }
    let partial = is_partial.then(|| Warning::new("PARTIAL", "the provider calls this answer incomplete"));
    let warnings = partial.into_iter().chain(body.warnings.iter().map(Notice::warning));
    Reading::Settled(Box::new(reply(found, body, warnings.collect(), now)))
}

fn reply(found: FoundHistory, body: &Body<'_>, warnings: Vec<Warning>, now: Timestamp) -> Reply {
    let reference = body.verification_id.clone();
    let history = found.into_history(Provenance {
        provider: ID,
        adapter_version: ADAPTER_VERSION.to_owned(),
        provider_reference: reference.clone(),
        retrieved_at: now,
        warnings,
    });
    Reply::found(Answer::History(history), reference)
}
