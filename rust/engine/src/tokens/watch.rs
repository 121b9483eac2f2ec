//! The look at the token file: what somebody else wrote there, and what of it is taken up.

use std::sync::Arc;

use exuvia_model::HOUR;

use super::keeper::State;
use super::reader::locked;
use super::schedule::Schedule;
use super::store::{self, Found};
use super::{Event, Keeper, Pair, TokenError};

impl Keeper {
    /// Looks whether somebody else wrote the file.
    pub(super) fn look(&mut self) {
        let files = Arc::clone(&self.ports.files);
        let found = match files.stamp(self.paths.token()) {
            Ok(stamp) if Some(stamp) == self.stamp => return,
            Err(error) if !error.is_not_found() => Err(error),
            _ => store::read(files.as_ref(), self.paths.token()),
        };
        match found {
            Ok(Some(found)) => {
                self.stamp = Some(found.stamp);
                if Some(&found.digest) != self.known.as_ref() {
                    self.foreign(found);
                }
            }
            Ok(None) => {
                if self.known.take().is_some() {
                    self.stamp = None;
                    self.in_file = false;
                    self.saved = self.pair.is_none();
                    let words = format!("{} was removed by another program", self.paths.token().display());
                    self.events.push(Event::loud("removed", words));
                }
            }
            Err(error) => self.failed(error.into()),
        }
    }

    /// Somebody else wrote the file: it is told, and never overwritten before it was.
    pub(super) fn foreign(&mut self, found: Found) {
        self.status.foreign = self.status.foreign.saturating_add(1);
        let (_, now) = self.ports.now();
        let path = self.paths.token().display().to_string();
        let theirs = match &found.pair {
            Ok(pair) => pair,
            Err(error) => {
                // It may be in the middle of writing: it is given time to end.
                self.disk_at = now.saturating_add(self.settings.backoff.0);
                self.known = Some(found.digest);
                self.in_file = false;
                self.saved = self.pair.is_none();
                let left = if self.saved {
                    "write a whole token file"
                } else {
                    "the pair that was there is put back, what is there now is kept beside it"
                };
                self.events.push(Event::loud("foreign", format!("another program wrote {path}: {error}; {left}")));
                return;
            }
        };
        if let Some(theirs) = theirs.fence.filter(|theirs| *theirs > self.fence()) {
            let (path, holder) = (self.paths.token().to_path_buf(), "the writer of the file".to_owned());
            return self.failed(TokenError::Fenced { path, holder, theirs, ours: self.fence() });
        }
        let ours = self.pair.as_ref().map(|pair| (pair.key(), pair.replaces.clone()));
        if let Some((key, replaces)) = ours {
            if theirs.key() == key {
                self.events.push(Event::told(
                    "foreign",
                    format!("another program wrote {path}: the same token, other members"),
                ));
                return self.adopt(Some(found));
            }
            if replaces == Some(theirs.key()) {
                self.known = Some(found.digest);
                (self.in_file, self.saved) = (false, false);
                let words =
                    format!("another program put a token into {path} that was spent for ours: ours is written again");
                self.events.push(Event::loud("foreign", words));
                return;
            }
        }
        self.events.push(Event::loud("foreign", format!("another program wrote a new pair to {path}: it is taken up")));
        if !self.in_file {
            self.rescue();
        }
        let logged_in = self.state == State::NeedsLogin;
        self.adopt(Some(found));
        if !logged_in {
            self.changes.retain(|at| now.saturating_sub(*at) < HOUR);
            self.changes.push(now);
            if self.changes.len() > self.settings.logins as usize {
                let (path, count) = (self.paths.token().to_path_buf(), self.changes.len());
                self.failed(TokenError::Contended { path, count });
            }
        }
    }

    /// Takes up what the file has.
    pub(super) fn adopt(&mut self, found: Option<Found>) {
        let now = self.ports.now();
        let path = self.paths.token().display().to_string();
        let (digest, stamp) = found.as_ref().map(|found| (found.digest.clone(), found.stamp)).unzip();
        (self.known, self.stamp, self.in_file, self.saved) = (digest, stamp, true, true);
        let before = std::mem::replace(&mut self.state, State::NeedsLogin);
        let pair = match found.map(|found| found.pair) {
            None => {
                return self.trouble(
                    "refresh",
                    Event::loud("needs_login", format!("there is no {path}: log in and write the first pair there")),
                );
            }
            Some(Err(error)) => {
                return self.trouble(
                    "refresh",
                    Event::loud(
                        "needs_login",
                        format!("{error}: restore it from a copy, or log in and write a new pair there"),
                    ),
                );
            }
            Some(Ok(pair)) => pair,
        };
        if let Some(mode) = stamp.filter(|stamp| !stamp.is_private()).and_then(|stamp| stamp.mode) {
            let error = TokenError::Exposed { path: self.paths.token().to_path_buf(), mode };
            self.events.push(Event::loud(error.code(), error.to_string()));
            (self.saved, self.disk_at) = (false, now.1);
        }
        let key = pair.key();
        // Who writes the same token again and again does not make us ask more often.
        let same = before == State::Keeping && self.pair.as_ref().is_some_and(|pair| pair.key() == key);
        if same {
            self.state = before;
            return self.publish(pair);
        }
        self.schedule = Schedule::new(&pair, now, now.1, &self.settings, self.ports.random.as_ref());
        self.publish(pair);
        if self.lease.dead.as_ref() == Some(&key) {
            let words =
                format!("the venue refused the token in {path} before: log in anew and write the new pair there");
            return self.trouble("refresh", Event::loud("needs_login", words));
        }
        self.state = State::Keeping;
        (self.failures, self.retry_at) = (0, now.1);
        self.troubles.settle("refresh");
        if let Some(asked) = self.lease.asked.as_ref().filter(|asked| asked.key == key) {
            let words = format!(
                "a request of {} for the next pair has no answer on record: it is in doubt until the venue is asked",
                asked.at
            );
            self.trouble("refresh", Event::loud("doubt", words));
        }
    }

    pub(super) fn publish(&mut self, pair: Pair) {
        self.status.expires_at = pair.expires.map(|time| time.to_string());
        *locked(&self.published) = Some(Arc::new(pair.clone()));
        self.pair = Some(pair);
    }

    pub(super) fn wrote(&mut self, digest: String) {
        // Looked at once more at the next turn: somebody may write it between our write and our look.
        self.stamp = None;
        self.known = Some(digest);
        self.in_file = true;
    }
}
