//! What a replica really sends to Redis, as `MONITOR` shows it: the scripts' calls, argument by argument.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use futures::StreamExt as _;
use tokio::task::JoinHandle;

/// Arguments of one command.
pub type Words = Vec<Vec<u8>>;

/// Listens until it is stopped. Redis is slower meanwhile.
pub struct Monitor {
    heard: Arc<Mutex<Vec<Words>>>,
    listener: JoinHandle<()>,
}

impl Monitor {
    pub async fn start(url: &str) -> anyhow::Result<Monitor> {
        let monitor = redis::Client::open(url)?.get_async_monitor().await?;
        let heard: Arc<Mutex<Vec<Words>>> = Arc::default();
        let hearing = Arc::clone(&heard);
        let listener = tokio::spawn(async move {
            let mut lines = monitor.into_on_message::<String>();
            while let Some(line) = lines.next().await {
                if let Some(words) = words_of(line.as_bytes()).filter(is_script) {
                    hearing.lock().unwrap_or_else(PoisonError::into_inner).push(words);
                }
            }
        });
        Ok(Monitor { heard, listener })
    }

    /// The scripts' calls that were heard, in order.
    pub fn stop(self) -> Vec<Words> {
        self.listener.abort();
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn is_script(words: &Words) -> bool {
    words.first().is_some_and(|name| name.eq_ignore_ascii_case(b"EVALSHA"))
}

/// Reads `1339518083.107412 [0 127.0.0.1:60866] "SET" "a" "b"`; what scripts do themselves is marked `[0 lua]` and left out.
fn words_of(line: &[u8]) -> Option<Words> {
    let from = line.iter().position(|byte| *byte == b'"')?;
    if line[..from].windows(3).any(|part| part == b"lua") {
        return None;
    }
    let mut words = Words::new();
    let mut word = None;
    let mut bytes = line[from..].iter().copied();
    while let Some(byte) = bytes.next() {
        match (byte, &mut word) {
            (b'"', None) => word = Some(Vec::new()),
            (b'"', Some(_)) => words.extend(word.take()),
            (b'\\', Some(word)) => word.push(unescaped(&mut bytes)?),
            (byte, Some(word)) => word.push(byte),
            (_, None) => {}
        }
    }
    Some(words)
}

fn unescaped(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    Some(match bytes.next()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        b'x' => {
            let digits = [bytes.next()?, bytes.next()?];
            u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_come_back_as_they_were_sent() {
        let line = br#"1339518083.107412 [0 127.0.0.1:60866] "EVALSHA" "a \"b\"\\" "\x00\xff\n" """#;
        let expected: Words = vec![b"EVALSHA".into(), b"a \"b\"\\".into(), vec![0, 255, b'\n'], Vec::new()];
        assert_eq!(words_of(line), Some(expected));
        assert_eq!(words_of(br#"1339518083.1 [0 lua] "HSET" "a""#), None);
    }
}
