//! A calendar as a list of its sessions, each perhaps with a break: what another library knows of an exchange.

use exuvia_model::{DAY, Time};

use super::{CalendarError, Session, Zone};

/// Sessions in order of time, with their breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    name: String,
    zone: Zone,
    sessions: Vec<Session>,
    pauses: Vec<Option<(Time, Time)>>,
}

impl Schedule {
    /// A list of opens and closes, and of breaks where there are any; a session is named after the zone's date at its
    /// last instant.
    ///
    /// # Errors
    /// `BadSchedule` for sessions that overlap, go back or are empty, and for breaks outside of them.
    pub fn new(
        name: &str,
        zone: Zone,
        hours: &[(i64, i64)],
        pauses: &[Option<(i64, i64)>],
    ) -> Result<Self, CalendarError> {
        let bad = |row: usize, why: String| CalendarError::BadSchedule { calendar: name.to_owned(), row, why };
        if hours.is_empty() {
            return Err(bad(0, "there is none, a calendar needs one at least".to_owned()));
        }
        if !pauses.is_empty() && pauses.len() != hours.len() {
            return Err(bad(
                0,
                format!("{} breaks for {} sessions: give one, or none, for each", pauses.len(), hours.len()),
            ));
        }
        let mut sessions: Vec<Session> = Vec::with_capacity(hours.len());
        for (row, (open, close)) in hours.iter().enumerate() {
            if open >= close {
                return Err(bad(row, format!("it opens at {} and closes at {}", Time(*open), Time(*close))));
            }
            if let Some(before) = sessions.last().filter(|before| before.close.0 > *open) {
                return Err(bad(
                    row,
                    format!("it opens at {}, before the one ahead closes at {}", Time(*open), before.close),
                ));
            }
            let day = Time(zone.wall(close - 1).div_euclid(DAY).saturating_mul(DAY));
            if sessions.last().is_some_and(|before| before.day >= day) {
                return Err(bad(row, format!("its date {day} is that of the one ahead: join them, with a break")));
            }
            sessions.push(Session { day, open: Time(*open), close: Time(*close) });
        }
        let none = vec![None; hours.len()];
        let given = if pauses.is_empty() { &none } else { pauses };
        let mut checked = Vec::with_capacity(hours.len());
        for (row, (pause, session)) in given.iter().zip(&sessions).enumerate() {
            if let Some((from, to)) =
                pause.filter(|(from, to)| !(session.open.0 < *from && from < to && *to < session.close.0))
            {
                return Err(bad(row, format!("its break from {} to {} is not within it", Time(from), Time(to))));
            }
            checked.push(pause.map(|(from, to)| (Time(from), Time(to))));
        }
        Ok(Self { name: name.to_owned(), zone, sessions, pauses: checked })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The zone whose dates name the sessions.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// The sessions in order.
    #[must_use]
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// The break of each session.
    #[must_use]
    pub fn pauses(&self) -> &[Option<(Time, Time)>] {
        &self.pauses
    }

    pub(super) fn pause(&self, session: &Session) -> Option<(Time, Time)> {
        let at = self.sessions.binary_search_by_key(&session.open, |listed| listed.open).ok()?;
        self.pauses.get(at).copied().flatten()
    }

    pub(super) fn of_day(&self, day: Time) -> Result<Option<Session>, CalendarError> {
        let day = day.floor(DAY, 0);
        let (Some(first), Some(last)) = (self.sessions.first(), self.sessions.last()) else { return Ok(None) };
        if day < first.day || last.day < day {
            return Err(self.not_listed(day));
        }
        Ok(self
            .sessions
            .binary_search_by_key(&day, |session| session.day)
            .ok()
            .and_then(|at| self.sessions.get(at))
            .copied())
    }

    pub(super) fn at(&self, time: Time) -> Result<Option<Session>, CalendarError> {
        let after = self.sessions.partition_point(|session| session.open <= time);
        let found = after.checked_sub(1).and_then(|at| self.sessions.get(at)).filter(|session| time < session.close);
        if found.is_none() && (after == 0 || after == self.sessions.len()) {
            return Err(self.not_listed(time));
        }
        Ok(found.copied())
    }

    pub(super) fn after(&self, time: Time) -> Option<Session> {
        self.sessions.get(self.sessions.partition_point(|session| session.open <= time)).copied()
    }

    /// The first instant after `time` at which trading begins, after a break too.
    pub(super) fn next_open(&self, time: Time) -> Option<Time> {
        self.turns().filter(|(open, _)| *open).map(|(_, at)| at).find(|at| *at > time)
    }

    /// The first instant after `time` at which trading stops, for a break too.
    pub(super) fn next_close(&self, time: Time) -> Option<Time> {
        self.turns().filter(|(open, _)| !*open).map(|(_, at)| at).find(|at| *at > time)
    }

    /// Opens and closes in order; a session that starts where the one ahead ends is no turn.
    fn turns(&self) -> impl Iterator<Item = (bool, Time)> + '_ {
        let before = std::iter::once(None).chain(self.sessions.iter().map(|session| Some(session.close)));
        let next = self.sessions.iter().skip(1).map(|session| Some(session.open)).chain(std::iter::once(None));
        self.sessions.iter().zip(&self.pauses).zip(before.zip(next)).flat_map(|((session, pause), (before, next))| {
            let open = (before != Some(session.open)).then_some((true, session.open));
            let close = (next != Some(session.close)).then_some((false, session.close));
            let rest = pause.map(|(from, to)| [(false, from), (true, to)]);
            open.into_iter().chain(rest.into_iter().flatten()).chain(close)
        })
    }

    fn not_listed(&self, time: Time) -> CalendarError {
        let first = self.sessions.first().map(|session| session.open).unwrap_or_default();
        let last = self.sessions.last().map(|session| session.close).unwrap_or_default();
        CalendarError::NotListed { calendar: self.name.clone(), time, first, last }
    }
}
