//! A desk with instruments, and short words for what happens on it.

use exuvia_execution::{Change, Desk, Execution, Instrument, Link, Outcome, Step, Total};
use exuvia_model::{OrderIntent, OrderType, Price, Quantity, Side, Symbol, Time, TimeInForce, Trail};

/// Micro S&P: tick 0.25, five dollars a point.
pub const MES: Symbol = Symbol(0);
/// A spread that trades below zero, in thousandths.
pub const SPREAD: Symbol = Symbol(1);
pub const NOW: Time = Time(1_000);

pub fn p(text: &str) -> Price {
    text.parse().unwrap()
}

pub fn q(whole: i64) -> Quantity {
    Quantity::from_whole(whole).unwrap()
}

pub fn mes() -> Instrument {
    Instrument::new("MESZ6", p("0.25"), q(5), "USD".parse().unwrap()).unwrap()
}

pub fn spread() -> Instrument {
    let lot = "0.001".parse().unwrap();
    let currency = "EUR".parse().unwrap();
    Instrument { name: "CALENDAR".into(), tick: p("0.01"), lot, multiplier: q(1), currency, negative_prices: true }
}

/// What makes a desk ready.
pub fn opening() -> Vec<Change> {
    let opened = Change::Opened { prefix: "EX".into(), counter: 0 };
    vec![opened, Change::Listed(mes()), Change::Listed(spread())]
}

pub fn desk() -> Desk {
    let mut desk = Desk::default();
    for change in opening() {
        desk.apply(&change).unwrap();
    }
    desk
}

pub fn market(side: Side, amount: i64) -> OrderIntent {
    OrderIntent {
        scenario: "trend".into(),
        symbol: MES,
        side,
        quantity: q(amount),
        order_type: OrderType::Market,
        limit: None,
        stop: None,
        trail: None,
        duration: TimeInForce::Day,
        decided: NOW,
        reason: "entry".into(),
    }
}

pub fn limit(side: Side, amount: i64, price: &str) -> OrderIntent {
    OrderIntent { order_type: OrderType::Limit, limit: Some(p(price)), ..market(side, amount) }
}

pub fn stop(side: Side, amount: i64, price: &str) -> OrderIntent {
    OrderIntent { order_type: OrderType::Stop, stop: Some(p(price)), ..market(side, amount) }
}

pub fn trailing(side: Side, amount: i64, trail: Trail) -> OrderIntent {
    OrderIntent { order_type: OrderType::TrailingStop, trail: Some(trail), ..market(side, amount) }
}

/// Wants orders and gives their ids.
pub fn want(desk: &mut Desk, link: Link, intents: Vec<OrderIntent>) -> Vec<String> {
    let change = desk.intend(link, intents).unwrap();
    desk.apply(&change).unwrap();
    let Change::Intended { orders, .. } = change else { panic!("{change:?}") };
    orders.into_iter().map(|order| order.client_id).collect()
}

pub fn step(desk: &mut Desk, id: &str, step: Step) -> Outcome {
    desk.apply(&stepped(id, step)).unwrap()
}

pub fn stepped(id: &str, step: Step) -> Change {
    Change::Stepped { client_id: id.into(), step, time: NOW }
}

/// Checked, sent and taken by the venue.
pub fn live(desk: &mut Desk, id: &str) {
    for each in [Step::Passed, Step::Sent, Step::Accepted(Some(format!("V-{id}")))] {
        step(desk, id, each);
    }
}

/// One order that works.
pub fn working(desk: &mut Desk, intent: OrderIntent) -> String {
    let id = want(desk, Link::Single, vec![intent]).remove(0);
    live(desk, &id);
    id
}

pub fn fill(id: &str, name: &str, amount: i64, price: &str) -> Execution {
    Execution {
        client_id: id.into(),
        execution_id: name.into(),
        quantity: q(amount),
        price: p(price),
        fee: None,
        last: false,
        beyond: false,
        time: NOW,
    }
}

pub fn total(id: &str, filled: i64, average: &str) -> Total {
    Total { client_id: id.into(), filled: q(filled), average: p(average), last: false, beyond: false, time: NOW }
}

/// Takes an execution and gives the codes of what was told.
pub fn executed(desk: &mut Desk, execution: Execution) -> Vec<&'static str> {
    codes(&desk.apply(&Change::Executed(execution)).unwrap())
}

pub fn totalled(desk: &mut Desk, total: Total) -> Vec<&'static str> {
    codes(&desk.apply(&Change::Totalled(total)).unwrap())
}

pub fn codes(outcome: &Outcome) -> Vec<&'static str> {
    outcome.notices.iter().map(exuvia_execution::Notice::code).collect()
}

/// The code and the text of a refusal, after which the desk must be as it was.
pub fn refused(desk: &mut Desk, change: &Change) -> (&'static str, String) {
    let before = desk.clone();
    let error = desk.apply(change).unwrap_err();
    assert_eq!(*desk, before, "a refused change changed the desk");
    (error.code(), error.to_string())
}
