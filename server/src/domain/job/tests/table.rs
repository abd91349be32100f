//! State x event as a table, held equal to the one in ARCHITECTURE.md. `UPDATE=1 cargo test state_table` writes it there.
//!
//! One job stands for each state and one event for each row; what hangs on more than that is in the legend and in the stories.

use std::fmt::Write as _;

use super::*;

const ARCHITECTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ARCHITECTURE.md");
const BEGIN: &str = "<!-- state-table:begin -->\n";
const END: &str = "<!-- state-table:end -->\n";

const LEGEND: &str = "\
`=` the state stays, `–` is illegal, `$` writes to the ledger, `*` changes the job's record, `t` sets a new due time. \
*this* is the job's newest intent, *other* one that it never had. Not to be seen in the table:

- With a cancel asked for, a call that turns out to have cost nothing ends CANCELLED instead of going back to Queued.
- A job with an unknown charge (of a call abandoned for another route) and no answer ends OUTCOME_UNKNOWN, not FAILED or CANCELLED.
- A Queued or AwaitingNss job takes the late answer to a call that it had abandoned, and ends with it.
- The outcomes are those of polls; in Waiting, the reply to the call itself counts only when it is the answer, since a callback has
  overtaken it and the provider has the request.
- Settled is legal after every end that left money in question, with yes or no only.
";

#[test]
fn the_state_table_is_the_one_in_architecture_md() {
    let expected = format!("{}\n{LEGEND}", table());
    let text = std::fs::read_to_string(ARCHITECTURE).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (block, after) = rest.split_once(END).unwrap();
    if block == expected {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(ARCHITECTURE, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    panic!(
        "ARCHITECTURE.md holds another table; run again with UPDATE=1, or paste this between the markers:\n{expected}"
    );
}

fn table() -> String {
    let jobs = jobs();
    let events = events();
    let heads = jobs.iter().map(|job| job.state.name().to_owned());
    let mut rows = vec![std::iter::once(String::new()).chain(heads).collect::<Vec<_>>()];
    for (label, event) in &events {
        let cells = jobs.iter().map(|job| cell(job, event));
        rows.push(std::iter::once((*label).to_owned()).chain(cells).collect());
    }
    let widths: Vec<usize> = (0..=jobs.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap())
        .collect();
    let rule: String = widths
        .iter()
        .map(|width| format!("|{}", "-".repeat(width + 2)))
        .collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            write!(text, "| {cell:<width$} ").unwrap();
        }
        text.push_str("|\n");
        if number == 0 {
            text.push_str(&format!("{rule}|\n"));
        }
    }
    text
}

fn cell(job: &Job, event: &Event) -> String {
    let Ok(next) = job.apply(event.clone(), at(100)) else {
        return "–".to_owned();
    };
    let moved = next.job.state.name() != job.state.name();
    let mut cell = if moved { next.job.state.name() } else { "=" }.to_owned();
    if !moved && next.job != *job && next.ledger.is_none() {
        cell.push('*');
    }
    if !moved && matches!(next.due, Due::At(_)) {
        cell.push_str(" t");
    }
    if next.ledger.is_some() {
        cell.push_str(" $");
    }
    cell
}

/// One job for each state, in the order in which they are declared. All but the first two have made one call, `this`.
fn jobs() -> Vec<Job> {
    let this = this();
    let calling = || Life::new().calls(&this);
    let lives = [
        Life::new(),
        Life::new().then(Event::NssRequested {
            lookup: lookup(),
            sweep_at: at(50),
        }),
        calling(),
        calling().learns(&this, accepted()),
        calling().loses_its_caller(),
        calling().learns(&this, found()),
        calling().learns(&this, answered_no()),
        calling().then(Event::CancelAsked).learns(&this, down()),
        calling().learns(&this, accepted()).then(Event::TimeUp),
    ];
    lives.map(|life| life.job).to_vec()
}

fn this() -> Intent {
    intent(1, ProviderId::Kiban)
}

fn events() -> Vec<(&'static str, Event)> {
    let other = intent(2, ProviderId::Kiban);
    let known = |of: &Intent, outcome| Event::OutcomeKnown {
        from: Source::Poll,
        intent: of.id.clone(),
        outcome,
        next_at: at(130),
    };
    let missed = |fall_back| Event::NssMissed {
        failure: failure(Reason::NssNotFound),
        attempts: vec![lookup_attempt(Charge::Yes)],
        fall_back,
    };
    let this = &this();
    vec![
        (
            "NssRequested",
            Event::NssRequested {
                lookup: lookup(),
                sweep_at: at(150),
            },
        ),
        (
            "NssFound",
            Event::NssFound {
                attempts: vec![lookup_attempt(Charge::Yes)],
            },
        ),
        ("NssMissed, a route is left", missed(true)),
        ("NssMissed, none is", missed(false)),
        ("Deferred", Event::Deferred { until: at(130) }),
        ("IntentRecorded", Event::IntentRecorded { intent: other.clone() }),
        ("this: NotSent", known(this, Outcome::NotSent)),
        ("this: Rejected", known(this, rejected())),
        ("this: Down", known(this, down())),
        ("this: Accepted", known(this, accepted())),
        ("this: Answered, found", known(this, found())),
        ("this: Answered, no", known(this, answered_no())),
        ("this: Unusable", known(this, unusable())),
        ("this: ReferenceLost", known(this, reference_lost())),
        ("this: Ambiguous", known(this, Outcome::Ambiguous)),
        ("other: any outcome", known(&other, found())),
        ("Hinted, this", hinted(this)),
        ("Hinted, other", hinted(&other)),
        ("CallerLost", Event::CallerLost { until: at(160) }),
        ("AmbiguityAbandoned", Event::AmbiguityAbandoned),
        (
            "Exhausted",
            Event::Exhausted {
                failure: Failure::own(Reason::NoRoute),
            },
        ),
        ("CancelAsked", Event::CancelAsked),
        ("TimeUp", Event::TimeUp),
        ("TakenUp", Event::TakenUp),
        ("Stalled", Event::Stalled),
        (
            "Joined",
            Event::Joined {
                limit: 0,
                dependent: None,
            },
        ),
        ("Settled", settled(Charge::No)),
    ]
}

#[test]
fn the_table_has_every_state_and_every_event() {
    let mut states: Vec<&str> = jobs().iter().map(|job| job.state.name()).collect();
    states.dedup();
    assert_eq!(states.len(), 9, "{states:?}");
    let mut events: Vec<&str> = events().iter().map(|(_, event)| event.name()).collect();
    events.dedup();
    assert_eq!(events.len(), 16, "{events:?}");
}
