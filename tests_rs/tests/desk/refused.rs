//! Orders that cannot be: nothing is kept of them, and the sentence says what to do.

use exuvia_execution::{Change, Desk, Instrument, Link, NewOrder, Step};
use exuvia_model::{OrderIntent, OrderType, Quantity, Side, Symbol, Trail};

use crate::kit::*;

fn refusal(intent: OrderIntent) -> (&'static str, String) {
    let error = desk().intend(Link::Single, vec![intent]).unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn amounts_and_prices_that_an_instrument_does_not_have_are_refused_with_those_it_has() {
    let half = OrderIntent { quantity: "1.5".parse().unwrap(), ..market(Side::Buy, 1) };
    for (intent, code, says) in [
        (market(Side::Buy, 0), "off_lot", "amount 0 of MESZ6 must be a positive multiple of its lot 1"),
        (market(Side::Buy, -3), "off_lot", "amount -3"),
        (half, "off_lot", "amount 1.5"),
        (
            limit(Side::Buy, 1, "6000.3"),
            "off_tick",
            "price 6000.3 of MESZ6 is no multiple of its tick 0.25: use 6000.25 or 6000.5",
        ),
        (stop(Side::Buy, 1, "0.1"), "off_tick", "use 0 or 0.25"),
        (limit(Side::Buy, 1, "0"), "not_positive", "price 0 of MESZ6 is not positive"),
        (stop(Side::Buy, 1, "-6000"), "not_positive", "list it with negative_prices"),
        (OrderIntent { symbol: Symbol(7), ..market(Side::Buy, 1) }, "unlisted", "instrument 7 is not listed"),
    ] {
        let (found, text) = refusal(intent);
        assert_eq!(found, code, "{text}");
        assert!(text.contains(says), "{text}");
    }
    let below = OrderIntent { symbol: SPREAD, ..limit(Side::Buy, 1, "-0.015") };
    assert!(refusal(below).1.contains("use -0.02 or -0.01"), "the ticks below zero are told in order");
}

#[test]
fn each_type_has_the_prices_that_it_needs_and_no_others() {
    let of = |order_type, limit: Option<&str>, stop: Option<&str>, trail| OrderIntent {
        order_type,
        limit: limit.map(p),
        stop: stop.map(p),
        trail,
        ..market(Side::Sell, 1)
    };
    use OrderType as T;
    let ticks = Some(Trail::Ticks(4));
    for (intent, code) in [
        (of(T::Market, Some("6000"), None, None), "bad_limit"),
        (of(T::Market, None, None, ticks), "bad_terms"),
        (of(T::Market, None, Some("6000"), ticks), "bad_terms"),
        (of(T::Limit, None, None, None), "bad_limit"),
        (of(T::Limit, Some("6000"), None, ticks), "bad_terms"),
        (of(T::Stop, None, None, None), "bad_terms"),
        (of(T::Stop, Some("6000"), Some("6000"), None), "bad_terms"),
        (of(T::StopLimit, Some("6000"), None, None), "bad_terms"),
        (of(T::StopLimit, Some("6000.25"), Some("6000"), None), "bad_terms"),
        (of(T::TrailingStop, None, None, None), "bad_terms"),
        (of(T::TrailingStop, None, None, Some(Trail::Ticks(0))), "bad_terms"),
        (of(T::TrailingStop, None, None, Some(Trail::BasisPoints(0))), "bad_terms"),
        (of(T::TrailingStop, None, None, Some(Trail::BasisPoints(10_000))), "bad_terms"),
        (of(T::TrailingStop, Some("6000"), None, ticks), "bad_terms"),
    ] {
        let (found, text) = refusal(intent.clone());
        assert_eq!(found, code, "{intent:?}: {text}");
        assert!(text.contains("\"trend\"") && text.contains(intent.order_type.as_str()), "{text}");
    }
    let mut desk = desk();
    for intent in [
        of(T::Market, None, None, None),
        of(T::Limit, Some("6000"), None, None),
        of(T::Stop, None, Some("6000"), None),
        of(T::StopLimit, Some("6000"), Some("6000"), None),
        of(T::StopLimit, Some("5999"), Some("6000"), None),
        of(T::TrailingStop, None, None, ticks),
        of(T::TrailingStop, None, Some("5990"), Some(Trail::BasisPoints(150))),
    ] {
        want(&mut desk, Link::Single, vec![intent]);
    }
    let buy = OrderIntent { side: Side::Buy, ..of(T::StopLimit, Some("5999"), Some("6000"), None) };
    assert_eq!(refusal(buy).0, "bad_terms", "a buy that waits for 6000 cannot be had at 5999 at once");
}

#[test]
fn an_id_that_is_not_the_next_one_or_too_long_is_refused() {
    let mut desk = desk();
    for (client_id, code) in
        [("EX-trend-000002", "bad_id"), ("ex-trend-000001", "bad_id"), ("EX-fade-000001", "bad_id")]
    {
        let order = NewOrder { client_id: client_id.into(), intent: market(Side::Buy, 1) };
        let (found, text) = refused(&mut desk, &Change::Intended { link: Link::Single, orders: vec![order] });
        assert_eq!(found, code);
        assert!(text.contains(client_id) && text.contains("EX-trend-000001"), "{text}");
    }
    let long = OrderIntent {
        scenario: "a scenario with a name that is far too long for a venue".into(),
        ..market(Side::Buy, 1)
    };
    let text = desk.intend(Link::Single, vec![long]).unwrap_err().to_string();
    assert!(text.contains("has 65 characters") && text.contains("venues take 50"), "{text}");
}

#[test]
fn a_desk_is_opened_once_and_before_anything_else() {
    let mut desk = Desk::default();
    assert_eq!((desk.prefix(), desk.instruments().len()), (None, 0));
    for change in [Change::Listed(mes()), stepped("EX-trend-000001", Step::Sent)] {
        assert_eq!(refused(&mut desk, &change).0, "opening");
    }
    assert_eq!(desk.intend(Link::Single, vec![market(Side::Buy, 1)]).unwrap_err().code(), "opening");
    let opened = Change::Opened { prefix: "EX".into(), counter: 0 };
    desk.apply(&opened).unwrap();
    assert_eq!(refused(&mut desk, &opened).1, "a desk is opened once, before anything else: it is open already");
}

#[test]
fn an_instrument_is_listed_once_and_its_terms_stay() {
    let mut desk = desk();
    let again = desk.apply(&Change::Listed(mes())).unwrap();
    assert!(!again.changed && desk.instruments().len() == 2, "the same terms again are no news");
    let (code, text) = refused(&mut desk, &Change::Listed(Instrument { multiplier: q(50), ..mes() }));
    assert!(code == "unlisted" && text.contains("MESZ6 is listed with other terms"), "{text}");
    for bad in [
        Instrument { tick: p("0"), ..mes() },
        Instrument { lot: Quantity::ZERO, ..mes() },
        Instrument { multiplier: q(-5), ..mes() },
    ] {
        let (code, text) = refused(&mut desk, &Change::Listed(bad));
        assert!(code == "bad_instrument" && text.contains("it must be positive"), "{text}");
    }
    assert_eq!(
        (desk.symbol("CALENDAR").unwrap(), desk.instrument(SPREAD).unwrap().name.as_str()),
        (SPREAD, "CALENDAR")
    );
    assert_eq!(desk.symbol("NQZ6").unwrap_err().code(), "unlisted");
    assert!(Instrument::new("X", p("-1"), q(1), "USD".parse().unwrap()).is_err());
    assert!(["US", "USDX", "usd", "U1D", ""].iter().all(|text| text.parse::<exuvia_execution::Currency>().is_err()));
}

#[test]
fn every_refusal_has_a_word_of_its_own_for_programs() {
    use exuvia_execution::{Decimal, OrderError, StepError};
    use exuvia_model::{ModelError, OrderStatus};
    let text = String::new;
    let number: Decimal = "1".parse().unwrap();
    let step = StepError::EmptyFill { from: OrderStatus::Working, to: OrderStatus::Filled, fill: q(0) };
    let errors = [
        OrderError::BadAmount { scenario: text(), amount: text() },
        OrderError::BadLimit { scenario: text(), order_type: OrderType::Limit, limit: text() },
        OrderError::Step { client_id: text(), source: step },
        OrderError::NoSuchOrder { client_id: text() },
        OrderError::Incomplete { client_id: text(), sequence: text(), status: "Fill", field: "FillAmount" },
        OrderError::BadPrice { client_id: text(), price: number },
        OrderError::TurnsPosition { client_id: text(), change: number, position: number },
        OrderError::Halted { client_id: text() },
        OrderError::Value(ModelError::UnknownSymbol(1)),
        OrderError::Decimal("x".parse::<Decimal>().unwrap_err()),
    ];
    let codes: std::collections::BTreeSet<&str> = errors.iter().map(OrderError::code).collect();
    assert_eq!(codes.len(), errors.len(), "{codes:?}");
}
