//! A provider's end of the line: a real socket that does to each connection what the test says, and keeps what it read.
//!
//! It deliberately speaks just enough HTTP to read one request; what it answers is written out byte by byte.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};
use url::Url;

/// No test waits longer than this for anything.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What to do with a connection once its request was read.
#[derive(Clone)]
pub enum Act {
    /// Write these bytes and close.
    Write(Vec<u8>),
    /// Close with a reset.
    Reset,
    /// Write these bytes without reading, and close once the other side has.
    Interrupt(Vec<u8>),
    /// Write these bytes and keep the connection open in silence.
    Hang(Vec<u8>),
}

pub struct Double {
    pub url: Url,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Double {
    pub async fn start(act: Act) -> Double {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, act.clone(), kept.clone()));
            }
        });
        Double { url, requests }
    }

    pub async fn answering(status: u16, body: &str) -> Double {
        Double::start(Act::Write(answer(status, &[], body.as_bytes()))).await
    }

    /// The requests so far, as text.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Any\r\ncontent-length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// An address on which nothing listens, kept from others as long as the socket lives.
pub fn nobody() -> (Url, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap()).parse().unwrap();
    (url, socket)
}

async fn serve(mut stream: TcpStream, act: Act, kept: Arc<Mutex<Vec<String>>>) {
    if let Act::Interrupt(bytes) = &act {
        drop(stream.write_all(bytes).await);
        drain(&mut stream).await;
        return;
    }
    let request = timeout(DEADLINE, read_request(&mut stream)).await.unwrap();
    kept.lock().unwrap().push(request);
    match act {
        // A client that gives up early makes the write fail; that is its own affair.
        Act::Write(bytes) => drop(stream.write_all(&bytes).await),
        Act::Reset => stream.set_zero_linger().unwrap(),
        Act::Hang(bytes) | Act::Interrupt(bytes) => {
            drop(stream.write_all(&bytes).await);
            drain(&mut stream).await;
        }
    }
}

/// Waits until the other side closes.
async fn drain(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    drop(timeout(DEADLINE, stream.read_to_end(&mut rest)).await);
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= content_length(head)
        {
            return text;
        }
        let count = stream.read_buf(&mut bytes).await.unwrap_or(0);
        if count == 0 {
            return text;
        }
    }
}

fn content_length(head: &str) -> usize {
    let value = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    value.map_or(0, |value| value.parse().unwrap())
}
