//! How a stream is lost and found again: resets, silence, controls, new connections, broken frames, reports that nobody takes.

use exuvia_brokers::saxo::Topic;
use exuvia_execution::Heard;
use exuvia_market::wire::saxo::{Message, encode_frame};
use exuvia_ports::{Frame, Response, SimClock, SimWebSocket};

use crate::kit::{always, at, lost, p, scripted};
use crate::streaming::{activity, frame, is_gap, subscribed, whats};

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
    let _ = feed.quotes();
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
