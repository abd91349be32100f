//! Settings are read from every layer, and whatever is wrong is said at once, in words that are kept here.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, path::Path};

use secrecy::ExposeSecret;

use super::{layers::DEFAULTS, *};

fn sources(file: &str, environment: &[(&str, &str)]) -> Sources {
    Sources {
        file: Some((PathBuf::from("semanas.toml"), file.to_owned())),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn config(file: &str, environment: &[(&str, &str)]) -> Config {
    Config::read(&sources(file, environment), Purpose::Init).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The mistakes, without the line that counts them.
#[track_caller]
fn check(file: &str, environment: &[(&str, &str)], expected: &[&str]) {
    let mistakes = Config::read(&sources(file, environment), Purpose::Init)
        .unwrap_err()
        .to_string();
    let lines: Vec<&str> = mistakes.lines().skip(1).map(str::trim).collect();
    assert_eq!(lines, expected, "\n{mistakes}");
}

#[test]
fn the_defaults_are_right_by_themselves() {
    let config = config("", &[]);
    assert_eq!(config.grpc.listen.to_string(), "127.0.0.1:50051");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert!(config.providers.is_empty());
    assert!(matches!(&config.store.place, Place::Sqlite { path } if path.ends_with("semanas.db")));
    assert!(matches!(config.store.secret, SecretSource::NotSet));
    let engine = &config.engine;
    assert_eq!(
        (engine.lease, engine.sweep_interval),
        (Duration::from_secs(10), Duration::from_secs(1))
    );
    assert_eq!(engine.routes, [Route::Kiban, Route::Nss]);
    assert_eq!((engine.public_url.as_deref(), engine.test_cases_allowed), (None, false));
    assert_eq!(engine.retry.tries_max, 3);
    assert_eq!(engine.watch.heartbeat_interval, Duration::from_secs(15));
}

/// The file of defaults is the documentation: what is not in it does not exist, and what is in it does something.
#[test]
fn the_default_file_holds_exactly_the_settings_that_are_read() {
    let mut documented = BTreeSet::new();
    let mut section = "";
    for line in DEFAULTS.lines() {
        let key = line
            .strip_prefix("# ")
            .unwrap_or(line)
            .split_once(" = ")
            .map(|(key, _)| key);
        let is_name = |key: &&str| key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        if let Some(name) = line.strip_prefix('[') {
            section = name.strip_suffix(']').unwrap();
        } else if let Some(key) = key.filter(is_name) {
            assert!(
                documented.insert(format!("{section}.{key}")),
                "{section}.{key} stands there twice"
            );
        }
    }
    let mut reader = Reader::new(&Sources::default()).unwrap();
    read(&mut reader);
    assert_eq!(&documented, reader.asked());
    let commented: Vec<&String> = documented.iter().filter(|name| !reader.is_set(name)).collect();
    assert_eq!(commented.len(), 15, "{commented:?}");
}

#[test]
fn the_default_file_written_out_again_is_the_defaults() {
    assert_eq!(format!("{:?}", config(DEFAULTS, &[])), format!("{:?}", config("", &[])));
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = "[grpc]\nlisten = '127.0.0.1:1111'\n[http]\nlisten = '127.0.0.1:2222'\n";
    let config = config(
        file,
        &[
            ("SEMANAS_GRPC__LISTEN", "[::1]:3333"),
            ("SEMANAS_CONFIG", "elsewhere.toml"),
            ("SEMANAS_SERVER", "http://a"),
            ("SEMANAS_BIN", "/usr/bin/semanas"),
        ],
    );
    assert_eq!(config.grpc.listen.to_string(), "[::1]:3333");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:2222");
    assert_eq!(config.grpc.request_bytes_max, 65536);
}

#[test]
fn every_type_can_be_set_from_the_environment() {
    let environment = [
        ("SEMANAS_ENGINE__ROUTES", "nss, kiban"),
        ("SEMANAS_ENGINE__AMBIGUOUS_FAILOVER", "true"),
        ("SEMANAS_ENGINE__RETRY_FACTOR", "1.5"),
        ("SEMANAS_ENGINE__JOB_DEADLINE", "1h30m"),
        ("SEMANAS_WATCH__STREAMS_MAX", "100_000"),
        ("SEMANAS_PROVIDERS__KIBAN__BASE_URL", "http://127.0.0.1:7101/"),
        ("SEMANAS_PROVIDERS__KIBAN__API_KEY", " key "),
        ("SEMANAS_PROVIDERS__KIBAN__UNBILLED_STATUSES", "502,503"),
        ("SEMANAS_HTTP__PUBLIC_URL", "https://semanas.example.com/"),
        ("SEMANAS_LOG__FORMAT", "json"),
        ("SEMANAS_STORE__SECRET", ""),
    ];
    let config = config("", &environment);
    let engine = &config.engine;
    assert_eq!(engine.routes, [Route::Nss, Route::Kiban]);
    assert!(engine.ambiguous_failover);
    assert_eq!(engine.retry.factor, 1.5);
    assert_eq!(engine.job_deadline, Duration::from_secs(5400));
    assert_eq!(engine.watch.streams_max, 100_000);
    assert_eq!(engine.public_url.as_deref(), Some("https://semanas.example.com"));
    assert_eq!(engine.providers.len(), 1);
    let kiban = config.providers.kiban.unwrap();
    assert_eq!(kiban.base_url.as_str(), "http://127.0.0.1:7101/");
    assert_eq!(kiban.api_key.expose_secret(), "key");
    assert_eq!(kiban.unbilled_statuses, [502, 503]);
    assert_eq!(config.telemetry.log_format, telemetry::LogFormat::Json);
    assert!(
        matches!(config.store.secret, SecretSource::NotSet),
        "an empty variable is not set"
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let file = r#"
        [grpc]
        listen = "localhost:50051"
        lisen = 1
        [engine]
        lease = 10
        routes = ["kiban", "kibann"]
        ambiguous_failover = "perhaps"
        retry_factor = 0.5
        [store]
        url = "postgres://u:hunter2@db/semanas"
        secret = "hunter2"
        [providers.kiban]
        base_url = "https://u:hunter2@link.kiban.com"
    "#;
    let environment = [
        ("SEMANAS_GRPC_LISTEN", "x"),
        ("SEMANAS_LOG__FILTER", "a=b=c"),
        ("SEMANAS_WATCH__STREAMS_MAX", "-1"),
    ];
    check(
        file,
        &environment,
        &[
            "grpc.listen (from file semanas.toml): \"localhost:50051\" is no address to listen on; write an IP address and a \
             port, such as \"127.0.0.1:50051\", or \"0.0.0.0:50051\" for all interfaces",
            "store.url (from file semanas.toml): it is no kind of store that there is; write sqlite:PATH; or redis://HOST:PORT, \
             redis-sentinel://HOST:PORT,HOST:PORT/SERVICE or redis-cluster://HOST:PORT,HOST:PORT, with rediss instead of redis \
             for TLS",
            "store.secret (from file semanas.toml): it has 7 characters; give it at least 32 characters",
            "providers.kiban.base_url (from file semanas.toml): it holds credentials; put them into their own settings",
            "providers.kiban.api_key (not set): providers.kiban.base_url is set, and does nothing without it; set it, in the \
             settings file or as SEMANAS_PROVIDERS__KIBAN__API_KEY",
            "engine.lease (from file semanas.toml): \"10\" is no duration; write a number and a unit, such as \"500ms\", \"15s\", \
             \"10m\", \"24h\" or \"30d\"",
            "engine.ambiguous_failover (from file semanas.toml): \"perhaps\" is no choice; write \"true\" or \"false\"",
            "engine.retry_factor (from file semanas.toml): \"0.5\" is out of range; write a number from 1 to 100",
            "engine.routes (from file semanas.toml): \"kibann\" is no choice; write \"kiban\" or \"nss\"",
            "watch.streams_max (environment SEMANAS_WATCH__STREAMS_MAX): \"-1\" is out of range; write a whole number from 1 to \
             10000000",
            "log.filter (environment SEMANAS_LOG__FILTER): \"a=b=c\" is no filter; write a level, or levels by \
             module, such as \"info,semanas_server::engine=debug\"",
            "grpc.lisen (from file semanas.toml): there is no such setting; did you mean grpc.listen?",
            "grpc_listen (environment SEMANAS_GRPC_LISTEN): there is no such setting; did you mean SEMANAS_GRPC__LISTEN?",
        ],
    );
}

#[test]
fn unknown_settings_are_refused_with_the_likeliest_name() {
    check(
        "[engin]\nlease = '9s'",
        &[],
        &["engin.lease (from file semanas.toml): there is no such setting; did you mean engine.lease?"],
    );
    check(
        "[store]\nlease = '9s'",
        &[],
        &["store.lease (from file semanas.toml): there is no such setting; did you mean engine.lease?"],
    );
    check(
        "grpc = 5",
        &[],
        &["grpc (from file semanas.toml): there is no such setting; remove it; config.default.toml lists all settings"],
    );
    check(
        "",
        &[("SEMANAS_PROVIDERS__KIBAN_API_KEY", "k")],
        &[
            "providers.kiban_api_key (environment SEMANAS_PROVIDERS__KIBAN_API_KEY): there is no such setting; did you mean \
         SEMANAS_PROVIDERS__KIBAN__API_KEY?",
        ],
    );
}

#[test]
fn what_kubernetes_says_about_a_service_named_semanas_is_no_setting() {
    let names = [
        "SEMANAS_SERVICE_HOST",
        "SEMANAS_SERVICE_PORT",
        "SEMANAS_SERVICE_PORT_GRPC",
        "SEMANAS_PORT",
    ];
    let more = ["SEMANAS_PORT_50051_TCP", "SEMANAS_PORT_50051_TCP_ADDR"];
    let environment: Vec<(&str, &str)> = names
        .into_iter()
        .chain(more)
        .map(|name| (name, "tcp://10.0.0.1:1"))
        .collect();
    config("", &environment);
}

#[test]
fn contradictions_are_mistakes() {
    check(
        "[engine]\nlease = '1s'",
        &[],
        &[
            "store.response_timeout (default): 2s is not less than engine.lease (1s): a lease could be over before the store says \
         that it was given; lower it, or raise the other",
            "engine.sweep_interval (default): 1s is not less than engine.lease (1s): a job whose replica died would be found only \
         leases later; lower it, or raise the other",
        ],
    );
    check(
        "[watch]\nstream_age_min = '10s'",
        &[],
        &[
            "watch.heartbeat (default): 15s is not less than watch.stream_age_min (10s): streams would end before their first \
         heartbeat; lower it, or raise the other",
        ],
    );
    check(
        "[watch]\nstream_age_min = '20m'",
        &[],
        &[
            "watch.stream_age_min (from file semanas.toml): 20m is more than watch.stream_age_max (15m); make it 15m or less, or \
         the other more",
        ],
    );
    check(
        "[engine]\nmax_age_default = '60d'",
        &[],
        &[
            "engine.max_age_default (from file semanas.toml): 60d is more than engine.retention (30d); make it 30d or less, or the \
         other more",
        ],
    );
    check(
        "[engine]\nroutes = []",
        &[],
        &["engine.routes (from file semanas.toml): no route is named; name \"kiban\", \"nss\" or both"],
    );
    check(
        "",
        &[("SEMANAS_ENGINE__ROUTES", "nss,nss")],
        &["engine.routes (environment SEMANAS_ENGINE__ROUTES): a route is named twice; name each once"],
    );
    check(
        "[http]\nlisten = '127.0.0.1:50051'",
        &[],
        &["http.listen (from file semanas.toml): grpc.listen is 127.0.0.1:50051 too; give each an address of its own"],
    );
    check(
        "[providers.kiban]\npoll_first = '20s'",
        &[],
        &[
            "providers.kiban.poll_first (from file semanas.toml): 20s is more than providers.kiban.poll_max (15s); make it 15s or \
         less, or the other more",
        ],
    );
    check(
        "[providers.nubarium]\nbase_url = 'https://a.b'\nusername = 'u'\npassword = 'p'\ncall_timeout = '15m'",
        &[],
        &[
            "providers.nubarium.call_timeout (from file semanas.toml): 15m is not less than engine.job_deadline (15m): every job \
         would end before an answer could come; lower it, or raise the other",
        ],
    );
}

#[test]
fn ports_chosen_by_the_system_do_not_collide() {
    config("[grpc]\nlisten = '127.0.0.1:0'\n[http]\nlisten = '127.0.0.1:0'", &[]);
}

#[test]
fn redis_needs_a_secret_and_one_only() {
    let secret = "0123456789abcdef0123456789abcdef";
    check(
        "[store]\nsecret_file = '/run/secrets/semanas'",
        &[("SEMANAS_STORE__SECRET", secret)],
        &["store.secret_file (from file semanas.toml): store.secret is set too; keep one of the two"],
    );
    let redis = config(
        "[store]\nurl = 'rediss://:pw@redis:6379/1'",
        &[("SEMANAS_STORE__SECRET", secret)],
    );
    assert!(matches!(
        redis.store.place,
        Place::Redis(Redis {
            durability: Durability::Demand,
            create: false,
            ..
        })
    ));
    for url in ["redis-sentinel://u:p@a:1,b:2/main/0", "rediss-cluster://a:1,b:2"] {
        let file = format!("[store]\nurl = '{url}'\ndurability = 'managed'\ntls_ca_file = 'ca.pem'");
        assert!(Config::read(&sources(&file, &[]), Purpose::Init).is_ok(), "{url}");
    }
    let named = "[store]\nurl = 'redis-sentinel://a/main'\nsentinel_user = 'asker'";
    let alone = Config::read(&sources(named, &[]), Purpose::Init)
        .unwrap_err()
        .to_string();
    assert!(alone.contains("store.sentinel_password is not set"), "{alone}");
    let whole = format!("{named}\nsentinel_password = 's3cret'");
    let whole = Config::read(&sources(&whole, &[]), Purpose::Init).unwrap();
    assert!(!format!("{whole:?}").contains("s3cret"));
    for url in [
        "sqlite:",
        "sqlite://x",
        "sqlite::memory:",
        "redis://",
        "redis-sentinel://h:26379",
        "redis-cluster://h/1",
        "memcached://x",
        "./data",
    ] {
        assert!(
            Config::read(&sources("", &[("SEMANAS_STORE__URL", url)]), Purpose::Init).is_err(),
            "{url}"
        );
    }
}

#[test]
fn people_s_data_goes_out_encrypted_unless_somebody_insists() {
    let with = |url: &str, more: &str| {
        let file = format!("[providers]\n{more}\n[providers.tuidentidad]\napi_key = 'k'\nbase_url = '{url}'");
        Config::read(&sources(&file, &[]), Purpose::Init).map_err(|mistakes| mistakes.to_string())
    };
    for url in [
        "https://api.example.com",
        "http://localhost:7102",
        "http://127.0.0.1",
        "http://[::1]:7102",
    ] {
        assert!(with(url, "").is_ok(), "{url}");
    }
    let refused = with("http://sandbox:7102", "").unwrap_err();
    assert!(refused.ends_with(
        "providers.tuidentidad.base_url (from file semanas.toml): it would send people's data unencrypted to another machine; \
         write https://, or set providers.plaintext_allowed = true when a sandbox is there"
    ));
    assert!(with("http://sandbox:7102", "plaintext_allowed = true").is_ok());
    for url in ["ftp://x", "x", "https://", "https://x/?a=b", "https://x/#a"] {
        assert!(with(url, "").is_err(), "{url}");
    }
}

/// Exactly the lines that lead to a running sandbox, so that a first start goes on by copying.
#[test]
fn serving_needs_a_provider_and_says_how_to_point_it_at_the_sandbox() {
    let serve = |environment: &[(&str, &str)]| Config::read(&sources("", environment), Purpose::Serve);
    let refused = serve(&[("SEMANAS_STORE__URL", "redis://127.0.0.1")])
        .unwrap_err()
        .to_string();
    let expected = "\
2 mistakes in the settings:
  store.secret (not set): Redis needs one, the same for every replica; set it to the line that `semanas init` prints
  providers (not set): no provider is set up, so that nobody could be asked; set base_url and api_key of providers.kiban or \
providers.tuidentidad, or base_url, username and password of providers.nubarium.
    To try Semanas without any of them, run `semanas sandbox` beside it and set in the environment
      SEMANAS_PROVIDERS__KIBAN__BASE_URL=http://127.0.0.1:7101
      SEMANAS_PROVIDERS__KIBAN__API_KEY=kiban-sandbox-key
      SEMANAS_PROVIDERS__TUIDENTIDAD__BASE_URL=http://127.0.0.1:7102
      SEMANAS_PROVIDERS__TUIDENTIDAD__API_KEY=tuidentidad-sandbox-key
      SEMANAS_PROVIDERS__NUBARIUM__BASE_URL=http://127.0.0.1:7103
      SEMANAS_PROVIDERS__NUBARIUM__USERNAME=nubarium-sandbox-user
      SEMANAS_PROVIDERS__NUBARIUM__PASSWORD=nubarium-sandbox-password";
    assert_eq!(refused, expected);

    let copied: Vec<(&str, &str)> = expected
        .lines()
        .filter_map(|line| line.trim().strip_prefix("SEMANAS_")?.split_once('='))
        .collect();
    let variables: Vec<String> = copied.iter().map(|(name, _)| format!("SEMANAS_{name}")).collect();
    let environment: Vec<(&str, &str)> = variables
        .iter()
        .zip(&copied)
        .map(|(name, (_, value))| (name.as_str(), *value))
        .collect();
    assert_eq!(serve(&environment).unwrap().engine.providers.len(), 3);

    let half = serve(&environment[..1]).unwrap_err().to_string();
    assert!(
        half.starts_with("a mistake in the settings:\n  providers.kiban.api_key (not set): "),
        "{half}"
    );
}

#[test]
fn a_provider_is_set_up_whole_or_not_at_all() {
    check(
        "[providers.nubarium]\nusername = 'u'",
        &[],
        &[
            "providers.nubarium.base_url (not set): providers.nubarium.username is set, and does nothing without it; set it, in the \
         settings file or as SEMANAS_PROVIDERS__NUBARIUM__BASE_URL",
            "providers.nubarium.password (not set): providers.nubarium.username is set, and does nothing without it; set it, in the \
         settings file or as SEMANAS_PROVIDERS__NUBARIUM__PASSWORD",
        ],
    );
}

#[test]
fn a_file_that_is_no_toml_is_refused_without_showing_its_line() {
    let mistakes = Config::read(&sources("[store]\nsecret = hunter2\n", &[]), Purpose::Init)
        .unwrap_err()
        .to_string();
    assert!(mistakes.contains("settings file semanas.toml (line 2): "), "{mistakes}");
    assert!(!mistakes.contains("hunter2"), "{mistakes}");
}

#[test]
fn no_secret_shows_in_debug_or_in_a_mistake() {
    let secret = "hunter2-hunter2-hunter2-hunter2-hunter2";
    let environment = [
        ("SEMANAS_STORE__URL", "redis://:hunter2@127.0.0.1:6379"),
        ("SEMANAS_STORE__SECRET", secret),
        ("SEMANAS_PROVIDERS__NUBARIUM__BASE_URL", "https://imss.example.com"),
        ("SEMANAS_PROVIDERS__NUBARIUM__USERNAME", "somebody"),
        ("SEMANAS_PROVIDERS__NUBARIUM__PASSWORD", "hunter2"),
    ];
    let shown = format!("{:?}", config("", &environment));
    assert!(!shown.contains("hunter2"), "{shown}");
    let file = "[store]\nsecret = ['hunter2']\nurl = 'mysql://hunter2'\n[providers.kiban]\napi_key = {hunter2 = 1}\n";
    let mistakes = Config::read(&sources(file, &[("SEMANAS_STORE__SECRET_FILE", "")]), Purpose::Init)
        .unwrap_err()
        .to_string();
    assert_eq!(
        mistakes.matches("hunter2").count(),
        1,
        "only as the name of an unknown setting: {mistakes}"
    );
}

#[test]
fn the_settings_file_is_the_named_one_or_the_one_that_happens_to_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    std::fs::write(&path, "[grpc]\n").unwrap();
    let variables = |file: &Path| vec![("SEMANAS_CONFIG".into(), file.into()), ("HOME".into(), "/root".into())];

    let by_argument = Sources::gather(Some(&path), []).unwrap();
    assert_eq!(by_argument.file, Some((path.clone(), "[grpc]\n".to_owned())));
    let by_variable = Sources::gather(None, variables(&path)).unwrap();
    assert_eq!(by_variable.file, by_argument.file);
    assert_eq!(by_variable.environment.len(), 1, "only what is ours");
    assert!(Sources::gather(None, []).unwrap().file.is_none());

    let missing = folder.path().join("missing.toml");
    let refused = Sources::gather(None, variables(&missing))
        .map(|_| ())
        .unwrap_err()
        .to_string();
    let expected = format!(
        "settings file {} (environment SEMANAS_CONFIG): it cannot be read: ",
        missing.display()
    );
    assert!(refused.contains(&expected), "{refused}");
    let refused = Sources::gather(Some(&missing), variables(&path))
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("(--config): it cannot be read: "), "{refused}");
}

#[test]
fn the_origins_of_pages_are_written_as_browsers_write_them() {
    let origins = |text: &str| config("", &[("SEMANAS_GRPC__WEB_ORIGINS", text)]).grpc.web_origins;
    let these =
        |list: &[&'static str]| WebOrigins::These(list.iter().map(|it| http::HeaderValue::from_static(it)).collect());
    assert_eq!(config("", &[]).grpc.web_origins, these(&[]));
    let both = origins("https://app.example.com,http://localhost:5173");
    assert_eq!(both, these(&["https://app.example.com", "http://localhost:5173"]));
    assert_eq!(origins("*"), WebOrigins::Every);
    for wrong in [
        "https://app.example.com/",
        "app.example.com",
        "https://APP.example.com",
        "null",
        "https://a.example:443",
    ] {
        let given = sources("", &[("SEMANAS_GRPC__WEB_ORIGINS", wrong)]);
        let mistakes = Config::read(&given, Purpose::Init).unwrap_err().to_string();
        assert!(mistakes.contains("is no origin of a page"), "{wrong}: {mistakes}");
    }
}
