//! Whole commands against a server that holds three jobs: what is printed, and the exit code.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use clap::Parser as _;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use semanas_client::raw::v1::watch_work_history_response::Content;
use semanas_client::raw::v1::work_history_service_server::{WorkHistoryService, WorkHistoryServiceServer};
use semanas_client::raw::v1::*;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::cli::end::Exit;
use crate::cli::out::Out;
use crate::cli::render::samples;
use crate::cli::{Cli, Command, dispatch};

struct Fixed;

impl Fixed {
    fn job(job_id: &str) -> Result<WorkHistoryJob, Status> {
        match job_id {
            "wh_1" => Ok(samples::succeeded()),
            "wh_failed" => Ok(samples::failed()),
            "wh_unknown" => Ok(WorkHistoryJob {
                state: JobState::OutcomeUnknown.into(),
                ..samples::failed()
            }),
            _ => Err(Status::not_found("no such job")),
        }
    }
}

#[tonic::async_trait]
impl WorkHistoryService for Fixed {
    type WatchWorkHistoryStream = BoxStream<'static, Result<WatchWorkHistoryResponse, Status>>;
    type WatchWorkHistoriesStream = BoxStream<'static, Result<WatchWorkHistoriesResponse, Status>>;

    async fn lookup_nss(&self, _: Request<LookupNssRequest>) -> Result<Response<LookupNssResponse>, Status> {
        Ok(Response::new(samples::nss()))
    }

    async fn submit_work_history(
        &self,
        _: Request<SubmitWorkHistoryRequest>,
    ) -> Result<Response<SubmitWorkHistoryResponse>, Status> {
        Ok(Response::new(SubmitWorkHistoryResponse {
            job: Some(samples::running()),
            disposition: Disposition::Started.into(),
            watch_cursor: "c0".into(),
        }))
    }

    async fn watch_work_history(
        &self,
        request: Request<WatchWorkHistoryRequest>,
    ) -> Result<Response<Self::WatchWorkHistoryStream>, Status> {
        let job = Fixed::job(&request.into_inner().job_id)?;
        let (sequence, state) = (job.event_sequence + 1, job.state);
        let snapshot = JobSnapshot {
            job: Some(samples::running()),
            ..JobSnapshot::default()
        };
        let end = JobEvent {
            sequence,
            state,
            job: Some(job),
            ..JobEvent::default()
        };
        let message = |cursor: &str, terminal, content| {
            Ok(WatchWorkHistoryResponse {
                cursor: cursor.into(),
                terminal,
                content: Some(content),
            })
        };
        let messages = [
            message("c1", false, Content::Snapshot(snapshot)),
            message("c2", true, Content::Event(end)),
        ];
        Ok(Response::new(futures::stream::iter(messages).boxed()))
    }

    async fn get_work_history(
        &self,
        request: Request<GetWorkHistoryRequest>,
    ) -> Result<Response<GetWorkHistoryResponse>, Status> {
        let job = Some(Fixed::job(&request.into_inner().job_id)?);
        Ok(Response::new(GetWorkHistoryResponse { job }))
    }

    async fn list_work_histories(
        &self,
        request: Request<ListWorkHistoriesRequest>,
    ) -> Result<Response<ListWorkHistoriesResponse>, Status> {
        // Without end, so that a command that does not stop at its count never ends.
        let page: u32 = request.get_ref().page_token.parse().unwrap_or(0);
        Ok(Response::new(ListWorkHistoriesResponse {
            jobs: vec![samples::succeeded()],
            next_page_token: (page + 1).to_string(),
        }))
    }

    async fn cancel_work_history(
        &self,
        request: Request<CancelWorkHistoryRequest>,
    ) -> Result<Response<CancelWorkHistoryResponse>, Status> {
        let job = Some(Fixed::job(&request.into_inner().job_id)?);
        Ok(Response::new(CancelWorkHistoryResponse { job }))
    }

    async fn watch_work_histories(
        &self,
        _: Request<WatchWorkHistoriesRequest>,
    ) -> Result<Response<Self::WatchWorkHistoriesStream>, Status> {
        Err(Status::unimplemented("no feed"))
    }
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a command line, and gives what stands on standard output and the exit code.
async fn run(line: &str) -> (String, Exit) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let service = tonic::transport::Server::builder().add_service(WorkHistoryServiceServer::new(Fixed));
    tokio::spawn(service.serve_with_incoming(TcpListenerStream::new(listener)));

    let words = ["semanas", "--server", &server].into_iter().chain(line.split(' '));
    let Cli { command, common } = Cli::parse_from(words);
    let Command::Client(command) = command else {
        panic!("{line} needs a server in this process")
    };
    let page = Page::default();
    let mut out = Out::into_page(Box::new(page.clone()), common.output);
    let ended = dispatch(&command, &common, &mut out).await;
    let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    (text, ended.unwrap_or_else(|failure| failure.exit()))
}

#[tokio::test]
async fn the_exit_code_tells_how_a_job_ended() {
    for (line, expected) in [
        ("watch wh_1", Exit::Succeeded),
        ("watch wh_failed", Exit::Failed),
        ("watch wh_unknown", Exit::OutcomeUnknown),
        ("get wh_failed", Exit::Failed),
        ("get wh_nobody", Exit::NotFound),
        ("watch wh_nobody", Exit::NotFound),
        ("providers", Exit::Unexpected),
    ] {
        assert_eq!(run(line).await.1, expected, "{line}");
    }
}

#[tokio::test]
async fn a_submit_in_a_pipe_prints_a_line_for_each_update_and_then_the_answer() {
    let (text, exit) = run("submit GOAA970724HYNNNL08 --watch").await;
    assert_eq!(exit, Exit::Succeeded);
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_submit_as_json_is_one_document_on_each_line() {
    let (text, _) = run("submit GOAA970724HYNNNL08 --watch --output json").await;
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["disposition"], "DISPOSITION_STARTED");
    assert_eq!(lines[1]["snapshot"]["job"]["state"], "JOB_STATE_RUNNING");
    assert_eq!(lines[2]["terminal"], true);
    assert_eq!(lines[2]["event"]["job"]["work_history"]["weeks"]["quoted"], 512);
}

#[tokio::test]
async fn a_lookup_as_json_is_one_document() {
    let (text, _) = run("lookup --curp GOAA970724HYNNNL08 -o json").await;
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["nss"], "12345678903");
}

#[tokio::test]
async fn a_list_stops_at_its_count_however_many_pages_there_are() {
    let (text, _) = run("list --count 3 --output json").await;
    assert_eq!(text.lines().count(), 3);
}
