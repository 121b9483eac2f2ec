//! Promises of the calendars.
#![allow(clippy::unwrap_used)]

use exuvia_model::HOUR;

use super::*;

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn day(year: i64, month: i64, day: i64) -> Time {
    Time::from_date(year, month, day).unwrap()
}

#[test]
fn fx_closes_at_seventeen_in_new_york_on_both_sides_of_the_clock_change() {
    // Summer time began on Sunday 2026-03-08 and ends on 2026-11-01.
    for (close, open) in [
        ("2026-02-27T22:00:00Z", "2026-03-01T22:00:00Z"),
        ("2026-03-06T22:00:00Z", "2026-03-08T21:00:00Z"),
        ("2026-10-30T21:00:00Z", "2026-11-01T22:00:00Z"),
    ] {
        let (close, open) = (at(close), at(open));
        let fx = Calendar::FX;
        assert_eq!(fx.next_close(Time(close.0 - 1)), Ok(Some(close)));
        assert_eq!(fx.next_close(Time(close.0 - 4 * DAY)), Ok(Some(close)));
        assert_eq!(fx.next_open(close), Ok(Some(open)));
        assert_eq!(fx.next_open(Time(open.0 - 1)), Ok(Some(open)));
        for (time, is_open) in [(close.0 - 1, true), (close.0, false), (open.0 - 1, false), (open.0, true)] {
            assert_eq!(fx.is_open(Time(time)), Ok(is_open), "{}", Time(time));
        }
    }
}

#[test]
fn an_fx_session_starts_the_evening_before_its_date() {
    let session = Calendar::FX.session(day(2026, 2, 2)).unwrap().unwrap();
    assert_eq!((session.open, session.close), (at("2026-02-01T22:00:00Z"), at("2026-02-02T22:00:00Z")));
    assert_eq!(Calendar::FX.session_at(session.open), Ok(Some(session)));
    assert_eq!(Calendar::FX.session(day(2026, 2, 1)), Ok(None));
}

#[test]
fn new_york_keeps_its_holidays_early_closes_and_closures() {
    let xnys = Calendar::XNYS;
    for (y, m, d) in [(2025, 1, 9), (2026, 7, 3), (2026, 4, 3), (2001, 9, 11), (2022, 6, 20)] {
        assert_eq!(xnys.session(day(y, m, d)), Ok(None), "{y}-{m}-{d}");
    }
    let close = |y, m, d| xnys.session(day(y, m, d)).unwrap().unwrap().close;
    assert_eq!(close(2025, 7, 3), at("2025-07-03T17:00:00Z"));
    assert_eq!(close(2025, 11, 28), at("2025-11-28T18:00:00Z"));
    assert_eq!(xnys.next_open(at("2026-07-02T20:00:00Z")), Ok(Some(at("2026-07-06T13:30:00Z"))));
    assert_eq!(xnys.next_close(at("2026-07-02T19:59:59Z")), Ok(Some(at("2026-07-02T20:00:00Z"))));
}

#[test]
fn around_the_clock_never_opens_or_closes() {
    let always = Calendar::ALWAYS;
    let now = at("2026-02-03T12:00:00Z");
    assert_eq!((always.is_open(now), always.next_open(now), always.next_close(now)), (Ok(true), Ok(None), Ok(None)));
    let session = always.session_at(now).unwrap().unwrap();
    assert_eq!((session.open, session.close), (day(2026, 2, 3), day(2026, 2, 4)));
}

#[test]
fn a_day_of_a_zone_is_as_long_as_its_clock_says() {
    let hours = |zone: &str, y, m, d| {
        let session = Calendar::days_of(zone).unwrap().session(day(y, m, d)).unwrap().unwrap();
        (session.close.0 - session.open.0) / HOUR
    };
    assert_eq!(hours("America/New_York", 2026, 3, 8), 23);
    assert_eq!(hours("America/New_York", 2026, 11, 1), 25);
    // Midnight is missing on this day.
    assert_eq!(hours("America/Sao_Paulo", 2018, 11, 4), 23);
    assert_eq!(hours("Etc/GMT+5", 2014, 5, 7), 24);
}

#[test]
fn what_is_not_known_is_an_error_that_says_what_is() {
    let message = Calendar::named("NYSE").unwrap_err().to_string();
    assert!(message.contains("NYSE") && message.contains("XNYS, 24/7, FX24x5"), "{message}");
    assert!(Calendar::days_of("Mars/Olympus").unwrap_err().to_string().contains("Mars/Olympus"));
    let message = Calendar::XNYS.is_open(at("1989-12-29T15:00:00Z")).unwrap_err().to_string();
    assert!(message.contains("1989-12-29") && message.contains("1990"), "{message}");
    assert!(zone_data_version().starts_with("20"));
}
