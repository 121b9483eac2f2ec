//! Doubts: what is not known is looked up, and nothing is sent twice.

use exuvia_execution::{Event, Missing, NotSent, Settings};
use exuvia_model::OrderStatus;

use crate::kit::*;
use crate::venue::Fate;

#[test]
fn an_order_whose_answer_was_lost_is_found_by_its_client_id_and_not_sent_again() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().silent = true;
    table.venue.borrow_mut().script.push_back(Fate::NoAnswer);
    let id = table.limit(2);
    assert_eq!((table.status(&id), table.order(&id).note()), (OrderStatus::Unknown, "time-out"));
    assert_eq!(table.manager().in_doubt().collect::<Vec<_>>(), [id.as_str()]);
    table.pump(1);
    assert_eq!((table.status(&id), table.order(&id).venue_id()), (OrderStatus::Working, Some("V0001")));
    assert_eq!(table.venue.borrow().rows.len(), 1);
    assert_eq!(table.manager().in_doubt().count(), 0);
}

#[test]
fn an_order_that_never_arrived_is_given_up_only_when_the_complete_list_has_lacked_it_long_enough() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().script.push_back(Fate::Lost);
    let id = table.limit(2);
    table.run(59);
    assert_eq!(table.status(&id), OrderStatus::Unknown);
    table.run(32);
    assert_eq!(table.status(&id), OrderStatus::Rejected);
    assert!(table.order(&id).note().contains("complete list lacked it"), "{}", table.order(&id).note());
    assert!(table.venue.borrow().rows.is_empty());
}

#[test]
fn an_order_that_arrives_after_the_time_out_is_found_late() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().script.push_back(Fate::Late(25 * exuvia_model::SECOND));
    let id = table.limit(2);
    table.run(24);
    assert_eq!(table.status(&id), OrderStatus::Unknown);
    table.run(10);
    assert_eq!(table.status(&id), OrderStatus::Working);
    assert_eq!(table.venue.borrow().rows.len(), 1);
}

#[test]
fn what_provably_never_left_is_rejected_unless_it_is_configured_to_be_sent_again() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().script.push_back(Fate::NotSent);
    let id = table.limit(2);
    assert_eq!((table.status(&id), table.order(&id).note()), (OrderStatus::Rejected, "not sent: no connection"));
    table.run(100);
    assert!(table.venue.borrow().rows.is_empty());

    let mut table = Table::new(Settings { not_sent: NotSent::Again(2), ..Settings::default() });
    table.venue.borrow_mut().script.extend([Fate::NotSent, Fate::NotSent]);
    let id = table.limit(2);
    assert_eq!(table.status(&id), OrderStatus::PendingNew);
    table.run(5);
    assert_eq!(table.status(&id), OrderStatus::Working);
    table.venue.borrow_mut().script.extend([Fate::NotSent, Fate::NotSent, Fate::NotSent]);
    let id = table.limit(3);
    table.run(10);
    assert_eq!(table.status(&id), OrderStatus::Rejected);
    assert_eq!(table.venue.borrow().rows.len(), 1);
}

#[test]
fn what_is_missing_is_placed_anew_only_where_that_is_configured_and_so_many_times() {
    let mut table = Table::new(Settings { missing: Missing::PlaceAnew(1), ..Settings::default() });
    table.venue.borrow_mut().script.extend([Fate::Lost, Fate::Lost]);
    let first = table.limit(2);
    table.run(95);
    assert_eq!(table.status(&first), OrderStatus::Rejected);
    let anew = table.told("placed_anew");
    let [Event::PlacedAnew { client_id, anew }] = anew.as_slice() else { panic!("{anew:?}") };
    assert_eq!((client_id, table.status(anew)), (&first, OrderStatus::Unknown));
    table.run(95);
    assert_eq!(table.status(anew), OrderStatus::Rejected);
    assert_eq!(table.manager().desk().orders().len(), 2, "once");
}
