//! One case with one language: starts the server, hands the case to the driver, compares.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, interval};

use crate::case::{Case, ServerKind};
use crate::certificates::Certificates;
use crate::driver::Driver;
use crate::fake::Fake;
use crate::pattern::differences;
use crate::placeholders;
use crate::real::{self, Real};
use crate::rolling::Rolling;

/// How long the fake may take to notice what the client did last, such as leaving a stream.
const NOTICE_LIMIT: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// What came of it.
pub struct Outcome {
    pub verdict: Verdict,
    /// Case, result and what the server saw, for a reader.
    pub exchange: String,
    /// Whether the driver can take another case.
    pub is_driver_usable: bool,
}

pub enum Verdict {
    Passed,
    Failed(Vec<String>),
    Unsupported(String),
}

/// The server of a case.
enum Server {
    Fake(Fake),
    Real(Box<Real>),
    Rolling(Box<Rolling>),
}

pub async fn run(case: &Case, driver: &mut Driver, certificates: &Certificates) -> Outcome {
    let failed = |why: String| Outcome {
        verdict: Verdict::Failed(vec![why]),
        exchange: String::new(),
        is_driver_usable: true,
    };
    let mut server = match Server::start(case, certificates).await {
        Ok(server) => server,
        Err(error) => return failed(format!("the server of the case did not start: {error:#}")),
    };
    let told = line(case, &server, certificates);
    let result = driver.run(&told, Duration::from_millis(case.time_limit_ms)).await;
    let is_driver_usable = result.is_ok();
    let mut outcome = match result {
        Ok(result) => judge(case, &mut server, &told, &result, certificates).await,
        Err(error) => failed(format!("{error:#}")),
    };
    outcome.is_driver_usable = is_driver_usable;
    let (saw, connections) = server.saw();
    outcome
        .exchange
        .push_str(&format!("case:   {told}\nserver: {saw}, connections: {connections}\n"));
    outcome
}

impl Server {
    async fn start(case: &Case, certificates: &Certificates) -> anyhow::Result<Server> {
        Ok(match case.server {
            ServerKind::Fake => Server::Fake(Fake::start(case.script.clone(), certificates).await?),
            ServerKind::Real => Server::Real(Box::new(Real::start(&case.world).await?)),
            ServerKind::Rolling => Server::Rolling(Box::new(Rolling::start(&case.world).await?)),
        })
    }

    fn endpoint(&self, case: &Case) -> (String, u16) {
        match self {
            Server::Fake(fake) if case.script.is_tls() => (
                format!("https://localhost:{}", fake.address.port()),
                fake.address.port(),
            ),
            Server::Fake(fake) => (format!("http://{}", fake.address), fake.address.port()),
            Server::Real(real) => (real.server.grpc(), 0),
            Server::Rolling(rolling) => (format!("http://{}", rolling.address), 0),
        }
    }

    /// The calls, and how many connections brought them.
    fn saw(&self) -> (Value, Value) {
        match self {
            Server::Fake(fake) => (fake.record.calls(), json!(fake.record.connections())),
            Server::Real(_) | Server::Rolling(_) => (Value::Null, Value::Null),
        }
    }
}

/// The line for the driver.
fn line(case: &Case, server: &Server, certificates: &Certificates) -> Value {
    let (endpoint, port) = server.endpoint(case);
    let mut line = json!({
        "case": case.name, "endpoint": case.endpoint.clone().unwrap_or(endpoint), "calls": case.calls,
    });
    for (key, part) in [("credentials", &case.credentials), ("options", &case.options)] {
        if let Some(part) = part {
            line[key] = part.clone();
        }
    }
    placeholders::put_in(&mut line, certificates, port);
    if let Server::Rolling(rolling) = server {
        placeholders::put_in_jobs(&mut line, &rolling.jobs);
    }
    line
}

async fn judge(case: &Case, server: &mut Server, told: &Value, result: &Value, certificates: &Certificates) -> Outcome {
    let exchange = format!("result: {result}\n");
    let unsupported = result["unsupported"].as_str().or_else(|| {
        let results = result["results"].as_array()?;
        results.iter().find_map(|it| it["unsupported"].as_str())
    });
    if let Some(why) = unsupported {
        return Outcome {
            verdict: Verdict::Unsupported(why.to_owned()),
            exchange,
            is_driver_usable: true,
        };
    }
    let port = server.endpoint(case).1;
    let known = |pattern: &Value| {
        let mut pattern = pattern.clone();
        placeholders::put_in(&mut pattern, certificates, port);
        pattern
    };
    let mut found = named("results", differences(&known(&case.expect.results), &result["results"]));
    if let Some(attempts) = &case.expect.attempts {
        found.extend(named("attempts", differences(&known(attempts), &result["attempts"])));
    }
    match server {
        Server::Fake(fake) => found.extend(eventually_seen(case, fake, &known).await),
        Server::Real(real) => found.extend(compare_books(case, &real.sandbox)),
        Server::Rolling(rolling) => {
            found.extend(rolling.end().await.err());
            found.extend(compare_books(case, &rolling.sandbox));
        }
    }
    if !found.is_empty() && told["calls"].as_array().map(Vec::len) != result["results"].as_array().map(Vec::len) {
        found.insert(0, "the driver did not give one result for each call".to_owned());
    }
    let verdict = if found.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Failed(found)
    };
    Outcome {
        verdict,
        exchange,
        is_driver_usable: true,
    }
}

fn compare_books(case: &Case, sandbox: &semanas_sandbox::Sandbox) -> Vec<String> {
    let found = case
        .expect
        .books
        .as_ref()
        .map(|books| differences(books, &real::books(sandbox)));
    named("books", found.unwrap_or_default())
}

/// What the fake saw may come a moment after what the client reported.
async fn eventually_seen(case: &Case, fake: &Fake, known: &impl Fn(&Value) -> Value) -> Vec<String> {
    let until = Instant::now() + NOTICE_LIMIT;
    let mut looks = interval(BETWEEN_LOOKS);
    loop {
        looks.tick().await;
        let mut found = fake.record.faults();
        if let Some(saw) = &case.expect.saw {
            found.extend(named("saw", differences(&known(saw), &fake.record.calls())));
        }
        if let Some(connections) = &case.expect.connections {
            found.extend(named(
                "connections",
                differences(connections, &json!(fake.record.connections())),
            ));
        }
        if found.is_empty() || Instant::now() > until {
            return found;
        }
    }
}

fn named(part: &str, differences: Vec<String>) -> Vec<String> {
    differences.into_iter().map(|it| format!("{part} {it}")).collect()
}
