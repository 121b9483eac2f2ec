//! Intervals that start anew with each session, and after its break: the first bar starts at the open, the last
//! ends at the close.

use exuvia_model::{DAY, Time};

use super::{Calendar, Session};
use crate::bars::{BarError, Grid, Interval, Place};

/// A grid of intervals within the sessions of a calendar. An interval of one day is the whole session, its break included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionGrid {
    calendar: Calendar,
    every: Interval,
    current: Option<Hours>,
}

/// A session, and its break.
type Hours = (Session, Option<(Time, Time)>);

impl SessionGrid {
    /// Intervals of `every` within the sessions.
    ///
    /// # Errors
    /// `LongerThanSession` for more than a day.
    pub fn new(calendar: Calendar, every: Interval) -> Result<Self, BarError> {
        if every.nanos() > DAY {
            return Err(BarError::LongerThanSession(every.nanos()));
        }
        Ok(Self { calendar, every, current: None })
    }

    fn session_at(&mut self, time: Time) -> Result<Option<Hours>, BarError> {
        let within = |(session, _): &Hours| session.open <= time && time < session.close;
        if let Some(found) = self.current.filter(within) {
            return Ok(Some(found));
        }
        let found = self.calendar.session_at(time)?;
        self.current = found.map(|session| (session, self.calendar.pause(&session)));
        Ok(self.current)
    }
}

impl Grid for SessionGrid {
    fn place(&mut self, time: i64) -> Result<Place, BarError> {
        let Some((session, pause)) = self.session_at(Time(time))? else {
            let next = self.calendar.session_after(Time(time))?;
            let until = next.ok_or(BarError::TimeRange(Time(time)))?.open.0;
            return Ok(Place::Out { until });
        };
        let (mut open, mut close) = (session.open.0, session.close.0);
        if self.every.nanos() == DAY {
            return Ok(Place::between(open, close));
        }
        match pause {
            Some((from, _)) if time < from.0 => close = from.0,
            Some((_, to)) if time < to.0 => return Ok(Place::Out { until: to.0 }),
            Some((_, to)) => open = to.0,
            None => {}
        }
        let start = time - (time - open) % self.every.nanos();
        Ok(Place::between(start, start.saturating_add(self.every.nanos()).min(close)))
    }
}
