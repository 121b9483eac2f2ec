//! The FX week: open from Sunday 17:00 to Friday 17:00 in New York.

use exuvia_market::sessions::Calendar;
use exuvia_model::Time;

/// Whether the FX week is on at `time`; not where the calendar has no answer.
#[must_use]
pub fn fx_is_open(time: Time) -> bool {
    matches!(Calendar::FX.is_open(time), Ok(true))
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
