//! The doubles of the providers, inside this process: a set of its own for each test, with free ports, no latency and books
//! that nobody else writes to.

pub use semanas_sandbox::Sandbox;
use semanas_sandbox::{Fault, FaultRule, Options, Provider};

/// A new one.
pub async fn sandbox() -> Sandbox {
    semanas_sandbox::start(Options::for_tests()).await.unwrap()
}

/// How many charges of this person the provider's books hold.
pub fn booked(sandbox: &Sandbox, provider: Provider, curp: &str) -> usize {
    sandbox.books().count(provider, curp)
}

/// The settings of a server that uses it.
pub fn sandbox_settings(sandbox: &Sandbox) -> Vec<(String, String)> {
    let credentials = sandbox.credentials();
    let pairs = [
        ("KIBAN__BASE_URL", sandbox.base_url(Provider::Kiban)),
        ("KIBAN__API_KEY", credentials.kiban_api_key.clone()),
        ("TUIDENTIDAD__BASE_URL", sandbox.base_url(Provider::TuIdentidad)),
        ("TUIDENTIDAD__API_KEY", credentials.tuidentidad_api_key.clone()),
        ("NUBARIUM__BASE_URL", sandbox.base_url(Provider::Nubarium)),
        ("NUBARIUM__USERNAME", credentials.nubarium_username.clone()),
        ("NUBARIUM__PASSWORD", credentials.nubarium_password.clone()),
    ];
    pairs
        .map(|(name, value)| (format!("SEMANAS_PROVIDERS__{name}"), value))
        .into()
}

/// A fault for every billed call.
pub fn rule(fault: Fault) -> FaultRule {
    FaultRule {
        on: Some(semanas_sandbox::Step::Submit),
        ..FaultRule::from(fault)
    }
}
