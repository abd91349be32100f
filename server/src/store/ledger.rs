//! What a transition writes into the ledger: rows and the state of billing units.
//!
//! Pure, for both stores. The times in a row are the transition's own, so that all replicas and both stores write the same.
//! It does not know how rows are found or how the charges of a person's day are counted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::IntentId,
        job::{Intent, Job, LedgerChange},
        outcome::Charge,
    },
    store::ChargeRow,
};

/// The newest charge of a billing unit (tenant, person, provider, step and sandbox case) that is not known to be free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unit {
    pub intent: IntentId,
    pub charge: Charge,
    /// When it was opened or, later, settled.
    pub at: Timestamp,
}

/// Whether an intent may take a unit; if not, the charge that stands in the way.
///
/// Leave to pay again is leave to do so once: what the same job has spent it on, and a failover made it forget, blocks as ever.
pub(crate) fn unit_blocks(
    unit: Option<&Unit>,
    fresh_after: Timestamp,
    repeat_allowed: bool,
    is_own: impl FnOnce(&IntentId) -> bool,
) -> Option<Charge> {
    let unit = unit?;
    let blocks = match unit.charge {
        Charge::Open => true,
        Charge::Unknown => !repeat_allowed || is_own(&unit.intent),
        Charge::Yes => unit.at > fresh_after,
        Charge::No => false,
    };
    blocks.then_some(unit.charge)
}

/// The row of an intent that was just recorded.
pub(crate) fn opened(job: &Job, intent: &Intent) -> ChargeRow {
    ChargeRow {
        id: intent.id.clone(),
        job: job.id.clone(),
        tenant: job.tenant.clone(),
        provider: intent.provider,
        step: intent.step,
        charge: Charge::Open,
        class: None,
        reference: None,
        provider_code: None,
        opened_at: attempt_of(job, &intent.id).map_or(job.updated_at, |attempt| attempt.started_at),
        settled_at: None,
        late: false,
        note: None,
    }
}

/// Writes what `change` says about this row. Only the reference is noted while the charge stays open, and "unknown" never
/// takes back what is known.
pub(crate) fn settle(row: &mut ChargeRow, job: &Job, change: &LedgerChange) {
    match change {
        LedgerChange::Open { .. } => {}
        LedgerChange::Settle {
            charge,
            class,
            reference,
            provider_code,
            late,
            ..
        } => {
            let known = matches!(row.charge, Charge::Yes | Charge::No);
            if known && matches!(charge, Charge::Open | Charge::Unknown) {
                return;
            }
            if reference.is_some() {
                row.reference.clone_from(reference);
            }
            if *charge == Charge::Open {
                return;
            }
            row.charge = *charge;
            row.class = Some(*class);
            row.late = *late;
            row.settled_at = Some(
                attempt_of(job, &row.id)
                    .and_then(|attempt| attempt.ended_at)
                    .unwrap_or(job.updated_at),
            );
            if provider_code.is_some() {
                row.provider_code.clone_from(provider_code);
            }
        }
        LedgerChange::Resolve { charge, note } => {
            if row.charge == Charge::Unknown {
                row.charge = *charge;
                row.settled_at = Some(
                    job.settlement
                        .as_ref()
                        .map_or(job.updated_at, |settlement| settlement.at),
                );
                row.note = Some(note.clone());
            }
        }
    }
}

/// What becomes of the unit that names the row's intent, after the row was written; `None` = it is free.
///
/// An operator's word frees it in any case: also when the charge was made, nobody holds what it paid for.
pub(crate) fn unit_after(unit: Unit, row: &ChargeRow, job: &Job, change: &LedgerChange) -> Option<Unit> {
    let freed = match change {
        LedgerChange::Open { .. } => false,
        LedgerChange::Settle { .. } => row.charge == Charge::No,
        LedgerChange::Resolve { .. } => row.note.is_some() || job.is_lost(&row.id),
    };
    let at = row.settled_at.unwrap_or(unit.at);
    (!freed).then_some(Unit {
        charge: row.charge,
        at,
        ..unit
    })
}

fn attempt_of<'a>(job: &'a Job, intent: &IntentId) -> Option<&'a crate::domain::job::Attempt> {
    job.attempts.iter().find(|attempt| attempt.id == *intent)
}
