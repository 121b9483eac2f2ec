//! What can come of a call instead of its answer. Which of these it is decides whether an order may be sent again.

use exuvia_model::{ModelError, SECOND};
use thiserror::Error;

/// The gateway's no to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which call.
    pub call: &'static str,
    /// The vendor's number.
    pub code: i64,
    /// The vendor's name of it.
    pub name: &'static str,
    /// The vendor's words; empty if there were none.
    pub words: String,
    /// An order that the answer names although it refuses, as it may.
    pub order_id: Option<i64>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "code {} ({})", self.code, self.name)?;
        if !self.words.is_empty() {
            write!(out, ": {}", self.words)?;
        }
        self.order_id.map_or(Ok(()), |id| write!(out, " [order {id}]"))
    }
}

/// Why a call has no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProjectXError {
    /// The gateway did not act on it, provably: no byte left, or it was turned away at the door. It may be sent again.
    #[error("{call} was not sent, or turned away unread: {why}; it may be sent again{}", after(*.wait))]
    NotSent {
        /// Which call.
        call: &'static str,
        /// What happened.
        why: String,
        /// Not before so many nanoseconds.
        wait: i64,
    },
    /// It left, and no answer came that says what became of it.
    #[error("{call} was sent and what became of it is unknown: {why}; ask the gateway before it is sent again")]
    Unknown {
        /// Which call.
        call: &'static str,
        /// What happened.
        why: String,
    },
    /// The gateway looked at it and did not do it.
    #[error("{} was refused with {}", .0.call, .0)]
    Refused(Refusal),
    /// The gateway answered with a code that leaves open whether it did it.
    #[error("{} may or may not have been done, {}; ask the gateway before it is sent again", .0.call, .0)]
    InDoubt(Refusal),
    /// The gateway could not make sense of the request, and says so.
    #[error("{call} was refused as badly made (HTTP 400): {why}")]
    Malformed {
        /// Which call.
        call: &'static str,
        /// The gateway's words.
        why: String,
    },
    /// It cannot be asked of this gateway; nothing was sent.
    #[error("{what}: {why}; nothing was sent")]
    Unfit {
        /// What was asked for.
        what: String,
        /// The rule, and what to do.
        why: String,
    },
}

fn after(wait: i64) -> String {
    if wait > 0 {
        format!(" after {} s", wait.div_euclid(SECOND) + i64::from(wait % SECOND > 0))
    } else {
        String::new()
    }
}

impl ProjectXError {
    /// A word for programs; it stays the same when the sentence changes.
    ///
    /// ```
    /// use exuvia_brokers::projectx::ProjectXError;
    /// let error = ProjectXError::Unknown { call: "Order/place", why: "time-out".into() };
    /// assert_eq!(error.code(), "unknown");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSent { .. } => "not_sent",
            Self::Unknown { .. } => "unknown",
            Self::Refused(_) => "refused",
            Self::InDoubt(_) => "in_doubt",
            Self::Malformed { .. } => "malformed",
            Self::Unfit { .. } => "unfit",
        }
    }

    pub(super) fn unfit(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unfit { what: what.into(), why: why.into() }
    }
}

/// A number that does not fit is asked of nobody.
impl From<ModelError> for ProjectXError {
    fn from(error: ModelError) -> Self {
        Self::unfit("a number", error.to_string())
    }
}
