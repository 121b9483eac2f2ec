//! Declared feeds: rules of fields, what is left out and why, and that nothing depends on what a decoder saw before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use exuvia_market::wire::feed::{
    Cell, Columns, Context, Feed, MAX_ROWS, Reason, Spec, SpecError, Unit, Values, decimal,
};
use exuvia_market::wire::fuzz;
use proptest::prelude::*;

/// One record with the fields that are given, of any message.
fn feed(fields: &str) -> Feed {
    let text = format!("{{\"records\":{{\"r\":{{\"fields\":{{{fields}}}}}}}}}");
    Feed::new(&Spec::from_json(text.as_bytes()).unwrap()).unwrap()
}

fn read(feed: &mut Feed, frame: &str) -> Vec<Vec<Cell>> {
    let mut out = Vec::new();
    feed.read(frame.as_bytes(), Context::default(), |row| out.push(row.cells.to_vec()));
    out
}

/// The one cell of a field, or why there is none.
fn cell(field: &str, value: &str) -> Result<Cell, (Reason, String)> {
    let mut feed = feed(&format!("\"x\":{field}"));
    match read(&mut feed, &format!("{{\"v\":{value}}}")).pop() {
        Some(cells) => Ok(cells[0]),
        None => {
            let skip = feed.skips().last().unwrap();
            Err((skip.reason, skip.words.clone()))
        }
    }
}

fn reason(field: &str, value: &str) -> Reason {
    cell(field, value).unwrap_err().0
}

const NANO: i64 = 1_000_000_000;

#[test]
fn prices_are_exact_bare_and_in_quotes() {
    let price = "\"price $.v\"";
    for (text, raw) in
        [("1.5", 1_500_000_000), ("61800.30", 61_800_300_000_000), ("1e-9", 1), ("9223372036.854775807", i64::MAX)]
    {
        assert_eq!(cell(price, text), Ok(Cell::Fixed(raw)), "{text}");
        assert_eq!(cell(price, &format!("\"{text}\"")), Ok(Cell::Fixed(raw)), "{text} in quotes");
    }
}

#[test]
fn what_is_no_price_is_left_out_with_its_reason() {
    let price = "\"price $.v\"";
    for (value, why) in [
        ("0", Reason::NotPositive),
        ("-0.0", Reason::NotPositive),
        ("-1.5", Reason::NotPositive),
        ("NaN", Reason::NotFinite),
        ("Infinity", Reason::NotFinite),
        ("-Infinity", Reason::NotFinite),
        ("\"NaN\"", Reason::NotFinite),
        ("0.12345678901234567", Reason::TooPrecise),
        ("10000000000", Reason::OutOfRange),
        ("1e400", Reason::OutOfRange),
        ("\"1,5\"", Reason::Type),
        ("\"1.5 \"", Reason::Type),
        ("\" 1.5\"", Reason::Type),
        ("\"\"", Reason::Type),
        ("\"0x10\"", Reason::Type),
        ("\"1_0\"", Reason::Type),
        ("\"\\u0031\"", Reason::Type),
        ("true", Reason::Type),
        ("{}", Reason::Type),
        ("[1.5]", Reason::Type),
        ("null", Reason::Missing),
    ] {
        assert_eq!(reason(price, value), why, "{value}");
    }
    assert_eq!(reason("\"price $.other\"", "1"), Reason::Missing);
    assert!(cell(price, "\"1,5\"").unwrap_err().1.contains("decimal point, no comma"));
}

#[test]
fn a_price_of_zero_is_what_the_declaration_says() {
    let field = |zero: &str| format!("{{\"from\":\"price $.v\",\"zero\":\"{zero}\"}}");
    assert_eq!(cell(&field("null"), "0.0"), Ok(Cell::Null));
    assert_eq!(reason(&field("null"), "-1"), Reason::NotPositive);
    assert_eq!(cell(&field("keep"), "-37.63"), Ok(Cell::Fixed(-37_630_000_000)));
    assert_eq!(cell("\"size $.v\"", "0"), Ok(Cell::Fixed(0)));
    assert_eq!(reason("\"size $.v\"", "-1"), Reason::Negative);
}

#[test]
fn wide_numbers_and_rounded_ones_hold_what_a_price_cannot() {
    let wide = "{\"from\":\"price $.v\",\"keep\":\"wide\"}";
    let Ok(Cell::Wide(raw)) = cell(wide, "0.12345678901234567") else { panic!("not wide") };
    assert_eq!(decimal(raw.raw(), 18), "0.12345678901234567");
    assert_eq!(reason(wide, "1e-19"), Reason::TooPrecise);
    assert_eq!(reason(wide, "-1e-18"), Reason::NotPositive);
    let mut feed = feed("\"x\":{\"from\":\"price $.v\",\"round\":true}");
    assert_eq!(read(&mut feed, r#"{"v":0.12345678901234567}"#), [[Cell::Fixed(123_456_789)]]);
    assert_eq!((feed.rounded(), feed.skips().total()), (1, 0));
    assert_eq!(decimal(-1_500_000_000, 9), "-1.5");
    assert_eq!(decimal(i128::MIN, 18), "-170141183460469231731.687303715884105728");
}

#[test]
fn floats_have_the_bits_of_a_correct_rounding() {
    for text in ["0.1", "1e22", "123456789012345678901234567890", "2.2250738585072011e-308", "-0.0"] {
        let Ok(Cell::Float(value)) = cell("\"float $.v\"", text) else { panic!("{text}") };
        assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
    assert_eq!(reason("\"float $.v\"", "1e400"), Reason::OutOfRange);
}

#[test]
fn a_time_of_another_unit_is_found_and_the_right_one_is_named() {
    let at = |unit: &str, value: &str| cell(&format!("\"time:{unit} $.v\""), value);
    let instant = 1_723_161_256_322_000_000;
    assert_eq!(at("ms", "1723161256322"), Ok(Cell::Time(instant)));
    assert_eq!(at("ms", "\"1723161256322\""), Ok(Cell::Time(instant)));
    assert_eq!(at("s", "1723161256.322"), Ok(Cell::Time(instant)));
    assert_eq!(at("us", "1723161256322000.5"), Ok(Cell::Time(instant + 500)));
    assert_eq!(at("ns", "1723161256322000000"), Ok(Cell::Time(instant)));
    assert_eq!(at("iso", "\"2024-08-08T23:54:16.322Z\""), Ok(Cell::Time(instant)));
    assert_eq!(at("iso", "\"2024-08-09T01:54:16.3220000+02:00\""), Ok(Cell::Time(instant)));
    for (unit, value, fits) in [
        ("s", "1723161256322", "ms"),
        ("ms", "1723161256", "s"),
        ("ms", "1723161256322000", "us"),
        ("us", "1723161256322000000", "ns"),
        ("ns", "1723161256322", "ms"),
    ] {
        let (why, words) = at(unit, value).unwrap_err();
        assert_eq!(why, Reason::Time);
        assert!(words.contains(&format!("declare time:{fits}")), "{words}");
    }
    for value in ["\"2024-02-30T00:00:00Z\"", "\"2024-08-08T23:54:16\"", "\"soon\"", "\"\"", "1723161256"] {
        assert!(at("iso", value).is_err(), "{value}");
    }
    for value in ["-1", "1e400", "NaN", "\"now\"", "1723161256.3220000001", "true"] {
        assert!(at("s", value).is_err(), "{value}");
    }
}

#[test]
fn symbols_take_codes_and_numbers_and_refuse_what_has_no_name() {
    let side = "{\"from\":\"symbol $.v\",\"codes\":{\"0\":\"buy\",\"sell\":\"sell\",\"true\":\"buy\"}}";
    let mut feed = feed(&format!("\"x\":{side}"));
    for (value, name) in
        [("0", "buy"), ("\"0\"", "buy"), ("true", "buy"), ("\"sell\"", "sell"), ("\"s\\u0065ll\"", "sell")]
    {
        let rows = read(&mut feed, &format!("{{\"v\":{value}}}"));
        let Some(Cell::Symbol(symbol)) = rows.first().map(|row| row[0]) else { panic!("{value}") };
        assert_eq!(feed.symbols().name(exuvia_model::Symbol(symbol)).unwrap(), name);
    }
    assert_eq!(reason(side, "2"), Reason::Code);
    assert_eq!(reason(side, "false"), Reason::Code);
    assert_eq!(reason("\"symbol $.v\"", "true"), Reason::Type);
    assert_eq!(reason("\"symbol $.v\"", "\"\\ud800\""), Reason::Type);
    assert_eq!(reason("\"text $.v\"", "\"\\ud800\""), Reason::Type);
    assert_eq!(reason("\"flag $.v\"", "1"), Reason::Type);
    assert_eq!(reason("\"int $.v\"", "1.0"), Reason::Type);
    assert_eq!(cell("\"int $.v\"", "\"-9223372036854775808\""), Ok(Cell::Int(i64::MIN)));
}

#[test]
fn a_frame_that_is_not_json_is_counted_and_the_next_one_is_read() {
    let mut feed = feed("\"x\":\"price $.v\"");
    for frame in ["", "{", "<html>", "{\"v\":1.5}x", "{'v':1}", "\u{feff}\u{feff}{}", "{\"v\":01}", "{\"v\":\"\u{1}\"}"]
    {
        assert_eq!(feed.feed(frame.as_bytes(), Context::default()), 0, "{frame}");
    }
    assert_eq!(feed.feed(b"\xff", Context::default()), 0);
    assert_eq!(feed.skips().count(Reason::Broken), 9);
    assert_eq!(feed.feed(b"{\"v\":1.5}", Context::default()), 1);
    assert_eq!(feed.tally(0).rows, 1);
}

#[test]
fn of_a_key_that_comes_twice_the_last_one_counts() {
    let mut feed = feed("\"x\":\"price? $.a.b\"");
    assert_eq!(read(&mut feed, r#"{"a":{"b":1},"a":{"b":2}}"#), [[Cell::Fixed(2 * NANO)]]);
    assert_eq!(read(&mut feed, r#"{"a":{"b":1},"a":null}"#), [[Cell::Null]]);
    assert_eq!(read(&mut feed, r#"{"a":{"b":1,"b":3}}"#), [[Cell::Fixed(3 * NANO)]]);
    assert_eq!(read(&mut feed, r#"{"a":{"b":1},"a":{"c":3}}"#), [[Cell::Null]]);
}

#[test]
fn places_are_counted_from_the_front_and_from_the_back() {
    let mut feed = feed(r#""a":"int $[0]","b":"int? $[-1][0]","c":"int? $[-2]""#);
    assert_eq!(read(&mut feed, "[1,2,[3]]"), [[Cell::Int(1), Cell::Int(3), Cell::Int(2)]]);
    assert_eq!(read(&mut feed, " [ 1 , [ 4 ] ] "), [[Cell::Int(1), Cell::Int(4), Cell::Int(1)]]);
    assert_eq!(read(&mut feed, "[1]"), [[Cell::Int(1), Cell::Null, Cell::Null]]);
    assert!(read(&mut feed, "[]").is_empty());
}

const QUOTES: &str = r#"{"records":{"quote":{"when":{"$.e":"q"},"merge":true,"crossed":["bid","ask"],"sequence":"n","repeats":"skip",
    "fields":{"symbol":"symbol $.s","n":"int? $.n","bid":"price $.b","ask":"price $.a"}}}}"#;

#[test]
fn sparse_messages_are_merged_by_symbol_and_crossed_ones_are_merged_but_left_out() {
    let mut feed = Feed::new(&Spec::from_json(QUOTES.as_bytes()).unwrap()).unwrap();
    let prices = |rows: Vec<Vec<Cell>>| rows.first().map(|row| (row[2], row[3]));
    let fixed = |bid: i64, ask: i64| Some((Cell::Fixed(bid * NANO), Cell::Fixed(ask * NANO)));
    assert_eq!(prices(read(&mut feed, r#"{"e":"q","s":"X","b":1}"#)), None);
    assert_eq!(feed.skips().last().unwrap().reason, Reason::Incomplete);
    assert_eq!(prices(read(&mut feed, r#"{"e":"q","s":"X","a":2}"#)), fixed(1, 2));
    assert_eq!(prices(read(&mut feed, r#"{"e":"q","s":"Y","b":7,"a":8}"#)), fixed(7, 8));
    assert_eq!(prices(read(&mut feed, r#"{"e":"q","s":"X","b":3}"#)), None, "the bid moves first, past the ask");
    assert_eq!(feed.skips().last().unwrap().words, "quote: bid 3 is above ask 2");
    assert_eq!(prices(read(&mut feed, r#"{"e":"q","s":"X","a":4}"#)), fixed(3, 4), "nothing accepted was lost");
    assert_eq!(prices(read(&mut feed, r#"{"e":"q","s":"X","a":"x","b":1}"#)), None);
    assert_eq!(prices(read(&mut feed, r#"{"e":"q","s":"X"}"#)), fixed(3, 4), "what was refused changed nothing");
    feed.reset();
    assert_eq!(prices(read(&mut feed, r#"{"e":"q","s":"X","a":4}"#)), None);
    assert_eq!(prices(read(&mut feed, r#"{"e":"other"}"#)), None);
    assert_eq!(feed.unmatched(), 1);
}

#[test]
fn repeats_and_steps_back_of_a_sequence_are_counted_by_symbol() {
    let mut feed = Feed::new(&Spec::from_json(QUOTES.as_bytes()).unwrap()).unwrap();
    for (symbol, number, taken) in
        [("X", 5, true), ("X", 5, false), ("Y", 5, true), ("X", 4, true), ("X", 5, false), ("X", 6, true)]
    {
        let frame = format!(r#"{{"e":"q","s":"{symbol}","n":{number},"b":1,"a":2}}"#);
        assert_eq!(!read(&mut feed, &frame).is_empty(), taken, "{symbol} {number}");
    }
    let tally = feed.tally(0);
    assert_eq!((tally.messages, tally.rows, tally.repeated, tally.reordered), (6, 4, 2, 1));
    assert_eq!(feed.skips().count(Reason::Repeated), 2);
}

const ROWS: &str = r#"{"split":true,"records":{"level":{"when":{"$.rows":"*"},"rows":"$.rows",
    "fields":{"symbol":"symbol @.s | $.s | symbol","price":"price @.p","note":"text? @.n"}}}}"#;

#[test]
fn null_rows_and_wrong_ones_are_counted_and_the_others_are_read() {
    let mut feed = Feed::new(&Spec::from_json(ROWS.as_bytes()).unwrap()).unwrap();
    let frame = r#"[{"s":"X","rows":[{"p":1},null,{"p":"bad"},7,{"p":2,"s":"Y","n":"no\te"}]},null,{"rows":{"p":3}},{"rows":"none"},{"x":1}]"#;
    let read = feed.feed(frame.as_bytes(), Context { symbol: Some("Z"), received: None });
    assert_eq!(read, 3);
    let reasons: Vec<_> = feed.skips().counts().collect();
    assert_eq!(reasons, [("no row", 3), ("missing", 1), ("type", 1)]);
    assert_eq!(feed.unmatched(), 1);
    let Columns { columns, rows } = feed.take(0).unwrap();
    assert_eq!(rows, 3);
    let names: Vec<_> = match &columns[0].values {
        Values::Symbol(ids) => ids.iter().map(|id| feed.symbols().name(exuvia_model::Symbol(*id)).unwrap()).collect(),
        _ => panic!("not symbols"),
    };
    assert_eq!(names, ["X", "Y", "Z"]);
    assert_eq!(columns[2].values, Values::Text("no\te".to_owned(), vec![0, 4, 4]));
    assert_eq!(columns[2].valid, Some(vec![false, true, false]));
    assert_eq!(feed.take(0).unwrap().rows, 0);
}

#[test]
fn a_frame_of_too_many_rows_is_refused_whole() {
    let mut feed = Feed::new(&Spec::from_json(ROWS.as_bytes()).unwrap()).unwrap();
    let frame = format!("{{\"rows\":[{}1]}}", "1,".repeat(MAX_ROWS));
    assert_eq!(feed.feed(frame.as_bytes(), Context::default()), 0);
    assert_eq!(feed.skips().count(Reason::Broken), 1);
    assert!(feed.skips().last().unwrap().words.contains("read it in parts"));
}

#[test]
fn a_capture_with_stamps_hands_them_to_received() {
    let mut feed = feed(r#""ts":"time:ns received","x":"int $.x""#);
    let capture = "1723161255030314667 {\"x\":1}\n\n1618677817.061845: {\"x\":2}\r\nwss://x <- {\"x\":3}\n{\"x\":4}\n";
    assert_eq!(feed.feed_lines(capture.as_bytes(), Some(Unit::Nanos)), 1);
    assert_eq!(feed.skips().count(Reason::Broken), 3);
    assert_eq!(feed.feed_lines(b"1618677817.061845: {\"x\":2}\r\n", Some(Unit::Seconds)), 1);
    let columns = feed.take(0).unwrap().columns;
    assert_eq!(columns[0].values, Values::Time(vec![1_723_161_255_030_314_667, 1_618_677_817_061_845_000]));
}

#[test]
fn a_declaration_that_cannot_be_followed_says_where_and_what_to_write() {
    let fields = |fields: &str| format!("{{\"records\":{{\"t\":{{\"fields\":{{{fields}}}}}}}}}");
    let record = |parts: &str| format!("{{\"records\":{{\"t\":{{{parts},\"fields\":{{\"s\":\"symbol $.s\"}}}}}}}}");
    for (text, words) in [
        ("[".to_owned(), "not JSON"),
        ("{}".to_owned(), "no records"),
        ("{\"records\":{}}".to_owned(), "no records"),
        ("{\"record\":{}}".to_owned(), "record is unknown"),
        (fields(""), "0 fields"),
        (fields("\"p\":\"prize $.p\""), "type \"prize\" is unknown"),
        (fields("\"p\":\"price\""), "records.t.fields.p"),
        (fields("\"p\":\"price p\""), "starts with neither $ nor @"),
        (fields("\"p\":\"time $.p\""), "names no unit"),
        (fields("\"p\":\"time:min $.p\""), "use s, ms, us, ns or iso"),
        (fields("\"p\":\"price @.p\""), "no rows are named"),
        (fields("\"p\":\"price received\""), "which is a time"),
        (fields("\"p\":\"price symbol\""), "which is a symbol"),
        (fields("\"p\":\"constant\""), "needs rows"),
        (fields("\"kind\":\"int $.p\""), "a name that cannot be"),
        (fields("\"p\":\"int $.p\",\"p\":\"int $.q\""), "named twice"),
        (fields("\"p\":{\"from\":\"int $.p\",\"codes\":{\"1\":\"a\"}}"), "only a symbol has them"),
        (fields("\"p\":{\"from\":\"int $.p\",\"zero\":\"maybe\"}"), "use skip, null or keep"),
        (fields("\"p\":{\"form\":\"int $.p\"}"), "has no \"from\""),
        (fields("\"p\":7"), "is a number: write a text"),
        (record("\"when\":{\"@.x\":1}"), "conditions and rows start at the message"),
        (record("\"when\":{\"$.x\":null}"), "write a text, a number, true or false"),
        (record("\"rows\":{\"$.x\":{\"side\":\"bid\"}}"), "which is no constant field"),
        (record("\"sequence\":\"n\""), "there is no field \"n\""),
        (record("\"sequence\":\"s\""), "must be an int"),
        (record("\"repeats\":\"drop\""), "use keep or skip"),
        (record("\"crossed\":[\"bid\"]"), "must be two names"),
        (record("\"wen\":{}"), "records.t.wen is unknown"),
    ] {
        let made: Result<Feed, SpecError> = Spec::from_json(text.as_bytes()).and_then(|spec| Feed::new(&spec));
        let error = made.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(words), "{text}\n{error}");
    }
}

/// JSON of keys and values that the declarations here ask for, and others.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        (-5_i64..2_000_000_000_000).prop_map(|number| number.to_string()),
        "-?[0-9]{1,12}\\.[0-9]{1,12}(e-?[0-9]{1,2})?"
            .prop_filter("a leading zero", |text| !text.trim_start_matches('-').starts_with('0')),
        "\"[a-zA-Z0-9 .,é\\\\/]{0,6}\"".prop_map(|text| text.replace('\\', "\\\\")),
        Just("\"q\"".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let key =
            prop_oneof![Just("s"), Just("p"), Just("n"), Just("e"), Just("b"), Just("a"), Just("rows"), Just("other")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key, inner), 0..6).prop_map(|fields| {
                let fields: Vec<_> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(", "))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_frame_is_read_the_same_whatever_was_read_before(frames in prop::collection::vec(json(), 1..6)) {
        for text in [ROWS, QUOTES] {
            let spec = Spec::from_json(text.as_bytes()).unwrap();
            let mut used = Feed::new(&spec).unwrap();
            for frame in &frames {
                let mut fresh = Feed::new(&spec).unwrap();
                used.reset();
                let names = |feed: &Feed, rows: Vec<Vec<Cell>>| -> Vec<Vec<String>> {
                    let name = |cell: &Cell| match cell {
                        Cell::Symbol(id) => feed.symbols().name(exuvia_model::Symbol(*id)).unwrap().to_owned(),
                        other => format!("{other:?}"),
                    };
                    rows.iter().map(|row| row.iter().map(name).collect()).collect()
                };
                let (one, two) = (read(&mut used, frame), read(&mut fresh, frame));
                prop_assert_eq!(names(&used, one), names(&fresh, two));
            }
        }
    }

    #[test]
    fn a_frame_cut_short_or_changed_in_a_byte_never_panics(frame in json(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for text in [ROWS, QUOTES] {
            let mut bytes = [text.as_bytes(), b"\0", frame.as_bytes()].concat();
            let at = text.len() + 1 + cut.index(frame.len());
            fuzz::declared(&bytes[..at]);
            bytes[at] = byte;
            fuzz::declared(&bytes);
        }
        fuzz::polygon(frame.as_bytes());
    }

    #[test]
    fn arbitrary_declarations_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), text in json()) {
        fuzz::declared(&bytes);
        fuzz::declared(text.as_bytes());
        fuzz::declared(format!("{{\"records\":{{\"t\":{text}}}}}").as_bytes());
    }

    #[test]
    fn every_number_that_fits_is_exact(raw in any::<i64>()) {
        let text = decimal(i128::from(raw), 9);
        prop_assert_eq!(cell("{\"from\":\"price $.v\",\"zero\":\"keep\"}", &text), Ok(Cell::Fixed(raw)));
        let wide = decimal(i128::from(raw) * 7_654_321, 18);
        let Ok(Cell::Wide(read)) = cell("{\"from\":\"number $.v\",\"keep\":\"wide\"}", &wide) else { panic!("{wide}") };
        prop_assert_eq!(read.raw(), i128::from(raw) * 7_654_321);
    }
}
