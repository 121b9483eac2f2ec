//! Any bytes, any status: an answer or a typed error, no panic, and nothing rejected without evidence.

use exuvia_brokers::projectx::{BarUnit, BarsWanted, UserHub};
use exuvia_execution::{Broker, ChangeOutcome, PlaceOutcome};
use exuvia_model::Side;
use exuvia_ports::Frame;
use proptest::prelude::*;

use crate::hub::{event, text};
use crate::kit::*;

/// Bytes that are near to what a gateway sends: whole answers with a part replaced, and plain noise.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let answers = [
        PLACED.to_owned(),
        ACCOUNT.to_owned(),
        format!(r#"{{"orders":[{ORDER},null],"success":true,"errorCode":0}}"#),
        format!(r#"{{"order":{ORDER},"success":true,"errorCode":0}}"#),
        format!(r#"{{"trades":[{TRADE}],"success":true,"errorCode":0}}"#),
        format!(r#"{{"positions":[{POSITION}],"success":true,"errorCode":0}}"#),
        r#"{"orderId":null,"success":false,"errorCode":2,"errorMessage":"no"}"#.to_owned(),
        r#"{"bars":[{"t":"2026-02-02T23:55:00+00:00","o":1,"h":1,"l":1,"c":1,"v":1}],"success":true,"errorCode":0}"#
            .to_owned(),
        r#"{"type":"about:blank","title":"Bad Request","status":400}"#.to_owned(),
    ];
    let mutated = (
        proptest::sample::select(answers.to_vec()),
        any::<proptest::sample::Index>(),
        any::<proptest::sample::Index>(),
        proptest::collection::vec(any::<u8>(), 0..4),
    )
        .prop_map(|(answer, from, to, put)| {
            let bytes = answer.into_bytes();
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 8));
            [&bytes[..from], &put, &bytes[to..]].concat()
        });
    prop_oneof![mutated, proptest::collection::vec(any::<u8>(), 0..64)]
}

/// Whether the bytes themselves, read by another reader, say that the gateway refused.
fn is_evidence(status: u16, body: &[u8]) -> bool {
    let Ok(node) = serde_json::from_slice::<serde_json::Value>(body) else { return false };
    match status {
        200 => {
            node["success"] == serde_json::Value::Bool(false) && node["errorCode"].as_i64().is_some_and(|code| code > 0)
        }
        400 => node["status"] == 400 && node["title"].is_string(),
        _ => false,
    }
}

fn statuses() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(200_u16), 1 => Just(400), 2 => 100_u16..600]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn an_order_is_never_refused_without_evidence_and_never_accepted_without_an_id(status in statuses(), body in bodies()) {
        let does = || Does::Answers(exuvia_ports::Response::new(status, body.clone()));
        let (gate, mut broker) = broker(config());
        gate.then("Order/place", does());
        if status == 401 {
            gate.then("Auth/loginKey", ok(LOGIN)).then("Order/place", does());
        }
        match broker.place(&checked(market(Side::Buy, 1)), &enq(), NOW) {
            PlaceOutcome::Rejected(words) => prop_assert!(is_evidence(status, &body), "{}", words),
            PlaceOutcome::Accepted(id) => prop_assert!(status == 200 && id.parse::<i64>().is_ok()),
            PlaceOutcome::NotSent(words) => prop_assert!([401, 403, 404, 405, 413, 415, 429].contains(&status), "{}", words),
            PlaceOutcome::Unknown(_) => {}
        }
        gate.done();
    }

    #[test]
    fn a_cancel_is_never_refused_without_evidence(status in statuses(), body in bodies()) {
        prop_assume!(status != 401);
        let (gate, mut broker) = broker(config());
        gate.then("Order/cancel", Does::Answers(exuvia_ports::Response::new(status, body.clone())));
        let outcome = broker.cancel("1", NOW);
        if let ChangeOutcome::Refused(words) = outcome {
            prop_assert!(is_evidence(status, &body), "{}", words);
        }
    }

    #[test]
    fn no_answer_to_a_question_makes_it_panic(body in bodies()) {
        let does = || Does::Answers(exuvia_ports::Response::new(200, body.clone()));
        let wanted = BarsWanted { contract: CONTRACT.into(), start: later(-9), end: NOW, unit: BarUnit::Second, length: 1, most: 1, partial: true };
        let (gate, mut gateway) = gateway(config());
        for call in ["Account/search", "Contract/available", "Contract/searchById", "Order/search", "Order/searchById", "Trade/search", "Position/searchOpen", "History/retrieveBars", "Auth/validate", "Auth/loginKey"] {
            gate.then(call, does());
        }
        let failed = [
            gateway.accounts(true, NOW).is_err(),
            gateway.available_contracts(NOW).is_err(),
            gateway.contract(CONTRACT, NOW).is_err(),
            gateway.orders(NOW, None, NOW).is_err(),
            gateway.order(1, NOW).is_err(),
            gateway.trades(None, None, NOW).is_err(),
            gateway.positions(NOW).is_err(),
            gateway.bars(&wanted, NOW).is_err(),
        ];
        prop_assert!(failed.iter().filter(|failed| !**failed).count() <= 3, "one answer is not all of them");
        let _ = gateway.validate(NOW);
        let _ = gateway.login(NOW);
        gate.done();
    }

    #[test]
    fn a_look_up_concludes_nothing_from_what_is_no_list(body in bodies()) {
        let (gate, mut broker) = broker(config());
        gate.then("Order/searchOpen", list("orders", &[])).then("Order/search", Does::Answers(exuvia_ports::Response::new(200, body.clone())));
        if let Ok(found) = broker.look_up("exv-77", NOW, NOW) {
            let node: serde_json::Value = serde_json::from_slice(&body).unwrap();
            prop_assert!(node["orders"].is_array());
            prop_assert!(found.is_none_or(|order| order.client_id.as_deref() == Some("exv-77")));
        }
    }

    #[test]
    fn no_frame_makes_a_hub_panic_however_it_is_cut(body in bodies(), target in "GatewayUser(Account|Order|Position|Trade)", cut: proptest::sample::Index) {
        let frame = text(&[&event(&target, &String::from_utf8_lossy(&body)), "{\"type\":6}"]);
        let Frame::Text(whole) = frame else { unreachable!() };
        let cut = cut.index(whole.len());
        let news = |parts: &[&[u8]]| {
            let mut hub = UserHub::new(7001);
            hub.opened(NOW);
            parts.iter().flat_map(|part| hub.hear(&Frame::Binary(part.to_vec()), NOW)).collect::<Vec<_>>()
        };
        let (head, tail) = whole.as_bytes().split_at(cut);
        prop_assert_eq!(news(&[whole.as_bytes()]), news(&[head, tail]));
    }
}
