//! `semanas submit`: asks for a work history, and follows it if wished.

use std::time::Duration;

use clap::Args;
use semanas_client::{Client, Provider, Subject, SubmitWorkHistoryRequest};

use crate::cli::args::{Format, ProviderName, duration, label};
use crate::cli::curp::CurpArgs;
use crate::cli::end::{Exit, Failure};
use crate::cli::follow::{self, Followed};
use crate::cli::out::Out;
use crate::cli::{json, render};

pub const EXAMPLES: &str = "\
With --output json and --watch the first line is the answer to the submit, each further line an update of the watch.

Examples:
  semanas submit GOAA970724HYNNNL08 --watch
  semanas submit GOAA970724HYNNNL08 --given-names 'JOSE ALBERTO' --paternal-surname GONZALEZ
  semanas submit - --provider tu-identidad --label flow=onboarding --watch < curp.txt
  semanas submit - --output json < curp.txt | jq -r .job.job_id";

/// Arguments of `submit`. Arguments can be seen in `ps`.
#[derive(Args, Clone)]
pub struct SubmitArgs {
    #[command(flatten)]
    curp: CurpArgs,
    /// Given names, as in the CURP record; needed for the route by Kiban
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAMES")]
    given_names: String,
    /// Paternal surname (primer apellido); needed for the route by Kiban
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    paternal_surname: String,
    /// Maternal surname (segundo apellido)
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    maternal_surname: String,
    /// NSS, if known: none is bought then
    #[arg(long, default_value = "", hide_default_value = true)]
    nss: String,
    /// Follow the job until it ends
    #[arg(long, short)]
    watch: bool,
    /// Show at most this many employments, newest first; 0 shows all
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    limit: i32,
    /// Ask only this provider: kiban or tu-identidad
    #[arg(long, value_enum)]
    provider: Option<ProviderName>,
    /// Accept an answer this old, such as 24h; 0s buys a new one
    #[arg(long, value_parser = duration, value_name = "TIME")]
    max_age: Option<Duration>,
    /// Leave to pay again after a job whose outcome is unknown
    #[arg(long)]
    allow_repeat_charge: bool,
    /// Idempotency key; one is made when none is given
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
    request_id: String,
    /// Label for lists and feeds; may be given more than once
    #[arg(long, value_parser = label, value_name = "KEY=VALUE")]
    label: Vec<(String, String)>,
    /// Why it is asked, without personal data
    #[arg(long, default_value = "", hide_default_value = true)]
    purpose: String,
    /// Reference of the person's consent, without personal data
    #[arg(long, default_value = "", hide_default_value = true)]
    consent_reference: String,
    /// A test case of the provider's own sandbox; needs --provider
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
    test_case_id: String,
}

impl std::fmt::Debug for SubmitArgs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SubmitArgs(redacted)")
    }
}

pub async fn run(args: &SubmitArgs, client: &Client, out: &mut Out) -> Result<Exit, Failure> {
    let submitted = client.submit_work_history(request(args)?).await?;
    match out.format {
        Format::Table => out.text(&render::submitted(&submitted))?,
        Format::Json if args.watch => out.json_line(&json::submit_response(&submitted))?,
        Format::Json => out.json(&json::submit_response(&submitted))?,
    }
    let job = submitted.job;
    if !args.watch {
        if out.format == Format::Table && job.work_history.is_some() {
            out.text(&render::ended(&job, out.width()))?;
        }
        return Ok(Exit::of_state(job.state));
    }
    let followed = Followed {
        job_id: job.job_id.clone(),
        limit: Some(args.limit),
        cursor: None,
    };
    follow::to_the_end(&followed, client, out).await
}

fn request(args: &SubmitArgs) -> Result<SubmitWorkHistoryRequest, Failure> {
    let subject = Subject {
        curp: args.curp.read()?,
        given_names: args.given_names.clone(),
        paternal_surname: args.paternal_surname.clone(),
        maternal_surname: args.maternal_surname.clone(),
        nss: args.nss.clone(),
    };
    let provider = args.provider.map_or(Provider::Unspecified, Provider::from);
    Ok(SubmitWorkHistoryRequest {
        subject,
        limit: args.limit,
        request_id: args.request_id.clone(),
        max_age: args.max_age,
        allow_repeat_charge: args.allow_repeat_charge,
        provider,
        test_case_id: args.test_case_id.clone(),
        purpose: args.purpose.clone(),
        consent_reference: args.consent_reference.clone(),
        labels: args.label.iter().cloned().collect(),
    })
}
