//! F4: Redis with the real scripts and nothing in front of it: what it allows, and which script takes how much of it.
//!
//! A replica's calls in the life of one job are heard by `MONITOR` and played again for other jobs: the same scripts and arguments,
//! with other names in place of those of the job, its person and its intent. `redis-benchmark` could not do that, since it gives
//! each place that it fills in another value.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use redis::aio::MultiplexedConnection;

use super::Run;
use crate::calls;
use crate::load::{Call, Closed, Errors, closed};
use crate::monitor::{Monitor, Words};
use crate::people;
use crate::world::World;

/// As many as callers of `lifecycle` and `unary`.
const AT_A_TIME: usize = 128;

/// Connections, as a replica has them: of each, Redis takes only so much at a time before it brings to disk what was written.
const LINES: usize = 4;

/// Jobs whose scripts are timed one kind after the other.
const TIMED: usize = 2_000;

/// The last characters of a name, which are exchanged.
const EXCHANGED: usize = 12;

/// No look at a breaker stands between a creation and its intent, and that intent is still good when it is played again.
const HEARD: &[(&str, &str)] = &[
    ("PROVIDERS__TUIDENTIDAD__BREAKER_FAILURES", "0"),
    ("PROVIDERS__TUIDENTIDAD__CALL_TIMEOUT", "14m"),
];

type Lines = Arc<[MultiplexedConnection]>;

/// One call, and which of its bytes name the job, its person or its intent.
#[derive(Clone)]
struct Template {
    name: &'static str,
    words: Words,
    /// Word and offset of the bytes to exchange.
    places: Vec<(usize, usize)>,
}

pub async fn measure(run: &mut Run) -> anyhow::Result<()> {
    let world = World::start().await?;
    let life = heard_life(&world).await?;
    let lines: Lines = future::try_join_all((0..LINES).map(|_| world.redis.connect()))
        .await?
        .into();
    run.quiet.wait("the scripts of a job").await?;
    times(run, &world, &lines, &life).await?;

    let creation: Arc<[Template]> = life.iter().filter(|call| call.name == "create").cloned().collect();
    let life: Arc<[Template]> = life.into();
    let sides = [
        (
            "scripts_submit",
            "F4, Redis alone with Submit's script, per s",
            creation,
        ),
        (
            "scripts_life",
            "F4, Redis alone with all scripts of a life, jobs per s",
            life,
        ),
    ];
    let load = Closed {
        callers: AT_A_TIME,
        warm_up: run.scale.warm_up,
        time: run.scale.time,
    };
    let numbers = Arc::new((TIMED as u64).into());
    for (key, what, calls) in sides {
        let mut per_s = Vec::new();
        for _ in 0..run.scale.repeats {
            run.quiet.wait(what).await?;
            let errors: Arc<Errors> = Arc::default();
            per_s.push(closed(load, &numbers, &play(&lines, &calls), &errors).await);
            run.report.errors(what, errors.told());
        }
        run.report.figure(key, what, &per_s, "");
    }
    Ok(())
}

/// Time that Redis spends on each script of a life.
async fn times(run: &mut Run, world: &World, lines: &Lines, life: &[Template]) -> anyhow::Result<()> {
    let mut told = Vec::new();
    for call in life {
        let before = world.redis.script_time().await?;
        let all = stream::iter(0..TIMED as u64).map(|number| ask(line(lines, number), call, number));
        all.buffer_unordered(AT_A_TIME)
            .try_collect::<Vec<_>>()
            .await
            .map_err(anyhow::Error::msg)?;
        let after = world.redis.script_time().await?;
        let mean_us = (after.1 - before.1) / (after.0 - before.0);
        told.push(format!("{} {mean_us:.0}", call.name));
    }
    let all = told.join(", ");
    run.report
        .note(format!("time in Redis of each script of a life, µs: {all}"));
    Ok(())
}

/// The calls of one job from Submit to the watcher's end.
async fn heard_life(world: &World) -> anyhow::Result<Vec<Template>> {
    let replica = world.replica(HEARD).await?;
    // The first of each kind brings its script with it.
    calls::whole_life(&replica.stubs)(0).await.map_err(anyhow::Error::msg)?;
    let monitor = Monitor::start(&world.redis.url()).await?;
    let submitted = calls::submitted(&replica.stubs, 1, people::by_nss(1)).await;
    let submitted = submitted.map_err(anyhow::Error::msg)?;
    let job_id = submitted.job.context("a submit names a job")?.job_id;
    let watched = calls::watch(&replica.stubs, 1, job_id.clone(), submitted.watch_cursor).await;
    let mut watched = watched.map_err(anyhow::Error::msg)?;
    calls::last_message(&mut watched).await.map_err(anyhow::Error::msg)?;
    // What follows the watcher's end, such as leaving the gate.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let heard: Vec<Words> = monitor.stop();
    let names = names(&heard, job_id.as_bytes())?;
    let of_job = heard.into_iter().filter_map(|words| template(words, &names));
    let life: Vec<Template> = of_job.collect();
    ensure!(life.iter().any(|call| call.name == "create"), "no creation was heard");
    Ok(life)
}

/// The job, its person, and its intent.
fn names(heard: &[Words], job_id: &[u8]) -> anyhow::Result<[Vec<u8>; 3]> {
    let words = || heard.iter().flatten();
    let after = |mark: &[u8], until: u8| {
        words().find_map(|word| {
            let rest = &word[find(word, mark)? + mark.len()..];
            Some(rest[..rest.iter().position(|byte| *byte == until)?].to_vec())
        })
    };
    let person = after(b":dedupe:", b':').context("a creation names a person")?;
    let intent = words().find(|word| word.starts_with(b"att_"));
    let intent = intent.and_then(|word| word.split(|byte| *byte == b' ').next());
    let intent = intent.context("a commit names an intent")?.to_vec();
    // The index of jobs leaves out what all names begin with.
    let job = job_id
        .strip_prefix(b"wh_")
        .context("the name of a work history")?
        .to_vec();
    Ok([job, person, intent])
}

/// `None` for a call that is not about this job, such as a sweep's.
fn template(words: Words, names: &[Vec<u8>; 3]) -> Option<Template> {
    let mut places = Vec::new();
    for (number, word) in words.iter().enumerate() {
        for name in names {
            let mut from = 0;
            while let Some(found) = find(&word[from..], name) {
                from += found + name.len();
                places.push((number, from - EXCHANGED));
            }
        }
    }
    let name = name_of(&words);
    (!places.is_empty()).then_some(Template { name, words, places })
}

/// What a call is for, as its arguments give away.
fn name_of(words: &Words) -> &'static str {
    let marks: [(&[u8], &'static str); 9] = [
        (b"good", "leave the gate"),
        (b":served:", "create"),
        (b":places", "enter the gate"),
        (b"open", "commit of the intent"),
        (b"settle", "commit of the fact"),
        (b":ended", "commit"),
        (b"record", "read"),
        (b"answer", "read the answer"),
        (b":reign", "claim"),
    ];
    let is_said = |mark: &[u8]| match mark {
        // Parts of keys; …
        b":served:" | b":ended" | b":reign" | b":places" => words.iter().any(|word| find(word, mark).is_some()),
        // … the others are words of their own.
        _ => words.iter().any(|word| word == mark),
    };
    let found = marks.iter().find(|(mark, _)| is_said(mark));
    found.map_or("other", |(_, name)| name)
}

fn play(lines: &Lines, calls: &Arc<[Template]>) -> Call {
    let (lines, calls) = (Arc::clone(lines), Arc::clone(calls));
    Arc::new(move |number| {
        let (lines, calls) = (Arc::clone(&lines), Arc::clone(&calls));
        Box::pin(async move {
            for (call, turn) in calls.iter().zip(number..) {
                ask(line(&lines, turn), call, number).await?;
            }
            Ok(())
        })
    })
}

fn line(lines: &Lines, turn: u64) -> MultiplexedConnection {
    lines[turn as usize % LINES].clone()
}

async fn ask(mut connection: MultiplexedConnection, call: &Template, number: u64) -> Result<(), String> {
    let mut words = call.words.clone();
    let exchanged = format!("{number:0EXCHANGED$x}");
    for (word, offset) in &call.places {
        words[*word][*offset..*offset + EXCHANGED].copy_from_slice(exchanged.as_bytes());
    }
    let mut command = redis::Cmd::new();
    words.iter().for_each(|word| {
        command.arg(word);
    });
    let began = Instant::now();
    let answer: Vec<redis::Value> = command
        .query_async(&mut connection)
        .await
        .map_err(|error| error.to_string())?;
    match answer.first() {
        Some(redis::Value::BulkString(word)) if is_refusal(word) => {
            let word = String::from_utf8_lossy(word);
            Err(format!("{} was answered {word} after {:?}", call.name, began.elapsed()))
        }
        _ => Ok(()),
    }
}

/// Answers that a job in order does not get: what is played would not be what a replica does.
fn is_refusal(word: &[u8]) -> bool {
    [
        &b"CONFLICT"[..],
        b"OTHER_REIGN",
        b"NONE",
        b"UNIT_TAKEN",
        b"REFUSED",
        b"DENIED",
        b"ATTACHED",
        b"REPLAY",
        b"DATASET_LOST",
    ]
    .contains(&word)
}

fn find(word: &[u8], part: &[u8]) -> Option<usize> {
    word.windows(part.len()).position(|window| window == part)
}
