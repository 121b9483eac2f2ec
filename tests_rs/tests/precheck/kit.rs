//! A desk, a profile that has every check with room to spare, and a context in which everything is known.

use exuvia_execution::precheck::{
    Checks, CollarRule, Context, FrequencyRule, HoursRule, MoneyRule, Objection, OnMissing, Open, OpenOrdersRule, Past,
    PendingRule, Profile, Reference, Seen, Span, Sum, WaitRule,
};
use exuvia_execution::{Change, Currency, Desk, Execution, Instrument, Limits, Link, Order, Step};
use exuvia_model::{OrderIntent, OrderType, Price, Quantity, Side, Symbol, Time, TimeInForce};

/// A share in steps of 10⁻⁹, so that a price or an amount can be just beside a limit.
pub const FINE: Symbol = Symbol(0);
/// A share with a tick of a cent.
pub const SHARE: Symbol = Symbol(1);
/// A Wednesday, New York is open.
pub const NOW: &str = "2026-02-04T15:00:00Z";

pub fn now() -> Time {
    NOW.parse().unwrap()
}

pub fn p(text: &str) -> Price {
    text.parse().unwrap()
}

pub fn q(whole: i64) -> Quantity {
    Quantity::from_whole(whole).unwrap()
}

pub fn usd() -> Currency {
    "USD".parse().unwrap()
}

pub fn dollars(text: &str) -> Sum {
    Sum { amount: text.parse().unwrap(), currency: usd() }
}

pub fn desk() -> Desk {
    let fine = Instrument {
        name: "FINE".into(),
        tick: Price::from_raw(1),
        lot: Quantity::from_raw(1),
        multiplier: q(5),
        currency: usd(),
        negative_prices: true,
    };
    let share = Instrument::new("SHARE", p("0.01"), q(1), usd()).unwrap();
    let mut desk = Desk::default();
    for change in [Change::Opened { prefix: "EX".into(), counter: 0 }, Change::Listed(fine), Change::Listed(share)] {
        desk.apply(&change).unwrap();
    }
    desk
}

pub fn limit(side: Side, amount: i64, price: &str) -> OrderIntent {
    OrderIntent {
        scenario: "trend".into(),
        symbol: FINE,
        side,
        quantity: q(amount),
        order_type: OrderType::Limit,
        limit: Some(p(price)),
        stop: None,
        trail: None,
        duration: TimeInForce::Day,
        decided: now(),
        reason: "entry".into(),
    }
}

pub fn market(side: Side, amount: i64) -> OrderIntent {
    OrderIntent { order_type: OrderType::Market, limit: None, ..limit(side, amount, "1") }
}

/// What became of an order before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Waits,
    Works,
    Fills,
    Ends,
    IsRefusedHere,
    IsRefusedThere,
}

pub fn want(desk: &mut Desk, link: Link, intents: Vec<OrderIntent>) -> Vec<String> {
    let change = desk.intend(link, intents).unwrap();
    desk.apply(&change).unwrap();
    let Change::Intended { orders, .. } = change else { panic!("{change:?}") };
    orders.into_iter().map(|order| order.client_id).collect()
}

pub fn take(desk: &mut Desk, id: &str, steps: Vec<Step>, time: Time) {
    for step in steps {
        desk.apply(&Change::Stepped { client_id: id.into(), step, time }).unwrap();
    }
}

pub fn fill(desk: &mut Desk, id: &str, quantity: Quantity, last: bool, time: Time) {
    let execution_id = format!("e{}", desk.find(id).unwrap().state().filled());
    let (client_id, price) = (id.to_owned(), p("10"));
    let execution = Execution { client_id, execution_id, quantity, price, fee: None, last, beyond: false, time };
    desk.apply(&Change::Executed(execution)).unwrap();
}

/// An order of before: decided, and whatever else happened to it, at that time.
pub fn past(desk: &mut Desk, intent: OrderIntent, time: Time, then: Then) -> String {
    let quantity = intent.quantity;
    let id = want(desk, Link::Single, vec![OrderIntent { decided: time, ..intent }]).remove(0);
    let sent = vec![Step::Passed, Step::Sent];
    let works = || [sent.clone(), vec![Step::Accepted(Some(format!("V-{id}")))]].concat();
    match then {
        Then::Waits => {}
        Then::Works => take(desk, &id, works(), time),
        Then::Fills => {
            take(desk, &id, works(), time);
            fill(desk, &id, quantity, true, time);
        }
        Then::Ends => take(desk, &id, [works(), vec![Step::Expired]].concat(), time),
        Then::IsRefusedHere => take(desk, &id, vec![Step::Refused("size".into())], time),
        Then::IsRefusedThere => take(desk, &id, [sent, vec![Step::Refused("venue".into())]].concat(), time),
    }
    id
}

/// The order of an intent, wanted and not more.
pub fn order(desk: &mut Desk, intent: OrderIntent) -> Order {
    let id = want(desk, Link::Single, vec![intent]).remove(0);
    desk.find(&id).unwrap().clone()
}

pub fn before(nanos: i64) -> Time {
    Time(now().0 - nanos)
}

/// A profile with every check, whose limits nothing here reaches.
pub fn every() -> Profile {
    let on_missing = OnMissing::Closed;
    let wait = |wait| Some(WaitRule { wait, on_missing });
    let much = || Some(MoneyRule { max: dollars("1000000000"), on_missing });
    let profile = Profile {
        name: "every".into(),
        same_side: wait(Span::seconds(1)),
        hours: Some(HoursRule {
            exchanges: std::collections::BTreeMap::from([("NYSE".to_owned(), "XNYS".to_owned())]),
            sells_always: true,
            on_missing,
        }),
        cooldown: wait(Span::seconds(1)),
        hold: wait(Span::seconds(1)),
        frequency: Some(FrequencyRule { apart: Span::seconds(1), a_day: 1000, a_week: 1000, on_missing }),
        pending: Some(PendingRule { on_missing }),
        collar: Some(CollarRule { basis_points: 1_000_000, max_age: Span::seconds(60), on_missing }),
        notional: much(),
        open_orders: Some(OpenOrdersRule { max: 1000, on_missing }),
        daily_loss: much(),
        ..Profile::least("every", Limits::whole(1_000_000, 1_000_000, 1).unwrap())
    };
    Profile { instrument: exuvia_execution::precheck::InstrumentRule { isin: true, on_missing }, ..profile }
}

/// The six that are always there, with room to spare.
pub fn least() -> Profile {
    Profile::least("least", Limits::whole(1_000_000, 1_000_000, 1).unwrap())
}

/// Everything is known, nothing stands in the way.
pub fn known<'a>(desk: &'a Desk, seen: &'a [Seen]) -> Context<'a> {
    Context {
        instrument: desk.instruments().first(),
        isin: Some("US0378331005"),
        exchange: Some("NYSE"),
        held: Some(Quantity::ZERO),
        open: Some(Open::default()),
        orders: Some(Past::all(desk.orders())),
        elsewhere: Some(seen),
        reference: Some(Reference { price: p("10"), time: now() }),
        cash: Some(dollars("1000000000000")),
        margin: Some("10".parse().unwrap()),
        rate: None,
        day_result: Some(dollars("0")),
        bypass: None,
        ..Context::unknown(now())
    }
}

pub fn checks(profile: Profile) -> Checks {
    Checks::new(profile).unwrap()
}

pub fn codes(found: &[Objection]) -> Vec<&'static str> {
    found.iter().map(|objection| objection.code).collect()
}

/// The codes of what speaks against an intent.
pub fn against(profile: Profile, intent: &OrderIntent, context: &Context<'_>) -> Vec<&'static str> {
    codes(&checks(profile).objections(intent, context))
}

/// The codes of what speaks against an order of the desk, which does not stand in its own way.
pub fn verdict(profile: Profile, order: &Order, context: &Context<'_>) -> Vec<&'static str> {
    let refused = checks(profile).check(order, context).err();
    refused.iter().flat_map(|refused| refused.objections().map(|objection| objection.code)).collect()
}
