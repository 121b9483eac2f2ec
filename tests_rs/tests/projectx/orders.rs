//! The bytes of orders, changes and closings; brackets and their signs; ticks and tags.

use exuvia_brokers::projectx::{
    Bracket, BracketSign, Config, ExitKind, ModifyOrder, OrderKind, PlaceOrder, Rounding, align,
};
use exuvia_model::{OrderType, Price, Quantity, Side};
use proptest::prelude::*;

use crate::kit::*;

/// The order of the protocol's example, without its brackets.
pub fn buy() -> PlaceOrder {
    PlaceOrder {
        contract: CONTRACT.into(),
        kind: OrderKind::Limit(p("21000.25")),
        side: Side::Buy,
        size: q(1),
        tag: Some("exv-77".into()),
        stop_loss: None,
        take_profit: None,
    }
}

fn bracket(ticks: u32, kind: ExitKind) -> Option<Bracket> {
    Some(Bracket::new(ticks, kind).unwrap())
}

fn sent(config: Config, order: &PlaceOrder) -> String {
    let (gate, mut gateway) = gateway(config);
    gate.then("Order/place", ok(PLACED));
    assert_eq!(gateway.place(order, NOW), Ok(93001));
    gate.body()
}

#[test]
fn the_order_of_the_protocol_is_sent_byte_for_byte() {
    let order =
        PlaceOrder { stop_loss: bracket(20, ExitKind::Stop), take_profit: bracket(40, ExitKind::Limit), ..buy() };
    let wanted = r#"{"accountId":7001,"contractId":"CON.F.US.ENQ.H26","type":1,"side":0,"size":1,"limitPrice":21000.25,"customTag":"exv-77","stopLossBracket":{"ticks":-20,"type":4},"takeProfitBracket":{"ticks":40,"type":1}}"#;
    assert_eq!(sent(config(), &order), wanted);
    assert_eq!(sent(config(), &order), wanted);
}

#[test]
fn ticks_of_brackets_are_signed_by_side_or_distances_as_configured() {
    for (side, sign, wanted) in [
        (Side::Buy, BracketSign::Signed, (-7, 9)),
        (Side::Sell, BracketSign::Signed, (7, -9)),
        (Side::Buy, BracketSign::Unsigned, (7, 9)),
        (Side::Sell, BracketSign::Unsigned, (7, 9)),
    ] {
        let exits = (bracket(7, ExitKind::TrailingStop), bracket(9, ExitKind::Limit));
        let order = PlaceOrder { side, stop_loss: exits.0, take_profit: exits.1, ..buy() };
        let body = sent(Config { bracket_sign: sign, ..config() }, &order);
        let (stop, target) = wanted;
        let tail = format!(
            r#""stopLossBracket":{{"ticks":{stop},"type":5}},"takeProfitBracket":{{"ticks":{target},"type":1}}}}"#
        );
        assert!(body.ends_with(&tail), "{side} {sign:?}: {body}");
    }
}

#[test]
fn a_bracket_that_cannot_be_is_refused_before_anything_is_sent() {
    for ticks in [0, 1_001, u32::MAX] {
        assert!(Bracket::new(ticks, ExitKind::Stop).unwrap_err().to_string().contains(&format!("{ticks} ticks")));
    }
    assert!(Bracket::new(1_000, ExitKind::Stop).is_ok());
    let between = |side, exit: &str, kind| Bracket::between(side, p("100"), p(exit), p("0.25"), kind);
    assert_eq!(between(Side::Buy, "99", ExitKind::Stop), Bracket::new(4, ExitKind::Stop));
    assert_eq!(between(Side::Sell, "101", ExitKind::TrailingStop), Bracket::new(4, ExitKind::TrailingStop));
    assert_eq!(between(Side::Buy, "102", ExitKind::Limit), Bracket::new(8, ExitKind::Limit));
    assert_eq!(between(Side::Sell, "98", ExitKind::Limit), Bracket::new(8, ExitKind::Limit));
    for (side, exit, kind, says) in [
        (Side::Buy, "101", ExitKind::Stop, "wrong side"),
        (Side::Sell, "99", ExitKind::TrailingStop, "wrong side"),
        (Side::Buy, "99", ExitKind::Limit, "wrong side"),
        (Side::Sell, "101", ExitKind::Limit, "wrong side"),
        (Side::Buy, "100", ExitKind::Stop, "wrong side"),
        (Side::Buy, "100", ExitKind::Limit, "wrong side"),
        (Side::Buy, "99.9", ExitKind::Stop, "whole number of ticks"),
        (Side::Buy, "-9000000000", ExitKind::Stop, "whole number of ticks"),
        (Side::Buy, "-151", ExitKind::Stop, "1004 ticks"),
    ] {
        let error = between(side, exit, kind).unwrap_err().to_string();
        assert!(error.contains(says), "{side} {exit}: {error}");
    }
    let (gate, mut gateway) = gateway(config());
    for exits in [(bracket(1, ExitKind::Limit), None), (None, bracket(1, ExitKind::Stop))] {
        let order = PlaceOrder { stop_loss: exits.0, take_profit: exits.1, ..buy() };
        assert_eq!(gateway.place(&order, NOW).unwrap_err().code(), "unfit");
    }
    assert_eq!(gate.count(), 2);
}

#[test]
fn every_kind_of_order_has_its_number_and_its_prices() {
    let (limit, stop) = (p("2.5"), p("1"));
    for (kind, wanted) in [
        (OrderKind::Market, r#""type":2,"side":1,"size":3}"#),
        (OrderKind::Limit(limit), r#""type":1,"side":1,"size":3,"limitPrice":2.5}"#),
        (OrderKind::StopLimit { limit, stop }, r#""type":3,"side":1,"size":3,"limitPrice":2.5,"stopPrice":1}"#),
        (OrderKind::Stop(stop), r#""type":4,"side":1,"size":3,"stopPrice":1}"#),
        (OrderKind::Trailing(stop), r#""type":5,"side":1,"size":3,"trailPrice":1}"#),
        (OrderKind::JoinBid, r#""type":6,"side":1,"size":3}"#),
        (OrderKind::JoinAsk, r#""type":7,"side":1,"size":3}"#),
    ] {
        let body = sent(config(), &PlaceOrder { kind, side: Side::Sell, size: q(3), tag: None, ..buy() });
        assert_eq!(body, format!(r#"{{"accountId":7001,"contractId":"{CONTRACT}",{wanted}"#));
    }
}

#[test]
fn a_tag_with_quotes_is_sent_as_it_is() {
    let body = sent(config(), &PlaceOrder { tag: Some("a\"b\\c\n".into()), ..buy() });
    assert!(body.contains(r#""customTag":"a\"b\\c\u000a""#), "{body}");
}

#[test]
fn a_size_that_is_no_number_of_contracts_never_leaves() {
    let (gate, mut gateway) = gateway(config());
    for size in [q(0), q(-1), "0.5".parse().unwrap(), q(2_147_483_648), Quantity::from_raw(1)] {
        let error = gateway.place(&PlaceOrder { size, ..buy() }, NOW).unwrap_err();
        assert!(error.to_string().contains(&format!("size {size}")), "{error}");
        assert_eq!(gateway.partial_close(CONTRACT, size, NOW).unwrap_err().code(), "unfit");
        assert_eq!(
            gateway.modify(1, &ModifyOrder { size: Some(size), ..ModifyOrder::default() }, NOW).unwrap_err().code(),
            "unfit"
        );
    }
    assert_eq!(gate.count(), 2);
    gate.then("Order/place", ok(PLACED));
    gateway.place(&PlaceOrder { size: q(2_147_483_647), ..buy() }, NOW).unwrap();
    assert!(gate.body().contains(r#""size":2147483647"#));
}

#[test]
fn changes_cancels_and_closings_are_sent_byte_for_byte() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Order/modify", ok(OK));
    let all = ModifyOrder { size: Some(q(2)), limit: Some(p("1.5")), stop: Some(p("2")), trail: Some(p("3.25")) };
    gateway.modify(93001, &all, NOW).unwrap();
    let wanted = r#"{"accountId":7001,"orderId":93001,"size":2,"limitPrice":1.5,"stopPrice":2,"trailPrice":3.25}"#;
    assert_eq!(gate.body(), wanted);
    gate.then("Order/modify", ok(OK));
    gateway.modify(93001, &ModifyOrder { stop: Some(p("2")), ..ModifyOrder::default() }, NOW).unwrap();
    assert_eq!(gate.body(), r#"{"accountId":7001,"orderId":93001,"stopPrice":2}"#);
    let error = gateway.modify(93001, &ModifyOrder::default(), NOW).unwrap_err().to_string();
    assert!(error.contains("it changes nothing"), "{error}");
    gate.then("Order/cancel", ok(OK));
    gateway.cancel(93001, NOW).unwrap();
    assert_eq!(gate.body(), r#"{"accountId":7001,"orderId":93001}"#);
    gate.then("Position/closeContract", ok(OK));
    gateway.close_contract(CONTRACT, NOW).unwrap();
    assert_eq!(gate.body(), r#"{"accountId":7001,"contractId":"CON.F.US.ENQ.H26"}"#);
    gate.then("Position/partialCloseContract", ok(OK));
    gateway.partial_close(CONTRACT, q(1), NOW).unwrap();
    assert_eq!(gate.body(), r#"{"accountId":7001,"contractId":"CON.F.US.ENQ.H26","size":1}"#);
}

#[test]
fn a_price_between_two_ticks_goes_where_it_is_declared_to_go() {
    use OrderType::{Limit, Stop};
    use Rounding::{AwayFromMarket, Legacy, Nearest, TowardMarket};
    for (rounding, side, order_type, wanted) in [
        (Nearest, Side::Buy, Limit, "25299.75"),
        (TowardMarket, Side::Buy, Limit, "25300"),
        (TowardMarket, Side::Sell, Limit, "25299.75"),
        (TowardMarket, Side::Buy, Stop, "25299.75"),
        (TowardMarket, Side::Sell, Stop, "25300"),
        (AwayFromMarket, Side::Buy, Limit, "25299.75"),
        (AwayFromMarket, Side::Sell, Limit, "25300"),
        (AwayFromMarket, Side::Buy, Stop, "25300"),
        (AwayFromMarket, Side::Sell, Stop, "25299.75"),
        (Legacy, Side::Buy, Limit, "25299.8"),
    ] {
        let price = align(p("25299.80"), p("0.25"), rounding, side, order_type).unwrap();
        assert_eq!(price.to_string(), wanted, "{rounding:?} {side} {order_type}");
    }
    let legacy = |price: &str, tick: &str| align(p(price), p(tick), Legacy, Side::Buy, Limit).unwrap().to_string();
    assert_eq!(
        (legacy("25299.804", "0.25"), legacy("7.4", "1"), legacy("7.6", "10")),
        ("25299.8".into(), "7".into(), "8".into())
    );
    assert_eq!(legacy("0.000000003", "0.000000002"), "0.000000003");
    let nearest = |price: &str| align(p(price), p("0.5"), Nearest, Side::Buy, Limit).unwrap().to_string();
    assert_eq!((nearest("0.25"), nearest("0.75"), nearest("-0.3")), ("0".into(), "1".into(), "-0.5".into()));
    let refused = align(p("-0.3"), p("0.25"), Rounding::default(), Side::Buy, Limit).unwrap_err().to_string();
    assert!(refused.contains("use -0.5 or -0.25"), "{refused}");
}

#[test]
fn a_grid_without_step_and_a_price_without_room_are_errors() {
    let at = |price: Price, tick: &str, rounding| align(price, p(tick), rounding, Side::Buy, OrderType::Limit);
    for tick in ["0", "-0.25"] {
        assert!(at(p("1"), tick, Rounding::Nearest).unwrap_err().to_string().contains(&format!("tick {tick}")));
    }
    for price in [Price::from_raw(i64::MAX), Price::from_raw(i64::MIN)] {
        for rounding in [Rounding::Refuse, Rounding::Nearest, Rounding::TowardMarket, Rounding::AwayFromMarket] {
            assert_eq!(at(price, "0.25", rounding).unwrap_err().code(), "unfit", "{price} {rounding:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn rounded_prices_are_on_the_grid_and_less_than_a_tick_away(raw in -1_000_000_000_000_i64..1_000_000_000_000, tick in 1_i64..5_000_000_000, buys: bool, stops: bool) {
        let (price, tick) = (Price::from_raw(raw), Price::from_raw(tick));
        let side = if buys { Side::Buy } else { Side::Sell };
        let order_type = if stops { OrderType::Stop } else { OrderType::Limit };
        let at = |rounding| align(price, tick, rounding, side, order_type);
        let [nearest, toward, away] = [Rounding::Nearest, Rounding::TowardMarket, Rounding::AwayFromMarket].map(|rounding| at(rounding).unwrap());
        for rounded in [nearest, toward, away] {
            prop_assert_eq!(rounded.raw() % tick.raw(), 0);
            prop_assert!((rounded.raw() - raw).abs() < tick.raw());
        }
        prop_assert!((nearest.raw() - raw).abs() * 2 <= tick.raw());
        let on_grid = raw % tick.raw() == 0;
        prop_assert_eq!(toward == away, on_grid);
        prop_assert_eq!(at(Rounding::Refuse).is_ok(), on_grid);
        if !on_grid {
            prop_assert_eq!(toward > price, buys != stops);
        }
    }
}
