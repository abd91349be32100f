//! Gates before providers, shared by all replicas. The rules are `domain::gate`'s; the scripts repeat them in microseconds.

use std::time::Duration;

use serde::Serialize;

use super::{
    RedisStore, micros, micros_of,
    scripts::{self, Call, Script},
};
use crate::{
    domain::{
        gate::{self, Breaker, Called, Denial, Entrant, GateLimits, GateReport, GateStatus, Passage},
        ids::IntentId,
        provider_id::ProviderId,
    },
    store::StoreError,
};

/// Redis forgets all turns so long after one was last given: by then nobody is expected any more.
const TURNS_KEPT: Duration = Duration::from_secs(120);

/// `GateLimits` and the domain's own numbers as the scripts read them.
#[derive(Serialize)]
struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_interval_us: Option<u64>,
    rate_burst: u32,
    in_flight_max: u32,
    breaker_failures: u32,
    breaker_open_us: u64,
    early_us: u64,
    early_max_us: u64,
    round_us: u64,
    wait_min_us: u64,
    wait_max_us: u64,
    call_lost_first_us: u64,
    call_lost_step_us: u64,
    calls_max: usize,
    absence_us: u64,
    turns_max: usize,
    turns_kept_us: u64,
}

impl RedisStore {
    pub(super) async fn enter(
        &self,
        provider: ProviderId,
        entrant: &Entrant,
        limits: &GateLimits,
        hold: Duration,
    ) -> Result<Passage, StoreError> {
        let waiter = &entrant.waiter;
        let call = self
            .gate_call("enter a gate", &scripts::GATE_ENTER, provider)
            .arg(entrant.intent.as_str())
            .arg(super::plan(&Limits::from(limits)))
            .number(micros(hold))
            .arg(waiter.job.as_str())
            .arg(
                waiter
                    .since
                    .map(micros_of)
                    .map_or_else(String::new, |since| since.to_string()),
            )
            .arg(micros_of(waiter.until).to_string());
        let (word, mut reply) = self.link.run(call).await?;
        match word.as_str() {
            "GRANTED" => Ok(Passage::Granted {
                start_in: reply.duration_us()?,
            }),
            "DENIED" => {
                let why = match reply.text()?.as_str() {
                    "rate" => Denial::Rate,
                    "in_flight" => Denial::InFlight,
                    "breaker" => Denial::Breaker,
                    _ => return Err(reply.misshapen()),
                };
                Ok(Passage::Denied {
                    why,
                    retry_after: reply.duration_us()?,
                })
            }
            _ => Err(reply.misshapen()),
        }
    }

    pub(super) async fn leave(
        &self,
        provider: ProviderId,
        intent: &IntentId,
        limits: &GateLimits,
        report: GateReport,
    ) -> Result<Vec<Called>, StoreError> {
        let report = match report {
            GateReport::Good => "good",
            GateReport::Bad => "bad",
            GateReport::CredentialsRefused => "credentials_refused",
            GateReport::ContractChanged => "contract_changed",
            GateReport::Unused => "unused",
        };
        let call = self
            .gate_call("leave a gate", &scripts::GATE_LEAVE, provider)
            .arg(intent.as_str())
            .arg(super::plan(&Limits::from(limits)))
            .arg(report);
        let (_, mut reply) = self.link.run(call).await?;
        let mut called = Vec::new();
        while !reply.is_over() {
            called.push(Called {
                job: reply.job_id()?,
                within: reply.duration_us()?,
            });
        }
        Ok(called)
    }

    pub(super) async fn status_of_gate(&self, provider: ProviderId) -> Result<GateStatus, StoreError> {
        let (_, mut reply) = self
            .link
            .run(self.gate_call("read a gate", &scripts::GATE_STATUS, provider))
            .await?;
        let now = reply.timestamp_us()?;
        let open_until = reply.timestamp_us_or_none()?;
        let breaker = match open_until {
            None => Breaker::Closed,
            Some(until) if until > now => Breaker::Open { until },
            Some(_) => Breaker::HalfOpen,
        };
        Ok(GateStatus {
            breaker,
            consecutive_failures: reply.number_or_none()?.unwrap_or(0),
            in_flight: reply.number()?,
            credentials_refused: reply.bytes_or_none()?.is_some(),
            contract_changed: reply.bytes_or_none()?.is_some(),
        })
    }

    fn gate_call(&self, doing: &'static str, script: &'static Script, provider: ProviderId) -> Call {
        let slot = self.keys.gate_slot(provider);
        Call::new(doing, script)
            .key(slot.epoch())
            .key(slot.gate())
            .key(slot.places())
            .key(slot.called())
            .key(slot.waiting())
            .key(slot.expected())
            .arg(self.epoch())
    }
}

impl From<&GateLimits> for Limits {
    fn from(limits: &GateLimits) -> Limits {
        // Rounded up, so that rounding never lets one call more through.
        let interval = (limits.rate_max > 0).then(|| {
            limits
                .rate_window
                .as_nanos()
                .div_ceil(u128::from(limits.rate_max) * 1000)
        });
        Limits {
            rate_interval_us: interval.map(|interval| u64::try_from(interval).unwrap_or(u64::MAX)),
            rate_burst: limits.rate_burst,
            in_flight_max: limits.in_flight_max,
            breaker_failures: limits.breaker_failures,
            breaker_open_us: micros(limits.breaker_open),
            early_us: micros(gate::EARLY),
            early_max_us: micros(gate::EARLY_MAX),
            round_us: micros(gate::ROUND),
            wait_min_us: micros(gate::WAIT_MIN),
            wait_max_us: micros(gate::WAIT_MAX),
            call_lost_first_us: micros(gate::CALL_LOST_FIRST),
            call_lost_step_us: micros(gate::CALL_LOST_STEP),
            calls_max: gate::CALLS_MAX,
            absence_us: micros(gate::ABSENCE),
            turns_max: gate::TURNS_MAX,
            turns_kept_us: micros(TURNS_KEPT),
        }
    }
}
