//! What callers ask for, and what they are told when it cannot be.

use exuvia_execution::{Event, ManageError, NewTerms, Pricing, Scope, Settings, Shelf};
use exuvia_model::{OrderStatus, Side, Trail};

use crate::kit::*;
use crate::venue::Fate;

fn everything() -> Scope {
    Scope::default()
}

#[test]
fn each_kind_of_order_reaches_the_venue_with_its_prices() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    let manager = table.manager();
    let market = manager.place_market_order(&buy(1), now).unwrap();
    let limit = manager.place_limit_order(&buy(1), p("5990"), now).unwrap();
    let stop = manager.place_stop_order(&buy(1), p("6010"), now).unwrap();
    let stop_limit = manager.place_stop_limit_order(&buy(1), p("6010"), p("6011"), now).unwrap();
    let prices = |id: &str| {
        let venue = table.venue.borrow();
        let shown = &venue.of(id).unwrap().shown;
        (shown.limit, shown.stop)
    };
    assert_eq!(prices(&market), (None, None));
    assert_eq!(prices(&limit), (Some(p("5990")), None));
    assert_eq!(prices(&stop), (None, Some(p("6010"))));
    assert_eq!(prices(&stop_limit), (Some(p("6011")), Some(p("6010"))));
    table.pump(1);
    assert_eq!(table.status(&market), OrderStatus::Filled);
    assert_eq!(table.held(), q(1));
    let manager = table.manager();
    let ids = |shelf| manager.view(shelf).map(|order| order.client_id().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        (ids(Shelf::Pending).len(), ids(Shelf::Active), ids(Shelf::Terminal)),
        (0, vec![limit, stop, stop_limit], vec![market])
    );
}

#[test]
fn a_type_that_the_venue_does_not_take_is_refused_before_it_is_on_record() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    let error = table.manager().place_trailing_stop_order(&buy(1), Trail::Ticks(8), None, now).unwrap_err();
    assert_eq!(error.code(), "unsupported");
    assert!(
        error.to_string().contains("takes no TrailingStop orders: use one of Market, Limit, Stop, StopLimit"),
        "{error}"
    );
    assert!(table.manager().desk().orders().is_empty());
}

#[test]
fn nothing_is_taken_before_the_venue_was_seen() {
    let mut table = Table::new(Settings::default());
    table.crash();
    let now = table.now;
    for error in [
        table.manager().place_market_order(&buy(1), now).unwrap_err(),
        table.manager().flatten(&everything(), now).unwrap_err(),
    ] {
        assert_eq!(error.code(), "not_reconciled");
        assert!(error.to_string().contains("call reconcile"), "{error}");
    }
    table.pump(1);
    assert!(table.manager().reconciled().is_some());
    let now = table.now;
    table.manager().place_market_order(&buy(1), now).unwrap();
}

#[test]
fn what_the_checks_refuse_is_on_record_and_never_sent() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    let error = table.manager().place_market_order(&buy(101), now).unwrap_err();
    let ManageError::Refused { client_id, code, words } = &error else { panic!("{error}") };
    assert_eq!((client_id.as_str(), *code, words.as_str()), ("EX-trend-000001", "size", "101 > 100"));
    assert!(error.to_string().contains("refused before it was sent, by size: 101 > 100"), "{error}");
    assert_eq!((error.code(), table.order(client_id).note()), ("refused", "size: 101 > 100"));
    table.manager().checks_mut().closed = Some("send");
    let error = table.manager().place_market_order(&buy(1), now).unwrap_err();
    assert_eq!(error.code(), "refused");
    assert_eq!(
        (table.status("EX-trend-000002"), table.order("EX-trend-000002").note()),
        (OrderStatus::Cancelled, "closed: no send of 1 today")
    );
    assert!(table.venue.borrow().rows.is_empty());
}

#[test]
fn one_refused_order_of_a_bracket_withdraws_the_others() {
    let mut table = Table::new(Settings::default());
    table.manager().checks_mut().closed = Some("order");
    let now = table.now;
    let stop = Pricing::Stop(p("5990"));
    let error =
        table.manager().create_bracket_order(&buy(2), Pricing::Market, stop, &[(q(2), p("6010"))], now).unwrap_err();
    assert_eq!(error.code(), "refused");
    let states: Vec<_> = table.manager().desk().orders().iter().map(|order| order.status()).collect();
    assert_eq!(states, [OrderStatus::Rejected, OrderStatus::Cancelled, OrderStatus::Cancelled]);
    assert!(table.venue.borrow().rows.is_empty());
}

#[test]
fn a_bracket_protects_what_was_entered_and_ends_with_its_exit() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    let (entry, stop) = (Pricing::Limit(p("6000")), Pricing::Stop(p("5990")));
    let targets = [(q(2), p("6010")), (q(2), p("6020"))];
    let ids = table.manager().create_bracket_order(&buy(4), entry, stop, &targets, now).unwrap();
    let [entry, stop, near, far] = ids.as_slice() else { panic!("{ids:?}") };
    assert_eq!(table.venue.borrow().rows.len(), 1, "the exits wait");
    table.fill(entry, 3, "6000");
    table.run(2);
    let amount = |id: &str| table.venue.borrow().of(id).map(|row| row.shown.quantity);
    assert_eq!((amount(stop), amount(near), amount(far)), (Some(q(3)), Some(q(2)), Some(q(1))));
    table.fill(entry, 1, "6000");
    table.run(2);
    let amount = |id: &str| table.venue.borrow().of(id).map(|row| row.shown.quantity);
    assert_eq!((amount(stop), amount(far)), (Some(q(4)), Some(q(2))));
    table.fill(near, 2, "6010");
    table.run(2);
    assert_eq!(table.venue.borrow().of(stop).unwrap().shown.quantity, q(2));
    table.fill(stop, 2, "5990");
    table.run(2);
    let states: Vec<_> = ids.iter().map(|id| table.status(id)).collect();
    assert_eq!(states, [OrderStatus::Filled, OrderStatus::Filled, OrderStatus::Filled, OrderStatus::Cancelled]);
    assert_eq!(table.held(), q(0));
}

#[test]
fn a_bracket_whose_stop_is_refused_is_told_as_unprotected_once() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    let stop = Pricing::Stop(p("5990"));
    let ids = table.manager().create_bracket_order(&buy(2), Pricing::Market, stop, &[(q(2), p("6010"))], now).unwrap();
    table.venue.borrow_mut().script.push_back(Fate::Refused("no stops today"));
    table.run(3);
    let told = table.told("unprotected");
    assert_eq!(told, [Event::Unprotected { client_id: ids[0].clone(), quantity: q(2) }]);
}

#[test]
fn terms_are_changed_at_the_venue_and_a_refused_change_leaves_them() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(2);
    let now = table.now;
    let new = NewTerms { quantity: Some(q(3)), limit: Some(p("5991")), stop: None };
    assert_eq!(table.manager().modify_order(&id, new, now).unwrap(), OrderStatus::Working);
    assert_eq!((table.order(&id).limit(), table.order(&id).state().quantity()), (Some(p("5991")), q(3)));
    let new = NewTerms { limit: Some(p("5992")), ..NewTerms::default() };
    for fate in [Fate::Refused("too fast"), Fate::NotSent] {
        table.venue.borrow_mut().script.push_back(fate);
        assert_eq!(table.manager().modify_order(&id, new, now).unwrap(), OrderStatus::Working);
        assert_eq!(table.order(&id).limit(), Some(p("5991")));
    }
    assert_eq!(table.told("not_done").len(), 2);
    table.manager().checks_mut().closed = Some("change");
    assert_eq!(table.manager().modify_order(&id, new, now).unwrap_err().code(), "refused");
    table.manager().checks_mut().closed = None;
    let error = table.manager().modify_order(&id, NewTerms { limit: Some(p("5992.1")), ..new }, now).unwrap_err();
    assert_eq!(error.code(), "off_tick");
    assert_eq!(table.venue.borrow().of(&id).unwrap().shown.limit, Some(p("5991")));
}

#[test]
fn a_filled_order_is_neither_changed_nor_cancelled_and_the_error_names_both_states() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    let id = table.manager().place_market_order(&buy(2), now).unwrap();
    table.pump(1);
    let now = table.now;
    let error =
        table.manager().modify_order(&id, NewTerms { limit: Some(p("5990")), ..NewTerms::default() }, now).unwrap_err();
    assert!(error.to_string().contains("cannot go from filled to pending_replace"), "{error}");
    let error = table.manager().cancel_order(&id, now).unwrap_err();
    assert!(error.to_string().contains("cannot go from filled to pending_cancel"), "{error}");
    assert_eq!(table.manager().cancel_order("EX-trend-000009", now).unwrap_err().code(), "no_such_order");
}

#[test]
fn an_amount_that_others_hang_on_is_not_changed_by_hand_but_a_price_is() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    let stop = Pricing::Stop(p("5990"));
    let ids = table.manager().create_bracket_order(&buy(2), Pricing::Market, stop, &[(q(2), p("6010"))], now).unwrap();
    table.run(2);
    let now = table.now;
    let error = table
        .manager()
        .modify_order(&ids[1], NewTerms { quantity: Some(q(1)), ..NewTerms::default() }, now)
        .unwrap_err();
    assert_eq!(error.code(), "linked");
    let new = NewTerms { stop: Some(p("5995")), ..NewTerms::default() };
    assert_eq!(table.manager().modify_order(&ids[1], new, now).unwrap(), OrderStatus::Working);
    assert_eq!(table.venue.borrow().of(&ids[1]).unwrap().shown.stop, Some(p("5995")));
}

#[test]
fn a_cancel_that_crosses_a_fill_loses_nothing() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(2);
    table.fill(&id, 2, "5990");
    let now = table.now;
    // The fill is not heard yet; the venue refuses the cancel.
    assert_eq!(table.manager().cancel_order(&id, now).unwrap(), OrderStatus::Working);
    table.pump(1);
    assert_eq!((table.status(&id), table.held()), (OrderStatus::Filled, q(2)));
    let id = table.limit(3);
    table.fill(&id, 1, "5990");
    let now = table.now;
    assert_eq!(table.manager().cancel_order(&id, now).unwrap(), OrderStatus::Cancelled);
    table.pump(1);
    assert_eq!((table.order(&id).state().filled(), table.order(&id).state().late(), table.held()), (q(1), q(1), q(3)));
}

#[test]
fn a_cancel_without_an_answer_is_asked_for_again_and_told_when_it_is_in_vain() {
    let mut table = Table::new(Settings::default());
    let id = table.limit(2);
    let now = table.now;
    table.venue.borrow_mut().script.extend([Fate::Lost, Fate::NotSent]);
    assert_eq!(table.manager().cancel_order(&id, now).unwrap(), OrderStatus::Unknown);
    table.run(30);
    assert_eq!(table.status(&id), OrderStatus::Cancelled);
    let id = table.limit(2);
    let now = table.now;
    table.venue.borrow_mut().script.extend([Fate::NotSent, Fate::NotSent, Fate::NotSent]);
    assert_eq!(table.manager().cancel_order(&id, now).unwrap(), OrderStatus::Working);
    table.run(30);
    assert_eq!(table.status(&id), OrderStatus::Working);
    assert_eq!(table.told("not_done").len(), 1);
}

#[test]
fn an_order_in_doubt_is_cancelled_as_soon_as_the_venues_id_is_known() {
    let mut table = Table::new(Settings::default());
    table.venue.borrow_mut().silent = true;
    table.venue.borrow_mut().script.push_back(Fate::NoAnswer);
    let id = table.limit(2);
    let now = table.now;
    assert_eq!(table.manager().cancel_order(&id, now).unwrap(), OrderStatus::Unknown);
    let error = table.manager().modify_order(&id, NewTerms::default(), now).unwrap_err();
    assert_eq!(error.code(), "forbidden_step");
    table.run(2);
    assert_eq!(table.status(&id), OrderStatus::Cancelled);
}

#[test]
fn all_orders_of_a_scope_are_taken_back_a_bounded_number_at_a_time() {
    let mut table = Table::new(Settings { requests: 2, ..Settings::default() });
    let ids: Vec<String> = (0..5).map(|_| table.limit(1)).collect();
    let now = table.now;
    let other = Scope { scenario: Some("carry".into()), instrument: None };
    assert!(table.manager().cancel_all(&other, now).unwrap().is_empty());
    let unlisted = Scope { scenario: None, instrument: Some("ESZ6".into()) };
    assert_eq!(table.manager().cancel_all(&unlisted, now).unwrap_err().code(), "unlisted");
    let scope = Scope { scenario: Some("trend".into()), instrument: Some("MESZ6".into()) };
    assert_eq!(table.manager().cancel_all(&scope, now).unwrap(), ids);
    let ended = |table: &Table| ids.iter().filter(|id| table.status(id) == OrderStatus::Cancelled).count();
    assert_eq!(ended(&table), 2);
    table.pump(1);
    assert_eq!(ended(&table), 4);
    table.pump(1);
    assert_eq!(ended(&table), 5);
}

#[test]
fn flattening_takes_the_orders_back_and_then_closes_what_is_held() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    let stop = Pricing::Stop(p("5990"));
    table.manager().create_bracket_order(&buy(3), Pricing::Market, stop, &[(q(3), p("6010"))], now).unwrap();
    table.run(2);
    let now = table.now;
    let meant = table.manager().flatten(&everything(), now).unwrap();
    assert_eq!(meant, [("trend".to_owned(), "MESZ6".to_owned())]);
    table.run(5);
    assert_eq!((table.held(), table.venue.borrow().positions["MESZ6"]), (q(0), 0));
    let open = table.venue.borrow().rows.values().filter(|row| !row.shown.status.is_terminal()).count();
    assert_eq!(open, 0);
    let orders = table.manager().desk().orders().len();
    table.run(5);
    assert_eq!(table.manager().desk().orders().len(), orders, "flat is flat");
}

#[test]
fn a_short_position_is_bought_back_and_orders_placed_meanwhile_are_taken_back() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    let sell = exuvia_execution::Ticket { side: Side::Sell, ..buy(2) };
    table.manager().place_market_order(&sell, now).unwrap();
    table.pump(1);
    let now = table.now;
    table.venue.borrow_mut().script.push_back(Fate::Lost);
    table.manager().flatten(&everything(), now).unwrap();
    let meanwhile = table.limit(1);
    table.run(120);
    assert_eq!((table.held(), table.status(&meanwhile)), (q(0), OrderStatus::Cancelled));
}

#[test]
fn a_flattening_that_is_refused_is_told_and_not_repeated() {
    let mut table = Table::new(Settings::default());
    let now = table.now;
    table.manager().place_market_order(&buy(2), now).unwrap();
    table.pump(1);
    table.codes();
    let now = table.now;
    table.manager().checks_mut().closed = Some("order");
    table.manager().flatten(&everything(), now).unwrap();
    table.run(5);
    assert_eq!(table.told("not_done").len(), 1);
    table.manager().checks_mut().closed = None;
    table.venue.borrow_mut().script.extend([Fate::Refused("a"), Fate::Refused("b"), Fate::Refused("c")]);
    let now = table.now;
    table.manager().flatten(&everything(), now).unwrap();
    table.run(20);
    let told = table.told("not_done");
    let [Event::NotDone { client_id, what, why }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        (client_id.as_str(), *what, why.as_str()),
        ("MESZ6", "flatten", "2 of scenario \"trend\" are still held after 3 orders")
    );
    assert_eq!(table.held(), q(2));
}
