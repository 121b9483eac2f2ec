//! Pace: so many requests in any span, a reserve for orders, pauses after a 429, and clocks that go back.

use exuvia_brokers::projectx::{BarUnit, BarsWanted, Config, Pace, ProjectXError, Window};
use exuvia_model::{SECOND, Time};
use exuvia_ports::Response;
use proptest::prelude::*;

use crate::kit::*;

fn wait(error: &ProjectXError) -> i64 {
    let ProjectXError::NotSent { wait, .. } = error else { panic!("{error}") };
    *wait
}

#[test]
fn two_hundred_requests_a_minute_leave_twenty_to_orders() {
    let (gate, mut gateway) = gateway(config());
    for _ in 2..180 {
        gate.then("Order/searchOpen", list("orders", &[]));
        gateway.open_orders(later(1)).unwrap();
    }
    let error = gateway.open_orders(later(1)).unwrap_err();
    assert_eq!(wait(&error), 59 * SECOND, "login and account were a second before: {error}");
    assert!(error.to_string().ends_with("it may be sent again after 59 s"), "{error}");
    for _ in 180..200 {
        gate.then("Order/cancel", ok(OK));
        gateway.cancel(1, later(1)).unwrap();
    }
    assert_eq!(wait(&gateway.cancel(1, later(2)).unwrap_err()), 58 * SECOND);
    assert_eq!(gate.count(), 200, "nothing beyond was sent");
    gate.then("Order/cancel", ok(OK)).then("Order/cancel", ok(OK));
    gateway.cancel(1, later(60)).unwrap();
    gateway.cancel(1, later(60)).unwrap();
    assert_eq!(wait(&gateway.cancel(1, later(60)).unwrap_err()), SECOND);
    gate.done();
}

#[test]
fn bars_have_fifty_requests_in_thirty_seconds_of_their_own() {
    let (gate, mut gateway) = gateway(config());
    let wanted = BarsWanted {
        contract: CONTRACT.into(),
        start: Time(0),
        end: NOW,
        unit: BarUnit::Day,
        length: 1,
        most: 1,
        partial: true,
    };
    for _ in 0..50 {
        gate.then("History/retrieveBars", list("bars", &[]));
        gateway.bars(&wanted, NOW).unwrap();
    }
    let error = gateway.bars(&wanted, Time(NOW.0 + 1)).unwrap_err();
    assert_eq!(wait(&error), 30 * SECOND - 1);
    assert!(error.to_string().ends_with("after 30 s"), "rounded up: {error}");
    gate.then("Order/cancel", ok(OK)).then("History/retrieveBars", list("bars", &[]));
    gateway.cancel(1, later(1)).unwrap();
    gateway.bars(&wanted, later(30)).unwrap();
    gate.done();
}

#[test]
fn after_a_429_nothing_is_sent_for_a_while_that_doubles_up_to_a_minute() {
    let (gate, mut gateway) = gateway(config());
    let mut now = 0;
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        gate.then("Order/cancel", status(429, ""));
        let error = gateway.cancel(1, later(now)).unwrap_err();
        assert_eq!((error.code(), wait(&error)), ("not_sent", pause * SECOND));
        assert_eq!(wait(&gateway.cancel(1, later(now)).unwrap_err()), pause * SECOND);
        now += pause;
        assert_eq!(wait(&gateway.cancel(1, Time(later(now).0 - 1)).unwrap_err()), 1);
    }
    gate.then("Order/cancel", ok(OK)).then("Order/cancel", status(429, ""));
    gateway.cancel(1, later(now)).unwrap();
    assert_eq!(wait(&gateway.cancel(1, later(now)).unwrap_err()), SECOND, "an answer makes the next pause short");
    gate.done();
}

#[test]
fn a_retry_after_in_seconds_is_obeyed_and_never_shortens_the_pause() {
    for (said, wanted) in [("7", 7), (" 90 ", 90), ("0", 1), ("-5", 1), ("Tue, 03 Feb 2026 14:30:00 GMT", 1)] {
        let (gate, mut gateway) = gateway(config());
        let headers = vec![("retry-after".to_owned(), said.to_owned())];
        gate.then("Order/cancel", Does::Answers(Response { headers, ..Response::new(429, "") }));
        assert_eq!(wait(&gateway.cancel(1, NOW).unwrap_err()), wanted * SECOND, "{said}");
    }
}

#[test]
fn a_clock_that_was_set_back_takes_what_was_counted_with_it() {
    let mut window = Window::new(Pace { most: 2, span: 30 * SECOND });
    let at = |second: i64| Time(second * SECOND);
    assert_eq!(window.take(at(1_000), 0), Ok(()));
    assert_eq!(window.take(at(1_010), 0), Ok(()));
    assert_eq!(window.take(at(10), 0), Err(20 * SECOND), "as it was at 1010");
    assert_eq!(window.take(at(30), 0), Ok(()));
    assert_eq!(window.refused(at(40), Some(5 * SECOND)), 5 * SECOND);
    assert_eq!(window.take(at(-1_000), 0), Err(5 * SECOND));
    assert_eq!(window.take(at(-995), 0), Ok(()));
}

#[test]
fn a_reserve_as_large_as_the_pace_leaves_nothing_and_says_so() {
    let mut window = Window::new(Pace { most: 1, span: 30 * SECOND });
    assert_eq!(window.take(Time(0), 1), Err(30 * SECOND));
    assert_eq!(window.take(Time(0), 0), Ok(()));
    assert_eq!(window.take(Time(SECOND), 5), Err(29 * SECOND));
}

#[test]
fn the_pace_of_the_configuration_is_the_one_that_is_kept() {
    let slow = Config { rest_pace: Pace { most: 3, span: 60 * SECOND }, kept_for_orders: 0, ..config() };
    let (gate, mut gateway) = gateway(slow);
    gate.then("Order/searchOpen", list("orders", &[]));
    gateway.open_orders(NOW).unwrap();
    assert_eq!(wait(&gateway.open_orders(NOW).unwrap_err()), 60 * SECOND);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_span_has_more_than_its_number_and_who_waits_as_told_is_let_through(steps in proptest::collection::vec(0_i64..8, 1..80), most in 1_usize..6) {
        let span = 10;
        let mut window = Window::new(Pace { most, span });
        let (mut now, mut sent) = (0, Vec::new());
        for step in steps {
            now += step;
            match window.take(Time(now), 0) {
                Ok(()) => sent.push(now),
                Err(wait) => {
                    prop_assert!((1..=span).contains(&wait));
                    prop_assert!(window.clone().take(Time(now + wait - 1), 0).is_err());
                    now += wait;
                    prop_assert_eq!(window.take(Time(now), 0), Ok(()));
                    sent.push(now);
                }
            }
        }
        for (at, first) in sent.iter().enumerate() {
            prop_assert!(sent[at..].iter().filter(|other| **other - first < span).count() <= most);
        }
    }
}
