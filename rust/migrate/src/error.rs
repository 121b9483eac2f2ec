//! What this crate refuses.

use thiserror::Error;

/// A mode, path or rule that is not known, or a value that a rule cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MigrateError {
    /// A mode's name that is not one of the modes.
    #[error("unknown mode '{value}': one of {known}")]
    Mode {
        /// What was written.
        value: String,
        /// The modes there are.
        known: String,
    },
    /// A path pattern that cannot be read.
    #[error("path '{path}' cannot be read at character {at}: {what}; write it like $.fills[*].price")]
    Path {
        /// The whole pattern.
        path: String,
        /// Offset in characters.
        at: usize,
        /// What was wrong there.
        what: String,
    },
    /// A rule that cannot be read or is refused for its path.
    #[error("rule '{rule}' for {path}: {what}")]
    Rule {
        /// The path it was declared for.
        path: String,
        /// The rule as written.
        rule: String,
        /// What is wrong with it and what to write.
        what: String,
    },
}
