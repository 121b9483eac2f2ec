//! Changes and cancels: their bytes, and what every answer becomes.

use exuvia_execution::{Amendment, Broker, ChangeOutcome};
use exuvia_model::{OrderIntent, OrderType, Side, Trail};
use exuvia_ports::Response;

use crate::kit::{
    AAPL, ODD, Scripted, always, at, header, intent, limit, lost, not_sent, one, p, q, scripted, stop, trailing,
};

fn terms(quantity: &str, limit: Option<&str>, stop: Option<&str>) -> Amendment {
    Amendment { quantity: q(quantity), limit: limit.map(p), stop: stop.map(p) }
}

fn replace(venue: &mut Scripted, intent: OrderIntent, terms: &Amendment) -> ChangeOutcome {
    let (order, instrument) = one(intent);
    venue.broker.replace("7002", order.order(), terms, &instrument, at(0))
}

fn replaced(status: u16, answer: &str) -> ChangeOutcome {
    replace(&mut always(status, answer), limit(AAPL, Side::Buy, "10", "185"), &terms("8", Some("184.5"), None))
}

fn cancelled(status: u16, answer: &str) -> ChangeOutcome {
    always(status, answer).broker.cancel("7002", at(0))
}

#[test]
fn a_change_names_type_duration_and_the_new_total() {
    let mut venue = always(200, r#"{"OrderId":"7002"}"#);
    let wanted = terms("8", Some("184.5"), None);
    assert_eq!(replace(&mut venue, limit(AAPL, Side::Buy, "10", "185"), &wanted), ChangeOutcome::Requested);
    let start = r#"{"AccountKey":"aBc1dEf2gHi3jKl4mNoPqw==","OrderId":"7002","AssetType":"Stock","#;
    let rest = r#""OrderType":"Limit","OrderDuration":{"DurationType":"DayOrder"},"Amount":8,"OrderPrice":184.5}"#;
    assert_eq!(venue.body(), format!("{start}{rest}"));
    let request = venue.last();
    assert_eq!(
        (request.method.as_str(), header(&request, "x-request-id")),
        ("PATCH", Some("1770130800000000000.7002"))
    );
}

#[test]
fn a_price_that_is_not_named_stays_and_each_type_takes_the_one_it_has() {
    let body = |intent: OrderIntent, wanted: &Amendment| {
        let mut venue = always(200, r#"{"OrderId":"7002"}"#);
        replace(&mut venue, intent, wanted);
        venue.body().split("\"Amount\":").nth(1).unwrap().to_owned()
    };
    assert_eq!(body(limit(AAPL, Side::Buy, "10", "185"), &terms("8", None, Some("3"))), r#"8,"OrderPrice":185}"#);
    assert_eq!(
        body(stop(AAPL, Side::Sell, "10", "185"), &terms("8", Some("3"), Some("184"))),
        r#"8,"OrderPrice":184}"#
    );
    let both =
        OrderIntent { order_type: OrderType::StopLimit, limit: Some(p("184")), ..stop(AAPL, Side::Sell, "10", "185") };
    assert_eq!(body(both.clone(), &terms("8", Some("183"), None)), r#"8,"OrderPrice":185,"StopLimitPrice":183}"#);
    assert_eq!(body(both, &terms("8", None, Some("186"))), r#"8,"OrderPrice":186,"StopLimitPrice":184}"#);
    let trail = r#"9,"OrderPrice":181,"TrailingStopDistanceToMarket":0.2,"TrailingStopStep":0.01}"#;
    assert_eq!(body(trailing(Side::Sell, "10", Some("180"), Trail::Ticks(20)), &terms("9", None, Some("181"))), trail);
}

#[test]
fn a_cancel_names_order_and_account() {
    let mut venue = always(200, r#"{"Orders":[{"OrderId":"7002"}]}"#);
    assert_eq!(venue.broker.cancel("7002", at(0)), ChangeOutcome::Requested);
    assert_eq!(venue.asked(), ["DELETE /trade/v2/orders/7002?AccountKey=aBc1dEf2gHi3jKl4mNoPqw%3D%3D"]);
    assert!(venue.last().body.is_empty());
}

#[test]
fn the_venues_word_on_this_very_order_decides() {
    let gone = r#"{"Orders":[{"OrderId":"7001"},{"OrderId":"7002","ErrorInfo":{"ErrorCode":"OrderNotFound","Message":"gone"}}]}"#;
    assert_eq!(cancelled(200, gone), ChangeOutcome::Refused("OrderNotFound: gone".into()));
    assert_eq!(cancelled(204, ""), ChangeOutcome::Requested);
    assert_eq!(cancelled(404, ""), ChangeOutcome::Refused("HTTP 404: the venue has no open order 7002".into()));
    assert_eq!(
        cancelled(404, r#"{"ErrorCode":"OrderNotFound","Message":"m"}"#),
        ChangeOutcome::Refused("OrderNotFound: m".into())
    );
    let late = r#"{"ErrorInfo":{"ErrorCode":"TooLateToCancelOrder"}}"#;
    for status in [200, 400] {
        assert_eq!(cancelled(status, late), ChangeOutcome::Refused("TooLateToCancelOrder".into()));
        assert_eq!(replaced(status, late), ChangeOutcome::Refused("TooLateToCancelOrder".into()));
    }
    assert_eq!(replaced(201, r#"{"OrderId":"7002"}"#), ChangeOutcome::Requested);
    let pending = r#"{"OrderId":"7002","ErrorInfo":{"ErrorCode":"AlreadyPendingCancelReplace"}}"#;
    assert_eq!(replaced(400, pending), ChangeOutcome::Refused("AlreadyPendingCancelReplace".into()));
    assert!(matches!(replaced(404, ""), ChangeOutcome::Refused(_)));
}

#[test]
fn what_is_no_word_on_this_order_is_unknown() {
    for (status, answer) in [
        (200, ""),
        (200, "{}"),
        (200, "<html>"),
        (200, r#"{"Orders":[{"OrderId":"7001"}]}"#),
        (200, r#"{"OrderId":"9"}"#),
        (202, r#"{"OrderId":"7002"}"#),
        (202, r#"{"OrderId":"7002","ErrorInfo":{"ErrorCode":"TradeNotCompleted"}}"#),
        (400, ""),
        (409, r#"{"ErrorCode":"DuplicateRequest"}"#),
        (500, late()),
        (503, ""),
    ] {
        for outcome in [cancelled(status, answer), replaced(status, answer)] {
            assert!(matches!(outcome, ChangeOutcome::Unknown(_)), "{status} {answer}: {outcome:?}");
        }
    }
}

fn late() -> &'static str {
    r#"{"ErrorInfo":{"ErrorCode":"TooLateToCancelOrder"}}"#
}

#[test]
fn what_never_left_or_was_not_looked_at_may_be_sent_again() {
    for status in [401, 429] {
        assert!(matches!(cancelled(status, ""), ChangeOutcome::NotSent(_)));
        assert!(matches!(replaced(status, ""), ChangeOutcome::NotSent(_)));
    }
    for safe in [true, false] {
        let mut venue = scripted(move |_| Err(if safe { not_sent() } else { lost() }));
        let change = replace(&mut venue, limit(AAPL, Side::Buy, "10", "185"), &terms("8", None, None));
        for outcome in [change, venue.broker.cancel("7002", at(0))] {
            assert_eq!(matches!(outcome, ChangeOutcome::NotSent(_)), safe, "{outcome:?}");
            assert_eq!(matches!(outcome, ChangeOutcome::Unknown(_)), !safe, "{outcome:?}");
        }
    }
}

#[test]
fn a_change_that_saxo_could_not_take_is_refused_and_nothing_is_sent() {
    let mut venue = always(200, r#"{"OrderId":"7002"}"#);
    let outcome = replace(&mut venue, intent(ODD, Side::Buy, "1"), &terms("2", None, None));
    assert!(matches!(&outcome, ChangeOutcome::Refused(words) if words.starts_with("never sent")), "{outcome:?}");
    assert!(venue.requests().is_empty());
}

#[test]
fn a_change_counts_as_an_order_of_its_second_and_a_cancel_does_not() {
    let mut venue = scripted(|_| Ok(Response::new(200, r#"{"OrderId":"7002"}"#)));
    let change = |venue: &mut Scripted| replace(venue, limit(AAPL, Side::Buy, "10", "185"), &terms("8", None, None));
    assert_eq!(change(&mut venue), ChangeOutcome::Requested);
    assert!(matches!(change(&mut venue), ChangeOutcome::NotSent(_)));
    assert_eq!(venue.broker.cancel("7002", at(0)), ChangeOutcome::Requested);
}
