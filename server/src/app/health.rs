//! `semanas healthcheck`: asks the server of these settings whether it takes work, for containers that can only run a command.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, bail};
use semanas_proto::v1::work_history_service_server::SERVICE_NAME;
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use super::settings;
use crate::config::Purpose;

/// Shorter than the time that orchestrators give a check.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// Succeeds when the server at `grpc.listen` takes work.
pub async fn healthcheck(file: Option<&Path>) -> anyhow::Result<()> {
    let address = reachable(settings(file, Purpose::Healthcheck)?.grpc.listen);
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?
        .connect_timeout(TIME_LIMIT)
        .timeout(TIME_LIMIT);
    let channel = endpoint
        .connect()
        .await
        .with_context(|| format!("nothing answers at grpc.listen ({address})"))?;
    let request = HealthCheckRequest {
        service: SERVICE_NAME.to_owned(),
    };
    let answer = HealthClient::new(channel).check(request).await;
    let answer = answer.with_context(|| format!("the server at {address} does not say how it is"))?;
    match answer.into_inner().status() {
        ServingStatus::Serving => Ok(()),
        status => bail!("the server at {address} takes no work: {}", status.as_str_name()),
    }
}

/// A server that listens on all addresses is reached on the loopback one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listen: &str, expected: &str) {
        assert_eq!(reachable(listen.parse().expect("an address")).to_string(), expected);
    }

    #[test]
    fn a_server_is_asked_where_it_can_be_reached() {
        check("0.0.0.0:50051", "127.0.0.1:50051");
        check("[::]:50051", "[::1]:50051");
        check("127.0.0.1:1", "127.0.0.1:1");
        check("10.0.0.7:1", "10.0.0.7:1");
    }
}
