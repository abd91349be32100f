//! One `redis-server` for all stories of this process, reached by a socket file; each story has a data set of its own in it.

use std::{
    process::{ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{
    clock::Clock,
    store::{
        FEED_KEPT_MAX,
        redis::{Durability, RedisOptions},
    },
};

/// A data set that nobody else uses.
pub(super) async fn data_set() -> RedisOptions {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    RedisOptions {
        url: shared_url().await.into(),
        tls_ca: None,
        prefix: format!("story{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        secret_fingerprint: "fingerprint".to_owned(),
        create: true,
        durability: Durability::AcceptRisk,
        replicas_min: 1,
        clock: Clock::system(),
        feed_kept_max: FEED_KEPT_MAX,
        retention: Duration::from_secs(30 * 24 * 3600),
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(5),
    }
}

/// Runs one command, for what a story looks at or breaks behind the store's back.
pub(super) async fn run(command: &[&str]) -> redis::Value {
    let mut cmd = redis::cmd(command[0]);
    cmd.arg(&command[1..]);
    let client = redis::Client::open(shared_url().await).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    cmd.query_async(&mut connection).await.unwrap()
}

async fn shared_url() -> String {
    static SHARED: OnceLock<(String, ChildStdin)> = OnceLock::new();
    let (url, _) = SHARED.get_or_init(|| {
        let dir = tempfile::TempDir::new().unwrap().keep();
        // The shell ends the server and tidies up when its input closes, that is with this process, however it ends.
        let script = r#"redis-server --port 0 --save "" --dir "$0" --unixsocket "$0/redis.sock" & cat; kill $!; wait; rm -r "$0""#;
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg(&dir).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let stdin = command.spawn().expect("redis-server is installed").stdin.take().unwrap();
        (format!("redis+unix://{}/redis.sock", dir.display()), stdin)
    });
    let client = redis::Client::open(url.clone()).unwrap();
    super::harness::until("redis-server answers", || async {
        client.get_multiplexed_async_connection().await.is_ok()
    })
    .await;
    url.clone()
}
