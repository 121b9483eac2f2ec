//! Orders step by step: what we want and cannot be is an error, what the venue says and cannot be is told.

use exuvia_execution::{Amendment, Change, Link, Notice, Step};
use exuvia_model::{OrderStatus, Side};

use crate::kit::*;

#[test]
fn ids_go_on_by_number_and_are_the_same_on_every_run() {
    let mut desk = desk();
    assert_eq!(want(&mut desk, Link::Single, vec![market(Side::Buy, 1)]), ["EX-trend-000001"]);
    let fade = exuvia_model::OrderIntent { scenario: "fade".into(), ..market(Side::Sell, 2) };
    assert_eq!(want(&mut desk, Link::Single, vec![fade]), ["EX-fade-000002"]);
    assert_eq!(desk.counter(), 2);
    let again = desk.intend(Link::Single, vec![market(Side::Buy, 1)]).unwrap();
    assert_eq!(again, desk.intend(Link::Single, vec![market(Side::Buy, 1)]).unwrap(), "asking uses no number");
    let mut later = exuvia_execution::Desk::default();
    later.apply(&Change::Opened { prefix: "EX".into(), counter: 41 }).unwrap();
    later.apply(&Change::Listed(mes())).unwrap();
    assert_eq!(
        want(&mut later, Link::Single, vec![market(Side::Buy, 1)]),
        ["EX-trend-000042"],
        "a new journal goes on"
    );
}

#[test]
fn only_an_order_whose_sending_is_on_record_is_handed_out() {
    let mut desk = desk();
    let id = want(&mut desk, Link::Single, vec![market(Side::Buy, 1)]).remove(0);
    assert!(desk.to_send(&id).is_none());
    step(&mut desk, &id, Step::Passed);
    assert!(desk.to_send(&id).is_none() && desk.in_flight().count() == 0);
    step(&mut desk, &id, Step::Sent);
    assert_eq!(desk.to_send(&id).unwrap().order().client_id(), id);
    assert_eq!(desk.in_flight().map(|order| order.client_id()).collect::<Vec<_>>(), [&id]);
    step(&mut desk, &id, Step::Lost("time-out".into()));
    assert!(
        desk.to_send(&id).is_none() && desk.to_send("EX-nobody-000009").is_none(),
        "what is in doubt is never sent again"
    );
    assert_eq!(desk.find(&id).unwrap().note(), "time-out");
}

#[test]
fn what_we_want_and_cannot_be_is_an_error_that_names_both_states() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    executed(&mut desk, fill(&id, "e1", 5, "6000"));
    assert_eq!(
        desk.find(&id).unwrap().status(),
        OrderStatus::Filled,
        "the sum says so, though no report called it the last"
    );
    let terms = Amendment { quantity: q(6), limit: None, stop: None };
    let (code, text) = refused(&mut desk, &stepped(&id, Step::ReplaceSent(terms)));
    assert_eq!(code, "forbidden_step");
    assert!(text.contains(&id) && text.contains("from filled to pending_replace"), "{text}");
    let (code, text) = refused(&mut desk, &stepped(&id, Step::CancelSent));
    assert!(code == "forbidden_step" && text.contains("from filled to pending_cancel"), "{text}");
    assert_eq!(refused(&mut desk, &stepped("EX-x-000007", Step::Sent)).0, "no_such_order");
    let unsent = want(&mut desk, Link::Single, vec![market(Side::Buy, 1)]).remove(0);
    assert_eq!(
        refused(&mut desk, &stepped(&unsent, Step::Accepted(None))).0,
        "forbidden_step",
        "nobody can know of it"
    );
}

#[test]
fn what_a_venue_says_late_twice_or_out_of_order_is_told_and_changes_nothing() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    let again = step(&mut desk, &id, Step::Accepted(Some(format!("V-{id}"))));
    assert!(!again.changed && again.notices.is_empty(), "the same news again are no news");
    step(&mut desk, &id, Step::CancelSent);
    executed(&mut desk, fill(&id, "e1", 5, "6000"));
    let before = desk.clone();
    let steps = [
        Step::CancelRefused("too late".into()),
        Step::Cancelled("done".into()),
        Step::Accepted(None),
        Step::Replaced,
        Step::ReplaceRefused("no".into()),
        Step::Expired,
        Step::Refused("no".into()),
        Step::Lost("reset".into()),
    ];
    for said in steps {
        let outcome = step(&mut desk, &id, said.clone());
        assert_eq!(codes(&outcome), ["stale"]);
        let [Notice::Stale { client_id, why }] = outcome.notices.as_slice() else { panic!("{said:?}: {outcome:?}") };
        assert!(!outcome.changed && *client_id == id && why.to_string().contains("from filled to "), "{why}");
    }
    assert_eq!(desk, before);
}

#[test]
fn a_second_id_of_the_venue_for_one_order_is_refused_loudly() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    let (code, text) = refused(&mut desk, &stepped(&id, Step::Accepted(Some("V-2".into()))));
    assert_eq!(code, "contradiction");
    assert!(text.contains("venue id V-2") && text.contains(&format!("V-{id}")), "{text}");
    assert_eq!(desk.find(&id).unwrap().venue_id(), Some(format!("V-{id}").as_str()));
    assert_eq!(desk.find(&id).unwrap().placed(), Some(NOW));
}

#[test]
fn new_terms_hold_once_the_venue_has_taken_them() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    let terms = Amendment { quantity: q(8), limit: Some(p("6001.25")), stop: None };
    step(&mut desk, &id, Step::ReplaceSent(terms));
    let order = desk.find(&id).unwrap();
    assert_eq!(
        (order.status(), order.asked(), order.limit()),
        (OrderStatus::PendingReplace, Some(terms), Some(p("6000")))
    );
    step(&mut desk, &id, Step::ReplaceRefused("market closed".into()));
    let order = desk.find(&id).unwrap();
    assert_eq!((order.asked(), order.limit(), order.note()), (None, Some(p("6000")), "market closed"));
    step(&mut desk, &id, Step::ReplaceSent(terms));
    step(&mut desk, &id, Step::Replaced);
    let order = desk.find(&id).unwrap();
    assert_eq!(
        (order.status(), order.state().quantity(), order.limit(), order.stop()),
        (OrderStatus::Working, q(8), Some(p("6001.25")), None)
    );
    assert_eq!(order.intent().quantity, q(5), "what was wanted at first stays known");
}

#[test]
fn new_terms_must_be_such_as_the_order_may_have() {
    let mut desk = desk();
    let id = working(&mut desk, limit(Side::Buy, 5, "6000"));
    executed(&mut desk, fill(&id, "e1", 2, "6000"));
    let stop_limit =
        exuvia_model::OrderIntent { order_type: exuvia_model::OrderType::StopLimit, ..limit(Side::Sell, 5, "5900") };
    let guarded = working(&mut desk, exuvia_model::OrderIntent { stop: Some(p("5950")), ..stop_limit });
    let terms = |amount, limit: Option<&str>, stop: Option<&str>| {
        Step::ReplaceSent(Amendment { quantity: q(amount), limit: limit.map(p), stop: stop.map(p) })
    };
    for (id, step, code) in [
        (&id, terms(2, None, None), "nothing_left"),
        (&id, terms(0, None, None), "nothing_left"),
        (&id, terms(6, Some("6000.1"), None), "off_tick"),
        (&id, terms(6, None, Some("5990")), "bad_terms"),
        (&guarded, terms(6, Some("5960"), None), "bad_terms"),
        (&guarded, terms(6, None, Some("5800")), "bad_terms"),
    ] {
        let (found, text) = refused(&mut desk, &stepped(id, step.clone()));
        assert_eq!(found, code, "{step:?}: {text}");
    }
    let half = Amendment { quantity: "2.5".parse().unwrap(), limit: None, stop: None };
    assert_eq!(refused(&mut desk, &stepped(&id, Step::ReplaceSent(half))).0, "off_lot");
}

#[test]
fn an_order_that_is_given_up_before_it_was_sent_is_cancelled_and_never_goes_out() {
    let mut desk = desk();
    let id = want(&mut desk, Link::Single, vec![market(Side::Buy, 3)]).remove(0);
    step(&mut desk, &id, Step::Passed);
    step(&mut desk, &id, Step::Sized(q(2)));
    assert_eq!(desk.find(&id).unwrap().state().quantity(), q(2));
    assert_eq!(refused(&mut desk, &stepped(&id, Step::Sized("0.5".parse().unwrap()))).0, "off_lot");
    step(&mut desk, &id, Step::Withdrawn("halted".into()));
    let order = desk.find(&id).unwrap();
    assert_eq!((order.status(), order.note(), order.state().was_sent()), (OrderStatus::Cancelled, "halted", false));
    assert_eq!(refused(&mut desk, &stepped(&id, Step::Sent)).0, "forbidden_step");
    assert_eq!(
        refused(&mut desk, &Change::Executed(fill(&id, "e1", 1, "6000"))).0,
        "forbidden_step",
        "it was never sent"
    );
}
