//! The scripts, and how one is called. Their text stands in `scripts/`, each headed by its keys, arguments and answers.
//!
//! All but the four that find, create and probe a data set begin with `prelude.lua`, which refuses when the epoch of the slot is
//! not the one that was opened. Every script is declared as one that may write: a replica then refuses it, so that nobody
//! ever reads "no such job" from a server that lags behind.

use std::sync::LazyLock;

use redis::{ScriptInvocation, aio::ConnectionLike};

/// One script, made ready when it is first used.
pub(super) type Script = LazyLock<redis::Script>;

/// A call of a script, which can be repeated as it is.
pub(super) struct Call {
    pub(super) doing: &'static str,
    script: &'static Script,
    keys: Vec<String>,
    args: Vec<Vec<u8>>,
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $header:ident $file:literal;)*) => {
        $($(#[$doc])* pub(super) static $name: Script = LazyLock::new(|| $header(include_str!(concat!("scripts/", $file))));)*
    };
}

scripts! {
    CREATE = grows "create.lua";
    RESERVE = grows "reserve.lua";
    COMMIT = guarded "commit.lua";
    CLAIM = guarded "claim.lua";
    RELEASE = guarded "release.lua";
    READ = guarded "read.lua";
    LIST = guarded "list.lua";
    CHARGES = guarded "charges.lua";
    FEED = guarded "feed.lua";
    SETTLE = guarded "settle.lua";
    GATE_ENTER = guarded "gate_enter.lua";
    GATE_LEAVE = guarded "gate_leave.lua";
    GATE_STATUS = guarded "gate_status.lua";
    PURGE = guarded "purge.lua";
    PROBE = bare "probe.lua";
    FOUND = bare "found.lua";
    PLANT = bare "plant.lua";
    COMPLETE = bare "complete.lua";
}

/// Brings new work into the store: refused first when memory runs out.
fn grows(text: &str) -> redis::Script {
    redis::Script::new(&format!("#!lua\n{}{text}", include_str!("scripts/prelude.lua")))
}

/// Goes on when memory runs out, so that jobs that were accepted can finish and old ones can be removed.
fn guarded(text: &str) -> redis::Script {
    redis::Script::new(&format!(
        "#!lua flags=allow-oom\n{}{text}",
        include_str!("scripts/prelude.lua")
    ))
}

fn bare(text: &str) -> redis::Script {
    redis::Script::new(&format!("#!lua flags=allow-oom\n{text}"))
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

    /// Runs it once; a server that does not know the script is given it.
    pub(super) async fn invoke(&self, connection: &mut impl ConnectionLike) -> redis::RedisResult<Vec<redis::Value>> {
        let mut invocation: ScriptInvocation<'_> = self.script.prepare_invoke();
        for key in &self.keys {
            invocation.key(key);
        }
        for arg in &self.args {
            invocation.arg(arg.as_slice());
        }
        invocation.invoke_async(connection).await
    }
}
