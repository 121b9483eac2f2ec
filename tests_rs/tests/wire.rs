//! The wire formats against hand-made bytes of the protocol's own documents, and against arbitrary bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use exuvia_market::wire::json::Reader;
use exuvia_market::wire::saxo::{
    Control, FORMAT_JSON, FORMAT_PROTOBUF, FrameDecoder, FrameError, Heartbeat, HeartbeatReason, Message, QuoteChange,
    QuoteFull, decode_frame, encode_frame, encode_heartbeat, encode_quote_delta, encode_quote_full, encode_quotes,
    encode_reset, parse_control,
};
use exuvia_model::{Price, Time};
use proptest::prelude::*;

/// Two messages, written by hand from the layout table: ids 1 and 2, `q1` and `_heartbeat`.
const BY_HAND: &str = "
    01 00 00 00 00 00 00 00  00 00  02  71 31                          00  0d 00 00 00
    7b 22 51 75 6f 74 65 22 3a 7b 7d 7d 20
    02 00 00 00 00 00 00 00  00 00  0a  5f 68 65 61 72 74 62 65 61 74  00  02 00 00 00
    5b 5d";

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn by_hand() -> [Message<'static>; 2] {
    [
        Message { id: 1, reference: "q1", format: FORMAT_JSON, payload: b"{\"Quote\":{}} " },
        Message { id: 2, reference: "_heartbeat", format: FORMAT_JSON, payload: b"[]" },
    ]
}

#[test]
fn hand_made_bytes_are_read() {
    assert_eq!(decode_frame(&bytes(BY_HAND)).unwrap(), by_hand());
}

#[test]
fn hand_made_bytes_are_written() {
    assert_eq!(encode_frame(&by_hand()).unwrap(), bytes(BY_HAND));
}

#[test]
fn a_header_of_17_bytes_and_a_payload_of_3206_are_as_recorded() {
    let payload = vec![b' '; 3206];
    let mut recorded = bytes("9f 00 00 00 00 00 00 00  00 00  01  31  00  86 0c 00 00");
    assert_eq!(recorded.len(), 17);
    recorded.extend_from_slice(&payload);
    let message = Message { id: 159, reference: "1", format: FORMAT_JSON, payload: &payload };
    assert_eq!(decode_frame(&recorded).unwrap(), [message]);
    assert_eq!(encode_frame(&[message]).unwrap(), recorded);
}

#[test]
fn eight_messages_of_one_frame_come_in_order_and_reserved_bytes_are_ignored() {
    let mut frame = Vec::new();
    for id in 0x8b_u8..=0x92 {
        frame.extend([id, 3, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 2]);
        frame.extend(b"fx");
        frame.extend([0, 2, 0, 0, 0]);
        frame.extend(b"{}");
    }
    let ids: Vec<u64> = decode_frame(&frame).unwrap().iter().map(|message| message.id).collect();
    assert_eq!(ids, (907..=914).collect::<Vec<u64>>());
}

#[test]
fn protocol_buffers_are_handed_through() {
    let frame = bytes("05 00 00 00 00 00 00 00 00 00 01 70 01 03 00 00 00 08 96 01");
    let message = Message { id: 5, reference: "p", format: FORMAT_PROTOBUF, payload: &[8, 150, 1] };
    assert_eq!(decode_frame(&frame).unwrap(), [message]);
}

#[test]
fn a_frame_that_breaks_off_names_the_byte_and_the_field() {
    let frame = bytes(BY_HAND);
    for (size, at, field) in [
        (5, 0, "message id"),
        (12, 11, "reference id"),
        (13, 13, "format"),
        (16, 14, "size"),
        (20, 18, "payload"),
        (33, 31, "message id"),
    ] {
        let error = decode_frame(&frame[..size]).unwrap_err();
        assert!(
            matches!(&error, FrameError::Truncated { at: found, field: name, .. } if *found == at && name.contains(field)),
            "{size}: {error}"
        );
        assert!(error.to_string().contains(&format!("byte {at}")), "{error}");
    }
}

#[test]
fn a_reference_id_beyond_ascii_is_refused_at_its_byte() {
    let mut frame = bytes(BY_HAND);
    frame[12] = 0xe9;
    assert_eq!(decode_frame(&frame).unwrap_err(), FrameError::Reference { at: 12, found: 0xe9 });
    let message = Message { id: 3, reference: "é", format: 0, payload: b"" };
    assert!(matches!(encode_frame(&[message]), Err(FrameError::Encode { id: 3, .. })));
    let long = "x".repeat(256);
    assert!(encode_frame(&[Message { reference: &long, ..message }]).is_err());
}

#[test]
fn a_payload_size_that_no_message_has_is_not_waited_for() {
    let mut decoder = FrameDecoder::default();
    decoder.feed(&bytes(BY_HAND));
    decoder.feed(&bytes("01 00 00 00 00 00 00 00 00 00 00 00 ff ff ff ff"));
    assert!(decoder.next_message().unwrap().is_some());
    assert!(decoder.next_message().unwrap().is_some());
    for _ in 0..2 {
        assert_eq!(decoder.next_message().unwrap_err(), FrameError::TooLarge { at: 71, size: 0xffff_ffff });
    }
}

#[test]
fn control_messages_are_typed() {
    let read = |reference: &str, payload: &str| parse_control(reference, payload.as_bytes()).unwrap();
    let beats = r#"[{"ReferenceId":"_heartbeat","Heartbeats":[{"OriginatingReferenceId":"pos1","Reason":"NoNewData"},
        {"OriginatingReferenceId":"q","Reason":"SubscriptionPermanentlyDisabled","New":[1]},
        {"OriginatingReferenceId":"r","Reason":"SubscriptionTemporarilyDisabled"},
        {"OriginatingReferenceId":"s","Reason":"Moon"}]}]"#;
    let beat = |reference: &str, reason| Heartbeat { reference: reference.to_owned(), reason };
    assert_eq!(
        read("_heartbeat", beats),
        Some(Control::Heartbeat(vec![
            beat("pos1", HeartbeatReason::NoNewData),
            beat("q", HeartbeatReason::SubscriptionPermanentlyDisabled),
            beat("r", HeartbeatReason::SubscriptionTemporarilyDisabled),
            beat("s", HeartbeatReason::Other("Moon".to_owned())),
        ]))
    );
    assert_eq!(read("_heartbeat", "[]"), Some(Control::Heartbeat(vec![])));
    let reset = r#"[{"ReferenceId":"_resetsubscriptions","TargetReferenceIds":["pos1","q"]}]"#;
    assert_eq!(
        read("_resetsubscriptions", reset),
        Some(Control::ResetSubscriptions(vec!["pos1".to_owned(), "q".to_owned()]))
    );
    assert_eq!(read("_ResetSubscriptions", r#"[{}]"#), Some(Control::ResetSubscriptions(vec![])));
    assert_eq!(read("_disconnect", r#"[{"ReferenceId":"_disconnect"}]"#), Some(Control::Disconnect));
    assert_eq!(read("_reconnect", "[]"), Some(Control::Reconnect));
    assert_eq!(read("_connectionheartbeat", "[]"), Some(Control::ConnectionHeartbeat));
    assert_eq!(read("_probe", r#"[{"ProbeId":17}]"#), Some(Control::Probe { id: Some("17".to_owned()) }));
    assert_eq!(read("_probe", r#"[{"ProbeId":"p-1"}]"#), Some(Control::Probe { id: Some("p-1".to_owned()) }));
    assert_eq!(read("_weather", "{}"), Some(Control::Other("_weather".to_owned())));
    assert_eq!(read("prices", "not even JSON"), None);
    assert_eq!(parse_control("_heartbeat", b"[{]").unwrap_err().at(), 2);
}

#[test]
fn a_list_that_is_none_is_passed_over() {
    let read = |payload: &str| parse_control("_heartbeat", payload.as_bytes()).unwrap();
    assert_eq!(read(r#"[{"Heartbeats":{"a":[1]},"Other":5}]"#), Some(Control::Heartbeat(vec![])));
}

#[test]
fn every_reason_of_a_heartbeat_is_written_as_it_is_read() {
    for word in ["NoNewData", "SubscriptionTemporarilyDisabled", "SubscriptionPermanentlyDisabled", "Moon"] {
        let payload = format!(r#"[{{"Heartbeats":[{{"OriginatingReferenceId":"q","Reason":"{word}"}}]}}]"#);
        let Some(Control::Heartbeat(beats)) = parse_control("_heartbeat", payload.as_bytes()).unwrap() else {
            panic!("{word}")
        };
        assert_eq!(beats[0].reason.as_str(), word);
        let written = encode_heartbeat(&beats);
        assert_eq!(parse_control("_heartbeat", &written).unwrap(), Some(Control::Heartbeat(beats)));
    }
}

#[test]
fn an_error_of_json_says_where_it_stopped_what_stood_there_and_what_should() {
    let error = parse_control("_heartbeat", b"[{]").unwrap_err();
    assert_eq!((error.at(), error.found()), (2, Some(b']')));
    assert!(error.to_string().contains(error.expected()), "{error}");
    assert_eq!(parse_control("_heartbeat", b"[{").unwrap_err().found(), None, "the end");
}

#[test]
fn control_payloads_are_written_as_documented() {
    let beat = Heartbeat { reference: "pos1".to_owned(), reason: HeartbeatReason::NoNewData };
    assert_eq!(
        encode_heartbeat(&[beat]),
        br#"[{"ReferenceId":"_heartbeat","Heartbeats":[{"OriginatingReferenceId":"pos1","Reason":"NoNewData"}]}]"#
    );
    assert_eq!(
        encode_reset(&["pos1", "q\"1"]),
        br#"[{"ReferenceId":"_resetsubscriptions","TargetReferenceIds":["pos1","q\"1"]}]"#
    );
    assert!(encode_reset(&["a\\b"]).ends_with(br#"["a\\b"]}]"#), "a backslash is written as two");
}

fn price(text: &str) -> Option<Price> {
    Some(text.parse().unwrap())
}

fn quote() -> QuoteFull<'static> {
    let time = "2014-05-07T00:00:07.135Z".parse().unwrap();
    QuoteFull::new(21, "FxSpot", "SIM", time, price("1.39286"), price("1.39298"))
}

#[test]
fn a_full_element_is_written_as_documented() {
    let mut out = Vec::new();
    encode_quote_full(&mut out, &quote());
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"Uic":21,"AssetType":"FxSpot","LastUpdated":"2014-05-07T00:00:07.135000Z","PriceSource":"SIM","Quote":{"Amount":1000,"Ask":1.39298,"Bid":1.39286,"Mid":1.39292,"DelayedByMinutes":0,"ErrorCode":"None","MarketState":"Open","PriceSource":"SIM","PriceTypeAsk":"Tradable","PriceTypeBid":"Tradable"}}"#
    );
}

#[test]
fn a_delta_holds_only_what_changed() {
    let later = QuoteFull { last_updated: Time(1), ask: price("1.393"), ..quote() };
    let mut out = Vec::new();
    encode_quote_delta(&mut out, &QuoteChange::between(&quote(), &later));
    let want = r#"{"Uic":21,"LastUpdated":"1970-01-01T00:00:00.000000001Z","Quote":{"Ask":1.393,"Mid":1.39293}}"#;
    assert_eq!(String::from_utf8(out).unwrap(), want);
    let closed = QuoteFull { market_state: "Closed", ..quote() };
    let elements = [QuoteChange::between(&quote(), &closed).into(), QuoteChange::between(&quote(), &quote()).into()];
    assert_eq!(
        String::from_utf8(encode_quotes(&elements)).unwrap(),
        r#"[{"Uic":21,"LastUpdated":"2014-05-07T00:00:07.135000Z","Quote":{"MarketState":"Closed"}},{"Uic":21,"LastUpdated":"2014-05-07T00:00:07.135000Z"}]"#
    );
}

type Parts = Vec<(u64, String, u8, Vec<u8>)>;

fn parts() -> impl Strategy<Value = Parts> {
    let part = (any::<u64>(), "[A-Za-z0-9_-]{0,50}", any::<u8>(), prop::collection::vec(any::<u8>(), 0..60));
    prop::collection::vec(part, 0..8)
}

fn messages(parts: &Parts) -> Vec<Message<'_>> {
    parts
        .iter()
        .map(|(id, reference, format, payload)| Message { id: *id, reference, format: *format, payload })
        .collect()
}

proptest! {
    #[test]
    fn what_was_framed_is_read_back(parts in parts()) {
        let messages = messages(&parts);
        let frame = encode_frame(&messages).unwrap();
        prop_assert_eq!(decode_frame(&frame).unwrap(), messages);
    }

    #[test]
    fn a_stream_split_anywhere_gives_the_same_messages(parts in parts(), cuts in prop::collection::vec(1_usize..40, 1..40)) {
        let messages = messages(&parts);
        let stream = encode_frame(&messages).unwrap();
        let mut decoder = FrameDecoder::default();
        let mut seen = 0;
        let (mut rest, mut cuts) = (stream.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            decoder.feed(now);
            rest = later;
            while let Some(message) = decoder.next_message().unwrap() {
                prop_assert_eq!(message, messages[seen]);
                seen += 1;
            }
        }
        decoder.finish().unwrap();
        prop_assert_eq!(seen, messages.len());
    }

    #[test]
    fn a_frame_cut_short_is_an_error_or_whole_messages(parts in parts(), cut in any::<prop::sample::Index>()) {
        let messages = messages(&parts);
        let frame = encode_frame(&messages).unwrap();
        let frame = &frame[..cut.index(frame.len() + 1)];
        match decode_frame(frame) {
            Ok(read) => prop_assert_eq!(read.as_slice(), &messages[..read.len()]),
            Err(error) => prop_assert!(matches!(error, FrameError::Truncated { size, .. } if size == frame.len()), "{}", error),
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_frame(&bytes);
        let mut decoder = FrameDecoder::default();
        decoder.feed(&bytes);
        for _ in 0..bytes.len() {
            if !matches!(decoder.next_message(), Ok(Some(_))) { break; }
        }
        let _ = decoder.finish();
        let _ = Reader::new(&bytes).skip();
        let _ = parse_control("_heartbeat", &bytes);
    }
}
