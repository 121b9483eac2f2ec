//! The status file of a keeper: counts, heartbeat and what is wrong; nothing in it is secret.

use exuvia_ports::{Files, FilesError};
use serde::{Deserialize, Serialize};

use super::{Paths, TokenError, store};

/// The version that this build writes and the newest that it reads.
pub const STATUS_VERSION: i64 = 1;

/// What is wrong, in words for people, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A word that stays.
    pub code: String,
    /// What happened and what to do.
    pub words: String,
    /// Since when, UTC.
    pub since: String,
}

/// The counts and the heartbeat of a keeper; counts go on over restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of this file.
    pub format_version: i64,
    /// `waiting` for the lease, `keeping`, `needs_login`, `stopped`.
    pub state: String,
    /// The keeper's name.
    pub keeper: String,
    /// Its process.
    pub pid: u32,
    /// Its number; 0 while it has none.
    pub fencing_token: u64,
    /// When it was last at work, UTC.
    pub heartbeat: String,
    /// Pairs that were received.
    pub refreshes: u64,
    /// Requests for a pair that failed, whatever the reason.
    pub failures: u64,
    /// Answers that somebody is not who they say: of the token endpoint, and as brokers report them.
    pub unauthorized: u64,
    /// Changes of the token file by somebody else.
    pub foreign: u64,
    /// When the last pair was received, UTC.
    pub refreshed_at: Option<String>,
    /// Until when the access token is good, UTC.
    pub expires_at: Option<String>,
    /// Whether the newest pair is on the disk.
    pub saved: bool,
    /// What is wrong now.
    pub problems: Vec<Problem>,
}

/// Reads the status; `None` if there is none.
///
/// # Errors
/// `Unreadable`, `Newer`, `Files`.
pub fn read_status(files: &dyn Files, paths: &Paths) -> Result<Option<Status>, TokenError> {
    let path = paths.status();
    let bytes = match files.read(&path) {
        Err(error) if error.is_not_found() => return Ok(None),
        other => other?,
    };
    let status: Status = serde_json::from_slice(&bytes).map_err(|error| TokenError::Unreadable {
        what: "status file",
        path: path.clone(),
        why: format!("it is no status (line {}, column {}): remove it", error.line(), error.column()),
    })?;
    if status.format_version > STATUS_VERSION {
        return Err(TokenError::Newer {
            what: "status file",
            path,
            found: status.format_version,
            known: STATUS_VERSION,
        });
    }
    Ok(Some(status))
}

/// Writes the status: whole, readable by all.
pub(super) fn write_status(files: &dyn Files, paths: &Paths, status: &Status) -> Result<(), FilesError> {
    let text = serde_json::to_string_pretty(status).unwrap_or_default();
    store::write_bytes(files, &paths.status(), format!("{text}\n").as_bytes(), false)
}
