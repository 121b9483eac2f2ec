//! Whatever the venue answers, the adapter says something typed, and "rejected" only on the venue's word.

use exuvia_brokers::saxo::{Node, parse, parse_token_answer};
use exuvia_execution::{Amendment, Broker, ChangeOutcome, PlaceOutcome};
use exuvia_model::Side;
use exuvia_ports::{HttpError, Response};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::kit::{AAPL, at, limit, lost, not_sent, one, q, scripted};

/// JSON that has the right words in the wrong places.
fn nearly() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("\"7002\"".to_owned()),
        Just("\"\"".to_owned()),
        Just("TRUE".to_owned()),
        Just("\"OnWrongSideOfMarket\"".to_owned()),
        Just("\"TradeNotCompleted\"".to_owned()),
        "-?[0-9]{1,12}(\\.[0-9]{1,12})?(e[+-]?[0-9]{1,3})?",
    ];
    let name = prop::sample::select(vec![
        "OrderId",
        "ErrorInfo",
        "ErrorCode",
        "Message",
        "Orders",
        "Data",
        "Snapshot",
        "__next",
        "Uic",
        "AssetType",
        "Amount",
        "BuySell",
        "Status",
        "ActivityTime",
        "PreTradeDisclaimers",
        "DisclaimerTokens",
        "ModelState",
        "CashBalance",
        "Currency",
        "ExternalReference",
        "NetPositionBase",
    ]);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec((name.clone(), inner), 0..5).prop_map(|fields| {
                let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

fn answer() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let status = prop::sample::select(vec![200_u16, 201, 202, 204, 301, 400, 401, 403, 404, 409, 415, 429, 500, 503]);
    (status, prop_oneof![nearly().prop_map(String::into_bytes), vec(any::<u8>(), 0..60)])
}

/// Whether a name has a value that is no empty text anywhere in the body.
fn has(node: &Node, name: &str) -> bool {
    match node {
        Node::Object(fields) => fields.iter().any(|(key, value)| {
            (key == name && matches!(value, Node::Text(text) | Node::Number(text) if !text.is_empty()))
                || has(value, name)
        }),
        Node::List(items) => items.iter().any(|item| has(item, name)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_the_venues_own_code_rejects((status, body) in answer()) {
        let (order, instrument) = one(limit(AAPL, Side::Buy, "10", "185"));
        let copy = body.clone();
        let mut venue = scripted(move |_| Ok(Response::new(status, copy.clone())));
        let outcome = venue.broker.place(&order, &instrument, at(0));
        let read = parse(&body).ok();
        let says = |name: &str| read.as_ref().is_some_and(|node| has(node, name));
        match outcome {
            PlaceOutcome::Rejected(_) => {
                prop_assert!(says("ErrorCode") || says("DisclaimerTokens"));
                prop_assert!([200, 201, 400, 403, 404, 415].contains(&status));
            }
            PlaceOutcome::Accepted(id) => {
                prop_assert!(says("OrderId") && !id.is_empty() && [200, 201, 400].contains(&status));
            }
            PlaceOutcome::NotSent(_) => prop_assert!(status == 401 || status == 429),
            PlaceOutcome::Unknown(words) => prop_assert!(!words.is_empty()),
        }
        prop_assert_eq!(venue.requests().len(), 1);
    }

    #[test]
    fn a_cancel_is_refused_only_on_a_word_or_a_404((status, body) in answer()) {
        let copy = body.clone();
        let (order, instrument) = one(limit(AAPL, Side::Buy, "10", "185"));
        let mut venue = scripted(move |_| Ok(Response::new(status, copy.clone())));
        let terms = Amendment { quantity: q("8"), limit: None, stop: None };
        let says = parse(&body).is_ok_and(|node| has(&node, "ErrorCode") || has(&node, "DisclaimerTokens"));
        for outcome in [venue.broker.cancel("7002", at(0)), venue.broker.replace("7002", order.order(), &terms, &instrument, at(0))] {
            match outcome {
                ChangeOutcome::Refused(_) => prop_assert!(status == 404 || (says && status < 500)),
                ChangeOutcome::Requested => prop_assert!([200, 201, 204].contains(&status)),
                ChangeOutcome::NotSent(_) => prop_assert!(status == 401 || status == 429),
                ChangeOutcome::Done => prop_assert!(false, "a cancel is done when an activity says so"),
                ChangeOutcome::Unknown(_) => {}
            }
        }
    }

    #[test]
    fn no_question_panics_and_none_concludes_that_an_order_is_missing((status, body) in answer(), fail in 0..3_u8) {
        let copy = body.clone();
        let mut venue = scripted(move |_| match fail {
            0 => Err::<Response, HttpError>(lost()),
            1 => Err(not_sent()),
            _ => Ok(Response::new(status, copy.clone())),
        });
        let found = venue.broker.look_up("exv-a-000001", at(0), at(99));
        if found == Ok(None) {
            let node = parse(&body).unwrap();
            prop_assert!((200..300).contains(&status) && fail == 2 && node.data().is_ok());
        }
        let _ = venue.broker.snapshot(at(1));
        let client = venue.broker.client();
        let _ = (client.user(at(2)), client.holder(at(2)), client.accounts(at(2)), client.balances(at(2)), client.positions(at(2)));
        let _ = (client.net_positions(at(3)), client.find("x", &[], at(3)), client.details(1, "Stock", at(3)), client.option_space(1, &[], at(3)));
        let (order, instrument) = one(limit(AAPL, Side::Buy, "10", "185"));
        let _ = client.precheck(order.order(), &instrument, "x", at(4));
        let _ = venue.broker.tend(at(5));
        let _ = parse_token_answer(&Response::new(status, body), at(0));
    }

    #[test]
    fn no_frame_panics(bytes in vec(any::<u8>(), 0..80), payload in nearly(), reference in prop::sample::select(vec!["activities-1", "orders-2", "prices-3", "_heartbeat", "_resetsubscriptions"])) {
        let mut venue = scripted(|_| Ok(Response::new(201, r#"{"Snapshot":{"Data":[]}}"#)));
        let feed = venue.broker.feed();
        feed.want(exuvia_brokers::saxo::Topic::Orders);
        feed.want(exuvia_brokers::saxo::Topic::Prices { uics: vec![1], asset_type: "Stock".into() });
        venue.broker.tend(at(0)).unwrap();
        let message = exuvia_market::wire::saxo::Message { id: 1, reference, format: 0, payload: payload.as_bytes() };
        feed.frame(&exuvia_market::wire::saxo::encode_frame(&[message]).unwrap(), at(0));
        feed.frame(&bytes, at(0));
        let _ = venue.broker.tend(at(1));
        let _ = (feed.reports(), feed.quotes());
    }
}
