//! Arguments that several commands share, and how their texts are read.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use semanas_client::{ChargeState, Client, JobFilter, JobState, Options, Provider, TimeRange};

use crate::cli::end::Failure;

/// Where the server is and how its answers are shown.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of the commands that call a server")]
pub struct Common {
    /// The server: https://host:port, or http:// on this machine
    #[arg(
        long,
        global = true,
        env = "SEMANAS_SERVER",
        default_value = "http://127.0.0.1:50051",
        value_name = "URL"
    )]
    pub server: String,
    /// For people or for programs: json gives one document, or JSON lines where there are many
    #[arg(long, short, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
    /// Longest time of a call with its retries, such as 10s or 2m; watches have none
    #[arg(long, global = true, value_parser = duration, default_value = "30s", value_name = "TIME")]
    pub timeout: Duration,
    /// Leave to send personal data unencrypted to another machine
    #[arg(long, global = true)]
    pub allow_plaintext: bool,
    /// Certificate authority (PEM) to trust besides the system's
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

impl Common {
    pub fn client(&self) -> Result<Client, Failure> {
        let read = |path: &PathBuf| {
            let unreadable = |error| Failure::Usage(format!("cannot read {}: {error}", path.display()));
            std::fs::read_to_string(path).map_err(unreadable)
        };
        let options = Options {
            unary_deadline: Some(self.timeout),
            allow_plaintext: self.allow_plaintext,
            ca_certificate_pem: self.ca_file.as_ref().map(read).transpose()?,
            ..Options::default()
        };
        Ok(Client::new(&self.server, options)?)
    }
}

/// For whom the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables and sentences
    Table,
    /// JSON with the field names of the contract
    Json,
}

/// A provider, as it is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProviderName {
    Kiban,
    TuIdentidad,
    Nubarium,
}

impl From<ProviderName> for Provider {
    fn from(name: ProviderName) -> Provider {
        match name {
            ProviderName::Kiban => Provider::Kiban,
            ProviderName::TuIdentidad => Provider::TuIdentidad,
            ProviderName::Nubarium => Provider::Nubarium,
        }
    }
}

/// A state of a job, as it is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StateName {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
    OutcomeUnknown,
}

impl From<StateName> for JobState {
    fn from(name: StateName) -> JobState {
        match name {
            StateName::Queued => JobState::Queued,
            StateName::Running => JobState::Running,
            StateName::Succeeded => JobState::Succeeded,
            StateName::Failed => JobState::Failed,
            StateName::Cancelled => JobState::Cancelled,
            StateName::OutcomeUnknown => JobState::OutcomeUnknown,
        }
    }
}

/// Whether a call was charged, as it is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChargeName {
    Open,
    Yes,
    No,
    Unknown,
}

impl From<ChargeName> for ChargeState {
    fn from(name: ChargeName) -> ChargeState {
        match name {
            ChargeName::Open => ChargeState::Open,
            ChargeName::Yes => ChargeState::Yes,
            ChargeName::No => ChargeState::No,
            ChargeName::Unknown => ChargeState::Unknown,
        }
    }
}

/// Which jobs.
#[derive(Args, Clone, Debug)]
pub struct FilterArgs {
    /// Only jobs in this state; may be given more than once
    #[arg(long, value_enum, value_name = "STATE")]
    pub state: Vec<StateName>,
    /// Only jobs with this label; may be given more than once
    #[arg(long, value_parser = label, value_name = "KEY=VALUE")]
    pub label: Vec<(String, String)>,
}

impl FilterArgs {
    pub fn filter(&self, create_time: Option<TimeRange>) -> JobFilter {
        JobFilter {
            states: self.state.iter().map(|state| JobState::from(*state)).collect(),
            create_time,
            labels: self.label.iter().cloned().collect(),
        }
    }
}

/// A span of time; `None` when neither end is given.
pub fn span(since: Option<jiff::Timestamp>, until: Option<jiff::Timestamp>) -> Option<TimeRange> {
    (since.is_some() || until.is_some()).then(|| TimeRange {
        start_time: since.map(Into::into),
        end_time: until.map(Into::into),
    })
}

/// `30s`, `2m`, `1h30m`, `0s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time such as 10s, 2m, 24h or 1h30m".to_owned();
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).map_err(|_| wrong())
}

/// `KEY=VALUE`.
pub fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write a label as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected_s: Option<u64>) {
        assert_eq!(duration(text).ok(), expected_s.map(Duration::from_secs), "{text}");
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        check("10s", Some(10));
        check("1h30m", Some(5_400));
        check("24h", Some(86_400));
        check("0s", Some(0));
        check("10", None);
        check("-5s", None);
        check("soon", None);
    }

    #[test]
    fn a_label_is_cut_at_its_first_equals_sign() {
        assert_eq!(label("flow=a=b"), Ok(("flow".into(), "a=b".into())));
        assert!(label("flow").is_err());
    }
}
