//! I1 and I2: the providers' books against what callers allowed and against the ledger.

use std::collections::BTreeMap;

use semanas_client::ChargeState;
use semanas_sandbox::Provider;

use super::Verdict;
use crate::history::{FinalAttempt, FinalJob, History, Kind, Outcome};

/// A fault has been mended when connections can be made again. Those that it broke are noticed, and made, a little later: this is
/// the longest pause between two tries to reach Redis.
const AFTERMATH_MS: u64 = 200;

type PerPerson = BTreeMap<(Provider, usize), usize>;

pub(super) fn check(history: &History, verdict: &mut Verdict) {
    let mut booked = PerPerson::new();
    for line in &history.booked {
        *booked.entry((line.provider, line.person)).or_default() += 1;
    }
    check_once(history, &booked, verdict);
    check_ledger(history, &booked, verdict);
}

/// I1: one charge for each person at each provider, and one more for each leave that a caller gave.
fn check_once(history: &History, booked: &PerPerson, verdict: &mut Verdict) {
    let mut leaves: BTreeMap<usize, usize> = BTreeMap::new();
    let mut given: Vec<&str> = Vec::new();
    for operation in &history.operations {
        if let Kind::Submit {
            person,
            request_id,
            leave: true,
        } = &operation.kind
            && !matches!(operation.outcome, Outcome::Failed { .. })
            && !given.contains(&request_id.as_str())
        {
            given.push(request_id);
            *leaves.entry(*person).or_default() += 1;
        }
    }
    for ((provider, person), charges) in booked {
        let allowed = 1 + leaves.get(person).copied().unwrap_or_default();
        if *charges > allowed {
            verdict.double_charges += charges - allowed;
            let what = format!(
                "{} charged person {person} {charges} times, allowed {allowed}",
                provider.name()
            );
            verdict.breaks("I1", what);
        }
    }
}

/// I2: every charge in the books has a row that does not deny it, and what the ledger calls charged is in the books.
fn check_ledger(history: &History, booked: &PerPerson, verdict: &mut Verdict) {
    let mut people: BTreeMap<&str, usize> = BTreeMap::new();
    for job in history.jobs.values() {
        people.extend(
            job.attempts
                .iter()
                .map(|attempt| (attempt.charge_id.as_str(), job.person)),
        );
    }
    let (mut owned, mut certain) = (PerPerson::new(), PerPerson::new());
    // Rows of lookups that no job shares: of whom they are cannot be seen.
    let mut unowned: BTreeMap<Provider, usize> = BTreeMap::new();
    for row in history.ledger.iter().filter(|row| row.state != ChargeState::No) {
        if row.state == ChargeState::Open {
            verdict.breaks("I2", format!("charge {} of {} was left open", row.charge_id, row.job));
        }
        let of_job = history.jobs.get(&row.job).map(|job| job.person);
        let Some(person) = of_job.or_else(|| people.get(row.charge_id.as_str()).copied()) else {
            *unowned.entry(row.provider).or_default() += 1;
            continue;
        };
        *owned.entry((row.provider, person)).or_default() += 1;
        if row.state == ChargeState::Yes {
            *certain.entry((row.provider, person)).or_default() += 1;
        }
    }
    for ((provider, person), charges) in booked {
        let rows = owned.get(&(*provider, *person)).copied().unwrap_or_default();
        let spare = unowned.entry(*provider).or_default();
        let missing = charges.saturating_sub(rows);
        if missing > *spare {
            let what = format!(
                "{} booked {charges} for person {person}, the ledger {rows}",
                provider.name()
            );
            verdict.breaks("I2", what);
        }
        *spare = spare.saturating_sub(missing);
    }
    for ((provider, person), rows) in &certain {
        let charges = booked.get(&(*provider, *person)).copied().unwrap_or_default();
        if *rows > charges {
            let what = format!(
                "the ledger says {rows} charges for person {person}, {} {charges}",
                provider.name()
            );
            verdict.breaks("I2", what);
        }
    }
    let references: std::collections::BTreeSet<&str> =
        history.booked.iter().map(|line| line.reference.as_str()).collect();
    for row in history
        .ledger
        .iter()
        .filter(|row| row.state == ChargeState::Yes && !row.reference.is_empty())
    {
        if !references.contains(row.reference.as_str()) {
            verdict.breaks(
                "I2",
                format!("charge {} has a reference that is in no book", row.charge_id),
            );
        }
    }
}

/// Whether nobody could have known, when the job ended, what became of its charges: the provider hid its answer, or a fault stood
/// between the call and the record of its answer. What became known later came too late for the job. A fault of another replica
/// than the one that called hides nothing: only where nobody saw who called, because the call never passed its link, does any count.
pub(super) fn is_unknowable(job: &FinalJob, history: &History) -> bool {
    let was_unknown = |attempt: &&FinalAttempt| {
        attempt.charge == ChargeState::Unknown || attempt.ended_ms == 0 || attempt.ended_ms > job.ended_ms
    };
    job.attempts.iter().filter(was_unknown).any(|attempt| {
        let provider = attempt.provider;
        let until_ms = match attempt.ended_ms {
            0 => job.ended_ms,
            ended_ms => ended_ms.min(job.ended_ms),
        };
        let is_hidden = history.troubled.contains(&(job.person, provider));
        let is_undelivered = history
            .booked
            .iter()
            .any(|line| line.provider == provider && line.person == job.person && !line.delivered);
        let caller = caller_of(attempt, until_ms, job.person, history);
        let was_struck = history.blows.iter().any(|blow| {
            let overlaps = blow.began_ms <= until_ms && attempt.began_ms <= blow.ended_ms + AFTERMATH_MS;
            overlaps && blow.what.may_hide_answers_of(provider, caller)
        });
        is_hidden || is_undelivered || was_struck
    })
}

/// The replica whose call passed the link to the provider first in the time of the attempt.
fn caller_of(attempt: &FinalAttempt, until_ms: u64, person: usize, history: &History) -> Option<usize> {
    let errands = history.errands.iter();
    let of_it = errands
        .filter(|it| it.provider == attempt.provider && it.person == person)
        .filter(|it| (attempt.began_ms..=until_ms).contains(&it.at_ms));
    of_it.min_by_key(|it| it.at_ms).map(|it| it.replica)
}
