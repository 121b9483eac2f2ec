//! The loop of a keeper: the lease, the look at the file, what is told. What renews and writes is in `renew`.

use std::sync::{Arc, Mutex};

use exuvia_ports::{FilesError, Stamp};

use super::claim::Claim;
use super::reader::Published;
use super::schedule::{Schedule, backoff};
use super::status::{STATUS_VERSION, read_status, write_status};
use super::store::{self, Found};
use super::trouble::Troubles;
use super::{Event, Holder, Lease, Pair, Paths, Ports, Refresher, Settings, Status, TokenError, Tokens};

/// What one turn of the loop did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tick {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Nanoseconds until there is something to do; `None` if the keeper has stopped for good.
    pub wait: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Keeping,
    NeedsLogin,
    Stopped,
}

/// Keeps one token file.
///
/// ```
/// use std::{path::Path, sync::Arc};
/// use exuvia_engine::tokens::{Holder, Keeper, OAuth2, Paths, Ports, Settings};
/// use exuvia_model::{MINUTE, Time};
/// use exuvia_ports::{Create, Files, Response, SimClock, SimFiles, SimHttp, SimRandom};
///
/// let (files, clock) = (SimFiles::new(), Arc::new(SimClock::new(Time(0))));
/// let path = Path::new("/saxo.json");
/// let login = br#"{"access_token": "a1", "refresh_token": "r1", "expires_in": 1200, "expires_at": 1200}"#;
/// files.create(path, Create::default().private())?.write(login)?;
/// let answer = r#"{"access_token": "a2", "refresh_token": "r2", "expires_in": 1200}"#;
/// let venue = OAuth2::new(Arc::new(SimHttp::new(move |_| Ok(Response::new(201, answer)))), "https://127.0.0.1/token");
/// let ports = Ports { files: Arc::new(files), clock: clock.clone(), random: Arc::new(SimRandom::seeded(1)) };
///
/// let holder = Holder { name: "keeper on nas".into(), host: "nas".into(), pid: 1 };
/// let mut keeper = Keeper::new(ports, Paths::canonical(path), holder, Settings::default(), Box::new(venue))?;
/// let tokens = keeper.tokens();
/// keeper.tick();
/// assert_eq!(tokens.current()?.access.expose(), "a1");
/// clock.advance(15 * MINUTE);
/// assert_eq!(keeper.tick().events[0].code, "refreshed");
/// assert_eq!(tokens.current()?.access.expose(), "a2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Keeper {
    pub(super) ports: Ports,
    pub(super) paths: Paths,
    pub(super) settings: Settings,
    pub(super) refresher: Box<dyn Refresher>,
    pub(super) claim: Claim,
    pub(super) state: State,
    pub(super) status: Status,
    pub(super) events: Vec<Event>,
    /// The newest pair, wherever it is.
    pub(super) pair: Option<Pair>,
    /// Whether the file holds it, and whether it does so durably.
    pub(super) in_file: bool,
    pub(super) saved: bool,
    /// The file as it was last seen.
    pub(super) known: Option<String>,
    pub(super) stamp: Option<Stamp>,
    pub(super) lease: Lease,
    pub(super) schedule: Schedule,
    pub(super) failures: u32,
    pub(super) retry_at: i64,
    pub(super) disk_failures: u32,
    pub(super) disk_at: i64,
    next_beat: i64,
    pub(super) changes: Vec<i64>,
    pub(super) troubles: Troubles,
    pub(super) published: Published,
}

impl Keeper {
    /// A keeper of the token at `paths`; nothing is touched before the first [`Keeper::tick`].
    ///
    /// # Errors
    /// `Setting`, `Unsigned`.
    pub fn new(
        ports: Ports,
        paths: Paths,
        holder: Holder,
        settings: Settings,
        refresher: Box<dyn Refresher>,
    ) -> Result<Self, TokenError> {
        settings.check()?;
        let status = Status {
            format_version: STATUS_VERSION,
            keeper: holder.name.clone(),
            pid: holder.pid,
            saved: true,
            ..Status::default()
        };
        let now = ports.clock.monotonic();
        Ok(Self {
            claim: Claim::new(ports.clone(), paths.clone(), holder),
            ports,
            paths,
            settings,
            refresher,
            state: State::Waiting,
            status,
            events: Vec::new(),
            pair: None,
            in_file: false,
            saved: true,
            known: None,
            stamp: None,
            lease: Lease::default(),
            schedule: Schedule::default(),
            failures: 0,
            retry_at: now,
            disk_failures: 0,
            disk_at: now,
            next_beat: now,
            changes: Vec::new(),
            troubles: Troubles::default(),
            published: Arc::new(Mutex::new(None)),
        })
    }

    /// What readers of this process ask; it has the newest pair also while the disk takes none.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        Tokens::of(Arc::clone(&self.ports.files), self.paths.token()).published(&self.published)
    }

    /// Counts and state, as the status file has them.
    #[must_use]
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// The keeper's fencing token; 0 before it has the lease.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.claim.fence()
    }

    /// A broker was answered 401: counted, and the next pair is asked for as soon as `gap` allows.
    pub fn unauthorized(&mut self) {
        self.status.unauthorized = self.status.unauthorized.saturating_add(1);
        self.schedule.hurry();
    }

    /// Does what is due. It does not sleep; it lasts as long as one request does.
    pub fn tick(&mut self) -> Tick {
        let beat = self.ports.clock.monotonic() >= self.next_beat;
        match self.state {
            State::Waiting => self.acquire(),
            State::Stopped => self.rescue(),
            State::Keeping | State::NeedsLogin => self.keep(),
        }
        let now = self.ports.clock.monotonic();
        if beat {
            self.next_beat = now.saturating_add(self.settings.beat);
        }
        if beat || !self.events.is_empty() {
            self.write_status();
        }
        let events = std::mem::take(&mut self.events);
        let next = match self.state {
            State::Stopped if self.in_file || self.pair.is_none() => return Tick { events, wait: None },
            State::Waiting | State::Stopped => self.retry_at,
            State::NeedsLogin => i64::MAX,
            State::Keeping => self.schedule.due.max(self.retry_at),
        };
        let save = if self.saved || self.state == State::Stopped { i64::MAX } else { self.disk_at };
        let wait = next.min(save).min(self.next_beat).saturating_sub(now).max(0);
        Tick { events, wait: Some(wait) }
    }

    /// Writes what is not written, gives the lease back and stops.
    pub fn close(&mut self) -> Tick {
        if matches!(self.state, State::Keeping | State::NeedsLogin) {
            if !self.saved {
                self.save();
            }
            self.stop(Event::told("stopped", "the keeper was closed and gave its lease back"));
        }
        self.state = State::Stopped;
        self.claim.let_go();
        self.write_status();
        Tick { events: std::mem::take(&mut self.events), wait: None }
    }

    fn acquire(&mut self) {
        let (_, now) = self.ports.now();
        if now < self.retry_at {
            return;
        }
        match self.take_over_file() {
            Ok(found) => {
                self.troubles.settle("lease");
                self.troubles.settle("disk");
                let words = format!(
                    "keeping {} with fencing token {} ({})",
                    self.paths.token().display(),
                    self.fence(),
                    self.lease.taken
                );
                self.events.push(Event::told("took", words));
                self.failures = 0;
                self.adopt(found);
                // So that the file has our number, and 0600, from now on.
                self.saved = self.pair.is_none();
                self.disk_at = now;
                self.keep();
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.retry_at = now.saturating_add(backoff(self.failures, &self.settings, self.ports.random.as_ref()));
                match error {
                    TokenError::Held { .. } => {
                        self.failures = 0;
                        self.retry_at = now.saturating_add(self.settings.beat);
                        self.trouble("lease", Event::told("held", error.to_string()));
                    }
                    TokenError::Files(FilesError::Locked { .. }) => self.failed(error),
                    _ => self.trouble("lease", Event::loud(error.code(), error.to_string())),
                }
            }
        }
    }

    fn take_over_file(&mut self) -> Result<Option<Found>, TokenError> {
        let _lock = self.claim.lock()?;
        self.lease = self.claim.acquire(&self.settings)?;
        // A takeover is for once: the next one that comes with a name and a reason must be obeyed.
        self.settings.takeover = None;
        self.recover()?;
        if let Ok(Some(old)) = read_status(self.ports.files.as_ref(), &self.paths) {
            self.status = Status {
                refreshes: old.refreshes,
                failures: old.failures,
                unauthorized: old.unauthorized.saturating_add(self.status.unauthorized),
                foreign: old.foreign,
                refreshed_at: old.refreshed_at,
                ..std::mem::take(&mut self.status)
            };
        }
        Ok(store::read(self.ports.files.as_ref(), self.paths.token())?)
    }

    /// To be called under the lock.
    fn recover(&mut self) -> Result<bool, FilesError> {
        let from = store::recover(self.ports.files.as_ref(), &self.paths)?;
        if let Some(from) = &from {
            self.events.push(Event::loud("recovered", format!("a newer pair was found in {from} and put in place")));
        }
        Ok(from.is_some())
    }

    fn keep(&mut self) {
        if self.ports.clock.monotonic() >= self.next_beat
            && let Err(error) = self.beat()
        {
            self.failed(error);
        }
        if self.state != State::Stopped {
            self.look();
        }
        if self.state != State::Stopped && !self.saved && self.ports.clock.monotonic() >= self.disk_at {
            self.save();
        }
        let now = self.ports.now();
        if self.state == State::Keeping && self.schedule.is_due(now) && now.1 >= self.retry_at {
            self.renew();
        }
    }

    fn beat(&mut self) -> Result<(), TokenError> {
        let _lock = self.claim.lock()?;
        self.claim.renew_locked(|_| ())?;
        if self.state == State::NeedsLogin {
            self.events.extend(self.troubles.remind("refresh", self.ports.clock.monotonic(), self.settings.remind));
            // What a keeper before us could not write may have come since.
            self.recover()?;
        }
        self.troubles.settle("lease");
        if self.saved {
            self.troubles.settle("disk");
        }
        Ok(())
    }

    /// What an error means: the end, or trouble that goes on.
    pub(super) fn failed(&mut self, error: TokenError) {
        let event = Event::loud(error.code(), error.to_string());
        match error {
            TokenError::Fenced { .. } | TokenError::Contended { .. } => self.stop(event),
            TokenError::Files(FilesError::Locked { .. }) => self.trouble("lease", Event::told("busy", event.words)),
            _ => self.trouble("disk", event),
        }
    }

    /// Ends the keeper: a pair that is nowhere else is laid beside the file, the lease is given back if it is still ours.
    fn stop(&mut self, event: Event) {
        self.state = State::Stopped;
        if event.loud {
            self.trouble("lease", event);
        } else {
            self.events.push(event);
        }
        if !self.in_file {
            self.rescue();
        }
        // If it is another's, or the disk is gone, there is nothing to give back.
        let _ = self.claim.renew(|lease| lease.released = true);
        self.claim.let_go();
    }

    /// Tells a trouble when it begins, when it changes its nature, and again after `remind`.
    pub(super) fn trouble(&mut self, area: &'static str, event: Event) {
        let now = self.ports.now();
        self.events.extend(self.troubles.tell(area, event, now, self.settings.remind));
    }

    fn write_status(&mut self) {
        let state = match self.state {
            State::Waiting => "waiting",
            State::Keeping => "keeping",
            State::NeedsLogin => "needs_login",
            State::Stopped => "stopped",
        };
        self.status.state = state.to_owned();
        self.status.fencing_token = self.fence();
        self.status.heartbeat = self.ports.clock.utc().to_string();
        self.status.saved = self.saved;
        self.status.problems = self.troubles.problems();
        // A keeper that waits, or was fenced off, leaves the file to the one that keeps.
        if self.fence() > 0 && (self.state != State::Stopped || self.claim.check().is_ok()) {
            // A disk that takes no status takes no lease either, and that is told.
            let _ = write_status(self.ports.files.as_ref(), &self.paths, &self.status);
        }
    }
}
