//! Orders that hang together: brackets, OCO, if-done, and what a race leaves behind.

use exuvia_execution::{Action, Change, Desk, Link, Notice, Step};
use exuvia_model::{OrderIntent, OrderStatus, OrderType, Quantity, Side, Trail};

use crate::kit::*;

/// What is wanted, in words.
fn wants(desk: &Desk) -> Vec<String> {
    let number = |id: &str| id.trim_start_matches("EX-trend-").trim_start_matches('0').to_owned();
    let mut words: Vec<String> = Vec::new();
    for action in desk.wanted() {
        words.push(match action {
            Action::Send { client_id, quantity } => format!("send {} of {quantity}", number(&client_id)),
            Action::Withdraw { client_id } => format!("withdraw {}", number(&client_id)),
            Action::Replace { client_id, quantity } => format!("make {} {quantity}", number(&client_id)),
            Action::Cancel { client_id } => format!("cancel {}", number(&client_id)),
        });
    }
    words
}

/// Does everything that is wanted, as a manager over a venue that takes all of it, until nothing is wanted.
fn settle(desk: &mut Desk) {
    for _ in 0..20 {
        for action in desk.wanted() {
            match action {
                Action::Send { client_id, quantity } => {
                    step(desk, &client_id, Step::Sized(quantity));
                    step(desk, &client_id, Step::Sent);
                    step(desk, &client_id, Step::Accepted(None));
                }
                Action::Withdraw { client_id } => drop(step(desk, &client_id, Step::Withdrawn("not needed".into()))),
                Action::Replace { client_id, quantity } => {
                    let terms = exuvia_execution::Amendment { quantity, limit: None, stop: None };
                    step(desk, &client_id, Step::ReplaceSent(terms));
                    step(desk, &client_id, Step::Replaced);
                }
                Action::Cancel { client_id } => {
                    step(desk, &client_id, Step::CancelSent);
                    step(desk, &client_id, Step::Cancelled("sibling".into()));
                }
            }
        }
    }
    assert!(desk.wanted().is_empty(), "it comes to rest");
}

/// Entry 1, stop 2, take-profits 3 and 4, of which the entry works.
fn bracket(desk: &mut Desk) -> Vec<String> {
    let orders = vec![
        limit(Side::Buy, 5, "6000"),
        stop(Side::Sell, 5, "5990"),
        limit(Side::Sell, 2, "6010"),
        limit(Side::Sell, 3, "6020"),
    ];
    let ids = want(desk, Link::Bracket, orders);
    for id in &ids {
        step(desk, id, Step::Passed);
    }
    step(desk, &ids[0], Step::Sent);
    step(desk, &ids[0], Step::Accepted(None));
    ids
}

fn open(desk: &Desk, id: &str) -> Quantity {
    desk.find(id).unwrap().state().open()
}

#[test]
fn exits_go_out_as_the_entry_fills_and_grow_with_it() {
    let mut desk = desk();
    let ids = bracket(&mut desk);
    assert_eq!(wants(&desk), [""; 0], "nothing is held, nothing goes out");
    executed(&mut desk, fill(&ids[0], "e1", 3, "6000"));
    assert_eq!(wants(&desk), ["send 2 of 3", "send 3 of 2", "send 4 of 1"], "the nearest profit is served first");
    settle(&mut desk);
    executed(&mut desk, fill(&ids[0], "e2", 2, "6000"));
    assert_eq!(wants(&desk), ["make 2 5", "make 4 3"]);
    settle(&mut desk);
    assert_eq!([1, 2, 3].map(|at| open(&desk, &ids[at])), [q(5), q(2), q(3)]);
    let (link, members) = desk.linked(&ids[2]).unwrap();
    assert_eq!((link, members.len(), members[0].client_id()), (Link::Bracket, 4, ids[0].as_str()));
    assert_eq!(desk.linked("EX-nobody-000001").unwrap_err().code(), "no_such_order");
}

#[test]
fn a_take_profit_reduces_the_stop_and_the_stop_reduces_the_take_profits_from_the_far_end() {
    let mut desk = desk();
    let ids = bracket(&mut desk);
    executed(&mut desk, fill(&ids[0], "e1", 5, "6000"));
    settle(&mut desk);
    executed(&mut desk, fill(&ids[2], "t1", 1, "6010"));
    assert_eq!(wants(&desk), ["make 2 4"]);
    settle(&mut desk);
    executed(&mut desk, fill(&ids[1], "s1", 2, "5990"));
    assert_eq!(wants(&desk), ["make 4 1"], "two are left: one for the first profit, one for the second");
    settle(&mut desk);
    executed(&mut desk, fill(&ids[1], "s2", 2, "5990"));
    assert_eq!(wants(&desk), ["cancel 3", "cancel 4"]);
    settle(&mut desk);
    assert_eq!(desk.holding("trend", MES).quantity(), q(0));
    assert!(desk.orders().iter().all(|order| order.status().is_terminal()));
}

#[test]
fn an_exit_that_fills_stops_the_rest_of_the_entry() {
    let mut desk = desk();
    let ids = bracket(&mut desk);
    executed(&mut desk, fill(&ids[0], "e1", 3, "6000"));
    settle(&mut desk);
    executed(&mut desk, fill(&ids[1], "s1", 3, "5990"));
    assert_eq!(wants(&desk), ["cancel 1", "cancel 3", "cancel 4"]);
    settle(&mut desk);
    assert!(desk.orders().iter().all(|order| order.status().is_terminal()));
}

#[test]
fn an_entry_that_ends_without_a_fill_takes_its_exits_with_it_and_one_that_ends_in_part_leaves_exits_of_that_part() {
    let mut desk = desk();
    let ids = bracket(&mut desk);
    step(&mut desk, &ids[0], Step::Cancelled("by us".into()));
    assert_eq!(wants(&desk), ["withdraw 2", "withdraw 3", "withdraw 4"]);
    settle(&mut desk);
    let ids = bracket(&mut desk);
    executed(&mut desk, fill(&ids[0], "e1", 1, "6000"));
    step(&mut desk, &ids[0], Step::Expired);
    settle(&mut desk);
    assert_eq!([1, 2].map(|at| open(&desk, &ids[at])), [q(1), q(1)]);
    assert_eq!(desk.find(&ids[3]).unwrap().status(), OrderStatus::Checked, "it waits: a late fill may still need it");
    assert_eq!(executed(&mut desk, fill(&ids[0], "e2", 2, "6000")), ["late_fill"]);
    settle(&mut desk);
    assert_eq!([1, 2, 3].map(|at| open(&desk, &ids[at])), [q(3), q(2), q(1)], "what came late is protected too");
}

#[test]
fn a_position_whose_stop_is_gone_is_told_for_as_long_as_it_is_open() {
    let mut desk = desk();
    let ids = bracket(&mut desk);
    executed(&mut desk, fill(&ids[0], "e1", 5, "6000"));
    settle(&mut desk);
    assert!(desk.unprotected().is_empty());
    step(&mut desk, &ids[1], Step::Cancelled("by the venue".into()));
    assert_eq!(desk.unprotected(), [(ids[0].as_str(), q(5))]);
    executed(&mut desk, fill(&ids[2], "t1", 2, "6010"));
    assert_eq!(desk.unprotected(), [(ids[0].as_str(), q(3))]);
    executed(&mut desk, fill(&ids[3], "t2", 3, "6020"));
    assert!(desk.unprotected().is_empty() && wants(&desk).is_empty());
}

#[test]
fn an_exit_in_doubt_is_left_alone_until_the_doubt_is_gone() {
    let mut desk = desk();
    let ids = bracket(&mut desk);
    executed(&mut desk, fill(&ids[0], "e1", 5, "6000"));
    settle(&mut desk);
    step(&mut desk, &ids[1], Step::Lost("reset".into()));
    executed(&mut desk, fill(&ids[2], "t1", 2, "6010"));
    assert!(wants(&desk).is_empty());
    step(&mut desk, &ids[1], Step::Accepted(None));
    assert_eq!(wants(&desk), ["make 2 3"]);
    let terms = exuvia_execution::Amendment { quantity: q(3), limit: None, stop: None };
    step(&mut desk, &ids[1], Step::ReplaceSent(terms));
    executed(&mut desk, fill(&ids[3], "t2", 3, "6020"));
    assert_eq!(wants(&desk), ["cancel 2"], "a change under way does not hold up a cancel");
}

#[test]
fn oco_legs_reduce_each_other_and_a_race_in_which_both_fill_is_told() {
    let mut desk = desk();
    let ids = want(&mut desk, Link::Oco, vec![limit(Side::Sell, 4, "6010"), stop(Side::Sell, 4, "5990")]);
    for id in &ids {
        live(&mut desk, id);
    }
    assert!(wants(&desk).is_empty());
    executed(&mut desk, fill(&ids[0], "e1", 1, "6010"));
    assert_eq!(wants(&desk), ["make 2 3"]);
    settle(&mut desk);
    // Both fill before any cancel arrives.
    assert!(executed(&mut desk, fill(&ids[0], "e2", 3, "6010")).is_empty());
    let outcome = desk.apply(&Change::Executed(fill(&ids[1], "e3", 3, "5990"))).unwrap();
    assert_eq!(outcome.notices, [Notice::Excess { client_id: ids[1].clone(), by: q(3) }]);
    assert_eq!(codes(&outcome), ["excess"]);
    assert_eq!(desk.holding("trend", MES).quantity().to_string(), "-7", "what was executed is held");
    assert!(wants(&desk).is_empty());
}

#[test]
fn a_leg_that_was_not_sent_yet_goes_out_with_what_is_left_or_not_at_all() {
    let mut desk = desk();
    let legs = || vec![limit(Side::Sell, 4, "6010"), stop(Side::Sell, 4, "5990")];
    let ids = want(&mut desk, Link::Oco, legs());
    live(&mut desk, &ids[0]);
    step(&mut desk, &ids[1], Step::Passed);
    assert_eq!(wants(&desk), ["send 2 of 4"]);
    executed(&mut desk, fill(&ids[0], "e1", 1, "6010"));
    assert_eq!(wants(&desk), ["send 2 of 3"]);
    executed(&mut desk, fill(&ids[0], "e2", 3, "6010"));
    assert_eq!(wants(&desk), ["withdraw 2"]);
    settle(&mut desk);
    let breakout = want(&mut desk, Link::Oco, vec![stop(Side::Buy, 2, "6020"), stop(Side::Sell, 2, "5980")]);
    for id in &breakout {
        live(&mut desk, id);
    }
    executed(&mut desk, fill(&breakout[1], "e1", 2, "5980"));
    assert_eq!(wants(&desk), ["cancel 3"], "legs of two sides are one breakout");
}

#[test]
fn an_if_done_child_goes_out_up_to_its_own_amount_and_never_without_its_parent() {
    let mut desk = desk();
    let ids = want(&mut desk, Link::IfDone, vec![limit(Side::Buy, 5, "6000"), stop(Side::Sell, 3, "5990")]);
    live(&mut desk, &ids[0]);
    step(&mut desk, &ids[1], Step::Passed);
    assert!(wants(&desk).is_empty());
    executed(&mut desk, fill(&ids[0], "e1", 2, "6000"));
    assert_eq!(wants(&desk), ["send 2 of 2"]);
    settle(&mut desk);
    executed(&mut desk, fill(&ids[0], "e2", 3, "6000"));
    assert_eq!(wants(&desk), ["make 2 3"]);
    let second = want(&mut desk, Link::IfDone, vec![limit(Side::Buy, 5, "6000"), stop(Side::Sell, 3, "5990")]);
    settle(&mut desk);
    step(&mut desk, &second[0], Step::Refused("limits".into()));
    assert_eq!(wants(&desk), ["withdraw 4"]);
}

#[test]
fn a_single_order_wants_nothing_and_its_executions_exceed_nothing() {
    let mut desk = desk();
    let id = working(&mut desk, market(Side::Buy, 1));
    assert!(executed(&mut desk, fill(&id, "e1", 1, "6000")).is_empty() && wants(&desk).is_empty());
    let pair = want(&mut desk, Link::IfDone, vec![limit(Side::Buy, 2, "6000"), limit(Side::Sell, 2, "6010")]);
    live(&mut desk, &pair[0]);
    assert!(executed(&mut desk, fill(&pair[0], "e1", 2, "6000")).is_empty() && desk.unprotected().is_empty());
}

fn refusal(link: Link, intents: Vec<OrderIntent>) -> String {
    let error = desk().intend(link, intents).unwrap_err();
    assert_eq!(error.code(), "bad_link", "{error}");
    error.to_string()
}

#[test]
fn a_bracket_on_the_wrong_side_is_refused_with_both_prices() {
    let with = |entry: OrderIntent, stop_at: &str, target: &str| {
        let side = entry.side.opposite();
        vec![entry, stop(side, 5, stop_at), limit(side, 5, target)]
    };
    for (orders, says) in [
        (
            with(limit(Side::Buy, 5, "6000"), "6001", "6010"),
            "the stop 6001 is on the wrong side of the entry 6000 for a Buy",
        ),
        (with(limit(Side::Buy, 5, "6000"), "6000", "6010"), "the stop 6000 is on the wrong side of the entry 6000"),
        (
            with(limit(Side::Buy, 5, "6000"), "5990", "5999"),
            "the take-profit 5999 is on the wrong side of the entry 6000",
        ),
        (
            with(limit(Side::Sell, 5, "6000"), "5990", "5980"),
            "the stop 5990 is on the wrong side of the entry 6000 for a Sell",
        ),
        (
            with(limit(Side::Sell, 5, "6000"), "6010", "6000"),
            "the take-profit 6000 is on the wrong side of the entry 6000",
        ),
        (
            with(stop(Side::Buy, 5, "6000"), "6000.25", "6010"),
            "the stop 6000.25 is on the wrong side of the entry 6000",
        ),
        (
            with(market(Side::Buy, 5), "6010", "6000"),
            "the take-profit 6000 is on the wrong side of the stop 6010 for a Buy",
        ),
    ] {
        let text = refusal(Link::Bracket, orders);
        assert!(text.contains(says) && text.contains("\"trend\""), "{text}");
    }
    let mut fine = desk();
    for entry in [market(Side::Buy, 5), limit(Side::Buy, 5, "6000"), stop(Side::Buy, 5, "6000")] {
        let trail = trailing(Side::Sell, 5, Trail::Ticks(8));
        want(&mut fine, Link::Bracket, vec![entry, trail, limit(Side::Sell, 5, "6010")]);
    }
    want(&mut fine, Link::Bracket, with(limit(Side::Sell, 5, "6000"), "6010", "5990"));
}

#[test]
fn amounts_of_a_bracket_must_sum_to_its_entry() {
    let entry = || limit(Side::Buy, 5, "6000");
    let guard = |amount| stop(Side::Sell, amount, "5990");
    let take = |amount, price: &str| limit(Side::Sell, amount, price);
    for (orders, says) in [
        (
            vec![entry(), guard(5), take(2, "6010"), take(2, "6020")],
            "take-profits together of 4 must be the 5 of the entry",
        ),
        (vec![entry(), guard(5), take(4, "6010"), take(2, "6020")], "take-profits together of 6 must be the 5"),
        (vec![entry(), guard(4), take(5, "6010")], "stop of 4 must be the 5"),
        (vec![entry(), take(2, "6010"), take(3, "6020")], "it has 0 stops, one is needed"),
        (vec![entry(), guard(5), guard(5)], "it has 2 stops, one is needed"),
        (vec![entry(), guard(5), market(Side::Sell, 5)], "profit is taken by Limit orders only"),
        (vec![entry(), guard(5), limit(Side::Buy, 5, "6010")], "an exit is a Buy like the entry"),
        (vec![entry(), guard(5)], "it has 2 orders, at least 3 were expected"),
        (
            vec![entry(), guard(5), OrderIntent { scenario: "fade".into(), ..take(5, "6010") }],
            "of one instrument and scenario",
        ),
        (vec![entry(), guard(5), OrderIntent { symbol: SPREAD, ..take(5, "6010") }], "of one instrument and scenario"),
    ] {
        let text = refusal(Link::Bracket, orders);
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn legs_that_are_no_oco_and_children_that_are_no_if_done_are_refused() {
    for (link, orders, says) in [
        (Link::Oco, vec![limit(Side::Sell, 4, "6010"), stop(Side::Sell, 3, "5990")], "the legs are of 4 and 3"),
        (
            Link::Oco,
            vec![limit(Side::Sell, 4, "5980"), stop(Side::Sell, 4, "5990")],
            "the limit 5980 is on the wrong side of the stop 5990 for a Sell",
        ),
        (
            Link::Oco,
            vec![stop(Side::Buy, 4, "5990"), limit(Side::Buy, 4, "5990")],
            "the limit 5990 is on the wrong side of the stop 5990 for a Buy",
        ),
        (Link::Oco, vec![limit(Side::Sell, 4, "6010"), market(Side::Sell, 4)], "a Market order cannot be a leg"),
        (Link::Oco, vec![limit(Side::Sell, 4, "6010")], "it has 1 orders, at least 2"),
        (
            Link::IfDone,
            vec![limit(Side::Buy, 4, "6010"), stop(Side::Sell, 5, "5990")],
            "a child of 5 is larger than its parent of 4",
        ),
        (Link::Single, vec![], "it has 0 orders"),
        (Link::Single, vec![market(Side::Buy, 1), market(Side::Buy, 1)], "it has 2 orders"),
    ] {
        let text = refusal(link, orders);
        assert!(text.contains(says), "{text}");
    }
    let two_limits = vec![limit(Side::Sell, 4, "6010"), limit(Side::Buy, 4, "5990")];
    assert_eq!(want(&mut desk(), Link::Oco, two_limits).len(), 2);
    let guarded =
        OrderIntent { order_type: OrderType::StopLimit, limit: Some(p("5989")), ..stop(Side::Sell, 4, "5990") };
    assert_eq!(want(&mut desk(), Link::Oco, vec![guarded, limit(Side::Sell, 4, "6010")]).len(), 2);
}
