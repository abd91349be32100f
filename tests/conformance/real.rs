//! The real server for one case: the `semanas` binary with a sandbox of its own, set up as the case says.

use std::collections::BTreeMap;

use anyhow::Context as _;
use semanas_sandbox::{Provider, Settings};
use semanas_tests::harness::{Sandbox, Server, ServerOptions, Store, numbered_person, sandbox};
use serde::Deserialize;
use serde_json::{Value, json};

/// How it is set up.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Settings of the server, by the name of their variable without `SEMANAS_`.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// What the sandbox does with a person, by CURP or `$person_1`, in the words of its control API.
    #[serde(default)]
    pub people: BTreeMap<String, Value>,
    /// What its providers do with everybody: `kiban`, `tuidentidad`, `nubarium`.
    #[serde(default)]
    pub providers: BTreeMap<String, Value>,
}

/// A server that runs for one case.
pub struct Real {
    pub server: Server,
    pub sandbox: Sandbox,
}

impl Real {
    pub async fn start(world: &World) -> anyhow::Result<Real> {
        let sandbox = set_up_sandbox(world).await?;
        let mut options = ServerOptions::new(&Store::sqlite(), &sandbox);
        for (name, value) in &world.settings {
            options = options.set(name, value);
        }
        Ok(Real {
            server: options.start().await,
            sandbox,
        })
    }
}

pub async fn set_up_sandbox(world: &World) -> anyhow::Result<Sandbox> {
    let sandbox = sandbox().await;
    for (curp, settings) in &world.people {
        let curp = person(curp).unwrap_or_else(|| curp.clone());
        sandbox
            .set_person(&curp, Some(read_settings(settings)?))
            .map_err(anyhow::Error::msg)
            .context("the world's people")?;
    }
    for (name, settings) in &world.providers {
        let provider: Provider = serde_json::from_value(json!(name))?;
        sandbox
            .set_provider(provider, Some(read_settings(settings)?))
            .await
            .map_err(anyhow::Error::msg)
            .context("the world's providers")?;
    }
    Ok(sandbox)
}

fn read_settings(settings: &Value) -> anyhow::Result<Settings> {
    serde_json::from_value(settings.clone()).with_context(|| format!("not the sandbox's settings: {settings}"))
}

/// The CURP of somebody whom nobody else asks for: `$person_1` to `$person_9`.
pub fn person(name: &str) -> Option<String> {
    let number = name.strip_prefix("$person_")?.parse::<usize>().ok()?;
    Some(numbered_person(number).curp)
}

/// The charges in the providers' own books, by provider.
pub fn books(sandbox: &Sandbox) -> Value {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for charge in sandbox.books().charges() {
        let provider = serde_json::to_value(charge.provider)
            .ok()
            .and_then(|it| Some(it.as_str()?.to_owned()));
        *counts.entry(provider.unwrap_or_default()).or_default() += 1;
    }
    json!(counts)
}
