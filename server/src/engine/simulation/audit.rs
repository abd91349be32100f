//! What must hold of every write, checked as it is done: I4, I5, I6, I9 and I10.

use std::{sync::Arc, time::Duration};

use super::{
    broken::Broken,
    scene::{Scene, short},
};
use crate::{
    domain::{
        ids::JobId,
        job::{Due, Event, Job, LedgerChange, Source, State},
        outcome::Outcome,
    },
    store::{Claims, Commit, Committed, Created, Creation, How, Lease, Store as _, StoreError, model::Entry},
};

pub(super) async fn create(scene: &Arc<Scene>, who: String, mut creation: Creation) -> Result<Created, StoreError> {
    if let (Some(Broken::NoIntents), Some(first_intent)) = (scene.broken, &mut creation.first_intent) {
        first_intent.transition.ledger = None;
    }
    let created = scene.model.create(creation).await?;
    let job = &created.stored.job;
    let (how_so, state) = (how(&created.how), job.state.name());
    scene.note(&who, format_args!("creates {}: {how_so}, {state}", short(&job.id)));
    if let How::Started(Some(lease)) = &created.how {
        hold(scene, &job.id, lease.fence, &who);
    }
    let living = scene.model.look(|data| {
        let key = |entry: &Entry| (entry.job.tenant.clone(), entry.job.person.clone(), entry.job.id.kind());
        let is_living_twin = |entry: &&Entry| {
            let twin = (job.tenant.clone(), job.person.clone(), job.id.kind());
            key(entry) == twin && !entry.job.is_terminal()
        };
        data.jobs.values().filter(is_living_twin).count()
    });
    scene.check("I9", living <= 1, || {
        format!("{living} living jobs like {}", short(&job.id))
    });
    Ok(created)
}

fn how(how: &How) -> &'static str {
    match how {
        How::Started(Some(_)) => "started and claimed",
        How::Started(None) => "started",
        How::Attached => "attached",
        How::Reused { .. } => "reused",
    }
}

pub(super) async fn claim(scene: &Arc<Scene>, who: String, lease: Duration, max: usize) -> Result<Claims, StoreError> {
    let claims = scene.model.claim_due(lease, max).await?;
    for claim in &claims.claims {
        let (job, fence) = (&claim.stored.job, claim.lease.fence);
        scene.note(
            &who,
            format_args!("claims {} {fence}, {}", short(&job.id), job.state.name()),
        );
        hold(scene, &job.id, fence, &who);
        scene.check("I6", !job.is_terminal(), || {
            format!("{} has ended and is due", short(&job.id))
        });
    }
    Ok(claims)
}

fn hold(scene: &Scene, job: &JobId, fence: u64, who: &str) {
    let mut holders = scene.holders.lock().unwrap();
    holders.insert((job.clone(), fence), who.to_owned());
}

pub(super) async fn commit(scene: &Arc<Scene>, who: String, commit: Commit) -> Result<Committed, StoreError> {
    let id = commit.transition.job.id.clone();
    let before = entry(scene, &id);
    let commit = sabotaged(scene, commit, before.as_ref());
    let (due, ledger) = (commit.transition.due, commit.transition.ledger.clone());
    let (fence, hold) = (commit.fence, commit.hold);
    let mut committed = scene.model.commit(commit).await?;
    if let (Committed::Postponed { .. }, Some(Broken::SendsPostponed)) = (&committed, scene.broken) {
        committed = granted(before.as_ref(), fence, hold);
    }
    let after = entry(scene, &id);
    let done = match &committed {
        Committed::Done { version, .. } => format!("done, version {version}"),
        other => format!("{other:?}"),
    };
    let state = after.as_ref().map_or("gone", |after| after.job.state.name());
    scene.note(&who, format_args!("commits {}: {done}, {state}", short(&id)));
    if let (Some(before), Some(after)) = (before, after)
        && after.version != before.version
    {
        check_history(scene, &before.job, &after.job);
        let is_due = after.due.is_some();
        scene.check("I6", is_due != after.job.is_terminal(), || {
            format!("{} is {state} and due: {is_due}", short(&id))
        });
        let is_decision = due == Due::Held || matches!(ledger, Some(LedgerChange::Open { .. }));
        // A rewind takes back claims that were acknowledged, and their fences are given again.
        if is_decision && !scene.has_rewound() {
            let holder = scene.holders.lock().unwrap().get(&(id.clone(), before.fence)).cloned();
            scene.check("I10", holder.as_deref() == Some(who.as_str()), || {
                format!("{who} decides about {}, which {holder:?} holds", short(&id))
            });
        }
    }
    Ok(committed)
}

/// The answer to an intent that was postponed, as a broken build would read it.
fn granted(before: Option<&Entry>, fence: Option<u64>, hold: Duration) -> Committed {
    Committed::Done {
        version: before.map_or(0, |before| before.version),
        lease: fence.map(|fence| Lease {
            fence,
            expires_at: tokio::time::Instant::now() + hold,
            stalled_claims: 0,
        }),
    }
}

fn entry(scene: &Scene, id: &JobId) -> Option<Entry> {
    scene.model.look(|data| data.jobs.get(id).cloned())
}

fn check_history(scene: &Scene, before: &Job, after: &Job) {
    let id = short(&after.id);
    let first = after.events.first().map_or(1, |event| event.sequence);
    let is_contiguous = after
        .events
        .iter()
        .zip(first..)
        .all(|(event, number)| event.sequence == number)
        && after
            .events
            .last()
            .is_some_and(|event| event.sequence == after.sequence)
        && (after.sequence == before.sequence || after.sequence == before.sequence + 1);
    scene.check("I4", is_contiguous, || format!("the events of {id} are not contiguous"));
    let kept = before.events.iter().filter(|event| event.sequence >= first);
    let is_kept = kept.zip(&after.events).all(|(before, after)| before == after);
    scene.check("I4", is_kept, || format!("events of {id} were changed"));
    if before.is_terminal() {
        let is_quiet = after.state == before.state && after.sequence == before.sequence;
        scene.check("I5", is_quiet, || format!("{id} goes on after its end"));
    }
}

/// The commit as a broken build would make it.
fn sabotaged(scene: &Scene, mut commit: Commit, before: Option<&Entry>) -> Commit {
    match scene.broken {
        Some(Broken::NoIntents) => {
            if matches!(commit.transition.ledger, Some(LedgerChange::Open { .. })) {
                commit.transition.ledger = None;
            }
        }
        Some(Broken::NoFences) => {
            commit.fence = None;
            if let Some(before) =
                before.filter(|before| commit.transition.due == Due::Held && !before.job.is_terminal())
            {
                commit.expected_version = before.version;
            }
        }
        Some(Broken::Resends) => {
            let lost = before.filter(|_| matches!(commit.transition.job.state, State::Ambiguous { .. }));
            let lost = lost.filter(|before| matches!(before.job.state, State::Calling { .. }));
            if let Some((before, intent)) = lost.and_then(|before| Some((before, before.job.live_intent()?))) {
                let not_sent = Event::OutcomeKnown {
                    from: Source::Call,
                    intent: intent.id.clone(),
                    outcome: Outcome::NotSent,
                    next_at: before.job.updated_at,
                };
                commit.transition = before.job.apply(not_sent, before.job.updated_at).unwrap();
            }
        }
        Some(Broken::Revives) => {
            if let Some(before) = before.filter(|before| before.job.is_terminal() && commit.transition.ledger.is_some())
            {
                commit.transition.job.sequence = before.job.sequence + 1;
            }
        }
        Some(
            Broken::NoDeadlines
            | Broken::NoRequestIds
            | Broken::EventsTwice
            | Broken::EventMissing
            | Broken::CursorAhead
            | Broken::VersionsTwice
            | Broken::DeafToLoss
            | Broken::SendsPostponed,
        )
        | None => {}
    }
    commit
}
