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
    /// A list of sessions that does not reach as far.
    #[error("calendar {calendar} lists sessions from {first} to {last}, none at {time}: give it those days too")]
    NotListed {
        /// Which calendar.
        calendar: String,
        /// The instant that was asked for.
        time: Time,
        /// First instant of the first session.
        first: Time,
        /// First instant after the last session.
        last: Time,
    },
    /// A list of sessions that cannot be one.
    #[error("session {row} of calendar {calendar}: {why}")]
    BadSchedule {
        /// Which calendar.
        calendar: String,
        /// Which session, counted from 0.
        row: usize,
        /// What is wrong.
        why: String,
    },
}

fn date(day: Time) -> String {
    let (year, month, day) = day.date();
    format!("{year:04}-{month:02}-{day:02}")
}
