//! `store.url` for Redis: who is asked, in which arrangement, and as whom.
//!
//! Decides how the address is written and what is wrong with one that is not. Nothing is connected here, and neither user name
//! nor password is ever shown.

use std::{fmt, time::Duration};

use redis::{
    Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisResult, TlsCertificates, io::tcp::TcpSettings,
};
use secrecy::{ExposeSecret as _, SecretString};

const SENTINEL_PORT_DEFAULT: u16 = 26379;
const REDIS_PORT_DEFAULT: u16 = 6379;

/// Every way to begin the address, for messages.
pub(super) const FORMS: &str = "write redis://HOST:PORT, redis-sentinel://HOST:PORT,HOST:PORT/SERVICE or \
                                redis-cluster://HOST:PORT,HOST:PORT, with rediss instead of redis for TLS";

/// Where Redis is, and how long it is waited for.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) arrangement: Arrangement,
    /// Those that the address names, as `host:port`: the server itself, sentinels, or nodes of a cluster.
    pub(super) named: Vec<String>,
    /// What stands around each `host:port` in a URL for one server: scheme and credentials before, database after.
    before: String,
    after: String,
    scheme: &'static str,
    sentinel_login: Option<Login>,
    tls: Option<TlsCertificates>,
    pub(super) limits: Limits,
}

/// As whom sentinels are asked, where that is another than at the servers that hold data.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// `None` = the default user.
    pub user: Option<String>,
    pub password: SecretString,
}

/// How the servers are arranged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arrangement {
    Single,
    /// Sentinels know which server is the master of this service.
    Sentinel {
        service: String,
    },
    Cluster,
}

/// How long one server is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connect: Duration,
    pub(super) response: Duration,
}

/// What is wrong with an address, without quoting it: it may hold a password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UrlMistake {
    pub what: &'static str,
    pub fix: &'static str,
}

/// Whether this can be the address of a Redis.
pub(crate) fn check_url(url: &str) -> Result<(), UrlMistake> {
    let limits = Limits {
        connect: Duration::ZERO,
        response: Duration::ZERO,
    };
    Address::parse(url, None, limits).map(drop)
}

impl Address {
    /// `tls_ca` is a certificate authority (PEM) to trust instead of the system's.
    pub(super) fn parse(url: &str, tls_ca: Option<Vec<u8>>, limits: Limits) -> Result<Address, UrlMistake> {
        let (name, rest) = url.split_once("://").ok_or(wrong(NO_KIND))?;
        let (kind, scheme) = match name {
            "redis" | "rediss" | "redis+unix" | "unix" => return Address::single(url, tls_ca, limits),
            "redis-sentinel" => ("sentinel", "redis"),
            "rediss-sentinel" => ("sentinel", "rediss"),
            "redis-cluster" => ("cluster", "redis"),
            "rediss-cluster" => ("cluster", "rediss"),
            _ => return Err(wrong(NO_KIND)),
        };
        if rest.contains(['?', '#']) {
            return Err(wrong("it has a part behind ? or #"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user_info, hosts) = authority
            .rsplit_once('@')
            .map_or(("", authority), |(user_info, hosts)| (user_info, hosts));
        let at = if user_info.is_empty() { "" } else { "@" };
        let (arrangement, port, after) = match kind {
            "sentinel" => {
                let (service, database) = sentinel_path(path)?;
                (Arrangement::Sentinel { service }, SENTINEL_PORT_DEFAULT, database)
            }
            _ if !path.is_empty() => return Err(wrong("it names a database, and a cluster has only one")),
            _ => (Arrangement::Cluster, REDIS_PORT_DEFAULT, String::new()),
        };
        let named = hosts.split(',').map(|host| host_and_port(host.trim(), port));
        let address = Address {
            arrangement,
            named: named.collect::<Result<_, _>>()?,
            before: format!("{scheme}://{user_info}{at}"),
            after,
            scheme,
            sentinel_login: None,
            tls: tls_ca.map(certificates),
            limits,
        };
        // Says also whether name and password are written as URLs want them.
        address.info(&address.named[0]).map_err(|_| wrong(NO_HOST))?;
        Ok(address)
    }

    fn single(url: &str, tls_ca: Option<Vec<u8>>, limits: Limits) -> Result<Address, UrlMistake> {
        let info = url.into_connection_info().map_err(|_| wrong(NO_HOST))?;
        let named = info.addr().to_string();
        Ok(Address {
            arrangement: Arrangement::Single,
            named: vec![named],
            before: url.to_owned(),
            after: String::new(),
            scheme: "",
            sentinel_login: None,
            tls: tls_ca.map(certificates),
            limits,
        })
    }

    /// Without one, sentinels that ask for a password are shown that of the address.
    pub(super) fn with_sentinel_login(self, sentinel_login: Option<Login>) -> Address {
        Address { sentinel_login, ..self }
    }

    /// The whole, without user name and password.
    pub(super) fn shown(&self) -> String {
        let named = self.named.join(",");
        match &self.arrangement {
            Arrangement::Single => named,
            Arrangement::Sentinel { service } => format!("{service} of the sentinels {named}"),
            Arrangement::Cluster => format!("the cluster {named}"),
        }
    }

    /// One that holds data.
    pub(super) fn server(&self, host_and_port: &str) -> RedisResult<Client> {
        self.client(self.info(host_and_port)?)
    }

    /// A sentinel. Some have a password and some have none, and one that has none refuses any.
    pub(super) fn sentinel(&self, host_and_port: &str, with_password: bool) -> RedisResult<Client> {
        let info = |before: &str| format!("{before}{host_and_port}").into_connection_info();
        let unnamed = format!("{}://", self.scheme);
        let info = match (&self.sentinel_login, with_password) {
            (_, false) => info(&unnamed)?,
            (None, true) => info(&self.before)?,
            (Some(login), true) => {
                let info = info(&unnamed)?;
                let settings = info.redis_settings().clone();
                let settings = settings.set_password(login.password.expose_secret());
                let settings = match &login.user {
                    Some(user) => settings.set_username(user),
                    None => settings,
                };
                info.set_redis_settings(settings)
            }
        };
        self.client(info)
    }

    fn info(&self, host_and_port: &str) -> RedisResult<ConnectionInfo> {
        match self.arrangement {
            Arrangement::Single => self.before.as_str().into_connection_info(),
            Arrangement::Sentinel { .. } | Arrangement::Cluster => {
                format!("{}{host_and_port}{}", self.before, self.after).into_connection_info()
            }
        }
    }

    fn client(&self, info: ConnectionInfo) -> RedisResult<Client> {
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        // Many calls share a connection: without it each waits until the network has acknowledged the one before.
        let without_delay = TcpSettings::default().set_nodelay(true);
        let info = info.set_redis_settings(settings).set_tcp_settings(without_delay);
        match &self.tls {
            Some(tls) => Client::build_with_tls(info, tls.clone()),
            None => Client::open(info),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// `host:port` of a server that another one named.
pub(super) fn joined(host: &str, port: u16) -> String {
    let is_bare_ipv6 = host.contains(':') && !host.starts_with('[');
    if is_bare_ipv6 {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

const NO_KIND: &str = "it is no kind of store that there is";
const NO_HOST: &str = "it names no host";

fn wrong(what: &'static str) -> UrlMistake {
    UrlMistake { what, fix: FORMS }
}

fn certificates(ca: Vec<u8>) -> TlsCertificates {
    TlsCertificates {
        client_tls: None,
        root_cert: Some(ca),
    }
}

/// `SERVICE` or `SERVICE/DATABASE`; the database as a path.
fn sentinel_path(path: &str) -> Result<(String, String), UrlMistake> {
    let (service, database) = path.split_once('/').unwrap_or((path, ""));
    if service.is_empty() {
        return Err(wrong("it names no service of the sentinels"));
    }
    if !database.is_empty() && database.parse::<u16>().is_err() {
        return Err(wrong("what follows the service is no number of a database"));
    }
    let after = if database.is_empty() {
        String::new()
    } else {
        format!("/{database}")
    };
    Ok((service.to_owned(), after))
}

fn host_and_port(text: &str, port_default: u16) -> Result<String, UrlMistake> {
    let url = url::Url::parse(&format!("redis://{text}")).map_err(|_| wrong(NO_HOST))?;
    let host = url
        .host_str()
        .filter(|host| !host.is_empty() && url.path().is_empty())
        .ok_or(wrong(NO_HOST))?;
    Ok(joined(host, url.port().unwrap_or(port_default)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(url: &str) -> Result<Address, UrlMistake> {
        let limits = Limits {
            connect: Duration::ZERO,
            response: Duration::ZERO,
        };
        Address::parse(url, None, limits)
    }

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let address = parse(url).unwrap();
        assert_eq!(address.shown(), expected);
        assert!(!format!("{address:?}").contains("s3cret"));
    }

    #[track_caller]
    fn check_wrong(url: &str, expected: &str) {
        let mistake = parse(url).unwrap_err();
        assert_eq!(mistake.what, expected, "{url}");
    }

    #[test]
    fn every_arrangement_has_its_address() {
        check("redis://u:s3cret@h:1/2", "h:1");
        check("rediss://h", "h:6379");
        check(
            "redis-sentinel://u:s3cret@a,b:7/main/3",
            "main of the sentinels a:26379,b:7",
        );
        check("rediss-cluster://:s3cret@a:1,[::1]:2", "the cluster a:1,[::1]:2");
    }

    #[test]
    fn credentials_and_database_go_to_the_servers_and_the_password_to_sentinels_that_want_one() {
        let address = parse("rediss-sentinel://u:p%40ss@a/main/3").unwrap();
        let info = address.info("x:1").unwrap();
        let settings = info.redis_settings();
        assert_eq!(
            (settings.username(), settings.password(), settings.db()),
            (Some("u"), Some("p@ss"), 3)
        );
        assert!(matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. }));
        let plain = address.sentinel("a:1", false).unwrap();
        let settings = plain.get_connection_info().redis_settings();
        assert_eq!((settings.password(), settings.db()), (None, 0));
    }

    #[test]
    fn what_is_wrong_is_said_without_quoting() {
        check_wrong("mysql://u:s3cret@h", "it is no kind of store that there is");
        check_wrong("redis-sentinel://h", "it names no service of the sentinels");
        check_wrong(
            "redis-sentinel://h/main/x",
            "what follows the service is no number of a database",
        );
        check_wrong("redis-cluster://h/1", "it names a database, and a cluster has only one");
        check_wrong("redis-cluster://", "it names no host");
        check_wrong("redis-cluster://a,,b", "it names no host");
        check_wrong("redis-cluster://a?x=1", "it has a part behind ? or #");
        check_wrong("redis://", "it names no host");
    }
}
