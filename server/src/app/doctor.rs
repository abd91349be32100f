//! `semanas doctor`: everything that keeps a replica from serving well, found before it serves.
//!
//! It makes nothing and pays nothing: no data set, no secret, no billed call. What each part can tell is asked of the part.

use std::{path::Path, time::Duration};

use futures::future::join_all;
use secrecy::ExposeSecret as _;

use super::{parts, settings};
use crate::{
    cli::doctor::{Checked, Problem},
    clock::Clock,
    config::{Config, Mistakes, Place, Purpose},
    engine::Vault,
    providers::{Check, Provider},
    store::{Journal, OpenError, examination::WHAT_TO_DO, redis as redis_store, sqlite::SqliteStore},
};

/// A provider that takes longer to say no is as good as unreachable to whoever waits for this.
const PROVIDER_TIME_LIMIT: Duration = Duration::from_secs(15);

/// All checks that the settings allow: when these are wrong, nothing else can be looked at.
pub async fn doctor(file: Option<&Path>) -> Vec<Checked> {
    match settings(file, Purpose::Serve) {
        Ok(config) => examine(&config).await,
        Err(error) => settings_problems(error),
    }
}

pub(super) async fn examine(config: &Config) -> Vec<Checked> {
    let mut checked = vec![checked("settings", "read", Ok("all right".to_owned()))];
    let (store, providers) = tokio::join!(examine_store(config), examine_providers(config));
    checked.extend(store);
    checked.push(examine_journal(&config.store.journal));
    checked.extend(providers);
    checked
}

fn settings_problems(error: anyhow::Error) -> Vec<Checked> {
    match error.downcast::<Mistakes>() {
        Ok(mistakes) => {
            let mistakes = mistakes.each();
            mistakes
                .map(|(name, what, fix)| checked("settings", &name, Err(problem(what, fix))))
                .collect()
        }
        Err(error) => vec![checked("settings", "read", Err(problem(&format!("{error:#}"), "")))],
    }
}

// --- Store

async fn examine_store(config: &Config) -> Vec<Checked> {
    let place = match &config.store.place {
        Place::Sqlite { path } => return examine_sqlite(config, path).await,
        Place::Redis(place) => place,
    };
    let options = parts::secret(&config.store).and_then(|secret| {
        let fingerprint = Vault::new(secret.expose_secret().as_bytes()).secret_fingerprint();
        parts::redis_options(config, place, fingerprint)
    });
    let options = match options {
        Ok(options) => options,
        Err(error) => return vec![checked("store", "secret", Err(problem(&format!("{error:#}"), "")))],
    };
    let findings = redis_store::diagnose(options).await;
    let line = |finding: redis_store::Finding| {
        let check = format!("{} of {}", finding.check, finding.at);
        let result = finding.result.map_err(|found| problem(&found.why, &found.what_to_do));
        checked("store", &check, result)
    };
    findings.into_iter().map(line).collect()
}

/// A database that is not there yet is none of our business: the first start makes it, and its secret.
async fn examine_sqlite(config: &Config, path: &Path) -> Vec<Checked> {
    let check = format!("data set at {}", path.display());
    if !path.exists() {
        let none = "there is none yet: the first start makes it".to_owned();
        return vec![checked("store", &check, Ok(none))];
    }
    match open_sqlite(config, path).await {
        Ok(store) => {
            let whole = "it is whole, and store.secret is its secret".to_owned();
            let examined = store.examine().await.map_err(|error| error.to_string());
            let jobs = examined.and_then(|examined| examined.verdict());
            vec![
                checked("store", &check, Ok(whole)),
                checked("store", "jobs", jobs.map_err(|why| problem(&why, WHAT_TO_DO))),
            ]
        }
        Err(error) => {
            let result = match error.downcast_ref() {
                Some(OpenError::InUse { .. }) => {
                    Ok("a running semanas has it open: stop it to have the jobs examined".to_owned())
                }
                _ => Err(problem(&format!("{error:#}"), "")),
            };
            vec![checked("store", &check, result)]
        }
    }
}

async fn open_sqlite(config: &Config, path: &Path) -> anyhow::Result<SqliteStore> {
    let vault = Vault::new(parts::secret(&config.store)?.expose_secret().as_bytes());
    parts::open_sqlite(config, path, vault.secret_fingerprint()).await
}

/// Looks without making it, and without taking up what is in there.
fn examine_journal(folder: &Path) -> Checked {
    let check = format!("journal at {}", folder.display());
    let result = match (folder.exists(), Journal::names_in(folder)) {
        (false, _) => Ok("there is none yet: the first start makes it".to_owned()),
        (true, Ok(names)) if names.is_empty() => Ok("no outcome waits in it".to_owned()),
        (true, Ok(names)) => Ok(format!(
            "{} outcomes wait in it until a running semanas and its store take them",
            names.len()
        )),
        (true, Err(error)) => Err(problem(
            &format!("it cannot be read ({error}), so outcomes that the store does not take are kept in memory alone"),
            "let this user read and write that folder, or set store.journal to one that it may",
        )),
    };
    checked("store", &check, result)
}

// --- Providers

async fn examine_providers(config: &Config) -> Vec<Checked> {
    match parts::providers(&config.providers) {
        Ok(providers) => {
            let looks = providers.values().map(|provider| examine_provider(provider.as_ref()));
            join_all(looks).await
        }
        Err(error) => vec![checked("providers", "set up", Err(problem(&format!("{error:#}"), "")))],
    }
}

async fn examine_provider(provider: &dyn Provider) -> Checked {
    let id = provider.id();
    let result = match provider.check(Clock::system().now(), PROVIDER_TIME_LIMIT).await {
        Check::Accepted => Ok("it answers and takes the credentials".to_owned()),
        Check::Reachable => Ok("it answers; its credentials cannot be checked without a billed call".to_owned()),
        Check::CredentialsRefused => Err(problem(
            "it refuses the credentials",
            &format!("correct the credentials under providers.{id}, or ask the provider whether they are still valid"),
        )),
        Check::Unclear { status } => Err(problem(
            &format!("it answers with HTTP {status}, which says nothing about the credentials"),
            &format!("see that base_url and the paths under providers.{id} are those that the provider gave you"),
        )),
        Check::NotReached => Err(problem(
            "no connection, or its certificate is not trusted",
            &format!(
                "see that providers.{id}.base_url is right and that this machine may reach it (DNS, firewall, certificates)"
            ),
        )),
        Check::Broke => Err(problem(
            "it took the connection and gave no whole answer in time",
            "try again; if it stays so, ask the provider",
        )),
    };
    checked(&format!("providers.{id}"), "credentials", result)
}

fn checked(part: &str, check: &str, result: Result<String, Problem>) -> Checked {
    Checked {
        part: part.to_owned(),
        check: check.to_owned(),
        result,
    }
}

fn problem(what: &str, fix: &str) -> Problem {
    Problem {
        what: what.to_owned(),
        fix: fix.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use semanas_sandbox::{Options, Provider as Book, start};

    use super::*;
    use crate::config::Sources;

    async fn examined(environment: &[(&str, &str)]) -> Vec<Checked> {
        let sources = Sources {
            file: None,
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        match Config::read(&sources, Purpose::Serve) {
            Ok(config) => examine(&config).await,
            Err(mistakes) => settings_problems(mistakes.into()),
        }
    }

    fn told(checked: &[Checked], part: &str) -> String {
        let found = checked.iter().find(|checked| checked.part == part).unwrap();
        match &found.result {
            Ok(found) => format!("ok: {found}"),
            Err(problem) => format!("{}; {}", problem.what, problem.fix),
        }
    }

    #[tokio::test]
    async fn good_credentials_are_told_from_bad_ones_and_nothing_is_charged_or_made() {
        let sandbox = start(Options::for_tests()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("semanas.db").display());
        let credentials = sandbox.credentials().clone();
        let (kiban, tuidentidad, nubarium) = (
            sandbox.base_url(Book::Kiban),
            sandbox.base_url(Book::TuIdentidad),
            sandbox.base_url(Book::Nubarium),
        );
        let with = async |kiban_key: &str, tuidentidad_key: &str| {
            examined(&[
                ("SEMANAS_STORE__URL", &store),
                ("SEMANAS_PROVIDERS__KIBAN__BASE_URL", &kiban),
                ("SEMANAS_PROVIDERS__KIBAN__API_KEY", kiban_key),
                ("SEMANAS_PROVIDERS__TUIDENTIDAD__BASE_URL", &tuidentidad),
                ("SEMANAS_PROVIDERS__TUIDENTIDAD__API_KEY", tuidentidad_key),
                ("SEMANAS_PROVIDERS__NUBARIUM__BASE_URL", &nubarium),
                ("SEMANAS_PROVIDERS__NUBARIUM__USERNAME", &credentials.nubarium_username),
                ("SEMANAS_PROVIDERS__NUBARIUM__PASSWORD", &credentials.nubarium_password),
            ])
            .await
        };
        let good = with(&credentials.kiban_api_key, &credentials.tuidentidad_api_key).await;
        assert!(good.iter().all(|checked| checked.result.is_ok()), "{good:?}");
        assert!(told(&good, "providers.kiban").contains("takes the credentials"));
        assert!(told(&good, "providers.nubarium").contains("cannot be checked without a billed call"));
        assert!(told(&good, "store").contains("the first start makes it"));
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is made");

        let bad = with("wr0ng", "wr0ng").await;
        for part in ["providers.kiban", "providers.tuidentidad"] {
            let told = told(&bad, part);
            assert!(
                told.contains("refuses the credentials") && !told.contains("wr0ng"),
                "{told}"
            );
        }
        assert_eq!(sandbox.books().charges().len(), 0, "nothing is charged");
    }

    #[tokio::test]
    async fn a_provider_and_a_redis_that_are_not_there_are_named_with_what_to_do() {
        let checked = examined(&[
            ("SEMANAS_STORE__URL", "redis-cluster://127.0.0.1:1"),
            ("SEMANAS_STORE__SECRET", "0123456789abcdef0123456789abcdef"),
            ("SEMANAS_STORE__CONNECT_TIMEOUT", "500ms"),
            ("SEMANAS_PROVIDERS__KIBAN__BASE_URL", "http://127.0.0.1:1"),
            ("SEMANAS_PROVIDERS__KIBAN__API_KEY", "key"),
        ])
        .await;
        assert!(
            told(&checked, "store").contains("see that Redis runs there"),
            "{checked:?}"
        );
        assert!(
            told(&checked, "providers.kiban").contains("providers.kiban.base_url"),
            "{checked:?}"
        );
    }

    #[tokio::test]
    async fn wrong_settings_are_listed_one_by_one() {
        let checked = examined(&[("SEMANAS_ENGINE__LEASE", "soon")]).await;
        assert!(
            checked.len() >= 2 && checked.iter().all(|checked| checked.result.is_err()),
            "{checked:?}"
        );
        assert!(checked.iter().any(|checked| checked.check.starts_with("engine.lease")));
    }
}
