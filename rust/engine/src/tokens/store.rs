//! The token file on its disk: read, written whole, and the newest pair found again after a crash.

use std::path::{Path, PathBuf};

use exuvia_lake::LakeError;
use exuvia_ports::{Files, FilesError, Stamp};

use super::secret::digest;
use super::{Pair, Paths, TokenError};

/// Steps from a pair to its successor that are followed after a crash.
const CHAIN: usize = 64;

/// A token file as it was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Of all its bytes.
    pub(super) digest: String,
    /// Before it was read: what is written in between is seen the next time.
    pub(super) stamp: Stamp,
    /// What it holds, or why it holds none.
    pub(super) pair: Result<Pair, TokenError>,
}

/// Reads the token file; `None` if there is none.
pub(super) fn read(files: &dyn Files, path: &Path) -> Result<Option<Found>, FilesError> {
    let stamped = files.stamp(path).and_then(|stamp| Ok((stamp, files.read(path)?)));
    let (stamp, mut bytes) = match stamped {
        Err(error) if error.is_not_found() => return Ok(None),
        other => other?,
    };
    let found = Found { digest: digest(&bytes), stamp, pair: Pair::from_json(&bytes, path) };
    bytes.fill(0);
    Ok(Some(found))
}

/// Writes a file whole and durably, 0600.
pub(super) fn write(files: &dyn Files, path: &Path, text: &str) -> Result<(), FilesError> {
    write_bytes(files, path, text.as_bytes(), true)
}

/// As [`write`], readable by all unless `private`.
pub(super) fn write_bytes(files: &dyn Files, path: &Path, bytes: &[u8], private: bool) -> Result<(), FilesError> {
    exuvia_lake::write_atomic(files, path, bytes, private).map_err(|error| match error {
        LakeError::Files(error) => error,
        other => FilesError::Other { operation: "write", path: path.to_path_buf(), reason: other.to_string() },
    })
}

/// Writes a pair; `Ok` is the digest of the bytes. After an error the file holds the old pair or the new one.
pub(super) fn write_pair(files: &dyn Files, path: &Path, pair: &Pair) -> Result<String, FilesError> {
    let text = pair.to_json();
    write(files, path, text.expose())?;
    Ok(digest(text.expose().as_bytes()))
}

/// Keeps a copy of what stands in the place of the token file; gives the copy's name.
pub(super) fn copy_aside(files: &dyn Files, paths: &Paths, fence: u64) -> Result<PathBuf, FilesError> {
    let aside = paths.aside(files, fence);
    let mut bytes = files.read(paths.token())?;
    let written = write_bytes(files, &aside, &bytes, true);
    bytes.fill(0);
    written.map(|()| aside)
}

/// Finds the newest pair that a keeper which was killed or fenced off has left beside the file, puts it in place, and clears
/// away what was left. What is newer is told by the digest of the token that was spent for it, not by a clock. To be called
/// under the lock. Returns the name of what was put in place.
pub(super) fn recover(files: &dyn Files, paths: &Paths) -> Result<Option<String>, FilesError> {
    let (rescued, temporary) = paths.left_over(files)?;
    let Some(Found { pair: Ok(mut newest), .. }) = read(files, paths.token())? else { return Ok(None) };
    let mut left: Vec<(&Path, Pair)> = Vec::new();
    for path in rescued.iter().chain(&temporary) {
        if let Some(Found { pair: Ok(pair), .. }) = read(files, path)? {
            left.push((path, pair));
        }
    }
    let mut passed = vec![newest.key()];
    let mut from = None;
    for _ in 0..CHAIN {
        let key = newest.key();
        let Some((path, next)) = left.iter().find(|(_, pair)| pair.replaces.as_ref() == Some(&key)) else { break };
        (newest, from) = (next.clone(), Some(*path));
        passed.push(newest.key());
    }
    // Pieces first: a folder full of them has no name left to write under. The newest pair stays until it is in place.
    for path in temporary.iter().filter(|path| from != Some(path.as_path())) {
        files.remove(path)?;
    }
    if from.is_some() {
        write_pair(files, paths.token(), &newest)?;
    }
    // A rescued pair that leads nowhere may be of another login: it stays for whoever can tell.
    let spent = |path: &&PathBuf| left.iter().any(|(of, pair)| of == path && passed.contains(&pair.key()));
    let put = temporary.iter().filter(|path| from == Some(path.as_path()));
    put.chain(rescued.iter().filter(spent)).try_for_each(|path| files.remove(path))?;
    Ok(from.map(|path| path.display().to_string()))
}
