//! `semanas sandbox`: runs the doubles of the providers and says how to use them. The doubles themselves know nothing of Semanas.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;
use semanas_sandbox::{Options, Provider, Sandbox};
use serde_json::{Value, json};

use crate::cli::args::Format;
use crate::cli::end::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::render::{
    self,
    Column::{Exact, Text},
};

pub const EXAMPLES: &str = "\
Examples:
  semanas sandbox
  semanas sandbox --listen 0.0.0.0 --latency 0
  curl localhost:7100/books/summary";

/// What most windows show without breaking lines.
const PEOPLE_CHARS_MAX: u16 = 120;

/// Arguments of `sandbox`.
#[derive(Args, Clone, Debug)]
pub struct SandboxArgs {
    /// Address to listen on; ports follow from --port
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Port of the control API; Kiban, Tu Identidad and Nubarium take the next three; 0 takes free ones
    #[arg(long, default_value_t = semanas_sandbox::CONTROL_PORT)]
    port: u16,
    /// Factor on every latency: 1 feels real, 0 answers at once
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    latency: f64,
    /// Seed of all that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub async fn run(args: &SandboxArgs, out: &mut Out) -> Result<Exit, Failure> {
    let sandbox = semanas_sandbox::start(options(args)?)
        .await
        .map_err(anyhow::Error::new)?;
    match out.format {
        Format::Table => out.text(&introduction(&sandbox, out.width()))?,
        Format::Json => out.json_line(&description(&sandbox))?,
    }
    interrupted().await?;
    sandbox.stop().await;
    Ok(Exit::Succeeded)
}

fn options(args: &SandboxArgs) -> Result<Options, Failure> {
    let too_high = || Failure::Usage("--port leaves no room for the three ports after it".into());
    let address = |offset: u16| {
        let port = match args.port {
            0 => 0,
            first => first.checked_add(offset).ok_or_else(too_high)?,
        };
        Ok::<_, Failure>(SocketAddr::new(args.listen, port))
    };
    if !(args.latency.is_finite() && args.latency >= 0.0) {
        return Err(Failure::Usage("--latency must be 0 or more".into()));
    }
    Ok(Options {
        seed: args.seed,
        control: address(0)?,
        kiban: address(1)?,
        tuidentidad: address(2)?,
        nubarium: address(3)?,
        latency_scale: args.latency,
        ..Options::default()
    })
}

/// The settings of a server that is to use this sandbox, as variables of the environment.
pub fn settings(sandbox: &Sandbox) -> Vec<(String, String)> {
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

fn introduction(sandbox: &Sandbox, width: Option<u16>) -> String {
    let credentials = sandbox.credentials();
    let apis = [
        ("control", sandbox.control_url(), "none".to_owned()),
        (
            "Kiban",
            sandbox.base_url(Provider::Kiban),
            format!("x-api-key: {}", credentials.kiban_api_key),
        ),
        (
            "Tu Identidad",
            sandbox.base_url(Provider::TuIdentidad),
            format!("apikey: {}", credentials.tuidentidad_api_key),
        ),
        (
            "Nubarium",
            sandbox.base_url(Provider::Nubarium),
            format!("{}:{}", credentials.nubarium_username, credentials.nubarium_password),
        ),
    ];
    let apis = apis.map(|(name, url, credentials)| vec![name.to_owned(), url, credentials]);
    let exports: Vec<String> = settings(sandbox)
        .iter()
        .map(|(name, value)| format!("  export {name}={value}"))
        .collect();
    format!(
        "The providers' doubles are running. Nobody in them is real; the credentials open nothing else.\n\n{}\n\n{}\n\n\
         To point a server at them:\n\n{}\n  semanas serve\n\nThe books of charges: curl {}/books\nCtrl-C stops.",
        render::table(&[Exact("API"), Text("Address"), Text("Credentials")], apis, width),
        people(width),
        exports.join("\n"),
        sandbox.control_url(),
    )
}

/// Their sentences are long: also in a pipe they are broken, where a reader's window would break them worse.
fn people(width: Option<u16>) -> String {
    let width = width.or(Some(PEOPLE_CHARS_MAX));
    let rows = semanas_sandbox::people().iter().map(|person| {
        let nss = person.nss.clone().unwrap_or_else(|| "none".to_owned());
        vec![person.curp.clone(), person.full_name(), nss, person.shows.clone()]
    });
    render::table(&[Exact("CURP"), Text("Name"), Exact("NSS"), Text("Shows")], rows, width)
}

fn description(sandbox: &Sandbox) -> Value {
    let person = |person: &semanas_sandbox::Person| {
        json!({
            "curp": person.curp, "full_name": person.full_name(), "nss": person.nss, "shows": person.shows,
        })
    };
    let environment: serde_json::Map<String, Value> = settings(sandbox)
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    json!({
        "control_url": sandbox.control_url(),
        "environment": environment,
        "people": semanas_sandbox::people().iter().map(person).collect::<Vec<_>>(),
    })
}

/// Returns when somebody asks the process to stop: Ctrl-C, or the signal that supervisors send.
pub async fn interrupted() -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminated = signal(SignalKind::terminate()).map_err(anyhow::Error::new)?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended.map_err(anyhow::Error::new)?,
        _ = terminated.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(port: u16, latency: f64) -> SandboxArgs {
        SandboxArgs {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port,
            latency,
            seed: 1,
        }
    }

    #[test]
    fn ports_follow_each_other_and_zero_means_free_ones() {
        let ports = |options: Options| [options.control, options.kiban, options.nubarium].map(|it| it.port());
        assert_eq!(ports(options(&args(7100, 1.0)).unwrap()), [7100, 7101, 7103]);
        assert_eq!(ports(options(&args(0, 1.0)).unwrap()), [0, 0, 0]);
        assert!(options(&args(65_534, 1.0)).is_err());
        assert!(options(&args(7100, f64::NAN)).is_err());
    }

    #[tokio::test]
    async fn what_is_printed_names_every_address_and_person() {
        let sandbox = semanas_sandbox::start(Options::for_tests()).await.unwrap();
        let text = introduction(&sandbox, None);
        for (_, value) in settings(&sandbox) {
            assert!(text.contains(&value), "{value}");
        }
        assert!(
            semanas_sandbox::people()
                .iter()
                .all(|person| text.contains(&person.curp))
        );
        sandbox.stop().await;
    }
}
