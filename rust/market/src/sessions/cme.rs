//! Futures on CME Globex: regular holidays, sessions that end at noon, and days of mourning, since 1990.
//! Checked row by row by the tests.

use chrono::{Datelike, NaiveDate, Weekday};

use super::{CalendarError, xnys};

/// Days of mourning on which there was no session.
const CLOSED: [(i32, u32, u32); 5] = [(1994, 4, 27), (2004, 6, 11), (2007, 1, 2), (2018, 12, 5), (2025, 1, 9)];

/// Hour in Chicago at which the session of a date ends; `None` if there is none.
pub(super) fn close_of(date: NaiveDate) -> Result<Option<u32>, CalendarError> {
    xnys::check_covered("CME", date)?;
    if xnys::is_weekend(date) || is_holiday(date) || xnys::is_listed(date, &CLOSED) {
        return Ok(None);
    }
    Ok(Some(if ends_at_noon(date) { 12 } else { 17 }))
}

fn is_holiday(date: NaiveDate) -> bool {
    let (month, day) = (date.month(), date.day());
    match month {
        1 => day == 1 || (day == 2 && date.weekday() == Weekday::Mon),
        3 | 4 => date == xnys::good_friday(date.year()),
        12 => xnys::is_observed(date, 25),
        _ => false,
    }
}

fn ends_at_noon(date: NaiveDate) -> bool {
    let (year, month, day, weekday) = (date.year(), date.month(), date.day(), date.weekday());
    let monday = |week: u32| weekday == Weekday::Mon && xnys::week_of(day) == week;
    match month {
        1 => year >= 1998 && monday(3),
        2 => monday(3),
        5 => weekday == Weekday::Mon && day > 24,
        6 => year >= 2022 && xnys::is_observed(date, 19),
        7 => xnys::is_observed(date, 4),
        9 => monday(1),
        11 => {
            (weekday == Weekday::Thu && xnys::week_of(day) == 4)
                || (year >= 1993 && weekday == Weekday::Fri && (23..=29).contains(&day))
        }
        12 => day == 24,
        _ => false,
    }
}
