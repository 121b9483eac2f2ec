//! What a venue cannot do, and answers that cannot be.

use exuvia_execution::{Heard, Missing, NewTerms, NotSent, Pricing, Report, Settings, Step};
use exuvia_model::OrderStatus;

use crate::kit::*;
use crate::venue::Fate;

#[test]
fn a_venue_that_changes_nothing_in_place_says_so_and_linked_orders_are_told() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().rigid = true;
    let id = table.limit(2);
    let now = table.now;
    let error =
        table.manager().modify_order(&id, NewTerms { limit: Some(p("5991")), ..NewTerms::default() }, now).unwrap_err();
    assert_eq!(error.code(), "no_replace");
    assert!(error.to_string().contains("cancel it and place another"), "{error}");
    let stop = Pricing::Stop(p("5980"));
    let ids = table
        .manager()
        .create_bracket_order(&buy(3), Pricing::Limit(p("5990")), stop, &[(q(3), p("6010"))], now)
        .unwrap();
    table.fill(&ids[0], 1, "5990");
    table.run(2);
    table.fill(&ids[0], 1, "5990");
    table.run(60);
    assert_eq!(table.venue.borrow().of(&ids[1]).unwrap().shown.quantity, q(1));
    let told = table.told("not_done");
    assert_eq!(told.len(), 2, "once for each exit: {told:?}");
}

#[test]
fn an_order_without_the_venues_id_cannot_be_changed_yet() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().silent = true;
    table.venue.borrow_mut().script.push_back(Fate::NoAnswer);
    table.venue.borrow_mut().unreachable = true;
    let id = table.limit(2);
    let what = Heard::Step(Step::Accepted(None));
    let report = Report { client_id: Some(id.clone()), venue_id: None, what, time: table.now };
    table.venue.borrow_mut().stream.push((table.now, report));
    table.pump(1);
    assert_eq!((table.status(&id), table.order(&id).venue_id()), (OrderStatus::Working, None));
    let now = table.now;
    let error =
        table.manager().modify_order(&id, NewTerms { limit: Some(p("5991")), ..NewTerms::default() }, now).unwrap_err();
    assert_eq!(error.code(), "not_at_venue");
    assert!(error.to_string().contains("is working and the venue's id of it is not known yet"), "{error}");
}

#[test]
fn an_accepted_order_without_an_id_or_with_that_of_another_is_in_doubt() {
    for (named, note) in [
        ("", "the venue accepted it without an id"),
        ("V0001", "the venue accepted it as V0001, which is EX-trend-000001"),
    ] {
        let mut table = Table::new(Settings::default());
        table.limit(1);
        table.venue.borrow_mut().named = Some(named.to_owned());
        let id = table.limit(2);
        assert_eq!((table.status(&id), table.order(&id).note()), (OrderStatus::Unknown, note));
        table.run(2);
        assert_eq!((table.status(&id), table.order(&id).venue_id()), (OrderStatus::Working, Some("V0002")));
    }
}

#[test]
fn an_order_that_waits_to_be_sent_again_is_cancelled_or_refused_without_leaving() {
    let mut table = Table::new(Settings { not_sent: NotSent::Again(5), ..Settings::default() });
    table.venue.borrow_mut().script.push_back(Fate::NotSent);
    let id = table.limit(2);
    let now = table.now;
    assert_eq!(table.manager().cancel_order(&id, now).unwrap(), OrderStatus::Rejected);
    assert_eq!(table.order(&id).note(), "cancelled before it was sent");
    table.venue.borrow_mut().script.push_back(Fate::NotSent);
    let id = table.limit(2);
    table.manager().checks_mut().closed = Some("send");
    table.run(2);
    assert_eq!(table.order(&id).note(), "not sent; closed: no send of 2 today");
    assert!(table.venue.borrow().rows.is_empty());
}

#[test]
fn an_order_sent_again_into_a_doubt_is_looked_up_like_any_other() {
    let mut table = Table::new(Settings { not_sent: NotSent::Again(5), ..Settings::default() });
    table.venue.borrow_mut().silent = true;
    table.venue.borrow_mut().script.extend([Fate::NotSent, Fate::NoAnswer]);
    let id = table.limit(2);
    table.run(5);
    assert_eq!(table.status(&id), OrderStatus::Working);
    assert_eq!(table.venue.borrow().rows.len(), 1);
}

#[test]
fn what_the_checks_refuse_is_not_placed_anew() {
    let mut table = Table::new(Settings { missing: Missing::PlaceAnew(3), ..Settings::default() });
    table.venue.borrow_mut().script.push_back(Fate::Lost);
    let id = table.limit(2);
    table.manager().checks_mut().closed = Some("order");
    table.run(95);
    assert_eq!(table.status(&id), OrderStatus::Rejected);
    assert_eq!(table.status("EX-trend-000002"), OrderStatus::Rejected);
    assert!(table.told("placed_anew").is_empty() && table.venue.borrow().rows.is_empty());
}

#[test]
fn a_broker_is_set_up_through_its_manager() {
    let mut table = Table::new(Settings::default());
    table.manager().broker_mut().0.borrow_mut().rigid = true;
    assert!(table.venue.borrow().rigid);
}
