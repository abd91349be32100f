//! What a person sees when `semanas serve` cannot start: the setting by its name, what is wrong, and what to do. Never a server
//! that runs on the wrong data.

use std::path::Path;
use std::process::Command;

use semanas_client::JobState;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::harness::*;

/// The exit code for mistakes in the settings, and the one for a world that does not fit them.
const MISTAKEN: i32 = 2;
const REFUSED: i32 = 1;

/// Runs `serve` where it must fail, and gives what it said.
async fn refused(folder: &Path, environment: &[(&str, &str)], code: i32) -> Ended {
    let ended = semanas(folder, &["serve"], environment).await.expect_code(code);
    assert!(ended.stdout.is_empty(), "errors do not belong to standard output");
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    ended
}

async fn refused_with(options: ServerOptions) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &options.environment(), REFUSED).await
}

async fn mistaken_with(options: ServerOptions) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &options.environment(), MISTAKEN).await
}

#[tokio::test]
async fn all_mistakes_of_a_settings_file_are_said_at_once_with_names_and_places() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
        [grpc]
        listen = "everywhere"
        lisen = "127.0.0.1:1"
        [engine]
        lease = "10"
        workers_max = 0
        routes = ["kiban", "walking"]
        [providers.kiban]
        base_url = "http://example.com"
        [shutdwn]
        drain_limit = "1s"
    "#;
    std::fs::write(folder.path().join("semanas.toml"), text).unwrap();
    refused(folder.path(), &[], MISTAKEN).await.expect_complaint(&[
        "mistakes in the settings",
        "semanas.toml",
        "grpc.listen",
        "grpc.lisen",
        "engine.lease",
        "engine.workers_max",
        "engine.routes",
        "walking",
        "providers.kiban.base_url",
        "https://",
        "providers.kiban.api_key",
        "shutd",
    ]);
}

#[tokio::test]
async fn an_unknown_setting_is_refused_with_the_one_that_was_meant() {
    let sandbox = sandbox().await;
    let options = ServerOptions::new(&Store::sqlite(), &sandbox).set("ENGINE__WORKER_MAX", "3");
    mistaken_with(options)
        .await
        .expect_complaint(&["SEMANAS_ENGINE__WORKER_MAX", "did you mean SEMANAS_ENGINE__WORKERS_MAX"]);
}

#[tokio::test]
async fn a_settings_file_that_is_not_there_or_is_no_toml_is_named() {
    let folder = tempfile::tempdir().unwrap();
    semanas(folder.path(), &["serve", "--config", "nowhere.toml"], &[])
        .await
        .expect_code(MISTAKEN)
        .expect_complaint(&["nowhere.toml"]);
    std::fs::write(folder.path().join("broken.toml"), "[grpc\nlisten").unwrap();
    semanas(folder.path(), &["serve", "--config", "broken.toml"], &[])
        .await
        .expect_code(MISTAKEN)
        .expect_complaint(&["broken.toml"]);
}

#[tokio::test]
async fn without_providers_it_says_how_to_set_one_up_or_to_use_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let ended = refused(folder.path(), &[], MISTAKEN).await;
    ended.expect_complaint(&[
        "no provider is set up",
        "providers.kiban",
        "semanas sandbox",
        "SEMANAS_PROVIDERS__KIBAN__BASE_URL=http://127.0.0.1:7101",
        "SEMANAS_PROVIDERS__NUBARIUM__PASSWORD",
    ]);
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "a start that fails on its settings leaves nothing behind");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_setting() {
    let sandbox = sandbox().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (variable, setting) in [("GRPC__LISTEN", "grpc.listen"), ("HTTP__LISTEN", "http.listen")] {
        let options = ServerOptions::new(&Store::sqlite(), &sandbox).set(variable, &address);
        refused_with(options)
            .await
            .expect_complaint(&[setting, &address, "in use", &format!("SEMANAS_{variable}")]);
    }
}

#[tokio::test]
async fn a_redis_that_is_down_is_named() {
    let sandbox = sandbox().await;
    let url = format!("redis://127.0.0.1:{}", free_port());
    refused_with(ServerOptions::new(&Store::Redis(url.clone()), &sandbox))
        .await
        .expect_complaint(&["store.url", url.trim_start_matches("redis://")]);
}

#[tokio::test]
async fn a_redis_without_a_secret_says_where_to_get_one() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    mistaken_with(ServerOptions::new(&Store::redis(&redis), &sandbox).without("STORE__SECRET"))
        .await
        .expect_complaint(&["store.secret", "semanas init"]);
}

/// A Redis that may lose what it acknowledged is refused with the line that mends it.
async fn check_redis(arguments: &[&str], complaint: &[&str]) {
    let (redis, sandbox) = (Redis::start_with(arguments).await, sandbox().await);
    refused_with(ServerOptions::new(&Store::redis(&redis), &sandbox))
        .await
        .expect_complaint(complaint);
}

#[tokio::test]
async fn a_redis_that_writes_nothing_to_disk_is_refused() {
    check_redis(&["--appendonly", "no"], &["appendonly yes", "store.durability"]).await;
}

#[tokio::test]
async fn a_redis_that_writes_to_disk_now_and_then_is_refused() {
    let now_and_then = ["--appendonly", "yes", "--appendfsync", "everysec"];
    check_redis(&now_and_then, &["appendfsync always", "store.durability"]).await;
}

#[tokio::test]
async fn a_redis_that_evicts_what_it_holds_is_refused() {
    let evicting = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--maxmemory",
        "100mb",
        "--maxmemory-policy",
        "allkeys-lru",
    ];
    check_redis(&evicting, &["maxmemory-policy", "noeviction"]).await;
}

#[tokio::test]
async fn a_read_only_replica_of_redis_is_refused() {
    let (primary, sandbox) = (Redis::start().await, sandbox().await);
    let port = primary.port().to_string();
    let of_primary = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--replicaof",
        "127.0.0.1",
        &port,
    ];
    let replica = Redis::start_with(&of_primary).await;
    refused_with(ServerOptions::new(&Store::redis(&replica), &sandbox))
        .await
        .expect_complaint(&["store.url", "slave", "master"]);
}

#[tokio::test]
async fn whoever_accepts_the_risk_may_use_a_redis_that_forgets() {
    let (redis, sandbox) = (Redis::start_with(&["--appendonly", "no"]).await, sandbox().await);
    let options = ServerOptions::new(&Store::redis(&redis), &sandbox).set("STORE__DURABILITY", "accept-risk");
    let server = options.start().await;
    let job = to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    assert_eq!(job.state, JobState::Succeeded);
}

#[tokio::test]
async fn an_empty_redis_is_a_loss_until_init_says_that_it_is_a_beginning() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let without_leave = || ServerOptions::new(&store, &sandbox).without("STORE__CREATE");
    refused_with(without_leave())
        .await
        .expect_complaint(&["no data set", "semanas init", "store.create"]);

    let folder = tempfile::tempdir().unwrap();
    let no_secret = without_leave().without("STORE__SECRET");
    let made = semanas(folder.path(), &["init"], &no_secret.environment())
        .await
        .expect_code(0);
    let line = made.stdout.trim();
    let secret = line
        .strip_prefix("SEMANAS_STORE__SECRET=")
        .expect("only the line for the environment is on standard output");
    assert!(secret.len() >= 32);

    // Once more changes nothing, and a secret is not made up over a data set that has one.
    semanas(folder.path(), &["init"], &no_secret.environment())
        .await
        .expect_code(1)
        .expect_complaint(&["store.secret"]);
    let with_secret = || without_leave().set("STORE__SECRET", secret);
    semanas(folder.path(), &["init"], &with_secret().environment())
        .await
        .expect_code(0);

    let server = ServerOptions::new(&store, &sandbox)
        .without("STORE__CREATE")
        .set("STORE__SECRET", secret)
        .start()
        .await;
    let job = to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    assert_eq!(job.state, JobState::Succeeded);
}

#[tokio::test]
async fn a_data_set_that_is_lost_while_serving_is_noticed_and_not_begun_anew() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let job = to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    let _: String = redis.ask(&["FLUSHALL"]).await;
    server.becomes(ServingStatus::NotServing).await;
    let refused = server
        .blunt_client()
        .get_work_history(job.job_id.as_str(), None)
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), "STORE_UNAVAILABLE");
    let refused = server
        .blunt_client()
        .submit_work_history(submit_request(fresh_person().with_names()))
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), "STORE_UNAVAILABLE");
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    assert!(
        keys.is_empty(),
        "nothing is written to a data set that is not there: {keys:?}"
    );
}

#[tokio::test]
async fn a_wrong_secret_is_refused_before_anything_is_read() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let redis_store = Store::redis(&redis);
    drop(Server::start(&redis_store, &sandbox).await);
    let wrong = "another secret, which is long enough too";
    refused_with(ServerOptions::new(&redis_store, &sandbox).set("STORE__SECRET", wrong))
        .await
        .expect_complaint(&["store.secret"]);

    let sqlite = Store::sqlite();
    drop(Server::start(&sqlite, &sandbox).await);
    refused_with(ServerOptions::new(&sqlite, &sandbox).set("STORE__SECRET", wrong))
        .await
        .expect_complaint(&["store.secret"]);
}

#[tokio::test]
async fn a_database_without_its_secret_file_is_not_given_a_new_secret() {
    let sandbox = sandbox().await;
    let store = Store::sqlite();
    drop(Server::start(&store, &sandbox).await);
    let Store::Sqlite(folder) = &store else { unreachable!() };
    std::fs::remove_file(folder.path().join("semanas.db.secret")).unwrap();
    refused_with(ServerOptions::new(&store, &sandbox))
        .await
        .expect_complaint(&["semanas.db.secret", "store.secret"]);
}

#[tokio::test]
async fn a_secret_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let sandbox = sandbox().await;
    let store = Store::sqlite();
    drop(Server::start(&store, &sandbox).await);
    let Store::Sqlite(folder) = &store else { unreachable!() };
    let secret = folder.path().join("semanas.db.secret");
    assert!(
        Command::new("chmod")
            .arg("644")
            .arg(&secret)
            .status()
            .unwrap()
            .success()
    );
    refused_with(ServerOptions::new(&store, &sandbox))
        .await
        .expect_complaint(&[&format!("chmod 600 {}", secret.display())]);
}
