//! How long a bar is: a positive number of nanoseconds, written as a number or as `"5m"`.

use std::fmt;
use std::str::FromStr;

use exuvia_model::{DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND};

use super::BarError;

/// The length of a bar; always positive.
///
/// ```
/// use exuvia_market::bars::Interval;
/// let five: Interval = "5m".parse()?;
/// assert_eq!(five.nanos(), 300_000_000_000);
/// # Ok::<(), exuvia_market::bars::BarError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval(i64);

impl Interval {
    /// An interval of that many nanoseconds.
    ///
    /// # Errors
    /// `BadInterval` unless it is positive.
    pub fn new(nanos: i64) -> Result<Self, BarError> {
        if nanos > 0 { Ok(Self(nanos)) } else { Err(BarError::BadInterval(nanos.to_string())) }
    }

    /// Its length in nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Interval {
    /// In the largest unit of which it is a whole number: `90s`, `5m`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [
            ("d", DAY),
            ("h", HOUR),
            ("m", MINUTE),
            ("s", SECOND),
            ("ms", MILLISECOND),
            ("us", MICROSECOND),
            ("ns", 1),
        ];
        let (name, unit) = units.into_iter().find(|(_, unit)| self.0 % unit == 0).unwrap_or(("ns", 1));
        write!(out, "{}{name}", self.0 / unit)
    }
}

impl FromStr for Interval {
    type Err = BarError;

    /// Reads a count and a unit: `ns`, `us`, `ms`, `s`, `m`, `h` or `d`.
    fn from_str(text: &str) -> Result<Self, BarError> {
        let bad = || BarError::BadInterval(text.to_owned());
        let unit_at = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(bad)?;
        let (count, unit) = text.split_at(unit_at);
        let unit = match unit {
            "ns" => 1,
            "us" => MICROSECOND,
            "ms" => MILLISECOND,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            _ => return Err(bad()),
        };
        let count: i64 = count.parse().map_err(|_| bad())?;
        count.checked_mul(unit).filter(|nanos| *nanos > 0).map(Self).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_and_a_unit_make_an_interval() {
        for (text, nanos) in [("1ns", 1), ("250ms", 250 * MILLISECOND), ("5m", 5 * MINUTE), ("1d", DAY)] {
            assert_eq!(text.parse::<Interval>().map(Interval::nanos), Ok(nanos), "{text}");
            assert_eq!(Interval(nanos).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_interval_is_an_error_that_names_it() {
        for text in ["", "5", "m", "0m", "-1m", "1 m", "1M", "1w", "99999999999999d"] {
            assert_eq!(text.parse::<Interval>(), Err(BarError::BadInterval(text.to_owned())), "{text}");
        }
        assert!(Interval::new(0).is_err() && Interval::new(-1).is_err());
    }
}
