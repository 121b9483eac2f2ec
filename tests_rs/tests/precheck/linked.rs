//! Orders that hang together, and what a desk knows of those that are open.

use exuvia_execution::precheck::{Context, Open, Past, PositionRule, Profile, WaitRule};
use exuvia_execution::{Desk, Link};
use exuvia_model::{OrderIntent, OrderType, Quantity, Side};

use crate::kit::*;

fn stop(side: Side, amount: i64, price: &str) -> OrderIntent {
    OrderIntent { order_type: OrderType::Stop, stop: Some(p(price)), ..market(side, amount) }
}

fn bracket(side: Side, amount: i64) -> Vec<OrderIntent> {
    let out = side.opposite();
    let (target, stopped) = if side == Side::Buy { ("12", "8") } else { ("8", "12") };
    vec![limit(side, amount, "10"), stop(out, amount, stopped), limit(out, amount, target)]
}

fn linked(profile: Profile, desk: &Desk, id: &str, context: &Context<'_>) -> Vec<&'static str> {
    let (link, orders) = desk.linked(id).unwrap();
    match checks(profile).check_linked(link, orders, context) {
        Ok(passed) => {
            assert!(passed.iter().zip(orders).all(|(pass, order)| pass.is_for(order)));
            assert_eq!(passed.len(), orders.len());
            Vec::new()
        }
        Err(refused) => refused.objections().map(|objection| objection.code).collect(),
    }
}

fn open(desk: &Desk, own: &str) -> Open {
    let (_, own) = desk.linked(own).unwrap();
    Context::of_desk(desk, Past::all(desk.orders()), own, now()).open.unwrap()
}

fn units(buys: i64, sells: i64) -> Open {
    Open { buys: q(buys).raw().into(), sells: q(sells).raw().into() }
}

#[test]
fn the_exits_of_a_bracket_close_what_its_entry_opens() {
    let mut desk = desk();
    let id = want(&mut desk, Link::Bracket, bracket(Side::Buy, 5)).remove(0);
    let profile = Profile { position: PositionRule { max: q(5), shorts: false, ..least().position }, ..least() };
    let context = Context { cash: Some(dollars("250")), ..known(&desk, &[]) };
    assert!(linked(profile.clone(), &desk, &id, &context).is_empty());
    let poor = Context { cash: Some(dollars("249.999999999")), ..context };
    assert_eq!(linked(profile.clone(), &desk, &id, &poor), ["cash"]);
    let held = Context { held: Some(q(1)), ..context };
    assert_eq!(linked(profile, &desk, &id, &held), ["position"]);
}

#[test]
fn a_child_of_an_if_done_order_finds_what_its_parent_made_and_legs_of_an_oco_do_not_add_up() {
    let mut desk = desk();
    let done = want(&mut desk, Link::IfDone, vec![limit(Side::Buy, 3, "10"), limit(Side::Buy, 2, "9")]).remove(0);
    let profile = |max| Profile { position: PositionRule { max: q(max), ..least().position }, ..least() };
    assert!(linked(profile(5), &desk, &done, &known(&desk, &[])).is_empty());
    assert_eq!(linked(profile(4), &desk, &done, &known(&desk, &[])), ["position"]);
    let mut desk = crate::kit::desk();
    let oco = want(&mut desk, Link::Oco, vec![limit(Side::Sell, 5, "12"), stop(Side::Sell, 5, "8")]).remove(0);
    let profile = Profile { position: PositionRule { shorts: false, ..least().position }, ..least() };
    assert!(linked(profile, &desk, &oco, &Context { held: Some(q(5)), ..known(&desk, &[]) }).is_empty());
}

#[test]
fn linked_orders_do_not_stand_in_their_own_way() {
    let mut desk = desk();
    let two = vec![limit(Side::Sell, 2, "12"), limit(Side::Sell, 2, "12")];
    let id = want(&mut desk, Link::Oco, two).remove(0);
    let wait =
        Some(WaitRule { wait: "1h".parse().unwrap(), on_missing: exuvia_execution::precheck::OnMissing::Closed });
    let profile = Profile { same_side: wait, pending: every().pending, open_orders: every().open_orders, ..least() };
    assert!(linked(profile.clone(), &desk, &id, &known(&desk, &[])).is_empty());
    let one = Profile {
        open_orders: Some(exuvia_execution::precheck::OpenOrdersRule {
            max: 1,
            ..profile.open_orders.clone().unwrap()
        }),
        ..profile
    };
    assert_eq!(linked(one, &desk, &id, &known(&desk, &[])), ["open_orders"], "they count");
}

#[test]
fn a_desk_tells_what_its_open_orders_may_do() {
    let mut desk = desk();
    let own = past(&mut desk, limit(Side::Buy, 7, "1"), now(), Then::Waits);
    assert_eq!(open(&desk, &own), units(0, 0), "not itself");
    past(&mut desk, limit(Side::Buy, 2, "1"), now(), Then::Works);
    past(&mut desk, limit(Side::Sell, 1, "1"), now(), Then::Waits);
    past(&mut desk, limit(Side::Sell, 9, "1"), now(), Then::Fills);
    past(&mut desk, OrderIntent { scenario: "gap".into(), ..limit(Side::Buy, 3, "1") }, now(), Then::Works);
    past(&mut desk, OrderIntent { symbol: SHARE, ..limit(Side::Buy, 3, "1") }, now(), Then::Works);
    assert_eq!(open(&desk, &own), units(2, 1));
    let context =
        Context::of_desk(&desk, Past::all(desk.orders()), std::slice::from_ref(desk.find(&own).unwrap()), now());
    assert_eq!(context.held, Some(Quantity::from_raw(-q(9).raw())));
    assert_eq!(
        (context.instrument, context.orders.map(|past| past.iter().count())),
        (desk.instruments().first(), Some(6))
    );
    let nothing = Context::of_desk(&desk, Past::all(desk.orders()), &[], now());
    assert!(
        nothing.instrument.is_none() && nothing.held.is_none() && nothing.open.is_none() && nothing.orders.is_some()
    );
}

#[test]
fn of_orders_that_take_each_other_back_the_larger_counts_and_exits_only_as_far_as_they_close_something() {
    let mut desk = desk();
    let own = past(&mut desk, limit(Side::Buy, 7, "1"), now(), Then::Waits);
    want(&mut desk, Link::Oco, vec![limit(Side::Sell, 4, "12"), stop(Side::Sell, 4, "8")]);
    assert_eq!(open(&desk, &own), units(0, 4));
    let ids = want(&mut desk, Link::Bracket, bracket(Side::Buy, 5));
    assert_eq!(open(&desk, &own), units(5, 4), "nothing entered yet");
    take(&mut desk, &ids[0], vec![exuvia_execution::Step::Passed, exuvia_execution::Step::Sent], now());
    fill(&mut desk, &ids[0], q(3), false, now());
    assert_eq!(open(&desk, &own), units(2, 7), "three of them");
    fill(&mut desk, &ids[0], q(2), true, now());
    assert_eq!(open(&desk, &own), units(0, 9), "a stop or a target, not both");
    let ids = want(
        &mut desk,
        Link::IfDone,
        vec![limit(Side::Buy, 6, "10"), limit(Side::Buy, 2, "9"), limit(Side::Sell, 3, "12"), stop(Side::Sell, 1, "8")],
    );
    assert_eq!(open(&desk, &own), units(8, 9));
    take(&mut desk, &ids[0], vec![exuvia_execution::Step::Passed, exuvia_execution::Step::Sent], now());
    fill(&mut desk, &ids[0], q(6), true, now());
    assert_eq!(open(&desk, &own), units(2, 13), "children add up");
}
