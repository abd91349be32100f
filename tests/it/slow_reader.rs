//! A reader that stops reading.

use semanas_client::JobState;
use semanas_client::raw::v1::WatchWorkHistoriesRequest;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_types::StatusExt as _;

use crate::harness::*;

#[tokio::test]
async fn a_reader_that_stops_reading_is_sent_away_and_costs_the_others_nothing() {
    let sandbox = sandbox().await;
    let server = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("WATCH__SLOW_READER", "200ms")
        .set("WATCH__HEARTBEAT", "20ms")
        .start()
        .await;
    // The smallest window that HTTP/2 knows, so that few unread messages fill it.
    let endpoint = Endpoint::from_shared(server.grpc()).unwrap();
    let channel = endpoint
        .initial_stream_window_size(1_024)
        .initial_connection_window_size(1_024)
        .connect_lazy();
    let mut stub = semanas_client::raw::v1::work_history_service_client::WorkHistoryServiceClient::new(channel);
    let mut feed = stub
        .watch_work_histories(WatchWorkHistoriesRequest::default())
        .await
        .unwrap()
        .into_inner();
    // Nothing is read until the server has given up, which its count of open streams shows.
    let streams = async |wanted: &str| {
        eventually(&format!("{wanted} open streams"), || async {
            let (_, metrics) = server.page("/metrics").await;
            metrics
                .contains(&format!("semanas_watch_streams {wanted}\n"))
                .then_some(())
        })
        .await;
    };
    streams("1").await;
    streams("0").await;
    let status = within("the end of the stream", PATIENCE, async {
        loop {
            match feed.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended without a status"),
                Err(status) => return status,
            }
        }
    })
    .await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "SLOW_CONSUMER");
    let job = to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    assert_eq!(job.state, JobState::Succeeded);
}
