//! Owns a provider's socket: binding, accepting, resetting, refusing.
//!
//! Connections are served by hyper, but the stream below it can be told to end in a reset, and the listener can be
//! taken down and put up again while the sandbox runs.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use super::gate;
use crate::Provider;
use crate::start::StartError;
use crate::world::World;

/// Connections that may wait to be accepted; a load test opens many at once.
const BACKLOG: u32 = 1_024;

/// A program that this process is just starting holds copies of its sockets until it has become another program: our closed
/// listener lives on in it, usually for less than a millisecond. So long and so often the port is tried again.
const HOLD_PAUSE: Duration = Duration::from_millis(2);
const HOLD_TRIES_MAX: usize = 500;

/// The switch of one port: whether it should listen, whether it does, and a bell that ends open connections.
pub(crate) struct Door {
    should_refuse: watch::Sender<bool>,
    is_refusing: watch::Sender<bool>,
    hang_up: watch::Sender<()>,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            should_refuse: watch::Sender::new(false),
            is_refusing: watch::Sender::new(false),
            hang_up: watch::Sender::new(()),
        }
    }
}

impl Door {
    /// Opens or closes the port and returns when that is done; closing it ends the open connections too.
    pub(crate) async fn set_refusing(&self, refuse: bool) {
        let mut is_refusing = self.is_refusing.subscribe();
        self.should_refuse.send_replace(refuse);
        if refuse {
            self.hang_up();
        }
        // The sender lives in `self`, so waiting only ends when the state is reached.
        let _reached = is_refusing.wait_for(|now| *now == refuse).await;
    }

    /// Ends the connections that are open, so that the next call meets the rules for new connections.
    pub(crate) fn hang_up(&self) {
        self.hang_up.send_replace(());
    }
}

/// Binds `address` for `api`, the name of the API and of its setting.
pub(crate) async fn bind(api: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let fail = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { api, address },
        _ => StartError::Bind { api, address, source },
    };
    TcpListener::bind(address).await.map_err(fail)
}

/// Serves the provider until the sandbox stops.
pub(crate) async fn serve(world: Arc<World>, provider: Provider, mut listener: TcpListener) {
    let mut should_refuse = world.door(provider).should_refuse.subscribe();
    // The port may have been told to refuse before this task first ran.
    should_refuse.mark_changed();
    loop {
        tokio::select! {
            () = world.stop.cancelled() => return,
            Ok(()) = should_refuse.changed() => {
                if *should_refuse.borrow_and_update() {
                    match stay_closed(&world, provider, listener).await {
                        Some(open_again) => listener = open_again,
                        None => return,
                    }
                }
            }
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    accept(&world, provider, stream);
                }
            }
        }
    }
}

/// Takes the port down until it may open again; `None` when the sandbox stops first, or the port is lost.
async fn stay_closed(world: &Arc<World>, provider: Provider, listener: TcpListener) -> Option<TcpListener> {
    let address = listener.local_addr().ok()?;
    drop(listener);
    let held = hold(address).await;
    let door = world.door(provider);
    door.is_refusing.send_replace(true);
    let mut should_refuse = door.should_refuse.subscribe();
    tokio::select! {
        () = world.stop.cancelled() => return None,
        _ = should_refuse.wait_for(|refuse| !*refuse) => {}
    }
    let opened = held.and_then(|socket| socket.listen(BACKLOG));
    // Who waits for the port must not wait for ever when it is lost; the log then says why calls are still refused.
    door.is_refusing.send_replace(false);
    opened
        .inspect_err(|error| tracing::error!(provider = provider.name(), %error, "a port cannot be opened again"))
        .ok()
}

/// Keeps the port bound without listening: connecting is refused, and nobody else can take the port.
async fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    for _ in 1..HOLD_TRIES_MAX {
        match bind_silently(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => sleep(HOLD_PAUSE).await,
            held => return held,
        }
    }
    bind_silently(address)
}

fn bind_silently(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn accept(world: &Arc<World>, provider: Provider, stream: TcpStream) {
    world.traffic.connection(provider);
    // Subscribed here and not in the task, so that a bell which rings in between is heard.
    let hang_up = world.door(provider).hang_up.subscribe();
    let should_reset = Arc::new(AtomicBool::new(world.rules.hits_connection(provider)));
    let stream = ResettableStream {
        inner: stream,
        should_reset: should_reset.clone(),
    };
    if !should_reset.load(Ordering::Relaxed) {
        world
            .tasks
            .spawn(serve_connection(world.clone(), provider, stream, should_reset, hang_up));
    }
}

async fn serve_connection(
    world: Arc<World>,
    provider: Provider,
    stream: ResettableStream,
    should_reset: Arc<AtomicBool>,
    mut hang_up: watch::Receiver<()>,
) {
    let stop = world.stop.clone();
    let service = service_fn(move |request| {
        let (world, should_reset) = (world.clone(), should_reset.clone());
        async move {
            let answered = gate::respond(&world, provider, request).await;
            if matches!(answered, Err(gate::NoAnswer::Reset)) {
                should_reset.store(true, Ordering::Relaxed);
            }
            answered
        }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = stop.cancelled() => {}
        _ = hang_up.changed() => {}
        ended = connection => if let Err(error) = ended {
            tracing::debug!(provider = provider.name(), %error, "a connection to the sandbox ended early");
        },
    }
}

/// A TCP stream that sends a reset in place of a normal end when it was told to.
struct ResettableStream {
    inner: TcpStream,
    should_reset: Arc<AtomicBool>,
}

impl Drop for ResettableStream {
    fn drop(&mut self) {
        // With a linger of zero the kernel throws away what is unsent and answers RST. It only fails on a socket
        // that is gone already.
        if self.should_reset.load(Ordering::Relaxed) {
            let _gone = self.inner.set_zero_linger();
        }
    }
}

impl AsyncRead for ResettableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for ResettableStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper shuts a connection down before it drops the stream; a FIN sent here would arrive before the reset.
        if self.should_reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
