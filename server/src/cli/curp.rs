//! Where a CURP comes from: the command line, or standard input, which nobody else on the machine can see.
//!
//! It does not check it: the server does, and says what is wrong with it.

use std::io;

use clap::Args;

use crate::cli::end::Failure;

/// The person. Arguments can be seen by other users of this machine (`ps`): `-` reads the CURP from standard input.
#[derive(Args, Clone)]
#[group(required = true, multiple = false)]
pub struct CurpArgs {
    /// CURP of the person; - reads it from standard input, because arguments can be seen in `ps`
    #[arg(value_name = "CURP", allow_hyphen_values = true)]
    curp: Option<String>,
    /// The same as an option
    #[arg(long = "curp", value_name = "CURP", allow_hyphen_values = true)]
    curp_option: Option<String>,
}

impl std::fmt::Debug for CurpArgs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CurpArgs(redacted)")
    }
}

impl CurpArgs {
    /// The CURP, with the blanks around it taken off.
    pub fn read(&self) -> Result<String, Failure> {
        let given = self.curp.as_ref().or(self.curp_option.as_ref());
        match given.map(|given| given.trim()) {
            Some("-") => read_line(io::stdin().lock()),
            Some(curp) => Ok(curp.to_owned()),
            None => Err(Failure::Usage(
                "give a CURP, or - to read it from standard input".into(),
            )),
        }
    }
}

fn read_line(mut input: impl io::BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    let unreadable = |error| Failure::Usage(format!("cannot read the CURP from standard input: {error}"));
    input.read_line(&mut line).map_err(unreadable)?;
    match line.trim() {
        "" => Err(Failure::Usage("standard input holds no CURP".into())),
        curp => Ok(curp.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_standard_input_is_the_curp() {
        assert_eq!(
            read_line(" GOAA970724HYNNNL08\r\nmore\n".as_bytes()).unwrap(),
            "GOAA970724HYNNNL08"
        );
        assert!(matches!(read_line("\n".as_bytes()), Err(Failure::Usage(_))));
    }
}
