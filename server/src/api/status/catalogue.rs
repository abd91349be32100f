//! The catalogue: for each reason its gRPC code, its sentence for the caller, and when to come back.
//!
//! One table, in the order of `error_reason.proto`. A sentence says what to do, stands alone, and holds nothing of the
//! request; the same sentence goes into a status and into a job's `Failure.message`.

use std::time::Duration;

use semanas_proto::v1::ErrorReason;
use tonic::Code;

use crate::domain::reason::Reason;

/// A row of the catalogue.
pub(super) struct Entry {
    pub(super) code: Code,
    pub(super) sentence: &'static str,
    /// When to come back if nobody knows better; each UNAVAILABLE and RESOURCE_EXHAUSTED has one.
    pub(super) retry_after: Option<Duration>,
}

/// The prefix that protobuf's style wants in the enum and that `ErrorInfo.reason` leaves out.
const PROTO_PREFIX: &str = "ERROR_REASON_";

/// What holds for a moment only: a replica going down, a reader that fell behind.
const SOON: Duration = Duration::from_secs(1);
/// What needs something to recover first.
const LATER: Duration = Duration::from_secs(30);
/// What will be the same until a day is over, or until the caller changes something.
const TOMORROW: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn entry(reason: Reason) -> Entry {
    let (code, sentence, retry_after) = row(reason);
    Entry {
        code,
        sentence,
        retry_after,
    }
}

/// The reason as `ErrorInfo.reason` spells it.
pub(super) fn word(reason: Reason) -> &'static str {
    to_proto(reason)
        .as_str_name()
        .strip_prefix(PROTO_PREFIX)
        .expect("protobuf's style puts the enum's name before each value")
}

pub(super) fn to_proto(reason: Reason) -> ErrorReason {
    match reason {
        Reason::InvalidRequest => ErrorReason::InvalidRequest,
        Reason::InvalidCurp => ErrorReason::InvalidCurp,
        Reason::InvalidNss => ErrorReason::InvalidNss,
        Reason::RequestIdReused => ErrorReason::RequestIdReused,
        Reason::CursorInvalid => ErrorReason::CursorInvalid,
        Reason::JobNotFound => ErrorReason::JobNotFound,
        Reason::NssNotFound => ErrorReason::NssNotFound,
        Reason::CurpNotInRenapo => ErrorReason::CurpNotInRenapo,
        Reason::WorkHistoryNotFound => ErrorReason::WorkHistoryNotFound,
        Reason::VisitSubdelegation => ErrorReason::VisitSubdelegation,
        Reason::EmailRegisteredToOtherCurp => ErrorReason::EmailRegisteredToOtherCurp,
        Reason::OutcomeUnknown => ErrorReason::OutcomeUnknown,
        Reason::NoRoute => ErrorReason::NoRoute,
        Reason::JobNotResolvable => ErrorReason::JobNotResolvable,
        Reason::CursorExpired => ErrorReason::CursorExpired,
        Reason::PersonDailyLimit => ErrorReason::PersonDailyLimit,
        Reason::QuotaExceeded => ErrorReason::QuotaExceeded,
        Reason::SlowConsumer => ErrorReason::SlowConsumer,
        Reason::TooManyWatches => ErrorReason::TooManyWatches,
        Reason::RequestTooLarge => ErrorReason::RequestTooLarge,
        Reason::ProviderUnavailable => ErrorReason::ProviderUnavailable,
        Reason::StoreUnavailable => ErrorReason::StoreUnavailable,
        Reason::ServerDraining => ErrorReason::ServerDraining,
        Reason::LookupInProgress => ErrorReason::LookupInProgress,
        Reason::ProviderCredentials => ErrorReason::ProviderCredentials,
        Reason::ProviderContractChanged => ErrorReason::ProviderContractChanged,
        Reason::Internal => ErrorReason::Internal,
        Reason::MethodUnknown => ErrorReason::MethodUnknown,
        Reason::DeadlineExceeded => ErrorReason::DeadlineExceeded,
    }
}

#[rustfmt::skip]
fn row(reason: Reason) -> (Code, &'static str, Option<Duration>) {
    match reason {
        Reason::InvalidRequest => (Code::InvalidArgument,
            "the request is not valid; correct every field that the details name", None),
        Reason::InvalidCurp => (Code::InvalidArgument,
            "the CURP is not valid; compare all 18 characters with the person's document", None),
        Reason::InvalidNss => (Code::InvalidArgument,
            "the NSS is not valid; compare all 11 digits with the person's document, or leave it out", None),
        Reason::RequestIdReused => (Code::InvalidArgument,
            "this request_id was used before with another request; choose a new one for a new request", None),
        Reason::CursorInvalid => (Code::InvalidArgument,
            "the cursor or page token is not one that this request was given; start again without it", None),

        Reason::JobNotFound => (Code::NotFound,
            "there is no such job; check the job_id, and note that ended jobs are kept for a limited time", None),
        Reason::NssNotFound => (Code::NotFound,
            "IMSS has no NSS for this CURP; the person can ask for one at IMSS", None),
        Reason::CurpNotInRenapo => (Code::NotFound,
            "RENAPO does not know this CURP; compare it with the person's document", None),
        Reason::WorkHistoryNotFound => (Code::NotFound,
            "the provider has no work history under this CURP and NSS; check that both belong to the same person", None),

        Reason::VisitSubdelegation => (Code::FailedPrecondition,
            "IMSS asks the person to visit a subdelegación to put the record in order; nothing can be fetched before", None),
        Reason::EmailRegisteredToOtherCurp => (Code::FailedPrecondition,
            "the e-mail address used is registered at IMSS under another CURP; an operator must set another address", None),
        Reason::OutcomeUnknown => (Code::FailedPrecondition,
            "a call may have been charged without an answer; have an operator settle it, or set allow_repeat_charge to pay again", None),
        Reason::NoRoute => (Code::FailedPrecondition,
            "no configured provider can serve this request; add the person's names, choose another provider, or ask the operator", None),
        Reason::JobNotResolvable => (Code::FailedPrecondition,
            "the job has no charge that is unknown and unsettled; read the job before settling it", None),

        Reason::CursorExpired => (Code::OutOfRange,
            "the cursor is older than what is kept; start again without it", None),

        Reason::PersonDailyLimit => (Code::ResourceExhausted,
            "the limit of queries for this person and day is used up; come back tomorrow", Some(TOMORROW)),
        Reason::QuotaExceeded => (Code::ResourceExhausted,
            "the provider's rate or quota is used up; come back later", Some(LATER)),
        Reason::SlowConsumer => (Code::ResourceExhausted,
            "the stream was read too slowly; resume it with the last cursor", Some(SOON)),
        Reason::TooManyWatches => (Code::ResourceExhausted,
            "this replica holds as many streams as it may; come back after the retry delay, perhaps to another replica", Some(SOON)),
        Reason::RequestTooLarge => (Code::ResourceExhausted,
            "the request is larger than the server accepts; send less, for repeating it brings the same", Some(TOMORROW)),

        Reason::ProviderUnavailable => (Code::Unavailable,
            "the provider is down or failed; come back later", Some(LATER)),
        Reason::StoreUnavailable => (Code::Unavailable,
            "the store does not answer; repeat the same request after the retry delay", Some(SOON)),
        Reason::ServerDraining => (Code::Unavailable,
            "this replica is shutting down; repeat the same request, another replica serves it", Some(SOON)),

        Reason::LookupInProgress => (Code::DeadlineExceeded,
            "the lookup goes on; repeat the same request to get its answer, nothing is paid twice", Some(SOON)),

        Reason::ProviderCredentials => (Code::Internal,
            "a provider refuses the deployment's credentials; an operator must correct them", None),
        Reason::ProviderContractChanged => (Code::Internal,
            "a provider answered in a shape that is not its contract; an operator must look at it", None),
        Reason::Internal => (Code::Internal,
            "something is wrong inside Semanas; an operator finds the cause in the log", None),
        Reason::MethodUnknown => (Code::Unimplemented,
            "this server does not have the method; compare the versions of client and server", None),

        Reason::DeadlineExceeded => (Code::DeadlineExceeded,
            "the call's deadline has passed; a job goes on, so repeat the call, with the same request_id or the last cursor", None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    /// Every reason that the domain knows, from the list that serde prints for a word it does not know.
    fn reasons_of_the_domain() -> Vec<Reason> {
        let complaint = serde_json::from_str::<Reason>("\"?\"").unwrap_err().to_string();
        let words = complaint
            .split('`')
            .filter(|word| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
        words
            .map(|word| serde_json::from_str(&format!("\"{word}\"")).unwrap())
            .collect()
    }

    fn words_of_the_contract() -> BTreeSet<&'static str> {
        (1..)
            .map_while(|number| ErrorReason::try_from(number).ok())
            .map(|reason| &reason.as_str_name()[PROTO_PREFIX.len()..])
            .collect()
    }

    #[test]
    fn domain_and_contract_have_the_same_reasons_under_the_same_words() {
        let reasons = reasons_of_the_domain();
        for reason in &reasons {
            assert_eq!(serde_json::to_value(reason).unwrap(), word(*reason));
        }
        let words: BTreeSet<&str> = reasons.iter().map(|reason| word(*reason)).collect();
        assert_eq!(words, words_of_the_contract());
    }

    #[test]
    fn the_contract_names_the_code_of_each_reason() {
        let contract = include_str!("../../../../proto/semanas/v1/error_reason.proto");
        for reason in reasons_of_the_domain() {
            let entry = format!("  {}{} =", PROTO_PREFIX, word(reason));
            let comment = contract.split(&entry).next().unwrap().rsplit("  // ").next().unwrap();
            let code = comment.split('.').next().unwrap();
            assert_eq!(
                format!("{:?}", row(reason).0).to_uppercase(),
                code.replace('_', ""),
                "{reason:?}"
            );
        }
    }

    #[test]
    fn what_may_pass_says_when_to_come_back() {
        for reason in reasons_of_the_domain() {
            let entry = entry(reason);
            let passes = matches!(entry.code, Code::Unavailable | Code::ResourceExhausted);
            assert!(entry.retry_after.is_some() || !passes, "{reason:?}");
        }
    }

    #[test]
    fn a_sentence_tells_what_to_do_in_one_line_without_a_full_stop() {
        for reason in reasons_of_the_domain() {
            let sentence = entry(reason).sentence;
            assert!(
                sentence.contains([';', ',']) && !sentence.ends_with('.') && sentence.len() < 160,
                "{reason:?}"
            );
        }
    }
}
