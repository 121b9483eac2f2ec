//! Bar objects of any class to longer bars: what a bot does that keeps its bars in a list.

use std::collections::BTreeMap;

use exuvia_market::bars::{BarError, Fixed, Interval, check_whole};
use exuvia_model::{Ohlc, QuoteBar as Longer, Time};
use pyo3::intern;
use pyo3::prelude::*;

use super::Every;
use super::records::QuoteBar;
use crate::failure::Failure;
use crate::{gate, integers};

/// Longer quote bars from a sequence of bar objects.
///
/// Args:
///     bars: Objects with attributes uic, ts, bid_open … ask_close and ticks, sorted by ts within each uic.
///     every: Length of a bar: text such as "5m", or nanoseconds, at least 1,000,000 (a bare 60 is refused).
///     record: A class to make bars of, called with the fields of QuoteBar in order; QuoteBar if left out.
///     offset: Nanoseconds by which the intervals are shifted from 1970-01-01 UTC.
///     of: Length of the bars that come in, as `every`; the step between most of an instrument's bars if left out.
///
/// Returns:
///     A list of bars in order of uic and ts; empty for no bars.
///
/// Raises:
///     BarError: Bars out of order, NaN, a bad interval, a bar that lies in two intervals, more ticks than 2^63 - 1;
///         names the place.
#[pyfunction]
#[pyo3(signature = (bars, every, record=None, *, offset=0, of=None))]
fn aggregate<'py>(
    bars: &Bound<'py, PyAny>,
    every: Every,
    record: Option<&Bound<'py, PyAny>>,
    #[pyo3(from_py_with = integers::offset)] offset: i64,
    of: Option<Every>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = bars.py();
    let grid = Fixed::new(gate::stay(|| every.interval())?, offset);
    let of = gate::stay(|| of.map(|of| of.interval()).transpose())?;
    let mut read = Vec::with_capacity(bars.len().unwrap_or_default());
    gate::guard(|| {
        for bar in bars.try_iter()? {
            read.push(read_bar(&bar?)?);
        }
        let longer = lengthen(&read, grid, of)?;
        longer.into_iter().map(|bar| bar.build(py, record)).collect()
    })
}

fn read_bar(bar: &Bound<'_, PyAny>) -> PyResult<QuoteBar> {
    if let Ok(own) = bar.cast_exact::<QuoteBar>() {
        return Ok(*own.get());
    }
    let py = bar.py();
    macro_rules! field {
        ($name:literal) => {
            bar.getattr(intern!(py, $name))?.extract()?
        };
    }
    Ok(QuoteBar {
        uic: field!("uic"),
        ts: field!("ts"),
        bid_open: field!("bid_open"),
        bid_high: field!("bid_high"),
        bid_low: field!("bid_low"),
        bid_close: field!("bid_close"),
        ask_open: field!("ask_open"),
        ask_high: field!("ask_high"),
        ask_low: field!("ask_low"),
        ask_close: field!("ask_close"),
        ticks: field!("ticks"),
    })
}

/// The bars of one instrument so far, and the stamp of the last one that went in.
#[derive(Default)]
struct Instrument {
    last: Option<i64>,
    end: i64,
    bars: Vec<Longer<f64>>,
    stamps: Vec<i64>,
}

fn lengthen(bars: &[QuoteBar], mut grid: Fixed, of: Option<Interval>) -> Result<Vec<QuoteBar>, Failure> {
    let mut instruments = BTreeMap::<i64, Instrument>::new();
    for (row, bar) in bars.iter().enumerate() {
        check_finite(row, bar)?;
        let instrument = instruments.entry(bar.uic).or_default();
        if let Some(last) = instrument.last.replace(bar.ts).filter(|last| bar.ts < *last) {
            return Err(Failure::text(
                "BarError",
                format!(
                    "bars[{row}] of uic {} is at {} ({}), before the one ahead of it at {} ({last}): sort by ts first",
                    bar.uic,
                    Time(bar.ts),
                    bar.ts,
                    Time(last)
                ),
            ));
        }
        instrument.stamps.push(bar.ts);
        let bid = Ohlc { open: bar.bid_open, high: bar.bid_high, low: bar.bid_low, close: bar.bid_close };
        let ask = Ohlc { open: bar.ask_open, high: bar.ask_high, low: bar.ask_low, close: bar.ask_close };
        let count = u64::try_from(bar.ticks)
            .map_err(|_| Failure::text("BarError", format!("bars[{row}] has {} ticks: a count", bar.ticks)))?;
        match instrument.bars.last_mut().filter(|_| bar.ts < instrument.end) {
            Some(open) => {
                open.bid.extend(&bid);
                open.ask.extend(&ask);
                let sum = open.ticks.checked_add(count).filter(|sum| i64::try_from(*sum).is_ok());
                open.ticks = sum.ok_or_else(|| {
                    Failure::text("BarError", format!("the sum of ticks overflows with {count} of bars[{row}]"))
                })?;
            }
            None => {
                let (start, end) = grid.bounds(bar.ts)?;
                instrument.end = end;
                instrument.bars.push(Longer { start: Time(start), bid, ask, ticks: count });
            }
        }
    }
    for (uic, found) in &instruments {
        check_whole(&found.stamps, of, &mut grid).map_err(|error| of_instrument(*uic, bars, error))?;
    }
    let of_each = instruments.into_iter();
    Ok(of_each.flat_map(|(uic, found)| found.bars.into_iter().map(move |bar| QuoteBar::of(uic, &bar))).collect())
}

/// The error about a row of one instrument, as one about the bars that were given.
fn of_instrument(uic: i64, bars: &[QuoteBar], error: BarError) -> Failure {
    let BarError::Straddles { row, time, length, how, end } = error else { return error.into() };
    let rows = bars.iter().enumerate().filter(|(_, bar)| bar.uic == uic);
    let row = rows.map(|(row, _)| row).nth(row).unwrap_or(row);
    Failure::text("BarError", format!("uic {uic}: {}", BarError::Straddles { row, time, length, how, end }))
}

fn check_finite(row: usize, bar: &QuoteBar) -> Result<(), Failure> {
    let (_, _, bo, bh, bl, bc, ao, ah, al, ac, _) = bar.fields();
    let names = ["bid_open", "bid_high", "bid_low", "bid_close", "ask_open", "ask_high", "ask_low", "ask_close"];
    match names.iter().zip([bo, bh, bl, bc, ao, ah, al, ac]).find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((name, value)) => {
            Err(Failure::text("BarError", format!("bars[{row}].{name} is {value}: drop bars without a price first")))
        }
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(aggregate, module)?)
}
