//! What can be wrong with a value of the domain; each message names the value and what to do.

use thiserror::Error;

/// A value that the domain does not admit.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ModelError {
    /// The text is not a decimal number.
    #[error(
        "{what} {text:?} is not a decimal number: write digits with an optional sign and point, such as \"1.0825\""
    )]
    NotANumber {
        /// Which type was being read.
        what: &'static str,
        /// The text as it came.
        text: String,
    },
    /// More than nine decimals.
    #[error(
        "{what} {text:?} has more than 9 decimals: round it to 1e-9 first, or use the rounding constructor, which counts what it changed"
    )]
    TooPrecise {
        /// Which type was being read.
        what: &'static str,
        /// The text as it came.
        text: String,
    },
    /// Outside the range of the scaled integer.
    #[error("{what} {text} is out of range: |value| must stay below 9.2e9 for prices and quantities, 1.7e29 for money")]
    OutOfRange {
        /// Which type was being computed.
        what: &'static str,
        /// The value, or the operation that overflowed.
        text: String,
    },
    /// NaN or an infinity where a number is needed.
    #[error("{what} {value} is not finite: a feed that has no value should leave the field out")]
    NotFinite {
        /// Which type was being made.
        what: &'static str,
        /// The float as it came.
        value: f64,
    },
    /// A tick that is zero or negative.
    #[error("tick {0} must be positive")]
    BadTick(String),
    /// Not an ISO-8601 instant.
    #[error("time {text:?} is not an ISO-8601 UTC instant such as 2026-02-03T14:05:06.123000Z: {why}")]
    BadTime {
        /// The text as it came.
        text: String,
        /// What was wrong with it.
        why: &'static str,
    },
    /// An enum text that is not known.
    #[error("{what} {text:?} is unknown: use one of {known}")]
    Unknown {
        /// Which enum.
        what: &'static str,
        /// The text as it came.
        text: String,
        /// The texts that are known.
        known: &'static str,
    },
    /// A symbol id that was never handed out by this table.
    #[error("symbol id {0} was never interned in this table: intern the name first")]
    UnknownSymbol(u32),
}
