//! What is counted of the gRPC edge, and how it is exposed.
//!
//! Decides names and labels. A label holds a method of the contract or a gRPC code, nothing of a request; so the number of
//! series is bounded by the contract.

use std::{sync::Arc, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// The metric families; clones share them.
#[derive(Clone)]
pub(crate) struct Metrics {
    ended: Family<EndLabels, Counter>,
    open: Family<MethodLabels, Gauge>,
    response_seconds: Family<MethodLabels, Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    method: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    method: Arc<str>,
    code: &'static str,
}

impl Metrics {
    /// Makes the families and registers them; the registry's prefix goes before their names.
    pub(crate) fn register(registry: &mut Registry) -> Metrics {
        let metrics = Metrics {
            ended: Family::default(),
            open: Family::default(),
            response_seconds: Family::new_with_constructor(new_histogram),
        };
        registry.register(
            "grpc_calls",
            "gRPC calls that ended, by method and code",
            metrics.ended.clone(),
        );
        registry.register(
            "grpc_calls_open",
            "gRPC calls under way, streams among them",
            metrics.open.clone(),
        );
        registry.register_with_unit(
            "grpc_response",
            "Time until the response began; for a call that is not a stream, until it ended",
            Unit::Seconds,
            metrics.response_seconds.clone(),
        );
        metrics
    }

    pub(super) fn begin(&self, method: &Arc<str>) {
        self.open
            .get_or_create(&MethodLabels {
                method: Arc::clone(method),
            })
            .inc();
    }

    pub(super) fn responded(&self, method: &Arc<str>, after: Duration) {
        self.response_seconds
            .get_or_create(&MethodLabels {
                method: Arc::clone(method),
            })
            .observe(after.as_secs_f64());
    }

    pub(super) fn end(&self, method: &Arc<str>, code: &'static str) {
        self.open
            .get_or_create(&MethodLabels {
                method: Arc::clone(method),
            })
            .dec();
        self.ended
            .get_or_create(&EndLabels {
                method: Arc::clone(method),
                code,
            })
            .inc();
    }
}

/// From a millisecond, an answer from memory, to half a minute, a lookup that was waited for.
fn new_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}
