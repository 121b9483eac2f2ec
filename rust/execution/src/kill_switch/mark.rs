//! What the file of a kill switch says.

use std::fmt;

use exuvia_model::Time;
use serde::{Deserialize, Serialize};

use super::{KillError, Wish};
use crate::text;

/// The version that this writes; it reads this one and older.
const FORMAT: u32 = 1;

/// What is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// What opens or enlarges a position.
    Entries,
    /// Everything but cancels.
    All,
}

/// Who set the switch, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What is stopped.
    pub level: Level,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// When; not known of an empty file.
    pub at: Option<Time>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    format: u32,
    #[serde(default)]
    what: String,
    level: Level,
    by: String,
    why: String,
    #[serde(with = "text::option", default)]
    at: Option<Time>,
}

impl Mark {
    pub(super) fn signed(level: Level, by: &str, why: &str, now: Time) -> Result<Self, KillError> {
        for (what, text) in [("the name", by), ("the reason", why)] {
            if text.trim().is_empty() {
                return Err(KillError::Anonymous(what));
            }
        }
        Ok(Self { level, by: by.to_owned(), why: why.to_owned(), at: Some(now) })
    }

    pub(super) fn parse(bytes: &[u8]) -> Self {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            let (by, why) = ("somebody".to_owned(), "an empty file".to_owned());
            return Self { level: Level::Entries, by, why, at: None };
        }
        match serde_json::from_slice::<Line>(bytes) {
            Ok(line) if line.format <= FORMAT => Self { level: line.level, by: line.by, why: line.why, at: line.at },
            Ok(line) => Self::doubt(&format!("it has format {}, this version reads up to {FORMAT}", line.format)),
            Err(error) => Self::doubt(&format!("what it says cannot be read: {error}")),
        }
    }

    /// What counts where the file cannot be read.
    pub(super) fn doubt(why: &str) -> Self {
        Self { level: Level::All, by: "nobody known".to_owned(), why: why.to_owned(), at: None }
    }

    pub(super) fn line(&self, what: &str) -> String {
        let Self { level, by, why, at } = self.clone();
        let line = Line { format: FORMAT, what: what.to_owned(), level, by, why, at };
        serde_json::to_string(&line).unwrap_or_default() + "\n"
    }

    pub(super) const fn allows(&self, wish: Wish) -> bool {
        match (self.level, wish) {
            (_, Wish::Cancel) | (Level::Entries, Wish::Exit) => true,
            (Level::Entries, Wish::Entry) | (Level::All, _) => false,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stops = match self.level {
            Level::Entries => "nothing may be opened, exits and cancels may go",
            Level::All => "nothing but cancels may go",
        };
        write!(out, "{stops}, says {}", self.by)?;
        if let Some(at) = self.at {
            write!(out, " at {at}")?;
        }
        write!(out, ": {}", self.why)
    }
}
