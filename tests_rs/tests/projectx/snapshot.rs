//! What is asked for where something is in doubt: one order by its client id, and everything.

use exuvia_brokers::projectx::{Config, ProjectXBroker, RowStatus};
use exuvia_execution::{Broker, Heard, VenueStatus};
use exuvia_model::{Side, Time};

use crate::kit::*;

/// A row of an order: id, status, executed contracts, tag, and the second of its last change.
pub fn row(id: i64, status: i64, filled: i64, tag: &str, second: i64) -> String {
    format!(
        r#"{{"id":{id},"accountId":7001,"contractId":"{CONTRACT}","creationTimestamp":"2026-02-03T14:20:00+00:00","updateTimestamp":"2026-02-03T14:20:{second:02}+00:00","status":{status},"type":1,"side":0,"size":3,"limitPrice":1,"fillVolume":{filled},"customTag":"{tag}"}}"#
    )
}

pub fn orders(rows: &[String]) -> Does {
    list("orders", &rows.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The ids and states of what a look-up finds among the open ones and the rest.
fn found(broker: &mut ProjectXBroker, gate: &Gate, open: &[String], all: &[String]) -> Option<(String, VenueStatus)> {
    gate.then("Order/searchOpen", orders(open)).then("Order/search", orders(all));
    let order = broker.look_up("EX-trend-000001", later(0), later(30)).unwrap();
    gate.done();
    order.map(|order| (order.venue_id, order.status))
}

#[test]
fn an_order_in_doubt_is_found_by_its_tag_among_open_and_ended_ones() {
    let (gate, mut broker) = broker(config());
    let ours = "EX-trend-000001";
    let other = row(1, 1, 0, "EX-trend-000002", 1);
    assert_eq!(found(&mut broker, &gate, &[], &[]), None);
    assert_eq!(gate.body(), r#"{"accountId":7001,"startTimestamp":"2026-02-03T14:15:00Z"}"#, "five minutes before");
    assert_eq!(found(&mut broker, &gate, std::slice::from_ref(&other), std::slice::from_ref(&other)), None);
    let open = row(2, 1, 0, ours, 1);
    assert_eq!(found(&mut broker, &gate, std::slice::from_ref(&open), &[]), Some(("2".into(), VenueStatus::Working)));
    let ended = row(2, 2, 3, ours, 2);
    assert_eq!(found(&mut broker, &gate, &[open], &[other, ended]), Some(("2".into(), VenueStatus::Filled)));
}

#[test]
fn the_later_of_two_rows_counts_and_of_two_orders_of_one_tag_the_one_that_was_not_refused() {
    let (gate, mut broker) = broker(config());
    let ours = "EX-trend-000001";
    let (newer, older) = (row(2, 2, 3, ours, 9), row(2, 1, 1, ours, 8));
    assert_eq!(found(&mut broker, &gate, &[newer], &[older]), Some(("2".into(), VenueStatus::Filled)));
    let (refused, live) = (row(5, 5, 0, ours, 9), row(4, 1, 0, ours, 1));
    assert_eq!(found(&mut broker, &gate, &[], &[refused.clone(), live]), Some(("4".into(), VenueStatus::Working)));
    assert_eq!(found(&mut broker, &gate, &[], &[refused]), Some(("5".into(), VenueStatus::Rejected)));
}

#[test]
fn a_search_that_failed_or_cannot_be_read_finds_nothing_out() {
    for odd in [
        Does::IsSilent,
        Does::IsNotReached,
        status(500, ""),
        status(429, ""),
        no(1),
        ok(OK),
        ok(r#"{"orders":null,"success":true,"errorCode":0}"#),
        orders(&[row(1, 1, 0, "x", 1).replace("\"side\":0", "\"side\":2")]),
        orders(&[row(1, 1, 0, "x", 1).replace("2026-02-03T14:20:00+00:00", "today")]),
        orders(&[row(1, 1, 0, "x", 1).replace("\"customTag\":\"x\"", "\"customTag\":7")]),
        orders(&[row(1, 1, 0, "x", 1).replace("\"limitPrice\":1", "\"limitPrice\":1e99")]),
        orders(&[row(1, 1, 0, "x", 1).replace("\"size\":3", "\"size\":99999999999")]),
    ] {
        for fails_at in 0..2 {
            let (gate, mut broker) = broker(config());
            let empty = orders(&[]);
            let answers = if fails_at == 0 { vec![odd.clone()] } else { vec![empty, odd.clone()] };
            for (call, does) in ["Order/searchOpen", "Order/search"].iter().zip(answers) {
                gate.then(call, does);
            }
            let error = broker.look_up("EX-trend-000001", NOW, NOW).unwrap_err();
            assert_eq!(error.code(), "unreachable", "{odd:?}");
            gate.done();
        }
    }
}

#[test]
fn an_order_that_was_made_before_and_still_lives_moves_the_search_back_to_it() {
    let (gate, mut broker) = broker(config());
    gate.then("Order/place", ok(PLACED));
    broker.place(&checked(market(Side::Buy, 3)), &enq(), later(0));
    gate.then("Order/searchOpen", orders(&[])).then("Order/search", orders(&[]));
    broker.look_up("x", later(3_600), later(3_600)).unwrap();
    assert!(gate.body().contains("2026-02-03T14:15:00Z"), "{}", gate.body());
    let ended = row(93001, 2, 3, "EX-trend-000001", 9);
    gate.then("Order/searchOpen", orders(&[])).then("Order/search", orders(&[ended]));
    broker.look_up("EX-trend-000001", later(3_600), later(3_600)).unwrap();
    gate.then("Order/searchOpen", orders(&[])).then("Order/search", orders(&[]));
    broker.look_up("x", later(3_600), later(3_600)).unwrap();
    assert!(gate.body().contains("2026-02-03T15:15:00Z"), "{}", gate.body());
}

pub fn parts(gate: &Gate, open: &[String], all: &[String], by_id: &[Does], trades: &[&str], positions: &[&str]) {
    gate.then("Account/search", ok(ACCOUNT)).then("Order/searchOpen", orders(open)).then("Order/search", orders(all));
    for does in by_id {
        gate.then("Order/searchById", does.clone());
    }
    gate.then("Trade/search", list("trades", trades)).then("Position/searchOpen", list("positions", positions));
}

#[test]
fn a_snapshot_is_orders_executions_positions_and_cash() {
    let (gate, mut broker) = broker(config());
    let leg = row(3, 8, 0, "", 1).replace("\"customTag\":\"\"", "\"customTag\":null,\"parentOrderId\":2");
    let open = row(2, 1, 1, "EX-trend-000001", 1);
    let short = POSITION.replace("\"type\":1", "\"type\":2").replace(CONTRACT, "CON.F.US.EP.H26");
    let (closed, voided) = (POSITION.replace("\"size\":2", "\"size\":0"), TRADE.replace("false", "true"));
    let trade = TRADE.replace("93001", "2").replace("null", "12.5");
    parts(
        &gate,
        std::slice::from_ref(&open),
        &[open.clone(), leg],
        &[],
        &[&trade, &voided],
        &[POSITION, &short, &closed],
    );
    let snapshot = broker.snapshot(later(60)).unwrap();
    gate.done();
    let requests = gate.http.requests();
    let body = |at: usize| String::from_utf8(requests[at].body.clone()).unwrap();
    assert_eq!(
        body(4),
        r#"{"accountId":7001,"startTimestamp":"2026-02-02T14:16:00Z"}"#,
        "a day and five minutes before"
    );
    assert_eq!((body(5), body(6)), (body(4), r#"{"accountId":7001}"#.into()));
    let ids: Vec<_> =
        snapshot.orders.iter().map(|order| (order.venue_id.as_str(), order.status, order.parent.as_deref())).collect();
    assert_eq!(ids, [("2", VenueStatus::Working, None), ("3", VenueStatus::Held, Some("2"))]);
    let [execution] = &snapshot.executions[..] else { panic!("{:?}", snapshot.executions) };
    assert_eq!((execution.client_id.as_deref(), execution.venue_id.as_deref()), (Some("EX-trend-000001"), Some("2")));
    assert!(matches!(&execution.what, Heard::Execution { id, .. } if id == "88001"));
    let held: Vec<_> =
        snapshot.positions.iter().map(|held| (held.instrument.as_str(), held.quantity, held.average)).collect();
    assert_eq!(held, [(CONTRACT, q(2), Some(p("21000.25"))), ("CON.F.US.EP.H26", q(-2), Some(p("21000.25")))]);
    let [(currency, cash)] = snapshot.cash[..] else { panic!("{:?}", snapshot.cash) };
    assert_eq!((currency.to_string(), cash.to_string(), snapshot.taken), ("USD".into(), "50000".into(), later(60)));
}

#[test]
fn the_next_snapshot_asks_from_the_last_one_on_and_leaves_out_what_had_ended_before() {
    let (gate, mut broker) = broker(Config { clock_margin: 0, ..config() });
    parts(&gate, &[], &[], &[], &[], &[]);
    broker.snapshot(later(5)).unwrap();
    let (early, late) = (row(1, 3, 0, "a", 4), row(2, 3, 0, "b", 5));
    parts(&gate, &[], &[early, late], &[], &[], &[]);
    let snapshot = broker.snapshot(later(60)).unwrap();
    let ids: Vec<_> = snapshot.orders.iter().map(|order| order.venue_id.as_str()).collect();
    assert_eq!(ids, ["2"]);
    let bodies: Vec<String> =
        gate.http.requests().iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect();
    assert_eq!(bodies.iter().filter(|body| body.contains("2026-02-03T14:20:05Z")).count(), 2, "{bodies:?}");
}

#[test]
fn an_order_that_was_alive_and_is_in_no_list_is_asked_for_by_its_id() {
    let (gate, mut broker) = broker(config());
    gate.then("Order/place", ok(PLACED));
    broker.place(&checked(market(Side::Buy, 3)), &enq(), later(0));
    let ended = row(93001, 4, 1, "EX-trend-000001", 9);
    let by_id = ok(&format!(r#"{{"order":{ended},"success":true,"errorCode":0}}"#));
    parts(&gate, &[], &[], &[by_id], &[], &[]);
    let snapshot = broker.snapshot(later(60)).unwrap();
    assert_eq!((snapshot.orders.len(), snapshot.orders[0].status), (1, VenueStatus::Expired));
    assert_eq!(String::from_utf8_lossy(&gate.http.requests()[6].body), r#"{"accountId":7001,"orderId":93001}"#);
    parts(&gate, &[], &[], &[], &[], &[]);
    broker.snapshot(later(61)).unwrap();
    gate.done();
    gate.then("Order/place", ok(PLACED));
    broker.place(&checked(market(Side::Buy, 3)), &enq(), later(62));
    parts(&gate, &[], &[], &[no(1)], &[], &[]);
    assert_eq!(broker.snapshot(later(63)).unwrap().orders, []);
    parts(&gate, &[], &[], &[], &[], &[]);
    broker.snapshot(later(64)).unwrap();
    gate.done();
}

#[test]
fn two_rows_of_one_contract_are_one_position_without_an_average() {
    let (gate, mut broker) = broker(config());
    let short = POSITION.replace("\"type\":1,\"size\":2", "\"type\":2,\"size\":5");
    parts(&gate, &[], &[], &[], &[], &[POSITION, &short]);
    let held = broker.snapshot(NOW).unwrap().positions;
    assert_eq!((held.len(), held[0].quantity, held[0].average), (1, q(-3), None));
}

#[test]
fn a_part_that_fails_is_no_snapshot_and_the_next_one_asks_as_far_back() {
    let calls = ["Account/search", "Order/searchOpen", "Order/search", "Trade/search", "Position/searchOpen"];
    let good = [ok(ACCOUNT), orders(&[]), orders(&[]), list("trades", &[]), list("positions", &[])];
    for fails_at in 0..calls.len() {
        for odd in [Does::IsSilent, Does::IsNotReached, status(502, ""), ok(OK), ok("{}"), status(429, "")] {
            let (gate, mut broker) = broker(config());
            for at in 0..=fails_at {
                gate.then(calls[at], if at == fails_at { odd.clone() } else { good[at].clone() });
            }
            assert_eq!(broker.snapshot(NOW).unwrap_err().code(), "unreachable", "{} {odd:?}", calls[fails_at]);
            gate.done();
            for (call, does) in calls.iter().zip(&good) {
                gate.then(call, does.clone());
            }
            broker.snapshot(later(2)).unwrap();
            let trades = gate.http.requests().iter().rev().nth(1).unwrap().body.clone();
            assert!(String::from_utf8_lossy(&trades).contains("2026-02-02T14:15:02Z"), "still a day back");
        }
    }
    let (gate, mut broker) = broker(config());
    gate.then("Account/search", ok(&ACCOUNT.replace("\"balance\":50000.0,", "")));
    assert!(broker.snapshot(NOW).unwrap_err().to_string().contains("no balance"));
}

#[test]
fn numbers_that_are_finer_than_a_billionth_are_rounded_and_counted_and_too_large_ones_refused() {
    let (gate, mut gateway) = gateway(config());
    let fine = TRADE.replace("\"fees\":1.4", "\"fees\":1.40000000004").replace("null", "-12.5000000006");
    gate.then("Trade/search", list("trades", &[&fine]));
    let trades = gateway.trades(None, Some(NOW), NOW).unwrap();
    assert_eq!(gate.body(), r#"{"accountId":7001,"endTimestamp":"2026-02-03T14:20:00Z"}"#);
    assert_eq!(
        (trades[0].fees.to_string(), trades[0].profit.unwrap().to_string()),
        ("1.4".into(), "-12.500000001".into())
    );
    assert_eq!(gateway.rounded(), 2);
    for (from, to, says) in [
        ("1.4", "1e40", "as \"fees\""),
        ("1.4", "NaN", "as \"fees\""),
        ("1.4", "\"1.4\"", "the text 1.4 as \"fees\""),
        ("\"size\":1", "\"size\":0", "0 as \"size\""),
        ("\"size\":1", "\"size\":1.0", "a whole number"),
        ("21000.25", "null", "null as \"price\""),
        ("1.4", "170000000000000000000000000000.0,\"commissions\":170000000000000000000000000000.0", "as \"fees\""),
    ] {
        gate.then("Trade/search", list("trades", &[&TRADE.replace(from, to)]));
        let error = gateway.trades(None, None, NOW).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let big = ACCOUNT.replace("50000.0", "12345678901234.5");
    gate.then("Account/search", ok(&big));
    assert_eq!(gateway.accounts(true, NOW).unwrap()[0].balance.unwrap().to_string(), "12345678901234.5");
}

#[test]
fn a_fraction_of_a_second_is_asked_for_as_it_is() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Order/search", orders(&[]));
    gateway.orders(Time(NOW.0 + 1), Some(Time(NOW.0 + 2_000)), NOW).unwrap();
    let wanted = r#"{"accountId":7001,"startTimestamp":"2026-02-03T14:20:00.000000001Z","endTimestamp":"2026-02-03T14:20:00.000002Z"}"#;
    assert_eq!(gate.body(), wanted);
    gate.then("Order/searchById", status(404, ""));
    assert_eq!(gateway.order(1, NOW).unwrap_err().code(), "not_sent", "an older gateway");
}

#[test]
fn the_waiting_legs_of_a_bracket_are_found_by_their_parent() {
    let (gate, mut gateway) = gateway(config());
    let leg = |id: i64, status: i64, parent: i64| {
        row(id, status, 0, "", 1)
            .replace("\"customTag\":\"\"", &format!("\"parentOrderId\":{parent},\"linkedOrderId\":9"))
    };
    let rows = [row(1, 2, 3, "a", 1), leg(2, 8, 1), leg(3, 1, 1), leg(4, 3, 1), leg(5, 8, 7)];
    gate.then("Order/search", orders(&rows));
    let legs = gateway.legs(1, NOW, NOW).unwrap();
    let found: Vec<_> = legs.iter().map(|leg| (leg.id, leg.status, leg.linked)).collect();
    assert_eq!(found, [(2, RowStatus::Suspended, Some(9)), (3, RowStatus::Open, Some(9))]);
}
