//! A keeper's hold on the lease: got once, renewed with each beat, looked at before anything that matters.

use std::sync::Arc;

use exuvia_model::Time;
use exuvia_ports::{Clock, FileLock, Files, FilesError, Random};

use super::lease::{LEASE_VERSION, highest_fence, taken_by, write_lease};
use super::{Holder, Lease, Paths, Settings, TokenError, read_lease};

/// The ports of a keeper.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The disk.
    pub files: Arc<dyn Files>,
    /// UTC and the monotonic count.
    pub clock: Arc<dyn Clock>,
    /// For jitter and for telling keepers apart.
    pub random: Arc<dyn Random>,
}

impl Ports {
    pub(super) fn now(&self) -> (Time, i64) {
        (self.clock.utc(), self.clock.monotonic())
    }
}

/// The lease as it was last seen in another's hands, and since when by our own count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    fence: u64,
    nonce: u64,
    beat: u64,
    since: i64,
}

#[derive(Debug)]
pub(super) struct Claim {
    ports: Ports,
    paths: Paths,
    holder: Holder,
    nonce: u64,
    /// 0 until the lease is had.
    fence: u64,
    /// As it was last written.
    last: Lease,
    alive: Option<Box<dyn FileLock>>,
    seen: Option<Seen>,
}

impl Claim {
    pub(super) fn new(ports: Ports, paths: Paths, holder: Holder) -> Self {
        let nonce = ports.random.next_u64();
        Self { ports, paths, holder, nonce, fence: 0, last: Lease::default(), alive: None, seen: None }
    }

    pub(super) fn fence(&self) -> u64 {
        self.fence
    }

    /// The lock under which everything is changed; it is never held while a venue is asked.
    pub(super) fn lock(&self) -> Result<Box<dyn FileLock>, FilesError> {
        self.ports.files.lock(&self.paths.lock(), &self.holder.name)
    }

    /// Tries to get the lease. To be called under the lock.
    pub(super) fn acquire(&mut self, settings: &Settings) -> Result<Lease, TokenError> {
        let files = Arc::clone(&self.ports.files);
        let found = match read_lease(files.as_ref(), &self.paths) {
            Err(TokenError::Unreadable { .. }) if settings.takeover.is_some() => None,
            other => other?,
        };
        let taken = self.reason(found.as_ref(), settings)?;
        if self.alive.is_none() {
            self.alive = files.lock(&self.paths.alive(), &self.holder.name).ok();
        }
        let fence = highest_fence(files.as_ref(), &self.paths, found.as_ref())?.saturating_add(1);
        let old = found.unwrap_or_default();
        let lease = Lease {
            format_version: LEASE_VERSION,
            fencing_token: fence,
            holder: self.holder.name.clone(),
            host: self.holder.host.clone(),
            pid: self.holder.pid,
            nonce: self.nonce,
            beat: 0,
            renewed_at: self.ports.clock.utc().to_string(),
            locked: self.alive.is_some(),
            released: false,
            taken,
            asked: old.asked,
            dead: old.dead,
        };
        // After an error the lease may be in place all the same: it is ours then, and the next try takes the next number.
        write_lease(files.as_ref(), &self.paths, &lease)?;
        self.fence = fence;
        self.last.clone_from(&lease);
        Ok(lease)
    }

    /// By what right the lease is ours to take.
    fn reason(&mut self, found: Option<&Lease>, settings: &Settings) -> Result<String, TokenError> {
        let Some(lease) = found else { return Ok("free".to_owned()) };
        if lease.nonce == self.nonce || lease.released {
            return Ok("released".to_owned());
        }
        if let Some((by, reason)) = &settings.takeover {
            return Ok(taken_by(by, reason));
        }
        let now = self.ports.clock.monotonic();
        let at = Seen { fence: lease.fencing_token, nonce: lease.nonce, beat: lease.beat, since: now };
        let seen = self.seen.take().filter(|seen| Seen { since: now, ..seen.clone() } == at).unwrap_or(at);
        let quiet = now.saturating_sub(seen.since);
        self.seen = Some(seen);
        let same_machine = !lease.host.is_empty() && lease.host == self.holder.host;
        if lease.locked && same_machine {
            self.alive = self.ports.files.lock(&self.paths.alive(), &self.holder.name).ok();
            if self.alive.is_some() {
                return Ok("gone".to_owned());
            }
        }
        if quiet >= settings.stale {
            return Ok("stale".to_owned());
        }
        let (path, holder) = (self.paths.token().to_path_buf(), lease.holder.clone());
        Err(TokenError::Held { path, holder, fence: lease.fencing_token })
    }

    /// The lease if it is still ours, or anew if somebody removed it. To be called under the lock.
    pub(super) fn check(&self) -> Result<Lease, TokenError> {
        let fenced = |holder: String, theirs: u64| TokenError::Fenced {
            path: self.paths.token().to_path_buf(),
            holder,
            theirs,
            ours: self.fence,
        };
        match read_lease(self.ports.files.as_ref(), &self.paths) {
            Ok(Some(lease)) if (lease.fencing_token, lease.nonce) == (self.fence, self.nonce) => Ok(lease),
            Ok(Some(lease)) => Err(fenced(lease.holder, lease.fencing_token)),
            Ok(None) => {
                let theirs = highest_fence(self.ports.files.as_ref(), &self.paths, None)?;
                if theirs > self.fence {
                    return Err(fenced("a keeper whose lease was removed".to_owned(), theirs));
                }
                Ok(self.last.clone())
            }
            // Garbage is nobody's number: somebody is at work there, and it is not us.
            Err(TokenError::Unreadable { .. }) => {
                Err(fenced("whoever wrote a lease that is none".to_owned(), self.fence))
            }
            Err(error) => Err(error),
        }
    }

    /// Renews the lease, with a change to what a successor must know.
    pub(super) fn renew(&mut self, change: impl FnOnce(&mut Lease)) -> Result<(), TokenError> {
        let _lock = self.lock()?;
        self.renew_locked(change)
    }

    /// As [`Claim::renew`], for whoever has the lock.
    pub(super) fn renew_locked(&mut self, change: impl FnOnce(&mut Lease)) -> Result<(), TokenError> {
        let mut lease = self.check()?;
        if self.alive.is_none() {
            // After a takeover: the old keeper lets it go when it stops.
            self.alive = self.ports.files.lock(&self.paths.alive(), &self.holder.name).ok();
        }
        lease.beat += 1;
        lease.locked = self.alive.is_some();
        lease.renewed_at = self.ports.clock.utc().to_string();
        change(&mut lease);
        write_lease(self.ports.files.as_ref(), &self.paths, &lease)?;
        self.last = lease;
        Ok(())
    }

    /// Lets the process's lock go.
    pub(super) fn let_go(&mut self) {
        self.alive = None;
    }
}
