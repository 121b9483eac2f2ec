//! Ends and beginnings: crashes, a broker that breaks, a disk that fails, two managers, a clock that goes back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use exuvia_execution::{DurableDesk, Event, Pricing, Settings};
use exuvia_model::{OrderStatus, SECOND, Time};
use exuvia_ports::{SimFault, Survives};

use crate::kit::*;
use crate::venue::Fate;

#[test]
fn after_a_crash_between_intent_and_answer_the_order_is_looked_up_and_not_sent_again() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().script.push_back(Fate::Panic);
    let now = table.now;
    let broke = catch_unwind(AssertUnwindSafe(|| table.manager().place_limit_order(&buy(2), p("5990"), now)));
    assert!(broke.is_err());
    let id = "EX-trend-000001";
    assert_eq!((table.status(id), table.order(id).note()), (OrderStatus::Unknown, "the broker panicked"));
    let why = "the broker panicked over EX-trend-000001";
    assert_eq!(table.manager().halted(), Some(why));
    let error = table.manager().place_limit_order(&buy(2), p("5990"), now).unwrap_err();
    assert_eq!(error.code(), "halted");
    assert!(error.to_string().contains(why), "{error}");
    assert_eq!(table.manager().pump(now).unwrap_err().code(), "halted");
    table.crash();
    table.run(100);
    assert_eq!(table.status(id), OrderStatus::Rejected);
    assert!(table.venue.borrow().rows.is_empty());
}

#[test]
fn what_was_not_sent_when_the_process_ended_is_withdrawn_and_exits_of_what_was_sent_stay() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    let stop = Pricing::Stop(p("5980"));
    let ids = table
        .manager()
        .create_bracket_order(&buy(2), Pricing::Limit(p("5990")), stop, &[(q(2), p("6010"))], now)
        .unwrap();
    table.manager = None;
    let (mut desk, _) = DurableDesk::open(&table.files, &path(), &opening(now)).unwrap();
    let intent = desk.desk().find(&ids[0]).unwrap().intent().clone();
    let unsent = desk.intend(exuvia_execution::Link::Single, vec![intent]).unwrap().remove(0);
    drop(desk);
    table.start();
    assert_eq!(table.order(&unsent).note(), "the process ended before it was sent");
    assert_eq!((table.status(&ids[0]), table.status(&ids[1])), (OrderStatus::Working, OrderStatus::Checked));
    table.fill(&ids[0], 2, "5990");
    table.run(3);
    assert_eq!(table.status(&ids[1]), OrderStatus::Working);
}

#[test]
fn a_cancel_under_way_when_the_process_ended_is_seen_through() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(2);
    let now = table.now;
    table.venue.borrow_mut().script.push_back(Fate::Lost);
    table.manager().cancel_order(&id, now).unwrap();
    table.crash();
    table.run(30);
    assert_eq!(table.status(&id), OrderStatus::Cancelled);
}

#[test]
fn two_managers_cannot_have_one_journal() {
    let table = Table::new(Settings::default());
    let error = DurableDesk::open(&table.files, &path(), &opening(table.now)).unwrap_err();
    assert_eq!(error.code(), "journal_locked");
    assert!(error.to_string().contains("desk 1"), "{error}");
}

#[test]
fn a_journal_that_fails_halts_the_manager_before_anything_leaves() {
    let mut table = Table::new(Settings::default());
    table.files.fault_at(table.files.operations(), SimFault::Error);
    let now = table.now;
    assert!(table.manager().place_limit_order(&buy(2), p("5990"), now).is_err());
    assert!(table.venue.borrow().rows.is_empty());
    assert!(table.manager().halted().is_some());
    assert_eq!(table.manager().pump(now).unwrap_err().code(), "halted");
    table.manager = None;
    table.files.power_on(Survives::Everything);
    table.start();
    table.manager().list(mes()).unwrap();
    table.run(1);
    table.limit(2);
    assert_eq!(table.venue.borrow().rows.len(), 1);
}

#[test]
fn a_clock_that_goes_back_is_told_and_waits_go_on() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().script.push_back(Fate::Late(30 * SECOND));
    let id = table.limit(2);
    table.now = Time(table.now.0 - 500 * SECOND);
    table.pump(0);
    assert_eq!(table.told("clock_back"), [Event::ClockBack { by: 500 * SECOND }]);
    let looks = table.venue.borrow().looks;
    table.run(20);
    assert!(table.venue.borrow().looks > looks + 2, "time passes all the same");
    table.run(530);
    assert_eq!(table.venue.borrow().rows.len(), 1);
    table.run(60);
    let there = table.venue.borrow().of(&id).unwrap().shown.status;
    assert!(table.status(&id).is_terminal() && there.is_terminal(), "{} here and {there:?} there", table.status(&id));
}

#[test]
fn a_desk_comes_back_from_its_manager() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(2);
    let manager = table.manager.take().unwrap();
    assert!(manager.broker().0.borrow().of(&id).is_some());
    assert_eq!(manager.into_desk().desk().find(&id).unwrap().status(), OrderStatus::Working);
}
