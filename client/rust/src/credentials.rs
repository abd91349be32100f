//! Who calls: a bearer token, a client certificate, both or neither. A debug print shows none of it.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};

/// Why a token could not be had.
pub type TokenError = Box<dyn StdError + Send + Sync>;

/// What shows the server who calls. `Credentials::default()` shows nothing.
#[derive(Clone, Default)]
pub struct Credentials {
    pub(crate) bearer: Option<Bearer>,
    pub(crate) certificate: Option<ClientCertificate>,
}

/// Gives the token of each call.
#[derive(Clone)]
pub(crate) enum Bearer {
    Token(String),
    Provider(Arc<dyn Fn() -> BoxFuture<'static, Result<String, TokenError>> + Send + Sync>),
}

/// Certificate and key, PEM.
#[derive(Clone)]
pub(crate) struct ClientCertificate {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

impl Credentials {
    /// A token that does not change. It is sent over TLS, and over plaintext to this machine only.
    #[must_use]
    pub fn bearer_token(token: impl Into<String>) -> Credentials {
        Credentials {
            bearer: Some(Bearer::Token(token.into())),
            certificate: None,
        }
    }

    /// A function that gives the token for each try of each call, for tokens that run out.
    #[must_use]
    pub fn bearer_tokens<F, T>(provider: F) -> Credentials
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, TokenError>> + Send + 'static,
    {
        let provider = Bearer::Provider(Arc::new(move || provider().boxed()));
        Credentials {
            bearer: Some(provider),
            certificate: None,
        }
    }

    /// The same with a client certificate and its key (mTLS), both PEM.
    #[must_use]
    pub fn with_client_certificate(
        self,
        certificate_pem: impl Into<String>,
        key_pem: impl Into<String>,
    ) -> Credentials {
        let certificate = ClientCertificate {
            certificate_pem: certificate_pem.into(),
            key_pem: key_pem.into(),
        };
        Credentials {
            certificate: Some(certificate),
            ..self
        }
    }
}

impl Bearer {
    pub(crate) async fn token(&self) -> Result<String, TokenError> {
        match self {
            Bearer::Token(token) => Ok(token.clone()),
            Bearer::Provider(provider) => provider().await,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(redacted)")
    }
}
