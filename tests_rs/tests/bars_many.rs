//! Many symbols, any rule: however the rows come and however many threads there are, each symbol has the bars that it
//! has alone, and a stream that is saved and resumed makes them too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use exuvia_market::bars::{
    Bars, Candle, Desk, Feed, Gaps, Grid, Late, OhlcSlices, Place, Plan, Prices, Rule, Settings, Side, Span, Symbols,
    TimeRule, make_bars,
};
use exuvia_market::sessions::{Calendar, Zone};
use exuvia_model::{DAY, HOUR, MINUTE, SECOND, Time};
use proptest::collection::vec;
use proptest::prelude::*;

/// Symbol, stamp, price and size of each row.
type Rows = Vec<(u32, i64, i64, i64)>;
/// Stamp, prices, volume and ticks of a bar.
type Row = (i64, [i64; 4], i64, i64);

const SYMBOLS: u32 = 5;

fn rows() -> impl Strategy<Value = Rows> {
    vec((0..SYMBOLS, 0..400 * SECOND, -500_i64..500, 0_i64..1_000), 0..300)
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Left), Just(Side::Right)]
}

fn gaps() -> impl Strategy<Value = Gaps> {
    prop_oneof![Just(Gaps::Skip), Just(Gaps::Fill), Just(Gaps::Null)]
}

fn time_rule() -> impl Strategy<Value = TimeRule> {
    (1..60 * SECOND, -90 * SECOND..90 * SECOND, side(), side()).prop_map(|(every, offset, closed, label)| {
        let span = Span::Fixed(exuvia_market::bars::Interval::new(every).unwrap());
        TimeRule { offset, closed, label, ..TimeRule::every(span) }
    })
}

fn rule() -> impl Strategy<Value = Rule<i64>> {
    prop_oneof![
        3 => time_rule().prop_map(Rule::Time),
        1 => (1_u64..9).prop_map(Rule::Ticks),
        1 => (1_i64..4_000).prop_map(Rule::Volume),
    ]
}

struct Columns {
    ids: Vec<u32>,
    ts: Vec<i64>,
    price: Vec<i64>,
    size: Vec<i64>,
}

impl Columns {
    fn new(rows: &Rows) -> Self {
        Self {
            ids: rows.iter().map(|row| row.0).collect(),
            ts: rows.iter().map(|row| row.1).collect(),
            price: rows.iter().map(|row| row.2).collect(),
            size: rows.iter().map(|row| row.3).collect(),
        }
    }

    fn make(&self, plan: &Plan<i64>, order: &[u32], with_symbols: bool) -> Bars<i64> {
        let names = |symbol: u32| symbol.to_string();
        let symbols = Symbols { ids: &self.ids, names: &names, count: SYMBOLS as usize, order };
        let feed = Feed {
            ts: &self.ts,
            prices: Prices::Ticks(vec![("price", &self.price)]),
            volume: Some(("size", &self.size)),
            ticks: None,
            symbols: with_symbols.then_some(symbols),
        };
        make_bars(&feed, plan).unwrap()
    }
}

fn table(bars: &Bars<i64>) -> Vec<Row> {
    let (series, volume, ticks) = (&bars.series[0], bars.volume.as_ref().unwrap(), bars.ticks.as_ref().unwrap());
    let empty = |at: usize| bars.empty.get(at) == Some(&true);
    let price = |column: &Vec<i64>, at: usize| if empty(at) { i64::MIN } else { column[at] };
    let row = |at: usize| {
        let prices = [&series.open, &series.high, &series.low, &series.close].map(|column| price(column, at));
        (bars.ts[at], prices, volume[at], ticks[at])
    };
    (0..bars.ts.len()).map(row).collect()
}

fn alone(rows: &Rows, plan: &Plan<i64>, symbol: u32) -> Vec<Row> {
    table(&Columns::new(&rows.iter().copied().filter(|row| row.0 == symbol).collect()).make(plan, &[], false))
}

fn bar(candle: &Candle<i64, 1>) -> Row {
    let [ohlc] = candle.series;
    let prices = if candle.empty { [i64::MIN; 4] } else { [ohlc.open, ohlc.high, ohlc.low, ohlc.close] };
    (candle.label, prices, candle.volume, i64::try_from(candle.ticks).unwrap())
}

proptest! {
    #[test]
    fn each_symbol_has_the_bars_that_it_has_alone(
        mut rows in rows(), rule in rule(), label in side(), gaps in gaps(), threads in 1_usize..5, order in 0_u8..3,
        reversed: bool,
    ) {
        match order {
            0 => rows.sort_by_key(|row| row.1),
            1 => rows.sort_by_key(|row| (row.0, row.1)),
            // Pieces of symbols, each in order of time.
            _ => rows.sort_by_key(|row| (row.1 / (90 * SECOND), row.0, row.1)),
        }
        let gaps = if matches!(rule, Rule::Time(_)) { gaps } else { Gaps::Skip };
        let plan = Plan { label, gaps, threads, ..Plan::new(rule) };
        let sequence: Vec<u32> = if reversed { (0..SYMBOLS).rev().collect() } else { Vec::new() };
        let made = Columns::new(&rows).make(&plan, &sequence, true);
        let symbols = made.symbol.clone().unwrap();
        let in_order = symbols.windows(2).all(|pair| if reversed { pair[0] >= pair[1] } else { pair[0] <= pair[1] });
        prop_assert!(in_order);
        let all = table(&made);
        for symbol in 0..SYMBOLS {
            let mine: Vec<Row> = all.iter().zip(&symbols).filter(|(_, of)| **of == symbol).map(|(row, _)| *row).collect();
            prop_assert_eq!(mine, alone(&rows, &plan, symbol));
        }
    }

    #[test]
    fn a_stream_makes_the_bars_of_columns_and_may_stop_and_go_on(
        mut rows in rows(), rule in rule(), label in side(), gaps in gaps(), stop in any::<prop::sample::Index>(),
        late in prop_oneof![Just(Late::IntoCurrent), Just(Late::Drop), Just(Late::Revise)], sorted: bool,
    ) {
        let counted = !matches!(rule, Rule::Time(_));
        let late = if counted && late == Late::Revise { Late::Drop } else { late };
        // What was a gap when it was filled may be a bar later on.
        let gaps = if counted || late == Late::Revise { Gaps::Skip } else { gaps };
        if sorted {
            rows.sort_by_key(|row| row.1);
        }
        let settings = Settings { label, late, gaps, keep: 1_000, ..Settings::new(rule.clone()) };
        let mut desk = Desk::<i64, 1>::new(settings).unwrap();
        let mut made = BTreeMap::<(i64, i64), Row>::new();
        let mut list = Vec::new();
        let stop = stop.index(rows.len() + 1);
        for (at, (symbol, time, price, size)) in rows.iter().enumerate() {
            if at == stop {
                let saved = desk.save();
                desk = Desk::restore(&saved).unwrap();
                prop_assert_eq!(desk.save(), saved);
            }
            desk.push(i64::from(*symbol), *time, [*price], *size, &mut |of, candle| list.push((of, candle))).unwrap();
        }
        desk.flush(&mut |of, candle| list.push((of, candle)));
        let mut by_symbol = BTreeMap::<i64, Vec<Row>>::new();
        for (of, candle) in &list {
            made.insert((*of, candle.label), bar(candle));
            by_symbol.entry(*of).or_default().push(bar(candle));
        }
        let plan = Plan { label, gaps, late, ..Plan::new(rule) };
        for symbol in 0..SYMBOLS {
            let wanted = alone(&rows, &plan, symbol);
            let found = if late == Late::Revise {
                made.range((i64::from(symbol), i64::MIN)..=(i64::from(symbol), i64::MAX)).map(|(_, row)| *row).collect()
            } else {
                by_symbol.remove(&i64::from(symbol)).unwrap_or_default()
            };
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn longer_bars_of_interleaved_symbols_are_those_of_the_ticks(mut rows in rows(), times in 1_i64..20, threads in 1_usize..4) {
        rows.sort_by_key(|row| row.1);
        let every = |count: i64| {
            let span = Span::Fixed(exuvia_market::bars::Interval::new(count * 7 * SECOND).unwrap());
            Plan { threads, ..Plan::new(Rule::Time(TimeRule::every(span))) }
        };
        let columns = Columns::new(&rows);
        let short = columns.make(&every(1), &[], true);
        // By time, as a feed of bars would have them.
        let mut by_time: Vec<usize> = (0..short.ts.len()).collect();
        by_time.sort_by_key(|at| short.ts[*at]);
        let pick = |column: &Vec<i64>| -> Vec<i64> { by_time.iter().map(|at| column[*at]).collect() };
        let (series, volume) = (&short.series[0], pick(short.volume.as_ref().unwrap()));
        let [open, high, low, close] = [&series.open, &series.high, &series.low, &series.close].map(pick);
        let (ts, ticks) = (pick(&short.ts), pick(short.ticks.as_ref().unwrap()));
        let ids: Vec<u32> = by_time.iter().map(|at| short.symbol.as_ref().unwrap()[*at]).collect();
        let names = |symbol: u32| symbol.to_string();
        let slices = OhlcSlices { open: &open[..], high: &high[..], low: &low[..], close: &close[..] };
        let feed = Feed {
            ts: &ts,
            prices: Prices::Bars(vec![(["open", "high", "low", "close"], slices)]),
            volume: Some(("volume", &volume)),
            ticks: Some(&ticks),
            symbols: Some(Symbols { ids: &ids, names: &names, count: SYMBOLS as usize, order: &[] }),
        };
        prop_assert_eq!(make_bars(&feed, &every(times)).unwrap(), columns.make(&every(times), &[], true));
    }

    #[test]
    fn bytes_of_a_state_are_refused_or_read_and_never_more(rows in rows(), at in any::<prop::sample::Index>(), bit in 0_u8..8, cut: bool) {
        let mut desk = Desk::<i64, 1>::new(Settings { late: Late::Revise, ..Settings::new(Rule::Time(TimeRule::every("7s".parse().unwrap()))) }).unwrap();
        for (symbol, time, price, size) in &rows {
            desk.push(i64::from(*symbol), *time, [*price], *size, &mut |_, _| {}).unwrap();
        }
        let mut bytes = desk.save();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        prop_assert!(Desk::<i64, 1>::restore(&bytes).is_err());
    }

    #[test]
    fn every_instant_lies_in_one_interval_of_a_zone(
        seconds in 0_i64..60 * 365 * 86_400, zone in prop_oneof![Just("America/Havana"), Just("Africa/Cairo"), Just("Australia/Lord_Howe"), Just("Pacific/Apia")],
        every in prop_oneof![Just("1d"), Just("3d"), Just("1w"), Just("1mo"), Just("1q"), Just("1y")], closed in side(), label in side(), hours in -30_i64..30,
    ) {
        let now = seconds * SECOND;
        let rule = TimeRule { closed, label, zone: Zone::named(zone).unwrap(), offset: hours * HOUR, ..TimeRule::every(every.parse().unwrap()) };
        let mut grid = rule.grid(now, None).unwrap();
        let Place::In { start, end, label } = grid.place(now).unwrap() else { panic!() };
        prop_assert!(start <= now && now < end && end - start < 368 * DAY && start - 1 <= label && label <= end);
        for edge in [start, end - 1] {
            prop_assert_eq!(grid.place(edge).unwrap(), Place::In { start, end, label }, "{}", Time(edge));
        }
        let Place::In { start: next, .. } = grid.place(end).unwrap() else { panic!() };
        prop_assert_eq!(next, end);
    }
}

#[test]
fn sessions_of_many_symbols_keep_early_closes() {
    let close = "2024-11-29T18:00:00Z".parse::<Time>().unwrap().0;
    let ts: Vec<i64> = (-5..5).map(|n| close + n * MINUTE).collect();
    let (price, ids) = ([1_i64; 10], [0_u32, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let rule = TimeRule { calendar: Some(Calendar::XNYS), ..TimeRule::every("2m".parse().unwrap()) };
    let names = |symbol: u32| symbol.to_string();
    let feed = Feed {
        ts: &ts,
        prices: Prices::Ticks(vec![("price", &price[..])]),
        volume: None,
        ticks: None,
        symbols: Some(Symbols { ids: &ids, names: &names, count: 2, order: &[] }),
    };
    let made = make_bars(&feed, &Plan { threads: 2, ..Plan::new(Rule::Time(rule)) }).unwrap();
    assert_eq!(made.counts.outside, 5);
    assert_eq!(made.ts, [6, 4, 2, 4, 2].map(|n| close - n * MINUTE));
    assert_eq!(made.ticks, Some(vec![1; 5]));
}
