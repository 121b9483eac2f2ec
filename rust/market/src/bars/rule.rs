//! Bars of time: how long, which side is closed, which side is the stamp, and from where intervals are counted,
//! as pandas' `resample` has them. A rule becomes a grid when the first stamp (for `"end"`: all stamps) is known.

use std::str::FromStr;

use exuvia_model::{DAY, Time};

use super::local::Local;
use super::{BarError, Fixed, Grid, Place, Side, Span};
use crate::sessions::{Calendar, SessionGrid, Zone};

/// From where intervals are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Midnight of 1970-01-01 in the zone.
    #[default]
    Epoch,
    /// The first stamp.
    Start,
    /// Midnight of the first stamp's day in the zone.
    StartDay,
    /// The last stamp.
    End,
    /// The first midnight in the zone that is not before the last stamp.
    EndDay,
    /// An instant.
    At(i64),
}

impl FromStr for Origin {
    type Err = BarError;

    fn from_str(text: &str) -> Result<Self, BarError> {
        match text {
            "epoch" => Ok(Self::Epoch),
            "start" => Ok(Self::Start),
            "start_day" => Ok(Self::StartDay),
            "end" => Ok(Self::End),
            "end_day" => Ok(Self::EndDay),
            _ => text.parse::<Time>().map(|time| Self::At(time.0)).map_err(|_| BarError::BadOrigin(text.to_owned())),
        }
    }
}

/// How time is divided into bars.
///
/// ```
/// use exuvia_market::bars::{Grid, Place, Side, TimeRule};
/// let mut rule = TimeRule::every("5m".parse()?);
/// (rule.closed, rule.label) = (Side::Right, Side::Right);
/// let minute = 60_000_000_000;
/// let place = rule.grid(0, None)?.place(5 * minute)?;
/// assert_eq!(place, Place::In { start: 1, end: 5 * minute + 1, label: 5 * minute });
/// # Ok::<(), exuvia_market::bars::BarError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeRule {
    /// How long a bar is.
    pub span: Span,
    /// Which end belongs to an interval.
    pub closed: Side,
    /// Which end is the stamp.
    pub label: Side,
    /// From where intervals are counted.
    pub origin: Origin,
    /// Added to the origin, in nanoseconds.
    pub offset: i64,
    /// Whose midnights, weeks and months count.
    pub zone: Zone,
    /// Sessions within which intervals start anew; then neither origin nor offset nor zone count.
    pub calendar: Option<Calendar>,
}

impl TimeRule {
    /// Intervals counted from 1970 in UTC, closed and stamped left.
    #[must_use]
    pub const fn every(span: Span) -> Self {
        let (closed, label, origin) = (Side::Left, Side::Left, Origin::Epoch);
        Self { span, closed, label, origin, offset: 0, zone: Zone::UTC, calendar: None }
    }

    /// A grid of equal intervals that are closed and stamped left, if that is all that the rule asks for.
    #[must_use]
    pub fn plain(&self) -> Option<Fixed> {
        let left = (self.closed, self.label) == (Side::Left, Side::Left);
        let plain = left && self.origin == Origin::Epoch && self.zone.is_utc() && self.calendar.is_none();
        let every = match self.span {
            Span::Fixed(_) | Span::Days(_) => self.span.nanos(),
            Span::Weeks(_) | Span::Months(_) => None,
        };
        every.filter(|_| plain).map(|every| Fixed::new(every, self.offset))
    }

    /// The grid for stamps from `first` to `last`; a stream knows no last one.
    ///
    /// # Errors
    /// `BadOrigin` for an origin that needs the last stamp where there is none, or that a calendar's length or
    /// sessions do not go with; `LongerThanSession`; `TimeRange`.
    pub fn grid(&self, first: i64, last: Option<i64>) -> Result<TimeGrid, BarError> {
        let kind = match &self.calendar {
            Some(calendar) => Kind::Sessions(self.sessions(calendar)?),
            None => self.kind(first, last)?,
        };
        Ok(TimeGrid { kind, closed: self.closed, label: self.label })
    }

    fn sessions(&self, calendar: &Calendar) -> Result<SessionGrid, BarError> {
        if self.origin != Origin::Epoch || self.offset != 0 || !self.zone.is_utc() {
            return Err(BarError::OriginOfSessions);
        }
        let every = self.span.nanos().ok_or(BarError::LongerThanSession(i64::MAX))?;
        SessionGrid::new(calendar.clone(), every)
    }

    fn kind(&self, first: i64, last: Option<i64>) -> Result<Kind, BarError> {
        let by_clock =
            matches!(self.span, Span::Fixed(_)) || (self.zone.is_utc() && !matches!(self.span, Span::Months(_)));
        let every = self.span.nanos().filter(|_| by_clock);
        let Some(every) = every else {
            return Local::new(self.zone, self.span, self.origin, self.offset, first).map(Kind::Local);
        };
        let origin = match self.origin {
            Origin::Epoch => self.epoch(),
            Origin::Start => Some(first),
            Origin::StartDay => self.midnight(first, 0),
            Origin::At(time) => Some(time),
            Origin::End | Origin::EndDay => {
                let last = last.ok_or(BarError::OriginOfStream)?;
                if self.origin == Origin::End { Some(last) } else { self.midnight(last, DAY - 1) }
            }
        };
        let origin = origin.ok_or(BarError::TimeRange(Time(first)))?;
        let offset = (i128::from(origin) + i128::from(self.offset)).rem_euclid(i128::from(every.nanos()));
        Ok(Kind::Fixed(Fixed::new(every, i64::try_from(offset).unwrap_or_default())))
    }

    /// Midnight of 1970-01-01 in the zone; for weeks the Monday after it, so that they begin on Mondays.
    fn epoch(&self) -> Option<i64> {
        let monday = if matches!(self.span, Span::Weeks(_)) { 4 * DAY } else { 0 };
        self.zone.instant(monday)
    }

    /// Midnight in the zone of the day that holds `time` plus `ahead` on its clock.
    fn midnight(&self, time: i64, ahead: i64) -> Option<i64> {
        let wall = self.zone.wall(time).checked_add(ahead)?;
        self.zone.instant(wall.div_euclid(DAY).checked_mul(DAY)?)
    }
}

/// The grid of a [`TimeRule`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeGrid {
    kind: Kind,
    closed: Side,
    label: Side,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Fixed(Fixed),
    Local(Local),
    Sessions(SessionGrid),
}

impl TimeGrid {
    /// Some instant within the interval whose bar is stamped `label`.
    pub(super) const fn within(&self, label: i64) -> i64 {
        match (self.closed, self.label) {
            (Side::Left, Side::Left) | (Side::Right, Side::Right) => label,
            (Side::Right, Side::Left) => label.saturating_add(1),
            (Side::Left, Side::Right) => label.saturating_sub(1),
        }
    }
}

impl Grid for TimeGrid {
    #[inline]
    fn place(&mut self, time: i64) -> Result<Place, BarError> {
        // An interval without its start but with its end is the same interval a nanosecond later.
        let later = i64::from(self.closed == Side::Right);
        let at = time.checked_sub(later).ok_or(BarError::TimeRange(Time(time)))?;
        let place = match &mut self.kind {
            Kind::Fixed(grid) => grid.place(at)?,
            Kind::Local(grid) => grid.place(at)?,
            Kind::Sessions(grid) => grid.place(at)?,
        };
        Ok(match place {
            Place::In { start, end, .. } => {
                let label = if self.label == Side::Left { start } else { end };
                Place::In { start: start + later, end: end.saturating_add(later), label }
            }
            Place::Out { until } => Place::Out { until: until.saturating_add(later) },
        })
    }
}

impl From<Fixed> for TimeGrid {
    fn from(grid: Fixed) -> Self {
        Self { kind: Kind::Fixed(grid), closed: Side::Left, label: Side::Left }
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
