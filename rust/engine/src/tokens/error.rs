//! What a token file, a lease or a keeper can be refused for. No message holds any part of a token.

use std::path::PathBuf;

use exuvia_ports::FilesError;
use thiserror::Error;

/// Why a token cannot be had or kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// A secret that is not where it should be.
    #[error("{place} holds no secret: set it, or name another source; it is never asked for on the command line")]
    NoSecret {
        /// Where it was looked for.
        place: String,
    },
    /// Others may read or write a file that holds secrets.
    #[error("{} may be read or written by others (mode {mode:o}): run chmod 600 on it, and if others use this machine log in anew", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that is no token file, or no lease.
    #[error("{what} {}: {why}; it was left as it is", path.display())]
    Unreadable {
        /// What it should be.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where in it.
        why: String,
    },
    /// A version that this build cannot read.
    #[error("{what} {}: version {found} is newer than {known}, which this build reads: run the exuvia that wrote it, or a newer one", path.display())]
    Newer {
        /// What it should be.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// Another keeper has the lease.
    #[error("{} is kept by {holder} (fencing token {fence}): end that keeper, or take over with a name and a reason", path.display())]
    Held {
        /// The token file.
        path: PathBuf,
        /// Who keeps it.
        holder: String,
        /// Its fencing token.
        fence: u64,
    },
    /// Somebody took the lease from this keeper.
    #[error("{} was taken over by {holder} (fencing token {theirs}, ours was {ours}): this keeper has stopped and writes nothing more", path.display())]
    Fenced {
        /// The token file.
        path: PathBuf,
        /// Who has it now.
        holder: String,
        /// The larger number.
        theirs: u64,
        /// Ours.
        ours: u64,
    },
    /// Another program renews the same file.
    #[error("{} was changed {count} times within an hour by a program that takes no lease: this keeper has stopped, for two that spend one refresh token end the session; end the other one, or give them two files", path.display())]
    Contended {
        /// The token file.
        path: PathBuf,
        /// How often.
        count: usize,
    },
    /// A takeover without a name or a reason.
    #[error("a takeover needs {what}: it is put on record in the lease")]
    Unsigned {
        /// What is missing.
        what: &'static str,
    },
    /// A setting that makes no sense.
    #[error("{field} is {value}: {rule}")]
    Setting {
        /// Which one.
        field: &'static str,
        /// The value as it came.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// The disk.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl TokenError {
    /// A word that stays when the sentence changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSecret { .. } => "no_secret",
            Self::Exposed { .. } => "exposed",
            Self::Unreadable { .. } => "unreadable",
            Self::Newer { .. } => "newer",
            Self::Held { .. } => "held",
            Self::Fenced { .. } => "fenced",
            Self::Contended { .. } => "contended",
            Self::Unsigned { .. } => "unsigned",
            Self::Setting { .. } => "setting",
            Self::Files(_) => "files",
        }
    }
}
