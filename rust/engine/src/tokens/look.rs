//! A look at a token from outside, by its files alone: what an operator asks, without any secret in the answer.

use exuvia_model::{SECOND, Time};
use exuvia_ports::{Files, FilesError};
use serde::Serialize;

use super::{Lease, Paths, Status, TokenError, read_lease, read_status, store};

/// Without a heartbeat for so long a keeper is not at work.
const SILENT: i64 = 180 * SECOND;

/// What the token file says of its pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenLook {
    /// Until when the access token is good, UTC.
    pub expires_at: Option<String>,
    /// Whole seconds until then; negative after it.
    pub seconds_left: Option<i64>,
    /// Until when the refresh token is good, UTC.
    pub refresh_token_expires_at: Option<String>,
    /// When it was received, UTC.
    pub obtained_at: Option<String>,
    /// Of the keeper that wrote it; `None` if another program did.
    pub fencing_token: Option<u64>,
    /// Permission bits of the file, octal.
    pub mode: Option<String>,
}

/// Who keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeaseLook {
    /// The keeper's number.
    pub fencing_token: u64,
    /// Its name.
    pub holder: String,
    /// Its machine.
    pub host: String,
    /// Its process.
    pub pid: u32,
    /// When it was last renewed, by that machine's clock.
    pub renewed_at: String,
    /// Whether it was given back.
    pub released: bool,
    /// How it was had.
    pub taken: String,
    /// Whether a request for the next pair of this very token has no answer on record.
    pub in_doubt: bool,
    /// Whether the venue refused this very token.
    pub refused: bool,
}

/// Everything that the files of a token say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Look {
    /// The token file.
    pub path: String,
    /// Whether nothing is wrong.
    pub healthy: bool,
    /// What is wrong, and what to do.
    pub problems: Vec<String>,
    /// The pair, if there is one.
    pub token: Option<TokenLook>,
    /// The lease, if there is one.
    pub lease: Option<LeaseLook>,
    /// The keeper's own counts and heartbeat, if it wrote any.
    pub keeper: Option<Status>,
}

/// Looks at the files of a token; nothing is written and nobody is asked.
///
/// ```
/// use std::path::Path;
/// use exuvia_engine::tokens::{Paths, look};
/// use exuvia_model::Time;
/// use exuvia_ports::{Create, Files, SimFiles};
/// let (files, path) = (SimFiles::new(), Path::new("/saxo.json"));
/// files.create(path, Create::default().private())?.write(br#"{"access_token": "s3cret", "expires_at": 1200}"#)?;
/// let seen = look(&files, &Paths::canonical(path), Time(0))?;
/// assert_eq!((seen.healthy, seen.token.unwrap().seconds_left), (false, Some(1200)));
/// assert_eq!(seen.problems, ["nobody keeps it: there is no lease; start a keeper"]);
/// # Ok::<(), exuvia_ports::FilesError>(())
/// ```
///
/// # Errors
/// What the disk says, except that a file is not there.
pub fn look(files: &dyn Files, paths: &Paths, now: Time) -> Result<Look, FilesError> {
    let mut problems = Vec::new();
    let found = store::read(files, paths.token())?;
    let mut key = None;
    let token = match found {
        None => {
            problems.push(format!("there is no {}: log in and write the first pair there", paths.token().display()));
            None
        }
        Some(found) => match found.pair {
            Err(error) => {
                problems.push(error.to_string());
                None
            }
            Ok(pair) => {
                if let Some(mode) = found.stamp.mode.filter(|_| !found.stamp.is_private()) {
                    let path = paths.token().to_path_buf();
                    problems.push(TokenError::Exposed { path, mode }.to_string());
                }
                let left = pair.expires.map(|expires| expires.0.saturating_sub(now.0).div_euclid(SECOND));
                if let Some(left) = left.filter(|left| *left <= 0) {
                    problems.push(format!("the access token ended {} s ago", -left));
                }
                key = Some(pair.key());
                let text = |time: Option<Time>| time.map(|time| time.to_string());
                Some(TokenLook {
                    expires_at: text(pair.expires),
                    seconds_left: left,
                    refresh_token_expires_at: text(pair.refresh_expires),
                    obtained_at: text(pair.obtained),
                    fencing_token: pair.fence,
                    mode: found.stamp.mode.map(|mode| format!("{mode:04o}")),
                })
            }
        },
    };
    let lease = or_problem(read_lease(files, paths), &mut problems)?.map(|lease| of_lease(lease, key.as_deref()));
    match &lease {
        None => problems.push("nobody keeps it: there is no lease; start a keeper".to_owned()),
        Some(lease) if lease.released => {
            problems.push(format!("nobody keeps it: {} gave its lease back; start a keeper", lease.holder));
        }
        Some(lease) if lease.refused => {
            problems.push("the venue refused the token: log in anew and write the new pair to the file".to_owned());
        }
        Some(lease) if lease.in_doubt => {
            problems.push("a request for the next pair has no answer on record: its keeper tries it again".to_owned());
        }
        Some(_) => {}
    }
    let keeper = or_problem(read_status(files, paths), &mut problems)?;
    if let Some(status) = &keeper {
        let silent = status.heartbeat.parse::<Time>().map_or(i64::MAX, |beat| now.0.saturating_sub(beat.0));
        if silent > SILENT && status.state != "stopped" {
            problems.push(format!(
                "its keeper {} (process {}) was last at work at {}: look whether it lives",
                status.keeper, status.pid, status.heartbeat
            ));
        }
        problems.extend(status.problems.iter().map(|problem| format!("{}: {}", problem.code, problem.words)));
    }
    let path = paths.token().display().to_string();
    Ok(Look { path, healthy: problems.is_empty(), problems, token, lease, keeper })
}

fn of_lease(lease: Lease, key: Option<&str>) -> LeaseLook {
    LeaseLook {
        in_doubt: key.is_some() && lease.asked.as_ref().map(|asked| asked.key.as_str()) == key,
        refused: key.is_some() && lease.dead.as_deref() == key,
        fencing_token: lease.fencing_token,
        holder: lease.holder,
        host: lease.host,
        pid: lease.pid,
        renewed_at: lease.renewed_at,
        released: lease.released,
        taken: lease.taken,
    }
}

/// What cannot be read is one of the problems; what the disk refuses is an error.
fn or_problem<T>(read: Result<Option<T>, TokenError>, problems: &mut Vec<String>) -> Result<Option<T>, FilesError> {
    match read {
        Ok(value) => Ok(value),
        Err(TokenError::Files(error)) => Err(error),
        Err(error) => {
            problems.push(error.to_string());
            Ok(None)
        }
    }
}
