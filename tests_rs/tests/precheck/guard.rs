//! Checks, kill switch and trading mode as the manager asks for them.

use std::path::Path;
use std::sync::Arc;

use exuvia_execution::kill_switch::{KillSwitch, Level};
use exuvia_execution::precheck::{Context, Profile};
use exuvia_execution::trading_mode::{Approval, Digest, LivePermit, LiveRequest, Modes, Route};
use exuvia_execution::{Amendment, Asked, Desk, Facts, Guard, Limits, Link, Order, PreTrade};
use exuvia_model::{OrderIntent, OrderType, Side, Time};
use exuvia_ports::{Create, Files, SimFiles};

use crate::kit::*;

/// Cash is known, and nothing else.
struct Cash(&'static str);

impl Facts for Cash {
    fn known(&self, _: &Order, now: Time) -> Context<'_> {
        Context { cash: Some(dollars(self.0)), ..Context::unknown(now) }
    }
}

fn guard(files: &SimFiles, route: Route<(), ()>) -> Guard<Cash> {
    let kill_switch = KillSwitch::new(Arc::new(files.clone()), Path::new("/kill"));
    let checks = checks(Profile::least("small", Limits::whole(5, 6, 60).unwrap()));
    Guard { checks, kill_switch, route, account: "U1".into(), configuration: Digest::of(b"one"), facts: Cash("500") }
}

fn of<'a>(desk: &'a Desk, id: &str) -> &'a Order {
    desk.find(id).unwrap()
}

fn code(guard: &mut Guard<Cash>, desk: &Desk, asked: Asked<'_>) -> &'static str {
    guard.check(desk, asked, now()).err().map_or("", |refused| refused.code)
}

#[test]
fn the_checks_see_the_desk_as_it_is() {
    let mut desk = desk();
    let mut guard = guard(&SimFiles::new(), Route::Research);
    let [first, second, third] =
        [5, 3, 6].map(|amount| want(&mut desk, Link::Single, vec![limit(Side::Buy, amount, "10")]).remove(0));
    assert_eq!(code(&mut guard, &desk, Asked::Order(of(&desk, &third))), "size");
    let refused = guard.check(&desk, Asked::Order(of(&desk, &second)), now()).unwrap_err();
    assert_eq!(refused.code, "position", "5 and 6 are open beside it");
    assert!(refused.words.starts_with("position: 14, limit 6"), "{}", refused.words);
    for id in [&second, &third] {
        take(&mut desk, id, vec![exuvia_execution::Step::Withdrawn("no".into())], now());
    }
    assert_eq!(code(&mut guard, &desk, Asked::Order(of(&desk, &first))), "");
    let works =
        vec![exuvia_execution::Step::Passed, exuvia_execution::Step::Sent, exuvia_execution::Step::Accepted(None)];
    take(&mut desk, &first, works, now());
    let terms = |amount| Amendment { quantity: q(amount), limit: None, stop: None };
    assert_eq!(code(&mut guard, &desk, Asked::Change(of(&desk, &first), &terms(4))), "");
    assert_eq!(code(&mut guard, &desk, Asked::Change(of(&desk, &first), &terms(6))), "size");
    let other = crate::kit::desk();
    assert_eq!(code(&mut guard, &other, Asked::Order(of(&desk, &first))), "no_such_order");
}

#[test]
fn a_bracket_passes_as_one() {
    let mut desk = desk();
    let stop = OrderIntent { order_type: OrderType::Stop, stop: Some(p("8")), ..market(Side::Sell, 5) };
    let ids = want(&mut desk, Link::Bracket, vec![limit(Side::Buy, 5, "10"), stop, limit(Side::Sell, 5, "12")]);
    let files = SimFiles::new();
    let mut guard = guard(&files, Route::Paper(()));
    for id in &ids {
        assert_eq!(code(&mut guard, &desk, Asked::Order(of(&desk, id))), "");
    }
    guard.kill_switch.set(Level::Entries, "Ada", "storm", now()).unwrap();
    let may = ids.iter().map(|id| code(&mut guard, &desk, Asked::Send(of(&desk, id)))).collect::<Vec<_>>();
    assert_eq!(may, ["killed", "", ""], "what protects may go");
}

#[test]
fn a_set_switch_lets_out_what_closes_and_stops_what_opens() {
    let mut desk = desk();
    past(&mut desk, limit(Side::Buy, 3, "10"), before(1), Then::Fills);
    let files = SimFiles::new();
    let mut guard = guard(&files, Route::Paper(()));
    drop(files.create(Path::new("/kill"), Create::default()).unwrap());
    let sells = [3, 4].map(|amount| {
        let id = want(&mut desk, Link::Single, vec![market(Side::Sell, amount)]).remove(0);
        let asked = code(&mut guard, &desk, Asked::Send(of(&desk, &id)));
        take(&mut desk, &id, vec![exuvia_execution::Step::Withdrawn("no".into())], now());
        asked
    });
    assert_eq!(sells, ["", "killed"], "the second would turn the position");
    let works = past(&mut desk, limit(Side::Sell, 2, "11"), before(1), Then::Works);
    let terms = |amount| Amendment { quantity: q(amount), limit: None, stop: None };
    assert_eq!(code(&mut guard, &desk, Asked::Change(of(&desk, &works), &terms(3))), "");
    assert_eq!(code(&mut guard, &desk, Asked::Change(of(&desk, &works), &terms(4))), "killed");
}

#[test]
fn the_mode_answers_before_bytes_leave() {
    let mut desk = desk();
    let id = want(&mut desk, Link::Single, vec![limit(Side::Buy, 1, "10")]).remove(0);
    let files = SimFiles::new();
    let mut research = guard(&files, Route::default());
    assert_eq!(code(&mut research, &desk, Asked::Order(of(&desk, &id))), "", "research decides");
    assert_eq!(code(&mut research, &desk, Asked::Send(of(&desk, &id))), "research");
    let mut paper = guard(&files, Route::Paper(()));
    assert_eq!(code(&mut paper, &desk, Asked::Send(of(&desk, &id))), "");
    let modes = r#"{"format": 1, "accounts": {"U1": "live"}}"#;
    files.create(Path::new("/modes"), Create::default()).unwrap().write(modes.as_bytes()).unwrap();
    let (modes, configuration) = Modes::read(&files, Path::new("/modes")).unwrap();
    let (account, person) = ("U1".into(), "Ada".into());
    let approval = Approval { format: 1, account, person, approved: before(1), expires: before(-1), configuration };
    approval.record(&files, Path::new("/approval")).unwrap();
    let request = LiveRequest { account: "U1", modes: &modes, flag: true, configuration, now: now() };
    let permit = LivePermit::verify(&files, Path::new("/approval"), &request).unwrap();
    let mut live = guard(&files, Route::Live((), permit));
    assert_eq!(code(&mut live, &desk, Asked::Send(of(&desk, &id))), "approval_of_other_configuration");
    live.configuration = configuration;
    assert_eq!(code(&mut live, &desk, Asked::Send(of(&desk, &id))), "");
    let late = live.check(&desk, Asked::Send(of(&desk, &id)), before(-1)).unwrap_err();
    assert_eq!(late.code, "approval_out_of_time");
}
