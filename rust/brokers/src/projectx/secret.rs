//! Text that nobody sees: API keys and tokens.

use std::fmt;

/// A key or a token. It has no `Display`, and its `Debug` says only that there is one.
///
/// ```
/// use exuvia_brokers::projectx::Secret;
/// assert_eq!(format!("{:?}", Secret::new("bXkta2V5")), "Secret(***)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the request that needs it.
    #[must_use]
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// `words` without this text, in case somebody wrote it there.
    pub(super) fn out_of(&self, words: &str) -> String {
        if self.0.is_empty() { words.to_owned() } else { words.replace(&self.0, "***") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(***)")
    }
}
