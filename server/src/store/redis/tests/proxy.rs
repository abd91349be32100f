//! A proxy between store and server that loses what the test tells it to lose.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixStream},
};
use tokio_util::task::AbortOnDropHandle;

/// Passes bytes on, unless told otherwise.
pub(super) struct Proxy {
    url: String,
    faults: Arc<Faults>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Faults {
    /// The next reply is lost and its connection cut.
    cuts_next_reply: AtomicBool,
    /// Replies are swallowed on connections that stay open.
    swallows: AtomicBool,
    /// An error that is told instead of what scripts answer, so many times.
    complains: Mutex<(String, usize)>,
}

impl Proxy {
    pub(super) async fn to(socket: PathBuf) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let faults = Arc::new(Faults::default());
        let task = tokio::spawn(serve(listener, socket, Arc::clone(&faults)));
        Proxy {
            url,
            faults,
            _task: AbortOnDropHandle::new(task),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn cut_next_reply(&self) {
        self.faults.cuts_next_reply.store(true, Ordering::SeqCst);
    }

    pub(super) fn complain(&self, error: &str, times: usize) {
        *self.faults.complains.lock().unwrap() = (error.to_owned(), times);
    }

    pub(super) fn swallow_replies(&self, swallow: bool) {
        self.faults.swallows.store(swallow, Ordering::SeqCst);
    }
}

impl Faults {
    fn next_complaint(&self, reply: &[u8]) -> Option<String> {
        let (error, left) = &mut *self.complains.lock().unwrap();
        // Scripts answer with lists; nothing else that is asked here does.
        if *left == 0 || reply[0] != b'*' {
            return None;
        }
        *left -= 1;
        Some(format!("-{error}\r\n"))
    }
}

async fn serve(listener: TcpListener, socket: PathBuf, faults: Arc<Faults>) {
    let mut links = tokio::task::JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let Ok(server) = UnixStream::connect(&socket).await else {
            continue;
        };
        let faults = Arc::clone(&faults);
        links.spawn(async move {
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let upstream = tokio::io::copy(&mut from_client, &mut to_server);
            let downstream = async {
                // A connection that was blackholed once stays so: only a new one gets through again.
                let mut is_blackholed = false;
                let mut bytes = vec![0; 65536];
                while let Ok(mut count @ 1..) = from_server.read(&mut bytes).await {
                    if let Some(error) = faults.next_complaint(&bytes[..count]) {
                        count = error.len();
                        bytes[..count].copy_from_slice(error.as_bytes());
                    }
                    if faults.cuts_next_reply.swap(false, Ordering::SeqCst) {
                        return;
                    }
                    is_blackholed |= faults.swallows.load(Ordering::SeqCst);
                    if !is_blackholed && to_client.write_all(&bytes[..count]).await.is_err() {
                        return;
                    }
                }
            };
            tokio::select! { _ = upstream => {}, () = downstream => {} }
        });
    }
}
