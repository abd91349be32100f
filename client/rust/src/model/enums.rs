//! The enums of the contract. A value that this version does not know is kept by its number, and is never taken for another.

use super::enumeration;

enumeration! {
    /// An upstream API that Semanas can buy an answer from.
    Provider, "PROVIDER_" {
        /// Kiban: CURP and names to work history, asynchronous.
        Kiban = "KIBAN",
        /// Tu Identidad: CURP and NSS to work history.
        TuIdentidad = "TU_IDENTIDAD",
        /// Nubarium: CURP to NSS.
        Nubarium = "NUBARIUM",
    }
}

enumeration! {
    /// Where a job stands.
    JobState, "JOB_STATE_" {
        /// Accepted; no provider was asked yet, or it waits for its next try.
        Queued = "QUEUED",
        /// A provider is being asked, or has been asked and works on it.
        Running = "RUNNING",
        /// Terminal: the work history is there; it may be empty.
        Succeeded = "SUCCEEDED",
        /// Terminal: no work history; `failure` says why.
        Failed = "FAILED",
        /// Terminal: cancelled by a caller.
        Cancelled = "CANCELLED",
        /// Terminal: a billed call may or may not have been charged and answered. It is not repeated without leave.
        OutcomeUnknown = "OUTCOME_UNKNOWN",
    }
}

enumeration! {
    /// What a living job is doing.
    JobStage, "JOB_STAGE_" {
        /// Waits for a worker.
        Queued = "QUEUED",
        /// Finds the NSS for the CURP.
        LookingUpNss = "LOOKING_UP_NSS",
        /// Sends the request to the provider.
        AskingProvider = "ASKING_PROVIDER",
        /// The provider has accepted the request and works on it.
        WaitingForProvider = "WAITING_FOR_PROVIDER",
        /// Waits before its next try, or for the provider's quota.
        WaitingToRetry = "WAITING_TO_RETRY",
        /// The request may have been sent: waits for the provider's word instead of paying twice.
        ConfirmingWithProvider = "CONFIRMING_WITH_PROVIDER",
    }
}

enumeration! {
    /// What a call to a provider is for.
    Step, "STEP_" {
        /// CURP to NSS.
        FindNss = "FIND_NSS",
        /// CURP to work history.
        FetchHistory = "FETCH_HISTORY",
    }
}

enumeration! {
    /// How a call went, which alone decides on retry and failover.
    OutcomeClass, "OUTCOME_CLASS_" {
        /// Proved not to have reached the provider.
        NotSent = "NOT_SENT",
        /// The provider said that it did not process the request, and does not bill that.
        Rejected = "REJECTED",
        /// The provider said that it is down or failed, and does not bill that.
        ProviderDown = "PROVIDER_DOWN",
        /// The provider answered: a history, an NSS, or a definite no.
        Answered = "ANSWERED",
        /// The request may have been processed and billed; no usable answer is known.
        Ambiguous = "AMBIGUOUS",
    }
}

enumeration! {
    /// Whether a call was charged.
    ChargeState, "CHARGE_STATE_" {
        /// The intent is on record and the call is under way.
        Open = "OPEN",
        /// Charged.
        Yes = "YES",
        /// Not charged.
        No = "NO",
        /// It cannot be known from here.
        Unknown = "UNKNOWN",
    }
}

enumeration! {
    /// How a request was met.
    Disposition, "DISPOSITION_" {
        /// It started new work.
        Started = "STARTED",
        /// It joined work that is under way for this person.
        Attached = "ATTACHED",
        /// It got an earlier answer, or an earlier job whose outcome is unknown.
        Reused = "REUSED",
    }
}

enumeration! {
    /// Why a snapshot was sent.
    SnapshotCause, "SNAPSHOT_CAUSE_" {
        /// The watch began without a cursor.
        Start = "START",
        /// The cursor is of a data set that was lost: what was seen before may not hold any more.
        Reset = "RESET",
        /// The reader was slower than the events: the ones in between are summed up here.
        SlowReader = "SLOW_READER",
    }
}

enumeration! {
    /// IMSS's kinds of movement.
    MovementType, "MOVEMENT_TYPE_" {
        /// ALTA: registration.
        Alta = "ALTA",
        /// REINGRESO: registration of a person who was there before.
        Reingreso = "REINGRESO",
        /// MODIFICACION DE SALARIO: change of salary.
        ModificacionDeSalario = "MODIFICACION_DE_SALARIO",
        /// BAJA: termination.
        Baja = "BAJA",
    }
}

enumeration! {
    /// Whether calls to a provider are let through.
    BreakerState, "BREAKER_STATE_" {
        /// Calls go through.
        Closed = "CLOSED",
        /// Calls wait.
        Open = "OPEN",
        /// One due job is let through to try.
        HalfOpen = "HALF_OPEN",
    }
}
