//! The venue's picture beside ours: what only one side has, and what is believed of it.

use exuvia_execution::{ChangeOutcome, Event, Revived, Settings, VenueStatus};
use exuvia_model::{OrderStatus, Side};

use crate::kit::*;
use crate::venue::Fate;

#[test]
fn an_order_placed_by_hand_is_shown_and_touched_only_when_asked() {
    let mut table = Table::new(Settings::default());
    let venue_id = table.venue.borrow_mut().by_hand("MESZ6", Side::Sell, q(2));
    let now = table.now;
    table.manager().reconcile(now).unwrap();
    assert_eq!(table.manager().foreign_orders().keys().collect::<Vec<_>>(), [&venue_id]);
    assert_eq!(table.told("foreign_order").len(), 1);
    table.manager().cancel_all(&exuvia_execution::Scope::default(), now).unwrap();
    table.run(70);
    assert!(table.told("foreign_order").is_empty(), "the same is told once");
    assert_eq!(table.venue.borrow().rows[&venue_id].shown.status, VenueStatus::Working);
    assert_eq!(table.manager().cancel_foreign("V9", now).unwrap_err().code(), "no_such_foreign");
    assert_eq!(table.manager().cancel_foreign(&venue_id, now).unwrap(), ChangeOutcome::Done);
    table.pump(1);
    assert!(table.manager().foreign_orders().is_empty());
}

#[test]
fn a_position_of_another_hand_is_shown_once_it_was_seen_twice() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().positions.insert("MESZ6".into(), q(3).raw());
    table.venue.borrow_mut().positions.insert("ESZ6".into(), q(-1).raw());
    let now = table.now;
    table.manager().reconcile(now).unwrap();
    assert!(table.manager().foreign_positions().is_empty());
    table.run(2);
    let shown: Vec<_> = table.manager().foreign_positions().clone().into_iter().collect();
    assert_eq!(shown, [("ESZ6".to_owned(), q(-1)), ("MESZ6".to_owned(), q(3))]);
    assert_eq!(table.told("foreign_position").len(), 2);
    assert_eq!(table.held(), q(0));
    table.venue.borrow_mut().positions.clear();
    table.run(70);
    assert!(table.manager().foreign_positions().is_empty());
}

#[test]
fn cash_is_what_the_venue_says() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().cash = "1234.56".parse().unwrap();
    let now = table.now;
    table.manager().reconcile(now).unwrap();
    let cash: Vec<_> = table.manager().cash().iter().map(|(currency, money)| format!("{money} {currency}")).collect();
    assert_eq!((cash, table.manager().reconciled()), (vec!["1234.56 USD".to_owned()], Some(now)));
}

#[test]
fn fills_that_no_report_told_are_found_by_the_position_also_of_orders_that_ended() {
    let mut table = Table::new(Settings { reconcile_every: 10 * exuvia_model::SECOND, ..Settings::default() });
    table.venue.borrow_mut().terse = true;
    table.venue.borrow_mut().silent = true;
    let id = table.limit(3);
    let now = table.now;
    assert_eq!(table.manager().cancel_order(&id, now).unwrap(), OrderStatus::Cancelled);
    table.run(3);
    // The venue books a trade of it afterwards, and says nothing.
    {
        let mut venue = table.venue.borrow_mut();
        let row = venue.rows.get_mut("V0001").unwrap();
        (row.shown.filled, row.shown.average) = (q(1), Some(p("5990")));
        venue.positions.insert("MESZ6".into(), q(1).raw());
    }
    table.run(5);
    assert_eq!(table.held(), q(0));
    table.run(15);
    assert_eq!((table.held(), table.order(&id).state().late()), (q(1), q(1)));
    assert!(table.manager().foreign_positions().is_empty());
}

#[test]
fn an_order_that_ended_with_less_than_its_amount_is_looked_at_once_more() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().terse = true;
    table.venue.borrow_mut().silent = true;
    let id = table.limit(3);
    table.fill(&id, 1, "5990");
    // Another hand sells as much: the position tells nothing.
    let other = table.venue.borrow_mut().by_hand("MESZ6", Side::Sell, q(1));
    table.venue.borrow_mut().fill(&other, q(1), p("5990"));
    let now = table.now;
    assert_eq!(table.manager().cancel_order(&id, now).unwrap(), OrderStatus::Cancelled);
    table.run(2);
    assert_eq!((table.order(&id).state().late(), table.venue.borrow().looks), (q(1), 1));
    table.run(30);
    assert_eq!(table.venue.borrow().looks, 1);
}

#[test]
fn an_order_that_ended_unheard_is_found_to_have_ended() {
    for (status, ours) in [
        (VenueStatus::Cancelled, OrderStatus::Cancelled),
        (VenueStatus::Expired, OrderStatus::Expired),
        (VenueStatus::Rejected, OrderStatus::Rejected),
    ] {
        let mut table = Table::new(Settings::default());
        table.venue.borrow_mut().terse = true;
        table.venue.borrow_mut().silent = true;
        let id = table.limit(3);
        let venue_id = table.order(&id).venue_id().unwrap().to_owned();
        table.venue.borrow_mut().end(&venue_id, status);
        table.run(65);
        assert_eq!(table.status(&id), ours);
    }
}

#[test]
fn an_order_that_the_venue_had_and_does_not_show_stays_in_doubt() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(3);
    let row = table.venue.borrow_mut().rows.remove("V0001").unwrap();
    table.run(200);
    assert_eq!(table.status(&id), OrderStatus::Unknown);
    assert_eq!(table.told("vanished"), [Event::Vanished { client_id: id.clone() }]);
    table.venue.borrow_mut().rows.insert("V0001".into(), row);
    table.run(31);
    assert_eq!(table.status(&id), OrderStatus::Working);
}

#[test]
fn an_order_that_was_given_up_and_lives_is_cancelled_or_told() {
    for revived in [Revived::Cancel, Revived::Tell] {
        let mut table = Table::new(Settings { revived, ..Settings::default() });
        table.venue.borrow_mut().script.push_back(Fate::Late(200 * exuvia_model::SECOND));
        let id = table.limit(2);
        table.run(199);
        assert_eq!(table.status(&id), OrderStatus::Rejected);
        table.run(120);
        let told = table.told("revived");
        assert_eq!(told, [Event::Revived { client_id: id.clone(), venue_id: "V0001".into() }]);
        let there = table.venue.borrow().of(&id).unwrap().shown.status;
        let wanted = if revived == Revived::Cancel { VenueStatus::Cancelled } else { VenueStatus::Working };
        assert_eq!(there, wanted);
    }
}

#[test]
fn a_venue_that_does_not_answer_is_told_once_and_nothing_is_concluded() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(2);
    table.venue.borrow_mut().unreachable = true;
    let now = table.now;
    let error = table.manager().reconcile(now).unwrap_err();
    assert_eq!((error.code(), exuvia_execution::Unreachable(String::new()).code()), ("unreachable", "unreachable"));
    assert!(error.to_string().contains("connection refused; nothing is concluded"), "{error}");
    table.run(200);
    assert_eq!(table.told("unreachable"), [Event::Unreachable { why: "connection refused".into() }]);
    assert_eq!(table.status(&id), OrderStatus::Working);
    let asked = table.venue.borrow().snapshots;
    assert!((4..20).contains(&asked), "{asked}: less and less often");
    table.venue.borrow_mut().unreachable = false;
    table.run(31);
    assert_eq!(table.venue.borrow().snapshots, asked + 1);
}

#[test]
fn terms_that_somebody_changed_are_taken_over_and_amounts_of_linked_orders_set_right() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(2);
    table.venue.borrow_mut().rows.get_mut("V0001").unwrap().shown.limit = Some(p("5000"));
    table.run(70);
    let told = table.told("terms_differ");
    assert_eq!(told, [Event::TermsDiffer { client_id: id.clone(), what: "limit 5000 there, 5990 here".into() }]);
    assert_eq!((table.order(&id).limit(), table.status(&id)), (Some(p("5000")), OrderStatus::Working));
    let now = table.now;
    let stop = exuvia_execution::Pricing::Stop(p("5990"));
    let market = exuvia_execution::Pricing::Market;
    let ids = table.manager().create_bracket_order(&buy(2), market, stop, &[(q(2), p("6010"))], now).unwrap();
    table.run(2);
    let venue_id = table.order(&ids[1]).venue_id().unwrap().to_owned();
    table.venue.borrow_mut().rows.get_mut(&venue_id).unwrap().shown.quantity = q(1);
    table.run(130);
    assert_eq!(table.venue.borrow().rows[&venue_id].shown.quantity, q(2));
}

#[test]
fn a_venue_that_says_no_price_is_asked_for_its_executions() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().silent = true;
    let id = table.limit(2);
    table.fill(&id, 2, "5990");
    table.venue.borrow_mut().rows.get_mut("V0001").unwrap().shown.average = None;
    let executions = std::mem::take(&mut table.venue.borrow_mut().executions);
    table.run(62);
    assert_eq!((table.status(&id), table.held()), (OrderStatus::Working, q(0)));
    table.venue.borrow_mut().executions = executions;
    table.run(10);
    assert_eq!((table.status(&id), table.held()), (OrderStatus::Filled, q(2)));
}
