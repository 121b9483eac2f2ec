//! Columns of ticks or of bars go in, columns of bars come out. One walk over the stamps finds the rows
//! of each interval; then each column is read once.

use super::runs::{Run, runs};
use super::{BarError, Grid, Number};

/// Open, high, low and close, a row for each bar.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OhlcColumns<N> {
    /// First value of each interval.
    pub open: Vec<N>,
    /// Greatest value.
    pub high: Vec<N>,
    /// Least value.
    pub low: Vec<N>,
    /// Last value.
    pub close: Vec<N>,
}

/// Borrowed open, high, low and close.
#[derive(Debug, Clone, Copy)]
pub struct OhlcSlices<'a, N> {
    /// First value of each interval.
    pub open: &'a [N],
    /// Greatest value.
    pub high: &'a [N],
    /// Least value.
    pub low: &'a [N],
    /// Last value.
    pub close: &'a [N],
}

/// How many rows lay in no interval (outside all sessions) and went into no bar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outside(pub usize);

/// Bars of one price.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TradeColumns<N> {
    /// Start of each interval, UTC nanoseconds.
    pub ts: Vec<i64>,
    /// Prices.
    pub price: OhlcColumns<N>,
    /// Sum of the sizes in order of rows, where there are sizes.
    pub volume: Option<Vec<N>>,
    /// Ticks in each bar, where they are known.
    pub ticks: Option<Vec<i64>>,
    /// Rows that went into no bar.
    pub outside: Outside,
}

/// Bars of bid and ask.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuoteColumns<N> {
    /// Start of each interval, UTC nanoseconds.
    pub ts: Vec<i64>,
    /// Bid prices.
    pub bid: OhlcColumns<N>,
    /// Ask prices.
    pub ask: OhlcColumns<N>,
    /// Ticks in each bar, where they are known.
    pub ticks: Option<Vec<i64>>,
    /// Rows that went into no bar.
    pub outside: Outside,
}

/// Bars of trades: `ts` sorted UTC nanoseconds, a price and perhaps a size for each.
///
/// ```
/// use exuvia_market::bars::{Fixed, trade_bars};
/// let mut minutes = Fixed::new("1m".parse()?, 0);
/// let bars = trade_bars(&[0, 1, 60_000_000_000], &[1.5, 1.25, 2.0], None, &mut minutes)?;
/// assert_eq!(bars.price.low, [1.25, 2.0]);
/// # Ok::<(), exuvia_market::bars::BarError>(())
/// ```
///
/// # Errors
/// `Length`, `Unsorted`, `NotFinite`, `Negative` and `Overflow` name column and row; `TimeRange` the stamp.
pub fn trade_bars<N: Number>(
    ts: &[i64],
    price: &[N],
    size: Option<&[N]>,
    grid: &mut impl Grid,
) -> Result<TradeColumns<N>, BarError> {
    same_length(ts, "price", price)?;
    if let Some(size) = size {
        same_length(ts, "size", size)?;
    }
    let (runs, outside) = runs(ts, grid)?;
    let volume = size.map(|size| sums("size", size, &runs)).transpose()?;
    let price = ticks_to_ohlc("price", price, &runs)?;
    Ok(TradeColumns { ts: starts(&runs), price, volume, ticks: Some(counts(&runs)), outside: Outside(outside) })
}

/// Bars of quotes: `ts` sorted UTC nanoseconds, bid and ask for each.
///
/// # Errors
/// As [`trade_bars`].
pub fn quote_bars<N: Number>(
    ts: &[i64],
    bid: &[N],
    ask: &[N],
    grid: &mut impl Grid,
) -> Result<QuoteColumns<N>, BarError> {
    same_length(ts, "bid", bid)?;
    same_length(ts, "ask", ask)?;
    let (runs, outside) = runs(ts, grid)?;
    let (bid, ask) = (ticks_to_ohlc("bid", bid, &runs)?, ticks_to_ohlc("ask", ask, &runs)?);
    Ok(QuoteColumns { ts: starts(&runs), bid, ask, ticks: Some(counts(&runs)), outside: Outside(outside) })
}

/// Longer bars from bars of trades.
///
/// # Errors
/// As [`trade_bars`].
pub fn resample_trades<N: Number>(
    ts: &[i64],
    price: OhlcSlices<'_, N>,
    volume: Option<&[N]>,
    ticks: Option<&[i64]>,
    grid: &mut impl Grid,
) -> Result<TradeColumns<N>, BarError> {
    if let Some(volume) = volume {
        same_length(ts, "volume", volume)?;
    }
    if let Some(ticks) = ticks {
        same_length(ts, "ticks", ticks)?;
    }
    check_lengths(ts, ["open", "high", "low", "close"], price)?;
    let (runs, outside) = runs(ts, grid)?;
    Ok(TradeColumns {
        price: bars_to_ohlc(["open", "high", "low", "close"], price, &runs)?,
        volume: volume.map(|volume| sums("volume", volume, &runs)).transpose()?,
        ticks: ticks.map(|ticks| sums("ticks", ticks, &runs)).transpose()?,
        ts: starts(&runs),
        outside: Outside(outside),
    })
}

/// Longer bars from bars of quotes.
///
/// # Errors
/// As [`trade_bars`].
pub fn resample_quotes<N: Number>(
    ts: &[i64],
    bid: OhlcSlices<'_, N>,
    ask: OhlcSlices<'_, N>,
    ticks: Option<&[i64]>,
    grid: &mut impl Grid,
) -> Result<QuoteColumns<N>, BarError> {
    const BID: [&str; 4] = ["bid_open", "bid_high", "bid_low", "bid_close"];
    const ASK: [&str; 4] = ["ask_open", "ask_high", "ask_low", "ask_close"];
    if let Some(ticks) = ticks {
        same_length(ts, "ticks", ticks)?;
    }
    check_lengths(ts, BID, bid)?;
    check_lengths(ts, ASK, ask)?;
    let (runs, outside) = runs(ts, grid)?;
    Ok(QuoteColumns {
        bid: bars_to_ohlc(BID, bid, &runs)?,
        ask: bars_to_ohlc(ASK, ask, &runs)?,
        ticks: ticks.map(|ticks| sums("ticks", ticks, &runs)).transpose()?,
        ts: starts(&runs),
        outside: Outside(outside),
    })
}

fn same_length<N>(ts: &[i64], column: &'static str, values: &[N]) -> Result<(), BarError> {
    if values.len() == ts.len() {
        return Ok(());
    }
    Err(BarError::Length { column, got: values.len(), want: ts.len() })
}

fn check_lengths<N>(ts: &[i64], names: [&'static str; 4], bars: OhlcSlices<'_, N>) -> Result<(), BarError> {
    names.into_iter().zip([bars.open, bars.high, bars.low, bars.close]).try_for_each(|(n, v)| same_length(ts, n, v))
}

pub(super) fn starts(runs: &[Run]) -> Vec<i64> {
    runs.iter().map(|run| run.label).collect()
}

pub(super) fn counts(runs: &[Run]) -> Vec<i64> {
    runs.iter().map(|run| i64::try_from(run.to - run.from).unwrap_or(i64::MAX)).collect()
}

/// The values of a run; a run is never empty, and the columns were checked to be as long as the stamps.
fn values_of<'a, N>(values: &'a [N], run: &Run) -> &'a [N] {
    values.get(run.from..run.to).unwrap_or_default()
}

fn not_finite<N: Number>(column: &'static str, values: &[N], run: &Run) -> BarError {
    let bad = values_of(values, run).iter().position(|value| !value.is_finite()).unwrap_or_default();
    let row = run.from + bad;
    BarError::NotFinite { column, row, value: values.get(row).map_or(f64::NAN, |value| value.to_float()) }
}

pub(super) fn ticks_to_ohlc<N: Number>(
    column: &'static str,
    values: &[N],
    runs: &[Run],
) -> Result<OhlcColumns<N>, BarError> {
    let mut out = OhlcColumns::with_capacity(runs.len());
    for run in runs {
        let rows = values_of(values, run);
        let (Some(first), Some(last), Some((high, low))) = (rows.first(), rows.last(), N::extremes(rows)) else {
            return Err(not_finite(column, values, run));
        };
        out.push(*first, high, low, *last);
    }
    Ok(out)
}

pub(super) fn bars_to_ohlc<N: Number>(
    names: [&'static str; 4],
    bars: OhlcSlices<'_, N>,
    runs: &[Run],
) -> Result<OhlcColumns<N>, BarError> {
    for (column, values) in names.into_iter().zip([bars.open, bars.high, bars.low, bars.close]) {
        check_finite(column, values, runs)?;
    }
    let mut out = OhlcColumns::with_capacity(runs.len());
    for run in runs {
        let (first, last) = (bars.open.get(run.from), run.to.checked_sub(1).and_then(|last| bars.close.get(last)));
        let (high, low) = (N::greatest(values_of(bars.high, run)), N::least(values_of(bars.low, run)));
        // A run has at least one row, and all columns are as long as the stamps.
        if let (Some(open), Some(high), Some(low), Some(close)) = (first, high, low, last) {
            out.push(*open, high, low, *close);
        }
    }
    Ok(out)
}

/// Checks a whole column at once; only if something is wrong the runs one by one, for a row in no run is no matter.
fn check_finite<N: Number>(column: &'static str, values: &[N], runs: &[Run]) -> Result<(), BarError> {
    if N::extremes(values).is_some() {
        return Ok(());
    }
    let bad = runs.iter().find(|run| N::extremes(values_of(values, run)).is_none());
    bad.map_or(Ok(()), |run| Err(not_finite(column, values, run)))
}

pub(super) fn sums<N: Number>(column: &'static str, values: &[N], runs: &[Run]) -> Result<Vec<N>, BarError> {
    let sum_of = |run: &Run| N::sum(values_of(values, run)).ok_or_else(|| not_summable(column, values, run));
    runs.iter().map(sum_of).collect()
}

/// Why the values of a run have no sum: adds them again, one at a time.
fn not_summable<N: Number>(column: &'static str, values: &[N], run: &Run) -> BarError {
    let mut sum = N::ZERO;
    for (row, value) in (run.from..).zip(values_of(values, run)) {
        if !value.is_finite() {
            return BarError::NotFinite { column, row, value: value.to_float() };
        }
        if *value < N::ZERO {
            return BarError::Negative { column, row, value: value.to_float() };
        }
        match sum.add(*value).filter(|sum| sum.is_finite()) {
            Some(more) => sum = more,
            None => return BarError::Overflow { column, row },
        }
    }
    BarError::Overflow { column, row: run.from }
}

impl<N> OhlcColumns<N> {
    pub(super) fn with_capacity(bars: usize) -> Self {
        let column = || Vec::with_capacity(bars);
        Self { open: column(), high: column(), low: column(), close: column() }
    }

    pub(super) fn push(&mut self, open: N, high: N, low: N, close: N) {
        self.open.push(open);
        self.high.push(high);
        self.low.push(low);
        self.close.push(close);
    }
}
