//! What records leave out comes back, at every step of a life. That earlier records are read is for the tests of `codec`.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use jiff::Timestamp;

use super::CompactJob;
use crate::{
    domain::{
        ids::IntentId,
        job::{Event, Intent, Job, Source, Step},
        outcome::{Outcome, Verdict},
        provider_id::ProviderId,
    },
    store::{codec, conformance::fixtures},
};

const REFERENCE: &str = "6b0361927679451556e19e74";

/// A million of them may wait in memory.
#[test]
fn the_record_of_a_waiting_job_says_nothing_that_the_rest_tells() {
    let mut job = fixtures::work_history(1, fixtures::EPOCH);
    job.ask.provider = Some(ProviderId::Kiban);
    let job = lived(job, vec![intended(ProviderId::Kiban, Step::FetchHistory), accepted()]);
    let text = String::from_utf8(codec::encode_job(&job)).unwrap();
    let names = [job.id.as_str(), job.person.as_str(), job.attempts[0].id.as_str()];
    let text = names.iter().fold(text, |text, name| text.replace(name, "…"));
    assert_eq!(
        text,
        concat!(
            r#"{"v":2,"job":{"id":"…","person":"…","at":1767225600000000000,"deadline":3600000000000,"#,
            r#""ask":{"provider":"kiban","has_names":true,"fresh_after":-86400000000000},"#,
            r#""state":{"waiting":{"intent":0,"reference":"6b0361927679451556e19e74"}},"#,
            r#""attempts":[{"id":"…","at":1000000000}],"#,
            r#""events":[{"stage":"queued"},{"stage":"asking_provider"},{"at":2000000000,"stage":"waiting_for_provider"}]}}"#,
        )
    );
}

#[test]
fn a_life_over_several_calls_comes_back_at_every_step() {
    let mut asked = fixtures::work_history(1, fixtures::EPOCH);
    asked.ask.provider = Some(ProviderId::Kiban);
    // A call that was not asked for stands as such.
    for job in [fixtures::work_history(1, fixtures::EPOCH), asked] {
        let retried = [ProviderId::Kiban, ProviderId::TuIdentidad].map(|by| intended(by, Step::FetchHistory));
        let [first, second] = retried;
        lived(
            job,
            vec![first, known(Outcome::NotSent), second, accepted(), polled(), answered()],
        );
    }
    let lookup = fixtures::nss_lookup(1, fixtures::EPOCH);
    lived(
        lookup,
        vec![
            intended(ProviderId::Nubarium, Step::FindNss),
            known(Outcome::Ambiguous),
            answered(),
        ],
    );
}

#[test]
fn a_call_of_a_lookup_that_is_shared_keeps_its_own_step() {
    let find = intended(ProviderId::Nubarium, Step::FindNss);
    let lookup = lived(fixtures::nss_lookup(1, fixtures::EPOCH), vec![find, answered()]);
    let job = fixtures::work_history(1, fixtures::EPOCH);
    let (id, attempts) = (lookup.id.clone(), lookup.attempts);
    lived(
        job,
        vec![
            Box::new(move |_| Event::NssRequested {
                lookup: id.clone(),
                sweep_at: fixtures::EPOCH,
            }),
            Box::new(move |_| Event::NssFound {
                attempts: attempts.clone(),
            }),
            intended(ProviderId::TuIdentidad, Step::FetchHistory),
            answered(),
        ],
    );
}

/// What happens to a job as it is.
type Happens = Box<dyn Fn(&Job) -> Event>;

/// The job after all of it, a second for each. Its record is read back each time.
#[track_caller]
fn lived(mut job: Job, events: Vec<Happens>) -> Job {
    for (second, happens) in (1..).zip(events) {
        let now: Timestamp = fixtures::EPOCH + Duration::from_secs(second);
        job = job.apply(happens(&job), now).unwrap().job;
        assert_eq!(CompactJob::of(&job).into_job().ok().as_ref(), Some(&job));
        let record = codec::encode_job(&job);
        assert_eq!(codec::decode_job("it", &record).unwrap(), job);
    }
    job
}

fn intended(provider: ProviderId, step: Step) -> Happens {
    Box::new(move |_| Event::IntentRecorded {
        intent: Intent {
            id: IntentId::new(fixtures::next_uuid()),
            provider,
            step,
        },
    })
}

fn accepted() -> Happens {
    known(Outcome::Accepted {
        reference: REFERENCE.to_owned(),
    })
}

fn answered() -> Happens {
    known(Outcome::Answered {
        verdict: Verdict::Found,
        reference: None,
    })
}

/// The provider is still at it.
fn polled() -> Happens {
    Box::new(|_| Event::Deferred { until: fixtures::EPOCH })
}

/// Of the call that is under way.
fn known(outcome: Outcome) -> Happens {
    Box::new(move |job| Event::OutcomeKnown {
        from: Source::Poll,
        intent: job.live_intent().unwrap().id.clone(),
        outcome: outcome.clone(),
        next_at: fixtures::EPOCH,
    })
}
