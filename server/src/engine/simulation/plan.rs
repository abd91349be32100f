//! What a seed means: how many there are of everything, the settings, the weather, and what is done to whom and when.

use std::{collections::BTreeMap, time::Duration};

use super::chance::Chance;
use crate::{
    domain::{gate::GateLimits, provider_id::ProviderId, retry::Backoff},
    engine::{Options, ProviderOptions, Route, WatchOptions},
};

/// The faults and the callers come within this time; what follows is the recovery.
pub(super) const STORM: Duration = Duration::from_secs(40);

/// Seeds from here on have more gates that count nothing. The older ones keep the plans with which they found something.
pub(super) const OPEN_GATES_FROM: u64 = 10_000_000_000;

/// A run by its seed.
#[derive(Debug)]
pub(super) struct Plan {
    pub seed: u64,
    pub people: usize,
    pub callers: usize,
    pub options: Options,
    /// How far each replica's own clock is off; there are as many replicas as clocks.
    pub skews_ms: Vec<i64>,
    pub store: StoreWeather,
    /// How the providers take calls, each course with its weight.
    pub courses: Vec<(u64, Course)>,
    pub disturbances: Vec<(Duration, Disturbance)>,
    pub losses: Vec<(Duration, Disturbance)>,
    /// Nothing goes wrong: then nothing may be left to be settled.
    pub is_fair: bool,
    /// Whether callers allow repeats, take no old answers, and operators settle.
    pub gives_leave: bool,
}

/// How often, in percent, what happens to a call of the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreWeather {
    /// Never gets there.
    pub lost: u64,
    /// Is done, and the reply is lost.
    pub reply_lost: u64,
    /// Is done long after its caller gave up.
    pub late: u64,
    /// Takes long, there and back.
    pub slow: u64,
    pub slow_ms_max: u64,
    /// The replica freezes between its intent and its call.
    pub freezes_at_intent: u64,
    /// A bell is lost, rung twice, or rung late.
    pub bell_lost: u64,
    pub bell_twice: u64,
    pub bell_late: u64,
}

/// How a provider takes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    NotSent,
    Refused,
    Down,
    Found,
    No,
    /// A ticket to poll for; Kiban may also call back.
    Ticket,
    /// Done and billed, and the reply is lost; Kiban may call back.
    ReplyLost,
    /// Neither done nor billed, and nobody learns of it.
    RequestLost,
    Unusable,
    /// Done and billed, and no reply comes in any time.
    Hangs,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Disturbance {
    Crash {
        replica: usize,
        down: Duration,
    },
    Freeze {
        replica: usize,
        thaws: Duration,
    },
    Drain {
        replica: usize,
        down: Duration,
    },
    /// No call gets to the store.
    Unreachable {
        ends: Duration,
    },
    /// Calls get there, and no reply comes back.
    Mute {
        ends: Duration,
    },
    /// Writes are applied, shown and not acknowledged, and then are gone.
    Rewind {
        ends: Duration,
    },
    /// Writes are acknowledged, and then are gone; the store finds out, puts back what is remembered, and declares the loss.
    Loss {
        ends: Duration,
        pause: Duration,
    },
}

impl Plan {
    pub(super) fn of(seed: u64) -> Plan {
        let chance = Chance::of(seed, "plan");
        let is_fair = chance.percent(5);
        let replicas = chance.weighted(&[(15, 1), (45, 2), (40, 3)]);
        let is_skewed = chance.percent(15);
        let skew_ms = |_| {
            if is_skewed {
                chance.between(0, 1_200_000) as i64 - 600_000
            } else {
                0
            }
        };
        let skews_ms: Vec<i64> = (0..replicas).map(skew_ms).collect();
        let losses = if is_fair { Vec::new() } else { losses(seed) };
        let mut options = options(&chance);
        if seed >= OPEN_GATES_FROM {
            open_gates(&Chance::of(seed, "gates"), &mut options);
        }
        Plan {
            seed,
            people: chance.between(1, 4) as usize,
            callers: chance.between(2, 7) as usize,
            options,
            store: if is_fair { FAIR } else { store(&chance) },
            courses: courses(&chance, is_fair),
            disturbances: if is_fair {
                Vec::new()
            } else {
                disturbances(&chance, replicas)
            },
            losses,
            is_fair,
            gives_leave: chance.percent(25),
            skews_ms,
        }
    }

    pub(super) fn rewinds(&self) -> bool {
        let is_rewind = |(_, what): &(Duration, Disturbance)| matches!(what, Disturbance::Rewind { .. });
        self.disturbances.iter().any(is_rewind)
    }
}

const FAIR: StoreWeather = StoreWeather {
    lost: 0,
    reply_lost: 0,
    late: 0,
    slow: 5,
    slow_ms_max: 100,
    freezes_at_intent: 0,
    bell_lost: 20,
    bell_twice: 20,
    bell_late: 20,
};

fn disturbances(chance: &Chance, replicas: usize) -> Vec<(Duration, Disturbance)> {
    let count = chance.weighted(&[(10, 0), (25, 1), (30, 3), (35, 7)]);
    let rewinds = chance.percent(25);
    let mut disturbances: Vec<_> = (0..count)
        .map(|_| {
            let replica = chance.below(replicas);
            let (short, long) = (chance.ms(50, 3_000), chance.ms(500, 15_000));
            let what = match chance.weighted(&[
                (30, 0),
                (30, 1),
                (15, 2),
                (10, 3),
                (10, 4),
                (if rewinds { 40 } else { 0 }, 5),
            ]) {
                0 => Disturbance::Crash { replica, down: long },
                1 => Disturbance::Freeze { replica, thaws: long },
                2 => Disturbance::Drain { replica, down: short },
                3 => Disturbance::Unreachable { ends: short },
                4 => Disturbance::Mute { ends: short },
                _ => Disturbance::Rewind { ends: short },
            };
            (chance.ms(0, STORM.as_millis() as u64), what)
        })
        .collect();
    disturbances.sort_by_key(|(at, _)| *at);
    disturbances
}

/// Before a gate that counts nothing a job may begin with its first intent.
fn open_gates(chance: &Chance, options: &mut Options) {
    if chance.percent(50) {
        let breaker_failures = *chance.pick(&[0, 0, 2]);
        for provider in options.providers.values_mut() {
            provider.gate.rate_max = 0;
            provider.gate.in_flight_max = 0;
            provider.gate.breaker_failures = breaker_failures;
        }
    }
}

fn losses(seed: u64) -> Vec<(Duration, Disturbance)> {
    let chance = Chance::of(seed, "losses");
    let count = chance.weighted(&[(85, 0), (10, 1), (5, 2)]);
    let loss = |_| {
        let (ends, pause) = (chance.ms(20, 3_000), chance.ms(500, 6_000));
        (
            chance.ms(0, STORM.as_millis() as u64),
            Disturbance::Loss { ends, pause },
        )
    };
    (0..count).map(loss).collect()
}

fn store(chance: &Chance) -> StoreWeather {
    // Fair, changeable, or foul.
    let foul = *chance.pick(&[0, 1, 4]);
    StoreWeather {
        lost: foul * chance.between(0, 2),
        reply_lost: foul * chance.between(0, 3),
        late: foul * chance.between(0, 2),
        slow: foul * chance.between(0, 3) + 1,
        freezes_at_intent: foul * chance.between(0, 2),
        slow_ms_max: *chance.pick(&[200, 2_000, 12_000]),
        bell_lost: foul * chance.between(0, 10),
        bell_twice: foul * chance.between(0, 5),
        bell_late: foul * chance.between(0, 10),
    }
}

fn courses(chance: &Chance, is_fair: bool) -> Vec<(u64, Course)> {
    let nasty = if is_fair { 0 } else { *chance.pick(&[0, 1, 5]) };
    vec![
        (10, Course::Found),
        (15, Course::Ticket),
        (3, Course::No),
        (nasty, Course::NotSent),
        (nasty, Course::Refused),
        (nasty * 2, Course::Down),
        (nasty * 2, Course::ReplyLost),
        (nasty, Course::RequestLost),
        (nasty, Course::Unusable),
        (nasty, Course::Hangs),
    ]
}

fn options(chance: &Chance) -> Options {
    let backoff = |first_ms, max_ms, tries_max| Backoff {
        first: Duration::from_millis(first_ms),
        factor: 2.0,
        max: Duration::from_millis(max_ms),
        tries_max,
    };
    let provider = ProviderOptions {
        call_time_limit: chance.ms(500, 4_000),
        poll_time_limit: Duration::from_secs(1),
        poll: backoff(200, 2_000, 0),
        gate: GateLimits {
            rate_max: *chance.pick(&[0, 0, 3]),
            rate_window: Duration::from_secs(1),
            rate_burst: 1,
            in_flight_max: *chance.pick(&[0, 0, 1, 2]),
            breaker_failures: *chance.pick(&[0, 2]),
            breaker_open: Duration::from_secs(2),
        },
    };
    let is_wide = chance.percent(80);
    Options {
        workers_max: *chance.pick(&[1, 4, 16]),
        lease: chance.ms(1_000, 6_000),
        sweep_interval: Duration::from_millis(1_000),
        job_deadline: chance.ms(8_000, 40_000),
        max_age_default: Duration::from_secs(24 * 3600),
        stalled_claims_max: *chance.pick(&[3, 10]),
        ambiguous_grace: chance.ms(500, 5_000),
        ambiguous_failover: chance.percent(30),
        person_daily_max: *chance.pick(&[0, 0, 2]),
        retry: backoff(100, 1_000, chance.between(1, 3) as u32),
        routes: if chance.percent(70) {
            vec![Route::Kiban, Route::Nss]
        } else {
            vec![Route::Nss, Route::Kiban]
        },
        lookup_wait_max: Duration::from_secs(10),
        retention: Duration::from_secs(30 * 24 * 3600),
        test_cases_allowed: true,
        public_url: chance.percent(70).then(|| "http://semanas.test".to_owned()),
        drain_limit: Duration::from_secs(10),
        watch: WatchOptions {
            heartbeat_interval: Duration::from_secs(3),
            stream_age_min: Duration::from_secs(5),
            stream_age_max: Duration::from_secs(30),
            resync_interval: Duration::from_secs(5),
            streams_max: if is_wide { 100 } else { 3 },
            cursor_ttl: Duration::from_secs(24 * 3600),
            slow_reader_limit: Duration::from_secs(30),
        },
        providers: BTreeMap::from(ProviderId::ALL.map(|id| (id, provider.clone()))),
    }
}
