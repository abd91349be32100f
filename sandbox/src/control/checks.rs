//! Refuses settings that could not do what they say, with a sentence that says what is accepted.

use serde::Deserialize;

use crate::faults::{Fault, FaultRule};
use crate::identity::{CurpShape, examine_curp};
use crate::options::Latency;
use crate::scenario::{KibanScenario, MsRange, Quota, Settings, TuIdentidadScenario};
use crate::tuidentidad;

/// For whom settings are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Person,
    Provider,
    Everybody,
}

/// The body of `PUT /defaults`.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub(super) struct Defaults {
    pub(super) latency: Option<Latency>,
    pub(super) latency_scale: Option<f64>,
    pub(super) settings: Option<Settings>,
}

/// A day: longer latencies are typing errors.
const LATENCY_MS_MAX: u64 = 86_400_000;
const LATENCY_SCALE_MAX: f64 = 1_000.0;
const SUBMIT_STATUSES: [u16; 8] = [400, 401, 403, 406, 408, 409, 500, 503];

impl Defaults {
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(scale) = self.latency_scale
            && !(0.0..=LATENCY_SCALE_MAX).contains(&scale)
        {
            return Err(format!(
                "latency_scale must be from 0 to {LATENCY_SCALE_MAX}, not {scale}"
            ));
        }
        if let Some(latency) = self.latency {
            let ranges = [
                latency.kiban_answer,
                latency.kiban_document,
                latency.tuidentidad_answer,
                latency.tuidentidad_ticket,
                latency.nubarium_answer,
            ];
            ranges.into_iter().try_for_each(check_range)?;
        }
        self.settings
            .as_ref()
            .map_or(Ok(()), |settings| check(settings, Target::Everybody))
    }
}

pub(crate) fn check(settings: &Settings, target: Target) -> Result<(), String> {
    settings.faults.iter().try_for_each(|rule| check_rule(rule, target))?;
    settings.latency.map_or(Ok(()), check_range)?;
    check_quota(settings.quota, target)?;
    check_kiban(&settings.kiban)?;
    check_tuidentidad(&settings.tuidentidad)
}

pub(super) fn check_curp(curp: &str) -> Result<(), String> {
    match examine_curp(curp) {
        CurpShape::Valid | CurpShape::WrongDigit => Ok(()),
        CurpShape::Malformed => {
            Err("the path must name a CURP: 18 characters, upper case, with a real date".to_owned())
        }
    }
}

fn check_rule(rule: &FaultRule, target: Target) -> Result<(), String> {
    let is_whole_provider = target == Target::Provider;
    if rule.fault.is_about_the_connection() && !is_whole_provider {
        return Err("refuse and reset_on_connect happen before a request is read: set them for a provider".to_owned());
    }
    let has_filters = rule.on.is_some() || rule.after > 0 || rule.times.is_some() || rule.probability.is_some();
    if rule.fault == Fault::Refuse && has_filters {
        return Err(
            "refuse closes the port and cannot count calls: leave out on, after, times, probability".to_owned(),
        );
    }
    if is_whole_provider && rule.provider.is_some() {
        return Err("leave out `provider`: the path names it".to_owned());
    }
    if rule
        .probability
        .is_some_and(|probability| !(0.0..=1.0).contains(&probability))
    {
        return Err("probability must be from 0 to 1".to_owned());
    }
    check_fault(&rule.fault)
}

fn check_fault(fault: &Fault) -> Result<(), String> {
    match fault {
        Fault::ServerError { status, .. } => check_status(*status, 500..=599),
        Fault::Redirect { status, .. } => check_status(*status, 300..=399),
        Fault::CredentialsRefused { status } if ![401, 403].contains(status) => {
            Err(format!("status must be 401 or 403, not {status}"))
        }
        Fault::Html { status, .. } | Fault::EmptyBody { status, .. } => check_status(*status, 200..=599),
        Fault::SlowBody { chunk_bytes: 0, .. } => Err("chunk_bytes must be at least 1".to_owned()),
        Fault::Delay { ms, .. } | Fault::SlowBody { pause_ms: ms, .. } => check_range(MsRange::fixed(*ms)),
        Fault::Refuse
        | Fault::ResetOnConnect
        | Fault::Reset { .. }
        | Fault::Close { .. }
        | Fault::Hang { .. }
        | Fault::TooManyRequests { .. }
        | Fault::CredentialsRefused { .. }
        | Fault::BrokenJson { .. }
        | Fault::TruncatedBody { .. }
        | Fault::HugeBody { .. }
        | Fault::EndlessBody { .. }
        | Fault::HangBody { .. }
        | Fault::ContentType { .. } => Ok(()),
    }
}

fn check_status(status: u16, accepted: std::ops::RangeInclusive<u16>) -> Result<(), String> {
    if accepted.contains(&status) {
        return Ok(());
    }
    Err(format!(
        "status must be from {} to {}, not {status}",
        accepted.start(),
        accepted.end()
    ))
}

fn check_range(range: MsRange) -> Result<(), String> {
    if range.min_ms <= range.max_ms && range.max_ms <= LATENCY_MS_MAX {
        return Ok(());
    }
    Err(format!("milliseconds must have min_ms <= max_ms <= {LATENCY_MS_MAX}"))
}

fn check_quota(quota: Option<Quota>, target: Target) -> Result<(), String> {
    match quota {
        None => Ok(()),
        Some(_) if target != Target::Provider => Err("quota belongs to a provider".to_owned()),
        Some(quota) if quota.requests_per_second > 0.0 && quota.requests_per_second.is_finite() && quota.burst > 0 => {
            Ok(())
        }
        Some(_) => Err("quota needs requests_per_second above 0 and burst of at least 1".to_owned()),
    }
}

fn check_kiban(scenario: &KibanScenario) -> Result<(), String> {
    match scenario.submit_status {
        Some(status) if !SUBMIT_STATUSES.contains(&status) => Err(format!(
            "kiban.submit_status must be one of {SUBMIT_STATUSES:?}, not {status}"
        )),
        Some(_) | None => Ok(()),
    }
}

fn check_tuidentidad(scenario: &TuIdentidadScenario) -> Result<(), String> {
    if let Some(code) = &scenario.code
        && !tuidentidad::is_known_code(code)
    {
        return Err("tuidentidad.code must be one of WH001 to WH020".to_owned());
    }
    match scenario.code_status {
        Some(status) if ![200, 400, 401, 500].contains(&status) => Err(format!(
            "tuidentidad.code_status must be 200, 400, 401 or 500, not {status}"
        )),
        Some(_) | None => Ok(()),
    }
}
