//! Which provider to ask next: pure policy over what a job has tried.
//!
//! It follows outcome classes only. What was not sent or not billed may be tried again and may go to the other route; an
//! ambiguous call is never repeated; nothing is ever asked of two providers at once.

use crate::{
    domain::{
        ids::JobKind,
        job::{Attempt, Job, Step},
        outcome::OutcomeClass,
        provider_id::ProviderId,
        reason::{Failure, Reason},
    },
    engine::options::{Options, Route},
};

/// What a queued job does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Call {
        provider: ProviderId,
        step: Step,
    },
    FindNss,
    /// Every provider that could be asked is shut for the moment.
    Wait,
    Stop(Failure),
}

/// What decides whether a route is open to a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub has_names: bool,
    pub has_nss: bool,
    pub provider: Option<ProviderId>,
}

/// Whether any configured route can serve a request with what it gives.
pub(super) fn is_possible(given: Given, options: &Options) -> bool {
    routes(given, options).next().is_some()
}

/// What `job` does next, with the providers in `shut` out of reach for the moment.
pub(super) fn next(job: &Job, options: &Options, shut: &[ProviderId]) -> Plan {
    if job.id.kind() == JobKind::NssLookup {
        // A replica without this provider may have got the job from one that has it, or from before its settings changed.
        let has_lookup = options.providers.contains_key(&ProviderId::Nubarium);
        let candidate = has_lookup.then_some((ProviderId::Nubarium, Step::FindNss));
        return first_open(job, options, shut, candidate.into_iter());
    }
    let given = Given {
        has_names: job.ask.has_names,
        has_nss: job.ask.has_nss,
        provider: job.ask.provider,
    };
    let candidates = routes(given, options).filter_map(|route| match route {
        Route::Kiban => Some((ProviderId::Kiban, Step::FetchHistory)),
        Route::Nss if job.ask.has_nss || job.nss_from.is_some() => Some((ProviderId::TuIdentidad, Step::FetchHistory)),
        Route::Nss if job.nss_missed => None,
        Route::Nss => Some((ProviderId::Nubarium, Step::FindNss)),
    });
    match first_open(job, options, shut, candidates) {
        // A history job never buys an NSS itself: a lookup job does, for everybody.
        Plan::Call {
            step: Step::FindNss, ..
        } => Plan::FindNss,
        plan @ (Plan::Call {
            step: Step::FetchHistory,
            ..
        }
        | Plan::FindNss
        | Plan::Wait
        | Plan::Stop(_)) => plan,
    }
}

/// How many tries the job has made at this provider itself.
pub(super) fn tries(job: &Job, provider: ProviderId) -> u32 {
    let tries = own_attempts(job, provider).count();
    u32::try_from(tries).unwrap_or(u32::MAX)
}

fn routes(given: Given, options: &Options) -> impl Iterator<Item = Route> + '_ {
    let configured = |provider| options.providers.contains_key(&provider);
    options.routes.iter().copied().filter(move |route| match route {
        Route::Kiban => {
            given.has_names
                && configured(ProviderId::Kiban)
                && given.provider.is_none_or(|chosen| chosen == ProviderId::Kiban)
        }
        Route::Nss => {
            (given.has_nss || configured(ProviderId::Nubarium))
                && configured(ProviderId::TuIdentidad)
                && given.provider.is_none_or(|chosen| chosen == ProviderId::TuIdentidad)
        }
    })
}

fn first_open(
    job: &Job,
    options: &Options,
    shut: &[ProviderId],
    candidates: impl Iterator<Item = (ProviderId, Step)>,
) -> Plan {
    let mut waits = false;
    for (provider, step) in candidates {
        match standing(job, provider, options) {
            Standing::Open if shut.contains(&provider) => waits = true,
            Standing::Open => return Plan::Call { provider, step },
            Standing::Spent => {}
            Standing::Final(failure) => return Plan::Stop(failure),
        }
    }
    if waits {
        Plan::Wait
    } else {
        Plan::Stop(last_failure(job))
    }
}

/// What the attempts at a provider leave of it.
enum Standing {
    Open,
    Spent,
    /// What it said holds for every provider.
    Final(Failure),
}

fn standing(job: &Job, provider: ProviderId, options: &Options) -> Standing {
    let Some(last) = own_attempts(job, provider).last() else {
        return Standing::Open;
    };
    match last.class {
        Some(OutcomeClass::NotSent | OutcomeClass::ProviderDown) => {
            let left = options.retry.tries_max == 0 || tries(job, provider) < options.retry.tries_max;
            if left { Standing::Open } else { Standing::Spent }
        }
        Some(OutcomeClass::Rejected) => match last
            .failure
            .as_ref()
            .filter(|failure| is_about_the_person(failure.reason))
        {
            Some(failure) => Standing::Final(failure.clone()),
            None => Standing::Spent,
        },
        Some(OutcomeClass::Answered | OutcomeClass::Ambiguous) | None => Standing::Spent,
    }
}

/// A provider that refuses what it was told about the person speaks for all of them; one that refuses us speaks for itself.
pub(super) fn is_about_the_person(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::InvalidCurp | Reason::InvalidNss | Reason::InvalidRequest
    )
}

fn own_attempts(job: &Job, provider: ProviderId) -> impl DoubleEndedIterator<Item = &Attempt> {
    job.attempts
        .iter()
        .filter(move |attempt| attempt.provider == provider && !attempt.shared)
}

/// The reason to give when nothing is left to try.
fn last_failure(job: &Job) -> Failure {
    let last = job.attempts.last();
    let told = last.and_then(|attempt| attempt.failure.clone());
    match (told, last) {
        (Some(failure), _) => failure,
        (None, Some(attempt)) => Failure::told(Reason::ProviderUnavailable, attempt.provider, None),
        (None, None) => Failure::own(Reason::NoRoute),
    }
}
