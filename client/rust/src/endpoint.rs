//! Where the server is, and whether it may be spoken to in plain text. Opens no connection.

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Uri};

use crate::options::Options;

/// What servers see of this client.
const USER_AGENT: &str = concat!("semanas-client-rust/", env!("CARGO_PKG_VERSION"));
/// How often a connection with open calls is probed, so that one that was cut without a word is noticed.
const KEEP_ALIVE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(30);

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Not of the form `http://host:port` or `https://host:port`.
    #[error("the endpoint must look like https://host:port or http://127.0.0.1:port")]
    Malformed,
    /// Personal data would cross the network unencrypted.
    #[error(
        "refusing to send personal data unencrypted to {host}: use https://, or set allow_plaintext where the network \
         itself encrypts, as a service mesh does"
    )]
    PlaintextRefused { host: String },
    /// The certificate authority cannot be read.
    #[error("the TLS settings of the endpoint cannot be used")]
    Tls(#[source] tonic::transport::Error),
}

/// The checked endpoint, not connected yet.
pub(crate) fn parse(endpoint: &str, options: &Options) -> Result<Endpoint, EndpointError> {
    let uri: Uri = endpoint.parse().map_err(|_| EndpointError::Malformed)?;
    let host = uri
        .host()
        .filter(|host| !host.is_empty())
        .ok_or(EndpointError::Malformed)?;
    let is_secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(EndpointError::Malformed),
    };
    if !is_secure && !options.allow_plaintext && !is_loopback(host) {
        return Err(EndpointError::PlaintextRefused { host: host.to_owned() });
    }
    let endpoint = Endpoint::from(uri)
        .user_agent(USER_AGENT)
        .expect("the user agent is a constant of visible ASCII")
        .connect_timeout(options.connect_timeout)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL);
    if is_secure {
        return endpoint.tls_config(tls(options)).map_err(EndpointError::Tls);
    }
    Ok(endpoint)
}

fn tls(options: &Options) -> ClientTlsConfig {
    let system = ClientTlsConfig::new().with_enabled_roots();
    match &options.ca_certificate_pem {
        Some(pem) => system.ca_certificate(Certificate::from_pem(pem)),
        None => system,
    }
}

/// Whether what is sent to `host` stays on this machine. A name other than `localhost` may point anywhere.
fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback_address = |address: std::net::IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || literal.parse().is_ok_and(is_loopback_address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(endpoint: &str, allow_plaintext: bool, expected: &str) {
        let options = Options {
            allow_plaintext,
            ..Options::default()
        };
        let found = match parse(endpoint, &options) {
            Ok(_) => "fine",
            Err(EndpointError::Malformed) => "malformed",
            Err(EndpointError::PlaintextRefused { .. }) => "refused",
            Err(EndpointError::Tls(_)) => "tls",
        };
        assert_eq!(found, expected, "{endpoint}");
    }

    #[test]
    fn plain_text_stays_on_this_machine_unless_allowed() {
        check("http://127.0.0.1:50051", false, "fine");
        check("http://127.8.7.6:50051", false, "fine");
        check("http://localhost:50051", false, "fine");
        check("http://[::1]:50051", false, "fine");
        check("http://10.0.0.7:50051", false, "refused");
        check("http://semanas.internal:50051", false, "refused");
        check("http://localhost.example.mx:50051", false, "refused");
        check("http://semanas.internal:50051", true, "fine");
    }

    #[test]
    fn an_endpoint_needs_a_scheme_and_a_host() {
        check("semanas.internal:50051", true, "malformed");
        check("", true, "malformed");
        check("ftp://semanas.internal", true, "malformed");
        check("http:// spaces", true, "malformed");
    }

    #[tokio::test]
    async fn tls_needs_nothing_but_the_scheme() {
        check("https://semanas.example.mx", false, "fine");
    }
}
