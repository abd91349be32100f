//! Counts what reached the providers' ports: calls per endpoint, quota violations, names of the headers seen last.
//!
//! Header values are not kept: they hold keys. Whether a trace context came along is kept as a yes or no.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use serde::Serialize;

use crate::Provider;

/// What the sandbox has seen since it was started or reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TrafficReport {
    pub providers: BTreeMap<Provider, ProviderTraffic>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProviderTraffic {
    /// TCP connections accepted.
    pub connections: u64,
    /// Calls per endpoint.
    pub endpoints: BTreeMap<&'static str, u64>,
    /// Calls that came faster than the provider's quota.
    pub quota_violations: u64,
    /// Calls under way now, and the most there were at once.
    pub in_flight: u64,
    pub in_flight_max: u64,
    pub last_headers: LastHeaders,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LastHeaders {
    /// Names only, sorted.
    pub names: Vec<String>,
    pub has_traceparent: bool,
}

#[derive(Default)]
pub(crate) struct Traffic {
    report: Mutex<TrafficReport>,
}

impl Traffic {
    pub(crate) fn connection(&self, provider: Provider) {
        self.of(provider, |traffic| traffic.connections += 1);
    }

    pub(crate) fn violation(&self, provider: Provider) {
        self.of(provider, |traffic| traffic.quota_violations += 1);
    }

    pub(crate) fn endpoint(&self, provider: Provider, endpoint: &'static str) {
        self.of(provider, |traffic| *traffic.endpoints.entry(endpoint).or_default() += 1);
    }

    /// Notes a call's headers and counts it as under way until the guard is dropped.
    pub(crate) fn begin(&self, provider: Provider, headers: &HeaderMap) -> InFlight<'_> {
        let mut names: Vec<String> = headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        let last_headers = LastHeaders {
            names,
            has_traceparent: headers.contains_key("traceparent"),
        };
        self.of(provider, |traffic| {
            traffic.last_headers = last_headers;
            traffic.in_flight += 1;
            traffic.in_flight_max = traffic.in_flight_max.max(traffic.in_flight);
        });
        InFlight {
            traffic: self,
            provider,
        }
    }

    pub(crate) fn report(&self) -> TrafficReport {
        let mut report = self.lock().clone();
        for provider in Provider::ALL {
            report.providers.entry(provider).or_default();
        }
        report
    }

    pub(crate) fn clear(&self) {
        *self.lock() = TrafficReport::default();
    }

    fn of(&self, provider: Provider, change: impl FnOnce(&mut ProviderTraffic)) {
        change(self.lock().providers.entry(provider).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, TrafficReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct InFlight<'a> {
    traffic: &'a Traffic,
    provider: Provider,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        // A reset may have set the counter back while this call was under way.
        self.traffic.of(self.provider, |traffic| {
            traffic.in_flight = traffic.in_flight.saturating_sub(1)
        });
    }
}
