//! Promises of the rules of time.
#![allow(clippy::unwrap_used)]

use exuvia_model::{HOUR, MINUTE};

use super::*;

fn rule(every: &str) -> TimeRule {
    TimeRule::every(every.parse().unwrap())
}

fn at(text: &str) -> i64 {
    text.parse::<Time>().unwrap().0
}

fn place(rule: &TimeRule, first: &str, last: &str, time: &str) -> (i64, i64, i64) {
    match rule.grid(at(first), Some(at(last))).unwrap().place(at(time)).unwrap() {
        Place::In { start, end, label } => (start, end, label),
        Place::Out { .. } => panic!("{time} is outside"),
    }
}

#[test]
fn the_closed_side_takes_the_tick_on_the_boundary_and_the_label_names_either_end() {
    let (noon, after) = (at("2026-02-03T12:00:00Z"), at("2026-02-03T12:05:00Z"));
    for (closed, label, want) in [
        (Side::Left, Side::Left, (noon, after, noon)),
        (Side::Left, Side::Right, (noon, after, after)),
        (Side::Right, Side::Left, (noon - 5 * MINUTE + 1, noon + 1, noon - 5 * MINUTE)),
        (Side::Right, Side::Right, (noon - 5 * MINUTE + 1, noon + 1, noon)),
    ] {
        let rule = TimeRule { closed, label, ..rule("5m") };
        let day = "2026-02-03T12:00:00Z";
        assert_eq!(place(&rule, day, day, day), want, "{closed:?} {label:?}");
        let mut grid = rule.grid(noon, None).unwrap();
        let Place::In { start, end, .. } = grid.place(grid.within(want.2)).unwrap() else { panic!() };
        assert_eq!((start, end), (want.0, want.1));
    }
}

#[test]
fn an_origin_moves_the_grid() {
    let (first, last) = ("2026-02-03T09:31:00Z", "2026-02-04T16:02:00Z");
    for (origin, start) in [
        ("epoch", "2026-02-03T09:30:00Z"),
        ("start", "2026-02-03T09:31:00Z"),
        ("start_day", "2026-02-03T09:27:00Z"),
        ("end", "2026-02-03T09:28:00Z"),
        ("end_day", "2026-02-03T09:30:00Z"),
        ("2026-02-03T09:30:00Z", "2026-02-03T09:30:00Z"),
    ] {
        let rule = TimeRule { origin: origin.parse().unwrap(), ..rule("7m") };
        let (found, end, _) = place(&rule, first, last, first);
        assert_eq!((Time(found), end - found), (Time(at(start)), 7 * MINUTE), "{origin}");
    }
}

#[test]
fn a_day_of_a_zone_has_the_hours_that_its_clock_says() {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let day = TimeRule { zone, ..rule("1d") };
    let (start, end, _) = place(&day, "2026-03-29T12:00:00Z", "2026-03-29T12:00:00Z", "2026-03-29T12:00:00Z");
    assert_eq!((Time(start), end - start), (Time(at("2026-03-28T23:00:00Z")), 23 * HOUR));
    let month = TimeRule { zone, ..rule("1mo") };
    let (start, end, _) = place(&month, "2026-03-29T12:00:00Z", "2026-03-29T12:00:00Z", "2026-03-31T22:00:00Z");
    assert_eq!((Time(start), Time(end)), (Time(at("2026-03-31T22:00:00Z")), Time(at("2026-04-30T22:00:00Z"))));
    let week = TimeRule { zone: Zone::UTC, ..rule("1w") };
    let (start, ..) = place(&week, "2026-03-29T12:00:00Z", "2026-03-29T12:00:00Z", "2026-03-29T12:00:00Z");
    assert_eq!(Time(start), Time(at("2026-03-23T00:00:00Z")));
}

#[test]
fn an_instant_lies_in_its_day_wherever_the_clocks_change() {
    for name in
        ["America/Havana", "America/Sao_Paulo", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Gaza"]
    {
        let rule = TimeRule { zone: Zone::named(name).unwrap(), ..rule("1d") };
        let mut grid = rule.grid(0, None).unwrap();
        let mut time = at("2009-12-25T00:00:00Z");
        while time < at("2013-01-05T00:00:00Z") {
            let Place::In { start, end, .. } = grid.place(time).unwrap() else { panic!() };
            assert!(start <= time && time < end, "{name} {}", Time(time));
            time += 17 * MINUTE;
        }
    }
}

#[test]
fn what_does_not_go_together_says_so() {
    let end = TimeRule { origin: Origin::End, ..rule("5m") };
    assert_eq!(end.grid(0, None).unwrap_err(), BarError::OriginOfStream);
    assert_eq!(
        TimeRule { origin: Origin::End, ..rule("1mo") }.grid(0, Some(1)).unwrap_err(),
        BarError::OriginOfCalendar
    );
    let session = TimeRule { calendar: Some(Calendar::XNYS), ..rule("5m") };
    assert_eq!(TimeRule { offset: 1, ..session.clone() }.grid(0, None).unwrap_err(), BarError::OriginOfSessions);
    assert!(TimeRule { span: Span::Months(1), ..session.clone() }.grid(0, None).is_err());
    assert!(session.grid(0, None).is_ok());
    for text in ["later", "", "2026-02-03"] {
        assert_eq!(text.parse::<Origin>(), Err(BarError::BadOrigin(text.to_owned())));
    }
}
