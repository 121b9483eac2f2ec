//! Time is UTC nanoseconds since 1970 in an `i64` (1677 to 2262). Zones exist in session calendars only.

use std::fmt;
use std::str::FromStr;

use crate::ModelError;

/// Nanoseconds in a microsecond.
pub const MICROSECOND: i64 = 1_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: i64 = 1_000_000;
/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Nanoseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Nanoseconds in a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;

/// An instant: UTC nanoseconds since 1970-01-01.
///
/// ```
/// use exuvia_model::Time;
/// let time: Time = "2026-02-03T14:05:06.123000Z".parse()?;
/// assert_eq!(time.to_string(), "2026-02-03T14:05:06.123000Z");
/// # Ok::<(), exuvia_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Time(pub i64);

/// Days since 1970-01-01 of a civil date (Howard Hinnant's `days_from_civil`).
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// Civil date of days since 1970-01-01 (Howard Hinnant's `civil_from_days`).
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + if month <= 2 { 1 } else { 0 }, month, doy - (153 * mp + 2) / 5 + 1)
}

impl Time {
    /// Midnight UTC of a civil date; `None` if there is no such date or it does not fit.
    #[must_use]
    pub fn from_date(year: i64, month: i64, day: i64) -> Option<Self> {
        let days = days_from_civil(year, month, day);
        if !(1..=12).contains(&month) || civil_from_days(days) != (year, month, day) {
            return None;
        }
        days.checked_mul(DAY).map(Self)
    }

    /// Civil date (year, month, day) in UTC.
    #[must_use]
    pub const fn date(self) -> (i64, i64, i64) {
        civil_from_days(self.0.div_euclid(DAY))
    }

    /// The start of the interval of `every` nanoseconds, counted from 1970 plus `offset`, that holds this instant.
    /// An interval that is not positive gives the instant itself.
    #[must_use]
    pub const fn floor(self, every: i64, offset: i64) -> Self {
        if every <= 0 { self } else { Self(self.0 - (self.0 - offset).rem_euclid(every)) }
    }
}

/// ISO-8601 with six decimals and `Z`; nine where nanoseconds are not whole microseconds.
impl fmt::Display for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let rest = self.0.rem_euclid(DAY);
        let (hour, minute, second, nano) = (rest / HOUR, rest / MINUTE % 60, rest / SECOND % 60, rest % SECOND);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.")?;
        if nano % MICROSECOND == 0 { write!(out, "{:06}Z", nano / MICROSECOND) } else { write!(out, "{nano:09}Z") }
    }
}

impl FromStr for Time {
    type Err = ModelError;

    /// Reads `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`; a fraction finer than 1 ns is an error.
    fn from_str(text: &str) -> Result<Self, ModelError> {
        parse_iso(text.as_bytes()).map_err(|why| ModelError::BadTime { text: text.to_owned(), why })
    }
}

fn parse_iso(text: &[u8]) -> Result<Time, &'static str> {
    let number = |from: usize, to: usize| -> Result<i64, &'static str> {
        let digits = text.get(from..to).ok_or("it is too short")?;
        digits.iter().try_fold(0_i64, |sum, byte| match byte {
            b'0'..=b'9' => Ok(sum * 10 + i64::from(byte - b'0')),
            _ => Err("a digit was expected"),
        })
    };
    for (at, mark) in [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')] {
        if text.get(at) != Some(&mark) {
            return Err("the separators are wrong");
        }
    }
    if !matches!(text.get(10), Some(b'T' | b't' | b' ')) {
        return Err("date and time must be separated by T");
    }
    let midnight = Time::from_date(number(0, 4)?, number(5, 7)?, number(8, 10)?).ok_or("there is no such date")?;
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return Err("there is no such time of day");
    }
    let mut at = 19;
    let mut nanos = 0_i64;
    if text.get(at) == Some(&b'.') {
        at += 1;
        let mut unit = SECOND;
        while let Some(digit @ b'0'..=b'9') = text.get(at) {
            if unit == 1 && *digit != b'0' {
                return Err("it is finer than a nanosecond");
            }
            if unit > 1 {
                unit /= 10;
                nanos += unit * i64::from(digit - b'0');
            }
            at += 1;
        }
        if unit == SECOND {
            return Err("digits must follow the point");
        }
    }
    let offset = match text.get(at) {
        Some(b'Z' | b'z') if text.len() == at + 1 => 0,
        Some(sign @ (b'+' | b'-')) if text.len() == at + 6 && text.get(at + 3) == Some(&b':') => {
            let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            let offset = hours * HOUR + minutes * MINUTE;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return Err("it must end with Z or an offset such as +01:00"),
    };
    let time = hour * HOUR + minute * MINUTE + second * SECOND + nanos - offset;
    midnight.0.checked_add(time).map(Time).ok_or("it is outside 1677 to 2262")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_instant_survives_text() {
        for text in ["1969-12-31T23:59:59.999999Z", "2024-02-29T00:00:00.000000Z", "2026-02-03T14:05:06.123456789Z"] {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
        }
        assert_eq!("2026-02-03T15:05:06+01:00".parse::<Time>(), "2026-02-03T14:05:06Z".parse());
    }

    #[test]
    fn what_is_no_instant_is_an_error() {
        for text in [
            "",
            "2026-02-03",
            "2026-02-30T00:00:00Z",
            "2026-02-03T24:00:00Z",
            "2026-02-03T00:00:00",
            "2026-02-03T00:00:00.Z",
            "2026-02-03T00:00:00.1234567891Z",
            "2026-02-03_00:00:00Z",
            "2026-02-03T00-00-00Z",
            "2026/02/03T00:00:00Z",
        ] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn floor_goes_down_before_1970_too() {
        assert_eq!(Time(-1).floor(MINUTE, 0), Time(-MINUTE));
        assert_eq!(Time(0).floor(DAY, 5 * HOUR), Time(-19 * HOUR));
    }
}
