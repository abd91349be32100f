//! Everything the running sandbox shares: rules, books, traffic, and what each provider remembers.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::books::{Books, Product, Provider};
use crate::options::{Credentials, Options};
use crate::rules::{Plan, Rules};
use crate::scenario::Settings;
use crate::traffic::Traffic;
use crate::wire::Door;
use crate::{kiban, tuidentidad};

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) credentials: Credentials,
    pub(crate) rules: Rules,
    pub(crate) books: Arc<Books>,
    pub(crate) traffic: Traffic,
    pub(crate) kiban: kiban::Desk,
    pub(crate) tuidentidad: tuidentidad::Desk,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    doors: [Door; 3],
}

impl World {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            seed: options.seed,
            credentials: options.credentials.clone(),
            rules: Rules::new(options),
            books: Arc::new(Books::default()),
            traffic: Traffic::default(),
            kiban: kiban::Desk::default(),
            tuidentidad: tuidentidad::Desk::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            doors: Default::default(),
        }
    }

    pub(crate) fn door(&self, provider: Provider) -> &Door {
        match provider {
            Provider::Kiban => &self.doors[0],
            Provider::TuIdentidad => &self.doors[1],
            Provider::Nubarium => &self.doors[2],
        }
    }

    /// Books a charge under `reference` and returns it, unless a fault says that this call is free.
    pub(crate) fn charge(
        &self,
        plan: &Plan,
        (provider, product): (Provider, Product),
        curp: &str,
        reference: &str,
    ) -> Option<String> {
        plan.books_charges.then(|| {
            self.books.record(now(), provider, product, curp, reference);
            reference.to_owned()
        })
    }

    /// Applies a provider's settings; returns when the port listens or refuses as they say.
    pub(crate) async fn set_provider(&self, provider: Provider, settings: Option<Settings>) {
        let is_about_connections = settings
            .as_ref()
            .is_some_and(|settings| settings.faults.iter().any(|rule| rule.fault.is_about_the_connection()));
        self.rules.set_provider(provider, settings);
        if is_about_connections {
            self.door(provider).hang_up();
        }
        self.set_refusing(provider, self.rules.is_refusing(provider)).await;
    }

    async fn set_refusing(&self, provider: Provider, refuse: bool) {
        // A port of a stopped sandbox reaches no state any more.
        let _stopped = self
            .stop
            .run_until_cancelled(self.door(provider).set_refusing(refuse))
            .await;
    }

    /// Forgets everything that happened and everything that was set.
    pub(crate) async fn reset(&self) {
        self.rules.reset();
        for provider in Provider::ALL {
            self.set_refusing(provider, false).await;
        }
        self.kiban.clear();
        self.tuidentidad.clear();
        self.books.clear();
        self.traffic.clear();
    }
}

/// The one place where the sandbox reads the wall clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
