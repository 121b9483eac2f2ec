//! SignalR against the protocol's own examples, and the market hub over a stream that is split anywhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use exuvia_market::wire::feed::{Context, Numbers, Values};
use exuvia_market::wire::fuzz;
use exuvia_market::wire::projectx::MarketHub;
use exuvia_market::wire::signalr::{
    HANDSHAKE, Hub, MAX_RECORD, Records, encode_close, encode_completion, encode_handshake_answer, encode_invocation,
    encode_ping, parse_record,
};
use proptest::prelude::*;

/// The exchange of the protocol's documents, with the hub's shapes: full and sparse quotes, an array with a null, an object.
const STREAM: &str = concat!(
    "{}\u{1e}",
    r#"{"type":3,"invocationId":"1","result":null}"#,
    "\u{1e}",
    r#"{"type":1,"target":"GatewayQuote","arguments":["CON.F.US.ENQ.H26",{"symbol":"F.US.ENQ","symbolName":"NQ","lastPrice":21010.25,"bestBid":21010,"bestAsk":21010.5,"change":12.25,"changePercent":0.0005833333333,"open":20998,"high":21020.75,"low":20990.25,"volume":182345,"lastUpdated":"2026-02-03T14:30:00.1234567+00:00","timestamp":"2026-02-03T14:30:00.1234567+00:00"}]}"#,
    "\u{1e}",
    r#"{"type":6}"#,
    "\u{1e}",
    r#"{"type":1,"target":"GatewayQuote","arguments":["CON.F.US.ENQ.H26",{"symbol":"F.US.ENQ","bestAsk":21010.75,"timestamp":"2026-02-03T14:30:01+00:00"}]}"#,
    "\u{1e}",
    r#"{"type":1,"target":"GatewayTrade","arguments":["CON.F.US.ENQ.H26",[{"symbolId":"F.US.ENQ","price":21010.5,"timestamp":"2026-02-03T14:30:01+00:00","type":0,"volume":2},null,{"symbolId":"F.US.ENQ","price":21010.25,"timestamp":"2026-02-03T14:30:02+00:00","type":1,"volume":1}]]}"#,
    "\u{1e}",
    r#"{"type":1,"target":"GatewayDepth","arguments":["CON.F.US.ENQ.H26",{"timestamp":"2026-02-03T14:30:02+00:00","type":6,"price":0,"volume":0,"currentVolume":0}]}"#,
    "\u{1e}",
    r#"{"type":1,"target":"GatewayDepth","arguments":["CON.F.US.ENQ.H26",[{"timestamp":"2026-02-03T14:30:03+00:00","type":2,"price":21010.25,"volume":4,"currentVolume":11,"index":3}]]}"#,
    "\u{1e}",
    r#"{"type":1,"target":"GatewayWeather","arguments":["rain"]}"#,
    "\u{1e}",
    r#"{"type":99,"what":"ever"}"#,
    "\u{1e}",
    r#"{"type":7,"error":"restart","allowReconnect":true}"#,
    "\u{1e}",
);

#[test]
fn records_are_written_as_documented() {
    assert_eq!(HANDSHAKE, b"{\"protocol\":\"json\",\"version\":1}\x1e");
    assert_eq!(encode_handshake_answer(None), b"{}\x1e");
    assert_eq!(encode_handshake_answer(Some("no \"msgpack\"")), b"{\"error\":\"no \\\"msgpack\\\"\"}\x1e");
    assert_eq!(encode_ping(), b"{\"type\":6}\x1e");
    assert_eq!(encode_close(None, true), b"{\"type\":7,\"allowReconnect\":true}\x1e");
    assert_eq!(
        encode_completion("4", Some("[1]"), None).unwrap(),
        b"{\"type\":3,\"invocationId\":\"4\",\"result\":[1]}\x1e"
    );
    assert_eq!(
        encode_invocation("Send", "[]", None).unwrap(),
        b"{\"type\":1,\"target\":\"Send\",\"arguments\":[]}\x1e"
    );
    for wrong in ["", "{}", "[1", "[]]", "1"] {
        assert!(encode_invocation("Send", wrong, None).is_err(), "{wrong}");
    }
}

#[test]
fn records_are_read_as_documented_and_unknown_types_are_no_error() {
    let read = |text: &str| parse_record(text.as_bytes()).unwrap();
    assert_eq!(read("{}"), Hub::Handshake { error: None });
    let error = Some("Requested protocol 'x' is not available.".to_owned());
    assert_eq!(read(r#"{"error":"Requested protocol 'x' is not available."}"#), Hub::Handshake { error });
    let call = read(r#"{"type":1,"invocationId":"123","target":"Send","arguments":[42, "Test"],"headers":{"a":1}}"#);
    let wanted = Hub::Invocation {
        target: "Send".to_owned(),
        arguments: r#"[42, "Test"]"#.to_owned(),
        id: Some("123".to_owned()),
    };
    assert_eq!(call, wanted);
    assert_eq!(
        read(r#"{"type":2,"invocationId":"1","item":42}"#),
        Hub::StreamItem { id: "1".to_owned(), item: "42".to_owned() }
    );
    let failed = Hub::Completion { id: "1".to_owned(), result: None, error: Some("It didn't work!".to_owned()) };
    assert_eq!(read(r#"{"type":3,"invocationId":"1","error":"It didn't work!"}"#), failed);
    assert_eq!(read(r#"{"type":6}"#), Hub::Ping);
    assert_eq!(read(r#"{"type":7}"#), Hub::Close { error: None, allow_reconnect: false });
    assert_eq!(read(r#"{"type":9,"sequenceId":5}"#), Hub::Other { kind: 9 });
    for wrong in ["[]", "7", "{", r#"{"type":1,"target":"x"}"#, r#"{"type":1,"arguments":[]}"#, r#"{"type":3}"#] {
        assert!(parse_record(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn the_hub_merges_sparse_quotes_and_counts_what_is_null() {
    let mut hub = MarketHub::new(Numbers::Exact).unwrap();
    assert_eq!(hub.feed(STREAM.as_bytes(), Context::default()), 6);
    let quotes = hub.decoder_mut().take(0).unwrap();
    assert_eq!(quotes.columns[2].values, Values::Fixed(vec![21_010_000_000_000, 21_010_000_000_000]));
    assert_eq!(quotes.columns[3].values, Values::Fixed(vec![21_010_500_000_000, 21_010_750_000_000]));
    assert_eq!(quotes.columns[1].values, Values::Time(vec![1_770_129_000_123_456_700, 1_770_129_001_000_000_000]));
    assert_eq!(quotes.columns[5].valid, None, "the volume of the first message holds for the second");
    let trades = hub.decoder_mut().take(1).unwrap();
    assert_eq!(trades.columns[3].values, Values::Fixed(vec![2_000_000_000, 1_000_000_000]));
    let depth = hub.decoder_mut().take(2).unwrap();
    let Values::Symbol(kinds) = &depth.columns[2].values else { panic!("not symbols") };
    let kinds: Vec<_> =
        kinds.iter().map(|kind| hub.decoder().symbols().name(exuvia_model::Symbol(*kind)).unwrap()).collect();
    assert_eq!(kinds, ["reset", "bid"]);
    let skips: Vec<_> = hub.decoder().skips().counts().collect();
    assert_eq!(skips, [("no row", 1)], "the null among the trades");
    assert_eq!(hub.decoder().unmatched(), 2, "another event and another type");
    let controls = hub.take_controls();
    assert_eq!(controls.len(), 4);
    assert_eq!(controls[3], Hub::Close { error: Some("restart".to_owned()), allow_reconnect: true });
}

#[test]
fn after_a_reset_a_sparse_quote_waits_for_a_whole_one() {
    let mut hub = MarketHub::new(Numbers::Float).unwrap();
    hub.feed(STREAM.as_bytes(), Context::default());
    hub.feed(b"{\"type\":1,\"half", Context::default());
    hub.reset();
    assert_eq!(hub.waiting(), 0);
    let sparse = b"{\"type\":1,\"target\":\"GatewayQuote\",\"arguments\":[\"CON.F.US.ENQ.H26\",{\"bestAsk\":21011,\"timestamp\":\"2026-02-03T14:31:00Z\"}]}\x1e";
    assert_eq!(hub.feed(sparse, Context::default()), 0);
    assert!(hub.decoder().skips().last().unwrap().words.contains("bid has not come yet"));
}

#[test]
fn a_record_without_an_end_is_given_up_and_the_next_one_is_read() {
    let mut records = Records::default();
    let part = vec![b'x'; MAX_RECORD / 2 + 1];
    records.feed(&part, |_| panic!("no record is whole")).unwrap();
    assert!(records.feed(&part, |_| panic!("no record is whole")).is_err());
    records.feed(&part, |_| panic!("no record is whole")).unwrap();
    let mut seen = Vec::new();
    records.feed(b"rest\x1e{}\x1e", |record| seen.push(record.to_vec())).unwrap();
    assert_eq!(seen, [b"{}"]);
}

/// What came of the stream, fed in these parts.
fn outcome(parts: &[&[u8]]) -> String {
    let mut hub = MarketHub::new(Numbers::Exact).unwrap();
    let read: usize = parts.iter().map(|part| hub.feed(part, Context::default())).sum();
    let tables: Vec<_> = (0..3).map(|kind| hub.decoder_mut().take(kind).unwrap()).collect();
    let skips: Vec<_> = hub.decoder().skips().counts().collect();
    format!("{read} {tables:?} {skips:?} {} {:?}", hub.decoder().unmatched(), hub.take_controls())
}

#[test]
fn the_stream_split_at_any_byte_gives_the_same() {
    let whole = outcome(&[STREAM.as_bytes()]);
    for cut in 0..=STREAM.len() {
        let (one, two) = STREAM.as_bytes().split_at(cut);
        assert_eq!(outcome(&[one, two]), whole, "cut at {cut}");
    }
}

proptest! {
    #[test]
    fn the_stream_split_anywhere_gives_the_same(size in 1_usize..300) {
        let parts: Vec<&[u8]> = STREAM.as_bytes().chunks(size).collect();
        prop_assert_eq!(outcome(&parts), outcome(&[STREAM.as_bytes()]));
    }

    #[test]
    fn a_stream_with_broken_bytes_never_panics(at in 0..STREAM.len(), byte in any::<u8>(), cut in 0..STREAM.len()) {
        let mut bytes = STREAM.as_bytes().to_vec();
        bytes[at] = byte;
        fuzz::signalr(&bytes);
        fuzz::signalr(&bytes[cut..]);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz::signalr(&bytes);
        fuzz::saxo(&bytes);
        fuzz::json(&bytes);
        fuzz::polygon(&bytes);
    }

    #[test]
    fn what_was_invoked_is_read_back(target in "\\PC{0,20}", id in proptest::option::of("\\PC{0,9}"), numbers in prop::collection::vec(any::<i64>(), 0..4)) {
        let arguments = format!("{numbers:?}");
        let frame = encode_invocation(&target, &arguments, id.as_deref()).unwrap();
        let mut seen = Vec::new();
        Records::default().feed(&frame, |record| seen.push(parse_record(record).unwrap())).unwrap();
        prop_assert_eq!(seen, vec![Hub::Invocation { target, arguments, id }]);
    }
}
