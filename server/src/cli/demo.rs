//! `semanas demo`: sandbox, server and a caller in one process. It shows a lookup, two histories and what they cost.
//!
//! It does not know how a server is started: it is handed a function that takes settings and gives back how to stop it.

mod serve;

use std::fs::DirBuilder;
use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use futures::future::BoxFuture;
use semanas_client::{
    Client, Disposition, ListChargesRequest, LookupNssRequest, Options, Provider, Subject, SubmitWorkHistoryRequest,
    SubmitWorkHistoryResponse,
};
use semanas_sandbox::{Person, Sandbox};

use crate::cli::args::Format;
use crate::cli::end::{Exit, Failure};
use crate::cli::follow::{self, Followed};
use crate::cli::out::Out;
use crate::cli::sandbox::{interrupted, settings};
use crate::cli::{render, report};

pub const EXAMPLES: &str = "\
Needs nothing and leaves nothing behind. On a terminal it stays up for you to try; elsewhere it ends by itself.
With --serve it shows nothing: it prints SEMANAS_SERVER=URL once it serves, and stays up until SIGTERM, SIGINT, or the end
of standard input where that is a pipe. Pages of any origin may call it by gRPC-Web. For the tests of programs that call Semanas.

Examples:
  semanas demo
  semanas demo --serve --listen 127.0.0.1:0 --latency 0
  semanas demo < /dev/null | cat";

/// The person of the demo; the sandbox lists them as the one who shows an ordinary history.
const CURP: &str = "GOAA970724HYNNNL08";
/// Where the server listens if nobody else does; else on a free port.
const GRPC_PORT: u16 = 50051;
const HTTP_PORT: u16 = 8080;

/// Arguments of `demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Factor on the providers' latencies: 1 feels real, 0 answers at once
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    latency: f64,
    /// End after the show, also on a terminal
    #[arg(long, conflicts_with = "serve")]
    once: bool,
    /// Show nothing, only serve, and say where
    #[arg(long)]
    serve: bool,
    /// With --serve: where to listen; port 0 takes a free one [default: 127.0.0.1:50051]
    #[arg(long, requires = "serve", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Settings of a server, as variables of the environment.
pub type Settings = Vec<(String, String)>;
/// A server that runs.
pub struct Started {
    /// Where it listens.
    pub grpc: SocketAddr,
    /// Stops it and waits until it has stopped.
    pub stop: BoxFuture<'static, anyhow::Result<()>>,
}

/// Runs the demo. `start` starts a server with these settings and nothing else, and returns once it listens.
pub async fn run<F>(args: &DemoArgs, start: impl FnOnce(Settings) -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<Started>>,
{
    report(if args.serve {
        serve::serve(args, start).await
    } else {
        demonstrate(args, start).await
    })
}

async fn demonstrate<F>(args: &DemoArgs, start: impl FnOnce(Settings) -> F) -> Result<Exit, Failure>
where
    F: Future<Output = anyhow::Result<Started>>,
{
    let mut out = Out::standard(Format::Table);
    let sandbox = start_sandbox(args).await?;
    let data = DataDirectory::make()?;
    let ports = Ports::find().context("no free port on this machine")?;
    let server = start(ports.settings(&sandbox, &data)).await?;

    // Somebody who is there can press Ctrl-C; `make demo < /dev/null` has nobody.
    let is_staying = out.is_terminal && std::io::stdin().is_terminal() && !args.once;
    let shown = tokio::select! {
        shown = show(&ports, &sandbox, is_staying, &mut out) => shown,
        ended = interrupted() => ended,
    };
    let stopped = server.stop.await;
    sandbox.stop().await;
    shown?;
    stopped?;
    Ok(Exit::Succeeded)
}

async fn start_sandbox(args: &DemoArgs) -> Result<Sandbox, Failure> {
    if !(args.latency.is_finite() && args.latency >= 0.0) {
        return Err(Failure::Usage("--latency must be 0 or more".into()));
    }
    let options = semanas_sandbox::Options {
        latency_scale: args.latency,
        ..semanas_sandbox::Options::for_tests()
    };
    Ok(semanas_sandbox::start(options).await.map_err(anyhow::Error::new)?)
}

async fn show(ports: &Ports, sandbox: &Sandbox, is_staying: bool, out: &mut Out) -> Result<(), Failure> {
    let client = Client::new(&ports.grpc_url(), Options::default())?;
    let person = semanas_sandbox::people()
        .iter()
        .find(|person| person.curp == CURP)
        .context("the sandbox does not list the person of the demo")?;
    out.text(&format!(
        "A server at {} and the doubles of three providers run in this process. Nobody in them is real.",
        ports.grpc_url()
    ))?;

    heading(out, "1. CURP to NSS, bought once at Nubarium")?;
    let lookup = LookupNssRequest {
        curp: CURP.into(),
        ..LookupNssRequest::default()
    };
    out.text(&render::nss(&client.lookup_nss(lookup).await?))?;

    heading(
        out,
        "2. CURP and names to a work history by Kiban, which takes its time",
    )?;
    submit_and_follow(&client, request(person, Provider::Kiban), out).await?;

    heading(
        out,
        "3. The same person by Tu Identidad, with the NSS that is known already",
    )?;
    submit_and_follow(&client, request(person, Provider::TuIdentidad), out).await?;

    heading(out, "4. What it cost, in our ledger and in the providers' own books")?;
    let booked = sandbox.books().charges().len();
    out.text(&ledger(&client, out.width()).await?)?;
    out.text(&format!("The providers' books hold {booked} charges."))?;

    heading(out, "5. Asking again costs nothing")?;
    let again = client.submit_work_history(request(person, Provider::Kiban)).await?;
    out.text(&render::submitted(&again))?;
    out.text(&verdict(&again, booked, sandbox.books().charges().len())?)?;
    if is_staying {
        out.text(&invitation(ports, sandbox))?;
        interrupted().await?;
    }
    Ok(())
}

async fn submit_and_follow(client: &Client, request: SubmitWorkHistoryRequest, out: &mut Out) -> Result<(), Failure> {
    let submitted = client.submit_work_history(request).await?;
    out.text(&render::submitted(&submitted))?;
    let job_id = submitted.job.job_id;
    let followed = Followed {
        job_id,
        cursor: None,
        limit: None,
    };
    match follow::to_the_end(&followed, client, out).await? {
        Exit::Succeeded => Ok(()),
        other => Err(anyhow::anyhow!("the demo's job did not succeed ({other:?})").into()),
    }
}

async fn ledger(client: &Client, width: Option<u16>) -> Result<String, Failure> {
    let mut charges = client.list_charges(ListChargesRequest::default());
    let mut rows = Vec::new();
    while let Some(charge) = charges.next().await {
        rows.push(charge?);
    }
    Ok(render::charges(&rows, width))
}

/// The demo is also a check: it fails when the promise that it shows does not hold.
fn verdict(again: &SubmitWorkHistoryResponse, booked_before: usize, booked_after: usize) -> Result<String, Failure> {
    if again.disposition != Disposition::Reused || booked_before != booked_after {
        let text = format!("asking again was not free: {booked_before} charges before, {booked_after} after");
        return Err(anyhow::anyhow!(text).into());
    }
    Ok(format!("The providers' books still hold {booked_after} charges."))
}

fn request(person: &Person, provider: Provider) -> SubmitWorkHistoryRequest {
    let given_names: Vec<&str> = [Some(person.given_name.as_str()), person.middle_name.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    SubmitWorkHistoryRequest {
        subject: Subject {
            curp: person.curp.clone(),
            given_names: given_names.join(" "),
            paternal_surname: person.paternal_surname.clone(),
            maternal_surname: person.maternal_surname.clone().unwrap_or_default(),
            nss: String::new(),
        },
        provider,
        labels: [("flow".to_owned(), "demo".to_owned())].into(),
        ..SubmitWorkHistoryRequest::default()
    }
}

fn heading(out: &mut Out, text: &str) -> Result<(), Failure> {
    out.text(&format!("\n{text}\n"))
}

fn invitation(ports: &Ports, sandbox: &Sandbox) -> String {
    let (url, port) = (ports.grpc_url(), ports.grpc);
    let server = if port == GRPC_PORT {
        String::new()
    } else {
        format!(" --server {url}")
    };
    format!(
        "\nIt stays up. In another terminal:\n\n  \
         semanas{server} submit PEMJ920906HNLRRS00 --watch\n  \
         semanas{server} list\n  \
         semanas{server} charges\n  \
         semanas{server} lookup QUHE700101HVZNRD05      # must visit the subdelegación\n  \
         grpcurl -plaintext 127.0.0.1:{port} semanas.v1.WorkHistoryService/ListWorkHistories\n  \
         curl {}/people                 # who else there is, and what each shows\n\nCtrl-C stops.",
        sandbox.control_url()
    )
}

/// Where the server of the demo listens.
struct Ports {
    grpc: u16,
    http: u16,
}

impl Ports {
    fn find() -> std::io::Result<Ports> {
        let grpc = reserve(GRPC_PORT)?;
        // Both are held until both are known, so that they differ.
        let http = reserve(HTTP_PORT)?;
        Ok(Ports {
            grpc: grpc.local_addr()?.port(),
            http: http.local_addr()?.port(),
        })
    }

    fn grpc_url(&self) -> String {
        format!("http://{}", local(self.grpc))
    }

    fn settings(&self, sandbox: &Sandbox, data: &DataDirectory) -> Settings {
        let mut given = own_settings(local(self.grpc), local(self.http), data);
        given.push((
            "SEMANAS_HTTP__PUBLIC_URL".to_owned(),
            format!("http://{}", local(self.http)),
        ));
        given.extend(settings(sandbox));
        given
    }
}

fn own_settings(grpc: SocketAddr, http: SocketAddr, data: &DataDirectory) -> Settings {
    let database = data.0.join("semanas.db");
    let own = [
        ("GRPC__LISTEN", grpc.to_string()),
        ("HTTP__LISTEN", http.to_string()),
        ("STORE__URL", format!("sqlite:{}", database.display())),
        ("LOG__FILTER", "error".to_owned()),
    ];
    own.map(|(name, value)| (format!("SEMANAS_{name}"), value)).into()
}

fn reserve(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(local(port)).or_else(|_| TcpListener::bind(local(0)))
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A directory of its own, readable by nobody else, that goes when this value does.
struct DataDirectory(PathBuf);

impl DataDirectory {
    fn make() -> anyhow::Result<DataDirectory> {
        use std::os::unix::fs::DirBuilderExt as _;

        let path = std::env::temp_dir().join(format!("semanas-demo-{}", uuid::Uuid::new_v4()));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make the directory {}", path.display()))?;
        Ok(DataDirectory(path))
    }
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's directory for what may be removed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_gives_way_to_a_free_one() {
        let taken = reserve(0).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(reserve(port).unwrap().local_addr().unwrap().port(), port);
    }

    #[test]
    fn the_data_directory_is_private_and_leaves_nothing_behind() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = DataDirectory::make().unwrap();
        let path = directory.0.clone();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        drop(directory);
        assert!(!path.exists());
    }

    #[test]
    fn the_demo_fails_when_asking_again_is_charged() {
        let reused = SubmitWorkHistoryResponse {
            disposition: Disposition::Reused,
            ..SubmitWorkHistoryResponse::default()
        };
        assert!(verdict(&reused, 3, 3).is_ok());
        assert!(verdict(&reused, 3, 4).is_err());
        assert!(verdict(&SubmitWorkHistoryResponse::default(), 3, 3).is_err());
    }

    #[tokio::test]
    async fn the_server_is_given_addresses_store_and_all_three_providers() {
        let sandbox = semanas_sandbox::start(semanas_sandbox::Options::for_tests())
            .await
            .unwrap();
        let data = DataDirectory::make().unwrap();
        let settings = Ports::find().unwrap().settings(&sandbox, &data);
        for name in [
            "GRPC__LISTEN",
            "HTTP__PUBLIC_URL",
            "STORE__URL",
            "PROVIDERS__NUBARIUM__PASSWORD",
        ] {
            assert!(
                settings.iter().any(|(given, _)| *given == format!("SEMANAS_{name}")),
                "{name}"
            );
        }
        sandbox.stop().await;
    }
}
