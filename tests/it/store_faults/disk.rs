//! A disk that takes nothing more. A limit on the size of files stands in for it: each further byte is refused, as by a full disk.

use std::process::Command;

use semanas_client::JobState;
use semanas_client::{Client, Options, RetryPolicy};
use semanas_sandbox::Provider;

use crate::harness::*;

/// `unlimited`, or bytes from which on nothing is written to any file.
fn limit_files(pid: u32, limit: &str) {
    let set = Command::new("prlimit")
        .args([&format!("--pid={pid}"), &format!("--fsize={limit}:unlimited")])
        .status()
        .expect("prlimit, of util-linux");
    assert!(set.success());
}

/// Redis ends itself when it cannot write what it would have to answer for: the promise is kept by its silence.
#[tokio::test]
async fn fault_41_a_redis_whose_disk_is_full_acknowledges_nothing_and_what_it_had_is_there_afterwards() {
    let (mut redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let person = fresh_person();
    let before = to_the_end(&server.client(), by_kiban(&person)).await;
    let info: String = redis.ask(&["INFO", "server"]).await;
    let pid = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap();
    limit_files(pid.trim().parse().unwrap(), "1");
    let charges = sandbox.books().charges().len();
    let status = submit_refused(&server, by_kiban(&fresh_person())).await;
    check_status(&status, tonic::Code::Unavailable, "STORE_UNAVAILABLE");
    assert_eq!(
        sandbox.books().charges().len(),
        charges,
        "what cannot be recorded is not bought"
    );
    redis.kill();
    redis.start_again().await;
    eventually("the job to be read", || async {
        let job = server
            .client()
            .get_work_history(before.job_id.as_str(), None)
            .await
            .ok()?;
        (job == before).then_some(())
    })
    .await;
}

/// The embedded store and the journal are on the same full disk: the outcome of the call that was under way is kept in memory, and
/// stored when there is room again.
#[tokio::test]
async fn fault_41_a_full_disk_under_the_embedded_store_takes_no_job_and_loses_no_outcome() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let (grpc, http) = (free_port(), free_port());
    let options = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set(
            "STORE__URL",
            &format!("sqlite:{}", folder.path().join("semanas.db").display()),
        )
        .set("GRPC__LISTEN", &format!("127.0.0.1:{grpc}"))
        .set("HTTP__LISTEN", &format!("127.0.0.1:{http}"));
    // The signal that comes with the limit would end it; a full disk sends none.
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg("trap '' XFSZ; echo $$ > pid; exec \"$0\" serve 2> /dev/null");
    command.arg(semanas_program()).current_dir(folder.path()).env_clear();
    command
        .env("PATH", std::env::var_os("PATH").unwrap())
        .envs(options.environment());
    let process = Process::start("semanas serve", command, &folder.path().join("semanas.log"));
    let patient = Client::new(&format!("http://127.0.0.1:{grpc}"), Options::default()).unwrap();
    let blunt = Options {
        retry: RetryPolicy::OFF,
        ..Options::default()
    };
    let blunt = Client::new(&format!("http://127.0.0.1:{grpc}"), blunt).unwrap();
    let person = fresh_person();
    slow_down(&sandbox, &person, 1_500);
    let job = eventually("the server to take work", || async {
        process.must_run();
        patient.submit_work_history(by_kiban(&person)).await.ok()
    })
    .await;
    let job = job.job;
    eventually("the charge", || async {
        (booked(&sandbox, Provider::Kiban, &person.curp) == 1).then_some(())
    })
    .await;
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
    let pid = pid.trim().parse().unwrap();
    limit_files(pid, "1");
    let refused = blunt.submit_work_history(by_kiban(&fresh_person())).await.unwrap_err();
    assert_eq!(refused.reason(), "STORE_UNAVAILABLE");
    eventually("the outcome to wait", || async {
        let page = reqwest::get(format!("http://127.0.0.1:{http}/metrics"))
            .await
            .ok()?
            .text()
            .await
            .ok()?;
        let errors = page
            .lines()
            .find_map(|line| line.strip_prefix("semanas_store_errors_total "))?;
        (errors.parse::<i64>().ok()? > 5).then_some(())
    })
    .await;
    limit_files(pid, "unlimited");
    let ended = to_the_end(&patient, by_kiban(&person)).await;
    assert_eq!((&ended.job_id, ended.state), (&job.job_id, JobState::Succeeded));
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
}
