//! A pass is of one order and its terms; a refusal lists everything.

use exuvia_execution::precheck::{Check, CheckSet, Context, Profile};
use exuvia_execution::{Amendment, Change, Desk, Limits, Link, Step};
use exuvia_model::{OrderIntent, Side};

use crate::kit::*;

#[test]
fn a_pass_lets_its_own_order_go_and_no_other() {
    let mut desk = desk();
    let first = order(&mut desk, limit(Side::Buy, 1, "10"));
    let second = order(&mut desk, limit(Side::Buy, 2, "10"));
    let pass = || checks(least()).check(&first, &known(&desk, &[])).unwrap();
    assert!(pass().is_for(&first) && !pass().is_for(&second));
    assert_eq!(pass().step(&first), Ok(Step::Passed));
    let error = pass().step(&second).unwrap_err();
    assert_eq!((error.code(), error.checked.as_str()), ("wrong_pass", "EX-trend-000001"));
    assert!(
        error.to_string().contains("EX-trend-000001") && error.to_string().contains("does not let EX-trend-000002 go"),
        "{error}"
    );
    assert!(pass().unknown().is_empty() && pass().bypassed().is_empty());
}

#[test]
fn a_pass_is_of_the_terms_that_were_checked() {
    let intent = limit(Side::Buy, 1, "10");
    let mut desk = desk();
    let checked = order(&mut desk, intent.clone());
    let pass = checks(least()).check(&checked, &known(&desk, &[])).unwrap();
    // The first order of another desk has the same id.
    for other in [
        limit(Side::Sell, 1, "10"),
        limit(Side::Buy, 2, "10"),
        limit(Side::Buy, 1, "11"),
        market(Side::Buy, 1),
        OrderIntent { symbol: SHARE, ..intent.clone() },
        OrderIntent { decided: before(1), ..intent.clone() },
        OrderIntent { duration: exuvia_model::TimeInForce::FillOrKill, ..intent.clone() },
    ] {
        let mut desk = crate::kit::desk();
        let other = order(&mut desk, other);
        assert_eq!(other.client_id(), checked.client_id());
        assert!(!pass.is_for(&other), "{other:?}");
    }
    assert!(pass.is_for(&checked));
}

#[test]
fn a_pass_of_new_terms_is_of_one_order_too() {
    let mut desk = desk();
    let ids = [
        past(&mut desk, limit(Side::Buy, 5, "10"), now(), Then::Works),
        past(&mut desk, limit(Side::Buy, 6, "10"), now(), Then::Works),
    ];
    let [first, second] = ids.each_ref().map(|id| desk.find(id).unwrap());
    let terms = Amendment { quantity: q(4), limit: None, stop: None };
    let pass = || checks(least()).check_change(first, &terms, &known(&desk, &[])).unwrap();
    assert_eq!(pass().step(first), Ok(Step::ReplaceSent(terms)));
    assert_eq!(pass().step(second).unwrap_err().code(), "wrong_pass");
    assert!(pass().unknown().is_empty());
}

#[test]
fn a_refusal_lists_everything_and_the_first_decides() {
    let mut desk = desk();
    let order = order(&mut desk, limit(Side::Buy, 9, "10"));
    let profile = Profile::least("small", Limits::whole(5, 7, 60).unwrap());
    let context = Context { cash: Some(dollars("12.5")), ..known(&desk, &[]) };
    let refused = checks(profile).check(&order, &context).unwrap_err();
    assert_eq!((refused.code(), refused.client_id()), ("size", "EX-trend-000001"));
    assert_eq!(refused.first().check, Check::Size);
    assert_eq!(
        refused.to_string(),
        "order EX-trend-000001 is refused by profile \"small\": \
         size: 9, limit 5: make it smaller, or raise size.max of the profile; \
         position: 9, limit 7: make it smaller, close something first, or raise position.max of the profile; \
         cash: 450 USD needed, limit 12.5 USD: make it smaller, or bring cash"
    );
    assert_eq!(refused.objections().count(), 3);
    let step = Step::Refused(refused.note());
    desk.apply(&Change::Stepped { client_id: order.client_id().into(), step, time: now() }).unwrap();
    assert!(desk.find(order.client_id()).unwrap().note().starts_with("size: 9, limit 5"));
}

#[test]
fn an_emergency_is_told_by_the_pass() {
    let mut desk = desk();
    past(&mut desk, limit(Side::Buy, 3, "3"), before(60), Then::Fills);
    let order = order(&mut desk, limit(Side::Buy, 1, "10"));
    let cooldown =
        Some(exuvia_execution::precheck::WaitRule { wait: "1d".parse().unwrap(), on_missing: Default::default() });
    let bypass = Some(exuvia_execution::precheck::Bypass { by: "Ada", why: "rebalancing" });
    let context = Context { bypass, ..known(&desk, &[]) };
    let pass = checks(Profile { cooldown, ..least() }).check(&order, &context).unwrap();
    assert_eq!(pass.bypassed().iter().collect::<Vec<_>>(), [Check::Cooldown]);
    assert!(CheckSet::default().is_empty() && !pass.bypassed().is_empty());
    let names: std::collections::BTreeSet<String> = Check::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), Check::ALL.len(), "each has its own name");
}

#[test]
fn an_id_that_no_desk_would_give_has_no_pass() {
    use exuvia_execution::{Admission, OrderBook};
    let long = OrderIntent { scenario: "s".repeat(50), ..limit(Side::Buy, 1, "10") };
    let mut book = OrderBook::new(Limits::whole(5, 7, 60).unwrap(), "LB");
    let Admission::Send(checked) = book.admit(long).unwrap() else { panic!("refused") };
    let desk = desk();
    let refused = checks(least()).check(checked.order(), &known(&desk, &[])).unwrap_err();
    assert_eq!(refused.code(), "bad_id");
    assert!(refused.to_string().contains("60 characters"), "{refused}");
    let terms = Amendment { quantity: q(1), limit: None, stop: None };
    assert_eq!(checks(least()).check_change(checked.order(), &terms, &known(&desk, &[])).unwrap_err().code(), "bad_id");
}

#[test]
fn the_road_from_a_pass_to_a_checked_order() {
    let mut desk: Desk = desk();
    let id = want(&mut desk, Link::Single, vec![limit(Side::Buy, 1, "10")]).remove(0);
    let pass = checks(least()).check(desk.find(&id).unwrap(), &known(&desk, &[])).unwrap();
    assert!(desk.to_send(&id).is_none());
    let step = pass.step(desk.find(&id).unwrap()).unwrap();
    take(&mut desk, &id, vec![step, Step::Sent], now());
    assert_eq!(desk.to_send(&id).unwrap().order().client_id(), id);
}
