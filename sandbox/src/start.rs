//! Starts the sandbox and stops it: binds all four ports first, then serves.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;

use crate::books::{Books, Provider};
use crate::options::{Credentials, Options};
use crate::scenario::Settings;
use crate::traffic::TrafficReport;
use crate::world::World;
use crate::{control, wire};

/// Why the sandbox cannot start. `api` is both the API's name and the name of the setting to change.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "the sandbox cannot serve its {api} API on {address}: the port is in use; stop the other program or set the \
         sandbox's `{api}` address to a free port (port 0 takes any)"
    )]
    PortInUse { api: &'static str, address: SocketAddr },
    #[error("the sandbox cannot serve its {api} API on {address}; the setting is the sandbox's `{api}` address")]
    Bind {
        api: &'static str,
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
}

/// A running sandbox. Dropping it stops it too, without waiting.
pub struct Sandbox {
    world: Arc<World>,
    addresses: Addresses,
    _stop_when_dropped: DropGuard,
}

struct Addresses {
    control: SocketAddr,
    kiban: SocketAddr,
    tuidentidad: SocketAddr,
    nubarium: SocketAddr,
}

/// Binds every port, then serves until `stop` or drop. Nothing is left running when binding fails.
pub async fn start(options: Options) -> Result<Sandbox, StartError> {
    let control = wire::bind("control", options.control).await?;
    let kiban = wire::bind("kiban", options.kiban).await?;
    let tuidentidad = wire::bind("tuidentidad", options.tuidentidad).await?;
    let nubarium = wire::bind("nubarium", options.nubarium).await?;
    let addresses = Addresses {
        control: bound("control", &control, options.control)?,
        kiban: bound("kiban", &kiban, options.kiban)?,
        tuidentidad: bound("tuidentidad", &tuidentidad, options.tuidentidad)?,
        nubarium: bound("nubarium", &nubarium, options.nubarium)?,
    };
    let world = Arc::new(World::new(&options));
    world.tasks.spawn(control::serve(world.clone(), control));
    let ports = [
        (Provider::Kiban, kiban),
        (Provider::TuIdentidad, tuidentidad),
        (Provider::Nubarium, nubarium),
    ];
    for (provider, listener) in ports {
        world.tasks.spawn(wire::serve(world.clone(), provider, listener));
    }
    let stop_when_dropped = world.stop.clone().drop_guard();
    Ok(Sandbox {
        world,
        addresses,
        _stop_when_dropped: stop_when_dropped,
    })
}

fn bound(api: &'static str, listener: &TcpListener, address: SocketAddr) -> Result<SocketAddr, StartError> {
    listener
        .local_addr()
        .map_err(|source| StartError::Bind { api, address, source })
}

impl Sandbox {
    /// Where a provider's API listens.
    #[must_use]
    pub fn address(&self, provider: Provider) -> SocketAddr {
        match provider {
            Provider::Kiban => self.addresses.kiban,
            Provider::TuIdentidad => self.addresses.tuidentidad,
            Provider::Nubarium => self.addresses.nubarium,
        }
    }

    #[must_use]
    pub fn control_address(&self) -> SocketAddr {
        self.addresses.control
    }

    /// `http://host:port`, without a slash at the end; a wildcard address becomes loopback.
    #[must_use]
    pub fn base_url(&self, provider: Provider) -> String {
        url_of(self.address(provider))
    }

    #[must_use]
    pub fn control_url(&self) -> String {
        url_of(self.addresses.control)
    }

    /// The credentials that the three APIs accept.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.world.credentials
    }

    /// The books, live: charges appear as they are made.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.world.books
    }

    #[must_use]
    pub fn traffic(&self) -> TrafficReport {
        self.world.traffic.report()
    }

    /// Sets what happens to one person's calls, in place of what was set before; `None` removes it.
    ///
    /// # Errors
    /// The settings make no sense for a person; the text says which and what is accepted.
    pub fn set_person(&self, curp: &str, settings: Option<Settings>) -> Result<(), String> {
        if let Some(settings) = &settings {
            control::check(settings, control::Target::Person)?;
        }
        self.world.rules.set_person(curp, settings);
        Ok(())
    }

    /// Sets what happens to all calls of one provider; `None` removes it. Returns when the port is in that state.
    ///
    /// # Errors
    /// The settings make no sense; the text says which and what is accepted.
    pub async fn set_provider(&self, provider: Provider, settings: Option<Settings>) -> Result<(), String> {
        if let Some(settings) = &settings {
            control::check(settings, control::Target::Provider)?;
        }
        self.world.set_provider(provider, settings).await;
        Ok(())
    }

    /// Multiplies every latency from now on: 1 feels real, 0 answers at once.
    pub fn set_latency_scale(&self, scale: f64) {
        self.world.rules.set_latency(None, Some(scale));
    }

    /// Sends the callbacks that mode `held` keeps; returns how many.
    pub fn release_callbacks(&self) -> usize {
        crate::kiban::release_callbacks(&self.world)
    }

    /// Forgets books, documents, tickets, counts and settings.
    pub async fn reset(&self) {
        self.world.reset().await;
    }

    /// Closes the ports and ends every connection and pending callback.
    pub async fn stop(self) {
        self.world.stop.cancel();
        self.world.tasks.close();
        self.world.tasks.wait().await;
    }
}

fn url_of(address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() {
        IpAddr::from(Ipv4Addr::LOCALHOST)
    } else {
        address.ip()
    };
    format!("http://{}", SocketAddr::new(host, address.port()))
}
