//! A replica whose own clock is wrong. The clock of Redis decides, so nobody notices.

use std::path::{Path, PathBuf};
use std::process::Command;

use semanas_client::JobState;
use semanas_sandbox::Provider;

use crate::harness::*;

/// Stands before the C library and adds so many seconds to what the wall clock says; clocks that only measure stay as they are.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int told = real(id, now);
  if (id == CLOCK_REALTIME) now->tv_sec += atol(getenv("CLOCK_IS_OFF_BY_S"));
  return told;
}
"#;

fn shim(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
    std::fs::write(&source, SHIM).unwrap();
    let mut compiler = Command::new("cc");
    let built = compiler
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl");
    assert!(built.status().expect("cc, which Rust links with too").success());
    library
}

/// `semanas serve` with a clock of its own; killed with what is returned.
async fn skewed(folder: &Path, name: &str, options: &ServerOptions, off_by_s: i64) -> Process {
    let mut command = program_in(folder);
    command.arg("serve").envs(options.environment());
    command
        .env("LD_PRELOAD", shim(folder))
        .env("CLOCK_IS_OFF_BY_S", off_by_s.to_string());
    Process::start(name, command, &folder.join(format!("{name}.log")))
}

/// A replica ten minutes ahead and one ten minutes behind take over each other's jobs; leases of seconds are not ended or stretched
/// by it. They accept the risk because a clock that is so wrong is refused at the start otherwise, by one that runs on.
#[tokio::test]
async fn fault_25_replicas_whose_clocks_are_ten_minutes_off_share_jobs_and_pay_once() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let right = Server::start(&store, &sandbox).await;
    let folder = tempfile::tempdir().unwrap();
    let mut replicas = Vec::new();
    for (name, off_by_s) in [("ahead", 600), ("behind", -600)] {
        let (grpc, http) = (free_port(), free_port());
        let options = ServerOptions::new(&store, &sandbox)
            .set("STORE__DURABILITY", "accept-risk")
            .set("GRPC__LISTEN", &format!("127.0.0.1:{grpc}"))
            .set("HTTP__LISTEN", &format!("127.0.0.1:{http}"));
        let process = skewed(folder.path(), name, &options, off_by_s).await;
        let client =
            semanas_client::Client::new(&format!("http://127.0.0.1:{grpc}"), semanas_client::Options::default());
        replicas.push((process, client.unwrap()));
    }
    let mut people = Vec::new();
    for round in 0..12 {
        let person = fresh_person();
        let (process, client) = &replicas[round % 2];
        eventually("the replica to take work", || async {
            process.must_run();
            client.submit_work_history(by_kiban(&person)).await.ok().map(drop)
        })
        .await;
        people.push(person);
    }
    for person in &people {
        let began = std::time::Instant::now();
        for (_, client) in &replicas {
            let job = to_the_end(client, by_kiban(person)).await;
            assert_eq!(job.state, JobState::Succeeded, "after {:?}", began.elapsed());
        }
        assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
        // What the right clock sees is right: nobody wrote its own time into it.
        let job = to_the_end(&right.client(), by_kiban(person)).await;
        let since = job.create_time.unwrap().elapsed();
        let apart = since.unwrap_or_else(|ahead| ahead.duration());
        assert!(apart.as_secs() < 120, "created {apart:?} from now");
    }
}
