//! Logs, traces and the registry of metrics: set up once at start, flushed at the stop.
//!
//! Logs go to standard error, for people or as JSON. Traces go out by OTLP when an endpoint is set. A panic is logged by its
//! place, and by its words only where those are literal: the words of a formatted one may hold a person's data. This module
//! does not know what is logged, traced or counted, nor how a trace comes in or goes out: the edge and the engine pass it on.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::IsTerminal,
    panic::{self, PanicHookInfo},
    time::Duration,
};

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use prometheus_client::{metrics::info::Info, registry::Registry};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};
use url::Url;
use uuid::Uuid;

/// How long the last traces may take on their way out; the process is waiting for nothing else.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// Settings of logs and traces.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub log_format: LogFormat,
    pub log_filter: String,
    /// `None` = no traces.
    pub otlp_endpoint: Option<Url>,
    pub service_name: String,
    /// Share of the traces begun here that are kept, 0 to 1.
    pub sample_ratio: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people on a terminal, else JSON.
    Auto,
    Human,
    Json,
}

/// Keeps telemetry going; stop it last.
pub(crate) struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    #[error("log.filter cannot be used")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    #[error("traces cannot be sent to telemetry.otlp_endpoint")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
}

/// Sets everything up, for the whole process. Whoever asks second keeps what the first one set up. Needs a runtime when traces
/// are sent.
pub(crate) fn start(options: &Options) -> Result<Telemetry, TelemetryError> {
    let filter = EnvFilter::builder()
        .parse(&options.log_filter)
        .map_err(TelemetryError::Filter)?;
    let traces = options
        .otlp_endpoint
        .as_ref()
        .map(|endpoint| trace_provider(endpoint, options))
        .transpose()?;
    let spans = traces.as_ref().map(|provider| {
        // Which worker thread it was, and how long it sat there, is the same noise on every span.
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("semanas"))
            .with_threads(false)
            .with_tracked_inactivity(false)
    });
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let on_terminal = std::io::stderr().is_terminal();
    let is_json = match options.log_format {
        LogFormat::Json => true,
        LogFormat::Auto => !on_terminal,
        LogFormat::Human => false,
    };
    let log = if is_json {
        // `spans` ends with the current one: `span` would say it again on every line.
        log.json().flatten_event(true).with_current_span(false).boxed()
    } else {
        log.with_ansi(on_terminal).boxed()
    };
    let subscriber = tracing_subscriber::registry().with(filter).with(log).with(spans);
    if subscriber.try_init().is_ok() {
        panic::set_hook(Box::new(log_panic));
    }
    Ok(Telemetry { traces })
}

impl Telemetry {
    /// Sends what has not been sent yet, within a few seconds.
    pub(crate) async fn stop(self) {
        let Some(traces) = self.traces else { return };
        let flushed = tokio::task::spawn_blocking(move || traces.shutdown_with_timeout(FLUSH_LIMIT)).await;
        match flushed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
            Err(error) => tracing::warn!(%error, "sending the last traces was broken off"),
        }
    }
}

/// A registry with what tells one build from another, as `semanas_build_info`.
pub(crate) fn metrics_registry() -> Registry {
    let mut registry = Registry::with_prefix("semanas");
    let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "Version of this replica", build);
    registry
}

fn trace_provider(endpoint: &Url, options: &Options) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint.as_str());
    let exporter = match endpoint.scheme() {
        "https" => exporter.with_tls_config(ClientTlsConfig::new().with_native_roots()),
        _ => exporter,
    };
    let resource = Resource::builder()
        .with_service_name(options.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        // Unique per start: a host name outlives the process that it names.
        .with_attribute(KeyValue::new("service.instance.id", Uuid::new_v4().to_string()))
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(options.sample_ratio)));
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter.build().map_err(TelemetryError::Exporter)?)
        .with_resource(resource)
        .with_sampler(sampler)
        .build())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let words = panic
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("formatted message withheld");
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let backtrace = Backtrace::capture();
    match backtrace.status() {
        BacktraceStatus::Captured => tracing::error!(place, thread, %backtrace, "panic: {words}"),
        _ => tracing::error!(place, thread, "panic: {words}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_tells_the_version() {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &metrics_registry()).unwrap();
        assert!(
            text.contains(&format!(
                "semanas_build_info{{version=\"{}\"}} 1",
                env!("CARGO_PKG_VERSION")
            )),
            "{text}"
        );
    }

    fn options(endpoint: &str) -> Options {
        Options {
            log_format: LogFormat::Auto,
            log_filter: "info".to_owned(),
            otlp_endpoint: Some(Url::parse(endpoint).unwrap()),
            service_name: "semanas-under-test".to_owned(),
            sample_ratio: 1.0,
        }
    }

    /// Makes a span that is exported to the endpoint, and stops.
    async fn export_a_span(endpoint: &str) {
        let options = options(endpoint);
        let traces = trace_provider(options.otlp_endpoint.as_ref().unwrap(), &options).unwrap();
        let layer = tracing_opentelemetry::layer().with_tracer(traces.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || tracing::info_span!("a span to export").in_scope(|| ()));
        let telemetry = Telemetry { traces: Some(traces) };
        tokio::time::timeout(FLUSH_LIMIT * 2, telemetry.stop()).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn spans_reach_the_collector_before_the_process_ends() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (received_tx, mut received) = tokio::sync::mpsc::channel::<bytes::Bytes>(8);
        let collector = axum::Router::new().fallback(async move |body: bytes::Bytes| {
            received_tx.try_send(body).unwrap();
            [("content-type", "application/grpc"), ("grpc-status", "0")]
        });
        let serving = tokio::spawn(async move { axum::serve(listener, collector).await });
        export_a_span(&endpoint).await;
        let body = received.try_recv().expect("it was sent before the stop was over");
        for text in [
            "a span to export",
            "semanas-under-test",
            "service.instance.id",
            env!("CARGO_PKG_VERSION"),
        ] {
            assert!(
                body.windows(text.len()).any(|window| window == text.as_bytes()),
                "{text}"
            );
        }
        serving.abort();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_collector_that_is_not_there_does_not_hold_up_the_stop() {
        export_a_span("http://127.0.0.1:9").await;
    }
}
