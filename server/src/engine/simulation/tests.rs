//! The simulation's own tests: that it can be repeated, that it sees what it is there for, the seeds that once failed, and new ones.
//!
//! `make simulate SEEDS=100000` runs many, `make simulate SEED=7` replays one with its whole trace.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    broken::Broken,
    plan::{OPEN_GATES_FROM, Plan},
    run::{Report, run},
};

/// Seeds that failed once, and what each had found.
const REGRESSIONS: &[(u64, &str)] = &[
    (
        20_058,
        "a late word of an earlier try changed which job a request id was answered with",
    ),
    (
        30_215,
        "who resumed a feed from within its first list was never shown the rest of it",
    ),
    (
        20_205,
        "a watcher that was shown what a rewind took back is shown the end again, which is right",
    ),
    (
        579_979_758,
        "a watcher was told INTERNAL when a failover forgot an answer between two reads",
    ),
    (
        579_979_642,
        "a replica whose first look at the store's clock was slow gave jobs deadlines by its own, which was minutes off",
    ),
    (579_980_035, "the same, and a lookup was put off by minutes"),
    (
        900_003_556,
        "the simulation's operator settled a call that the provider had not yet made up its books about",
    ),
    (
        900_006_283,
        "a job whose lookup was created with a lost reply started another one, and leave for one more charge brought two",
    ),
    (900_008_447, "the same"),
    (
        1_000_002_619,
        "a job that a rewind took away and that was created again had versions of its lost life, in the model store alone",
    ),
    (
        3_000_001_203,
        "a feed's cursor to a position from before a loss was stamped as from after it, and nobody reset it",
    ),
    (
        5_200_000_675,
        "a call that a loss brought back freed the unit of a newer one of which only the charge was left, in the model store alone",
    ),
    (
        77_531,
        "the request id of a job whose loss was declared gets another job, which is right",
    ),
    (
        8_800_007_342,
        "a job that had spent its leave to pay again on a call that a loss took back spent it a second time",
    ),
    (
        8_800_013_459,
        "the simulation's operator read the books before the job had ended, and his word came late",
    ),
    (
        9_900_012_426,
        "the verdict was spoken before a charge that a loss had taken was back, which is the simulation's fault",
    ),
];

/// Seeds in each run of the tests: some seconds' worth.
const SEEDS: u64 = 60;
const SEEDS_FROM: u64 = OPEN_GATES_FROM + 50_000;

/// Within so many seeds each broken build must be caught.
const CAUGHT_WITHIN: u64 = 1_500;

/// Lines of the trace that a failure shows.
const TAIL: usize = 80;

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in OPEN_GATES_FROM..OPEN_GATES_FROM + 10 {
        let (one, two) = (run(seed, None), run(seed, None));
        if one.hash != two.hash {
            let differs = one.trace.iter().zip(&two.trace).position(|(one, two)| one != two);
            let at = differs.unwrap_or(one.trace.len().min(two.trace.len()));
            let show = |report: &Report| {
                report.trace[at.saturating_sub(5)..]
                    .iter()
                    .take(8)
                    .cloned()
                    .collect::<Vec<_>>()
            };
            panic!(
                "seed {seed} differs at line {at}:\n{:#?}\n{:#?}",
                show(&one),
                show(&two)
            );
        }
    }
}

#[test]
fn seeds_that_failed_once_do_not_fail_again() {
    for (seed, found) in REGRESSIONS {
        let report = run(*seed, None);
        assert!(report.violation.is_none(), "it had found: {found}\n{}", told(&report));
    }
}

#[test]
fn broken_builds_are_caught() {
    for broken in Broken::ALL {
        let shows = |seed: &u64| match broken {
            Broken::VersionsTwice => Plan::of(*seed).rewinds(),
            Broken::DeafToLoss | Broken::SendsPostponed => !Plan::of(*seed).losses.is_empty(),
            Broken::NoIntents
            | Broken::NoFences
            | Broken::NoDeadlines
            | Broken::Resends
            | Broken::NoRequestIds
            | Broken::EventsTwice
            | Broken::EventMissing
            | Broken::CursorAhead
            | Broken::Revives => true,
        };
        let caught = (OPEN_GATES_FROM..OPEN_GATES_FROM + CAUGHT_WITHIN)
            .filter(shows)
            .find_map(|seed| Some((seed, run(seed, Some(broken)).violation?)));
        match caught {
            Some((seed, violation)) => println!("{broken:?} is caught by seed {seed}: {violation}"),
            None => panic!("{broken:?} passed {CAUGHT_WITHIN} seeds"),
        }
    }
}

#[test]
fn new_seeds_break_no_promise() {
    if let Some(seed) = asked("SIMULATION_SEED") {
        let report = run(seed, None);
        println!("{}", report.trace.join("\n"));
        assert!(report.violation.is_none(), "{}", told(&report));
        return;
    }
    // Every test run plays the same ones, so that a change is judged by itself; `make simulate` looks for new ones.
    let (count, base) = match asked("SIMULATION_SEEDS") {
        Some(count) => (count, OPEN_GATES_FROM + u64::from(rand::random::<u32>())),
        None => (SEEDS, SEEDS_FROM),
    };
    let base = asked("SIMULATION_BASE").unwrap_or(base);
    println!("seeds {base} to {}", base + count - 1);
    run_all(base, count);
}

fn asked(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// On all cores.
fn run_all(base: u64, count: u64) {
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let failed: Mutex<Vec<Report>> = Mutex::default();
    let totals: Mutex<[usize; 3]> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || failed.lock().unwrap().len() >= 20 {
                        return;
                    }
                    let report = run(base + number, None);
                    let figures = report.figures;
                    let mut totals = totals.lock().unwrap();
                    totals[0] += figures.jobs;
                    totals[1] += figures.charges;
                    totals[2] += figures.unknown;
                    if report.violation.is_some() {
                        println!("{}", headline(&report));
                        failed.lock().unwrap().push(report);
                    }
                }
            });
        }
    });
    let took = began.elapsed().max(Duration::from_millis(1));
    let [jobs, charges, unknown] = totals.into_inner().unwrap();
    let done = next.into_inner().min(count);
    let per_minute = done as f64 / took.as_secs_f64() * 60.0;
    println!("{done} seeds, {per_minute:.0} a minute: {jobs} jobs, {charges} charges, {unknown} left to be settled");
    let failed = failed.into_inner().unwrap();
    if let Some(first) = failed.first() {
        let all: Vec<String> = failed.iter().map(headline).collect();
        panic!(
            "{} of {done} seeds failed:\n{}\n\n{}",
            failed.len(),
            all.join("\n"),
            told(first)
        );
    }
}

fn headline(report: &Report) -> String {
    format!(
        "seed {}: {}",
        report.seed,
        report.violation.as_deref().unwrap_or("passed")
    )
}

fn told(report: &Report) -> String {
    let tail = &report.trace[report.trace.len().saturating_sub(TAIL)..];
    let replay = format!("replay it with its whole trace: make simulate SEED={}", report.seed);
    format!(
        "{}\n{}\n{}\n{replay}",
        report.trace[0],
        tail.join("\n"),
        headline(report)
    )
}
