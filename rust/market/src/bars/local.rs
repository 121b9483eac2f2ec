//! Intervals of a zone's calendar: days, weeks and months from midnight to midnight on its clock, so a day has 23 or 25
//! hours when the clocks change.

use chrono::{DateTime, Datelike, NaiveDate};
use exuvia_model::{DAY, Time};

use super::{BarError, Grid, Origin, Place, Span};
use crate::sessions::Zone;

/// The Monday after 1970-01-01, a Thursday.
const MONDAY: i64 = 4;

/// Days or months of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Local {
    zone: Zone,
    unit: Unit,
    /// How many units an interval has.
    count: i64,
    /// A unit with which an interval begins, since 1970.
    anchor: i64,
    /// Nanoseconds on the zone's clock by which a unit begins after midnight.
    offset: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Month,
}

impl Local {
    pub(super) fn new(zone: Zone, span: Span, origin: Origin, offset: i64, first: i64) -> Result<Self, BarError> {
        let (unit, count, epoch) = match span {
            Span::Days(days) => (Unit::Day, i64::from(days), 0),
            Span::Weeks(weeks) => (Unit::Day, i64::from(weeks) * 7, MONDAY),
            Span::Months(months) => (Unit::Month, i64::from(months), 0),
            // Not reached: a clock's length needs no calendar.
            Span::Fixed(every) => (Unit::Day, every.nanos() / DAY + 1, 0),
        };
        let mut grid = Self { zone, unit, count, anchor: epoch, offset };
        let start = match origin {
            Origin::Epoch => return Ok(grid),
            // Pandas rolls back to the start of a month or day for these, too.
            Origin::Start | Origin::StartDay => first,
            Origin::At(time) => time,
            Origin::End | Origin::EndDay => return Err(BarError::OriginOfCalendar),
        };
        grid.anchor = grid.unit_of(start);
        Ok(grid)
    }

    /// Number of the day or month that an instant lies in, since 1970.
    fn unit_of(&self, time: i64) -> i64 {
        let wall = self.zone.wall(time).saturating_sub(self.offset);
        match self.unit {
            Unit::Day => wall.div_euclid(DAY),
            Unit::Month => {
                let date = DateTime::from_timestamp_nanos(wall).date_naive();
                i64::from(date.year() - 1970) * 12 + i64::from(date.month0())
            }
        }
    }

    /// The instant at which a day or month begins.
    fn start_of(&self, unit: i64) -> Option<i64> {
        let midnight = match self.unit {
            Unit::Day => unit.checked_mul(DAY)?,
            Unit::Month => {
                let year = i32::try_from(1970 + unit.div_euclid(12)).ok()?;
                let month = u32::try_from(unit.rem_euclid(12) + 1).ok()?;
                NaiveDate::from_ymd_opt(year, month, 1)?.and_hms_opt(0, 0, 0)?.and_utc().timestamp_nanos_opt()?
            }
        };
        self.zone.instant(midnight.checked_add(self.offset)?)
    }
}

impl Grid for Local {
    fn place(&mut self, time: i64) -> Result<Place, BarError> {
        let unit = self.unit_of(time);
        let mut first = unit - (unit - self.anchor).rem_euclid(self.count);
        let bounds = |first: i64| self.start_of(first).zip(self.start_of(first + self.count));
        let outside = BarError::TimeRange(Time(time));
        let (mut start, mut end) = bounds(first).ok_or(outside.clone())?;
        // Where the clock shows the hour of the boundary twice, its second run may lie on the other side.
        for _ in 0..2 {
            if start <= time && time < end {
                break;
            }
            first += if time < start { -self.count } else { self.count };
            (start, end) = bounds(first).ok_or(outside.clone())?;
        }
        Ok(Place::between(start, end))
    }
}
