//! Linked orders in one request: their bytes, and an outcome for each.

use exuvia_execution::PlaceOutcome;
use exuvia_model::{OrderIntent, Side, TimeInForce};

use crate::kit::{
    AAPL, CLIENT, ODD, Scripted, always, at, checked, desk, flat, header, intent, limit, lost, not_sent, scripted, stop,
};

fn lasting(intent: OrderIntent) -> OrderIntent {
    OrderIntent { duration: TimeInForce::GoodTillCancel, ..intent }
}

/// Entry, take-profit and stop, as the example has them.
fn bracket() -> Vec<OrderIntent> {
    let (take, stop) = (limit(AAPL, Side::Sell, "10", "195"), stop(AAPL, Side::Sell, "10", "180"));
    vec![limit(AAPL, Side::Buy, "10", "185"), lasting(take), lasting(stop)]
}

fn place(venue: &mut Scripted, intents: Vec<OrderIntent>, has_first: bool) -> Vec<PlaceOutcome> {
    let orders = checked(&mut desk(), intents);
    let refs: Vec<_> = orders.iter().map(|(order, instrument)| (order, instrument)).collect();
    let (first, related) = if has_first { (Some(refs[0]), &refs[1..]) } else { (None, &refs[..]) };
    venue.broker.place_linked(first, related, at(0))
}

fn bracketed(status: u16, answer: &str) -> Vec<PlaceOutcome> {
    place(&mut always(status, answer), bracket(), true)
}

fn paired(status: u16, answer: &str) -> Vec<PlaceOutcome> {
    place(&mut always(status, answer), bracket()[1..].to_vec(), false)
}

fn accepted(id: &str) -> PlaceOutcome {
    PlaceOutcome::Accepted(id.to_owned())
}

fn kinds(outcomes: &[PlaceOutcome]) -> Vec<&'static str> {
    let kind = |outcome: &PlaceOutcome| match outcome {
        PlaceOutcome::Accepted(_) => "accepted",
        PlaceOutcome::Rejected(_) => "rejected",
        PlaceOutcome::Unknown(_) => "unknown",
        PlaceOutcome::NotSent(_) => "not sent",
    };
    outcomes.iter().map(kind).collect()
}

#[test]
fn a_bracket_is_the_example_to_the_byte() {
    let example = r#"{"AccountKey":"aBc1…==","Uic":211,"AssetType":"Stock","BuySell":"Buy","Amount":10,"OrderType":"Limit","OrderPrice":185,"OrderDuration":{"DurationType":"DayOrder"},"ManualOrder":false,
 "Orders":[{"Uic":211,"AssetType":"Stock","BuySell":"Sell","Amount":10,"OrderType":"Limit","OrderPrice":195,"OrderDuration":{"DurationType":"GoodTillCancel"},"ManualOrder":false,"ExternalReference":"exv-43-tp"},
           {"Uic":211,"AssetType":"Stock","BuySell":"Sell","Amount":10,"OrderType":"StopIfTraded","OrderPrice":180,"OrderDuration":{"DurationType":"GoodTillCancel"},"ManualOrder":false,"ExternalReference":"exv-43-sl"}]}"#;
    let example = flat(&example.replace("          {", "{")).replace("aBc1…==", CLIENT);
    let example = example.replace("exv-43-tp", "exv-a-000002").replace("exv-43-sl", "exv-a-000003");
    let example = example.replace(r#"false,"Orders""#, r#"false,"ExternalReference":"exv-a-000001","Orders""#);
    let mut venue = always(200, "");
    place(&mut venue, bracket(), true);
    assert_eq!(venue.body(), example);
    assert_eq!(header(&venue.last(), "x-request-id"), Some("exv-a-000001"));
}

#[test]
fn an_oco_has_no_order_at_the_top_and_each_leg_names_the_account() {
    let mut venue = always(200, "");
    place(&mut venue, bracket()[1..].to_vec(), false);
    let leg = format!(r#"{{"AccountKey":"{CLIENT}","Uic":211,"#);
    assert!(venue.body().starts_with(&format!(r#"{{"Orders":[{leg}"#)), "{}", venue.body());
    assert_eq!(venue.body().matches(&leg).count(), 2);
}

#[test]
fn a_placed_bracket_and_a_placed_oco_give_each_order_its_id() {
    let answer = r#"{"OrderId":"7002","Orders":[{"OrderId":"7004","ExternalReference":"exv-a-000003"},{"OrderId":"7003","ExternalReference":"exv-a-000002"}]}"#;
    assert_eq!(
        bracketed(200, answer),
        [accepted("7002"), accepted("7003"), accepted("7004")],
        "by reference, not by place"
    );
    let bare = r#"{"OrderId":"7002","Orders":[{"OrderId":"7003"},{"OrderId":"7004"}]}"#;
    assert_eq!(bracketed(200, bare), [accepted("7002"), accepted("7003"), accepted("7004")]);
    let pair = r#"{"Orders":[{"OrderId":"7010","ExternalReference":"exv-a-000001"},{"OrderId":"7011","ExternalReference":"exv-a-000002"}]}"#;
    assert_eq!(paired(200, pair), [accepted("7010"), accepted("7011")]);
}

#[test]
fn a_parent_that_was_placed_stands_although_its_child_was_refused() {
    let answer = r#"{"OrderId":"7002","Orders":[{"ErrorInfo":{"ErrorCode":"TooCloseToMarket"},"ExternalReference":"exv-a-000002"}]}"#;
    let outcomes = bracketed(400, answer);
    assert_eq!(kinds(&outcomes), ["accepted", "rejected", "unknown"]);
    assert!(matches!(&outcomes[2], PlaceOutcome::Unknown(words) if words.contains("does not speak of this order")));
}

#[test]
fn one_leg_of_an_oco_may_be_refused_alone() {
    let answer = r#"{"Orders":[{"OrderId":"7010"},{"ErrorInfo":{"ErrorCode":"OnWrongSideOfMarket","Message":"m"},"ExternalReference":"exv-a-000002"}]}"#;
    assert_eq!(paired(400, answer), [accepted("7010"), PlaceOutcome::Rejected("OnWrongSideOfMarket: m".into())]);
    let both = r#"{"Orders":[{"ErrorInfo":{"ErrorCode":"RelatedOrderWasRejected"}},{"ErrorInfo":{"ErrorCode":"OnWrongSideOfMarket"}}]}"#;
    assert_eq!(kinds(&paired(400, both)), ["rejected", "rejected"]);
}

#[test]
fn nothing_that_hangs_on_a_refused_order_exists() {
    let refused = r#"{"ErrorInfo":{"ErrorCode":"MarketClosed"}}"#;
    assert_eq!(kinds(&bracketed(400, refused)), ["rejected"; 3]);
    assert_eq!(kinds(&paired(400, refused)), ["rejected"; 2]);
    assert_eq!(kinds(&bracketed(401, "{}")), ["not sent"; 3]);
}

#[test]
fn a_doubt_about_the_request_is_a_doubt_about_each_order() {
    for (status, answer) in
        [(200, ""), (500, ""), (409, "{}"), (200, "{}"), (400, r#"{"ErrorCode":"X","Orders":[{"OrderId":"1"},{}]}"#)]
    {
        let outcomes = bracketed(status, answer);
        assert!(!kinds(&outcomes).contains(&"rejected"), "{status} {answer}: {outcomes:?}");
        assert_eq!(kinds(&outcomes)[0], "unknown");
    }
    let mut venue = scripted(|_| Err(lost()));
    assert_eq!(kinds(&place(&mut venue, bracket(), true)), ["unknown"; 3]);
    let mut venue = scripted(|_| Err(not_sent()));
    assert_eq!(kinds(&place(&mut venue, bracket(), true)), ["not sent"; 3]);
}

#[test]
fn more_than_saxo_takes_is_refused_and_nothing_is_sent() {
    let many = || [bracket(), bracket()].concat();
    let uneven = || vec![limit(AAPL, Side::Buy, "10", "185"), limit(AAPL, Side::Sell, "9", "195")];
    let foreign = || vec![limit(AAPL, Side::Buy, "10", "185"), intent(ODD, Side::Sell, "10")];
    for (intents, has_first, why) in [
        (many(), true, "these are 5"),
        (bracket()[..1].to_vec(), true, "these are 0"),
        (bracket()[..1].to_vec(), false, "these are 1"),
        (uneven(), true, "of one amount"),
        (uneven(), false, "of one amount"),
        (foreign(), true, "not among `contracts`"),
        (foreign().into_iter().rev().collect(), true, "not among `contracts`"),
    ] {
        let mut venue = always(200, "");
        let count = intents.len();
        let outcomes = place(&mut venue, intents, has_first);
        assert_eq!(kinds(&outcomes), vec!["rejected"; count]);
        assert!(matches!(&outcomes[0], PlaceOutcome::Rejected(words) if words.contains(why)), "{outcomes:?}");
        assert!(venue.requests().is_empty());
    }
    assert!(always(200, "").broker.place_linked(None, &[], at(0)).is_empty(), "nothing is nothing");
}

#[test]
fn disclaimers_of_a_child_are_kept_as_those_of_the_parent() {
    let texts = r#""PreTradeDisclaimers":{"DisclaimerContext":"c","DisclaimerTokens":["t"]}"#;
    let answer = format!(r#"{{"OrderId":"7002","Orders":[{{"ErrorInfo":{{"ErrorCode":"D",{texts}}}}}]}}"#);
    let mut venue = always(400, &answer);
    place(&mut venue, bracket()[..2].to_vec(), true);
    assert_eq!(venue.broker.outstanding().unwrap().tokens, ["t"]);
}
