//! `semanas providers`: each provider's state as the server sees it.

use semanas_client::Client;

use crate::cli::args::Format;
use crate::cli::end::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::{json, render};

pub const EXAMPLES: &str = "\
Examples:
  semanas providers
  semanas providers --output json | jq -r 'select(.credentials_refused) | .provider'";

pub async fn run(client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let providers = client.get_provider_status().await?;
    match out.format {
        Format::Table => out.text(&render::providers(&providers, out.width()))?,
        Format::Json => {
            for provider in &providers {
                out.json_line(&json::provider_status(provider))?;
            }
        }
    }
    Ok(Exit::Succeeded)
}
