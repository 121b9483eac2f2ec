//! What bars refuse where only Rust can ask: rows that stand for several ticks, columns of other lengths, lists that do
//! not fit together.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use exuvia_market::bars::{
    BarError, Desk, Feed, Interval, OhlcSlices, Plan, Prices, Rule, Settings, Span, Symbols, TimeRule, make_bars,
};
use exuvia_market::sessions::{CalendarError, Schedule, Zone};
use exuvia_model::SECOND;

const TS: [i64; 5] = [0, 1, 2, 3, 4];
const PRICE: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];

fn feed(ticks: Option<&[i64]>) -> Feed<'_, f64> {
    Feed { ts: &TS, prices: Prices::Ticks(vec![("price", &PRICE)]), volume: None, ticks, symbols: None }
}

#[test]
fn rows_that_stand_for_several_ticks_fill_a_bar_of_ticks_by_their_number() {
    let made = |ticks: &[i64]| make_bars(&feed(Some(ticks)), &Plan::new(Rule::Ticks(4)));
    assert_eq!(made(&[1, 3, 9, 1, 1]).unwrap().ts, [0, 2, 3]);
    assert_eq!(made(&[1, 1, 1, 1, 4]).unwrap().ts, [0, 4]);
    assert_eq!(made(&[i64::MAX; 5]).unwrap().ts, [0, 1, 2, 3, 4]);
    let error = made(&[1, -1, 1, 1, 1]).unwrap_err();
    assert!(matches!(error, BarError::Negative { column: "ticks", row: 1, .. }), "{error}");
}

#[test]
fn bars_of_volume_or_value_need_sizes_and_one_price() {
    for rule in [Rule::Volume(5.0), Rule::Value(5.0)] {
        let error = make_bars(&feed(None), &Plan::new(rule.clone())).unwrap_err();
        assert!(matches!(error, BarError::NoSizes(_)), "{error}");
        let two = Feed {
            prices: Prices::Ticks(vec![("bid", &PRICE), ("ask", &PRICE)]),
            volume: Some(("size", &PRICE)),
            ..feed(None)
        };
        let error = make_bars(&two, &Plan::new(rule.clone())).unwrap_err();
        assert!(matches!(error, BarError::NoTrades(_)), "{error}");
        let bars = Feed {
            prices: Prices::Bars(vec![(
                ["open", "high", "low", "close"],
                OhlcSlices { open: &PRICE, high: &PRICE, low: &PRICE, close: &PRICE },
            )]),
            ..two
        };
        assert!(matches!(make_bars(&bars, &Plan::new(rule.clone())), Err(BarError::NoTrades(_))));
        assert!(matches!(Desk::<f64, 2>::new(Settings::new(rule)), Err(BarError::NoTrades(_))));
    }
}

#[test]
fn a_bar_that_lies_in_two_intervals_is_named_by_its_row_among_those_of_all_symbols() {
    let (ts, ids) = ([0, 0, 30 * SECOND, 30 * SECOND, 90 * SECOND], [0, 1, 0, 1, 1]);
    let name = |id: u32| format!("S{id}");
    let symbols = Symbols { ids: &ids, names: &name, count: 2, order: &[] };
    assert_eq!(format!("{symbols:?}"), "Symbols { rows: 5, count: 2, .. }");
    let slices = OhlcSlices { open: &PRICE, high: &PRICE, low: &PRICE, close: &PRICE };
    let feed = Feed {
        ts: &ts,
        prices: Prices::Bars(vec![(["open", "high", "low", "close"], slices)]),
        volume: None,
        ticks: None,
        symbols: Some(symbols),
    };
    let rule = TimeRule::every(Span::Fixed(Interval::new(60 * SECOND).unwrap()));
    let plan = Plan { of: Some(Interval::new(45 * SECOND).unwrap()), ..Plan::new(Rule::Time(rule)) };
    let error = make_bars(&feed, &plan).unwrap_err();
    assert!(error.to_string().contains("row 2 ") || error.to_string().contains("row 3 "), "{error}");
}

#[test]
fn sessions_and_breaks_of_other_lengths_are_no_calendar() {
    let error = Schedule::new("desk", Zone::named("UTC").unwrap(), &[(0, 10), (20, 30)], &[None]).unwrap_err();
    assert!(matches!(error, CalendarError::BadSchedule { row: 0, .. }));
    assert!(error.to_string().contains("1 breaks for 2 sessions: give one, or none, for each"), "{error}");
}
