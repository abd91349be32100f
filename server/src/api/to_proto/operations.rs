//! Writes the ledger and the state of the providers.

use semanas_proto::v1;

use super::{charge, count, instant, outcome_class, provider, step};
use crate::{
    domain::gate::Breaker,
    engine::{ChargePage, ChargeRow, ProviderStatus},
};

pub(in crate::api) fn charges(page: ChargePage, next_page_token: String) -> v1::ListChargesResponse {
    v1::ListChargesResponse {
        charges: page.rows.into_iter().map(row).collect(),
        next_page_token,
    }
}

pub(in crate::api) fn provider_status(providers: Vec<ProviderStatus>) -> v1::GetProviderStatusResponse {
    v1::GetProviderStatusResponse {
        providers: providers.into_iter().map(status).collect(),
    }
}

fn row(row: ChargeRow) -> v1::Charge {
    v1::Charge {
        charge_id: row.id.to_string(),
        job_id: row.job.to_string(),
        provider: provider(row.provider).into(),
        step: step(row.step).into(),
        state: charge(row.charge).into(),
        outcome_class: outcome_class(row.class),
        provider_reference: row.reference.unwrap_or_default(),
        open_time: Some(instant(row.opened_at)),
        settle_time: row.settled_at.map(instant),
        late: row.late,
        provider_code: row.provider_code.unwrap_or_default(),
        note: row.note.unwrap_or_default(),
    }
}

fn status(status: ProviderStatus) -> v1::ProviderStatus {
    let gate = status.gate;
    let (breaker_state, retry_time) = match gate.breaker {
        Breaker::Closed => (v1::BreakerState::Closed, None),
        Breaker::Open { until } => (v1::BreakerState::Open, Some(instant(until))),
        Breaker::HalfOpen => (v1::BreakerState::HalfOpen, None),
    };
    v1::ProviderStatus {
        provider: provider(status.provider).into(),
        configured: status.configured,
        breaker_state: breaker_state.into(),
        retry_time,
        consecutive_failures: count(gate.consecutive_failures),
        in_flight: count(gate.in_flight),
        in_flight_max: count(status.in_flight_max),
        credentials_refused: gate.credentials_refused,
        contract_changed: gate.contract_changed,
    }
}
