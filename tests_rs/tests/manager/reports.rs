//! What the venue says by itself: late, twice, out of order, of somebody else, or nonsense.

use exuvia_execution::{Event, Heard, Report, Settings, Step, VenueStatus};
use exuvia_model::{OrderStatus, Side, Time};

use crate::kit::*;
use crate::venue::Fate;

/// Puts a report on the stream.
fn say(table: &Table, client_id: Option<&str>, venue_id: Option<&str>, what: Heard) {
    let report = Report {
        client_id: client_id.map(str::to_owned),
        venue_id: venue_id.map(str::to_owned),
        what,
        time: table.now,
    };
    table.venue.borrow_mut().stream.push((table.now, report));
}

fn execution(id: &str, amount: i64, price: &str) -> Heard {
    Heard::Execution { id: id.into(), quantity: q(amount), price: p(price), fee: None, last: false }
}

fn why(table: &mut Table) -> String {
    let told = table.told("unusable");
    let [Event::Unusable { what, why }] = told.as_slice() else { panic!("{told:?}") };
    format!("{what}: {why}")
}

#[test]
fn a_repeated_execution_is_counted_once_whether_it_comes_by_stream_or_by_snapshot() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(3);
    table.fill(&id, 2, "5990");
    say(&table, None, Some("V0001"), execution("E0001", 2, "5990"));
    table.pump(1);
    let now = table.now;
    table.manager().reconcile(now).unwrap();
    assert_eq!((table.order(&id).state().filled(), table.held()), (q(2), q(2)));
    assert!(table.codes().contains(&"repeated"));
}

#[test]
fn an_execution_that_comes_before_the_answer_waits_until_its_order_is_known() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().silent = true;
    table.venue.borrow_mut().script.push_back(Fate::NoAnswer);
    let id = table.limit(3);
    say(&table, None, Some("V0001"), execution("E9", 1, "5990"));
    let now = table.now;
    table.manager().pump(now).unwrap();
    assert_eq!((table.status(&id), table.held()), (OrderStatus::Unknown, q(0)));
    table.pump(1);
    assert_eq!((table.status(&id), table.held()), (OrderStatus::PartiallyFilled, q(1)));
}

#[test]
fn an_execution_with_both_ids_says_that_the_venue_has_the_order() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().silent = true;
    table.venue.borrow_mut().script.push_back(Fate::NoAnswer);
    let id = table.limit(3);
    say(&table, Some(&id), Some("V0001"), execution("E9", 1, "5990"));
    let now = table.now;
    table.manager().pump(now).unwrap();
    assert_eq!((table.order(&id).venue_id(), table.status(&id)), (Some("V0001"), OrderStatus::PartiallyFilled));
}

#[test]
fn an_execution_beyond_the_amount_is_counted_only_when_the_venue_confirms_it() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(2);
    say(&table, Some(&id), None, execution("E9", 3, "5990"));
    table.pump(1);
    assert_eq!((table.status(&id), table.held()), (OrderStatus::Working, q(0)), "the venue does not confirm it");
    assert!(why(&mut table).contains("is more than its 2"));
    let id = table.limit(2);
    {
        let mut venue = table.venue.borrow_mut();
        let row = venue.rows.get_mut("V0002").unwrap();
        (row.shown.filled, row.shown.average, row.shown.status) = (q(3), Some(p("5990")), VenueStatus::Filled);
    }
    say(&table, Some(&id), None, execution("E10", 3, "5990"));
    table.pump(1);
    assert_eq!((table.status(&id), table.held()), (OrderStatus::Filled, q(3)));
    assert!(table.codes().contains(&"overfill"));
}

#[test]
fn totals_count_what_is_new_of_them() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(4);
    for (filled, last) in [(1, false), (3, false), (1, false), (4, true)] {
        say(&table, Some(&id), None, Heard::Total { filled: q(filled), average: p("5990"), last });
    }
    table.pump(1);
    assert_eq!((table.status(&id), table.held()), (OrderStatus::Filled, q(4)));
}

#[test]
fn nonsense_is_told_and_changes_nothing() {
    let mut table = Table::new(Settings::default());
    let (one, two) = (table.limit(1), table.limit(2));
    table.pump(1);
    table.codes();
    say(&table, Some(&one), Some("V0002"), Heard::Step(Step::Cancelled("x".into())));
    table.pump(1);
    assert!(why(&mut table).contains("it names EX-trend-000001 with the venue id of EX-trend-000002"));
    say(&table, Some("somebody"), Some("V0002"), Heard::Step(Step::Cancelled("x".into())));
    table.pump(1);
    assert!(why(&mut table).contains("another client id"));
    say(&table, Some(&one), None, Heard::Step(Step::Sent));
    table.pump(1);
    assert!(why(&mut table).contains("a venue does not say that"));
    say(&table, Some(&one), None, execution("E9", 0, "5990"));
    table.pump(1);
    assert!(why(&mut table).contains("not positive"));
    say(&table, Some(&one), None, Heard::Trailed(p("5980")));
    table.pump(1);
    assert!(why(&mut table).contains("only the stop of a TrailingStop moves"));
    say(&table, Some("somebody"), None, execution("E9", 1, "5990"));
    table.pump(1);
    assert!(table.told("unusable").is_empty());
    assert_eq!(
        (table.status(&one), table.status(&two), table.held()),
        (OrderStatus::Working, OrderStatus::Working, q(0))
    );
}

#[test]
fn a_second_order_of_one_client_id_is_told_once_and_not_booked() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(2);
    table.pump(1);
    table.codes();
    for _ in 0..2 {
        say(&table, Some(&id), Some("V0099"), execution("E9", 1, "5990"));
        table.pump(1);
    }
    let told = table.told("doubled");
    assert_eq!(told, [Event::Doubled { client_id: id.clone(), ours: "V0001".into(), other: "V0099".into() }]);
    assert_eq!(table.held(), q(0));
}

#[test]
fn an_order_as_the_venue_shows_it_is_taken_like_any_report() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(2);
    let mut shown = table.venue.borrow().of(&id).unwrap().shown.clone();
    shown.status = VenueStatus::Unclear;
    say(&table, None, None, Heard::Order(shown.clone()));
    table.pump(1);
    assert_eq!(table.status(&id), OrderStatus::Working);
    shown.status = VenueStatus::Expired;
    let other = exuvia_execution::VenueOrder { side: Side::Sell, ..shown.clone() };
    say(&table, None, None, Heard::Order(other));
    table.pump(1);
    assert!(why(&mut table).contains("it is a Sell of MESZ6 there and a Buy of MESZ6 here"));
    say(&table, None, None, Heard::Order(shown));
    table.pump(1);
    assert_eq!(table.status(&id), OrderStatus::Expired);
}

#[test]
fn a_gap_in_the_stream_is_followed_by_a_comparison() {
    let mut table = Table::new(Settings::default());
    let before = table.venue.borrow().snapshots;
    table.pump(1);
    assert_eq!(table.venue.borrow().snapshots, before);
    say(&table, None, None, Heard::Gap("reconnected".into()));
    table.pump(1);
    assert_eq!(table.venue.borrow().snapshots, before + 1);
    assert_eq!(table.told("gap"), [Event::Gap { why: "reconnected".into() }]);
}

#[test]
fn a_flood_of_reports_is_worked_off_in_bounded_parts() {
    let mut table = Table::new(Settings { reports: 10, ..Settings::default() });
    let id = table.limit(100);
    for number in 0..24 {
        say(&table, Some(&id), None, execution(&format!("F{number}"), 1, "5990"));
    }
    let now = Time(table.now.0 + 1);
    let pumped = table.manager().pump(now).unwrap();
    assert_eq!((pumped.reports, pumped.waiting), (10, 15));
    table.manager().pump(now).unwrap();
    assert_eq!(table.manager().pump(now).unwrap().waiting, 0);
    assert_eq!(table.held(), q(24));
}

#[test]
fn events_that_nobody_takes_are_dropped_and_counted() {
    let mut table = Table::new(Settings { notices: 3, ..Settings::default() });
    for _ in 0..3 {
        table.limit(1);
    }
    let dropped = table.manager().dropped();
    assert!(dropped > 0);
    assert_eq!(table.codes().len(), 3);
}
