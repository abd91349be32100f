//! Certificates of one run: an authority that the cases name, one that nobody knows, and what they signed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::fake::script::Listen;

/// What HTTP/2 is called in a handshake.
const ALPN: &[u8] = b"h2";

const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// A certificate and its key, both PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

pub struct Certificates {
    /// The authority that clients are told of.
    pub ca: String,
    /// Another one.
    pub other_ca: String,
    pub client: Identity,
    /// A client's, by the other authority.
    pub stranger: Identity,
    server: Identity,
    wrong_host: Identity,
    untrusted: Identity,
    expired: Identity,
}

impl Certificates {
    pub fn make() -> anyhow::Result<Certificates> {
        let (ours, others) = (authority("Conformance")?, authority("Nobody knows")?);
        Ok(Certificates {
            server: signed(&ours, &["localhost", "127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth)?,
            wrong_host: signed(&ours, &["elsewhere.example"], ExtendedKeyUsagePurpose::ServerAuth)?,
            untrusted: signed(
                &others,
                &["localhost", "127.0.0.1"],
                ExtendedKeyUsagePurpose::ServerAuth,
            )?,
            expired: signed_until(
                &ours,
                &["localhost", "127.0.0.1"],
                ExtendedKeyUsagePurpose::ServerAuth,
                Some(SystemTime::now() - A_DAY),
            )?,
            client: signed(&ours, &["client.example"], ExtendedKeyUsagePurpose::ClientAuth)?,
            stranger: signed(&others, &["client.example"], ExtendedKeyUsagePurpose::ClientAuth)?,
            ca: ours.pem(),
            other_ca: others.pem(),
        })
    }

    /// None for plaintext.
    pub fn acceptor(&self, listen: &Listen) -> anyhow::Result<Option<TlsAcceptor>> {
        let identity = match listen {
            Listen::Tls | Listen::MutualTls => &self.server,
            Listen::TlsWrongHost => &self.wrong_host,
            Listen::TlsUntrusted => &self.untrusted,
            Listen::TlsExpired => &self.expired,
            Listen::Plain
            | Listen::OtherAddress
            | Listen::RefuseForMs(_)
            | Listen::Refuse
            | Listen::Mute
            | Listen::MuteForMs(_) => return Ok(None),
        };
        let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes())?];
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
        let builder =
            ServerConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?;
        let builder = if matches!(listen, Listen::MutualTls) {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes())?)?;
            let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
            builder
                .with_client_cert_verifier(WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build()?)
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .context("a certificate of the run")?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    }
}

fn authority(name: &str) -> anyhow::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        rcgen::KeyUsagePurpose::KeyCertSign,
        rcgen::KeyUsagePurpose::DigitalSignature,
    ];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn signed(
    authority: &CertifiedIssuer<'static, KeyPair>,
    names: &[&str],
    purpose: ExtendedKeyUsagePurpose,
) -> anyhow::Result<Identity> {
    signed_until(authority, names, purpose, None)
}

fn signed_until(
    authority: &CertifiedIssuer<'static, KeyPair>,
    names: &[&str],
    purpose: ExtendedKeyUsagePurpose,
    end: Option<SystemTime>,
) -> anyhow::Result<Identity> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    params.extended_key_usages = vec![purpose];
    // Some TLS stacks want the chain to name its authority.
    params.use_authority_key_identifier_extension = true;
    if let Some(end) = end {
        params.not_after = end.into();
    }
    let certificate = params.signed_by(&key, authority)?;
    Ok(Identity {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}
