//! The stream: subscriptions and what their messages become.

use exuvia_brokers::saxo::{Feed, Topic};
use exuvia_execution::{Broker, Heard, Report, Step, VenueStatus};
use exuvia_market::wire::saxo::{Message, encode_frame};
use exuvia_ports::Response;

use crate::kit::{Scripted, at, p, q, scripted};

/// A venue that answers every subscription with this snapshot.
pub fn subscribed(snapshot: &'static str) -> Scripted {
    scripted(move |request| match request.method.as_str() {
        "POST" => {
            Ok(Response::new(201, format!(r#"{{"InactivityTimeout":30,"State":"Active","Snapshot":{snapshot}}}"#)))
        }
        _ => Ok(Response::new(204, "")),
    })
}

pub fn frame(messages: &[(u64, &str, &str)]) -> Vec<u8> {
    let message = |(id, reference, payload): &(u64, &'static str, &'static str)| Message {
        id: *id,
        reference,
        format: 0,
        payload: payload.as_bytes(),
    };
    let messages: Vec<(u64, &'static str, &'static str)> =
        messages.iter().map(|(id, reference, payload)| (*id, leak(reference), leak(payload))).collect();
    encode_frame(&messages.iter().map(message).collect::<Vec<_>>()).unwrap()
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// The activity of the protocol's description, with this number, status and rest.
pub fn activity(sequence: u32, status: &str, rest: &str) -> String {
    format!(
        r#"{{"ActivityType":"Orders","SequenceId":"{sequence}","ActivityTime":"2026-02-03T15:00:05.000000Z","AccountId":"1","ClientId":"1","OrderId":"7002","Uic":211,"AssetType":"Stock","BuySell":"Buy","Amount":10,"OrderType":"TrailingStop","Price":185,"Status":"{status}","ExternalReference":"exv-43"{rest}}}"#
    )
}

pub fn whats(reports: Vec<Report>) -> Vec<Heard> {
    reports.into_iter().map(|report| report.what).collect()
}

pub fn is_gap(heard: &[Heard]) -> bool {
    matches!(heard, [Heard::Gap(_)])
}

#[test]
fn a_subscription_names_context_reference_and_arguments() {
    let mut venue = subscribed(r#"{"Data":[]}"#);
    let feed = venue.broker.feed();
    feed.want(Topic::Orders);
    feed.want(Topic::Prices { uics: vec![211, 212], asset_type: "Stock".into() });
    assert_eq!(venue.broker.tend(at(0)), Ok(3));
    let asked = ["/ens/v1/activities", "/port/v1/orders", "/trade/v1/infoprices"]
        .map(|path| format!("POST {path}/subscriptions"));
    assert_eq!(venue.asked(), asked);
    let key = crate::kit::CLIENT;
    let bodies: Vec<String> =
        venue.requests().into_iter().map(|request| String::from_utf8(request.body).unwrap()).collect();
    let body = |reference: &str, arguments: &str| {
        format!(
            r#"{{"ContextId":"exuvia","ReferenceId":"{reference}","Arguments":{{{arguments}}},"Format":"application/json","RefreshRate":1000}}"#
        )
    };
    assert_eq!(bodies[0], body("activities-1", &format!(r#""AccountKey":"{key}","Activities":["Orders"]"#)));
    assert_eq!(bodies[1], body("orders-2", &format!(r#""ClientKey":"{key}","AccountKey":"{key}""#)));
    assert_eq!(bodies[2], body("prices-3", r#""Uics":"211,212","AssetType":"Stock""#));
    assert_eq!(venue.broker.tend(at(1)), Ok(0), "what stands is not asked for again");
}

#[test]
fn each_activity_is_the_step_that_it_tells_once() {
    let mut venue = subscribed(r#"{"Data":[]}"#);
    venue.broker.tend(at(0)).unwrap();
    let feed = venue.broker.feed();
    let sub = |word: &str| format!(r#","SubStatus":"{word}""#);
    let fill = r#","FillAmount":4,"FilledAmount":4,"AveragePrice":184.5,"ExecutionPrice":184.25"#;
    let executed =
        |last| Heard::Execution { id: "filled-4".into(), quantity: q("4"), price: p("184.25"), fee: None, last };
    let cases: Vec<(&str, String, Option<Heard>)> = vec![
        ("Placed", sub("Confirmed"), Some(Heard::Step(Step::Accepted(Some("7002".into()))))),
        ("Working", String::new(), Some(Heard::Step(Step::Accepted(Some("7002".into()))))),
        ("Placed", sub("Rejected"), Some(Heard::Step(Step::Refused("Placed Rejected".into())))),
        ("Placed", sub("Requested"), None),
        ("Placed", sub("WaitCondition"), None),
        ("Changed", sub("Confirmed"), Some(Heard::Step(Step::Replaced))),
        ("Changed", sub("Rejected"), Some(Heard::Step(Step::ReplaceRefused("Changed Rejected".into())))),
        ("Changed", sub("RouteRequested"), None),
        ("Cancelled", sub("Confirmed"), Some(Heard::Step(Step::Cancelled("Cancelled Confirmed".into())))),
        ("Cancelled", sub("Rejected"), Some(Heard::Step(Step::CancelRefused("Cancelled Rejected".into())))),
        ("Expired", String::new(), Some(Heard::Step(Step::Expired))),
        ("DoneForDay", String::new(), Some(Heard::Step(Step::Expired))),
        ("DoneForDay", r#","Duration":{"DurationType":"GoodTillCancel"}"#.into(), None),
        ("TrailingStopOrderMove", String::new(), Some(Heard::Trailed(p("185")))),
        ("Fill", fill.into(), Some(executed(false))),
        ("FinalFill", fill.into(), Some(executed(true))),
    ];
    for (number, (status, rest, heard)) in (1..).zip(cases) {
        let payload = format!("[{}]", activity(number, status, &rest));
        for id in 0..2 {
            feed.frame(&frame(&[(u64::from(number) * 2 + id, "activities-1", &payload)]), at(1));
        }
        let reports = venue.broker.poll(at(1));
        assert_eq!(whats(reports.clone()), heard.clone().into_iter().collect::<Vec<_>>(), "{status}{rest}: told once");
        if let Some(report) = reports.first() {
            assert_eq!(
                (report.client_id.as_deref(), report.venue_id.as_deref(), report.time),
                (Some("exv-43"), Some("7002"), at(5))
            );
        }
        assert_eq!(feed.sequence(), Some(number.to_string()));
    }
    assert_eq!((feed.last_message(), feed.unread()), (Some(33), 0));
}

#[test]
fn what_is_no_activity_of_an_order_is_passed_and_what_cannot_be_read_is_a_gap() {
    let mut venue = subscribed(r#"{"Data":[]}"#);
    venue.broker.tend(at(0)).unwrap();
    let feed = venue.broker.feed();
    let tell = |payload: &str| {
        feed.frame(&frame(&[(1, "ACTIVITIES-1", payload)]), at(1));
        whats(feed.reports())
    };
    assert!(tell(r#"{"Data":[{"ActivityType":"Positions","SequenceId":"5"}]}"#).is_empty());
    assert_eq!(feed.sequence().as_deref(), Some("5"));
    assert_eq!(tell(&activity(4, "Working", "")).len(), 1, "one element alone, and an older one, are taken");
    assert_eq!(feed.sequence().as_deref(), Some("5"), "the last one stays the last");
    for broken in [
        r#"{"Status":"Working"}"#.to_owned(),
        activity(6, "NeverHeardOf", ""),
        activity(7, "Working", "").replace("\"BuySell\":\"Buy\"", "\"BuySell\":\"Bay\""),
        activity(8, "Working", r#","SubStatus":"Odd""#),
        activity(9, "Working", "").replace("15:00:05.0", "25:00:05.0"),
        activity(10, "Working", "").replace("ActivityTime", "Time"),
    ] {
        assert!(is_gap(&tell(&broken)), "{broken}");
    }
    assert_eq!(feed.unread(), 6);
    assert!(is_gap(&tell(&activity(11, "Fill", r#","FillAmount":4,"ExecutionPrice":184"#))), "how much in all?");
    assert!(feed.over().is_none());
}

#[test]
fn a_message_that_is_no_json_does_not_take_the_others_with_it() {
    let mut venue = subscribed(r#"{"Data":[]}"#);
    venue.broker.tend(at(0)).unwrap();
    let feed = venue.broker.feed();
    let (good, last) = (activity(1, "Working", ""), activity(2, "Expired", ""));
    feed.frame(
        &frame(&[
            (1, "activities-1", &good),
            (2, "_heartbeat", "nonsense"),
            (3, "activities-1", "[{"),
            (4, "activities-1", &last),
        ]),
        at(1),
    );
    let heard = whats(feed.reports());
    assert!(matches!(&heard[..], [Heard::Step(Step::Accepted(_)), Heard::Gap(_)]), "{heard:?}");
    assert_eq!(feed.unread(), 2);
    assert_eq!(venue.broker.tend(at(1)), Ok(2), "what came after it comes with the new subscription");
    let (delete, create) = (venue.asked()[1].clone(), venue.body());
    assert_eq!(delete, "DELETE /ens/v1/activities/subscriptions/exuvia/activities-1");
    assert!(create.contains(r#""ReferenceId":"activities-2""#) && create.contains(r#""SequenceId":"1""#), "{create}");
}

#[test]
fn deltas_that_come_before_the_answer_wait_for_the_snapshot() {
    let row = r#"{"OrderId":"7002","Uic":211,"AssetType":"Stock","BuySell":"Buy","Amount":10,"OpenOrderType":"Limit","Price":185,"Status":"Working","OrderTime":"2026-02-03T15:00:00Z","Duration":{"DurationType":"DayOrder"}}"#;
    let feed_of = std::sync::Arc::new(std::sync::Mutex::new(None::<Feed>));
    let inside = feed_of.clone();
    let mut venue = scripted(move |request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if body.contains("orders-2") {
            let feed = inside.lock().unwrap().clone().unwrap();
            let deltas = [
                (8, "orders-2", r#"[{"OrderId":"7002","FilledAmount":4}]"#),
                (9, "orders-2", r#"{"Data":[{"OrderId":"7002","Price":184.5,"Duration":{"ExpirationDateTime":"x"}}]}"#),
            ];
            feed.frame(&frame(&deltas), at(0));
            assert!(feed.reports().is_empty(), "nothing is told before the snapshot");
        }
        Ok(Response::new(
            201,
            format!(r#"{{"InactivityTimeout":30,"Snapshot":{{"Data":[{row}]}}}}"#).replace(
                "Data\":[{\"OrderId\"",
                if body.contains("orders-") {
                    "Data\":[{\"OrderId\""
                } else {
                    "Data\":[{\"ActivityType\":\"x\",\"OrderId\""
                },
            ),
        ))
    });
    let feed = venue.broker.feed();
    feed.want(Topic::Orders);
    *feed_of.lock().unwrap() = Some(feed.clone());
    venue.broker.tend(at(0)).unwrap();
    let orders: Vec<_> = whats(feed.reports())
        .into_iter()
        .map(|heard| if let Heard::Order(order) = heard { (order.filled, order.limit) } else { panic!("{heard:?}") })
        .collect();
    assert_eq!(orders, [(q("0"), Some(p("185"))), (q("4"), Some(p("185"))), (q("4"), Some(p("184.5")))]);
    feed.frame(&frame(&[(10, "orders-2", r#"[{"OrderId":"7002","__meta_deleted":true}]"#)]), at(1));
    assert!(feed.reports().is_empty(), "why an order went, the activities say");
    feed.frame(&frame(&[(11, "orders-2", r#"[{"OrderId":"7002","FilledAmount":5}]"#)]), at(1));
    assert!(is_gap(&whats(feed.reports())), "a delta of a row that nobody has");
    feed.frame(&frame(&[(12, "orders-2", r#"[{"Price":5}]"#)]), at(1));
    assert!(is_gap(&whats(feed.reports())));
}

#[test]
fn a_whole_new_row_is_an_order() {
    let mut venue = subscribed(r#"{"Data":[]}"#);
    let feed = venue.broker.feed();
    feed.want(Topic::Orders);
    venue.broker.tend(at(0)).unwrap();
    let row = r#"[{"OrderId":"7","Uic":1,"AssetType":"Stock","BuySell":"Sell","Amount":2,"Status":"Parked"}]"#;
    feed.frame(&frame(&[(1, "orders-2", row)]), at(1));
    let [Report { what: Heard::Order(order), venue_id, .. }] = &feed.reports()[..] else { panic!() };
    assert_eq!(
        (order.status, order.instrument.as_str(), venue_id.as_deref()),
        (VenueStatus::Held, "1__Stock", Some("7"))
    );
}

#[test]
fn quotes_are_exact_and_merge_into_the_snapshot() {
    let snapshot = r#"{"Data":[{"AssetType":"Stock","LastUpdated":"2026-02-03T15:00:00.250000Z","PriceSource":"NASDAQ","Uic":211,"Odd":[true,null,"\u0001\"",1e0],"Quote":{"Amount":1,"Ask":188.02,"Bid":187.98,"MarketState":"Open"}}]}"#;
    let mut venue = subscribed(snapshot);
    let feed = venue.broker.feed();
    feed.want(Topic::Prices { uics: vec![211], asset_type: "Stock".into() });
    venue.broker.tend(at(0)).unwrap();
    feed.frame(
        &frame(&[
            (1, "prices-2", r#"[{"Uic":211,"LastUpdated":"2026-02-03T15:00:01Z","Quote":{"Ask":188.01}}]"#),
            (2, "prices-2", "nonsense"),
        ]),
        at(1),
    );
    let quotes: Vec<_> = feed.quotes().iter().map(|quote| (quote.uic, quote.bid, quote.ask)).collect();
    assert_eq!(quotes, [(211, p("187.98"), p("188.02")), (211, p("187.98"), p("188.01"))]);
    assert!(feed.quotes().is_empty() && feed.unread() >= 1);
}
