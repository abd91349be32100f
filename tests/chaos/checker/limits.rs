//! I11 and I14: what is limited stays within its limit. Calls by the clocks of the providers, memory and files by the system's.

use semanas_sandbox::Provider;

use super::Verdict;
use crate::history::History;
use crate::plan::What;
use crate::world::{CALLS_BURST, CALLS_IN_FLIGHT_MAX, CALLS_PER_S_MAX, UNCOUNTED};

/// How much later than another one a call may arrive that left at the same time, while nothing holds it up on purpose: the
/// provider's own latency, and processes that have to wait for one another.
const UNEVEN_MS: u64 = 500;
/// Calls that a fault held up arrive together, until so long after it.
const AFTER_FAULT_MS: u64 = 2_000;
/// Calls that the callers have given up, and of which the provider has not heard: those that hang, behind a link that lets nothing
/// through or of a replica that is frozen. Their places are given away again when their time is over.
const STRAYS_MAX: u64 = 10;
/// For a debug build with some hundred watchers. It has about 30 MiB when it has started.
const MEMORY_BYTES_MAX: u64 = 256 << 20;
/// The callers' connections, those to Redis, and one for each call and poll under way.
const OPEN_FILES_MAX: usize = 500;

pub(super) fn check(history: &History, verdict: &mut Verdict) {
    for provider in Provider::ALL.into_iter().filter(|provider| *provider != UNCOUNTED) {
        check_rate(provider, history, verdict);
    }
    let calls_max = u64::from(CALLS_IN_FLIGHT_MAX) + STRAYS_MAX;
    if history.nubarium_calls_max > calls_max {
        let seen = history.nubarium_calls_max;
        verdict.breaks(
            "I11",
            format!("nubarium had {seen} calls at once, {calls_max} are allowed"),
        );
    }
    for (replica, vitals) in &history.vitals {
        if vitals.memory_bytes_max > MEMORY_BYTES_MAX {
            let mebibytes = vitals.memory_bytes_max >> 20;
            verdict.breaks("I14", format!("replica {replica} had {mebibytes} MiB of memory"));
        }
        if vitals.open_files_max > OPEN_FILES_MAX {
            verdict.breaks(
                "I14",
                format!("replica {replica} had {} files open", vitals.open_files_max),
            );
        }
    }
}

/// In every stretch of time in which nothing held calls up, no more were charged than the quota allows for it.
fn check_rate(provider: Provider, history: &History, verdict: &mut Verdict) {
    let lines = history.booked.iter().filter(|line| line.provider == provider);
    let mut times_ms: Vec<u64> = lines.map(|line| line.at_ms).collect();
    times_ms.sort_unstable();
    // Both in thousandths of a call, which makes a call per second one per millisecond.
    let (rate, burst) = (i64::from(CALLS_PER_S_MAX), i64::from(CALLS_BURST) * 1_000);
    let mut stretch: Vec<u64> = Vec::new();
    for at_ms in times_ms {
        if is_held_up(history, provider, at_ms) {
            stretch.clear();
            continue;
        }
        stretch.push(at_ms);
        // A stretch that begins at the call `from`: what came since then against what was allowed for that time.
        let last = stretch.len() - 1;
        let excess = (0..=last).find(|from| {
            let span_ms = i64::try_from(at_ms - stretch[*from] + UNEVEN_MS).unwrap_or(i64::MAX);
            let calls = i64::try_from(last - from + 1).unwrap_or(i64::MAX);
            calls * 1_000 > burst + rate.saturating_mul(span_ms)
        });
        if let Some(from) = excess {
            let (calls, span_ms) = (last - from + 1, at_ms - stretch[from]);
            let name = provider.name();
            verdict.breaks("I11", format!("{name} was called {calls} times within {span_ms} ms"));
            stretch.clear();
        }
    }
}

/// Whether calls may arrive together at this time that left one by one, or by a gate that lost its memory in a failover.
fn is_held_up(history: &History, provider: Provider, at_ms: u64) -> bool {
    history.blows.iter().any(|blow| {
        let holds = match blow.what {
            What::Freeze { .. } | What::Failover { .. } => true,
            What::Link { .. } => blow.what.may_hide_answers_of(provider, None),
            What::Kill { .. } | What::RollingRestart | What::RedisKill => false,
        };
        holds && blow.began_ms <= at_ms && at_ms <= blow.ended_ms + AFTER_FAULT_MS
    })
}
