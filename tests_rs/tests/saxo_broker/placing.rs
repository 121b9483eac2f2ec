//! One order out: its bytes, and what every answer to it becomes.

use exuvia_brokers::saxo::{Contract, SaxoConfig};
use exuvia_execution::{Broker, PlaceOutcome};
use exuvia_model::{OrderIntent, OrderType, Side, TimeInForce, Trail};
use exuvia_ports::HttpError;

use crate::kit::{
    AAPL, CALL, CLIENT, EURO, ODD, always, at, config, flat, header, in_turn, intent, limit, lost, not_sent, one,
    scripted, stop, trailing, with,
};

fn body(intent: OrderIntent) -> String {
    body_with(config(), intent)
}

fn body_with(config: SaxoConfig, intent: OrderIntent) -> String {
    let mut venue = with(config, |_| Ok(exuvia_ports::Response::new(200, r#"{"OrderId":"7002"}"#)));
    let (order, instrument) = one(intent);
    assert_eq!(venue.broker.place(&order, &instrument, at(0)), PlaceOutcome::Accepted("7002".into()));
    venue.body()
}

fn outcome(status: u16, answer: &str) -> PlaceOutcome {
    let mut venue = always(status, answer);
    let (order, instrument) = one(limit(AAPL, Side::Buy, "10", "185"));
    let outcome = venue.broker.place(&order, &instrument, at(0));
    assert_eq!(venue.requests().len(), 1, "one call, one request");
    outcome
}

fn rejected(status: u16, answer: &str) -> String {
    let PlaceOutcome::Rejected(words) = outcome(status, answer) else { panic!("{status} {answer}") };
    words
}

fn unknown(status: u16, answer: &str) -> String {
    let PlaceOutcome::Unknown(words) = outcome(status, answer) else { panic!("{status} {answer}") };
    words
}

#[test]
fn a_limit_order_is_the_minimal_example_to_the_byte() {
    let example = r#"{"AccountKey":"aBc1…==","Uic":211,"AssetType":"Stock","BuySell":"Buy","Amount":10,"OrderType":"Limit","OrderPrice":185.0,
 "OrderDuration":{"DurationType":"DayOrder"},"ManualOrder":false,"ExternalReference":"exv-43"}"#;
    let example = flat(example).replace("aBc1…==", CLIENT).replace("185.0", "185").replace("exv-43", "exv-a-000001");
    assert_eq!(body(limit(AAPL, Side::Buy, "10", "185.0")), example);
}

#[test]
fn the_request_carries_token_type_and_the_client_id_as_its_id() {
    let mut venue = always(200, r#"{"OrderId":"7002"}"#);
    let (order, instrument) = one(limit(AAPL, Side::Buy, "10", "185"));
    venue.broker.place(&order, &instrument, at(0));
    let request = venue.last();
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", "http://127.0.0.1:9/sim/openapi/trade/v2/orders")
    );
    assert_eq!(header(&request, "Authorization"), Some("Bearer s3cret-token"));
    assert_eq!(header(&request, "Content-Type"), Some("application/json; charset=utf-8"));
    assert_eq!(header(&request, "x-request-id"), Some("exv-a-000001"));
    venue.broker.place(&order, &instrument, at(2));
    assert_eq!(venue.last(), request, "a declared repetition is the same bytes under the same id");
}

#[test]
fn every_type_of_order_has_its_words_and_prices() {
    let has = |intent: OrderIntent, fields: &str| {
        let body = body(intent);
        assert!(body.contains(fields), "{body}");
    };
    let buy = || intent(AAPL, Side::Buy, "1.5");
    has(buy(), r#""BuySell":"Buy","Amount":1.5,"OrderType":"Market","OrderDuration":{"DurationType":"DayOrder"}"#);
    has(OrderIntent { duration: TimeInForce::GoodTillCancel, ..buy() }, r#"{"DurationType":"DayOrder"}"#);
    has(OrderIntent { duration: TimeInForce::FillOrKill, ..buy() }, r#"{"DurationType":"FillOrKill"}"#);
    let lasting = OrderIntent { duration: TimeInForce::GoodTillCancel, ..limit(AAPL, Side::Sell, "1", "9.99") };
    has(lasting, r#""OrderType":"Limit","OrderPrice":9.99,"OrderDuration":{"DurationType":"GoodTillCancel"}"#);
    has(stop(AAPL, Side::Sell, "1", "180"), r#""OrderType":"StopIfTraded","OrderPrice":180,"#);
    has(
        stop(EURO, Side::Sell, "1000", "1.05001"),
        r#""Uic":21,"AssetType":"FxSpot","BuySell":"Sell","Amount":1000,"OrderType":"Stop","OrderPrice":1.05001,"#,
    );
    let both = OrderIntent {
        order_type: OrderType::StopLimit,
        limit: Some(crate::kit::p("179.5")),
        ..stop(AAPL, Side::Sell, "1", "180")
    };
    has(both, r#""OrderType":"StopLimit","OrderPrice":180,"StopLimitPrice":179.5,"OrderDuration""#);
    let trail = trailing(Side::Sell, "1", Some("180"), Trail::Ticks(20));
    let prices = r#""OrderPrice":180,"TrailingStopDistanceToMarket":0.2,"TrailingStopStep":0.01,"OrderDuration""#;
    has(trail.clone(), &format!(r#""OrderType":"TrailingStopIfTraded",{prices}"#));
    let mut other = config();
    (other.trailing_step, other.manual_order) = (5, true);
    let other = other.contract("AAPL:xnas", Contract { if_traded: false, ..Contract::new(211, "Stock") });
    let body = body_with(other, trail);
    assert!(body.contains(r#""OrderType":"TrailingStop","#) && body.contains(r#""TrailingStopStep":0.05"#), "{body}");
    assert!(body.contains(r#""ManualOrder":true"#));
}

#[test]
fn an_option_order_says_whether_it_opens_and_what_is_no_entry_closes() {
    for (reason, word) in [("entry", "ToOpen"), ("stop", "ToClose"), ("signal", "ToClose")] {
        let body = body(OrderIntent { reason: reason.into(), ..limit(CALL, Side::Buy, "1", "4.5") });
        assert!(body.contains(&format!(r#""ToOpenClose":"{word}","ManualOrder":false"#)), "{body}");
    }
    assert!(!body(intent(AAPL, Side::Buy, "1")).contains("ToOpenClose"));
}

#[test]
fn what_saxo_has_no_place_for_is_refused_and_nothing_is_sent() {
    for (order, why) in [
        (intent(ODD, Side::Buy, "1"), "\"MESZ6\" is not among `contracts`"),
        (trailing(Side::Sell, "1", None, Trail::Ticks(20)), "needs a stop to start from"),
        (trailing(Side::Sell, "1", Some("180"), Trail::BasisPoints(20)), "takes no percentage"),
        (trailing(Side::Sell, "1", Some("180"), Trail::Ticks(u32::MAX)), ""),
    ] {
        let mut venue = always(200, r#"{"OrderId":"7002"}"#);
        let (order, instrument) = one(order);
        match venue.broker.place(&order, &instrument, at(0)) {
            PlaceOutcome::Rejected(words) => assert!(words.contains(why) && words.starts_with("never sent"), "{words}"),
            other => assert!(why.is_empty(), "{other:?}"),
        }
        assert_eq!(venue.requests().is_empty(), !why.is_empty());
    }
    let mut instrument = one(intent(AAPL, Side::Buy, "1")).1;
    instrument.tick = crate::kit::p("9000000000");
    let (order, _) = one(trailing(Side::Sell, "1", Some("180"), Trail::Ticks(9)));
    let mut venue = always(200, "{}");
    let outcome = venue.broker.place(&order, &instrument, at(0));
    assert!(
        matches!(&outcome, PlaceOutcome::Rejected(words) if words.contains("9 ticks of 9000000000 is no price")),
        "{outcome:?}"
    );
}

#[test]
fn an_order_id_without_an_error_is_an_order_whatever_the_2xx_and_also_with_400() {
    let placed = PlaceOutcome::Accepted("7002".into());
    assert_eq!(outcome(200, r#"{"OrderId":"7002","ExternalReference":"exv-43"}"#), placed);
    assert_eq!(outcome(201, r#"{"OrderId":7002}"#), placed, "an id may be a number");
    assert_eq!(
        outcome(
            400,
            r#"{"OrderId":"7002","Orders":[{"ErrorInfo":{"ErrorCode":"X"},"ExternalReference":"exv-43-tp"}]}"#
        ),
        placed
    );
}

#[test]
fn a_refusal_is_the_venues_code_without_an_order_id() {
    let wrong_side =
        r#"{"ErrorInfo":{"ErrorCode":"OnWrongSideOfMarket","Message":"Price is on the wrong side of the market"}}"#;
    for status in [200, 400] {
        assert_eq!(rejected(status, wrong_side), "OnWrongSideOfMarket: Price is on the wrong side of the market");
    }
    assert_eq!(
        rejected(400, r#"{"ErrorInfo":{"ErrorCode":"NeverHeardOf"}}"#),
        "NeverHeardOf",
        "the list of codes is open"
    );
    assert_eq!(rejected(400, "{\"ErrorInfo\":{\"ErrorCode\":\"A\",\"Message\":\"b\\r\\nc\"}}"), "A: b  c");
    let malformed = r#"{"Message":"One or more properties of the request are invalid!","ModelState":{"AssetType":["AssetType is required"]},"ErrorCode":"InvalidModelState"}"#;
    let words =
        "InvalidModelState: One or more properties of the request are invalid! [AssetType: AssetType is required]";
    assert_eq!(rejected(400, malformed), words);
    assert_eq!(
        rejected(403, r#"{"ErrorCode":"InsufficientTradeLevelException","Message":"no"}"#),
        "InsufficientTradeLevelException: no"
    );
    assert_eq!(rejected(404, r#"{"ErrorCode":"InvalidUic"}"#), "InvalidUic");
}

#[test]
fn outstanding_disclaimers_refuse_the_order_and_are_kept_to_be_answered() {
    let answer = r#"{"ErrorInfo":{"ErrorCode":"PreTradeDisclaimers","Message":"m","PreTradeDisclaimers":{"DisclaimerContext":"ctx","DisclaimerTokens":["t1","t2"]}}}"#;
    let mut venue = in_turn(vec![Ok(exuvia_ports::Response::new(400, answer)), crate::kit::ok(r#"{"OrderId":"1"}"#)]);
    let (order, instrument) = one(intent(AAPL, Side::Buy, "1"));
    let refused = venue.broker.place(&order, &instrument, at(0));
    assert!(matches!(&refused, PlaceOutcome::Rejected(words) if words.contains("outstanding (t1, t2)")), "{refused:?}");
    let outstanding = venue.broker.outstanding().unwrap();
    assert_eq!((outstanding.context.as_str(), outstanding.tokens.len()), ("ctx", 2));
    venue.broker.place(&order, &instrument, at(5));
    assert_eq!(venue.broker.outstanding(), None);
    let bare = r#"{"ErrorInfo":{"PreTradeDisclaimers":{"DisclaimerContext":"ctx","DisclaimerTokens":["t1"]}}}"#;
    assert!(rejected(400, bare).contains("(t1)"));
}

#[test]
fn whatever_leaves_a_doubt_is_unknown() {
    let trade = r#"{"OrderId":"7002","ErrorInfo":{"ErrorCode":"TradeNotCompleted","Message":"m"}}"#;
    assert!(unknown(202, trade).contains("7002 with HTTP 202 TradeNotCompleted: m"));
    for (status, answer) in [
        (202, r#"{"OrderId":"7002"}"#),
        (202, r#"{"ErrorInfo":{"ErrorCode":"TradeNotCompleted"}}"#),
        (200, r#"{"ErrorInfo":{"ErrorCode":"TradeNotCompleted"}}"#),
        (200, trade),
        (400, r#"{"OrderId":"7002","ErrorInfo":{"ErrorCode":"OnWrongSideOfMarket"}}"#),
        (400, r#"{"ErrorInfo":{"ErrorCode":"Odd"},"Orders":[{"OrderId":"7003"}]}"#),
        (400, r#"{"ErrorInfo":{"ErrorCode":"InternalServerError"}}"#),
        (400, r#"{"ErrorInfo":{}}"#),
        (400, ""),
        (400, "{}"),
        (400, "[1]"),
        (200, ""),
        (200, "<html>"),
        (403, "<html>Access Denied</html>"),
        (404, ""),
        (500, r#"{"ErrorCode":"InvalidRequest"}"#),
        (500, r#"{"OrderId":"7002"}"#),
        (503, ""),
        (302, ""),
    ] {
        unknown(status, answer);
    }
    assert!(unknown(409, "").contains("the first one arrived"));
    assert!(unknown(409, r#"{"ErrorCode":"DuplicateRequest","Message":"m"}"#).contains("DuplicateRequest"));
    assert!(unknown(403, "<html>\u{7}Access").contains("HTTP 403 <html> Access"));
}

#[test]
fn a_token_or_a_limit_stops_an_order_before_the_venue_looks_at_it() {
    for (status, answer) in [(401, ""), (429, ""), (401, "<html>"), (429, r#"{"ErrorCode":"RateLimitExceeded"}"#)] {
        let outcome = outcome(status, answer);
        assert!(
            matches!(&outcome, PlaceOutcome::NotSent(words) if words.contains("did not look at the order")),
            "{outcome:?}"
        );
    }
    let odd = outcome(429, r#"{"OrderId":"7002"}"#);
    assert!(matches!(odd, PlaceOutcome::Unknown(_)), "an order id is an order");
}

#[test]
fn a_lost_answer_is_unknown_and_a_request_that_never_left_may_be_sent_again() {
    let answers: Vec<(HttpError, bool)> = vec![
        (lost(), false),
        (not_sent(), true),
        (HttpError::NotTaped { method: "POST".into(), url: "u".into(), at: 3, expected: "has ended".into() }, true),
    ];
    for (error, safe) in answers {
        let mut venue = scripted(move |_| Err(error.clone()));
        let (order, instrument) = one(intent(AAPL, Side::Buy, "1"));
        let outcome = venue.broker.place(&order, &instrument, at(0));
        assert_eq!(matches!(outcome, PlaceOutcome::NotSent(_)), safe, "{outcome:?}");
        assert_eq!(matches!(outcome, PlaceOutcome::Unknown(_)), !safe, "{outcome:?}");
        assert!(!format!("{outcome:?}").contains("s3cret"));
    }
}

#[test]
fn two_orders_within_a_second_are_one_request_and_one_that_waits() {
    let mut venue = always(200, r#"{"OrderId":"7002"}"#);
    let mut desk = crate::kit::desk();
    let orders = crate::kit::checked(&mut desk, vec![intent(AAPL, Side::Buy, "1"), intent(AAPL, Side::Buy, "2")]);
    venue.broker.place(&orders[0].0, &orders[0].1, at(0));
    let second = venue.broker.place(&orders[1].0, &orders[1].1, at(0));
    assert!(matches!(&second, PlaceOutcome::NotSent(words) if words.contains("2026-02-03T15:00:01")), "{second:?}");
    assert_eq!(venue.requests().len(), 1);
    assert_eq!(venue.broker.place(&orders[1].0, &orders[1].1, at(1)), PlaceOutcome::Accepted("7002".into()));
}

#[test]
fn the_broker_says_what_it_can() {
    let venue = always(200, "{}");
    let can = venue.broker.capabilities();
    assert_eq!((can.order_types.len(), can.replaces, can.brackets), (5, true, false));
    assert!(!format!("{:?}", venue.broker).contains("s3cret"));
}
