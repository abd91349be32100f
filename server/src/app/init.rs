//! `semanas init`: creates the data set on purpose, so that serving never has to guess whether an empty store is a new one.
//!
//! The only thing on standard output is a fresh secret, when one was made, as the line that belongs into the environment.

use std::{io::Write as _, path::Path};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::{parts, secret, settings};
use crate::store::redis as redis_store;
use crate::{
    config::{Config, Place, Purpose, Redis, SecretSource},
    engine::Vault,
    store::OpenError,
};

/// Creates the data set of the settings where there is none. Doing it again changes nothing.
pub async fn init(file: Option<&Path>) -> anyhow::Result<()> {
    let config = settings(file, Purpose::Init)?;
    match &config.store.place {
        Place::Sqlite { path } => {
            parts::open_store(&config).await?;
            say(&format!("The data set at {} is ready.", path.display()))
        }
        Place::Redis(place) => init_redis(&config, place).await,
    }
}

async fn init_redis(config: &Config, place: &Redis) -> anyhow::Result<()> {
    let fresh = matches!(config.store.secret, SecretSource::NotSet).then(secret::fresh);
    let secret = match &fresh {
        Some(fresh) => SecretString::from(fresh.clone()),
        None => parts::secret(&config.store)?,
    };
    let fingerprint = Vault::new(secret.expose_secret().as_bytes()).secret_fingerprint();
    let place = Redis {
        create: true,
        ..place.clone()
    };
    match redis_store::open(parts::redis_options(config, &place, fingerprint)?).await {
        Ok(_) => {}
        Err(OpenError::WrongSecret { what }) if fresh.is_some() => {
            let variable = Config::variable("store.secret");
            anyhow::bail!(
                "there is a data set at {what} already; set store.secret ({variable}) to the secret it was made with"
            )
        }
        Err(error) => return Err(error.into()),
    }
    say("The data set is ready.")?;
    if let Some(fresh) = fresh {
        say("Give every replica this line, and keep it safe: whoever loses the secret loses the data.")?;
        let line = format!("{}={fresh}", Config::variable("store.secret"));
        writeln!(std::io::stdout(), "{line}").context("writing the secret")?;
    }
    Ok(())
}

fn say(words: &str) -> anyhow::Result<()> {
    writeln!(std::io::stderr(), "{words}").context("writing to standard error")
}
