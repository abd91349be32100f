//! What is wrong with the settings, all of it, each by its name, its place and what to do about it.
//!
//! Values of secrets never stand here: who records a mistake about one does not name the value.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    name: String,
    origin: String,
    what: String,
    fix: String,
}

/// Everything that is wrong; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(Vec<Mistake>);

impl Mistake {
    pub(super) fn new(
        name: impl Into<String>,
        origin: impl Into<String>,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Mistake {
        Mistake {
            name: name.into(),
            origin: origin.into(),
            what: what.into(),
            fix: fix.into(),
        }
    }
}

impl Mistakes {
    pub(super) fn one(mistake: Mistake) -> Mistakes {
        Mistakes(vec![mistake])
    }

    /// Name, what is wrong, and what to do, of each.
    pub(crate) fn each(&self) -> impl Iterator<Item = (String, &str, &str)> {
        let told = |mistake: &'_ Mistake| format!("{} ({})", mistake.name, mistake.origin);
        self.0
            .iter()
            .map(move |mistake| (told(mistake), mistake.what.as_str(), mistake.fix.as_str()))
    }

    /// `Err` when there are any.
    pub(super) fn of(mistakes: Vec<Mistake>) -> Result<(), Mistakes> {
        if mistakes.is_empty() {
            Ok(())
        } else {
            Err(Mistakes(mistakes))
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}; {}", self.name, self.origin, self.what, self.fix)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("no mistake in the settings"),
            [_] => f.write_str("a mistake in the settings:"),
            many => write!(f, "{} mistakes in the settings:", many.len()),
        }?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}
