//! A link between two processes that can be made ill: a small TCP proxy. It knows nothing of what it carries, and shows what goes
//! there to whoever listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::clock;
use crate::plan::Ill;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;
const CHUNK_BYTES: usize = 16 * 1024;

/// A link. It ends with the last connection after it is dropped.
pub struct Link {
    address: SocketAddr,
    ill: watch::Sender<Option<Ill>>,
}

/// Is shown every piece of what goes there, as it comes.
pub type Ear = Arc<dyn Fn(&[u8]) + Send + Sync>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

impl Link {
    /// Leads to `target`, whether somebody listens there yet or not.
    pub async fn to(target: SocketAddr) -> Link {
        Link::overheard(target, Arc::new(|_: &[u8]| {})).await
    }

    pub async fn overheard(target: SocketAddr, ear: Ear) -> Link {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ill, seen) = watch::channel(None);
        tokio::spawn(serve(listener, target, ear, seen));
        Link { address, ill }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn make(&self, ill: Ill) {
        self.ill.send_replace(Some(ill));
    }

    pub fn mend(&self) {
        self.ill.send_replace(None);
    }
}

async fn serve(mut listener: TcpListener, target: SocketAddr, ear: Ear, mut ill: watch::Receiver<Option<Ill>>) {
    let address = listener.local_addr().unwrap();
    loop {
        if *ill.borrow_and_update() == Some(Ill::Cut) {
            drop(listener);
            let held = hold(address);
            if ill.wait_for(|ill| *ill != Some(Ill::Cut)).await.is_err() {
                return;
            }
            listener = held.listen(BACKLOG).unwrap();
        }
        tokio::select! {
            changed = ill.changed() => if changed.is_err() { return },
            accepted = listener.accept() => if let Ok((near, _)) = accepted {
                tokio::spawn(carry(near, target, ear.clone(), ill.clone()));
            },
        }
    }
}

/// Keeps the port bound without listening: connecting is refused, and nobody else can take the port.
fn hold(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

async fn carry(mut near: TcpStream, target: SocketAddr, ear: Ear, mut ill: watch::Receiver<Option<Ill>>) {
    if ill.wait_for(|ill| *ill != Some(Ill::Blackhole)).await.is_err() {
        return;
    }
    let Ok(mut far) = TcpStream::connect(target).await else {
        let _gone = near.set_zero_linger();
        return;
    };
    for stream in [&near, &far] {
        let _gone = stream.set_nodelay(true);
    }
    let is_torn = {
        let (near_read, near_write) = near.split();
        let (far_read, far_write) = far.split();
        let both = async {
            tokio::try_join!(
                pump(near_read, far_write, Way::There, &ear, ill.clone()),
                pump(far_read, near_write, Way::Back, &ear, ill.clone())
            )
        };
        tokio::select! {
            ended = both => ended.is_err(),
            _ = cut(ill.clone()) => true,
        }
    };
    if is_torn {
        // With a linger of zero the kernel throws away what is unsent and answers RST.
        for stream in [&near, &far] {
            let _gone = stream.set_zero_linger();
        }
    }
}

async fn cut(mut ill: watch::Receiver<Option<Ill>>) {
    let _gone = ill.wait_for(|ill| *ill == Some(Ill::Cut)).await;
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Way,
    ear: &Ear,
    mut ill: watch::Receiver<Option<Ill>>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut has_lost = false;
    loop {
        check_whole(has_lost, *ill.borrow_and_update())?;
        let length = tokio::select! {
            changed = ill.changed() => {
                changed.map_err(|_| io::ErrorKind::ConnectionReset)?;
                continue;
            }
            read = from.read(&mut chunk) => read?,
        };
        if length == 0 {
            return to.shutdown().await;
        }
        if way == Way::There {
            ear(&chunk[..length]);
        }
        // The link may have been mended while this was read.
        let now = *ill.borrow();
        check_whole(has_lost, now)?;
        match now {
            Some(Ill::LostReplies) if way == Way::Back => {
                has_lost = true;
                continue;
            }
            Some(Ill::Latency { ms }) => clock::pause_ms(ms).await,
            Some(Ill::Blackhole) => {
                let mended = ill.wait_for(|ill| *ill != Some(Ill::Blackhole)).await;
                mended.map_err(|_| io::ErrorKind::ConnectionReset)?;
            }
            Some(Ill::LostReplies | Ill::Cut) | None => {}
        }
        to.write_all(&chunk[..length]).await?;
    }
}

/// A connection that lost an answer must not live on: what follows would be taken for the answer, and a stream would have a hole
/// that nobody but the link made.
fn check_whole(has_lost: bool, now: Option<Ill>) -> io::Result<()> {
    if has_lost && now != Some(Ill::LostReplies) {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use semanas_tests::harness::{PATIENCE, eventually, within};

    use super::*;

    /// Prime, so that a hole does not look like none.
    const CYCLE: usize = 251;
    const CONNECTIONS: usize = 40;
    /// A connection that lost nothing is left after so much.
    const ENOUGH_BYTES: usize = 4 << 20;

    /// Tells each caller to count without end; `sent` counts the bytes that all were sent.
    async fn counting_server(sent: Arc<AtomicUsize>) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut caller, _)) = listener.accept().await {
                let sent = sent.clone();
                tokio::spawn(async move {
                    let circle: Vec<u8> = (0..CYCLE).map(|number| u8::try_from(number).unwrap()).collect();
                    let circle = circle.repeat(CHUNK_BYTES / CYCLE);
                    while caller.write_all(&circle).await.is_ok() {
                        sent.fetch_add(circle.len(), Ordering::Relaxed);
                        tokio::task::yield_now().await;
                    }
                });
            }
        });
        address
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_connection_that_lost_something_brings_nothing_after_it() {
        let sent = Arc::new(AtomicUsize::new(0));
        let link = Link::to(counting_server(sent.clone()).await).await;
        for connection in 0..CONNECTIONS {
            let mut caller = TcpStream::connect(link.address()).await.unwrap();
            let heard = Arc::new(AtomicUsize::new(0));
            let ear = heard.clone();
            let listening = tokio::spawn(async move {
                let mut chunk = vec![0; CHUNK_BYTES];
                while let Ok(length @ 1..) = caller.read(&mut chunk).await {
                    let place = ear.load(Ordering::Relaxed);
                    let is_next = |(offset, byte): (usize, &u8)| usize::from(*byte) == (place + offset) % CYCLE;
                    assert!(
                        chunk[..length].iter().enumerate().all(is_next),
                        "connection {connection} has a hole after {place} bytes"
                    );
                    ear.store(place + length, Ordering::Relaxed);
                    if place > ENOUGH_BYTES {
                        return;
                    }
                }
            });
            eventually("the caller to hear something", || async {
                (heard.load(Ordering::Relaxed) > 0).then_some(())
            })
            .await;
            link.make(Ill::LostReplies);
            let before = sent.load(Ordering::Relaxed);
            eventually("something to be lost", || async {
                let is_enough = sent.load(Ordering::Relaxed) > before + ENOUGH_BYTES;
                (is_enough || listening.is_finished()).then_some(())
            })
            .await;
            link.mend();
            within("the end of a connection", PATIENCE, listening).await.unwrap();
        }
    }
}
