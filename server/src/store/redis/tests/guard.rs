//! Who may speak to a fleet that is not open to all, and how: by TLS alone, and each under a name of its own that may do no more
//! than it must.

use std::{path::Path, process::Command};

use redis::{Client, TlsCertificates, Value};
use tempfile::TempDir;

/// What Semanas has to be allowed on the servers that hold data. docs/operations.md has the same line.
pub(super) const RULES: &str = "~semanas:* &semanas:* +@read +@write +@connection -@dangerous +eval +evalsha +wait +time +info +role \
                                +config|get +cluster|info +cluster|slots +publish +subscribe";

/// And on sentinels.
pub(super) const RULES_AT_SENTINELS: &str =
    "+@connection -@dangerous +sentinel|replicas +sentinel|get-master-addr-by-name";

/// Of the replicas, to follow their master, and of the sentinels, to watch over it: as Redis' own manual has them.
const COPIER_RULES: &str = "+psync +replconf +ping";
const WATCHER_RULES: &str = "allchannels +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname +client|kill +script|kill";

const ALL_RULES: &str = "~* &* +@all";

/// The certificate of a fleet's servers and the names of those who speak to them. Each one's password is its name, turned round.
pub(super) struct Guard {
    dir: TempDir,
    pub(super) ca: Vec<u8>,
}

impl Guard {
    pub(super) fn new() -> Guard {
        let dir = TempDir::new().unwrap();
        let ca = certificate(dir.path());
        Guard { dir, ca }
    }

    /// Name and password of Semanas, as an address has them.
    pub(super) fn credentials() -> String {
        format!("semanas:{}", password("semanas"))
    }

    /// Directives of a server that holds data, each with its words.
    pub(super) fn of_data(&self, port: u16) -> Vec<String> {
        let users = [
            ("admin", ALL_RULES),
            ("semanas", RULES),
            ("copier", COPIER_RULES),
            ("watcher", WATCHER_RULES),
        ];
        let mut directives = self.of_any(port, &users);
        directives.extend([
            "masteruser copier".to_owned(),
            format!("masterauth {}", password("copier")),
        ]);
        directives
    }

    /// The same of a sentinel for this service.
    pub(super) fn of_sentinel(&self, port: u16) -> Vec<String> {
        let users = [
            ("admin", ALL_RULES),
            ("semanas", RULES_AT_SENTINELS),
            ("watcher", ALL_RULES),
        ];
        let mut directives = self.of_any(port, &users);
        directives.extend([
            "sentinel sentinel-user watcher".to_owned(),
            format!("sentinel sentinel-pass {}", password("watcher")),
        ]);
        directives
    }

    /// How sentinels speak to the servers of this service; after the line that names it.
    pub(super) fn of_service(service: &str) -> String {
        let password = password("watcher");
        format!("sentinel auth-user {service} watcher\nsentinel auth-pass {service} {password}\n")
    }

    fn of_any(&self, port: u16, users: &[(&str, &str)]) -> Vec<String> {
        let file = |name: &str| self.dir.path().join(name).display().to_string();
        let mut directives = vec![
            "port 0".to_owned(),
            format!("tls-port {port}"),
            "tls-auth-clients no".to_owned(),
            "tls-replication yes".to_owned(),
            format!("tls-cert-file {}", file("cert.pem")),
            format!("tls-key-file {}", file("key.pem")),
            format!("tls-ca-cert-file {}", file("cert.pem")),
            "user default off".to_owned(),
        ];
        let user = |(name, rules): &(&str, &str)| format!("user {name} on >{} {rules}", password(name));
        directives.extend(users.iter().map(user));
        directives
    }

    /// One command of the administrator, on a connection of its own.
    pub(super) async fn run(&self, port: u16, command: &[&str]) -> redis::RedisResult<Value> {
        let url = format!("rediss://admin:{}@127.0.0.1:{port}", password("admin"));
        let trusted = TlsCertificates {
            client_tls: None,
            root_cert: Some(self.ca.clone()),
        };
        let client = Client::build_with_tls(url, trusted)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(command[0])
            .arg(&command[1..])
            .query_async(&mut connection)
            .await
    }
}

fn password(name: &str) -> String {
    name.chars().rev().collect()
}

/// A certificate for this machine that signs itself.
pub(super) fn certificate(dir: &Path) -> Vec<u8> {
    let made = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=redis".split(' '))
        .args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(dir)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::read(dir.join("cert.pem")).unwrap()
}
