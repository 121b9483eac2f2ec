//! Who may renew a token: one keeper, by a lease with a number that only grows. A contender believes no clock: it takes a
//! lease over if the holder gave it back, if the holder's process is gone (the system lets its lock go), if the lease did not
//! change for `stale` of the contender's own monotonic count, or if somebody with a name and a reason says so.

use exuvia_model::Time;
use exuvia_ports::{Files, FilesError};
use serde::{Deserialize, Serialize};

use super::{Paths, TokenError, store};

/// The version that this build writes and the newest that it reads.
pub const LEASE_VERSION: i64 = 1;

/// A request for the next pair that may have left and of which no answer is on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Digest of the token that was sent.
    pub key: String,
    /// How often it may have left.
    pub count: u32,
    /// When it was last sent, for people.
    pub at: String,
}

/// Who keeps a token, and what a successor must know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Version of this file.
    pub format_version: i64,
    /// The fencing token: one larger for each keeper.
    pub fencing_token: u64,
    /// Who has it.
    pub holder: String,
    /// On which machine; empty if unknown.
    #[serde(default)]
    pub host: String,
    /// Its process.
    #[serde(default)]
    pub pid: u32,
    /// Tells two keepers apart that were given one number by a lease that somebody removed.
    pub nonce: u64,
    /// Grows while the keeper lives.
    #[serde(default)]
    pub beat: u64,
    /// When it was last renewed, for people: no rule looks at it.
    #[serde(default)]
    pub renewed_at: String,
    /// Whether the holder holds the lock of the living.
    #[serde(default)]
    pub locked: bool,
    /// Whether it was given back.
    #[serde(default)]
    pub released: bool,
    /// How it was had: `free`, `released`, `gone`, `stale`, or the reason of a takeover.
    #[serde(default)]
    pub taken: String,
    /// The request that is under way or in doubt.
    #[serde(default)]
    pub asked: Option<Asked>,
    /// Digest of a token that the venue refused: it is not sent again.
    #[serde(default)]
    pub dead: Option<String>,
}

/// What is asked for: by whom, and with what force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// What a second keeper is told: `keeper on desk-nas`.
    pub name: String,
    /// The machine; empty if unknown. Only on one machine does a lock say that a process is gone.
    pub host: String,
    /// The process.
    pub pid: u32,
}

/// Reads the lease; `None` if there is none.
///
/// # Errors
/// `Unreadable`: then only a takeover with name and reason gets past it; `Newer`; `Files`.
pub fn read_lease(files: &dyn Files, paths: &Paths) -> Result<Option<Lease>, TokenError> {
    let path = paths.lease();
    let bytes = match files.read(&path) {
        Err(error) if error.is_not_found() => return Ok(None),
        other => other?,
    };
    let lease: Lease = serde_json::from_slice(&bytes).map_err(|error| {
        let why = format!(
            "it is no lease (line {}, column {}): take over with a name and a reason",
            error.line(),
            error.column()
        );
        TokenError::Unreadable { what: "lease", path: path.clone(), why }
    })?;
    if lease.format_version > LEASE_VERSION {
        return Err(TokenError::Newer { what: "lease", path, found: lease.format_version, known: LEASE_VERSION });
    }
    Ok(Some(lease))
}

/// Writes the lease durably.
pub(super) fn write_lease(files: &dyn Files, paths: &Paths, lease: &Lease) -> Result<(), FilesError> {
    let text = serde_json::to_string_pretty(lease).unwrap_or_default();
    store::write(files, &paths.lease(), &format!("{text}\n"))
}

/// What the next keeper's number must exceed: lease, token file and status are asked, for a lease can be removed.
pub(super) fn highest_fence(files: &dyn Files, paths: &Paths, lease: Option<&Lease>) -> Result<u64, TokenError> {
    let token = store::read(files, paths.token())?.and_then(|found| found.pair.ok()).and_then(|pair| pair.fence);
    // A status that cannot be read is written anew; it is the last of three witnesses.
    let status = super::status::read_status(files, paths).ok().flatten().map(|status| status.fencing_token);
    let lease = lease.map(|lease| lease.fencing_token);
    Ok([token, status, lease].into_iter().flatten().max().unwrap_or(0))
}

/// Takes the lease from whoever has it and leaves it free: its keeper stops at its next look, the next one that starts gets it.
///
/// # Errors
/// `Unsigned` without a name or a reason; `Files`, also while a keeper is in the middle of a change.
pub fn takeover(files: &dyn Files, paths: &Paths, by: &str, reason: &str, now: Time) -> Result<Lease, TokenError> {
    signed(by, reason)?;
    let _lock = files.lock(&paths.lock(), &format!("takeover by {by}"))?;
    let old = match read_lease(files, paths) {
        Err(TokenError::Unreadable { .. }) => None,
        other => other?,
    };
    let fencing_token = highest_fence(files, paths, old.as_ref())?.saturating_add(1);
    let old = old.unwrap_or_default();
    let lease = Lease {
        format_version: LEASE_VERSION,
        fencing_token,
        holder: by.to_owned(),
        renewed_at: now.to_string(),
        released: true,
        taken: taken_by(by, reason),
        asked: old.asked,
        dead: old.dead,
        ..Lease::default()
    };
    write_lease(files, paths, &lease)?;
    Ok(lease)
}

pub(super) fn signed(by: &str, reason: &str) -> Result<(), TokenError> {
    for (what, text) in [("the name of who orders it", by), ("a reason", reason)] {
        if text.trim().is_empty() {
            return Err(TokenError::Unsigned { what });
        }
    }
    Ok(())
}

pub(super) fn taken_by(by: &str, reason: &str) -> String {
    format!("takeover by {}: {}", by.trim(), reason.trim())
}
