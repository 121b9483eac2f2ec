//! The New York Stock Exchange: regular holidays, early closes and the closures of single days, since
//! 1990. Source: the exchange's holiday announcements and Rule 7.2; checked day by day by the tests.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use exuvia_model::{DAY, Time};

use super::{CalendarError, EPOCH_FROM_CE};

/// First and last year of the rules below; later years follow today's rules.
const COVERED: (i32, i32) = (1990, 2099);

/// Days of mourning, attacks and storms on which the exchange stayed closed.
const CLOSED: [(i32, u32, u32); 11] = [
    (1994, 4, 27), // funeral of President Nixon
    (2001, 9, 11), // attacks of 11 September
    (2001, 9, 12),
    (2001, 9, 13),
    (2001, 9, 14),
    (2004, 6, 11),  // funeral of President Reagan
    (2007, 1, 2),   // funeral of President Ford
    (2012, 10, 29), // hurricane Sandy
    (2012, 10, 30),
    (2018, 12, 5), // funeral of President Bush
    (2025, 1, 9),  // funeral of President Carter
];

/// Single days that closed at 13:00.
const CLOSED_EARLY: [(i32, u32, u32); 3] = [(1997, 12, 26), (1999, 12, 31), (2003, 12, 26)];

/// Hour and minute in New York at which trading ends on a date; `None` if there is none.
pub(super) fn close_of(date: NaiveDate) -> Result<Option<(u32, u32)>, CalendarError> {
    check_covered("XNYS", date)?;
    if is_weekend(date) || is_holiday(date) || is_listed(date, &CLOSED) {
        return Ok(None);
    }
    Ok(Some((early_close(date).unwrap_or(16), 0)))
}

/// Refuses a date outside of the years that the rules are for.
pub(super) fn check_covered(calendar: &'static str, date: NaiveDate) -> Result<(), CalendarError> {
    let (first, last) = COVERED;
    if (first..=last).contains(&date.year()) {
        return Ok(());
    }
    let day = Time(i64::from(date.num_days_from_ce() - EPOCH_FROM_CE).saturating_mul(DAY));
    Err(CalendarError::OutOfRange { calendar, day, first, last })
}

fn is_holiday(date: NaiveDate) -> bool {
    let (year, month, day) = (date.year(), date.month(), date.day());
    let monday = |week: u32| date.weekday() == Weekday::Mon && week_of(day) == week;
    match month {
        // A New Year's Day on a Saturday is not moved to Friday: the year's books close that day.
        1 => {
            day == 1 || (day == 2 && date.weekday() == Weekday::Mon) || (year >= 1998 && monday(3)) // Martin Luther King
        }
        2 => monday(3), // Washington's Birthday
        3 | 4 => date == good_friday(year),
        5 => date.weekday() == Weekday::Mon && day > 24, // Memorial Day
        6 => year >= 2022 && is_observed(date, 19),      // Juneteenth
        7 => is_observed(date, 4),
        9 => monday(1),                                            // Labor Day
        11 => date.weekday() == Weekday::Thu && week_of(day) == 4, // Thanksgiving
        12 => is_observed(date, 25),
        _ => false,
    }
}

fn early_close(date: NaiveDate) -> Option<u32> {
    let (year, month, day, weekday) = (date.year(), date.month(), date.day(), date.weekday());
    let early = match (month, day) {
        // The day before Independence Day; a Wednesday only since 2013, until then the Friday after it.
        (7, 3) => year >= 1995 && weekday != Weekday::Fri && (weekday != Weekday::Wed || year >= 2013),
        (7, 5) => (1995..2013).contains(&year) && weekday == Weekday::Fri,
        (11, 23..=29) => year >= 1992 && weekday == Weekday::Fri,
        (12, 24) => true,
        _ => is_listed(date, &CLOSED_EARLY),
    };
    early.then_some(if year < 1993 { 14 } else { 13 })
}

/// Whether a holiday of that day in the month is kept on `date`: a Saturday's on Friday, a Sunday's on Monday.
pub(super) fn is_observed(date: NaiveDate, holiday: u32) -> bool {
    let day = date.day();
    match date.weekday() {
        Weekday::Fri => day == holiday || day + 1 == holiday,
        Weekday::Mon => day == holiday || day == holiday + 1,
        _ => day == holiday,
    }
}

pub(super) fn is_listed(date: NaiveDate, list: &[(i32, u32, u32)]) -> bool {
    list.contains(&(date.year(), date.month(), date.day()))
}

pub(super) fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Which occurrence of its weekday in the month a day is.
pub(super) const fn week_of(day: u32) -> u32 {
    day.div_ceil(7)
}

/// Two days before Easter Sunday (the algorithm of Meeus, Jones and Butcher).
pub(super) fn good_friday(year: i32) -> NaiveDate {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let month_and_day = h + l - 7 * m + 114;
    let easter =
        NaiveDate::from_ymd_opt(year, (month_and_day / 31).unsigned_abs(), (month_and_day % 31 + 1).unsigned_abs());
    easter.and_then(|easter| easter.checked_sub_days(Days::new(2))).unwrap_or_default()
}
