//! A day of UTC, the unit by which a dataset is kept.

use std::fmt;
use std::str::FromStr;

use exuvia_model::Time;
use serde::{Deserialize, Serialize};

use crate::LakeError;

/// Nanoseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000_000;

/// A day of UTC, counted from 1970-01-01.
///
/// ```
/// use exuvia_lake::Day;
/// let day: Day = "2026-02-03".parse()?;
/// assert_eq!((day.to_string(), day.start()), ("2026-02-03".to_owned(), 1_770_076_800_000_000_000));
/// # Ok::<(), exuvia_lake::LakeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub i32);

impl Day {
    /// The day in which a time lies, UTC nanoseconds.
    #[must_use]
    pub const fn of(time: i64) -> Self {
        // An i64 of nanoseconds spans 213,504 days.
        Self(time.div_euclid(DAY) as i32)
    }

    /// Its first nanosecond.
    #[must_use]
    pub const fn start(self) -> i64 {
        (self.0 as i64).saturating_mul(DAY)
    }

    /// The first nanosecond of the next day.
    #[must_use]
    pub const fn end(self) -> i64 {
        (self.0 as i64 + 1).saturating_mul(DAY)
    }

    /// Year, month and day.
    #[must_use]
    pub const fn date(self) -> (i64, i64, i64) {
        Time(self.start()).date()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(out, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = LakeError;

    fn from_str(text: &str) -> Result<Self, LakeError> {
        let midnight = (text.len() == 10).then(|| format!("{text}T00:00:00Z").parse::<Time>().ok()).flatten();
        midnight.map(|time| Self::of(time.0)).ok_or_else(|| LakeError::BadName {
            what: "day",
            value: text.to_owned(),
            why: "write a date as YYYY-MM-DD".to_owned(),
        })
    }
}
