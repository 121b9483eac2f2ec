//! What a calendar cannot answer.

use exuvia_model::Time;
use thiserror::Error;

/// A calendar or zone that is not known, or a date without data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// No calendar of that name.
    #[error("calendar {0:?} is unknown: use one of {known}", known = super::CALENDARS.join(", "))]
    UnknownCalendar(String),
    /// No zone of that name.
    #[error(
        "time zone {0:?} is unknown to the zone data {version}: use an IANA name such as \"America/New_York\"",
        version = super::zone_data_version()
    )]
    UnknownZone(String),
    /// A date that the calendar does not cover.
    #[error("calendar {calendar} has no sessions for {day}: it covers {first} to {last}", day = date(*.day))]
    OutOfRange {
        /// Which calendar.
        calendar: &'static str,
        /// The day that was asked for.
        day: Time,
        /// First year covered.
        first: i32,
        /// Last year covered.
        last: i32,
    },
}

fn date(day: Time) -> String {
    let (year, month, day) = day.date();
    format!("{year:04}-{month:02}-{day:02}")
}
