//! `semanas lookup`: the NSS for a CURP.

use clap::Args;
use semanas_client::{Client, LookupNssRequest};

use crate::cli::args::{Format, duration};
use crate::cli::curp::CurpArgs;
use crate::cli::end::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::{json, render};

pub const EXAMPLES: &str = "\
Examples:
  semanas lookup GOAA970724HYNNNL08
  echo GOAA970724HYNNNL08 | semanas lookup -
  semanas lookup - --output json < curp.txt | jq -r .nss";

/// Arguments of `lookup`.
#[derive(Args, Clone, Debug)]
pub struct LookupArgs {
    #[command(flatten)]
    curp: CurpArgs,
    /// Accept an answer this old, such as 24h; 0s buys a new one
    #[arg(long, value_parser = duration, value_name = "TIME")]
    max_age: Option<std::time::Duration>,
    /// Leave to pay again after a lookup whose outcome is unknown
    #[arg(long)]
    allow_repeat_charge: bool,
    /// Why it is asked, without personal data
    #[arg(long, default_value = "", hide_default_value = true)]
    purpose: String,
    /// Reference of the person's consent, without personal data
    #[arg(long, default_value = "", hide_default_value = true)]
    consent_reference: String,
}

pub async fn run(args: &LookupArgs, client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let request = LookupNssRequest {
        curp: args.curp.read()?,
        max_age: args.max_age,
        allow_repeat_charge: args.allow_repeat_charge,
        purpose: args.purpose.clone(),
        consent_reference: args.consent_reference.clone(),
    };
    let answer = client.lookup_nss(request).await?;
    match out.format {
        Format::Table => out.text(&render::nss(&answer))?,
        Format::Json => out.json(&json::lookup_nss_response(&answer))?,
    }
    Ok(Exit::Succeeded)
}
