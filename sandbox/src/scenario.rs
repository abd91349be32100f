//! The outcomes by name: what each provider is made to answer, apart from faults of the wire.
//!
//! A scenario is a set of wishes; an absent wish leaves the decision to the next layer (the operator's wish for the
//! person, then for the provider, then the person's own nature as written in `people`).

use serde::{Deserialize, Serialize};

use crate::faults::FaultRule;

/// Everything that can be set for one person or for one provider through the control API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The first rule that matches a call hits it.
    pub faults: Vec<FaultRule>,
    /// The time before an answer, in place of the provider's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<MsRange>,
    /// For a provider only: answers above this rate get 429 and count as violations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    pub kiban: KibanScenario,
    pub tuidentidad: TuIdentidadScenario,
    pub nubarium: NubariumScenario,
}

impl Settings {
    #[must_use]
    pub fn fault(mut self, rule: impl Into<FaultRule>) -> Self {
        self.faults.push(rule.into());
        self
    }
}

/// Milliseconds from `min_ms` to `max_ms`, both included, drawn by the seeded dice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MsRange {
    pub min_ms: u64,
    pub max_ms: u64,
}

impl MsRange {
    #[must_use]
    pub const fn fixed(ms: u64) -> Self {
        Self { min_ms: ms, max_ms: ms }
    }
}

/// A token bucket over the sandbox's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    pub requests_per_second: f64,
    /// Requests that may come at once after a pause.
    #[serde(default = "one")]
    pub burst: u32,
}

fn one() -> u32 {
    1
}

/// Declares a scenario: a struct of optional wishes that can be laid over another one.
macro_rules! scenario {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$kind>,)*
        }

        impl $name {
            /// These wishes, and where there is none, those of `below`.
            pub(crate) fn over(&self, below: &Self) -> Self {
                Self { $($field: self.$field.clone().or_else(|| below.$field.clone()),)* }
            }
        }
    };
}

scenario! {
    /// What Kiban answers.
    KibanScenario {
        /// Refuses the POST: 400, 401, 403, 406, 408, 409, 500 or 503.
        submit_status: u16,
        /// The terminal word outside: `SUCCESS`, or any other for a failure.
        status: String,
        /// The word while the document is being made: `PENDING`, `IMSS_PROCESSING`.
        running_status: String,
        /// What stands inside an outer SUCCESS.
        inner: KibanInner,
        /// The document is ready after this many looks, whatever the clock says.
        running_polls: u32,
        /// How the work history is written.
        shape: KibanShape,
        /// How the callback behaves.
        callback: CallbackMode,
        /// How late a `late` callback is; not scaled.
        callback_late_ms: u64,
    }
}

scenario! {
    /// What Tu Identidad answers.
    TuIdentidadScenario {
        /// A message code, `WH001` to `WH020`.
        code: String,
        /// The HTTP status of that code, in place of its usual one.
        code_status: u16,
        /// Answers 202 with a ticket first; a code then comes with the status call.
        ticket: bool,
        /// The ticket is ready after this many looks, whatever the clock says.
        running_polls: u32,
        /// 203 with the result and warnings.
        partial: bool,
        /// 204 with no content.
        no_content: bool,
        /// How `quotationweeks` is written.
        weeks: WeeksShape,
        /// How `valid` is written.
        valid_name: ValidName,
        /// How a current job is written.
        current_job: CurrentJob,
        /// The order of the list.
        order: ListOrder,
    }
}

scenario! {
    /// What Nubarium answers.
    NubariumScenario {
        outcome: NubariumOutcome,
        /// `codigoMensaje` as a number or as a string.
        code_as: CodeStyle,
        /// The names of the fields.
        names: FieldNames,
        /// Plain texts, or texts with HTML and entities.
        text: TextStyle,
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$word_doc])* $word,)* }
    )*};
}

words! {
    KibanInner { Found, NotFound, Invalid, }
    /// `Unknown` is a history in a shape that no alias fits; `English` uses another vendor's names.
    KibanShape { Spanish, English, Unknown, }
    CallbackMode {
        /// One notification when the document is ready.
        Normal,
        /// The same, `callback_late_ms` later.
        Late,
        /// Never sent.
        Lost,
        /// Sent twice.
        Duplicate,
        /// A non-terminal notification after the terminal one.
        Reordered,
        /// Delivered and answered before the POST is; the document is ready then.
        BeforeAck,
        /// With a key that the caller did not give.
        WrongKey,
        /// Kept until `POST /callbacks/release`.
        Held,
    }
    WeeksShape { Object, Array, }
    ValidName { Lower, Upper, }
    CurrentJob { Null, Absent, MinimumDate, Vigente, }
    ListOrder { NewestFirst, OldestFirst, }
    NubariumOutcome {
        /// Code 0.
        Found,
        /// Code 1.
        NoNss,
        /// Code 2.
        LimitReached,
        /// Code 3.
        EmailRegistered,
        /// Code 4.
        NotInRenapo,
        /// Code 5.
        VisitSubdelegacion,
        /// No code and no validation code; not billed.
        InternalError,
    }
    CodeStyle { Number, String, }
    FieldNames { Documented, English, Clave, }
    TextStyle { Plain, Html, }
}
