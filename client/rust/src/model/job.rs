//! A job, its attempts and events. Personal data stands in its work history only.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::{ChargeState, ErrorReason, JobStage, JobState, OutcomeClass, Provider, Step, WorkHistory, message};

message! {
    #[derive(Debug)]
    /// One job: the way from a person to a complete work history. It holds no personal data but in `work_history`.
    WorkHistoryJob {
        /// Opaque name of the job; safe to log.
        job_id: String = same,
        /// Where the job stands.
        state: JobState = value,
        /// What it is doing just now, while it is QUEUED or RUNNING.
        stage: JobStage = value,
        /// The provider that `stage` is about; unspecified when none is.
        stage_provider: Provider = value,
        /// When the job was accepted.
        create_time: Option<SystemTime> = time,
        /// When the job last changed.
        update_time: Option<SystemTime> = time,
        /// When the job ended; absent while it lives.
        end_time: Option<SystemTime> = time,
        /// By when the job ends at the latest.
        deadline_time: Option<SystemTime> = time,
        /// Sequence number of its newest event, from 1 on without gaps. In JSON a string, as every 64-bit number of protobuf.
        event_sequence: i64 = same,
        /// Every call to a provider that was made or is under way for this job, oldest first.
        attempts: Vec<Attempt> = each,
        /// Why it did not succeed; set in FAILED and OUTCOME_UNKNOWN.
        failure: Option<Failure> = maybe,
        /// The answer; set in SUCCEEDED on Get, Submit and the terminal message of a watch, never in lists and feeds.
        work_history: Option<WorkHistory> = maybe,
        /// Largest number of employments that was asked for; 0 = all.
        limit: i32 = same,
        /// Labels of the Submit that started it.
        labels: BTreeMap<String, String> = same,
        /// Purpose of the Submit that started it.
        purpose: String = same,
        /// Consent reference of the Submit that started it.
        consent_reference: String = same,
        /// The sandbox test case it was started with; empty otherwise.
        test_case_id: String = same,
        /// Whether a cancel was asked for while a paid call was under way: the job makes no further call, and
        /// ends with what that call brings.
        cancel_requested: bool = same,
        /// How an operator settled it; set only on a job whose charge was unknown.
        settlement: Option<Settlement> = maybe,
    }
}

message! {
    #[derive(Debug)]
    /// One call to a provider that can be billed.
    Attempt {
        /// Name of the attempt; also the name of its row in the ledger of charges.
        attempt_id: String = same,
        /// Who was asked.
        provider: Provider = value,
        /// What for.
        step: Step = value,
        /// How it went; unspecified while it is under way.
        outcome_class: OutcomeClass = value,
        /// Whether it was charged.
        charge: ChargeState = value,
        /// When the intent to call was recorded.
        start_time: Option<SystemTime> = time,
        /// When the outcome was recorded; absent while it is under way.
        end_time: Option<SystemTime> = time,
        /// The provider's own code, for example WH007 or a codigoMensaje; may be empty.
        provider_code: String = same,
        /// Why it brought no answer that ends the job in success; unspecified otherwise.
        reason: ErrorReason = value,
        /// True when the call was made, and paid, for another request and its answer is shared.
        shared: bool = same,
    }
}

message! {
    #[derive(Debug)]
    /// Why a job did not bring a work history.
    Failure {
        /// Reason from the catalogue.
        reason: ErrorReason = value,
        /// One plain sentence that says what to do, without personal data. While a charge is unknown it says to settle that first.
        message: String = same,
        /// The provider that gave the reason; unspecified when none did.
        provider: Provider = value,
        /// The provider's own code; may be empty.
        provider_code: String = same,
        /// True when nothing was charged, so that the same Submit starts a new job. When false, the same Submit gives this job back
        /// while max_age allows, or until the charge is settled.
        retryable: bool = same,
    }
}

message! {
    #[derive(Debug)]
    /// An operator's word on a charge that was unknown.
    Settlement {
        /// YES or NO: whether the provider charged the call.
        charge: ChargeState = value,
        /// When it was settled.
        settle_time: Option<SystemTime> = time,
        /// The operator's note, without personal data.
        note: String = same,
    }
}

message! {
    #[derive(Debug)]
    /// Something that happened to a job.
    JobEvent {
        /// From 1 on, without gaps.
        sequence: i64 = same,
        /// When it happened.
        event_time: Option<SystemTime> = time,
        /// State after it.
        state: JobState = value,
        /// Stage after it.
        stage: JobStage = value,
        /// The provider it is about; unspecified when none is.
        stage_provider: Provider = value,
        /// The attempt it is about, as it stood then; absent when none is.
        attempt: Option<Attempt> = maybe,
        /// The whole job, on the terminal event only.
        job: Option<WorkHistoryJob> = maybe,
    }
}
