//! The public side of a state: what callers see of it.

use serde::{Deserialize, Serialize};

use crate::domain::{
    job::{Intent, Job, State, Step},
    provider_id::ProviderId,
};

/// State, stage and provider, as every message to a caller shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobView {
    pub state: StateName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
}

/// Public name of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateName {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
    OutcomeUnknown,
}

/// What a living job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Queued,
    LookingUpNss,
    AskingProvider,
    WaitingForProvider,
    WaitingToRetry,
    ConfirmingWithProvider,
}

impl Job {
    pub(crate) fn view(&self) -> JobView {
        match &self.state {
            State::Queued { deferred: false } => living(StateName::Queued, Stage::Queued, None),
            State::Queued { deferred: true } => living(StateName::Queued, Stage::WaitingToRetry, None),
            State::AwaitingNss { .. } => living(StateName::Running, Stage::LookingUpNss, None),
            State::Calling { intent } => living(StateName::Running, calling_stage(intent), Some(intent.provider)),
            State::Waiting { intent, .. } => {
                living(StateName::Running, Stage::WaitingForProvider, Some(intent.provider))
            }
            State::Ambiguous { intent, .. } => {
                living(StateName::Running, Stage::ConfirmingWithProvider, Some(intent.provider))
            }
            State::Succeeded { .. } => ended(StateName::Succeeded),
            State::Failed { .. } => ended(StateName::Failed),
            State::Cancelled { .. } => ended(StateName::Cancelled),
            State::OutcomeUnknown { .. } => ended(StateName::OutcomeUnknown),
        }
    }
}

fn calling_stage(intent: &Intent) -> Stage {
    match intent.step {
        Step::FindNss => Stage::LookingUpNss,
        Step::FetchHistory => Stage::AskingProvider,
    }
}

fn living(state: StateName, stage: Stage, provider: Option<ProviderId>) -> JobView {
    JobView {
        state,
        stage: Some(stage),
        provider,
    }
}

fn ended(state: StateName) -> JobView {
    JobView {
        state,
        stage: None,
        provider: None,
    }
}
