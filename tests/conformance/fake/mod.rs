//! The scriptable server: real sockets, real HTTP/2, and exactly what the case says.
//!
//! It decides how a connection is taken, frozen and ended. What is done with a call is `answer`'s.

pub mod answer;
mod frames;
pub mod record;
pub mod script;
mod words;

use std::future::{pending, poll_fn};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use self::answer::{Around, Order};
use self::record::Record;
use self::script::{Listen, Script};
use crate::certificates::Certificates;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 64;
/// An address that is reserved for documents, so that it is nobody's.
const SOMEWHERE_ELSE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// Orders of a connection's calls that may wait.
const ORDERS_MAX: usize = 16;
/// How long a connection that is about to end or freeze goes on writing what its calls have sent before.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A running fake; it ends with all its connections when it is dropped.
pub struct Fake {
    pub address: SocketAddr,
    pub record: Record,
    _serving: JoinSet<()>,
}

impl Fake {
    pub async fn start(script: Script, certificates: &Certificates) -> anyhow::Result<Fake> {
        let script = Arc::new(script);
        let scripted = script.clone();
        spawn_blocking(move || frames::prepare(&scripted)).await??;
        let host = match script.listen {
            Listen::OtherAddress => other_address().context("this machine has no address but its loopback one")?,
            _ => Ipv4Addr::LOCALHOST,
        };
        let socket = TcpSocket::new_v4()?;
        // Without SO_REUSEADDR: with it two sockets that do not listen yet may be given the same port.
        socket.bind((host, 0).into())?;
        let address = socket.local_addr()?;
        let acceptor = certificates.acceptor(&script.listen)?;
        let record = Record::new();
        let mut serving = JoinSet::new();
        match script.listen {
            // A socket that is bound and does not listen keeps its port, and connecting is refused.
            Listen::Refuse => drop(serving.spawn(hold(socket))),
            Listen::RefuseForMs(ms) => {
                let opening = Instant::now() + Duration::from_millis(ms);
                let accepting = (script, acceptor, record.clone());
                drop(serving.spawn(async move {
                    sleep_until(opening).await;
                    match socket.listen(BACKLOG) {
                        Ok(listener) => accept(listener, accepting).await,
                        Err(error) => accepting.2.fault(format!("cannot listen: {error}")),
                    }
                }));
            }
            Listen::Plain
            | Listen::Tls
            | Listen::MutualTls
            | Listen::TlsWrongHost
            | Listen::TlsUntrusted
            | Listen::TlsExpired
            | Listen::OtherAddress
            | Listen::Mute
            | Listen::MuteForMs(_) => {
                let listener = socket.listen(BACKLOG)?;
                drop(serving.spawn(accept(listener, (script, acceptor, record.clone()))));
            }
        }
        Ok(Fake {
            address,
            record,
            _serving: serving,
        })
    }
}

/// An address by which other machines would reach this one; none without a network. Nothing is sent: connecting a socket of UDP
/// only asks the system which address it would send from.
pub fn other_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((SOMEWHERE_ELSE, 1)).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(address) if !address.is_loopback() && !address.is_unspecified() => Some(address),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// What every connection needs.
type Accepting = (Arc<Script>, Option<TlsAcceptor>, Record);

async fn hold(socket: TcpSocket) {
    pending::<()>().await;
    drop(socket);
}

async fn accept(listener: TcpListener, (script, acceptor, record): Accepting) {
    let mut connections = JoinSet::new();
    let began = Instant::now();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let number = record.connected();
        // Frames are small, and a case may count the time between them.
        let _ = stream.set_nodelay(true);
        let (script, acceptor, record) = (script.clone(), acceptor.clone(), record.clone());
        connections.spawn(async move {
            keep_mute(&script.listen, began).await;
            connection(stream, script, acceptor, record, number).await;
        });
    }
}

/// Says nothing for as long as the script wants.
async fn keep_mute(listen: &Listen, began: Instant) {
    match listen {
        Listen::Mute => pending().await,
        Listen::MuteForMs(ms) => sleep_until(began + Duration::from_millis(*ms)).await,
        _ => {}
    }
}

async fn connection(
    stream: TcpStream,
    script: Arc<Script>,
    acceptor: Option<TlsAcceptor>,
    record: Record,
    number: usize,
) {
    match acceptor {
        Some(acceptor) => {
            // A client that does not like the certificate goes away.
            if let Ok(stream) = acceptor.accept(stream).await {
                speak(stream, script, record, number).await;
            }
        }
        None => speak(stream, script, record, number).await,
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin>(stream: S, script: Arc<Script>, record: Record, number: usize) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    let (orders_out, mut orders) = mpsc::channel(ORDERS_MAX);
    let around = Around {
        script,
        record,
        connection: number,
        orders: orders_out,
    };
    let mut calls = JoinSet::new();
    loop {
        let order = tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    calls.spawn(answer::answer(request, respond, around.clone()));
                    continue;
                }
                Some(Err(_)) | None => return,
            },
            order = orders.recv() => order.expect("this task holds a sender too"),
        };
        match order {
            Order::GoawayGraceful => connection.graceful_shutdown(),
            Order::GoawayNow => {
                connection.abrupt_shutdown(h2::Reason::INTERNAL_ERROR);
                last_words(&mut connection).await;
                return;
            }
            Order::Close => return last_words(&mut connection).await,
            Order::Freeze => {
                last_words(&mut connection).await;
                pending::<()>().await;
            }
        }
    }
}

/// Writes what was sent before; calls that come meanwhile are not taken.
async fn last_words<S: AsyncRead + AsyncWrite + Unpin>(connection: &mut h2::server::Connection<S, Bytes>) {
    let _ = timeout(LAST_WORDS, poll_fn(|context| connection.poll_closed(context))).await;
}
