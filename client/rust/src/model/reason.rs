//! The catalogue of reasons. A name, once released, never changes.

use super::enumeration;

enumeration! {
    /// Why a call or a job did not succeed. The gRPC code that each reason travels with is named in its comment.
    /// New reasons may be added: a client treats one that it does not know by the gRPC code alone.
    ErrorReason, "ERROR_REASON_" {
        /// INVALID_ARGUMENT. One or more fields are wrong; BadRequest names each of them.
        InvalidRequest = "INVALID_REQUEST",
        /// INVALID_ARGUMENT. The CURP has a wrong shape, an impossible date or a wrong check digit; or a provider says so.
        InvalidCurp = "INVALID_CURP",
        /// INVALID_ARGUMENT. The NSS does not have 11 digits or its check digit is wrong.
        InvalidNss = "INVALID_NSS",
        /// INVALID_ARGUMENT. The request_id was used before with another request body.
        RequestIdReused = "REQUEST_ID_REUSED",
        /// INVALID_ARGUMENT. The cursor or page token is forged, damaged or belongs to something else.
        CursorInvalid = "CURSOR_INVALID",
        /// NOT_FOUND. No such job for this caller.
        JobNotFound = "JOB_NOT_FOUND",
        /// NOT_FOUND. IMSS has no NSS for this CURP.
        NssNotFound = "NSS_NOT_FOUND",
        /// NOT_FOUND. RENAPO does not know this CURP.
        CurpNotInRenapo = "CURP_NOT_IN_RENAPO",
        /// NOT_FOUND. The provider has no work history under this CURP and NSS.
        WorkHistoryNotFound = "WORK_HISTORY_NOT_FOUND",
        /// FAILED_PRECONDITION. IMSS asks the person to visit a subdelegación.
        VisitSubdelegation = "VISIT_SUBDELEGATION",
        /// FAILED_PRECONDITION. The e-mail used is registered at IMSS under another CURP.
        EmailRegisteredToOtherCurp = "EMAIL_REGISTERED_TO_OTHER_CURP",
        /// FAILED_PRECONDITION. A billed call may or may not have been charged; settle it or give leave to pay again.
        OutcomeUnknown = "OUTCOME_UNKNOWN",
        /// FAILED_PRECONDITION. No configured provider can serve this request with the data that it gives.
        NoRoute = "NO_ROUTE",
        /// FAILED_PRECONDITION. The job has no charge that is unknown and unsettled.
        JobNotResolvable = "JOB_NOT_RESOLVABLE",
        /// OUT_OF_RANGE. The cursor is older than what is kept; start again without it.
        CursorExpired = "CURSOR_EXPIRED",
        /// RESOURCE_EXHAUSTED. The limit of queries for this person and day is used up.
        PersonDailyLimit = "PERSON_DAILY_LIMIT",
        /// RESOURCE_EXHAUSTED. The provider's rate or quota is used up.
        QuotaExceeded = "QUOTA_EXCEEDED",
        /// RESOURCE_EXHAUSTED. The reader of a stream was too slow; resume with its last cursor.
        SlowConsumer = "SLOW_CONSUMER",
        /// RESOURCE_EXHAUSTED. This replica holds as many watch streams as it may; try another.
        TooManyWatches = "TOO_MANY_WATCHES",
        /// RESOURCE_EXHAUSTED. The request message is larger than the server accepts.
        RequestTooLarge = "REQUEST_TOO_LARGE",
        /// UNAVAILABLE. The provider is down or failed, or none could be asked in time; in a job `retryable` says if it cost nothing.
        ProviderUnavailable = "PROVIDER_UNAVAILABLE",
        /// UNAVAILABLE. The store does not answer or cannot be trusted at the moment.
        StoreUnavailable = "STORE_UNAVAILABLE",
        /// UNAVAILABLE. This replica is shutting down; another one serves.
        ServerDraining = "SERVER_DRAINING",
        /// DEADLINE_EXCEEDED. The caller's deadline passed first; the lookup goes on and the next call gets its answer.
        LookupInProgress = "LOOKUP_IN_PROGRESS",
        /// INTERNAL. A provider refuses our credentials: an operator must act.
        ProviderCredentials = "PROVIDER_CREDENTIALS",
        /// INTERNAL. A provider answered in a shape that is not its contract: an operator must act.
        ProviderContractChanged = "PROVIDER_CONTRACT_CHANGED",
        /// INTERNAL. A defect of Semanas, or data that it cannot read.
        Internal = "INTERNAL",
        /// UNIMPLEMENTED. The server does not have this method.
        MethodUnknown = "METHOD_UNKNOWN",
        /// DEADLINE_EXCEEDED. The caller's deadline passed first. A job goes on: repeat the call, with the same request_id or the last
        /// cursor.
        DeadlineExceeded = "DEADLINE_EXCEEDED",
    }
}
