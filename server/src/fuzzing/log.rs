//! What is logged while something runs, all levels, as text.

use std::{
    cell::RefCell,
    io::{self, Write},
};

use tracing::{Dispatch, level_filters::LevelFilter};

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// Made once for each thread: a new one makes every log line of the program be looked at again.
    static LISTENER: Dispatch = Dispatch::new(
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(|| Lines)
            .finish(),
    );
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn during(run: impl FnOnce()) -> String {
    LISTENER.with(|listener| tracing::dispatcher::with_default(listener, run));
    let lines = LINES.take();
    String::from_utf8_lossy(&lines).into_owned()
}
