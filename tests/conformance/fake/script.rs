//! What the fake is told to do: how it listens, and for each call that comes what it does one after the other.
//!
//! The words of the cases stand here; `words` turns the short ones into messages, `answer` carries them out.

use std::collections::BTreeMap;

use anyhow::bail;
use serde::Deserialize;
use serde_json::Value;

use crate::wire;

/// All of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    #[serde(default)]
    pub listen: Listen,
    /// By method: what is done with the first call, the second, and so on. A call too many fails the case.
    #[serde(default)]
    pub calls: BTreeMap<String, Vec<Vec<Action>>>,
    /// Whether the last answer of each method stands for all that come after.
    #[serde(default)]
    pub last_repeats: bool,
    /// Calls without this bearer token are refused.
    pub bearer_token: Option<String>,
}

/// How the fake can be reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listen {
    #[default]
    Plain,
    /// With a certificate for `localhost` of an authority of the run (`$ca`).
    Tls,
    /// The same, and the client must show a certificate of that authority.
    MutualTls,
    /// The certificate is for another host.
    TlsWrongHost,
    /// The certificate is of an authority that nobody was told of.
    TlsUntrusted,
    /// The certificate was good until yesterday.
    TlsExpired,
    /// At an address of this machine that is not its loopback one (`$other_address`), in plain text.
    OtherAddress,
    /// Connecting is refused for so long, then it listens.
    RefuseForMs(u64),
    /// Connecting is refused for good.
    Refuse,
    /// Takes connections and says nothing on them.
    Mute,
    /// The same for so long; whoever is still there then is answered.
    MuteForMs(u64),
}

/// One thing that is done with a call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// An answer, as protobuf's JSON; `$job` in it stands for a job in the cases' words.
    Message(Value),
    /// A message of a job's watch.
    Snapshot(Value),
    Event(Value),
    /// A message of either watch; the text is its cursor.
    Heartbeat(String),
    Stale(String),
    Draining {
        cursor: String,
        resume_delay_ms: u64,
    },
    /// A message of the feed.
    Job(Value),
    Synced(Value),
    FeedReset(Value),
    /// A message of a watch with a kind of content that the contract does not have.
    UnknownContent(String),
    /// The headers alone, which otherwise go out with the first message.
    Headers,
    DelayMs(u64),
    /// Status OK.
    Ok,
    Error(Refusal),
    /// The stream ends without a status.
    End,
    /// RST_STREAM with this code of HTTP/2.
    Reset(ResetCode),
    /// GOAWAY that lets calls finish.
    GoawayGraceful,
    /// GOAWAY with an error, and the end of the connection.
    GoawayNow,
    /// The end of the connection without a word.
    Close,
    /// The connection stays open, and nothing is read or written on it any more.
    Freeze,
    /// Nothing more; pings are answered. Ends when the client leaves.
    Silence,
    /// An answer of something that is no gRPC server.
    Http {
        status: u16,
        content_type: String,
        body: String,
    },
}

/// A status that is not OK.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    pub code: String,
    #[serde(default)]
    pub message: String,
    /// ErrorInfo, if there is one.
    pub reason: Option<String>,
    /// Of the ErrorInfo.
    pub domain: Option<String>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// RetryInfo.
    pub retry_delay_ms: Option<u64>,
    /// BadRequest.
    #[serde(default)]
    pub violations: Vec<Violation>,
    /// Details that are no protobuf.
    #[serde(default)]
    pub garbage_details: bool,
    /// Whether the headers go out by themselves first, though nothing was sent.
    #[serde(default)]
    pub after_headers: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    pub field: String,
    pub description: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResetCode {
    NoError,
    ProtocolError,
    InternalError,
    RefusedStream,
    Cancel,
    EnhanceYourCalm,
}

impl Script {
    pub fn check(&self) -> anyhow::Result<()> {
        for method in self.calls.keys() {
            if wire::method_named(method).is_none() {
                bail!("the contract has no method {method}");
            }
        }
        Ok(())
    }

    /// What is done with the call of this number (from 0) to this method; none when the script is at its end.
    pub fn answer(&self, method: &str, number: usize) -> Option<&[Action]> {
        let answers = self.calls.get(method)?;
        let last = answers.last().filter(|_| self.last_repeats);
        answers.get(number).or(last).map(Vec::as_slice)
    }

    pub fn is_tls(&self) -> bool {
        match self.listen {
            Listen::Tls | Listen::MutualTls | Listen::TlsWrongHost | Listen::TlsUntrusted | Listen::TlsExpired => true,
            Listen::Plain
            | Listen::OtherAddress
            | Listen::RefuseForMs(_)
            | Listen::Refuse
            | Listen::Mute
            | Listen::MuteForMs(_) => false,
        }
    }
}
