//! What the tests of several modules share: a sandbox on free ports, a plain client and the calls they make.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::{
    KIBAN_API_KEY, NUBARIUM_PASSWORD, NUBARIUM_USERNAME, Options, Provider, Sandbox, Settings, TUIDENTIDAD_API_KEY,
    start,
};

/// The person of Kiban's sample, whom every provider knows.
pub(crate) const CURP: &str = "GOAA970724HYNNNL08";
pub(crate) const NSS: &str = "12345678903";
/// The longest wait for something that should happen at once; only a failing test waits that long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: Client,
}

pub(crate) async fn scene() -> Scene {
    scene_with(Options::for_tests()).await
}

pub(crate) async fn scene_with(options: Options) -> Scene {
    let http = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(DEADLINE);
    Scene {
        sandbox: start(options).await.unwrap(),
        http: http.build().unwrap(),
    }
}

impl Scene {
    pub(crate) async fn with_provider(self, provider: Provider, settings: Settings) -> Self {
        self.sandbox.set_provider(provider, Some(settings)).await.unwrap();
        self
    }

    pub(crate) fn kiban_post(&self, query: &str) -> RequestBuilder {
        let url = format!(
            "{}/api/v1/imss/semanas_cotizadas{query}",
            self.sandbox.base_url(Provider::Kiban)
        );
        self.http.post(url).header("x-api-key", KIBAN_API_KEY)
    }

    pub(crate) fn kiban_submit(&self, curp: &str) -> RequestBuilder {
        let (given, paternal) = ("JOSE", "GONZALEZ");
        self.kiban_post("")
            .json(&json!({"curp": curp, "primerNombre": given, "apellidoPaterno": paternal}))
    }

    pub(crate) fn kiban_get(&self, id: &str) -> RequestBuilder {
        let url = format!(
            "{}/api/v1/imss/semanas_cotizadas/{id}",
            self.sandbox.base_url(Provider::Kiban)
        );
        self.http.get(url).header("x-api-key", KIBAN_API_KEY)
    }

    /// Submits and looks the document up once.
    pub(crate) async fn kiban_document(&self, curp: &str) -> Value {
        let ack = json_of(self.kiban_submit(curp).send().await.unwrap()).await;
        json_of(self.kiban_get(ack["id"].as_str().unwrap()).send().await.unwrap()).await
    }

    pub(crate) fn tuidentidad(&self, method: &str) -> RequestBuilder {
        let url = format!(
            "{}/api/WorkHistory/{method}",
            self.sandbox.base_url(Provider::TuIdentidad)
        );
        self.http.post(url).header("apikey", TUIDENTIDAD_API_KEY)
    }

    pub(crate) fn tuidentidad_history(&self, curp: &str, nss: &str, limit: &str) -> RequestBuilder {
        self.tuidentidad("workhistory")
            .form(&[("CURP", curp), ("NSS", nss), ("Limit", limit)])
    }

    pub(crate) fn nubarium(&self) -> RequestBuilder {
        let url = format!("{}/imss/obtener_nss", self.sandbox.base_url(Provider::Nubarium));
        self.http
            .post(url)
            .basic_auth(NUBARIUM_USERNAME, Some(NUBARIUM_PASSWORD))
    }

    pub(crate) fn nubarium_nss(&self, curp: &str) -> RequestBuilder {
        self.nubarium().json(&json!({"curp": curp}))
    }

    /// The number of charges of a person at a provider.
    #[track_caller]
    pub(crate) fn check_charges(&self, provider: Provider, curp: &str, expected: usize) {
        assert_eq!(
            self.sandbox.books().count(provider, curp),
            expected,
            "charges at {}",
            provider.name()
        );
    }
}

/// The body as it stands on the wire.
pub(crate) async fn text_of(response: Response) -> String {
    response.text().await.unwrap()
}

pub(crate) async fn json_of(response: Response) -> Value {
    response.json().await.unwrap()
}

/// A documented sample as it would stand on the wire: no white space outside strings.
pub(crate) fn compact(sample: &str) -> String {
    let mut is_in_string = false;
    let keep = |letter: &char| {
        is_in_string ^= *letter == '"';
        is_in_string || !letter.is_whitespace()
    };
    sample.chars().filter(keep).collect()
}

/// Waits until `is_reached` and fails the test when it is not in time.
#[track_caller]
pub(crate) fn eventually(mut is_reached: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let waiting = async {
            while !is_reached() {
                tokio::task::yield_now().await;
            }
        };
        let reached = tokio::time::timeout(DEADLINE, waiting).await;
        assert!(reached.is_ok(), "the state that {caller} waits for was not reached");
    }
}
