//! Who may talk to Redis, and how it is seen to be the right one: TLS, users, and what is said when either is wrong.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    guard::certificate,
    server::{FIT, SHARED, Server, options, run, until},
};
use crate::{
    clock::Clock,
    store::{
        OpenError,
        redis::{Durability, RedisOptions, diagnose, open},
    },
};

fn problem(result: Result<impl Sized, OpenError>) -> String {
    result.err().expect("it is not opened").to_string()
}

#[tokio::test]
async fn a_redis_with_tls_is_trusted_by_its_certificate_authority_alone() {
    let dir = tempfile::TempDir::new().unwrap();
    let (ca, other_dir) = (certificate(dir.path()), tempfile::TempDir::new().unwrap());
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
        .to_string();
    let file = |name: &str| dir.path().join(name).display().to_string();
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    let tls = [
        "--tls-port",
        &port,
        "--tls-auth-clients",
        "no",
        "--tls-cert-file",
        &cert,
        "--tls-key-file",
        &key,
    ];
    let _server =
        Server::start(&[&FIT[..], &tls, &["--tls-ca-cert-file", &cert, "--bind", "127.0.0.1"]].concat()).await;
    let asked = RedisOptions {
        tls_ca: Some(ca),
        connect_timeout: Duration::from_millis(500),
        ..options(&format!("rediss://127.0.0.1:{port}"))
    };
    open(asked.clone()).await.unwrap();
    for tls_ca in [None, Some(certificate(other_dir.path()))] {
        let why = problem(
            open(RedisOptions {
                tls_ca,
                ..asked.clone()
            })
            .await,
        );
        assert!(why.contains("cannot be reached") && why.contains("ertificate"), "{why}");
    }
}

#[tokio::test]
async fn a_user_is_let_in_by_name_and_password() {
    let server = Server::start(&FIT).await;
    server
        .run(&["ACL", "SETUSER", "semanas", "on", ">right", "~*", "&*", "+@all"])
        .await;
    server.run(&["ACL", "SETUSER", "default", "off"]).await;
    let url = |user: &str, pass: &str| format!("redis+unix://{}?user={user}&pass={pass}", server.socket().display());
    open(options(&url("semanas", "right"))).await.unwrap();
    for (user, pass) in [("semanas", "wr0ng"), ("nobody", "right")] {
        let why = problem(open(options(&url(user, pass))).await);
        assert!(
            why.contains("refuses the user name or password") && !why.contains("wr0ng"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn a_managed_redis_that_tells_no_settings_is_taken_on_trust_when_told_so() {
    let server = Server::start(&["--appendonly", "no", "--save", ""]).await;
    server.run(&["ACL", "SETUSER", "default", "-config"]).await;
    let asked = RedisOptions {
        durability: Durability::Managed,
        ..options(&server.url())
    };
    open(asked.clone()).await.unwrap();
    until("another policy is seen", async || {
        // Eviction is told by INFO, and not taken on trust.
        let admin = ["ACL", "SETUSER", "default", "+config"];
        run(&server.url(), &admin).await.is_ok()
            && run(&server.url(), &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"])
                .await
                .is_ok()
    })
    .await;
    assert!(problem(open(asked).await).contains("allkeys-lru"));
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_refused() {
    let asked = RedisOptions {
        clock: Clock::manual(Timestamp::UNIX_EPOCH),
        ..options(&SHARED.url().await)
    };
    let why = problem(open(asked.clone()).await);
    assert!(
        why.contains("ahead of this machine's") && why.contains("time service"),
        "{why}"
    );
    let accepting = RedisOptions {
        durability: Durability::AcceptRisk,
        ..asked
    };
    open(accepting).await.unwrap();
}

#[tokio::test]
async fn a_diagnosis_names_every_check_and_creates_nothing() {
    let asked = options(&SHARED.url().await);
    let findings = diagnose(asked.clone()).await;
    let checks: Vec<_> = findings
        .iter()
        .map(|finding| (finding.check, finding.result.is_ok()))
        .collect();
    assert_eq!(
        checks,
        [
            ("reachable", true),
            ("version", true),
            ("role", true),
            ("eviction", true),
            ("appendonly", true),
            ("appendfsync", true),
            ("clock", true),
            ("data set", false)
        ]
    );
    let problem = findings.last().unwrap().result.as_ref().unwrap_err();
    assert!(problem.what_to_do.contains("semanas init"), "{problem:?}");
    open(asked.clone()).await.unwrap();
    assert!(diagnose(asked).await.iter().all(|finding| finding.result.is_ok()));
}
