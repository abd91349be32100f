//! What a fake is told to answer, in the client's own types. How it is served stands in `service`, what it tells by itself in `story`.

use std::fmt;

use crate::client::Health;
use crate::model::{
    Charge, JobFilter, ListChargesRequest, LookupNssRequest, LookupNssResponse, ProviderStatus,
    ResolveWorkHistoryRequest, SubmitWorkHistoryRequest, SubmitWorkHistoryResponse, WatchWorkHistoriesRequest,
    WorkHistoryJob,
};
use crate::testing::Refusal;
use crate::watch::{FeedUpdate, JobUpdate};

/// A function that a fake answers by.
pub(super) type Told<Q, R> = Option<Box<dyn Fn(Q) -> R + Send + Sync>>;

/// Answers each call by the function that it was given. Where there is none it tells a story of its own: every person has an NSS and a
/// work history with one employment, every job succeeds after two events, and nothing is charged.
///
/// The functions may be called at the same time.
#[derive(Default)]
pub struct Fake {
    pub(super) lookup_nss: Told<LookupNssRequest, Result<LookupNssResponse, Refusal>>,
    pub(super) submit_work_history: Told<SubmitWorkHistoryRequest, Result<SubmitWorkHistoryResponse, Refusal>>,
    pub(super) watch_work_history: Told<WatchWorkHistoryRequest, Vec<Act<JobUpdate>>>,
    pub(super) get_work_history: Told<String, Result<WorkHistoryJob, Refusal>>,
    pub(super) cancel_work_history: Told<String, Result<WorkHistoryJob, Refusal>>,
    pub(super) list_work_histories: Told<JobFilter, Result<Vec<WorkHistoryJob>, Refusal>>,
    pub(super) watch_work_histories: Told<WatchWorkHistoriesRequest, Vec<Act<FeedUpdate>>>,
    pub(super) list_charges: Told<ListChargesRequest, Result<Vec<Charge>, Refusal>>,
    pub(super) get_provider_status: Told<(), Result<Vec<ProviderStatus>, Refusal>>,
    pub(super) resolve_work_history: Told<ResolveWorkHistoryRequest, Result<WorkHistoryJob, Refusal>>,
    pub(super) health: Option<Health>,
}

/// Asks to follow a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchWorkHistoryRequest {
    /// The job.
    pub job_id: String,
    /// Cursor of the last update that was handled; empty = from a snapshot.
    pub cursor: String,
    /// Largest number of employments that is wanted; `None` = as asked by Submit.
    pub limit: Option<i32>,
}

/// What a fake does next in a watch. After the last one the stream ends: without a terminal update the client resumes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Act<U> {
    /// It gives this update.
    Say(U),
    /// It sends a heartbeat.
    Heartbeat,
    /// It ends the stream with an error.
    Refuse(Refusal),
    /// It says nothing more until the client leaves.
    Silence,
}

/// Makes the method that tells a fake what to answer.
macro_rules! told {
    ($($(#[$doc:meta])* $name:ident: $asked:ty => $answer:ty;)*) => {
        /// Each method says by which function one call is answered.
        impl Fake {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(mut self, answer: impl Fn($asked) -> $answer + Send + Sync + 'static) -> Fake {
                self.$name = Some(Box::new(answer));
                self
            }
        )*}
    };
}

told! {
    /// LookupNss.
    lookup_nss: LookupNssRequest => Result<LookupNssResponse, Refusal>;
    /// SubmitWorkHistory. A job of this function is known to no other: tell `watch_work_history` and `get_work_history` as well.
    submit_work_history: SubmitWorkHistoryRequest => Result<SubmitWorkHistoryResponse, Refusal>;
    /// WatchWorkHistory: what happens in the stream, in order. Called for each stream, thus again when the client resumes.
    watch_work_history: WatchWorkHistoryRequest => Vec<Act<JobUpdate>>;
    /// GetWorkHistory, of a job's id.
    get_work_history: String => Result<WorkHistoryJob, Refusal>;
    /// CancelWorkHistory, of a job's id.
    cancel_work_history: String => Result<WorkHistoryJob, Refusal>;
    /// ListWorkHistories: all jobs, in one page.
    list_work_histories: JobFilter => Result<Vec<WorkHistoryJob>, Refusal>;
    /// WatchWorkHistories: what happens in the stream, in order. Called for each stream, thus again when the client resumes.
    watch_work_histories: WatchWorkHistoriesRequest => Vec<Act<FeedUpdate>>;
    /// ListCharges: all rows, in one page.
    list_charges: ListChargesRequest => Result<Vec<Charge>, Refusal>;
    /// GetProviderStatus.
    get_provider_status: () => Result<Vec<ProviderStatus>, Refusal>;
    /// ResolveWorkHistory.
    resolve_work_history: ResolveWorkHistoryRequest => Result<WorkHistoryJob, Refusal>;
}

impl Fake {
    /// A fake that tells its own story.
    #[must_use]
    pub fn new() -> Fake {
        Fake::default()
    }

    /// Says what its health is; serving unless said.
    #[must_use]
    pub fn health(mut self, health: Health) -> Fake {
        self.health = Some(health);
        self
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fake")
    }
}
