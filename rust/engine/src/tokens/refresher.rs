//! How a new pair is asked for. A venue's own way is a [`Refresher`]; what can go wrong is told apart by one question: may
//! the old token have been spent?

use std::fmt;

use thiserror::Error;

use super::{Pair, Renewal};

/// Exchanges a pair for the next one: one request, one answer, bounded in time (well below the lease's `stale`).
///
/// Saxo sends `refresh_token`; `ProjectX` validates the access token, and logs in with its key where that fails.
pub trait Refresher: fmt::Debug + Send {
    /// Asks once; it never tries again by itself, for only the keeper knows what was spent.
    ///
    /// # Errors
    /// [`RefreshError`].
    fn refresh(&mut self, pair: &Pair) -> Result<Renewal, RefreshError>;

    /// Whether what is sent is dead once it was answered, so that a lost answer is a doubt. True for OAuth 2 with rotation,
    /// false where several tokens are good at once.
    fn is_single_use(&self) -> bool {
        true
    }
}

/// Why there is no new pair. The words are a venue's or ours; they must hold no part of a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RefreshError {
    /// Nothing left: the old token is what it was.
    #[error("the request was not sent: {reason}")]
    NotSent {
        /// What happened.
        reason: String,
    },
    /// It left, and no whole answer came: time-out, reset.
    #[error("the request was sent and not answered: {reason}")]
    NotAnswered {
        /// What happened.
        reason: String,
    },
    /// The server failed, perhaps after it had taken the token (5xx).
    #[error("the server failed with {status}")]
    Server {
        /// HTTP status.
        status: u16,
    },
    /// Too many requests; the token was not looked at (429).
    #[error("too many requests{}", .retry_after.map_or_else(String::new, |seconds| format!(", to be asked again after {seconds} s")))]
    Limited {
        /// Seconds that the server asks to wait.
        retry_after: Option<i64>,
    },
    /// The venue says that the token is not good (any more): expired, revoked, spent.
    #[error("the venue refused the token: {words}")]
    Refused {
        /// What it said: `invalid_grant`.
        words: String,
    },
    /// The venue refused the request and not the token: wrong client id, secret, redirect.
    #[error("the venue refused the request with {status}: {words}")]
    Denied {
        /// HTTP status.
        status: u16,
        /// What it said.
        words: String,
    },
    /// An answer of success that cannot be read: the token may be spent and its successor lost.
    #[error("the answer {status} cannot be read: {why}")]
    Nonsense {
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        why: String,
    },
}

impl RefreshError {
    /// Whether the token that was sent may be spent.
    #[must_use]
    pub const fn may_have_rotated(&self) -> bool {
        matches!(self, Self::NotAnswered { .. } | Self::Server { .. } | Self::Nonsense { .. })
    }

    /// Whether the server answered that somebody is not who they say: what a count of 401 is about.
    #[must_use]
    pub const fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Denied { status: 401, .. })
    }

    /// A word that stays when the sentence changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSent { .. } => "not_sent",
            Self::NotAnswered { .. } => "not_answered",
            Self::Server { .. } => "server",
            Self::Limited { .. } => "limited",
            Self::Refused { .. } => "refused",
            Self::Denied { .. } => "denied",
            Self::Nonsense { .. } => "nonsense",
        }
    }
}
