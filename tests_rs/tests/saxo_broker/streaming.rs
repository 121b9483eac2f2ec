//! The stream: subscriptions, frames, controls, what is resumed and what is lost.

use exuvia_brokers::saxo::{Feed, Topic};
use exuvia_execution::{Broker, Heard, Report, Step, VenueStatus};
use exuvia_market::wire::saxo::{Message, encode_frame};
use exuvia_ports::{Frame, Response, SimClock, SimWebSocket};

use crate::kit::{Scripted, always, at, lost, p, q, scripted};

/// A venue that answers every subscription with this snapshot.
fn subscribed(snapshot: &'static str) -> Scripted {
    scripted(move |request| match request.method.as_str() {
        "POST" => {
            Ok(Response::new(201, format!(r#"{{"InactivityTimeout":30,"State":"Active","Snapshot":{snapshot}}}"#)))
        }
        _ => Ok(Response::new(204, "")),
    })
}

fn frame(messages: &[(u64, &str, &str)]) -> Vec<u8> {
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
fn activity(sequence: u32, status: &str, rest: &str) -> String {
    format!(
        r#"{{"ActivityType":"Orders","SequenceId":"{sequence}","ActivityTime":"2026-02-03T15:00:05.000000Z","AccountId":"1","ClientId":"1","OrderId":"7002","Uic":211,"AssetType":"Stock","BuySell":"Buy","Amount":10,"OrderType":"TrailingStop","Price":185,"Status":"{status}","ExternalReference":"exv-43"{rest}}}"#
    )
}

fn whats(reports: Vec<Report>) -> Vec<Heard> {
    reports.into_iter().map(|report| report.what).collect()
}

fn is_gap(heard: &[Heard]) -> bool {
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

#[test]
fn a_reset_makes_the_named_subscriptions_anew_and_an_empty_one_all() {
    let reset = |payload: &str| {
        let mut venue = subscribed(r#"{"Data":[]}"#);
        let feed = venue.broker.feed();
        feed.want(Topic::Orders);
        venue.broker.tend(at(0)).unwrap();
        feed.frame(&frame(&[(1, "_resetsubscriptions", payload)]), at(1));
        let gaps = whats(feed.reports()).len();
        venue.broker.tend(at(1)).unwrap();
        (venue.asked().split_off(2), gaps, feed.last_message())
    };
    let named =
        |name: &str| reset(&format!(r#"[{{"ReferenceId":"_resetsubscriptions","TargetReferenceIds":["{name}"]}}]"#));
    let orders = ["DELETE /port/v1/orders/subscriptions/exuvia/orders-2", "POST /port/v1/orders/subscriptions"];
    assert_eq!(named("ORDERS-2"), (orders.map(str::to_owned).to_vec(), 1, Some(1)));
    assert_eq!(named("gone"), (Vec::new(), 0, Some(1)));
    assert_eq!(reset(r#"[{"ReferenceId":"_resetsubscriptions"}]"#).0.len(), 4);
}

#[test]
fn heartbeats_keep_a_subscription_alive_and_silence_or_the_venue_ends_it() {
    let mut venue = subscribed(r#"{"Data":[]}"#);
    venue.broker.tend(at(0)).unwrap();
    let feed = venue.broker.feed();
    let beat = |reason: &str, now| {
        let payload = format!(
            r#"[{{"ReferenceId":"_heartbeat","Heartbeats":[{{"OriginatingReferenceId":"activities-1","Reason":"{reason}"}},{{"OriginatingReferenceId":"gone","Reason":"NoNewData"}}]}}]"#
        );
        feed.frame(&frame(&[(1, "_heartbeat", &payload)]), now);
    };
    beat("NoNewData", at(20));
    assert_eq!(venue.broker.tend(at(50)), Ok(0));
    beat("SubscriptionTemporarilyDisabled", at(50));
    assert_eq!(venue.broker.tend(at(80)), Ok(0));
    assert!(feed.reports().is_empty());
    assert_eq!(venue.broker.tend(at(81)), Ok(2), "31 s without a word");
    assert!(is_gap(&whats(feed.reports())));
    feed.frame(&frame(&[(2, "activities-1", "[]")]), at(100));
    assert_eq!(venue.broker.tend(at(111)), Ok(0), "what the old one still says counts for nothing, and costs nothing");
    let payload = r#"[{"ReferenceId":"_heartbeat","Heartbeats":[{"OriginatingReferenceId":"activities-2","Reason":"SubscriptionPermanentlyDisabled"}]}]"#;
    feed.frame(&frame(&[(3, "_heartbeat", payload)]), at(111));
    assert!(is_gap(&whats(feed.reports())));
    assert_eq!(venue.broker.tend(at(111)), Ok(2));
}

#[test]
fn the_other_controls_end_the_connection_or_nothing() {
    let control = |reference: &str| {
        let mut venue = subscribed(r#"{"Data":[]}"#);
        venue.broker.tend(at(0)).unwrap();
        let feed = venue.broker.feed();
        feed.frame(&frame(&[(7, reference, &format!(r#"[{{"ReferenceId":"{reference}"}}]"#))]), at(1));
        (feed.over().is_some(), whats(feed.reports()).len(), feed.last_message())
    };
    assert_eq!(control("_disconnect"), (true, 1, Some(7)));
    assert_eq!(control("_reconnect"), (true, 0, Some(7)));
    assert_eq!(control("_probe"), (false, 0, Some(7)));
    assert_eq!(control("_newkind"), (false, 0, Some(7)));
    assert_eq!(control("_connectionheartbeat"), (false, 0, None), "it has no id to come back to");
}

#[test]
fn a_new_connection_keeps_what_was_resumed_and_makes_the_rest_anew() {
    let mut venue = subscribed(r#"{"Data":[]}"#);
    venue.broker.tend(at(0)).unwrap();
    let feed = venue.broker.feed();
    feed.resume_after("90211");
    feed.frame(&frame(&[(7, "_reconnect", "[]")]), at(1));
    feed.opened(true);
    assert_eq!((feed.over(), feed.reports().len(), venue.broker.tend(at(1))), (None, 0, Ok(0)));
    feed.opened(false);
    assert_eq!((feed.reports().len(), venue.broker.tend(at(1))), (1, Ok(2)));
    assert!(venue.body().contains(r#""SequenceId":"90211""#));
}

#[test]
fn a_socket_is_read_until_it_ends_and_says_why() {
    let run = |frames: Vec<Frame>| {
        let venue = subscribed(r#"{"Data":[]}"#);
        let feed = venue.broker.feed();
        let why = feed.run(&mut SimWebSocket::new(frames, |_| Vec::new()), &SimClock::new(at(0)));
        assert_eq!(feed.over().as_deref(), Some(why.as_str()));
        (why, feed.last_message())
    };
    let binary = |reference: &str| Frame::Binary(frame(&[(5, reference, "[]")]));
    assert!(run(vec![binary("x"), Frame::Ping(Vec::new()), Frame::Text("odd".into())]).0.contains("script has ended"));
    assert_eq!(
        run(vec![binary("x"), Frame::Close(1002, "token".into())]),
        ("the venue closed the stream: 1002 token".into(), Some(5))
    );
    assert!(run(vec![binary("_disconnect"), binary("x")]).0.contains("refresh the token"));
    let mut closed = SimWebSocket::new([Frame::Close(1000, String::new())], |_| Vec::new());
    exuvia_ports::WebSocket::receive(&mut closed).unwrap();
    let feed = always(200, "").broker.feed();
    assert_eq!(feed.run(&mut closed, &SimClock::new(at(0))), "the venue closed the stream");
}

#[test]
fn a_broken_frame_makes_everything_anew_and_other_formats_are_counted() {
    let mut venue = subscribed(r#"{"Data":[]}"#);
    venue.broker.tend(at(0)).unwrap();
    let feed = venue.broker.feed();
    let proto = Message { id: 1, reference: "activities-1", format: 1, payload: b"\x08" };
    feed.frame(&encode_frame(&[proto]).unwrap(), at(1));
    assert_eq!((feed.unread(), feed.reports().len()), (1, 0));
    feed.frame(b"\x01\x02", at(1));
    assert!(is_gap(&whats(feed.reports())));
    feed.frame(&frame(&[(2, "activities-1", "[1]")]), at(1));
    assert_eq!((feed.unread(), feed.reports().len()), (2, 0), "what comes before it is made anew comes again with it");
}

#[test]
fn a_subscription_that_cannot_be_made_is_tried_again() {
    let mut count = 0;
    let mut venue = scripted(move |_| {
        count += 1;
        match count {
            1 => Err(lost()),
            2 => Err(lost()),
            3 => Ok(Response::new(201, "{}")),
            4 => Err(crate::kit::not_sent()),
            5 => Ok(Response::new(409, r#"{"ErrorCode":"SubscriptionKeyInUse"}"#)),
            6 => Ok(Response::new(404, "")),
            _ => Ok(Response::new(201, r#"{"Snapshot":{"Data":[]}}"#)),
        }
    });
    assert_eq!(venue.broker.tend(at(0)).unwrap_err().code(), "not_answered");
    let error = venue.broker.tend(at(1)).unwrap_err();
    assert!(error.to_string().contains("it has no Snapshot"), "a delete without an answer stops nothing: {error}");
    assert_eq!(venue.broker.tend(at(2)).unwrap_err().code(), "not_sent", "the first failure of two");
    assert_eq!(venue.broker.tend(at(3)), Ok(2));
    assert_eq!(venue.broker.tend(at(4)), Ok(0));
    assert_eq!(venue.broker.tend(at(64)), Ok(2), "without a time-out in the answer a minute is taken");
}

#[test]
fn reports_that_nobody_takes_become_one_gap_and_quotes_keep_the_newest() {
    let mut venue = subscribed(r#"{"Data":[]}"#);
    let feed = venue.broker.feed();
    feed.want(Topic::Prices { uics: vec![211], asset_type: "Stock".into() });
    venue.broker.tend(at(0)).unwrap();
    feed.quotes();
    for number in 1..=10_001 {
        feed.frame(&frame(&[(1, "activities-1", &activity(number, "Working", ""))]), at(1));
    }
    let heard = whats(feed.reports());
    assert_eq!(heard.len(), 2);
    assert!(matches!(&heard[0], Heard::Gap(why) if why.contains("more than 10000 reports")));
    feed.frame(&frame(&[(1, "activities-1", &activity(1, "Working", ""))]), at(1));
    assert_eq!(feed.reports().len(), 1, "after 10,000 others the first id is forgotten");
    let mut rows = Vec::new();
    for number in 0..10_050 {
        rows.push(format!(
            r#"{{"Uic":211,"LastUpdated":"2026-02-03T15:00:01Z","Quote":{{"Bid":1,"Ask":{}}}}}"#,
            2 + number
        ));
    }
    feed.frame(&frame(&[(2, "prices-2", &format!("[{}]", rows.join(",")))]), at(1));
    let quotes = feed.quotes();
    assert_eq!((quotes.len(), quotes[0].ask, quotes[9_999].ask), (10_000, p("52"), p("10051")));
}
