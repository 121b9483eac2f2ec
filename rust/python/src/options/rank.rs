//! IV rank and percentile: the history of one symbol or of many, in one call.

use std::collections::HashMap;

use exuvia_market::options::rank::{Flat, History, Ranks, Rule, Window, ranks};
use exuvia_market::options::share;
use exuvia_model::SECOND;
use pyo3::prelude::*;

use super::groups::Groups;
use super::input::{Arguments, rows, stamps};
use super::{option_error, output, threads};
use crate::bars::source::Values;
use crate::failure::Failure;
use crate::gate;

/// Seconds of a day.
const DAY: i64 = 86_400 * SECOND;

/// Where each day's volatility stands within its window: IV rank and IV percentile.
///
/// Rank is (now - least) / (greatest - least), percentile the share of the window that is below now. Definitions differ; each
/// difference is an argument.
///
/// Args:
///     iv: Volatility, one a day, oldest first; NaN and null are missing. Or a table or dict with columns iv and perhaps symbol,
///         ts, high and low.
///     symbol: What each row belongs to; rows of several symbols may be mixed.
///     ts: Stamps or dates; rows of a symbol must ascend. Needed for `days`.
///     high: Greatest volatility of each day, if the greatest of the window is taken from it.
///     low: Least volatility of each day.
///     window: Rows of the window; missing ones count as rows.
///     days: Calendar days instead of rows: the window is what is later than now less so many days.
///     include_today: Whether today's value is one of the window. Without it a rank may lie outside of the scale.
///     least: Values that the window must have; below it both are missing.
///     scale: 100 for per cent, 1 for fractions.
///     flat: The rank where the window has no range, as a fraction (0.5 is common); missing if None.
///     floor: The range counts as at least this, instead of `flat`.
///     clamp: Whether a rank outside of the scale is moved to its end.
///     inclusive: Whether a value that equals today's counts as below it.
///     last: Whether only the last row of each symbol is wanted.
///     threads: How many threads, all cores if None; symbols are shared among them.
///
/// Returns:
///     An arro3.core.Table in the order of the rows (or of the symbols' first rows): symbol and ts if given, iv, rank, percentile,
///     low, high, count; missing is NaN.
///
/// Raises:
///     OptionError: Columns of different lengths, a window that is none, rows that do not ascend.
///     SchemaError: A column is missing or has no numbers.
#[pyfunction]
#[pyo3(signature = (iv, symbol=None, ts=None, *, high=None, low=None, window=252, days=None, include_today=true, least=10, scale=100.0, flat=None, floor=None, clamp=false, inclusive=false, last=false, threads=None))]
#[allow(clippy::too_many_arguments)] // the signature that Python sees
fn iv_rank<'py>(
    iv: &Bound<'py, PyAny>,
    symbol: Option<&Bound<'py, PyAny>>,
    ts: Option<&Bound<'py, PyAny>>,
    high: Option<&Bound<'py, PyAny>>,
    low: Option<&Bound<'py, PyAny>>,
    window: usize,
    days: Option<f64>,
    include_today: bool,
    least: usize,
    scale: f64,
    flat: Option<f64>,
    floor: Option<f64>,
    clamp: bool,
    inclusive: bool,
    last: bool,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = iv.py();
    let rule = rule(window, days, include_today, least, scale, flat, floor, clamp, inclusive)?;
    let from = Arguments::perhaps_table(iv);
    let given = from.need("iv", if from.is_table() { None } else { Some(iv) })?;
    let (highs, lows) = (from.perhaps("high", high)?, from.perhaps("low", low)?);
    let symbols = from.column("symbol", symbol)?.map(|column| Groups::new("symbol", column)).transpose()?;
    let ts = from.column("ts", ts)?.map(|column| stamps("ts", column)).transpose()?;
    let mut all = vec![("iv", &given)];
    all.extend(highs.as_ref().map(|highs| ("high", highs)));
    all.extend(lows.as_ref().map(|lows| ("low", lows)));
    let Some(count) = rows(&all)? else {
        return Err(option_error("iv is a single number: a rank needs its history, one value a day"));
    };
    let lengths = [("symbol", symbols.as_ref().map(|groups| groups.ids.len())), ("ts", ts.as_ref().map(|ts| ts.len()))];
    for (name, length) in lengths {
        if let Some(length) = length.filter(|length| *length != count) {
            return Err(option_error(format!(
                "column '{name}' has {length} rows, but 'iv' has {count}: pass columns of equal length"
            )));
        }
    }
    if days.is_some() && ts.is_none() {
        return Err(option_error("days= needs the column 'ts': without stamps a window is counted in rows"));
    }
    let jobs = symbols.as_ref().map_or_else(|| vec![(0..count).collect()], Groups::rows);
    let threads = self::threads(threads)?;
    let stamps: Option<&[i64]> = ts.as_deref();
    let column = |given: &super::input::Given<'_>| -> Vec<f64> { (0..count).map(|row| given.at(row)).collect() };
    let iv = column(&given);
    let high = highs.as_ref().map(column);
    let low = lows.as_ref().map(column);
    let made: Vec<Result<Ranks, Failure>> = gate::enter(py, || {
        Ok::<_, Failure>(share(&jobs, threads, |rows: &Vec<usize>| {
            of_symbol(rows, &iv, &high, &low, stamps, &rule, last)
        }))
    })?;
    let made = made.into_iter().collect::<Result<Vec<Ranks>, Failure>>().map_err(PyErr::from)?;
    answer(py, &jobs, made, &iv, symbols.as_ref(), ts.as_ref(), last)
}

#[allow(clippy::too_many_arguments)]
fn rule(
    window: usize,
    days: Option<f64>,
    include_today: bool,
    least: usize,
    scale: f64,
    flat: Option<f64>,
    floor: Option<f64>,
    clamp: bool,
    inclusive: bool,
) -> PyResult<Rule> {
    let window = match days {
        None if window == 0 => {
            return Err(option_error("window=0: use at least one row, 252 for a year of trading days"));
        }
        None => Window::Rows(window),
        Some(days) if days > 0.0 && days < 1e5 => Window::Span((days * DAY as f64) as i64),
        Some(days) => return Err(option_error(format!("days={days}: use a positive number, 365 for a year"))),
    };
    if !(scale > 0.0 && scale.is_finite()) {
        return Err(option_error(format!("scale={scale}: use 100 for per cent or 1 for fractions")));
    }
    let flat = match (flat, floor) {
        (Some(_), Some(_)) => {
            return Err(option_error("flat= and floor= both say what a window without a range is: pass one"));
        }
        (Some(value), None) => Flat::Value(value),
        (None, Some(floor)) if floor > 0.0 => Flat::Floor(floor),
        (None, Some(floor)) => return Err(option_error(format!("floor={floor}: use a positive range, as 0.001"))),
        (None, None) => Flat::Missing,
    };
    Ok(Rule { window, include_today, least: least.max(1), scale, flat, clamp, inclusive })
}

/// The ranks of one symbol's rows.
fn of_symbol(
    rows: &[usize],
    iv: &[f64],
    high: &Option<Vec<f64>>,
    low: &Option<Vec<f64>>,
    ts: Option<&[i64]>,
    rule: &Rule,
    last: bool,
) -> Result<Ranks, Failure> {
    let gather = |values: &[f64]| -> Vec<f64> { rows.iter().filter_map(|row| values.get(*row).copied()).collect() };
    let own = gather(iv);
    let high = high.as_ref().map_or_else(|| own.clone(), |high| gather(high));
    let low = low.as_ref().map_or_else(|| own.clone(), |low| gather(low));
    let stamps: Vec<i64> = match ts {
        None => Vec::new(),
        Some(ts) => rows.iter().filter_map(|row| ts.get(*row).copied()).collect(),
    };
    if let Some(at) = stamps.iter().zip(stamps.iter().skip(1)).position(|(one, next)| next <= one) {
        let row = rows.get(at + 1).copied().unwrap_or_default();
        return Err(Failure::text(
            "OptionError",
            format!(
                "row {row} is not later than the row of its symbol before it: sort by time, and keep one row a day"
            ),
        ));
    }
    let history = History { iv: &own, high: &high, low: &low, ts: &stamps };
    Ok(ranks(&history, rule, if last { own.len().saturating_sub(1) } else { 0 }))
}

fn answer<'py>(
    py: Python<'py>,
    jobs: &[Vec<usize>],
    made: Vec<Ranks>,
    iv: &[f64],
    symbols: Option<&Groups>,
    ts: Option<&Values<'_, i64>>,
    last: bool,
) -> PyResult<Bound<'py, PyAny>> {
    // Which input row each row of the answer is.
    let order: Vec<usize> =
        if last { jobs.iter().filter_map(|rows| rows.last().copied()).collect() } else { (0..iv.len()).collect() };
    let mut columns: output::Columns = Vec::new();
    if let Some(symbols) = symbols {
        let ids: Vec<u32> = order.iter().filter_map(|row| symbols.ids.get(*row).copied()).collect();
        columns.push(("symbol".to_owned(), symbols.pick(&ids)?));
    }
    if let Some(ts) = ts {
        let stamps = order.iter().filter_map(|row| ts.get(*row).copied()).collect();
        columns.push(("ts".to_owned(), output::stamps(stamps)));
    }
    columns.push(("iv".to_owned(), output::floats(order.iter().filter_map(|row| iv.get(*row).copied()).collect())));
    let scatter = |pick: fn(&Ranks) -> &Vec<f64>| -> Vec<f64> {
        if last {
            return made.iter().flat_map(|ranks| pick(ranks).iter().copied()).collect();
        }
        let mut column = vec![f64::NAN; iv.len()];
        for (rows, ranks) in jobs.iter().zip(&made) {
            for (row, value) in rows.iter().zip(pick(ranks)) {
                if let Some(place) = column.get_mut(*row) {
                    *place = *value;
                }
            }
        }
        column
    };
    columns.push(("rank".to_owned(), output::floats(scatter(|ranks| &ranks.rank))));
    columns.push(("percentile".to_owned(), output::floats(scatter(|ranks| &ranks.percentile))));
    columns.push(("low".to_owned(), output::floats(scatter(|ranks| &ranks.low))));
    columns.push(("high".to_owned(), output::floats(scatter(|ranks| &ranks.high))));
    let counts = if last {
        made.iter().flat_map(|ranks| ranks.count.iter().copied()).collect()
    } else {
        let mut column = vec![0_i64; iv.len()];
        for (rows, ranks) in jobs.iter().zip(&made) {
            for (row, value) in rows.iter().zip(&ranks.count) {
                if let Some(place) = column.get_mut(*row) {
                    *place = *value;
                }
            }
        }
        column
    };
    columns.push(("count".to_owned(), output::integers(counts)));
    output::table(py, columns, HashMap::new())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(iv_rank, module)?)
}
