//! Intervals that start anew with each session: the first bar starts at the open, the last ends at the close.

use exuvia_model::{DAY, Time};

use super::{Calendar, Session};
use crate::bars::{BarError, Grid, Interval, Place};

/// A grid of intervals within the sessions of a calendar. An interval of one day is the whole session.
#[derive(Debug, Clone)]
pub struct SessionGrid {
    calendar: Calendar,
    every: Interval,
    current: Option<Session>,
}

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

    fn session_at(&mut self, time: Time) -> Result<Option<Session>, BarError> {
        if let Some(session) = self.current.filter(|session| session.open <= time && time < session.close) {
            return Ok(Some(session));
        }
        self.current = self.calendar.session_at(time)?;
        Ok(self.current)
    }
}

impl Grid for SessionGrid {
    fn place(&mut self, time: i64) -> Result<Place, BarError> {
        let Some(session) = self.session_at(Time(time))? else {
            let next = self.calendar.session_after(Time(time))?;
            let until = next.ok_or(BarError::TimeRange(Time(time)))?.open.0;
            return Ok(Place::Out { until });
        };
        let (open, close) = (session.open.0, session.close.0);
        if self.every.nanos() == DAY {
            return Ok(Place::In { start: open, end: close });
        }
        let start = time - (time - open) % self.every.nanos();
        Ok(Place::In { start, end: start.saturating_add(self.every.nanos()).min(close) })
    }
}
