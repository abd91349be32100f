//! The scripts, and how one is called. Their text stands in `scripts/`, each headed by its keys, arguments and answers.
//!
//! All but the four that find, create and probe a data set begin with `prelude.lua`, which refuses when the epoch of the slot is
//! not the one that was opened; those of one job go on with `state.lua`, those that move jobs with `reigned.lua`, which refuses
//! under a reign that was not looked at, and those that record intents with `intents.lua`.
//! Every script is declared as one that may write: a replica then refuses it, so that nobody ever reads "no such job" from a server
//! that lags behind.

use std::sync::LazyLock;

use redis::Cmd;

const REIGN_NOW: &str = include_str!("scripts/reign_now.lua");
const REIGNED: &str = include_str!("scripts/reigned.lua");
const STATE: &str = include_str!("scripts/state.lua");
const INTENTS: &str = include_str!("scripts/intents.lua");

/// One script, made ready when it is first used.
pub(super) type Script = LazyLock<Text>;

/// The text of a script, and what is to be known of it.
pub(super) struct Text {
    text: String,
    hash: String,
    /// Whether a failover must not take back what it wrote. The others change nothing, or nothing that does not mend itself: a
    /// lease, a place at a gate, a removal.
    must_last: bool,
}

/// A call of a script, which can be repeated as it is.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) doing: &'static str,
    script: &'static Script,
    keys: Vec<String>,
    args: Vec<Vec<u8>>,
}

macro_rules! scripts {
    ($($name:ident = $header:ident $lasting:ident $file:literal;)*) => {
        $(pub(super) static $name: Script =
            LazyLock::new(|| $lasting($header(include_str!(concat!("scripts/", $file)))));)*
    };
}

scripts! {
    CREATE = grows_by_intents lasts "create.lua";
    CREATE_FOR_JOB = by_intents lasts "create.lua";
    RESERVE = grows lasts "reserve.lua";
    COMMIT = by_intents lasts "commit.lua";
    CLAIM = by_reign passes "claim.lua";
    ADOPT = by_reign lasts "adopt.lua";
    MISSING = by_reign passes "missing.lua";
    REIGN = asks_reign passes "reign.lua";
    RELEASE = of_job passes "release.lua";
    HASTEN = of_job passes "hasten.lua";
    UNCOUNT = of_job passes "uncount.lua";
    READ = guarded passes "read.lua";
    READ_HERE = guarded lasts "read_here.lua";
    VERSIONS = guarded passes "versions.lua";
    LIST = guarded passes "list.lua";
    CHARGES = guarded passes "charges.lua";
    FEED = guarded passes "feed.lua";
    SETTLE = guarded lasts "settle.lua";
    GATE_ENTER = by_turns passes "gate_enter.lua";
    GATE_LEAVE = by_turns passes "gate_leave.lua";
    GATE_STATUS = guarded passes "gate_status.lua";
    PURGE = guarded passes "purge.lua";
    EXAMINE = of_job passes "examine.lua";
    PROBE = bare passes "probe.lua";
    FOUND = bare lasts "found.lua";
    PLANT = bare_asks_reign lasts "plant.lua";
    COMPLETE = bare lasts "complete.lua";
}

/// Brings new work into the store: refused first when memory runs out.
fn grows(text: &str) -> String {
    format!("#!lua\n{}{text}", include_str!("scripts/prelude.lua"))
}

/// Goes on when memory runs out, so that jobs that were accepted can finish and old ones can be removed.
fn guarded(text: &str) -> String {
    format!("#!lua flags=allow-oom\n{}{text}", include_str!("scripts/prelude.lua"))
}

fn bare(text: &str) -> String {
    format!("#!lua flags=allow-oom\n{text}")
}

/// As [`grows`], and only under the reign that the caller has looked at; with how an intent is recorded.
fn grows_by_intents(text: &str) -> String {
    grows(&format!("{STATE}{REIGN_NOW}{REIGNED}{INTENTS}{text}"))
}

/// As [`guarded`], and only under the reign that the caller has looked at.
fn by_reign(text: &str) -> String {
    of_job(&format!("{REIGN_NOW}{REIGNED}{text}"))
}

/// As [`by_reign`], with how an intent is recorded.
fn by_intents(text: &str) -> String {
    by_reign(&format!("{INTENTS}{text}"))
}

/// As [`guarded`], with how what stands beside a job's record is read and written.
fn of_job(text: &str) -> String {
    guarded(&format!("{STATE}{text}"))
}

/// As [`guarded`], with what is told of the turns before a gate.
fn by_turns(text: &str) -> String {
    guarded(&format!("{}{text}", include_str!("scripts/turns.lua")))
}

fn asks_reign(text: &str) -> String {
    guarded(&format!("{REIGN_NOW}{text}"))
}

fn bare_asks_reign(text: &str) -> String {
    bare(&format!("{REIGN_NOW}{text}"))
}

fn lasts(text: String) -> Text {
    Text {
        must_last: true,
        ..passes(text)
    }
}

fn passes(text: String) -> Text {
    Text {
        hash: redis::Script::new(&text).get_hash().to_owned(),
        text,
        must_last: false,
    }
}

// === impl Call ===

impl Call {
    /// `doing` says in errors what was tried.
    pub(super) fn new(doing: &'static str, script: &'static Script) -> Call {
        Call {
            doing,
            script,
            keys: Vec::new(),
            args: Vec::new(),
        }
    }

    pub(super) fn key(mut self, key: String) -> Call {
        self.keys.push(key);
        self
    }

    pub(super) fn arg(mut self, arg: impl Into<Vec<u8>>) -> Call {
        self.args.push(arg.into());
        self
    }

    pub(super) fn number(self, number: u64) -> Call {
        self.arg(number.to_string())
    }

    /// The same, meant for a reign: see `scripts/reigned.lua`. All that are so meant have a place for it.
    pub(super) fn meant(&self, mode: &str, reign: &str, own_reign: &str) -> Call {
        let mut call = self.clone();
        call.args[1] = format!("{mode}:{reign}:{own_reign}").into_bytes();
        call
    }

    /// About what it takes to remember it.
    pub(super) fn bytes(&self) -> usize {
        let keys: usize = self.keys.iter().map(String::len).sum();
        keys + self.args.iter().map(Vec::len).sum::<usize>()
    }

    /// The key that says on which server it runs; all others are in the same slot.
    pub(super) fn first_key(&self) -> &str {
        self.keys.first().expect("every script has a key")
    }

    pub(super) fn must_last(&self) -> bool {
        self.script.must_last
    }

    /// The command for a server that knows the script.
    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.hash)
    }

    /// The command for a server that does not know it yet, and then does.
    pub(super) fn by_text(&self) -> Cmd {
        self.command("EVAL", &self.script.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let head = [name, script, &self.keys.len().to_string()];
        let words = head.len() + self.keys.len() + self.args.len();
        let head_bytes: usize = head.iter().map(|word| word.len()).sum();
        let mut command = Cmd::with_capacity(words, head_bytes + self.bytes());
        command.arg(&head).arg(&self.keys).arg(&self.args);
        command
    }
}
