//! Crowds before a gate in simulated time: how long they take, how often they ask, and that the limits hold meanwhile.

use std::collections::BTreeMap;

use super::*;

/// Jobs that all come in one millisecond, and how things go with them.
struct Crowd {
    limits: GateLimits,
    jobs: u128,
    call_ms: u64,
    /// How long each step of a job's way to the gate takes at the most, and the seed of how long it does.
    way_ms_max: u64,
    seed: u64,
    /// One in so many never comes back.
    lost: u128,
}

#[derive(Debug, Default)]
struct Seen {
    starts_ms: Vec<u64>,
    /// The numbers of the jobs in the order of their calls.
    order: Vec<u128>,
    /// Tries of each job.
    tries: BTreeMap<u128, u32>,
    in_flight_max: u32,
    end_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Does {
    Leave,
    Enter,
}

impl Crowd {
    fn run(&self) -> Seen {
        let mut tried = Tried::new(self.limits.clone());
        let mut seen = Seen::default();
        let mut due: BTreeMap<(u128, Does), u64> = (0..self.jobs).map(|job| ((job, Does::Enter), 0)).collect();
        let mut dice = self.seed;
        let mut way_ms = move || {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (dice >> 33) % (self.way_ms_max + 1)
        };
        while let Some((&(job, does), &at_ms)) = due.iter().min_by_key(|((job, does), at_ms)| (**at_ms, *does, *job)) {
            due.remove(&(job, does));
            tried.now_ms = at_ms;
            seen.end_ms = at_ms;
            match does {
                Does::Leave => {
                    let now = super::at_ms(at_ms);
                    for called in tried.gate.leave(&call(job), &tried.limits, GateReport::Good, now) {
                        let number = (0..self.jobs).find(|number| super::job(*number) == called.job).unwrap();
                        let come_ms = at_ms + called.within.as_millis() as u64 + way_ms();
                        due.entry((number, Does::Enter))
                            .and_modify(|due_ms| *due_ms = come_ms.min(*due_ms));
                    }
                }
                Does::Enter => {
                    *seen.tries.entry(job).or_default() += 1;
                    match tried.enter(job) {
                        Passage::Granted { start_in } => {
                            let start_ms = at_ms + start_in.as_millis() as u64;
                            seen.starts_ms.push(start_ms);
                            seen.order.push(job);
                            due.insert((job, Does::Leave), start_ms + self.call_ms);
                        }
                        Passage::Denied { .. } if self.lost > 0 && job % self.lost == 1 => {}
                        Passage::Denied { retry_after, .. } => {
                            let come_ms = at_ms + retry_after.as_millis() as u64 + way_ms();
                            due.insert((job, Does::Enter), come_ms);
                        }
                    }
                    let status = tried.gate.status(super::at_ms(at_ms));
                    seen.in_flight_max = seen.in_flight_max.max(status.in_flight);
                }
            }
        }
        seen
    }
}

impl Seen {
    /// How far from its age a job was called at the most.
    fn displaced(&self) -> u128 {
        let places = self.order.iter().enumerate();
        places
            .map(|(place, job)| job.abs_diff(place as u128))
            .max()
            .unwrap_or(0)
    }

    fn tries_max(&self) -> u32 {
        self.tries.values().copied().max().unwrap_or(0)
    }
}

fn crowd(limits: GateLimits, jobs: u128) -> Crowd {
    Crowd {
        limits,
        jobs,
        call_ms: 50,
        way_ms_max: 0,
        seed: 1,
        lost: 0,
    }
}

#[test]
fn eighteen_at_five_a_second_take_as_long_as_eighteen_intervals() {
    let seen = crowd(rate(5, 1), 18).run();
    assert_eq!(seen.starts_ms.last(), Some(&3_400));
    assert_eq!((seen.tries_max(), seen.displaced()), (2, 0));
}

#[test]
fn five_hundred_at_fifty_a_second_take_as_long_as_five_hundred_intervals() {
    let seen = crowd(rate(50, 1), 500).run();
    assert_eq!(seen.starts_ms.last(), Some(&9_980));
    assert_eq!((seen.tries_max(), seen.displaced()), (2, 0));
}

#[test]
fn a_hundred_in_four_places_keep_them_full() {
    let seen = Crowd {
        call_ms: 1_000,
        ..crowd(places(4), 100)
    }
    .run();
    assert_eq!((seen.end_ms, seen.in_flight_max), (25_000, 4));
    assert_eq!((seen.tries_max(), seen.displaced()), (2, 0));
}

#[test]
fn a_rate_and_places_together_are_both_used_up() {
    let few = GateLimits {
        in_flight_max: 20,
        ..rate(50, 1)
    };
    let seen = crowd(few.clone(), 500).run();
    assert_eq!(seen.starts_ms.last(), Some(&9_980), "the rate is what holds them up");
    assert!(seen.tries_max() <= 3, "{:?}", seen.tries_max());
    let seen = Crowd {
        call_ms: 1_000,
        ..crowd(few, 200)
    }
    .run();
    assert!(seen.end_ms <= 10_500, "the places are: {}", seen.end_ms);
    assert!(seen.tries_max() <= 3, "{:?}", seen.tries_max());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However long each takes to come: the rate is used up, nobody asks often, and nobody waits for long behind the young.
    #[test]
    fn a_crowd_uses_up_the_rate(rate_max in 1u32..60, jobs in 2u128..200, way_ms_max in 0u64..120, seed: u64) {
        let seen = Crowd { way_ms_max, seed, ..crowd(rate(rate_max, 1), jobs) }.run();
        prop_assert_eq!(seen.order.len() as u128, jobs);
        let ideal_ms = (jobs as u64 - 1) * 1000_u64.div_ceil(u64::from(rate_max));
        let last_ms = *seen.starts_ms.last().unwrap();
        prop_assert!(last_ms <= ideal_ms + 250, "{last_ms} ms where {ideal_ms} ms would do");
        prop_assert!(seen.tries_max() <= 3 + (ideal_ms / 30_000) as u32, "{seen:?}");
        prop_assert!(seen.displaced() <= 2 + u128::from(rate_max * 300 / 1000), "{}", seen.displaced());
    }

    /// However long each takes to come: a place is empty only while the next one is on its way.
    #[test]
    fn a_crowd_fills_the_places(
        in_flight_max in 1u32..20, jobs in 2u128..150, call_ms in 50u64..2_000, way_ms_max in 0u64..120, seed: u64,
    ) {
        let seen = Crowd { way_ms_max, seed, call_ms, ..crowd(places(in_flight_max), jobs) }.run();
        prop_assert_eq!(seen.order.len() as u128, jobs);
        prop_assert!(seen.in_flight_max <= in_flight_max);
        let rounds = (jobs as u64).div_ceil(u64::from(in_flight_max));
        let end_ms = rounds * (call_ms + way_ms_max);
        prop_assert!(seen.end_ms <= end_ms, "{} ms where {end_ms} ms would do", seen.end_ms);
        prop_assert!(seen.displaced() <= u128::from(in_flight_max) + 1, "{}", seen.displaced());
    }

    /// One in five is cancelled, or its time is up: each costs its own turn, or a place for a moment.
    #[test]
    fn those_who_never_come_back_hold_up_nobody_for_long(
        jobs in 5u128..100, way_ms_max in 0u64..100, seed: u64, in_flight_max in 1u32..8,
    ) {
        let lost = Crowd { way_ms_max, seed, lost: 5, ..crowd(rate(10, 1), jobs) }.run();
        prop_assert!(*lost.starts_ms.last().unwrap() <= jobs as u64 * 100 + 250, "{lost:?}");
        let lost = Crowd { way_ms_max, seed, lost: 5, call_ms: 500, ..crowd(places(in_flight_max), jobs) }.run();
        let (came, gone) = (lost.order.len() as u64, jobs as u64 - lost.order.len() as u64);
        let end_ms = (came * (500 + way_ms_max) + gone * 1_000) / u64::from(in_flight_max) + 8_000;
        prop_assert!(lost.end_ms <= end_ms, "{} ms where {end_ms} ms would do", lost.end_ms);
    }
}
