//! Executions: each is counted once, also when it comes twice, late, as a total, or is more than was ordered.

use exuvia_execution::{Change, Fee, Notice, Step};
use exuvia_model::{OrderStatus, Quantity, Side};

use crate::kit::*;

#[test]
fn an_execution_that_comes_twice_is_counted_once_and_one_that_says_otherwise_is_refused() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    assert!(executed(&mut desk, fill(&id, "e1", 2, "6000")).is_empty());
    let before = desk.clone();
    assert_eq!(executed(&mut desk, fill(&id, "e1", 2, "6000")), ["repeated"]);
    assert_eq!(desk, before);
    for other in [fill(&id, "e1", 3, "6000"), fill(&id, "e1", 2, "6000.25")] {
        let (code, text) = refused(&mut desk, &Change::Executed(other));
        assert_eq!(code, "contradiction");
        assert!(text.contains("\"e1\"") && text.contains("the order is 2 at 6000"), "{text}");
    }
    let second = working(&mut desk, limit(Side::Buy, 5, "6000"));
    assert!(executed(&mut desk, fill(&second, "e1", 2, "6000")).is_empty(), "ids are those of an order");
    assert_eq!(desk.holding("trend", MES).quantity(), q(4));
}

#[test]
fn a_fill_after_the_end_is_counted_and_told() {
    for end in [Step::Cancelled("by us".into()), Step::Expired, Step::Refused("venue".into())] {
        let mut desk = desk();
        let id = working(&mut desk, limit(Side::Sell, 5, "6000"));
        step(&mut desk, &id, end);
        let status = desk.find(&id).unwrap().status();
        let outcome = desk.apply(&Change::Executed(fill(&id, "e9", 3, "6001"))).unwrap();
        assert_eq!(outcome.notices, [Notice::LateFill { client_id: id.clone(), quantity: q(3), status }]);
        assert_eq!((outcome.changed, outcome.booked), (true, q(3)));
        let order = desk.find(&id).unwrap();
        assert_eq!((order.status(), order.state().filled(), order.state().late()), (status, q(3), q(3)));
        assert_eq!(desk.holding("trend", MES).quantity().to_string(), "-3", "the position has it");
        assert_eq!(totalled(&mut desk, total(&id, 5, "6001")), ["late_fill"]);
    }
}

#[test]
fn an_overfill_is_refused_until_somebody_decides_to_count_it() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    executed(&mut desk, fill(&id, "e1", 4, "6000"));
    let more = fill(&id, "e2", 3, "6000");
    let (code, text) = refused(&mut desk, &Change::Executed(more.clone()));
    assert_eq!(code, "overfilled");
    assert!(text.contains("fill of 3 after 4 is more than its 5"), "{text}");
    assert_eq!(refused(&mut desk, &Change::Totalled(total(&id, 7, "6000"))).0, "overfilled");
    let outcome = desk.apply(&Change::Executed(exuvia_execution::Execution { beyond: true, ..more })).unwrap();
    assert_eq!(outcome.notices, [Notice::Overfill { client_id: id.clone(), by: q(2) }]);
    assert_eq!((desk.find(&id).unwrap().status(), desk.holding("trend", MES).quantity()), (OrderStatus::Filled, q(7)));
    let late = exuvia_execution::Total { beyond: true, ..total(&id, 8, "6000") };
    assert_eq!(totalled(&mut desk, late), ["late_fill", "overfill"]);
    let second = working(&mut desk, limit(Side::Buy, 5, "6000"));
    let usual = exuvia_execution::Execution { beyond: true, ..fill(&second, "e1", 5, "6000") };
    assert!(executed(&mut desk, usual).is_empty(), "the permission is not an order");
}

#[test]
fn executions_of_nothing_and_at_no_price_are_refused() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    executed(&mut desk, fill(&id, "e0", 1, "6000"));
    for (amount, price, code) in
        [(0, "6000", "empty_fill"), (-2, "6000", "empty_fill"), (1, "0", "not_positive"), (1, "-1", "not_positive")]
    {
        let (found, text) = refused(&mut desk, &Change::Executed(fill(&id, "e1", amount, price)));
        assert_eq!(found, code, "{text}");
    }
    assert_eq!(refused(&mut desk, &Change::Totalled(total(&id, 2, "0"))).0, "not_positive");
    assert_eq!(refused(&mut desk, &Change::Executed(fill("EX-x-000009", "e1", 1, "1"))).0, "no_such_order");
    assert_eq!(refused(&mut desk, &Change::Totalled(total("EX-x-000009", 1, "1"))).0, "no_such_order");
    let huge = exuvia_execution::Execution { quantity: Quantity::from_raw(i64::MAX), ..fill(&id, "e1", 1, "1") };
    assert_eq!(refused(&mut desk, &Change::Executed(huge)).0, "overfilled");
}

#[test]
fn an_execution_price_need_not_be_on_the_tick_and_a_spread_may_trade_below_zero() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    executed(&mut desk, fill(&id, "e1", 1, "5999.8333"));
    assert_eq!(desk.find(&id).unwrap().average_price(), Some(p("5999.8333")));
    let below = exuvia_model::OrderIntent { symbol: SPREAD, ..limit(Side::Buy, 2, "-1.25") };
    let id = working(&mut desk, below);
    executed(&mut desk, fill(&id, "e1", 2, "-1.3"));
    let held = desk.holding("trend", SPREAD);
    assert_eq!(
        (held.average_price(), held.unrealised(&spread(), p("-1")).unwrap().to_string()),
        (Some(p("-1.3")), "0.6".into())
    );
}

#[test]
fn the_fill_that_the_venue_calls_the_last_ends_an_order_that_is_not_full() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    executed(&mut desk, exuvia_execution::Execution { last: true, ..fill(&id, "e2", 3, "6000") });
    assert_eq!(desk.find(&id).unwrap().status(), OrderStatus::Filled);
    assert_eq!(
        executed(&mut desk, fill(&id, "e1", 2, "6000")),
        ["late_fill"],
        "it came before it, and arrived after it"
    );
    assert_eq!(desk.find(&id).unwrap().state().filled(), q(5));
}

#[test]
fn totals_count_what_is_new_at_the_price_that_makes_the_average_true() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 10, "6000"));
    assert!(totalled(&mut desk, total(&id, 4, "6000")).is_empty());
    assert_eq!(totalled(&mut desk, total(&id, 4, "6000")), ["repeated"]);
    assert!(totalled(&mut desk, total(&id, 10, "5999.4")).is_empty());
    assert_eq!(totalled(&mut desk, total(&id, 7, "5999.8")), ["repeated"], "an old total changes nothing");
    let order = desk.find(&id).unwrap();
    assert_eq!((order.status(), order.average_price()), (OrderStatus::Filled, Some(p("5999.4"))));
    assert_eq!(desk.holding("trend", MES).average_price(), Some(p("5999.4")), "4 at 6000 and 6 at 5999");
}

#[test]
fn executions_that_a_total_had_counted_are_named_and_not_counted_again() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 10, "6000"));
    executed(&mut desk, fill(&id, "e1", 2, "6000"));
    totalled(&mut desk, total(&id, 7, "6001"));
    // The later one comes first: five were counted without a name.
    assert_eq!(executed(&mut desk, fill(&id, "e3", 3, "6003")), ["attributed"]);
    assert_eq!(desk.find(&id).unwrap().state().filled(), q(7));
    assert_eq!(executed(&mut desk, fill(&id, "e3", 3, "6003")), ["repeated"]);
    assert_eq!(
        executed(&mut desk, fill(&id, "e4", 4, "6000")),
        ["attributed"],
        "two of them were counted, two are new"
    );
    let order = desk.find(&id).unwrap();
    assert_eq!((order.state().filled(), order.status()), (q(9), OrderStatus::PartiallyFilled));
    assert_eq!(
        order.average_price(),
        Some(p("6001")),
        "2 at 6000, 3 at 6003 and 4 at 6000: the executions' own prices"
    );
}

#[test]
fn a_correction_of_a_closing_fill_goes_into_the_profit() {
    let mut desk = desk();
    let long = working(&mut desk, market(Side::Buy, 5));
    executed(&mut desk, fill(&long, "e1", 5, "6000"));
    let close = working(&mut desk, market(Side::Sell, 5));
    totalled(&mut desk, total(&close, 5, "6001"));
    let held = desk.holding("trend", MES);
    assert_eq!((held.quantity(), held.realised(&mes()).unwrap().to_string()), (q(0), "25".into()));
    assert_eq!(executed(&mut desk, fill(&close, "e2", 5, "6002")), ["attributed"]);
    let held = desk.holding("trend", MES);
    assert_eq!((held.average_price(), held.realised(&mes()).unwrap().to_string()), (None, "50".into()));
}

#[test]
fn fees_are_kept_by_their_currency_and_a_rebate_is_negative() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    let with = |name: &str, amount: &str, currency: &str| {
        let fee = Some(Fee { amount: amount.parse().unwrap(), currency: currency.parse().unwrap() });
        exuvia_execution::Execution { fee, ..fill(&id, name, 1, "6000") }
    };
    for execution in [with("e1", "0.37", "USD"), with("e2", "0.37", "USD"), with("e3", "-0.05", "EUR")] {
        executed(&mut desk, execution);
    }
    assert_eq!(executed(&mut desk, with("e2", "0.37", "USD")), ["repeated"], "a fee is taken once too");
    let fees: Vec<String> =
        desk.holding("trend", MES).fees().iter().map(|(currency, fee)| format!("{fee} {currency}")).collect();
    assert_eq!(fees, ["-0.05 EUR", "0.74 USD"]);
    assert_eq!(desk.holdings().len(), 1);
}
