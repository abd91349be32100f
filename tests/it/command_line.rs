//! The command line as a script uses it: what stands on standard output, what on standard error, and what the exit code says.

use std::process::Stdio;
use std::time::Duration;

use semanas_client::JobState;
use semanas_sandbox::{Fault, FaultRule, MsRange, Provider, Settings, Step};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::harness::*;

const CURP: &str = "GOAA970724HYNNNL08";

/// A server, its sandbox, and a shell beside them.
struct Desk {
    sandbox: Sandbox,
    server: Server,
    folder: tempfile::TempDir,
}

impl Desk {
    async fn set_up() -> Desk {
        let sandbox = sandbox().await;
        let server = Server::start(&Store::sqlite(), &sandbox).await;
        let folder = tempfile::tempdir().unwrap();
        Desk {
            sandbox,
            server,
            folder,
        }
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "").await
    }

    async fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let server = self.server.grpc();
        semanas_with(self.folder.path(), arguments, &[("SEMANAS_SERVER", &server)], input).await
    }

    /// Starts a job and gives its name.
    async fn submit(&self, arguments: &[&str]) -> String {
        let arguments = [&["submit", "--output", "json"], arguments].concat();
        let answer = json(&self.run(&arguments).await.expect_code(0));
        answer["job"]["job_id"].as_str().unwrap().to_owned()
    }
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", ended.stdout))
}

fn json_lines(ended: &Ended) -> Vec<Value> {
    ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn submit_and_watch_give_one_json_line_for_each_step_and_the_history_in_the_last() {
    let desk = Desk::set_up().await;
    let arguments = ["submit", CURP, "--watch", "--output", "json"];
    let lines = json_lines(&desk.run(&arguments).await.expect_code(0));
    assert_eq!(lines[0]["disposition"], "DISPOSITION_STARTED");
    let last = lines.last().unwrap();
    assert_eq!(last["terminal"], true);
    let job = if last["event"].is_null() {
        &last["snapshot"]["job"]
    } else {
        &last["event"]["job"]
    };
    assert_eq!(job["state"], "JOB_STATE_SUCCEEDED");
    assert_eq!(job["work_history"]["employments"].as_array().unwrap().len(), 3);
    assert_eq!(desk.sandbox.books().charges().len(), 2);

    let again = desk.run(&["submit", CURP, "--output", "json"]).await.expect_code(0);
    assert_eq!(json(&again)["disposition"], "DISPOSITION_REUSED");
    assert_eq!(desk.sandbox.books().charges().len(), 2);

    let job_id = job["job_id"].as_str().unwrap();
    let got = json(
        &desk
            .run(&["get", job_id, "--limit", "1", "--output", "json"])
            .await
            .expect_code(0),
    );
    assert_eq!(got["work_history"]["employments"].as_array().unwrap().len(), 1);
    assert_eq!(got["work_history"]["employment_count"], 3);
}

#[tokio::test]
async fn a_person_reads_tables_and_sentences() {
    let desk = Desk::set_up().await;
    let ended = desk.run(&["submit", CURP, "--watch"]).await.expect_code(0);
    for text in ["GONZALEZ", "TECNOLOGIAS ESPEJISMO", "12345678903"] {
        assert!(ended.stdout.contains(text), "{text} is not in:\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains('\u{1b}'), "a pipe gets no colours");
    let listed = desk.run(&["list"]).await.expect_code(0);
    assert!(listed.stdout.contains("wh_") && !listed.stdout.contains(CURP));
    for arguments in [&["charges"][..], &["providers"]] {
        let shown = desk.run(arguments).await.expect_code(0);
        assert!(shown.stdout.to_lowercase().contains("nubarium"), "{}", shown.stdout);
    }
}

#[tokio::test]
async fn the_curp_can_come_from_standard_input_where_nobody_sees_it() {
    let desk = Desk::set_up().await;
    let found = desk
        .run_with(&["lookup", "-", "--output", "json"], &format!("{CURP}\n"))
        .await
        .expect_code(0);
    assert_eq!(json(&found)["nss"], "12345678903");
    let submitted = desk
        .run_with(&["submit", "-", "--output", "json"], CURP)
        .await
        .expect_code(0);
    assert!(json(&submitted)["job"]["job_id"].as_str().unwrap().starts_with("wh_"));
}

#[tokio::test]
async fn list_filters_and_gives_one_json_line_for_each_job() {
    let desk = Desk::set_up().await;
    let (one, other) = (fresh_person(), fresh_person());
    let labelled = desk.submit(&[&one.curp, "--label", "flow=loan"]).await;
    desk.submit(&[&other.curp]).await;
    let all = json_lines(&desk.run(&["list", "--output", "json"]).await.expect_code(0));
    assert_eq!(all.len(), 2);
    let arguments = ["list", "--label", "flow=loan", "--output", "json"];
    let found = json_lines(&desk.run(&arguments).await.expect_code(0));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["job_id"], labelled.as_str());
}

#[tokio::test]
async fn the_exit_code_tells_how_it_ended() {
    let desk = Desk::set_up().await;
    // A usage error, an invalid CURP, a definite no about a person, an unknown job.
    desk.run(&["lookup"]).await.expect_code(2);
    desk.run(&["lookup", "GOAA970724HYNNNL09"])
        .await
        .expect_code(2)
        .expect_complaint(&["curp"]);
    desk.run(&["submit", "ZUNA540308MNELTN05", "--watch"])
        .await
        .expect_code(3);
    desk.run(&["lookup", "ZUNA540308MNELTN05"]).await.expect_code(6);
    desk.run(&["get", "wh_01a2029dcaea73f8a3b505b03b1535510c"])
        .await
        .expect_code(6);

    // An outcome that is unknown.
    let person = fresh_person();
    let settings = Settings::default().fault(rule(Fault::Close { billed: true }).at(Provider::Kiban));
    desk.sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let names = [
        "--given-names",
        "PEDRO",
        "--paternal-surname",
        "LOZANO",
        "--provider",
        "kiban",
    ];
    let arguments = [&["submit", &person.curp, "--watch"][..], &names].concat();
    desk.run(&arguments).await.expect_code(4);

    // A deadline that passed while the lookup goes on.
    let slow = fresh_person();
    let settings = Settings {
        latency: Some(MsRange::fixed(3_000)),
        ..Settings::default()
    };
    desk.sandbox.set_person(&slow.curp, Some(settings)).unwrap();
    desk.run(&["lookup", &slow.curp, "--timeout", "800ms"])
        .await
        .expect_code(8);

    // Nobody at home.
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let arguments = ["lookup", CURP, "--server", &nobody, "--timeout", "2s"];
    desk.run(&arguments)
        .await
        .expect_code(7)
        .expect_complaint(&["--server", "SEMANAS_SERVER"]);
}

#[tokio::test]
async fn a_job_is_cancelled_and_its_watcher_hears_of_it() {
    let desk = Desk::set_up().await;
    desk.sandbox
        .set_provider(Provider::Kiban, Some(Settings::default().fault(Fault::Refuse)))
        .await
        .unwrap();
    let server = ServerOptions::new(&Store::sqlite(), &desk.sandbox)
        .set("ENGINE__RETRY_FIRST", "1m")
        .set("ENGINE__RETRY_MAX", "1m")
        .start()
        .await;
    let desk = Desk { server, ..desk };
    let person = fresh_person();
    let names = [
        "--given-names",
        "PEDRO",
        "--paternal-surname",
        "LOZANO",
        "--provider",
        "kiban",
    ];
    let job_id = desk.submit(&[&[person.curp.as_str()][..], &names].concat()).await;
    eventually("the first try", || async {
        let job = desk
            .server
            .client()
            .get_work_history(job_id.as_str(), None)
            .await
            .unwrap();
        job.attempts.first().and_then(|attempt| attempt.end_time)
    })
    .await;
    let cancelled = desk.run(&["cancel", &job_id, "--output", "json"]).await.expect_code(0);
    assert_eq!(json(&cancelled)["state"], "JOB_STATE_CANCELLED");
    desk.run(&["watch", &job_id]).await.expect_code(5);
    desk.run(&["get", &job_id]).await.expect_code(5);
}

#[tokio::test]
async fn an_operator_settles_a_charge_from_the_command_line() {
    let desk = Desk::set_up().await;
    let person = fresh_person();
    let settings = Settings::default().fault(rule(Fault::Close { billed: true }).at(Provider::Kiban).times(1));
    desk.sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let names = [
        "--given-names",
        "PEDRO",
        "--paternal-surname",
        "LOZANO",
        "--provider",
        "kiban",
    ];
    let job_id = desk.submit(&[&[person.curp.as_str()][..], &names].concat()).await;
    desk.run(&["watch", &job_id]).await.expect_code(4);
    let charges = json_lines(&desk.run(&["charges", "--output", "json"]).await.expect_code(0));
    assert_eq!(charges[0]["state"], "CHARGE_STATE_UNKNOWN");
    let help = desk.run(&["resolve", "--help"]).await.expect_code(0);
    assert!(help.stdout.contains("Examples"), "{}", help.stdout);
    desk.run(&["resolve", &job_id, "--charged", "yes"]).await.expect_code(0);
    let charges = json_lines(&desk.run(&["charges", "--output", "json"]).await.expect_code(0));
    assert_eq!(charges[0]["state"], "CHARGE_STATE_YES");
}

#[tokio::test]
async fn a_watch_ends_quietly_when_its_reader_goes_away() {
    let desk = Desk::set_up().await;
    let person = fresh_person();
    let hold = FaultRule::from(Fault::ServerError {
        status: 503,
        billed: false,
    });
    let settings = Settings::default().fault(hold.on(Step::Status));
    desk.sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let script = format!(
        "'{}' submit {} --watch --output json | head -n 1",
        semanas_program().display(),
        person.curp
    );
    let mut shell = tokio::process::Command::new("bash");
    shell
        .args(["-o", "pipefail", "-c", &script])
        .env("SEMANAS_SERVER", desk.server.grpc());
    let output = within("the pipe", PATIENCE, shell.kill_on_drop(true).output())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn help_says_everything_that_a_script_needs() {
    let folder = tempfile::tempdir().unwrap();
    let help = semanas(folder.path(), &["--help"], &[]).await.expect_code(0);
    for word in [
        "demo",
        "serve",
        "init",
        "sandbox",
        "lookup",
        "submit",
        "watch",
        "Exit codes",
    ] {
        assert!(help.stdout.contains(word), "{word} is not in:\n{}", help.stdout);
    }
    let version = semanas(folder.path(), &["--version"], &[]).await.expect_code(0);
    assert!(version.stdout.starts_with("semanas "));
    semanas(folder.path(), &["no-such-command"], &[]).await.expect_code(2);
}

#[tokio::test]
async fn the_sandbox_as_a_process_tells_a_server_how_to_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program_in(folder.path());
    command.args(["sandbox", "--port", "0", "--latency", "0", "--output", "json"]);
    let log = folder.path().join("sandbox.log");
    let process = Process::start("semanas sandbox", command, &log);
    let told: Value = eventually("the sandbox's description", || async {
        process
            .log()
            .lines()
            .next()
            .and_then(|line| serde_json::from_str(line).ok())
    })
    .await;
    let settings = told["environment"].as_object().unwrap();
    let unused = sandbox().await;
    let mut options = ServerOptions::new(&Store::sqlite(), &unused);
    for (name, value) in settings {
        options = options.set(name.strip_prefix("SEMANAS_").unwrap(), value.as_str().unwrap());
    }
    let server = options.start().await;
    let job = to_the_end(&server.client(), submit_request(listed_person(CURP).with_names())).await;
    assert_eq!(job.state, JobState::Succeeded);
    assert!(unused.books().charges().is_empty());
    let books = format!("{}/books/summary", told["control_url"].as_str().unwrap());
    let summary: Value = reqwest::get(books).await.unwrap().json().await.unwrap();
    assert_eq!(summary["total"], 1);
    process.signal("TERM");
    let status = process.end().await;
    assert_eq!(status.code(), Some(0), "{}", process.log());
}

#[tokio::test]
async fn the_demo_shows_both_histories_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().display().to_string();
    let began = std::time::Instant::now();
    let shown = semanas(folder.path(), &["demo"], &[("TMPDIR", &temporary)])
        .await
        .expect_code(0);
    assert!(began.elapsed() < Duration::from_secs(35));
    let text = &shown.stdout;
    assert!(
        text.matches("TECNOLOGIAS ESPEJISMO").count() >= 2,
        "both histories are shown:\n{text}"
    );
    for word in ["12345678903", "Kiban", "Tu Identidad", "Nubarium", "charges"] {
        assert!(
            text.to_lowercase().contains(&word.to_lowercase()),
            "{word} is not in:\n{text}"
        );
    }
    assert!(!text.contains('\u{1b}'), "a pipe gets no colours");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "the demo leaves {left:?} behind");
    let address = text.split("http://").nth(1).unwrap().split_whitespace().next().unwrap();
    let gone = tokio::net::TcpStream::connect(address.trim_end_matches(['.', ','])).await;
    assert!(gone.is_err(), "a server is left at {address}");
}

#[tokio::test]
async fn the_demo_serves_for_other_programs_until_its_input_ends_or_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    for by_signal in [false, true] {
        let mut command = program_in(folder.path());
        command
            .args(["demo", "--serve", "--listen", "127.0.0.1:0", "--latency", "0"])
            .env("TMPDIR", folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = tokio::process::Command::from(command)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = within("the line of the demo", PATIENCE, lines.next_line())
            .await
            .unwrap()
            .unwrap();
        let server = line.strip_prefix("SEMANAS_SERVER=").unwrap_or_else(|| panic!("{line}"));
        let answer = semanas(
            folder.path(),
            &["lookup", CURP, "--output", "json", "--server", server],
            &[],
        )
        .await;
        assert_eq!(json(&answer.expect_code(0))["nss"], "12345678903");
        let submit = ["submit", CURP, "--watch", "--server", server];
        semanas(folder.path(), &submit, &[]).await.expect_code(0);

        if by_signal {
            let pid = child.id().unwrap().to_string();
            assert!(std::process::Command::new("kill").arg(pid).status().unwrap().success());
        } else {
            drop(input);
        }
        let status = within("the end of the demo", PATIENCE, child.wait()).await.unwrap();
        assert_eq!(status.code(), Some(0));
        assert_eq!(lines.next_line().await.unwrap(), None, "one line and nothing else");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "the demo leaves {left:?} behind");
    }
}

#[tokio::test]
async fn the_demo_says_where_it_serves_also_when_its_input_has_ended_before() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().display().to_string();
    let arguments = ["demo", "--serve", "--listen", "127.0.0.1:0"];
    let ended = semanas(folder.path(), &arguments, &[("TMPDIR", &temporary)])
        .await
        .expect_code(0);
    assert!(ended.stdout.starts_with("SEMANAS_SERVER="), "{}", ended.stdout);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "the demo leaves {left:?} behind");
}

#[tokio::test]
async fn the_demo_says_when_its_port_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let ended = semanas(folder.path(), &["demo", "--serve", "--listen", &listen], &[]).await;
    ended.expect_code(1).expect_complaint(&[&listen, "in use"]);
    let ended = semanas(folder.path(), &["demo", "--listen", &listen], &[]).await;
    ended.expect_code(2).expect_complaint(&["--serve"]);
}
