//! The broker of a desk: what is sent for each order, and what each answer becomes.

use std::sync::Arc;

use exuvia_brokers::projectx::{AccountChoice, Config, ProjectXBroker, Rounding, TrailPrice};
use exuvia_execution::{Amendment, Broker, ChangeOutcome, Instrument, PlaceOutcome};
use exuvia_model::{OrderIntent, OrderType, Side, TimeInForce, Trail};
use exuvia_ports::Http;

use crate::kit::*;

fn place(config: Config, intent: OrderIntent, instrument: &Instrument) -> (PlaceOutcome, Option<String>) {
    let (gate, mut broker) = broker(config);
    gate.then("Order/place", ok(PLACED));
    let outcome = broker.place(&checked(intent), instrument, NOW);
    (outcome, (gate.count() == 3).then(|| gate.body()))
}

fn words(outcome: PlaceOutcome) -> String {
    if let PlaceOutcome::Rejected(words) = outcome { words } else { panic!("{outcome:?}") }
}

#[test]
fn each_type_of_order_is_sent_with_its_prices_and_its_client_id() {
    let stop = |order_type, stop: &str| OrderIntent { order_type, stop: Some(p(stop)), ..market(Side::Sell, 2) };
    let trail = OrderIntent { trail: Some(Trail::Ticks(8)), ..stop(OrderType::TrailingStop, "20990") };
    let both = OrderIntent { limit: Some(p("20980")), ..stop(OrderType::StopLimit, "20990") };
    let sends_all = Config { stop_limit: true, ..config() };
    let distance = Config { trail_price: TrailPrice::Distance, ..config() };
    for (config, intent, wanted) in [
        (config(), market(Side::Buy, 1), r#""type":2,"side":0,"size":1"#),
        (config(), limit(Side::Buy, 1, "21000.25"), r#""type":1,"side":0,"size":1,"limitPrice":21000.25"#),
        (config(), stop(OrderType::Stop, "20990"), r#""type":4,"side":1,"size":2,"stopPrice":20990"#),
        (config(), trail.clone(), r#""type":5,"side":1,"size":2,"trailPrice":20990"#),
        (distance, trail, r#""type":5,"side":1,"size":2,"trailPrice":2"#),
        (sends_all, both, r#""type":3,"side":1,"size":2,"limitPrice":20980,"stopPrice":20990"#),
    ] {
        let (outcome, body) = place(config, intent, &enq());
        assert_eq!(outcome, PlaceOutcome::Accepted("93001".into()));
        let wanted =
            format!(r#"{{"accountId":7001,"contractId":"{CONTRACT}",{wanted},"customTag":"EX-trend-000001"}}"#);
        assert_eq!(body.unwrap(), wanted);
    }
}

#[test]
fn what_this_gateway_cannot_do_is_refused_before_it_is_sent() {
    let day = |duration| OrderIntent { duration, ..market(Side::Buy, 1) };
    let trailing =
        |trail| OrderIntent { order_type: OrderType::TrailingStop, trail: Some(trail), ..market(Side::Sell, 1) };
    let at = |trail| OrderIntent { stop: Some(p("20990")), ..trailing(trail) };
    let both = OrderIntent {
        order_type: OrderType::StopLimit,
        limit: Some(p("1")),
        stop: Some(p("1")),
        ..market(Side::Buy, 1)
    };
    let distance = || Config { trail_price: TrailPrice::Distance, ..config() };
    for (config, intent, says) in [
        (config(), day(TimeInForce::ImmediateOrCancel), "no time in force"),
        (config(), day(TimeInForce::FillOrKill), "a FillOrKill order"),
        (config(), both, "`stop_limit` in the configuration"),
        (config(), trailing(Trail::Ticks(8)), "where its stop starts"),
        (config(), at(Trail::Ticks(1_001)), "more than 1000 ticks"),
        (distance(), at(Trail::BasisPoints(10)), "a distance in ticks only"),
    ] {
        let (outcome, body) = place(config, intent, &enq());
        let words = words(outcome);
        assert!(words.contains(says) && words.contains("nothing was sent"), "{words}");
        assert_eq!(body, None);
    }
    for intent in [day(TimeInForce::Day), day(TimeInForce::GoodTillCancel), at(Trail::Ticks(1_000))] {
        assert!(matches!(place(config(), intent, &enq()).0, PlaceOutcome::Accepted(_)));
    }
    let huge = Instrument { tick: p("9000000000"), ..enq() };
    assert!(words(place(distance(), at(Trail::Ticks(8)), &huge).0).contains("8 ticks of 9000000000"));
}

#[test]
fn a_price_off_the_gateways_grid_is_refused_or_rounded_as_declared() {
    let coarse = Instrument { tick: p("0.5"), ..enq() };
    let (outcome, body) = place(config(), limit(Side::Buy, 1, "21000.25"), &coarse);
    assert!(words(outcome).contains("use 21000 or 21000.5"));
    assert_eq!(body, None);
    let rounding = Rounding::TowardMarket;
    let (_, body) = place(Config { rounding, ..config() }, limit(Side::Buy, 1, "21000.25"), &coarse);
    assert!(body.unwrap().contains("\"limitPrice\":21000.5,"));
}

#[test]
fn every_answer_to_an_order_becomes_what_it_proves() {
    type Wanted = fn(&PlaceOutcome) -> bool;
    let rejected: Wanted = |outcome| matches!(outcome, PlaceOutcome::Rejected(_));
    let unknown: Wanted = |outcome| matches!(outcome, PlaceOutcome::Unknown(_));
    let not_sent: Wanted = |outcome| matches!(outcome, PlaceOutcome::NotSent(_));
    let problem = r#"{"title":"Bad Request","status":400}"#;
    for (does, wanted) in [
        (no(2), rejected),
        (no(10), rejected),
        (status(400, problem), rejected),
        (no(6), unknown),
        (no(7), unknown),
        (no(11), unknown),
        (status(400, ""), unknown),
        (status(202, PLACED), unknown),
        (status(500, ""), unknown),
        (ok(OK), unknown),
        (Does::IsSilent, unknown),
        (Does::IsNotReached, not_sent),
        (status(404, ""), not_sent),
        (status(429, ""), not_sent),
    ] {
        let (gate, mut broker) = broker(config());
        gate.then("Order/place", does.clone());
        let outcome = broker.place(&checked(market(Side::Buy, 1)), &enq(), NOW);
        assert!(wanted(&outcome), "{does:?}: {outcome:?}");
        gate.done();
    }
}

#[test]
fn an_order_that_never_left_because_of_login_or_account_is_not_sent_and_a_wrong_account_is_refused() {
    let fresh = |config: Config| {
        let gate = Gate::new();
        let broker = ProjectXBroker::new(config, Arc::clone(&gate.http) as Arc<dyn Http>).unwrap();
        (gate, broker)
    };
    for odd in [Does::IsSilent, Does::IsNotReached, no(1), status(500, ""), status(429, ""), ok(OK)] {
        let (gate, mut broker) = fresh(config());
        gate.then("Auth/loginKey", ok(LOGIN)).then("Account/search", odd.clone());
        let outcome = broker.place(&checked(market(Side::Buy, 1)), &enq(), NOW);
        assert!(matches!(outcome, PlaceOutcome::NotSent(_)), "{odd:?}: {outcome:?}");
        gate.done();
    }
    let (gate, mut broker) = fresh(Config { account: AccountChoice::Name("PRAC".into()), ..config() });
    gate.then("Auth/loginKey", ok(LOGIN)).then("Account/search", ok(ACCOUNT));
    let words = words(broker.place(&checked(market(Side::Buy, 1)), &enq(), NOW));
    assert!(words.contains("7001 (PRAC-V2-7001)"), "{words}");
    let (gate, mut broker) = fresh(Config { account: AccountChoice::Name("PRAC-V2-7001".into()), ..config() });
    let barred = ACCOUNT.replace("\"canTrade\":true", "\"canTrade\":false");
    gate.then("Auth/loginKey", ok(LOGIN)).then("Account/search", ok(&barred));
    let words = self::words(broker.place(&checked(market(Side::Buy, 1)), &enq(), NOW));
    assert!(words.contains("may not trade"), "{words}");
    gate.then("Order/cancel", ok(OK));
    assert_eq!(broker.cancel("93001", NOW), ChangeOutcome::Requested, "what is open may be taken back");
    gate.done();
}

#[test]
fn a_change_sends_what_changes_and_success_means_done() {
    let terms = |quantity, limit: Option<&str>, stop: Option<&str>| Amendment {
        quantity: q(quantity),
        limit: limit.map(p),
        stop: stop.map(p),
    };
    let stop = OrderIntent { order_type: OrderType::Stop, stop: Some(p("20990")), ..market(Side::Sell, 2) };
    let trail = OrderIntent { order_type: OrderType::TrailingStop, trail: Some(Trail::Ticks(8)), ..stop.clone() };
    for (intent, terms, wanted) in [
        (limit(Side::Buy, 2, "21000"), terms(3, None, None), r#""size":3"#),
        (limit(Side::Buy, 2, "21000"), terms(2, Some("21001"), None), r#""limitPrice":21001"#),
        (limit(Side::Buy, 2, "21000"), terms(1, Some("21001.25"), None), r#""size":1,"limitPrice":21001.25"#),
        (stop, terms(2, None, Some("20991")), r#""stopPrice":20991"#),
        (trail, terms(2, None, Some("20991")), r#""trailPrice":20991"#),
    ] {
        let (gate, mut broker) = broker(config());
        gate.then("Order/modify", ok(OK));
        let order = checked(intent);
        assert_eq!(broker.replace("93001", order.order(), &terms, &enq(), NOW), ChangeOutcome::Done);
        assert_eq!(gate.body(), format!(r#"{{"accountId":7001,"orderId":93001,{wanted}}}"#));
    }
    let (gate, mut broker) = broker(config());
    let order = checked(limit(Side::Buy, 2, "21000"));
    for (terms, venue_id, says) in [
        (terms(2, None, None), "93001", "it changes nothing"),
        (terms(2, Some("21000.1"), None), "93001", "no multiple of the tick"),
        (terms(3, None, None), "P-000001", "of another venue"),
    ] {
        let outcome = broker.replace(venue_id, order.order(), &terms, &enq(), NOW);
        assert!(matches!(&outcome, ChangeOutcome::Refused(words) if words.contains(says)), "{outcome:?}");
    }
    assert!(matches!(broker.cancel("", NOW), ChangeOutcome::Refused(_)));
    assert_eq!(gate.count(), 2);
}

#[test]
fn every_answer_to_a_change_or_a_cancel_becomes_what_it_proves() {
    type Wanted = fn(&ChangeOutcome) -> bool;
    let refused: Wanted = |outcome| matches!(outcome, ChangeOutcome::Refused(_));
    let unknown: Wanted = |outcome| matches!(outcome, ChangeOutcome::Unknown(_));
    let not_sent: Wanted = |outcome| matches!(outcome, ChangeOutcome::NotSent(_));
    for (does, wanted) in [
        (no(2), refused),
        (no(3), refused),
        (no(6), refused),
        (no(4), unknown),
        (no(5), unknown),
        (status(503, ""), unknown),
        (Does::IsSilent, unknown),
        (Does::IsNotReached, not_sent),
        (status(429, ""), not_sent),
    ] {
        let order = checked(limit(Side::Buy, 2, "21000"));
        let terms = Amendment { quantity: q(1), limit: None, stop: None };
        let (gate, mut first) = broker(config());
        gate.then("Order/modify", does.clone());
        let outcome = first.replace("93001", order.order(), &terms, &enq(), NOW);
        assert!(wanted(&outcome), "{does:?}: {outcome:?}");
        let (gate, mut second) = broker(config());
        gate.then("Order/cancel", does.clone());
        let outcome = second.cancel("93001", NOW);
        assert!(wanted(&outcome), "{does:?}: {outcome:?}");
    }
}

#[test]
fn capabilities_follow_the_configuration() {
    let (_, plain) = broker(config());
    assert!(!plain.capabilities().order_types.contains(&OrderType::StopLimit));
    assert!(plain.capabilities().replaces && !plain.capabilities().brackets);
    let (_, all) = broker(Config { stop_limit: true, ..config() });
    assert_eq!(all.capabilities().order_types.len(), 5);
}
