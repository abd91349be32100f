//! What people see, as pictures. Everybody in them is synthetic.

use semanas_client::{Disposition, SubmitWorkHistoryResponse, WorkHistory};

use crate::cli::render::{self, samples};

#[test]
fn a_finished_job_is_shown_as_its_answer() {
    insta::assert_snapshot!(render::ended(&samples::succeeded().into(), None));
}

#[test]
fn a_table_fits_a_narrow_terminal() {
    let text = render::history::work_history(&samples::history().into(), Some(80));
    insta::assert_snapshot!(text);
    let table_lines = text
        .lines()
        .skip(1)
        .take_while(|line| !line.contains("employments are shown"));
    assert!(table_lines.into_iter().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_job_in_full() {
    insta::assert_snapshot!(render::job(&samples::running().into(), None));
}

#[test]
fn a_failed_job_says_why() {
    let texts = [
        render::ended(&samples::failed().into(), None),
        render::job_line(&samples::failed().into()),
        render::cancelled(&samples::failed().into()),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn an_empty_history_is_a_verified_answer() {
    insta::assert_snapshot!(render::history::work_history(&WorkHistory::default(), None));
}

#[test]
fn jobs_as_a_list() {
    let jobs = [
        samples::running().into(),
        samples::failed().into(),
        samples::succeeded().into(),
    ];
    insta::assert_snapshot!(render::jobs(&jobs, None));
    assert_eq!(render::jobs(&[], None), "No jobs.");
}

#[test]
fn updates_as_lines() {
    let lines = [samples::snapshot(), samples::asking()].map(|update| render::update_line(&update));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_submit_says_what_became_of_it() {
    let lines = [Disposition::Started, Disposition::Attached, Disposition::Reused].map(|disposition| {
        render::submitted(&SubmitWorkHistoryResponse {
            job: samples::running().into(),
            disposition,
            watch_cursor: String::new(),
        })
    });
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_nss_stands_on_the_first_line() {
    insta::assert_snapshot!(render::nss(&samples::nss().into()));
}

#[test]
fn the_ledger_and_the_providers() {
    let texts = [
        render::charges(&[samples::charge().into()], None),
        render::providers(&[samples::provider().into()], None),
    ];
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn the_ledger_with_real_identifiers_fits_a_window() {
    let charge = semanas_client::Charge {
        job_id: "nss_01a202c476a17359bd1eb9438e245abb0d".into(),
        provider_reference: "88d7b80c-bccf-45e1-8760-d8ec7388f5a6".into(),
        provider: semanas_client::Provider::TuIdentidad,
        ..samples::charge().into()
    };
    let text = render::charges(std::slice::from_ref(&charge), Some(120));
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    assert!(text.contains(&charge.job_id) && text.contains(&charge.provider_reference));
    let piped = render::charges(&[charge], None);
    assert_eq!(piped.lines().count(), 5, "one line a charge: {piped}");
}
