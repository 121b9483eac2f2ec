//! Kernels of the bars by themselves, without Python: what is left of a call is in the kernels.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exuvia_market::bars::{
    Desk, Feed, Fixed, Interval, Late, OhlcSlices, Plan, Prices, QuoteBarBuilder, Rule, Settings, Symbols, TimeRule,
    make_bars, resample_trades, threads_of_the_machine, trade_bars,
};
use exuvia_model::{MINUTE, SECOND, Time};

const TICKS: i64 = 5_000_000;

/// A walk in cents; one tick each `gap` nanoseconds.
fn ticks(gap: i64) -> (Vec<i64>, Vec<i64>) {
    let mut state = 1_u64;
    let mut price = 100_000_i64;
    (0..TICKS)
        .map(|row| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            price += i64::try_from(state >> 62).unwrap() - 1;
            (row * gap, price * 10_000_000)
        })
        .unzip()
}

fn columnar(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("5 M ticks to 1-minute bars");
    group.throughput(Throughput::Elements(TICKS.unsigned_abs())).sample_size(20);
    for (density, gap) in [("3,472 ticks a bar", MINUTE / 3_472), ("30 ticks a bar", 2 * SECOND)] {
        let (ts, fixed) = ticks(gap);
        let floats: Vec<f64> = fixed.iter().map(|value| *value as f64 / 1e9).collect();
        let grid = || Fixed::new(Interval::new(MINUTE).unwrap(), 0);
        group.bench_function(format!("float64, {density}"), |bench| {
            bench.iter(|| trade_bars(black_box(&ts), black_box(&floats), None, &mut grid()));
        });
        group.bench_function(format!("fixed point, {density}"), |bench| {
            bench.iter(|| trade_bars(black_box(&ts), black_box(&fixed), None, &mut grid()));
        });
    }
    group.finish();
}

fn resampling(criterion: &mut Criterion) {
    let ts: Vec<i64> = (0..3_000).map(|row| row * MINUTE).collect();
    let price: Vec<f64> = (0..3_000).map(|row| f64::from(row % 97)).collect();
    let bars = OhlcSlices { open: &price, high: &price, low: &price, close: &price };
    criterion.bench_function("3,000 bars 1 m to 5 m", |bench| {
        let mut grid = Fixed::new(Interval::new(5 * MINUTE).unwrap(), 0);
        bench.iter(|| resample_trades(black_box(&ts), black_box(bars), Some(&price), None, &mut grid));
    });
}

fn streaming(criterion: &mut Criterion) {
    let (ts, fixed) = ticks(2 * SECOND);
    let mut group = criterion.benchmark_group("streaming quotes to 1-minute bars");
    group.throughput(Throughput::Elements(TICKS.unsigned_abs())).sample_size(20);
    group.bench_function("fixed point, a call a tick", |bench| {
        bench.iter(|| {
            let mut builder = QuoteBarBuilder::new(Interval::new(MINUTE).unwrap(), 0, Late::IntoCurrent);
            let rows = ts.iter().zip(&fixed);
            rows.filter_map(|(ts, price)| builder.push(Time(*ts), *price, *price + 1).ok().flatten()).count()
        });
    });
    group.finish();
}

fn minutes() -> Rule<f64> {
    Rule::Time(TimeRule::every("1m".parse().unwrap()))
}

/// The rows of a day, each of one of so many symbols by a linear congruence.
fn many_symbols(criterion: &mut Criterion) {
    let (ts, fixed) = ticks(MINUTE / 3_472);
    let floats: Vec<f64> = fixed.iter().map(|value| *value as f64 / 1e9).collect();
    let mut group = criterion.benchmark_group("5 M ticks of interleaved symbols to 1-minute bars");
    group.throughput(Throughput::Elements(TICKS.unsigned_abs())).sample_size(20);
    for count in [10_u32, 1_000] {
        let mut state = 1_u64;
        let mut id = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(state >> 33).unwrap() % count
        };
        let ids: Vec<u32> = ts.iter().map(|_| id()).collect();
        let names = |symbol: u32| symbol.to_string();
        for threads in [1, threads_of_the_machine()] {
            let plan = Plan { threads, ..Plan::new(minutes()) };
            group.bench_function(format!("{count} symbols, {threads} threads"), |bench| {
                let symbols = Some(Symbols { ids: &ids, names: &names, count: count as usize, order: &[] });
                let prices = Prices::Ticks(vec![("price", &floats[..])]);
                let feed = Feed { ts: &ts, prices, volume: None, ticks: None, symbols };
                bench.iter(|| make_bars(black_box(&feed), &plan));
            });
        }
        group.bench_function(format!("{count} symbols, a row at a time"), |bench| {
            bench.iter(|| {
                let mut desk = Desk::<f64, 1>::new(Settings::new(minutes())).unwrap();
                let rows =
                    ids.iter().zip(&ts).zip(&floats).map(|((id, ts), price)| (i64::from(*id), *ts, [*price], 0.0));
                let mut bars = 0;
                desk.push_rows(rows, &mut |_, _| bars += 1).unwrap();
                bars
            });
        });
    }
    group.finish();
}

criterion_group!(benches, columnar, resampling, streaming, many_symbols);
criterion_main!(benches);
