//! The quote book: what the venue wrote comes back exactly, and what cannot be used changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use exuvia_market::wire::saxo::{
    Control, Message, Oddity, QuoteBook, QuoteChange, QuoteElement, QuoteFull, QuoteStream, QuoteTick, encode_frame,
    encode_quotes,
};
use exuvia_model::{Price, Time};
use proptest::prelude::*;

fn apply<N: exuvia_market::wire::saxo::Reading>(book: &mut QuoteBook<N>, payload: &[u8]) -> Vec<QuoteTick<N>> {
    let mut out = Vec::new();
    assert_eq!(book.apply(payload, &mut out).unwrap(), out.len());
    out
}

/// A quote of instrument 21 or 22 as the venue knows it: time, bid and spread at 10⁻⁹, state.
type Known = (bool, i64, i64, i64, bool);

fn known() -> impl Strategy<Value = Vec<Known>> {
    // Years 1980 to 2100; prices over the whole range of the domain.
    let time = 315_532_800_000_000_000_i64..4_102_444_800_000_000_000;
    prop::collection::vec(
        (any::<bool>(), time, 1..9_000_000_000_000_000_000_i64, 0..1_000_000_000_i64, any::<bool>()),
        1..20,
    )
}

fn full((second, time, bid, spread, open): Known) -> QuoteFull<'static> {
    let price = |raw| Some(Price::from_raw(raw));
    let quote = QuoteFull::new(21 + i64::from(second), "FxSpot", "SIM", Time(time), price(bid), price(bid + spread));
    QuoteFull { market_state: if open { "Open" } else { "Closed" }, ..quote }
}

proptest! {
    #[test]
    fn what_the_venue_wrote_comes_back_to_the_last_digit(known in known()) {
        let (mut exact, mut floats) = (QuoteBook::<Price>::new(false), QuoteBook::<f64>::new(false));
        let mut sent: [Option<QuoteFull<'_>>; 2] = [None; 2];
        for quote in known.into_iter().map(full) {
            let before = &mut sent[usize::from(quote.uic == 22)];
            let element: QuoteElement<'_> = match before {
                Some(before) => QuoteChange::between(before, &quote).into(),
                None => quote.into(),
            };
            *before = Some(quote);
            let payload = encode_quotes([&element]);
            let tick = apply(&mut exact, &payload)[0];
            prop_assert_eq!((tick.uic, tick.time), (quote.uic, quote.last_updated));
            prop_assert_eq!((Some(tick.bid), Some(tick.ask)), (quote.bid, quote.ask));
            prop_assert_eq!(exact.names().name(tick.market_state).unwrap(), quote.market_state);
            let float = apply(&mut floats, &payload)[0];
            prop_assert_eq!((float.bid, float.ask), (tick.bid.to_f64(), tick.ask.to_f64()));
            let row = exact.rows().find(|(uic, _)| *uic == quote.uic).unwrap().1;
            prop_assert_eq!(row.quote.mid.get(), quote.mid());
        }
        prop_assert_eq!((exact.skipped(), floats.skipped()), (0, 0));
    }

    #[test]
    fn a_payload_cut_short_changes_nothing(known in known(), cut in any::<prop::sample::Index>()) {
        let elements: Vec<QuoteElement<'_>> = known.into_iter().map(|known| full(known).into()).collect();
        let payload = encode_quotes(&elements);
        let mut book = QuoteBook::<f64>::new(false);
        let mut out = Vec::new();
        prop_assert!(book.apply(&payload[..cut.index(payload.len())], &mut out).is_err());
        prop_assert_eq!((book.len(), book.skipped(), out.len()), (0, 0, 0));
    }

    #[test]
    fn one_byte_changed_anywhere_never_panics(known in known(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let elements: Vec<QuoteElement<'_>> = known.into_iter().map(|known| full(known).into()).collect();
        let mut payload = encode_quotes(&elements);
        let at = at.index(payload.len());
        payload[at] = byte;
        let mut out = Vec::new();
        let _ = QuoteBook::<f64>::new(false).apply(&payload, &mut out);
        let _ = QuoteBook::<Price>::new(true).apply(&payload, &mut Vec::new());
        prop_assert!(out.iter().all(|tick| tick.bid > 0.0 && tick.bid <= tick.ask));
    }

    #[test]
    fn arbitrary_frames_never_panic(parts in prop::collection::vec((any::<u64>(), "(_heartbeat|prices|_x)", any::<bool>(), "[\\[\\]{}\":,0-9a-zA-Z .-]{0,40}"), 0..6)) {
        let messages: Vec<Message<'_>> = parts.iter().map(|(id, reference, json, payload)| {
            Message { id: *id, reference, format: u8::from(!json), payload: payload.as_bytes() }
        }).collect();
        let mut stream = QuoteStream::new(vec![], false);
        prop_assert_eq!(stream.feed(&encode_frame(&messages).unwrap()).unwrap(), 0);
        prop_assert_eq!(stream.broken() == 0, stream.last_error().is_none());
    }
}

#[test]
fn a_price_with_more_decimals_than_fit_is_counted_in_an_exact_book_only() {
    let payload =
        br#"[{"Uic":21,"LastUpdated":"2014-05-07T00:00:07Z","Quote":{"Bid":1.00000000001,"Ask":1.1,"Mid":"x"}}]"#;
    let (mut exact, mut floats) = (QuoteBook::<Price>::new(false), QuoteBook::<f64>::new(false));
    assert!(apply(&mut exact, payload).is_empty());
    assert_eq!((exact.skipped(), exact.len()), (1, 0));
    assert_eq!(apply(&mut floats, payload)[0].bid.to_bits(), 1.000_000_000_01_f64.to_bits());
}

#[test]
fn a_time_is_exact_and_strict() {
    let quote = |time: &str| {
        let payload = format!(r#"[{{"Uic":21,"LastUpdated":"{time}","Quote":{{"Bid":1,"Ask":2}}}}]"#);
        apply(&mut QuoteBook::<f64>::new(false), payload.as_bytes()).first().map(|tick| tick.time)
    };
    for text in [
        "2014-05-07T00:00:07Z",
        "2024-02-29T23:59:59.123456789Z",
        "1999-12-31T12:30:00.5Z",
        "1960-01-01T00:00:00.000001Z",
    ] {
        assert_eq!(quote(text), Some(text.parse().unwrap()), "{text}");
    }
    for text in [
        "",
        "2014-05-07",
        "2014-05-07T00:00:07",
        "2014-05-07T00:00:07+00:00",
        "2014-05-07T24:00:00Z",
        "2014-02-30T00:00:00Z",
        "2014-05-07T00:60:00Z",
        "2014-05-07T00:00:60Z",
        "2014-05-07t00:00:00Z",
        "2014-05-07T00:00:00.Z",
        "2014-05-07T00:00:00.0000000000Z",
        "2014-05-07T00:00:0aZ",
        "2014/05/07T00:00:00Z",
        "2014-05-07T00:00:00.1 Z",
    ] {
        assert_eq!(quote(text), None, "{text}");
    }
}

#[test]
fn an_instrument_is_known_by_its_number_whatever_the_order() {
    let mut book = QuoteBook::<f64>::new(false);
    let payload: Vec<String> = (0..2_000_i64)
        .map(|n| {
            format!(
                r#"{{"Quote":{{"Bid":{n}.25,"Ask":{n}.5}},"Uic":{},"LastUpdated":"2014-05-07T00:00:07Z"}}"#,
                n * 7_919 % 2_003
            )
        })
        .collect();
    assert_eq!(apply(&mut book, format!("[{}]", payload.join(",")).as_bytes()).len(), 2_000);
    let uics: Vec<i64> = book.rows().map(|(uic, _)| uic).collect();
    assert!(uics.len() == 2_000 && uics.is_sorted());
    assert_eq!(book.get(7_919 % 2_003).unwrap().bid, 1.25);
}

const WHOLE: &str =
    r#"[{"Uic":21,"AssetType":"FxSpot","LastUpdated":"2014-05-07T00:00:07Z","Quote":{"Bid":1.5,"Ask":1.75}}]"#;

#[test]
fn a_book_is_empty_until_an_instrument_is_in_it() {
    let mut book = QuoteBook::<f64>::new(false);
    assert!(book.is_empty());
    apply(&mut book, WHOLE.as_bytes());
    assert_eq!((book.is_empty(), book.len()), (false, 1));
}

#[test]
fn the_sizes_of_a_quote_are_kept_beside_its_prices() {
    let mut book = QuoteBook::<Price>::new(false);
    apply(&mut book, WHOLE.replace("\"Bid\":1.5", "\"Bid\":1.5,\"BidSize\":2000,\"AskSize\":3000").as_bytes());
    let (_, row) = book.rows().next().unwrap();
    let size = |text: &str| Some(text.parse().unwrap());
    assert_eq!((row.quote.bid_size.get(), row.quote.ask_size.get()), (size("2000"), size("3000")));
}

#[test]
fn half_of_a_surrogate_pair_is_no_state_and_refuses_the_element() {
    let mut book = QuoteBook::<f64>::new(false);
    let broken = WHOLE.replace("\"Bid\"", "\"MarketState\":\"\\ud800\",\"Bid\"");
    assert_eq!(apply(&mut book, broken.as_bytes()), []);
    let skip = book.skips().last().unwrap();
    assert!(skip.to_string().starts_with("Uic 21: MarketState "), "{skip}");
    assert!(skip.to_string().ends_with("is no text in Unicode"), "{skip}");
    assert!(format!("{skip:?}").contains(r#"Said("\ud800")"#), "{skip:?}");
}

#[test]
fn a_state_that_is_no_text_is_an_oddity_with_or_without_what_was_said() {
    let mut book = QuoteBook::<f64>::new(false);
    assert_eq!(apply(&mut book, WHOLE.replace("\"Bid\"", "\"MarketState\":7,\"Bid\"").as_bytes()).len(), 1);
    let odd = book.oddities().last().unwrap();
    assert_eq!(odd.to_string(), "Uic 21: MarketState 7 is no text: the quote says Unknown");
    let silent = Oddity::State { uic: 21, said: None };
    assert_eq!(silent.to_string(), "Uic 21: MarketState is no text: the quote says Unknown");
}

#[test]
fn of_controls_that_nobody_takes_the_newest_thousand_are_kept() {
    let mut stream = QuoteStream::new(Vec::new(), false);
    for id in 0..1_030_u64 {
        let payload = format!(r#"[{{"ProbeId":{id}}}]"#);
        let message = Message { id, reference: "_probe", format: 0, payload: payload.as_bytes() };
        stream.feed(&encode_frame(&[message]).unwrap()).unwrap();
    }
    let kept = stream.take_controls();
    let probe = |id: u64| Some(Control::Probe { id: Some(id.to_string()) });
    assert_eq!((kept.len(), kept.first().cloned(), kept.last().cloned()), (1_024, probe(6), probe(1_029)));
    assert_eq!(stream.last_message(), Some(1_029));
}
