//! The cutover: what was kept beside the canonical file takes its name, after both keepers have ended.

use exuvia_model::Time;
use exuvia_ports::Files;

use super::lease::{LEASE_VERSION, highest_fence, signed, taken_by, write_lease};
use super::{Lease, Paths, TokenError, read_lease, store};

/// Puts the pair of `parallel` into `canonical` and takes the parallel file away, so that no refresh token lies in two files. What
/// `canonical` held is kept beside it; its members that are not known here go on. Done again after a crash it ends what it began.
/// Returns the lease of `canonical`: free, for the keeper that starts next.
///
/// # Errors
/// `Held` while a keeper has either lease: close it first; `Unsigned`; `Unreadable` if `parallel` holds no pair; `Files`.
pub fn cutover(
    files: &dyn Files,
    parallel: &Paths,
    canonical: &Paths,
    by: &str,
    reason: &str,
    now: Time,
) -> Result<Lease, TokenError> {
    signed(by, reason)?;
    let who = format!("cutover by {by}");
    let _locks = (files.lock(&canonical.lock(), &who)?, files.lock(&parallel.lock(), &who)?);
    let (old, kept) = (free(files, canonical)?, free(files, parallel)?);
    let Some(found) = store::read(files, parallel.token())? else {
        let path = parallel.token().to_path_buf();
        return Err(exuvia_ports::FilesError::NotFound { operation: "read", path }.into());
    };
    let mut pair = found.pair?;
    let fence = highest_fence(files, canonical, Some(&old))?.max(highest_fence(files, parallel, Some(&kept))?);
    let lease = Lease {
        format_version: LEASE_VERSION,
        fencing_token: fence.saturating_add(1),
        holder: by.to_owned(),
        renewed_at: now.to_string(),
        released: true,
        taken: taken_by(by, reason),
        asked: kept.asked.clone(),
        dead: kept.dead.clone(),
        ..Lease::default()
    };
    // First the number, so that whoever had the canonical name stops; then the pair; then the second copy of it goes.
    write_lease(files, canonical, &lease)?;
    if let Some(before) = store::read(files, canonical.token())?.filter(|before| before.digest != found.digest) {
        if let Ok(before) = &before.pair {
            pair.keep_members(before);
        }
        store::copy_aside(files, canonical, lease.fencing_token)?;
    }
    pair.fence = Some(lease.fencing_token);
    store::write_pair(files, canonical.token(), &pair)?;
    files.remove(parallel.token())?;
    Ok(lease)
}

fn free(files: &dyn Files, paths: &Paths) -> Result<Lease, TokenError> {
    let lease = read_lease(files, paths)?.unwrap_or(Lease { released: true, ..Lease::default() });
    if lease.released {
        return Ok(lease);
    }
    Err(TokenError::Held { path: paths.token().to_path_buf(), holder: lease.holder, fence: lease.fencing_token })
}
