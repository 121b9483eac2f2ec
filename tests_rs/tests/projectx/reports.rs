//! What the broker reports of the user hub's events, and what it keeps to itself.

use std::sync::Arc;

use exuvia_brokers::projectx::{Config, HubState, ProjectXBroker, RowStatus, TrailPrice};
use exuvia_execution::{Broker, Heard, PlaceOutcome, Report, VenueStatus};
use exuvia_model::{OrderType, Side, Time};
use exuvia_ports::{Frame, Http};

use crate::hub::{completion, event, text};
use crate::kit::*;

/// A broker whose hub is ready; the gap of its beginning was taken.
fn listening() -> (Gate, ProjectXBroker) {
    let (gate, mut broker) = broker(config());
    let request = broker.hub_request(NOW).unwrap();
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("GET", "ws://127.0.0.1:8080/hubs/user?access_token=eyJ.first")
    );
    broker.hub_opened(NOW);
    broker.hear(&text(&["{}"]), NOW);
    assert_eq!(broker.hub_frames(NOW).len(), 5);
    broker.hear(&text(&[&completion(1), &completion(2), &completion(3), &completion(4)]), NOW);
    let reports = broker.poll(NOW);
    assert!(matches!(&reports[..], [Report { what: Heard::Gap(why), .. }] if why.contains("connected")), "{reports:?}");
    assert_eq!(broker.hub_state(), HubState::Ready);
    (gate, broker)
}

fn hear(broker: &mut ProjectXBroker, target: &str, argument: &str) -> Vec<Report> {
    broker.hear(&text(&[&event(target, argument)]), NOW);
    broker.poll(NOW)
}

#[test]
fn an_order_event_is_the_order_as_it_is_and_its_repetition_is_the_same_report() {
    let (_, mut broker) = listening();
    let first = hear(&mut broker, "GatewayUserOrder", ORDER);
    let [Report { client_id: Some(client_id), venue_id: Some(venue_id), what: Heard::Order(order), time }] = &first[..]
    else {
        panic!("{first:?}")
    };
    assert_eq!((client_id.as_str(), venue_id.as_str(), *time), ("exv-77", "93001", t("2026-02-03T14:30:02.5Z")));
    assert_eq!((order.status, order.filled, order.quantity), (VenueStatus::Filled, q(1), q(1)));
    assert_eq!((order.average, order.limit, order.stop), (Some(p("21000.25")), Some(p("21000.25")), None));
    assert_eq!(
        (order.instrument.as_str(), order.side, order.order_type),
        (CONTRACT, Side::Buy, Some(OrderType::Limit))
    );
    assert_eq!(hear(&mut broker, "GatewayUserOrder", ORDER), first);
}

#[test]
fn every_status_and_type_of_a_row_has_its_place() {
    for (number, row, status) in [
        (0, RowStatus::Other(0), VenueStatus::Unclear),
        (1, RowStatus::Open, VenueStatus::Working),
        (2, RowStatus::Filled, VenueStatus::Filled),
        (3, RowStatus::Cancelled, VenueStatus::Cancelled),
        (4, RowStatus::Expired, VenueStatus::Expired),
        (5, RowStatus::Rejected, VenueStatus::Rejected),
        (6, RowStatus::Pending, VenueStatus::Held),
        (7, RowStatus::PendingCancellation, VenueStatus::Working),
        (8, RowStatus::Suspended, VenueStatus::Held),
        (9, RowStatus::Other(9), VenueStatus::Unclear),
    ] {
        assert_eq!((RowStatus::from_number(number), row.standing()), (row, status));
    }
    let (_, mut broker) = listening();
    let kinds = [
        None,
        Some(OrderType::Limit),
        Some(OrderType::Market),
        Some(OrderType::StopLimit),
        Some(OrderType::Stop),
        Some(OrderType::TrailingStop),
        None,
        None,
    ];
    for (number, wanted) in kinds.into_iter().enumerate() {
        let row = ORDER.replace("\"type\":1", &format!("\"type\":{number}")).replace("\"status\":2", "\"status\":9");
        let reports = hear(&mut broker, "GatewayUserOrder", &row);
        let Heard::Order(order) = &reports[0].what else { panic!("{reports:?}") };
        assert_eq!((order.order_type, order.words.as_str()), (wanted, "status 9"));
    }
}

#[test]
fn a_leg_names_its_parent_and_a_trail_is_a_stop_only_where_it_is_a_level() {
    let leg = r#"{"id":93002,"accountId":7001,"contractId":"C","creationTimestamp":"2026-02-03T14:30:00Z","status":8,"type":5,"side":1,"size":1,"trailPrice":20990,"parentOrderId":93001,"linkedOrderId":93003,"customTag":""}"#;
    for (trail_price, stop) in [(TrailPrice::Level, Some(p("20990"))), (TrailPrice::Distance, None)] {
        let (_, mut broker) = broker(Config { trail_price, ..config() });
        broker.hub_opened(NOW);
        let reports = hear(&mut broker, "GatewayUserOrder", leg);
        let Heard::Order(order) = &reports[0].what else { panic!("{reports:?}") };
        assert_eq!((order.parent.as_deref(), order.stop, order.client_id.as_deref()), (Some("93001"), stop, None));
        assert_eq!((order.status, order.updated, order.filled), (VenueStatus::Held, t("2026-02-03T14:30:00Z"), q(0)));
    }
}

#[test]
fn an_execution_carries_the_client_id_of_its_order_and_what_it_cost() {
    let (gate, mut broker) = listening();
    let unknown = hear(&mut broker, "GatewayUserTrade", TRADE);
    assert_eq!(unknown[0].client_id, None);
    gate.then("Order/place", ok(PLACED));
    broker.place(&checked(market(Side::Buy, 1)), &enq(), NOW);
    let with_commission = TRADE.replace("\"fees\":1.4", "\"fees\":1.4,\"commissions\":0.6");
    let reports = hear(&mut broker, "GatewayUserTrade", &with_commission);
    let [Report { client_id, venue_id, what: Heard::Execution { id, quantity, price, fee: Some(fee), last }, time }] =
        &reports[..]
    else {
        panic!("{reports:?}")
    };
    assert_eq!(
        (client_id.as_deref(), venue_id.as_deref(), id.as_str()),
        (Some("EX-trend-000001"), Some("93001"), "88001")
    );
    assert_eq!((*quantity, *price, *last, *time), (q(1), p("21000.25"), false, t("2026-02-03T14:30:02.5Z")));
    assert_eq!((fee.amount.to_string(), fee.currency.to_string()), ("2".into(), "USD".into()));
}

#[test]
fn an_order_that_is_only_pending_is_known_by_the_id_that_its_answer_names() {
    let (gate, mut broker) = listening();
    gate.then("Order/place", ok(r#"{"orderId":93001,"success":false,"errorCode":6,"errorMessage":null}"#));
    let outcome = broker.place(&checked(market(Side::Buy, 1)), &enq(), NOW);
    assert!(matches!(outcome, PlaceOutcome::Unknown(_)), "{outcome:?}");
    let client_id = Some("EX-trend-000001");
    assert_eq!(hear(&mut broker, "GatewayUserTrade", TRADE)[0].client_id.as_deref(), client_id);
    let untagged = ORDER.replace("\"customTag\":\"exv-77\"", "\"customTag\":null");
    assert_eq!(hear(&mut broker, "GatewayUserOrder", &untagged)[0].client_id.as_deref(), client_id);
    gate.then("Order/place", ok(r#"{"orderId":93002,"success":false,"errorCode":2,"errorMessage":null}"#));
    broker.place(&checked(market(Side::Buy, 1)), &enq(), NOW);
    let refused = hear(&mut broker, "GatewayUserTrade", &TRADE.replace("93001", "93002"));
    assert_eq!(refused[0].client_id, None, "a refused order is none of ours");
}

#[test]
fn the_client_ids_of_the_last_twenty_thousand_orders_are_remembered() {
    let (_, mut broker) = listening();
    let rows = |ids: std::ops::Range<i64>| -> Vec<String> {
        ids.map(|id| event("GatewayUserOrder", &ORDER.replace("\"id\":93001", &format!("\"id\":{id}")))).collect()
    };
    let client_id = |broker: &mut ProjectXBroker, order: i64| {
        hear(broker, "GatewayUserTrade", &TRADE.replace("93001", &order.to_string()))[0].client_id.clone()
    };
    for ids in [0..10_000, 10_000..20_000] {
        broker.hear(&text(&rows(ids).iter().map(String::as_str).collect::<Vec<_>>()), NOW);
    }
    broker.poll(NOW);
    assert_eq!(client_id(&mut broker, 0).as_deref(), Some("exv-77"));
    hear(&mut broker, "GatewayUserOrder", &ORDER.replace("\"id\":93001", "\"id\":20000"));
    assert_eq!((client_id(&mut broker, 0), client_id(&mut broker, 1).as_deref()), (None, Some("exv-77")));
}

#[test]
fn silence_is_noticed_by_who_only_polls() {
    let (_, mut broker) = listening();
    assert_eq!(broker.poll(later(30)), []);
    let reports = broker.poll(later(31));
    assert!(matches!(&reports[..], [Report { what: Heard::Gap(why), .. }] if why.contains("silent")), "{reports:?}");
    assert_eq!(broker.hub_state(), HubState::Closed);
}

#[test]
fn an_execution_that_was_taken_back_is_a_gap_and_no_execution() {
    let (_, mut broker) = listening();
    let reports = hear(&mut broker, "GatewayUserTrade", &TRADE.replace("false", "true"));
    assert!(
        matches!(&reports[..], [Report { what: Heard::Gap(why), .. }] if why.contains("execution 88001 of order 93001"))
    );
}

#[test]
fn another_account_is_not_heard_and_a_change_of_ours_is() {
    let (gate, mut broker) = listening();
    for (target, row) in [("GatewayUserOrder", ORDER), ("GatewayUserTrade", TRADE), ("GatewayUserPosition", POSITION)] {
        let other = row.replace("7001", "7002");
        assert_eq!(hear(&mut broker, target, &other), [], "{target}");
    }
    assert_eq!(hear(&mut broker, "GatewayUserPosition", POSITION), []);
    let account = |id: i64, trades: bool| format!(r#"{{"id":{id},"name":"N","canTrade":{trades}}}"#);
    assert_eq!(hear(&mut broker, "GatewayUserAccount", &account(7002, false)), []);
    assert!(broker.account().unwrap().can_trade);
    assert_eq!(hear(&mut broker, "GatewayUserAccount", &account(7001, false)), []);
    let known = broker.account().unwrap();
    assert_eq!(
        (known.can_trade, known.balance.unwrap().to_string()),
        (false, "50000".into()),
        "a balance that is left out stays"
    );
    let outcome = broker.place(&checked(market(Side::Buy, 1)), &enq(), NOW);
    assert!(matches!(outcome, PlaceOutcome::Rejected(words) if words.contains("may not trade")));
    hear(&mut broker, "GatewayUserAccount", &account(7001, true).replace("\"N\"", "\"N\",\"balance\":1.5"));
    assert_eq!(broker.account().unwrap().balance.unwrap().to_string(), "1.5");
    gate.done();
}

#[test]
fn what_cannot_be_read_is_a_gap_and_the_last_hundred_are_kept() {
    let (_, mut broker) = listening();
    for number in 0..101 {
        let reports = hear(&mut broker, "GatewayUserOrder", &format!("{{\"id\":\"{number}\"}}"));
        assert!(matches!(&reports[..], [Report { what: Heard::Gap(why), .. }] if why.contains("cannot be read")));
    }
    let odd = broker.take_odd();
    assert_eq!((odd.len(), broker.take_odd().len()), (100, 0));
}

#[test]
fn every_end_of_the_connection_is_a_gap_and_no_token_is_in_its_words() {
    let gap = |broker: &mut ProjectXBroker| {
        let reports = broker.poll(NOW);
        let [Report { client_id: None, venue_id: None, what: Heard::Gap(why), .. }] = &reports[..] else {
            panic!("{reports:?}")
        };
        assert_eq!(broker.hub_state(), HubState::Closed);
        assert!(!why.contains("eyJ"), "{why}");
        why.clone()
    };
    let (_, mut broker) = listening();
    broker.hub_lost("the WebSocket to ws://a?access_token=eyJ.first could not be opened", NOW);
    assert!(gap(&mut broker).contains("access_token=***"));
    broker.hub_lost("again", NOW);
    assert_eq!(broker.poll(NOW), []);
    broker.hub_opened(NOW);
    broker.hear(&Frame::Close(4001, "token eyJ.first ended".into()), NOW);
    assert!(gap(&mut broker).contains("token *** ended"));
    broker.hub_opened(NOW);
    assert_eq!(broker.hub_frames(Time(later(30).0 + 1)), []);
    assert!(gap(&mut broker).contains("silent"));
}

#[test]
fn a_hub_is_not_opened_without_login_and_account() {
    let gate = Gate::new();
    let mut broker = ProjectXBroker::new(config(), Arc::clone(&gate.http) as Arc<dyn Http>).unwrap();
    gate.then("Auth/loginKey", no(3));
    assert_eq!(broker.hub_request(NOW).unwrap_err().code(), "not_sent");
    assert!(broker.account().is_none());
    // Without an account nothing is ours.
    broker.hub_opened(NOW);
    assert_eq!(hear(&mut broker, "GatewayUserOrder", ORDER), []);
    assert!(ProjectXBroker::new(Config { user_name: String::new(), ..config() }, gate.http).is_err());
}
