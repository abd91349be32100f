//! A caller's trace goes on in the calls that are made for it.

use semanas_client::Provider as Route;
use semanas_client::raw::v1::{LookupNssRequest, SubmitWorkHistoryRequest};
use semanas_sandbox::Provider;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tonic::metadata::MetadataValue;

use crate::harness::*;

const TRACE_PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn traced<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request
        .metadata_mut()
        .insert("traceparent", MetadataValue::from_static(TRACE_PARENT));
    request
}

/// Whether the provider's last call carried a trace context, by the sandbox's control API.
async fn was_traced(sandbox: &Sandbox, provider: Provider) -> bool {
    let report: Value = reqwest::get(format!("{}/requests", sandbox.control_url()))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    report["providers"][provider.name()]["last_headers"]["has_traceparent"]
        .as_bool()
        .unwrap()
}

#[tokio::test]
async fn a_callers_trace_context_reaches_each_provider() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let person = fresh_person();
    let lookup = LookupNssRequest {
        curp: person.curp.clone(),
        ..LookupNssRequest::default()
    };
    server.stub().lookup_nss(traced(lookup)).await.unwrap();
    assert!(was_traced(&sandbox, Provider::Nubarium).await);

    for (route, provider) in [
        (Route::Kiban, Provider::Kiban),
        (Route::TuIdentidad, Provider::TuIdentidad),
    ] {
        let request = SubmitWorkHistoryRequest {
            provider: route.into(),
            ..submit_request(person.with_names())
        };
        server
            .stub()
            .submit_work_history(traced(request.clone()))
            .await
            .unwrap();
        to_the_end(&server.client(), request).await;
        assert!(was_traced(&sandbox, provider).await, "{route:?}");
    }
}

#[tokio::test]
async fn what_is_no_trace_context_is_not_passed_on() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let mut request = tonic::Request::new(LookupNssRequest {
        curp: fresh_person().curp,
        ..LookupNssRequest::default()
    });
    request
        .metadata_mut()
        .insert("traceparent", MetadataValue::from_static("anything at all"));
    server.stub().lookup_nss(request).await.unwrap();
    assert!(!was_traced(&sandbox, Provider::Nubarium).await);
}

#[tokio::test]
async fn the_trace_is_the_callers_own() {
    let (sandbox, provider) = (sandbox().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
    let base_url = format!("http://{}", provider.local_addr().unwrap());
    let server = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("PROVIDERS__NUBARIUM__BASE_URL", &base_url)
        .start()
        .await;
    let mut stub = server.stub();
    let lookup = LookupNssRequest {
        curp: fresh_person().curp,
        ..LookupNssRequest::default()
    };
    let calling = tokio::spawn(async move { stub.lookup_nss(traced(lookup)).await });
    let (mut connection, _) = within("the call", PATIENCE, provider.accept()).await.unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        connection.read_buf(&mut head).await.unwrap();
    }
    drop(connection);
    let head = String::from_utf8_lossy(&head).into_owned();
    let trace_parent = head
        .lines()
        .find_map(|line| line.strip_prefix("traceparent: "))
        .unwrap_or_else(|| panic!("no traceparent in:\n{head}"));
    let trace_id = TRACE_PARENT.split('-').nth(1);
    assert_eq!(trace_parent.split('-').nth(1), trace_id);
    assert!(calling.await.unwrap().is_err(), "nobody answered");
}
