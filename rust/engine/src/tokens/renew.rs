//! The renewal itself, and the writing of what it brought.

use std::sync::Arc;

use super::keeper::State;
use super::lease::Asked;
use super::schedule::{Schedule, backoff};
use super::secret::digest;
use super::{Event, Keeper, RefreshError, TokenError, store};

impl Keeper {
    /// Asks for the next pair, once.
    pub(super) fn renew(&mut self) {
        let Some(pair) = self.pair.clone() else { return };
        let key = pair.key();
        let before = self.lease.asked.clone().filter(|asked| asked.key == key);
        let single = self.refresher.is_single_use();
        if single && before.is_some() && !self.settings.retry_lost {
            return self.needs_login(&key, "an answer was lost, and this venue takes no second try");
        }
        if !self.record(&key, before.as_ref(), single) {
            return;
        }
        let answer = self.refresher.refresh(&pair);
        let (utc, now) = self.ports.now();
        match answer {
            Ok(renewal) => {
                let next = pair.renewed(renewal, utc, self.fence());
                let not_before = now.saturating_add(self.settings.gap);
                self.schedule =
                    Schedule::new(&next, (utc, now), not_before, &self.settings, self.ports.random.as_ref());
                let until = next
                    .expires
                    .map_or_else(|| "an instant that the venue did not say".to_owned(), |time| time.to_string());
                self.publish(next);
                (self.in_file, self.saved, self.disk_at) = (false, false, now);
                (self.failures, self.retry_at) = (0, now);
                self.status.refreshes = self.status.refreshes.saturating_add(1);
                self.status.refreshed_at = Some(utc.to_string());
                self.troubles.settle("refresh");
                self.events.push(Event::told("refreshed", format!("the new access token is good until {until}")));
                let rotated = self.pair.as_ref().is_some_and(|pair| pair.replaces.is_some());
                self.lease.asked = None;
                self.save();
                if single && !rotated && self.in_file {
                    // The same token goes on: what is on record of it was answered.
                    let _ = self.claim.renew(|lease| lease.asked = None);
                }
            }
            Err(error) => self.not_renewed(&key, before, &error),
        }
    }

    /// Puts on record that the token of the file is about to be sent. A pair that is only in our memory needs no record: nobody
    /// else can send it. Returns whether to go on.
    fn record(&mut self, key: &str, before: Option<&Asked>, single: bool) -> bool {
        let (utc, now) = self.ports.now();
        let asked = Asked {
            key: key.to_owned(),
            count: before.map_or(0, |asked| asked.count).saturating_add(1),
            at: utc.to_string(),
        };
        let looked = self.claim.lock().map_err(TokenError::from).and_then(|lock| {
            let done = if single && self.in_file {
                self.claim.renew_locked(|lease| lease.asked = Some(asked.clone()))
            } else {
                self.claim.check().map(drop)
            };
            drop(lock);
            done
        });
        let Err(error) = looked else {
            self.lease.asked = single.then_some(asked);
            return true;
        };
        let ends = matches!(error, TokenError::Fenced { .. });
        self.failed(error);
        // On a disk that takes nothing the token is renewed at the last moment, in memory only: if the process is killed then,
        // the session is lost; without it, it is lost for sure. The lease must still be readable, and ours.
        let last_call = self.schedule.end.saturating_sub(self.settings.margin / 4);
        if !ends && now >= last_call && self.claim.check().is_ok() {
            self.lease.asked = single.then_some(asked);
            return true;
        }
        self.retry_at = now.saturating_add(backoff(1, &self.settings, self.ports.random.as_ref()));
        false
    }

    fn not_renewed(&mut self, key: &str, before: Option<Asked>, error: &RefreshError) {
        self.status.failures = self.status.failures.saturating_add(1);
        if error.is_unauthorized() {
            self.status.unauthorized = self.status.unauthorized.saturating_add(1);
        }
        let doubted = before.as_ref().map(|asked| asked.at.clone());
        if let RefreshError::Refused { .. } = error {
            let why = match doubted {
                Some(at) => format!(
                    "{error}; the answer to the request of {at} was lost, so the token was spent then, and its successor is nowhere"
                ),
                None => format!("{error}; it was revoked, it expired, or somebody else spent it"),
            };
            return self.needs_login(key, &why);
        }
        self.failures = self.failures.saturating_add(1);
        let mut wait = backoff(self.failures, &self.settings, self.ports.random.as_ref());
        if let RefreshError::Limited { retry_after: Some(seconds) } = error {
            wait = wait.max(seconds.saturating_mul(exuvia_model::SECOND));
        }
        let (_, now) = self.ports.now();
        self.retry_at = now.saturating_add(wait);
        let seconds = wait / exuvia_model::SECOND;
        if error.may_have_rotated() && self.refresher.is_single_use() {
            let words =
                format!("{error}: whether the token was spent is in doubt; the same one is tried again in {seconds} s");
            return self.trouble("refresh", Event::loud("doubt", words));
        }
        // It is as it was before: the record says so too, or else it stays a doubt, which is safe.
        self.lease.asked.clone_from(&before);
        if self.in_file && self.refresher.is_single_use() {
            let _ = self.claim.renew(|lease| lease.asked = before);
        }
        let event = match error {
            RefreshError::Denied { .. } => Event::loud(
                error.code(),
                format!("{error}: look at the application's key, secret and redirect; tried again in {seconds} s"),
            ),
            _ => Event::told(error.code(), format!("{error}; tried again in {seconds} s")),
        };
        self.trouble("refresh", event);
    }

    /// The token is dead: it is never sent again, and somebody must log in.
    fn needs_login(&mut self, key: &str, why: &str) {
        self.state = State::NeedsLogin;
        self.lease.dead = Some(key.to_owned());
        self.lease.asked = None;
        let dead = self.lease.dead.clone();
        let recorded = self.claim.renew(|lease| (lease.dead, lease.asked) = (dead, None));
        let words = format!(
            "{why}: log in anew and write the new pair to {}; nothing is sent until then",
            self.paths.token().display()
        );
        self.trouble("refresh", Event::loud("needs_login", words));
        if let Err(error) = recorded {
            self.failed(error);
        }
    }

    /// Writes the newest pair, unless somebody else wrote the file meanwhile.
    pub(super) fn save(&mut self) {
        if let Err(error) = self.try_save() {
            let now = self.ports.clock.monotonic();
            self.disk_failures = self.disk_failures.saturating_add(1);
            self.disk_at = now.saturating_add(backoff(self.disk_failures, &self.settings, self.ports.random.as_ref()));
            self.failed(error);
        }
    }

    fn try_save(&mut self) -> Result<(), TokenError> {
        let Some(mut pair) = self.pair.clone() else { return Ok(()) };
        let files = Arc::clone(&self.ports.files);
        let lock = self.claim.lock()?;
        self.claim.check()?;
        let found = store::read(files.as_ref(), self.paths.token())?;
        if let Some(found) = found.clone().filter(|found| Some(&found.digest) != self.known.as_ref()) {
            drop(lock);
            self.foreign(found);
            return Ok(());
        }
        if found.is_some_and(|found| found.pair.is_err()) {
            let aside = store::copy_aside(files.as_ref(), &self.paths, self.fence())?;
            let words = format!("what another program wrote is in {}", aside.display());
            self.events.push(Event::loud("set_aside", words));
        }
        pair.fence = Some(self.fence());
        let written = store::write_pair(files.as_ref(), self.paths.token(), &pair);
        let text = digest(pair.to_json().expose().as_bytes());
        if let Err(error) = written {
            // It may be in place all the same, and not durable.
            if store::read(files.as_ref(), self.paths.token())?.is_some_and(|found| found.digest == text) {
                self.wrote(text);
            }
            return Err(error.into());
        }
        self.wrote(text);
        self.publish(pair);
        (self.saved, self.disk_failures) = (true, 0);
        self.troubles.settle("disk");
        Ok(())
    }

    /// Lays a pair that is nowhere else beside the file, where the next keeper finds it.
    pub(super) fn rescue(&mut self) {
        let Some(mut pair) = self.pair.clone().filter(|_| !self.in_file) else { return };
        pair.fence = Some(self.fence());
        let path = self.paths.rescue(self.fence());
        match store::write_pair(self.ports.files.as_ref(), &path, &pair) {
            Ok(_) => {
                (self.in_file, self.saved) = (true, true);
                self.events.push(Event::loud(
                    "rescued",
                    format!("the newest pair is in {}: the next keeper takes it up from there", path.display()),
                ));
            }
            Err(error) => {
                let now = self.ports.clock.monotonic();
                self.retry_at = now.saturating_add(self.settings.backoff.0);
                self.trouble(
                    "disk",
                    Event::loud(
                        "not_rescued",
                        format!("{error}; the newest pair is in this process only: leave it alive"),
                    ),
                );
            }
        }
    }
}
