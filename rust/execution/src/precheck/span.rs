//! A length of time as a declaration has it: `90d`, `12h`, `60m`, `5s`; what is not whole seconds in `ns`.

use std::fmt;
use std::str::FromStr;

use exuvia_model::{DAY, HOUR, MINUTE, ModelError, SECOND, Time};

/// A length of time that is not negative, in nanoseconds.
///
/// ```
/// use exuvia_execution::precheck::Span;
/// assert_eq!("60m".parse::<Span>()?.to_string(), "1h");
/// assert!("-5s".parse::<Span>().is_err());
/// # Ok::<(), exuvia_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

const UNITS: [(&str, i64); 5] = [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ns", 1)];

impl Span {
    pub(super) const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// So many seconds.
    #[must_use]
    pub const fn seconds(count: u32) -> Self {
        Self(count as i64 * SECOND)
    }

    /// So many minutes.
    #[must_use]
    pub const fn minutes(count: u32) -> Self {
        Self(count as i64 * MINUTE)
    }

    /// So many days of 24 hours.
    #[must_use]
    pub const fn days(count: u16) -> Self {
        Self(count as i64 * DAY)
    }

    /// In nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whether `earlier` lies within this length before `now`, both ends apart. What lies ahead of `now` is within: a clock that
    /// went back frees nothing.
    pub(super) const fn covers(self, earlier: Time, now: Time) -> bool {
        now.0.saturating_sub(earlier.0) < self.0
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = UNITS.into_iter().find(|(_, unit)| self.0 != 0 && self.0 % unit == 0);
        let (name, unit) = found.unwrap_or(("s", 1));
        write!(out, "{}{name}", self.0 / unit)
    }
}

impl FromStr for Span {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let known = "whole days, hours, minutes or seconds such as 90d, 12h, 60m, 5s";
        let read = |(name, unit): (&str, i64)| {
            text.strip_suffix(name)?.parse::<i64>().ok().filter(|count| *count >= 0)?.checked_mul(unit)
        };
        let found = UNITS.into_iter().find_map(read).map(Self);
        found.ok_or_else(|| ModelError::Unknown { what: "length of time", text: text.to_owned(), known })
    }
}
