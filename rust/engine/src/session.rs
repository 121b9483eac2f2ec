//! The FX week: open from Sunday 17:00 to Friday 17:00 in New York.

use chrono::{DateTime, Datelike, Timelike, Weekday};
use chrono_tz::America::New_York;
use exuvia_model::{SECOND, Time};

/// Hour of New York at which the FX week and its days begin and end.
const TURN: u32 = 17;

/// Whether the FX week is on at `time`.
#[must_use]
pub fn fx_is_open(time: Time) -> bool {
    let Some(utc) = DateTime::from_timestamp(time.0.div_euclid(SECOND), 0) else { return false };
    let local = utc.with_timezone(&New_York);
    match local.weekday() {
        Weekday::Fri => local.hour() < TURN,
        Weekday::Sat => false,
        Weekday::Sun => local.hour() >= TURN,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_week_turns_at_five_in_new_york_in_summer_and_winter() {
        for (text, open) in [
            ("2014-05-09T20:59:59.999999999Z", true),
            ("2014-05-09T21:00:00Z", false),
            ("2014-05-11T20:59:59Z", false),
            ("2014-05-11T21:00:00Z", true),
            ("2014-01-10T21:59:59Z", true),
            ("2014-01-10T22:00:00Z", false),
            ("2014-03-09T21:00:00Z", true), // the Sunday on which summer time began
        ] {
            assert_eq!(fx_is_open(text.parse().unwrap()), open, "{text}");
        }
    }
}
