//! The edge over a real socket with a real client, and canned services in the engine's place.
#![allow(clippy::unwrap_used)]

mod health;

use std::{net::Ipv4Addr, sync::Arc};

use http::{Request as HttpRequest, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Full};
use prometheus_client::{encoding::text::encode, registry::Registry};
use semanas_proto::v1::{
    self, operations_service_client::OperationsServiceClient, operations_service_server::OperationsService,
};
use tokio::{sync::Notify, task::JoinHandle, time::timeout};
use tonic::{Code, Request, Response, Status, body::Body, transport::Channel};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use super::*;

/// Far longer than any step takes; a test that reaches it has failed.
const DEADLINE: Duration = Duration::from_secs(20);

const OPTIONS: Options = Options {
    request_bytes_max: 1024,
    lookup_wait_max: Duration::from_secs(30),
    slow_reader_limit: Duration::from_secs(30),
    streams_per_connection_max: 10_000,
    keepalive_interval: Duration::from_secs(30),
    keepalive_time_limit: Duration::from_secs(10),
    connection_age: Duration::from_secs(600),
    drain_limit: DEADLINE,
};

/// Answers, or fails without details as only tonic itself does.
struct Canned {
    /// Told when a call that never ends has begun.
    stuck: Arc<Notify>,
}

#[tonic::async_trait]
impl OperationsService for Canned {
    async fn list_charges(
        &self,
        _: Request<v1::ListChargesRequest>,
    ) -> Result<Response<v1::ListChargesResponse>, Status> {
        Ok(Response::new(v1::ListChargesResponse::default()))
    }

    async fn get_provider_status(
        &self,
        _: Request<v1::GetProviderStatusRequest>,
    ) -> Result<Response<v1::GetProviderStatusResponse>, Status> {
        Err(Status::unknown("secret"))
    }

    async fn resolve_work_history(
        &self,
        _: Request<v1::ResolveWorkHistoryRequest>,
    ) -> Result<Response<v1::ResolveWorkHistoryResponse>, Status> {
        self.stuck.notify_one();
        std::future::pending().await
    }
}

struct TestServer {
    channel: Channel,
    ready: watch::Sender<bool>,
    stop: CancellationToken,
    stuck: Arc<Notify>,
    registry: Registry,
    task: JoinHandle<Result<(), ServeError>>,
}

async fn start(options: Options) -> TestServer {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ready, ready_seen) = watch::channel(false);
    let stop = CancellationToken::new();
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let stuck = Arc::new(Notify::new());
    let canned = Canned {
        stuck: Arc::clone(&stuck),
    };
    let mut routes = RoutesBuilder::default();
    routes.add_service(OperationsServiceServer::new(canned).max_decoding_message_size(options.request_bytes_max));
    add_standard_services(&mut routes, options, ready_seen, &stop);
    let task = tokio::spawn(serve_routes(
        listener,
        routes.routes(),
        options,
        metrics,
        WebOrigins::Every,
        stop.clone(),
    ));
    let channel = Channel::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    TestServer {
        channel,
        ready,
        stop,
        stuck,
        registry,
        task,
    }
}

#[track_caller]
fn check_error(status: &Status, code: Code, reason: &str) {
    let details = status.get_error_details();
    let info = details.error_info().expect("each error has an ErrorInfo");
    assert_eq!(
        (status.code(), info.domain.as_str(), info.reason.as_str()),
        (code, "semanas", reason)
    );
}

/// Sends any bytes as a message to any path, as a client of another version or a broken one does.
async fn send_raw(channel: &Channel, path: &'static str, encoding: Option<&str>, message: &[u8]) -> Status {
    let mut frame = vec![u8::from(encoding.is_some())];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    let path = PathAndQuery::from_static(path);
    let mut request = HttpRequest::post(path.as_str()).header("content-type", "application/grpc");
    if let Some(encoding) = encoding {
        request = request.header("grpc-encoding", encoding);
    }
    let body = Body::new(Full::new(bytes::Bytes::from(frame)).map_err(|never| match never {}));
    let response = channel.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned();
    Status::from_header_map(&parts.headers)
        .or_else(|| Status::from_header_map(&trailers?))
        .unwrap()
}

const LIST_CHARGES: &str = "/semanas.v1.OperationsService/ListCharges";

#[tokio::test]
async fn a_status_that_tonic_made_has_details_too() {
    let server = start(OPTIONS).await;
    let unknown_service = send_raw(&server.channel, "/semanas.v9.Nothing/Here", None, b"").await;
    check_error(&unknown_service, Code::Unimplemented, "METHOD_UNKNOWN");
    let unknown_method = send_raw(&server.channel, "/semanas.v1.OperationsService/Nothing", None, b"").await;
    check_error(&unknown_method, Code::Unimplemented, "METHOD_UNKNOWN");
    let no_protobuf = send_raw(&server.channel, LIST_CHARGES, None, &[0xff; 8]).await;
    check_error(&no_protobuf, Code::InvalidArgument, "INVALID_REQUEST");
    let compressed = send_raw(&server.channel, LIST_CHARGES, Some("gzip"), b"").await;
    check_error(&compressed, Code::Unimplemented, "INVALID_REQUEST");
    let mut client = OperationsServiceClient::new(server.channel.clone());
    let large = v1::ListChargesRequest {
        page_token: "x".repeat(2000),
        ..Default::default()
    };
    let too_large = client.list_charges(large).await.unwrap_err();
    check_error(&too_large, Code::ResourceExhausted, "REQUEST_TOO_LARGE");
    assert!(too_large.get_error_details().retry_info().is_some());
    let bare = client
        .get_provider_status(v1::GetProviderStatusRequest {})
        .await
        .unwrap_err();
    check_error(&bare, Code::Unknown, "INTERNAL");
    assert!(!bare.message().contains("secret"));
    client.list_charges(v1::ListChargesRequest::default()).await.unwrap();
}

#[tokio::test]
async fn an_error_in_the_trailers_of_a_stream_has_details_too() {
    let server = start(OPTIONS).await;
    let mut client = ServerReflectionClient::new(server.channel.clone());
    let wish = MessageRequest::FileContainingSymbol("no.such.Symbol".to_owned());
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(wish),
    };
    let answer = client
        .server_reflection_info(futures::stream::iter([request]))
        .await
        .unwrap()
        .into_inner()
        .message()
        .await;
    check_error(&answer.unwrap_err(), Code::NotFound, "INVALID_REQUEST");
}

#[tokio::test]
async fn reflection_lists_every_service() {
    let server = start(OPTIONS).await;
    let mut client = ServerReflectionClient::new(server.channel.clone());
    let wish = Some(MessageRequest::ListServices(String::new()));
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: wish,
    };
    let mut answers = client
        .server_reflection_info(futures::stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) = answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list");
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    let expected = [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "semanas.v1.OperationsService",
        "semanas.v1.WorkHistoryService",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_call_that_never_ends_holds_up_a_stop_only_for_the_drain_limit() {
    let server = start(Options {
        drain_limit: Duration::from_millis(50),
        ..OPTIONS
    })
    .await;
    let mut client = OperationsServiceClient::new(server.channel.clone());
    let stuck = tokio::spawn(async move {
        client
            .resolve_work_history(v1::ResolveWorkHistoryRequest::default())
            .await
    });
    timeout(DEADLINE, server.stuck.notified()).await.unwrap();
    server.stop.cancel();
    timeout(DEADLINE, server.task).await.unwrap().unwrap().unwrap();
    stuck.abort();
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code() {
    let server = start(OPTIONS).await;
    let mut client = OperationsServiceClient::new(server.channel.clone());
    client.list_charges(v1::ListChargesRequest::default()).await.unwrap();
    client
        .get_provider_status(v1::GetProviderStatusRequest {})
        .await
        .unwrap_err();
    send_raw(&server.channel, "/who.Ever/Sent?this=path", None, b"").await;
    let mut text = String::new();
    encode(&mut text, &server.registry).unwrap();
    for line in [
        r#"grpc_calls_total{method="semanas.v1.OperationsService/ListCharges",code="OK"} 1"#,
        r#"grpc_calls_total{method="semanas.v1.OperationsService/GetProviderStatus",code="UNKNOWN"} 1"#,
        r#"grpc_calls_total{method="unknown/unknown",code="UNIMPLEMENTED"} 1"#,
        r#"grpc_calls_open{method="semanas.v1.OperationsService/ListCharges"} 0"#,
        r#"grpc_response_seconds_count{method="semanas.v1.OperationsService/ListCharges"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
    assert!(!text.contains("who.Ever"), "a path of a caller is no label");
}
