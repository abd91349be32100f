//! Where output goes: data to standard output, everything else to standard error. The one place that writes to either.
//!
//! A reader who has seen enough (`semanas list | head`) closes the pipe; that is a quiet end and no error.

use std::io::{self, IsTerminal as _, Write};

use serde_json::Value;

use crate::cli::args::Format;
use crate::cli::end::Failure;

/// Standard output, with what a command needs to know of it.
pub struct Out {
    sink: Box<dyn Write + Send>,
    pub format: Format,
    /// Whether somebody looks on.
    pub is_terminal: bool,
}

impl Out {
    pub fn standard(format: Format) -> Out {
        let stdout = io::stdout();
        Out {
            is_terminal: stdout.is_terminal(),
            sink: Box::new(stdout),
            format,
        }
    }

    #[cfg(test)]
    pub fn into_page(sink: Box<dyn Write + Send>, format: Format) -> Out {
        Out {
            sink,
            format,
            is_terminal: false,
        }
    }

    /// Writes a text, and a line feed unless it ends with one.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let written = write!(self.sink, "{text}{end}").and_then(|()| self.sink.flush());
        written.map_err(Failure::from_write)
    }

    /// Writes one JSON document on one line, for streams.
    pub fn json_line(&mut self, value: &Value) -> Result<(), Failure> {
        self.text(&value.to_string())
    }

    /// Writes one JSON document, indented for people who look.
    pub fn json(&mut self, value: &Value) -> Result<(), Failure> {
        self.text(&format!("{value:#}"))
    }

    /// The width to fit tables into; `None` when nobody looks, and lines may be as long as they are.
    pub fn width(&self) -> Option<u16> {
        self.is_terminal.then(|| comfy_table::Table::new().width()).flatten()
    }
}

/// Writes to standard error. If even that is closed, nobody is left to tell.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::end::Exit;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_who_has_gone_is_a_quiet_end() {
        let mut out = Out::into_page(Box::new(Closed), Format::Table);
        let failure = out.text("a line").unwrap_err();
        assert_eq!(failure.exit(), Exit::Succeeded);
        assert_eq!(failure.text(), "");
    }
}
