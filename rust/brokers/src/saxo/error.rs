//! Why a question to the venue has no usable answer.

use exuvia_model::Time;
use thiserror::Error;

use super::parse::ParseError;

/// What went wrong with one request. No message holds a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SaxoError {
    /// There is no token.
    #[error("{what} was not sent: there is no access token that is good; let the token keeper refresh it, or log in")]
    NoToken {
        /// Which request.
        what: String,
    },
    /// A limit of the venue would be passed.
    #[error("{what} was not sent: {limit}; it may go at {until}")]
    Wait {
        /// Which request.
        what: String,
        /// Which limit.
        limit: String,
        /// When there is room again, by the caller's clock.
        until: Time,
    },
    /// No byte of it left.
    #[error("{what} was not sent: {reason}")]
    NotSent {
        /// Which request.
        what: String,
        /// What happened.
        reason: String,
    },
    /// It left, and there is no whole answer.
    #[error("{what} was sent and not answered: {reason}; what the venue made of it is unknown")]
    NotAnswered {
        /// Which request.
        what: String,
        /// What happened.
        reason: String,
    },
    /// The venue does not know the token.
    #[error("{what}: the venue does not take the access token (HTTP 401): it has expired or was revoked")]
    Unauthorized {
        /// Which request.
        what: String,
    },
    /// The venue asks to wait.
    #[error("{what}: the venue's rate limit is reached (HTTP 429); it may go at {until}")]
    Limited {
        /// Which request.
        what: String,
        /// When, by its headers.
        until: Time,
    },
    /// The venue said no.
    #[error("{what}: the venue answers HTTP {status} {words}")]
    Refused {
        /// Which request.
        what: String,
        /// HTTP status.
        status: u16,
        /// Its code and message; empty if it gave none.
        words: String,
    },
    /// The venue failed.
    #[error("{what}: the venue failed (HTTP {status}); ask again")]
    Server {
        /// Which request.
        what: String,
        /// HTTP status.
        status: u16,
    },
    /// An answer that cannot be read.
    #[error("{what}: the answer cannot be used: {why}")]
    Unreadable {
        /// Which request.
        what: String,
        /// Why not.
        why: ParseError,
    },
    /// A list whose next page is not at the venue, or that does not end.
    #[error("{what}: the list is not complete: {why}")]
    Incomplete {
        /// Which request.
        what: String,
        /// Why not.
        why: String,
    },
    /// Something that is wrong before anything is sent.
    #[error("{what} was not sent: {why}")]
    Unfit {
        /// Which request.
        what: String,
        /// What is wrong, and what to do.
        why: String,
    },
}

impl SaxoError {
    /// A word for programs; it stays the same when the sentence changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoToken { .. } => "no_token",
            Self::Wait { .. } => "wait",
            Self::NotSent { .. } => "not_sent",
            Self::NotAnswered { .. } => "not_answered",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Limited { .. } => "limited",
            Self::Refused { .. } => "refused",
            Self::Server { .. } => "server",
            Self::Unreadable { .. } => "unreadable",
            Self::Incomplete { .. } => "incomplete",
            Self::Unfit { .. } => "unfit",
        }
    }

    /// Whether the venue provably did nothing: what was asked may be sent again.
    #[must_use]
    pub const fn is_safe(&self) -> bool {
        matches!(
            self,
            Self::NoToken { .. }
                | Self::Wait { .. }
                | Self::NotSent { .. }
                | Self::Unauthorized { .. }
                | Self::Limited { .. }
                | Self::Unfit { .. }
        )
    }
}
