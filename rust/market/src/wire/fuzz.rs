//! One function for each decoder that takes any bytes, for a fuzzer to call: it must return. What it returns is nothing;
//! what it checks, besides not panicking, holds for all inputs, and a breach is a panic by design.

use super::feed::{Context, Feed, Numbers, Spec, Unit};
use super::json::Reader;
use super::polygon::{PageKind, Pages, socket_spec};
use super::projectx::MarketHub;
use super::saxo::{FrameDecoder, QuoteStream, decode_frame, encode_frame, parse_control};
use super::signalr::{Records, parse_record};

/// The JSON reader: what it accepts it accepts again at the same length.
pub fn json(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    if reader.skip().is_ok() {
        let end = reader.offset();
        let again = Reader::new(bytes.get(..end).unwrap_or_default()).skip();
        assert!(again.is_ok(), "a JSON text that is valid only with what follows");
    }
}

/// Saxo frames, whole and split at every byte, and the quotes of their payloads.
pub fn saxo(bytes: &[u8]) {
    if let Ok(messages) = decode_frame(bytes) {
        assert_eq!(encode_frame(&messages).map(|frame| frame.len()), Ok(bytes.len()), "a frame of another length");
        let mut split = FrameDecoder::default();
        let mut seen = 0;
        for byte in bytes {
            split.feed(std::slice::from_ref(byte));
            while let Ok(Some(message)) = split.next_message() {
                assert_eq!(Some(&message), messages.get(seen), "a message that depends on how the frame is split");
                seen += 1;
            }
        }
        assert_eq!(seen, messages.len(), "messages lost where the frame was split");
    }
    let _ = QuoteStream::new(Vec::new(), false).feed(bytes);
    let _ = parse_control("_heartbeat", bytes);
}

/// SignalR records, whole and split at every byte, and the market hub over them.
pub fn signalr(bytes: &[u8]) {
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    let mut records = Records::default();
    let one = records.feed(bytes, |record| whole.push(record.to_vec()));
    let mut split = Records::default();
    for byte in bytes {
        let _ = split.feed(std::slice::from_ref(byte), |record| parts.push(record.to_vec()));
    }
    assert!(one.is_err() || (whole == parts && records.waiting() == split.waiting()), "records depend on the split");
    for record in &whole {
        let _ = parse_record(record);
    }
    if let Ok(mut hub) = MarketHub::new(Numbers::Exact) {
        hub.feed(bytes, Context::default());
        let _ = hub.take_controls();
    }
}

/// Polygon's events and pages.
pub fn polygon(bytes: &[u8]) {
    if let Ok(spec) = socket_spec(Numbers::Exact) {
        twice(&spec, bytes);
    }
    for kind in [PageKind::Bars, PageKind::Trades, PageKind::Quotes, PageKind::Chain] {
        if let Ok(mut pages) = Pages::new(kind, Numbers::Float) {
            let _ = pages.feed(bytes, Context { symbol: Some("X"), received: None });
        }
    }
}

/// A declaration, up to the first zero byte, and a frame after it.
pub fn declared(bytes: &[u8]) {
    let (text, frame) = bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    if let Ok(spec) = Spec::from_json(text) {
        twice(&spec, frame.get(1..).unwrap_or_default());
    }
}

/// A frame read as records and as columns, by a decoder that has seen it and by one that has not: all say the same.
fn twice(spec: &Spec, frame: &[u8]) {
    let (Ok(mut columns), Ok(mut records)) = (Feed::new(spec), Feed::new(spec)) else { return };
    let first = columns.feed(frame, Context::default());
    let mut seen = 0;
    let read = records.read(frame, Context::default(), |_| seen += 1);
    assert_eq!((read, read), (first, seen), "records and columns differ in number");
    let kinds: Vec<usize> = (0..columns.kinds().count()).collect();
    let tables: Vec<_> = kinds.iter().map(|kind| columns.take(*kind)).collect();
    columns.reset();
    columns.feed(frame, Context::default());
    let again: Vec<_> = kinds.iter().map(|kind| columns.take(*kind)).collect();
    let shown = |tables: &[_]| format!("{tables:?}");
    assert_eq!(shown(&tables), shown(&again), "a decoder that has seen the frame reads it otherwise");
    columns.feed_lines(frame, Some(Unit::Nanos));
}
