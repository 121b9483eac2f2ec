//! Which interval an instant belongs to; the simplest answer is a grid of equal intervals from 1970 on.

use exuvia_model::Time;

use super::{BarError, Interval};

/// Where an instant lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the interval from `start` to the last instant before `end`, whose bar is stamped `label`.
    In {
        /// First instant of the interval.
        start: i64,
        /// First instant after it.
        end: i64,
        /// Stamp of its bar.
        label: i64,
    },
    /// In no interval: nothing trades until `until`.
    Out {
        /// First instant that may be in one.
        until: i64,
    },
}

impl Place {
    /// In an interval that is stamped with its start.
    #[must_use]
    pub const fn between(start: i64, end: i64) -> Self {
        Self::In { start, end, label: start }
    }
}

/// A division of time into intervals.
pub trait Grid {
    /// The interval around an instant.
    ///
    /// # Errors
    /// `TimeRange` when its ends do not fit.
    fn place(&mut self, time: i64) -> Result<Place, BarError>;
}

/// Intervals of equal length, counted from 1970-01-01 plus an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed {
    every: Interval,
    offset: i64,
}

impl Fixed {
    /// Intervals of `every`, counted from 1970-01-01 plus `offset` nanoseconds: days in UTC−05:00 start 5 h late.
    #[must_use]
    pub const fn new(every: Interval, offset: i64) -> Self {
        Self { every, offset: offset.rem_euclid(every.nanos()) }
    }

    /// Start and end of the interval around `time`.
    ///
    /// # Errors
    /// `TimeRange` when they do not fit.
    #[inline]
    pub fn bounds(&self, time: i64) -> Result<(i64, i64), BarError> {
        let every = self.every.nanos();
        // Both terms lie within [0, every): one addition brings the difference back there.
        let ahead = time.rem_euclid(every) - self.offset;
        let into = if ahead < 0 { ahead + every } else { ahead };
        let start = time.checked_sub(into);
        let bounds = start.and_then(|start| start.checked_add(every).map(|end| (start, end)));
        bounds.ok_or(BarError::TimeRange(Time(time)))
    }
}

impl Grid for Fixed {
    #[inline]
    fn place(&mut self, time: i64) -> Result<Place, BarError> {
        self.bounds(time).map(|(start, end)| Place::between(start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instant_lies_in_its_interval() {
        for every in [1, 7, 60, i64::MAX / 4] {
            let Ok(interval) = Interval::new(every) else { panic!("{every}") };
            for offset in [i64::MIN, -5, 0, 3, i64::MAX] {
                for time in [i64::MIN / 2, -61, -60, -1, 0, 1, 59, 60, i64::MAX / 2] {
                    let Ok((start, end)) = Fixed::new(interval, offset).bounds(time) else { panic!("{time}") };
                    assert!(start <= time && time < end && end - start == every);
                    assert_eq!((i128::from(start) - i128::from(offset)).rem_euclid(i128::from(every)), 0);
                }
            }
            assert!(Fixed::new(interval, 0).bounds(i64::MAX).is_err());
        }
    }
}
