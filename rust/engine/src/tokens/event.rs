//! What a keeper tells: a word that stays, a sentence, and whether somebody must act.

use std::fmt;

/// Something that happened. The sentence holds no part of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// A word that stays when the sentence changes: `refreshed`, `needs_login`.
    pub code: &'static str,
    /// What happened, and what to do if something must be done.
    pub words: String,
    /// Whether somebody must look.
    pub loud: bool,
}

impl Event {
    pub(super) fn told(code: &'static str, words: impl Into<String>) -> Self {
        Self { code, words: words.into(), loud: false }
    }

    pub(super) fn loud(code: &'static str, words: impl Into<String>) -> Self {
        Self { code, words: words.into(), loud: true }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.words)
    }
}
