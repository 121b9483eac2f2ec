//! New terms of a working order: what grows or gets another price is checked, what only shrinks is let be.

use exuvia_execution::precheck::{Context, OnMissing, OpenOrdersRule, PendingRule, Profile, SizeRule, Span, WaitRule};
use exuvia_execution::{Amendment, Desk, Order};
use exuvia_model::Side;

use crate::kit::*;

fn terms(amount: i64, limit: Option<&str>) -> Amendment {
    Amendment { quantity: q(amount), limit: limit.map(p), stop: None }
}

/// An order of 5 at 10, of which 2 were executed.
fn works(side: Side) -> (Desk, Order) {
    let mut desk = desk();
    let id = past(&mut desk, limit(side, 5, "10"), before(1), Then::Works);
    fill(&mut desk, &id, q(2), false, now());
    let order = desk.find(&id).unwrap().clone();
    (desk, order)
}

fn codes_of(profile: Profile, order: &Order, terms: &Amendment, context: &Context<'_>) -> Vec<&'static str> {
    let refused = checks(profile).check_change(order, terms, context).err();
    refused.iter().flat_map(|refused| refused.objections().map(|objection| objection.code)).collect()
}

#[test]
fn a_larger_order_is_checked_as_an_order_is_and_a_smaller_one_is_not() {
    let (desk, order) = works(Side::Buy);
    let profile = Profile {
        size: SizeRule { max: q(3) },
        position: exuvia_execution::precheck::PositionRule { max: q(6), ..least().position },
        ..least()
    };
    let context = Context { held: Some(q(2)), ..known(&desk, &[]) };
    let of = |amount| codes_of(profile.clone(), &order, &terms(amount, None), &context);
    assert!(of(4).is_empty(), "it shrinks, also where the limit is lower by now");
    assert!(of(5).is_empty(), "the same");
    assert_eq!(of(6), ["size"], "2 held and 4 still to come are the 6 that may be");
    assert_eq!(of(7), ["size", "position"]);
    assert_eq!(of(0), ["bad_amount", "off_lot"]);
}

#[test]
fn a_change_pays_what_it_takes_more() {
    let (desk, order) = works(Side::Buy);
    let with = |cash: &str| Context { held: Some(q(2)), cash: Some(dollars(cash)), ..known(&desk, &[]) };
    for (amount, limit, more) in [(7, None, 100), (5, Some("12"), 30), (7, Some("12"), 150), (6, Some("9"), 30)] {
        let terms = terms(amount, limit);
        assert!(codes_of(least(), &order, &terms, &with(&more.to_string())).is_empty(), "{terms:?}");
        let less = format!("{}.999999999", more - 1);
        assert_eq!(codes_of(least(), &order, &terms, &with(&less)), ["cash"], "{terms:?}");
    }
    for terms in [terms(4, None), terms(5, Some("9")), terms(5, None)] {
        assert!(codes_of(least(), &order, &terms, &with("0")).is_empty(), "{terms:?}");
    }
}

#[test]
fn another_price_is_held_against_the_market_and_its_hours() {
    let (desk, order) = works(Side::Buy);
    let profile = |basis_points| {
        let collar = every().collar.map(|rule| exuvia_execution::precheck::CollarRule { basis_points, ..rule });
        Profile { collar, notional: every().notional, hours: every().hours, ..least() }
    };
    let night = Context { now: "2026-02-05T02:00:00Z".parse().unwrap(), ..known(&desk, &[]) };
    let night = Context {
        reference: night.reference.map(|old| exuvia_execution::precheck::Reference { time: night.now, ..old }),
        ..night
    };
    assert_eq!(codes_of(profile(100), &order, &terms(5, Some("10.11")), &night), ["market_closed", "collar"]);
    assert_eq!(codes_of(profile(100), &order, &terms(6, None), &night), ["market_closed"]);
    assert!(codes_of(profile(100), &order, &terms(4, None), &Context::unknown(now())).contains(&"unlisted"));
    assert!(codes_of(profile(100), &order, &terms(4, None), &night).is_empty(), "smaller at any hour");
    let mut profile = profile(100);
    profile.notional.as_mut().unwrap().max = dollars("150");
    let day = known(&desk, &[]);
    assert!(codes_of(profile.clone(), &order, &terms(5, Some("10.0")), &day).is_empty());
    assert_eq!(codes_of(profile.clone(), &order, &terms(6, None), &day), ["notional"], "4 left at 10, 5 a point");
    assert_eq!(codes_of(profile, &order, &terms(5, Some("10.01")), &day), ["notional"]);
}

#[test]
fn what_only_a_new_order_can_be_does_not_stand_in_the_way_of_a_change() {
    let (desk, order) = works(Side::Buy);
    let on_missing = OnMissing::Closed;
    let wait = Some(WaitRule { wait: Span::days(1), on_missing });
    let profile = Profile {
        same_side: wait.clone(),
        cooldown: wait.clone(),
        hold: wait,
        frequency: every().frequency.map(|rule| exuvia_execution::precheck::FrequencyRule {
            a_day: 0,
            a_week: 0,
            ..rule
        }),
        pending: Some(PendingRule { on_missing }),
        open_orders: Some(OpenOrdersRule { max: 0, on_missing }),
        ..least()
    };
    assert!(codes_of(profile.clone(), &order, &terms(6, Some("11")), &known(&desk, &[])).is_empty());
    let (mut desk, order) = works(Side::Sell);
    past(&mut desk, limit(Side::Buy, 9, "3"), before(60), Then::Fills);
    let held = Context { held: Some(q(9)), ..known(&desk, &[]) };
    assert_eq!(codes_of(profile.clone(), &order, &terms(6, None), &held), ["hold"], "more is sold");
    assert!(codes_of(profile, &order, &terms(5, Some("11")), &held).is_empty());
}

#[test]
fn a_day_that_lost_its_limit_lets_nothing_grow() {
    let (desk, order) = works(Side::Buy);
    let context = Context { day_result: Some(dollars("-1000000000")), ..known(&desk, &[]) };
    let profile = Profile { daily_loss: every().daily_loss, ..least() };
    assert_eq!(codes_of(profile.clone(), &order, &terms(6, None), &context), ["daily_loss"]);
    assert!(codes_of(profile, &order, &terms(4, None), &context).is_empty());
}
