//! A desk's manager over the broker over the gateway: doubts end, fills count once, a cancel may cross a fill, and what never
//! left is not sent twice.

use std::path::Path;

use exuvia_brokers::projectx::ProjectXBroker;
use exuvia_execution::{
    Asked, Desk, DeskManager, Durability, DurableDesk, Opening, PreTrade, Refused, Settings, Ticket,
};
use exuvia_model::{OrderStatus, Side, Symbol, Time, TimeInForce};
use exuvia_ports::SimFiles;

use crate::hub::{event, text};
use crate::kit::*;
use crate::snapshot::{orders, parts, row};

#[derive(Debug)]
struct Passes;

impl PreTrade for Passes {
    fn check(&mut self, _: &Desk, _: Asked<'_>, _: Time) -> Result<(), Refused> {
        Ok(())
    }
}

type Manager = DeskManager<ProjectXBroker, Passes>;

/// A manager that has seen the venue, and whose hub is open.
fn manager() -> (Gate, Manager) {
    let (gate, mut broker) = broker(config());
    broker.hub_opened(NOW);
    let (prefix, holder) = ("EX".into(), "desk".into());
    let opening = Opening { prefix, holder, durability: Durability::default(), now: NOW };
    let (desk, _) = DurableDesk::open(&SimFiles::new(), Path::new("/orders.journal"), &opening).unwrap();
    let mut manager = DeskManager::start(desk, broker, Passes, Settings::default(), NOW).unwrap();
    manager.list(enq()).unwrap();
    parts(&gate, &[], &[], &[], &[], &[]);
    manager.reconcile(NOW).unwrap();
    (gate, manager)
}

fn ticket() -> Ticket {
    Ticket {
        scenario: "trend".into(),
        instrument: CONTRACT.into(),
        side: Side::Buy,
        quantity: q(3),
        duration: TimeInForce::Day,
        reason: "entry".into(),
    }
}

fn hear(manager: &mut Manager, second: i64, events: &[(&str, String)]) {
    for (target, argument) in events {
        manager.broker_mut().hear(&text(&[&event(target, argument)]), later(second));
    }
    manager.pump(later(second)).unwrap();
}

fn status(manager: &Manager, id: &str) -> OrderStatus {
    manager.desk().find(id).unwrap().status()
}

fn trade(id: i64, size: i64) -> (&'static str, String) {
    let row = TRADE.replace("88001", &id.to_string()).replace("\"size\":1", &format!("\"size\":{size}"));
    ("GatewayUserTrade", row.replace("21000.25", "1"))
}

fn filled(tag: &str) -> (&'static str, String) {
    ("GatewayUserOrder", row(93001, 2, 3, tag, 9).replace("\"fillVolume\"", "\"filledPrice\":1,\"fillVolume\""))
}

#[test]
fn an_order_that_may_be_pending_is_found_by_its_tag_and_its_fills_count_once() {
    let (gate, mut manager) = manager();
    gate.then("Order/place", no(6));
    let id = manager.place_limit_order(&ticket(), p("1"), later(1)).unwrap();
    assert_eq!(status(&manager, &id), OrderStatus::Unknown);
    gate.then("Order/searchOpen", orders(&[row(93001, 1, 0, &id, 1)])).then("Order/search", orders(&[]));
    manager.pump(later(3)).unwrap();
    let order = manager.desk().find(&id).unwrap();
    assert_eq!((order.status(), order.venue_id()), (OrderStatus::Working, Some("93001")));
    hear(&mut manager, 4, &[trade(88001, 1), trade(88001, 1)]);
    assert_eq!(status(&manager, &id), OrderStatus::PartiallyFilled);
    hear(&mut manager, 5, &[filled(&id), trade(88002, 2), filled(&id), trade(88001, 1)]);
    assert_eq!(status(&manager, &id), OrderStatus::Filled);
    assert_eq!(manager.desk().holding("trend", Symbol(0)).quantity(), q(3));
    gate.done();
}

#[test]
fn a_cancel_that_crosses_a_fill_leaves_the_fill() {
    let (gate, mut manager) = manager();
    gate.then("Order/place", ok(PLACED));
    let id = manager.place_limit_order(&ticket(), p("1"), later(1)).unwrap();
    assert_eq!(status(&manager, &id), OrderStatus::Working);
    gate.then("Order/cancel", ok(OK));
    assert_eq!(manager.cancel_order(&id, later(2)).unwrap(), OrderStatus::PendingCancel);
    hear(&mut manager, 3, &[trade(88001, 3), filled(&id)]);
    assert_eq!(status(&manager, &id), OrderStatus::Filled);
    assert_eq!(manager.desk().holding("trend", Symbol(0)).quantity(), q(3));
    gate.done();
}

#[test]
fn a_cancel_is_done_when_the_row_says_so_and_an_order_that_was_refused_is_rejected() {
    let (gate, mut manager) = manager();
    gate.then("Order/place", ok(PLACED)).then("Order/cancel", ok(OK));
    let id = manager.place_limit_order(&ticket(), p("1"), later(1)).unwrap();
    manager.cancel_order(&id, later(2)).unwrap();
    hear(&mut manager, 3, &[("GatewayUserOrder", row(93001, 3, 0, &id, 9))]);
    assert_eq!(status(&manager, &id), OrderStatus::Cancelled);
    gate.then("Order/place", no(3));
    let id = manager.place_market_order(&ticket(), later(4)).unwrap();
    let order = manager.desk().find(&id).unwrap();
    assert_eq!(order.status(), OrderStatus::Rejected);
    assert!(order.note().contains("code 3 (InsufficientFunds)"), "{}", order.note());
    gate.done();
}

#[test]
fn an_order_that_timed_out_is_asked_for_and_never_sent_again() {
    let (gate, mut manager) = manager();
    gate.then("Order/place", Does::IsSilent);
    let id = manager.place_market_order(&ticket(), later(1)).unwrap();
    for _ in 0..20 {
        gate.then("Order/searchOpen", orders(&[])).then("Order/search", orders(&[]));
    }
    // Until the hub is silent for so long that everything is asked for.
    for second in 2..30 {
        manager.pump(later(second)).unwrap();
        assert_eq!(status(&manager, &id), OrderStatus::Unknown, "the list lacks it, and it may be on its way");
    }
    let requests = gate.http.requests();
    let asked = |call: &str| requests.iter().filter(|request| request.url.ends_with(call)).count();
    assert_eq!(asked("/place"), 1);
    assert!((3..=10).contains(&(asked("/Order/search") - 1)), "{}", asked("/Order/search"));
}
