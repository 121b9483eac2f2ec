//! Why a client could not be made.

use thiserror::Error;

/// A client cannot be made with these options on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NetError {
    /// The system gave no thread.
    #[error(
        "the network's thread could not be started: {0}; the process or the container has reached its limit of threads"
    )]
    Threads(String),
    /// The TLS configuration was refused.
    #[error("TLS could not be set up: {0}")]
    Tls(String),
    /// The options do not go together.
    #[error("the HTTP client could not be made: {0}")]
    Client(String),
}
