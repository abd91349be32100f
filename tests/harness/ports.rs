//! Free ports below the range from which the kernel takes ports for outgoing connections, so that a port that was found free
//! is still free when a process binds it a moment later.

use std::net::{Ipv4Addr, TcpStream};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

/// A port that nobody listens on; each call gives another one.
pub fn free_port() -> u16 {
    // Test programs that run side by side begin at places of their own.
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
        let start = u64::from(std::process::id()).wrapping_mul(2_654_435_761) >> 7;
        AtomicU16::new(u16::try_from(start % u64::from(COUNT)).unwrap())
    });
    for _ in 0..COUNT {
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        // Tried by connecting: a listener that we open and close lives on for a moment in a process that is being started.
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            return port;
        }
    }
    panic!("no port is free between {FIRST} and {}", FIRST + COUNT);
}
