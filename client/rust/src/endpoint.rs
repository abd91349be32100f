//! Where the server is, and whether it may be spoken to in plain text. Opens no connection.

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Uri};

use crate::credentials::Bearer;
use crate::options::Options;

/// What servers see of this client.
const USER_AGENT: &str = concat!("semanas-client-rust/", env!("CARGO_PKG_VERSION"));
/// When a quiet connection with open calls is probed, so that one that was cut without a word is noticed.
const KEEP_ALIVE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(15);
/// How long the probe's answer may take.
const KEEP_ALIVE_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// Why a client cannot be made. What its TLS says of a certificate stands in its source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// Not of the form `http://host:port` or `https://host:port`.
    #[error("the endpoint must look like https://host:port or http://127.0.0.1:port")]
    Malformed,
    /// Personal data would cross the network unencrypted.
    #[error(
        "refusing to send personal data unencrypted to {host}: use https://, or set allow_plaintext where the network \
         itself encrypts, as a service mesh does"
    )]
    PlaintextRefused { host: String },
    /// A bearer token would cross the network unencrypted, which no option allows.
    #[error("refusing to send a bearer token unencrypted to {host}: use https://")]
    TokenOverPlaintext { host: String },
    /// A client certificate without TLS, or without its key.
    #[error("a client certificate needs https:// and its key: give both the certificate and the key, in PEM")]
    ClientCertificate,
    /// A certificate or key cannot be read.
    #[error("a certificate or key in the options cannot be used: {0}")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was given as `ca_certificate_pem` is no certificate.
    #[error("ca_certificate_pem holds no certificate in PEM")]
    CertificateAuthority,
    /// `ca_certificate_pem` has no meaning without TLS.
    #[error("certificates are of use over TLS only: write https://{host}")]
    CertificateAuthorityWithoutTls { host: String },
    /// The bearer token cannot be sent.
    #[error("the bearer token is empty, or has spaces, line ends or other characters that a header cannot carry")]
    BearerToken,
    /// `user_agent` cannot stand in a header.
    #[error("user_agent must be visible ASCII, such as my-service/1.2")]
    UserAgent,
    /// The connection needs a Tokio runtime to run on.
    #[error("a client is made inside a Tokio runtime: in an async fn under #[tokio::main], or within Runtime::enter")]
    NoRuntime,
}

/// The checked endpoint, not connected yet.
pub(crate) fn parse(endpoint: &str, options: &Options) -> Result<Endpoint, ConfigurationError> {
    let uri: Uri = endpoint.parse().map_err(|_| ConfigurationError::Malformed)?;
    let host = uri
        .host()
        .filter(|host| !host.is_empty())
        .ok_or(ConfigurationError::Malformed)?;
    let is_for_listening = uri.port_u16() == Some(0);
    let has_more = uri.path_and_query().is_some_and(|more| more.as_str() != "/");
    let names_a_user = uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    if has_more || names_a_user || is_for_listening {
        return Err(ConfigurationError::Malformed);
    }
    let is_secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(ConfigurationError::Malformed),
    };
    if !is_secure && !is_loopback(host) {
        let host = host.to_owned();
        if options.credentials.bearer.is_some() {
            return Err(ConfigurationError::TokenOverPlaintext { host });
        }
        if !options.allow_plaintext {
            return Err(ConfigurationError::PlaintextRefused { host });
        }
    }
    if let Some(Bearer::Token(token)) = &options.credentials.bearer {
        let is_visible = token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.is_empty() || !is_visible {
            return Err(ConfigurationError::BearerToken);
        }
    }
    if let Some(pem) = &options.ca_certificate_pem {
        if !is_secure {
            let host = host.to_owned();
            return Err(ConfigurationError::CertificateAuthorityWithoutTls { host });
        }
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            return Err(ConfigurationError::CertificateAuthority);
        }
    }
    let agent = match &options.user_agent {
        Some(prefix) => format!("{prefix} {USER_AGENT}"),
        None => USER_AGENT.to_owned(),
    };
    let endpoint = Endpoint::from(uri)
        .user_agent(agent)
        .map_err(|_| ConfigurationError::UserAgent)?
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_LIMIT);
    match (is_secure, &options.credentials.certificate) {
        (true, _) => endpoint
            .tls_config(tls(options)?)
            .map_err(|error| ConfigurationError::Tls(Box::new(error))),
        (false, None) => Ok(endpoint),
        (false, Some(_)) => Err(ConfigurationError::ClientCertificate),
    }
}

fn tls(options: &Options) -> Result<ClientTlsConfig, ConfigurationError> {
    let mut config = ClientTlsConfig::new().with_enabled_roots();
    if let Some(pem) = &options.ca_certificate_pem {
        config = config.ca_certificate(Certificate::from_pem(pem));
    }
    if let Some(own) = &options.credentials.certificate {
        if own.certificate_pem.is_empty() || own.key_pem.is_empty() {
            return Err(ConfigurationError::ClientCertificate);
        }
        config = config.identity(Identity::from_pem(&own.certificate_pem, &own.key_pem));
    }
    Ok(config)
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
    use crate::credentials::Credentials;

    #[track_caller]
    fn check(endpoint: &str, allow_plaintext: bool, expected: &str) {
        let options = Options {
            allow_plaintext,
            ..Options::default()
        };
        let found = match parse(endpoint, &options) {
            Ok(_) => "fine",
            Err(ConfigurationError::Malformed) => "malformed",
            Err(ConfigurationError::PlaintextRefused { .. }) => "refused",
            Err(other) => panic!("{other}"),
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
        check("https://semanas.internal/v1", true, "malformed");
        check("https://semanas.internal:0", true, "malformed");
        check("https://semanas.internal?x=1", true, "malformed");
        check("https://somebody@semanas.internal", true, "malformed");
    }

    #[test]
    fn a_token_crosses_no_network_unencrypted_and_a_certificate_needs_its_key() {
        let refused = |endpoint: &str, credentials: Credentials| {
            let options = Options {
                credentials,
                allow_plaintext: true,
                ..Options::default()
            };
            parse(endpoint, &options)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        let token = || Credentials::bearer_token("s3cret");
        assert!(refused("http://semanas.internal:1", token()).contains("bearer token"));
        assert!(!refused("http://semanas.internal:1", token()).contains("s3cret"));
        assert_eq!(refused("http://127.0.0.1:1", token()), "");
        let half = Credentials::default().with_client_certificate("-----BEGIN CERTIFICATE-----", "");
        assert!(refused("https://semanas.internal:1", half).contains("its key"));
        let garbage = Credentials::default().with_client_certificate("no certificate", "no key");
        assert!(refused("https://semanas.internal:1", garbage).contains("cannot be used"));
        for token in ["", "two words", "a\nb"] {
            let said = refused("https://semanas.internal:1", Credentials::bearer_token(token));
            assert!(said.contains("that a header cannot carry"), "{said}");
        }
    }

    #[test]
    fn an_authority_that_could_not_be_asked_is_refused() {
        let refused = |endpoint: &str, pem: &str| {
            let options = Options {
                ca_certificate_pem: Some(pem.to_owned()),
                ..Options::default()
            };
            parse(endpoint, &options)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert!(refused("https://semanas.internal", "no certificate").contains("no certificate in PEM"));
        assert!(refused("http://127.0.0.1:1", "-----BEGIN CERTIFICATE-----").contains("https://127.0.0.1"));
    }

    #[tokio::test]
    async fn tls_needs_nothing_but_the_scheme() {
        check("https://semanas.example.mx", false, "fine");
        check("https://semanas.example.mx:8443/", false, "fine");
    }
}
