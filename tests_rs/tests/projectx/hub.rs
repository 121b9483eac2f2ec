//! The user hub: handshake, subscriptions, events in every shape, pings, silence and ends.

use exuvia_brokers::projectx::{HubNews, HubState, UserEvent, UserHub};
use exuvia_ports::Frame;

use crate::kit::*;

pub fn text(records: &[&str]) -> Frame {
    Frame::Text(records.iter().map(|record| format!("{record}\u{1e}")).collect())
}

pub fn completion(id: u8) -> String {
    format!(r#"{{"type":3,"invocationId":"{id}","result":null}}"#)
}

pub fn event(target: &str, argument: &str) -> String {
    format!(r#"{{"type":1,"target":"{target}","arguments":[{argument}]}}"#)
}

/// A hub that is ready.
fn ready() -> UserHub {
    let mut hub = UserHub::new(7001);
    hub.opened(NOW);
    hub.hear(&text(&["{}"]), NOW);
    let news = hub.hear(&text(&[&completion(1), &completion(2), &completion(3), &completion(4)]), NOW);
    assert_eq!((news, hub.state()), (vec![HubNews::Ready], HubState::Ready));
    hub.take_frames();
    hub
}

#[test]
fn a_connection_greets_subscribes_everything_and_is_ready_when_all_is_answered() {
    let mut hub = UserHub::new(7001);
    assert_eq!(hub.state(), HubState::Closed);
    assert_eq!(hub.hear(&text(&["{}"]), NOW), [], "before it is open nothing is heard");
    hub.opened(NOW);
    assert_eq!(hub.state(), HubState::Greeting);
    assert_eq!(hub.take_frames(), [text(&[r#"{"protocol":"json","version":1}"#])]);
    assert_eq!(hub.look(later(20)), None);
    assert_eq!(hub.take_frames(), [], "nothing else before the answer, no ping either");
    // The answer and what follows share a frame, and the frame is split.
    assert_eq!(hub.hear(&Frame::Binary(b"{".to_vec()), later(20)), []);
    assert_eq!(hub.hear(&Frame::Text("}\u{1e}{\"type\":6}\u{1e}".into()), later(20)), []);
    let call = |id: u8, target: &str, arguments: &str| {
        text(&[&format!(r#"{{"type":1,"invocationId":"{id}","target":"{target}","arguments":{arguments}}}"#)])
    };
    let wanted = [
        call(1, "SubscribeAccounts", "[]"),
        call(2, "SubscribeOrders", "[7001]"),
        call(3, "SubscribePositions", "[7001]"),
        call(4, "SubscribeTrades", "[7001]"),
    ];
    assert_eq!(hub.take_frames(), wanted);
    assert_eq!(hub.hear(&text(&[&completion(2), &completion(1), &completion(4), &completion(4)]), NOW), []);
    assert_eq!(hub.state(), HubState::Subscribing);
    assert_eq!(hub.hear(&text(&[&completion(3)]), NOW), [HubNews::Ready]);
    assert_eq!(hub.hear(&text(&[&completion(9)]), NOW), []);
}

#[test]
fn an_event_is_heard_flat_in_an_envelope_and_in_lists_and_nulls_are_passed_over() {
    let envelope = |row: &str| format!(r#"{{"action":1,"data":{row}}}"#);
    for (argument, count) in [
        (ORDER.to_owned(), 1),
        (envelope(ORDER), 1),
        (format!("[{ORDER},null,{ORDER}]"), 2),
        (format!("[{},null,{}]", envelope(ORDER), envelope(ORDER)), 2),
        (envelope(&format!("[{ORDER},null]")), 1),
        (format!("null,{ORDER}"), 1),
        (format!(r#"{{"action":2,"data":{ORDER}}}"#), 1),
        (envelope("null"), 0),
        ("null".to_owned(), 0),
        ("[]".to_owned(), 0),
        (String::new(), 0),
    ] {
        let news = ready().hear(&text(&[&event("GatewayUserOrder", &argument)]), NOW);
        assert_eq!(news.len(), count, "{argument}");
        for each in news {
            let HubNews::Event(UserEvent::Order(row)) = each else { panic!("{each:?}") };
            assert_eq!((row.id, row.tag.as_deref(), row.filled), (93001, Some("exv-77"), q(1)));
            assert_eq!(row.created, t("2026-02-03T14:30:00.1234567Z"));
            assert_eq!(row.updated, t("2026-02-03T14:30:02.5Z"));
        }
    }
}

#[test]
fn accounts_positions_and_trades_are_heard_too_and_a_position_of_nothing_is_closed() {
    let account = r#"{"id":7001,"name":"PRAC","balance":49998.6,"canTrade":false,"isVisible":true,"simulated":true}"#;
    let closed = POSITION.replace("\"type\":1,\"size\":2", "\"type\":0,\"size\":0");
    let short = POSITION.replace("\"type\":1", "\"type\":2");
    let voided = TRADE.replace("false", "true");
    let records = [
        event("GatewayUserAccount", account),
        event("GatewayUserPosition", POSITION),
        event("GatewayUserPosition", &closed),
        event("GatewayUserPosition", &short),
        event("GatewayUserTrade", TRADE),
        event("GatewayUserTrade", &voided),
        event("GatewayUserTomorrow", "1"),
        r#"{"type":9,"sequenceId":1}"#.to_owned(),
        r#"{"type":2,"invocationId":"1","item":1}"#.to_owned(),
        "{}".to_owned(),
    ];
    let news = ready().hear(&text(&records.iter().map(String::as_str).collect::<Vec<_>>()), NOW);
    let [
        HubNews::Event(UserEvent::Account(account)),
        HubNews::Event(UserEvent::Position(long)),
        HubNews::Event(UserEvent::Position(closed)),
        HubNews::Event(UserEvent::Position(short)),
        HubNews::Event(UserEvent::Trade(trade)),
        HubNews::Event(UserEvent::Trade(voided)),
    ] = &news[..]
    else {
        panic!("{news:?}")
    };
    assert_eq!((account.can_trade, account.balance.unwrap().to_string()), (false, "49998.6".into()));
    assert_eq!([long, closed, short].map(|position| position.quantity), [q(2), q(0), q(-2)]);
    assert_eq!(long.average, Some(p("21000.25")));
    assert_eq!((trade.voided, voided.voided, trade.profit, trade.fees.to_string()), (false, true, None, "1.4".into()));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_heard() {
    let no_id = ORDER.replace("\"id\":93001,", "");
    let records = [
        event("GatewayUserOrder", &format!("[{no_id},{ORDER}]")),
        "not json".to_owned(),
        r#"{"type":1,"target":"GatewayUserOrder"}"#.to_owned(),
        event("GatewayUserTrade", "5"),
        event("GatewayUserPosition", &POSITION.replace("\"type\":1", "\"type\":3")),
        event("GatewayUserPosition", &POSITION.replace("\"size\":2", "\"size\":-2")),
    ];
    let mut hub = ready();
    let news = hub.hear(&text(&records.iter().map(String::as_str).collect::<Vec<_>>()), NOW);
    let odd = |at: usize| if let HubNews::Odd(why) = &news[at] { why.clone() } else { panic!("{at}: {news:?}") };
    assert!(odd(0).contains("order event has nothing as \"id\""), "{}", odd(0));
    assert!(matches!(&news[1], HubNews::Event(UserEvent::Order(_))));
    assert!(odd(2).contains("SignalR") && odd(3).contains("arguments") && odd(4).contains("trade event"));
    assert!(odd(5).contains("has 3 as \"type\"") && odd(6).contains("has -2 as \"size\""), "{news:?}");
    assert_eq!((news.len(), hub.state()), (7, HubState::Ready));
    let long = Frame::Binary(vec![b'x'; (16 << 20) + 1]);
    assert!(matches!(&hub.hear(&long, NOW)[..], [HubNews::Odd(why)] if why.contains("without a separator")));
    assert_eq!(hub.hear(&text(&["", "{\"type\":6}"]), NOW).len(), 0, "the long one ends at the separator");
}

#[test]
fn a_ping_goes_out_after_fifteen_quiet_seconds_and_silence_of_thirty_is_the_end() {
    let mut hub = ready();
    assert_eq!((hub.look(later(14)), hub.take_frames()), (None, vec![]));
    assert_eq!((hub.look(later(15)), hub.take_frames()), (None, vec![text(&[r#"{"type":6}"#])]));
    assert_eq!((hub.look(later(29)), hub.take_frames()), (None, vec![]), "the ping was something sent");
    hub.hear(&text(&[r#"{"type":6}"#]), later(30));
    assert_eq!(hub.look(later(60)), None);
    assert_eq!(hub.take_frames().len(), 1);
    let gone = hub.look(later(61)).unwrap();
    assert!(matches!(gone, HubNews::Gone(why) if why.contains("30 s")));
    assert_eq!((hub.state(), hub.look(later(62)), hub.take_frames()), (HubState::Closed, None, vec![]));
}

#[test]
fn every_end_says_why_and_nothing_is_heard_after_it() {
    for (frame, says) in [
        (text(&[r#"{"type":7,"error":"bye","allowReconnect":true}"#, &event("GatewayUserOrder", ORDER)]), "bye"),
        (text(&[r#"{"type":7}"#]), "no reason given"),
        (Frame::Close(1001, "away".into()), "1001 away"),
    ] {
        let mut hub = ready();
        let news = hub.hear(&frame, NOW);
        assert!(matches!(&news[..], [HubNews::Gone(why)] if why.contains(says)), "{news:?}");
        assert_eq!((hub.state(), hub.hear(&text(&["{}"]), NOW)), (HubState::Closed, vec![]));
    }
    let mut hub = UserHub::new(7001);
    assert_eq!(hub.lost("never opened"), None);
    hub.opened(NOW);
    let news = hub.hear(&text(&[r#"{"error":"protocol"}"#]), NOW);
    assert!(matches!(&news[..], [HubNews::Gone(why)] if why.contains("refused the handshake: protocol")), "{news:?}");
    hub.opened(NOW);
    hub.hear(&text(&["{}"]), NOW);
    let refused = r#"{"type":3,"invocationId":"2","error":"not your account"}"#;
    let news = hub.hear(&text(&[refused]), NOW);
    assert!(matches!(&news[..], [HubNews::Gone(why)] if why.contains("SubscribeOrders: not your account")), "{news:?}");
    assert_eq!(hub.take_frames(), []);
    hub.opened(NOW);
    assert_eq!(hub.lost("reset"), Some(HubNews::Gone("reset".into())));
}

#[test]
fn pings_of_the_transport_are_answered_and_half_a_record_does_not_outlive_its_connection() {
    let mut hub = ready();
    assert_eq!(hub.hear(&Frame::Ping(b"x".to_vec()), NOW), []);
    assert_eq!(hub.hear(&Frame::Pong(b"y".to_vec()), later(29)), []);
    assert_eq!(hub.take_frames(), [Frame::Pong(b"x".to_vec())]);
    assert!(hub.look(later(59)).is_none(), "a pong is a sign of life");
    hub.hear(&Frame::Text("{\"type\":".into()), NOW);
    hub.opened(NOW);
    assert_eq!(hub.hear(&text(&["{}"]), NOW), []);
    assert_eq!(hub.state(), HubState::Subscribing);
}

#[test]
fn averages_finer_than_a_billionth_are_rounded_and_counted() {
    let mut hub = ready();
    let third = POSITION.replace("21000.25", "21000.3333333333333");
    let news = hub.hear(&text(&[&event("GatewayUserPosition", &third)]), NOW);
    let HubNews::Event(UserEvent::Position(position)) = &news[0] else { panic!("{news:?}") };
    assert_eq!((position.average, hub.rounded()), (Some(p("21000.333333333")), 1));
}

#[test]
fn attempts_to_connect_again_wait_longer_each_time_up_to_five_seconds() {
    let delays: Vec<i64> = (0..6).map(|attempt| UserHub::delay(attempt) / 1_000_000_000).collect();
    assert_eq!(delays, [1, 3, 5, 5, 5, 5]);
}
