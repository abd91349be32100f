//! What the command line accepts and says of itself.

use clap::CommandFactory as _;
use clap::Parser as _;

use crate::cli::Cli;

/// What a command line means to the parser: the command, or the kind of mistake.
#[track_caller]
fn check(line: &str, is_accepted: bool) {
    let parsed = Cli::try_parse_from(line.split(' '));
    assert_eq!(parsed.is_ok(), is_accepted, "{line}");
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_person_is_given_once_in_one_of_three_ways() {
    check("semanas lookup GOAA970724HYNNNL08", true);
    check("semanas lookup --curp GOAA970724HYNNNL08", true);
    check("semanas lookup -", true);
    check("semanas lookup", false);
    check("semanas lookup GOAA970724HYNNNL08 --curp GOAA970724HYNNNL08", false);
}

#[test]
fn common_options_stand_before_or_after_the_command() {
    check("semanas --output json list", true);
    check("semanas list --output json --server https://semanas.example.mx", true);
    check("semanas list --output xml", false);
    check("semanas list --timeout soon", false);
}

#[test]
fn a_watch_is_of_one_job_or_of_all() {
    check("semanas watch wh_1 --cursor -abc", true);
    check(
        "semanas watch --all --state running --state queued --label flow=demo",
        true,
    );
    check("semanas watch", false);
    check("semanas watch wh_1 --all", false);
}

#[test]
fn every_command_shows_examples() {
    for command in Cli::command()
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
    {
        let shown = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(
            shown.contains(&format!("semanas {}", command.get_name())),
            "{}",
            command.get_name()
        );
    }
}

#[test]
fn a_person_on_the_command_line_is_in_no_debug_print() {
    let line = "semanas submit GOAA970724HYNNNL08 --given-names JOSE --nss 12345678903";
    let parsed = format!("{:?}", Cli::try_parse_from(line.split(' ')).unwrap());
    assert!(
        !parsed.contains("GOAA") && !parsed.contains("JOSE") && !parsed.contains("12345678903"),
        "{parsed}"
    );
}
