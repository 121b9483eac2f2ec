//! How long a bar is in time: so many nanoseconds, or so many days, weeks or months of a zone's calendar.

use std::str::FromStr;

use exuvia_model::DAY;

use super::{BarError, Interval};

/// A length of time as a clock or as a calendar counts it.
///
/// ```
/// use exuvia_market::bars::Span;
/// assert_eq!("1q".parse(), Ok(Span::Months(3)));
/// assert_eq!("2w".parse(), Ok(Span::Weeks(2)));
/// assert_eq!("1d".parse(), Ok(Span::Days(1)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// Nanoseconds.
    Fixed(Interval),
    /// Days: 24 hours each without a zone, from midnight to midnight in one.
    Days(u32),
    /// Weeks from Monday.
    Weeks(u32),
    /// Months of the calendar.
    Months(u32),
}

impl Span {
    /// Its length, where a clock alone can tell: 24 hours for a day.
    #[must_use]
    pub fn nanos(self) -> Option<Interval> {
        match self {
            Self::Fixed(interval) => Some(interval),
            Self::Days(days) => Interval::new(i64::from(days).checked_mul(DAY)?).ok(),
            Self::Weeks(weeks) => Interval::new(i64::from(weeks).checked_mul(7 * DAY)?).ok(),
            Self::Months(_) => None,
        }
    }
}

impl FromStr for Span {
    type Err = BarError;

    /// Reads what [`Interval`] reads, and `w`, `mo`, `q` and `y`.
    fn from_str(text: &str) -> Result<Self, BarError> {
        let bad = || BarError::BadInterval(text.to_owned());
        let unit_at = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(bad)?;
        let (count, unit) = text.split_at(unit_at);
        let make: fn(u32) -> Self = match unit {
            "d" => Self::Days,
            "w" => Self::Weeks,
            "mo" => Self::Months,
            "q" => |quarters| Self::Months(quarters * 3),
            "y" => |years| Self::Months(years * 12),
            _ => return text.parse().map(Self::Fixed),
        };
        let count: u32 = count.parse().map_err(|_| bad())?;
        // Far more than the 585 years that stamps reach.
        if (1..=110_000).contains(&count) { Ok(make(count)) } else { Err(bad()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_weeks_and_months_are_the_calendars_and_all_else_the_clocks() {
        for (text, span) in
            [("3d", Span::Days(3)), ("1w", Span::Weeks(1)), ("1mo", Span::Months(1)), ("1y", Span::Months(12))]
        {
            assert_eq!(text.parse(), Ok(span), "{text}");
        }
        assert_eq!("24h".parse::<Span>().map(Span::nanos), "1d".parse::<Span>().map(Span::nanos));
        for text in ["0d", "1M", "", "w", "999999999d", "-1d", "1.5d"] {
            assert_eq!(text.parse::<Span>(), Err(BarError::BadInterval(text.to_owned())), "{text}");
        }
    }
}
