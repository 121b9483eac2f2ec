//! Markets open and close: orders that come in between, and orders for the day.

use exuvia_execution::exchange::{Closed, Config, Exchange, ExchangeError, Listing, Rules};
use exuvia_market::sessions::{Calendar, Schedule, Zone};
use exuvia_model::{OrderStatus, Time, TimeInForce};

use crate::kit::*;

/// Tuesday in New York: 14:30 to 21:00 UTC.
fn at(clock: &str) -> i64 {
    format!("2026-02-03T{clock}Z").parse::<Time>().unwrap().0
}

fn stage(closed: Closed) -> Stage {
    let listing = Listing {
        calendar: Calendar::XNYS,
        rules: Rules { closed, ..Rules::default() },
        ..Listing::new(ES, instrument())
    };
    Stage(Exchange::new(Config { listings: vec![listing], ..config(Rules::default()) }, 7).unwrap())
}

#[test]
fn an_order_for_the_day_ends_with_its_session_and_not_an_instant_before() {
    let mut stage = stage(Closed::Refuse);
    stage.send(at("15:00:00"), lasting(TimeInForce::Day, intent(Buy, 1, Some("100"))));
    stage.send(at("15:00:00"), lasting(TimeInForce::Day, stop(Buy, 1, "110", None)));
    stage.send(at("15:00:00"), intent(Buy, 1, Some("90")));
    stage.0.advance(Time(at("20:59:59.999999999"))).unwrap();
    assert!(stage.told().is_empty());
    assert_eq!(stage.0.order(1).unwrap().expires, Some(Time(at("21:00:00"))));
    stage.quote(at("21:00:00"), ("98", 9), ("99", 9));
    assert_eq!(stage.told(), ["1 expired", "2 expired"]);
    assert_eq!(stage.0.order(3).unwrap().status, OrderStatus::Working);
}

#[test]
fn nothing_is_matched_while_the_market_is_closed() {
    let mut stage = stage(Closed::Refuse);
    stage.send(at("20:00:00"), intent(Buy, 2, Some("100")));
    stage.quote(at("21:00:00"), ("98", 9), ("99", 9));
    stage.trade(at("22:00:00"), "90", 9);
    assert!(stage.told().is_empty());
    stage.0.cancel(Time(at("22:30:00")), 1, 1).unwrap();
    assert_eq!(stage.told(), ["1 cancelled Asked"], "what is not wanted any more can be taken out");
}

#[test]
fn an_order_while_the_market_is_closed_is_refused_or_waits_as_declared() {
    let mut refuse = stage(Closed::Refuse);
    refuse.send(at("12:00:00"), intent(Buy, 2, Some("100")));
    assert_eq!(refuse.heard(), ["1 refused closed"]);
    assert!(refuse.0.order(1).unwrap().words.contains("closed at 2026-02-03T12:00:00"));
    let mut queue = stage(Closed::Queue);
    queue.quote(at("11:00:00"), ("98", 9), ("99", 9));
    queue.send(at("12:00:00"), lasting(TimeInForce::Day, intent(Buy, 2, Some("100"))));
    queue.send(at("12:00:00"), lasting(TimeInForce::ImmediateOrCancel, intent(Buy, 2, Some("100"))));
    queue.send(at("12:00:00"), lasting(TimeInForce::FillOrKill, intent(Buy, 2, Some("100"))));
    queue.send(at("12:00:00"), stop(Buy, 2, "99", None));
    assert_eq!(queue.heard(), ["1 accepted", "2 refused closed", "3 refused closed", "4 accepted"]);
    assert_eq!(queue.0.order(1).unwrap().expires, Some(Time(at("21:00:00"))));
    queue.quote(at("14:30:00"), ("98", 9), ("99", 9));
    assert_eq!(queue.told(), ["1 executed 2 @ 99 taker, all", "4 set off", "4 executed 2 @ 99 taker, all"]);
}

#[test]
fn a_market_that_never_closes_ends_its_day_at_midnight() {
    let mut stage = Stage::new(Rules::default());
    stage.send(at("12:00:00"), lasting(TimeInForce::Day, intent(Buy, 2, Some("100"))));
    stage.0.advance(Time(at("23:59:59"))).unwrap();
    assert!(stage.told().is_empty());
    stage.0.advance(Time(at("12:00:00") + exuvia_model::DAY / 2)).unwrap();
    assert_eq!(stage.told(), ["1 expired"]);
}

#[test]
fn a_day_that_the_calendar_does_not_know_is_an_error_and_a_refusal() {
    let mut stage = stage(Closed::Refuse);
    let now = "1950-01-03T15:00:00Z".parse::<Time>().unwrap();
    let error = stage.0.on_quote(now, &quote(now.0, ("98", 9), ("99", 9))).unwrap_err();
    assert!(matches!(error, ExchangeError::Calendar(_)) && error.code() == "calendar", "{error}");
    stage.send(now.0, intent(Buy, 2, Some("100")));
    assert_eq!(stage.heard(), ["1 refused calendar"]);
}

#[test]
fn a_break_is_closed_and_belongs_to_its_session() {
    let schedule = Schedule::new("TINY", Zone::named("UTC").unwrap(), &[(0, 100)], &[Some((40, 60))]).unwrap();
    let rules = Rules { closed: Closed::Queue, ..Rules::default() };
    let listing = Listing { calendar: Calendar::listed(schedule), rules, ..Listing::new(ES, instrument()) };
    let mut stage = Stage(Exchange::new(Config { listings: vec![listing], ..config(Rules::default()) }, 7).unwrap());
    stage.send(39, intent(Buy, 1, Some("100")));
    stage.quote(40, ("98", 9), ("99", 9));
    stage.send(50, lasting(TimeInForce::Day, intent(Buy, 1, Some("98"))));
    stage.quote(59, ("97", 9), ("98", 9));
    assert_eq!(stage.heard(), ["1 accepted", "2 accepted"]);
    stage.quote(60, ("98", 9), ("99", 9));
    assert_eq!(stage.heard(), ["1 executed 1 @ 100 maker, all"]);
    stage.0.advance(Time(100)).unwrap();
    assert_eq!(stage.heard(), ["2 expired"]);
}
