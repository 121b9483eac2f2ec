//! Ticks or bars as columns: one call for all of them, with the GIL released.

use exuvia_market::bars::{BarError, Bars, Feed, Late, OhlcSlices, Plan, Prices, make_bars};
use pyo3::prelude::*;

use super::calendars::Calendar;
use super::rules::{self, Count, Offset, OriginArgument, Time};
use super::source::{Column, Numbers, Source, Values, schema_error};
use super::symbols::SymbolColumn;
use super::table::{self, ASK, BID, Cell, TRADE};
use super::{Every, Failure};
use crate::gate;

/// What is not a column: gaps, policy, threads.
struct Ways<'a> {
    gaps: &'a str,
    late: &'a str,
    threads: Option<usize>,
    of: Option<Every>,
}

/// Where a column of symbols comes from, and its name in the result.
fn by_column<'py>(
    by: Option<&Bound<'py, PyAny>>,
    source: Option<&Source<'py>>,
) -> PyResult<Option<(String, SymbolColumn<'py>)>> {
    let Some(by) = by else { return Ok(None) };
    let (name, column) = match (by.extract::<String>(), source) {
        (Ok(name), Some(source)) => {
            let column = source.need(&name)?;
            (name, column)
        }
        (Ok(name), None) => {
            return Err(schema_error(format!(
                "by={name:?} names a column, but ts is no table: pass the symbols themselves"
            )));
        }
        (Err(_), _) => ("symbol".to_owned(), Column::new("by", by)?),
    };
    let symbols = SymbolColumn::new(column, &name)?;
    Ok(Some((name, symbols)))
}

/// Makes the bars with the GIL released, and a table of them.
fn run<'py, N: Cell>(
    py: Python<'py>,
    feed: Feed<'_, N>,
    by: Option<(String, SymbolColumn<'_>)>,
    plan: &Plan<N>,
    prices: &[[&'static str; 4]],
) -> PyResult<Bound<'py, PyAny>> {
    let symbols = by.as_ref().map(|(_, symbols)| symbols);
    let names = symbols.map(SymbolColumn::names);
    let name = |id: u32| names.map_or_else(String::new, |names| names.of(id));
    let symbols = symbols.map(|symbols| symbols.symbols(&name));
    let feed = &Feed { symbols, ..feed };
    let mut bars: Bars<N> = gate::enter(py, || make_bars(feed, plan))?;
    let ids = bars.symbol.take();
    let column = by.as_ref().zip(ids).map(|((name, symbols), ids)| (name.clone(), symbols.column(&ids)));
    table::made(py, bars, prices, (column, plan.late != Late::Reject))
}

/// Bars of trades from columns of ticks.
///
/// Args:
///     ts: Sorted stamps: int64 UTC nanoseconds, datetime64, or an Arrow timestamp. Or, alone, a table or
///         dict with columns ts, price and perhaps size.
///     price: float64, or int64 at 1e-9 for fixed point.
///     size: Amounts of the same type; without them there is no volume.
///     every: Length of a bar: text such as "1m", "1d", "1w", "1mo", or nanoseconds, at least 1,000,000 (a bare 60 is
///         refused). Or one of the next three:
///     ticks: A bar ends with so many ticks.
///     volume: A bar ends with the tick that brings the sum of the sizes to this; whole ticks, nothing is carried over.
///     value: The same for the sum of price times size.
///     by: Symbols: the name of a column of the table, or a column (uint32, int32, int64, or Arrow text). Rows of
///         many symbols may be interleaved; the bars come in order of symbol and time.
///     closed: Which end of an interval belongs to it, "left" or "right", as in pandas.
///     label: Which end is the stamp, "left" or "right"; of bars of ticks, volume or value the first or the last tick.
///     origin: From where intervals are counted, over all symbols: "epoch", "start", "start_day" (pandas' default),
///         "end", "end_day", nanoseconds, or an instant such as "2026-02-03T14:30:00Z".
///     offset: Added to the origin: nanoseconds, or text such as "5h" or "-30m".
///     zone: IANA zone whose midnights, weeks and months count; "1d" is then a day of its calendar, of 23 to 25 hours.
///     calendar: A Calendar or its name: intervals start at each session's open and after its break, and "1d" is the
///         whole session. Rows outside sessions are left out; the table's metadata counts them (outside_session).
///     gaps: What stands for an interval without ticks between two bars: "skip" (no bar), "fill" (the close before,
///         no volume) or "null".
///     late: What becomes of a row that goes back in time: "reject" (an error), "into_current", "drop" or "revise"
///         (it goes where its time belongs); the table's metadata counts
///         those of earlier intervals (late), and those after a newer one of theirs (disordered).
///     threads: How many may work on many symbols; by the number of rows if left out. The bars do not depend on it.
///
/// Returns:
///     An arro3.core.Table: the symbol (with by), ts, open, high, low, close, volume (with sizes), ticks.
///
/// Raises:
///     BarError: A stamp out of order, NaN, columns of different lengths, a bad interval; names the row.
///     SchemaError: A column is missing or of another type.
///     CalendarError: The calendar or zone is unknown, or has no sessions at that time.
#[pyfunction]
#[pyo3(signature = (ts, price=None, size=None, *, every=None, ticks=None, volume=None, value=None, by=None,
    closed="left", label="left", origin=OriginArgument::default(), offset=Offset::default(), zone=None, calendar=None,
    gaps="skip", late="reject", threads=None),
    text_signature = "(ts, price=None, size=None, *, every=None, ticks=None, volume=None, value=None, by=None, closed='left', label='left', origin='epoch', offset=0, zone=None, calendar=None, gaps='skip', late='reject', threads=None)")]
#[allow(clippy::too_many_arguments)]
fn bars_from_ticks<'py>(
    ts: &Bound<'py, PyAny>,
    price: Option<&Bound<'py, PyAny>>,
    size: Option<&Bound<'py, PyAny>>,
    every: Option<Every>,
    ticks: Option<u64>,
    volume: Option<&Bound<'py, PyAny>>,
    value: Option<&Bound<'py, PyAny>>,
    by: Option<&Bound<'py, PyAny>>,
    closed: &str,
    label: &str,
    origin: OriginArgument,
    offset: Offset,
    zone: Option<&str>,
    calendar: Option<Calendar>,
    gaps: &str,
    late: &str,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let source = price.is_none().then(|| Source::new(ts)).transpose()?;
    let (stamps, price, size) = match (&source, price) {
        (Some(source), _) => (source.need("ts")?, source.need("price")?, source.get("size")?),
        (None, price) => {
            let price = price.map(|price| Column::new("price", price)).transpose()?;
            let price =
                price.ok_or_else(|| schema_error("pass ts and price, or one table that has them".to_owned()))?;
            (Column::new("ts", ts)?, price, size.map(|size| Column::new("size", size)).transpose()?)
        }
    };
    let (stamps, size) = (stamps.stamps("ts")?, size.map(|size| size.numbers("size")).transpose()?);
    let by = by_column(by, source.as_ref())?;
    let time = Time { every, closed, label, origin, offset, zone, calendar };
    let (count, ways) = (Count { ticks, volume, value }, Ways { gaps, late, threads, of: None });
    let py = ts.py();
    match price.numbers("price")? {
        Numbers::Floats(price) => trades(py, &stamps, &price, size, by, (time, count, ways)),
        Numbers::Fixed(price) => trades(py, &stamps, &price, size, by, (time, count, ways)),
    }
}

fn trades<'py, N: Cell>(
    py: Python<'py>,
    ts: &[i64],
    price: &[N],
    size: Option<Numbers<'_>>,
    by: Option<(String, SymbolColumn<'_>)>,
    (time, count, ways): (Time<'_>, Count<'_, '_>, Ways<'_>),
) -> PyResult<Bound<'py, PyAny>> {
    let size = size.map(|size| alike::<N>("size", size)).transpose()?;
    let volume = size.as_deref().map(|size| ("size", size));
    let plan = gate::guard(|| Ok(planned(rules::rule(time, count)?, &ways, ts.len())?))?;
    let feed = Feed { ts, prices: Prices::Ticks(vec![("price", price)]), volume, ticks: None, symbols: None };
    run(py, feed, by, &plan, &[TRADE])
}

fn planned<N: Cell>(
    rule: (exuvia_market::bars::Rule<N>, exuvia_market::bars::Side),
    ways: &Ways<'_>,
    rows: usize,
) -> Result<Plan<N>, Failure> {
    rules::plan(rule, ways.gaps, ways.late, ways.of.as_ref(), (ways.threads, rows))
}

/// Bars of bid and ask from columns of quotes.
///
/// Args:
///     ts: Sorted stamps, as in bars_from_ticks. Or, alone, a table or dict with columns ts, bid and ask.
///     bid: float64, or int64 at 1e-9 for fixed point.
///     ask: The same type as bid.
///     every: Length of a bar, as in bars_from_ticks.
///     ticks: Instead: a bar ends with so many quotes.
///     side: "both", or "bid", "ask" or "mid" for bars of one price. Half a unit of fixed point goes to the even one.
///     by: As in bars_from_ticks, and so are all that follow.
///     closed: Which end of an interval belongs to it.
///     label: Which end is the stamp.
///     origin: From where intervals are counted.
///     offset: Added to the origin.
///     zone: IANA zone whose midnights, weeks and months count.
///     calendar: A Calendar or its name.
///     gaps: What stands for an interval without quotes.
///     late: What becomes of a row that goes back in time.
///     threads: How many may work on many symbols.
///
/// Returns:
///     An arro3.core.Table: the symbol (with by), ts, bid_open … bid_close, ask_open … ask_close (or open … close of one
///     side), ticks.
///
/// Raises:
///     BarError: A stamp out of order, NaN, columns of different lengths, a bad interval; names the row.
///     SchemaError: A column is missing or of another type.
///     CalendarError: The calendar or zone is unknown, or has no sessions at that time.
#[pyfunction]
#[pyo3(signature = (ts, bid=None, ask=None, *, every=None, ticks=None, side="both", by=None, closed="left",
    label="left", origin=OriginArgument::default(), offset=Offset::default(), zone=None, calendar=None, gaps="skip",
    late="reject", threads=None),
    text_signature = "(ts, bid=None, ask=None, *, every=None, ticks=None, side='both', by=None, closed='left', label='left', origin='epoch', offset=0, zone=None, calendar=None, gaps='skip', late='reject', threads=None)")]
#[allow(clippy::too_many_arguments)]
fn quote_bars_from_ticks<'py>(
    ts: &Bound<'py, PyAny>,
    bid: Option<&Bound<'py, PyAny>>,
    ask: Option<&Bound<'py, PyAny>>,
    every: Option<Every>,
    ticks: Option<u64>,
    side: &str,
    by: Option<&Bound<'py, PyAny>>,
    closed: &str,
    label: &str,
    origin: OriginArgument,
    offset: Offset,
    zone: Option<&str>,
    calendar: Option<Calendar>,
    gaps: &str,
    late: &str,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let source = (bid.is_none() && ask.is_none()).then(|| Source::new(ts)).transpose()?;
    let (stamps, bid, ask) = match (&source, bid, ask) {
        (Some(source), ..) => (source.need("ts")?, source.need("bid")?, source.need("ask")?),
        (None, Some(bid), Some(ask)) => (Column::new("ts", ts)?, Column::new("bid", bid)?, Column::new("ask", ask)?),
        _ => return Err(schema_error("pass ts, bid and ask, or one table that has them".to_owned())),
    };
    let (stamps, ask) = (stamps.stamps("ts")?, ask.numbers("ask")?);
    let by = by_column(by, source.as_ref())?;
    let time = Time { every, closed, label, origin, offset, zone, calendar };
    let (count, ways) = (Count { ticks, ..Count::default() }, Ways { gaps, late, threads, of: None });
    let py = ts.py();
    match bid.numbers("bid")? {
        Numbers::Floats(bid) => quotes(py, &stamps, &bid, ask, (side, by), (time, count, ways)),
        Numbers::Fixed(bid) => quotes(py, &stamps, &bid, ask, (side, by), (time, count, ways)),
    }
}

fn quotes<'py, N: Cell>(
    py: Python<'py>,
    ts: &[i64],
    bid: &[N],
    ask: Numbers<'_>,
    (side, by): (&str, Option<(String, SymbolColumn<'_>)>),
    (time, count, ways): (Time<'_>, Count<'_, '_>, Ways<'_>),
) -> PyResult<Bound<'py, PyAny>> {
    let ask = alike::<N>("ask", ask)?;
    let ask: &[N] = &ask;
    let plan = gate::guard(|| Ok(planned(rules::rule(time, count)?, &ways, ts.len())?))?;
    let middle: Vec<N>;
    let (prices, names): (_, &[[&'static str; 4]]) = match side {
        "both" => (vec![("bid", bid), ("ask", ask)], &[BID, ASK]),
        "bid" => (vec![("bid", bid)], &[TRADE]),
        "ask" => (vec![("ask", ask)], &[TRADE]),
        "mid" => {
            middle = gate::enter(py, || mid(ts.len(), bid, ask))?;
            (vec![("mid", middle.as_slice())], &[TRADE])
        }
        other => {
            let text = format!("side={other:?} is unknown: use \"both\", \"bid\", \"ask\" or \"mid\"");
            return Err(Failure::text("BarError", text).into());
        }
    };
    let feed = Feed { ts, prices: Prices::Ticks(prices), volume: None, ticks: None, symbols: None };
    run(py, feed, by, &plan, names)
}

/// The middles of all quotes; a side that is no number is named as such.
fn mid<N: Cell>(rows: usize, bid: &[N], ask: &[N]) -> Result<Vec<N>, BarError> {
    for (column, values) in [("bid", bid), ("ask", ask)] {
        if values.len() != rows {
            return Err(BarError::Length { column, got: values.len(), want: rows });
        }
        if let Some((row, value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(BarError::NotFinite { column, row, value: value.to_float() });
        }
    }
    Ok(bid.iter().zip(ask).map(|(bid, ask)| bid.middle(*ask)).collect())
}

/// Longer bars from shorter ones.
///
/// Args:
///     bars: A table or dict of bars: ts and open, high, low, close (perhaps volume, ticks), or ts and
///         bid_open … ask_close (perhaps ticks), sorted by ts.
///     every: Length of a bar, as in bars_from_ticks.
///     calendar: A Calendar or its name: intervals start at each session's open and after its break, and "1d" is the
///         whole session. Rows outside sessions are left out; the table's metadata counts them (outside_session).
///     offset: Added to the origin: nanoseconds, or text such as "5h" or "-30m"; not with a calendar.
///     of: Length of the bars that come in, as `every`. If left out it is the smallest step between them, if at least
///         half of the steps (of fewer than eight: all) are that and the rest multiples of it; if not, or with
///         closed="right", where stamps are ends, nothing is checked.
///     by: The name of the column of symbols; the bars come in order of symbol and time.
///     closed: Which end of an interval belongs to it, as in bars_from_ticks, and so are all that follow.
///     label: Which end is the stamp.
///     origin: From where intervals are counted.
///     zone: IANA zone whose midnights, weeks and months count.
///     gaps: What stands for an interval without bars.
///     late: What becomes of a row that goes back in time.
///     threads: How many may work on many symbols.
///
/// Returns:
///     An arro3.core.Table with the columns that came in.
///
/// Raises:
///     BarError: As in bars_from_ticks; a bar that lies in two intervals: it cannot be split.
///     SchemaError: A column is missing or of another type.
///     CalendarError: The calendar is unknown, or has no sessions at that time.
#[pyfunction]
#[pyo3(signature = (bars, *, every, calendar=None, offset=Offset::default(), of=None, by=None, closed="left", label="left",
    origin=OriginArgument::default(), zone=None, gaps="skip", late="reject", threads=None),
    text_signature = "(bars, *, every, calendar=None, offset=0, of=None, by=None, closed='left', label='left', origin='epoch', zone=None, gaps='skip', late='reject', threads=None)")]
#[allow(clippy::too_many_arguments)]
fn resample<'py>(
    bars: &Bound<'py, PyAny>,
    every: Every,
    calendar: Option<Calendar>,
    offset: Offset,
    of: Option<Every>,
    by: Option<&Bound<'py, PyAny>>,
    closed: &str,
    label: &str,
    origin: OriginArgument,
    zone: Option<&str>,
    gaps: &str,
    late: &str,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = bars.py();
    let time = Time { every: Some(every), closed, label, origin, offset, zone, calendar };
    let source = Source::new(bars)?;
    let ts = source.need("ts")?.stamps("ts")?;
    let ticks = source.get("ticks")?.map(|ticks| ticks.integers("ticks")).transpose()?;
    let by = by_column(by, Some(&source))?;
    let shorter = Shorter { source: &source, ts: &ts, ticks: ticks.as_deref() };
    let ways = Ways { gaps, late, threads, of };
    if let Some(open) = source.get("bid_open")? {
        return match open.numbers("bid_open")? {
            Numbers::Floats(_) => shorter.quotes::<f64>(py, by, time, &ways),
            Numbers::Fixed(_) => shorter.quotes::<i64>(py, by, time, &ways),
        };
    }
    match source.need("open")?.numbers("open")? {
        Numbers::Floats(_) => shorter.trades::<f64>(py, by, time, &ways),
        Numbers::Fixed(_) => shorter.trades::<i64>(py, by, time, &ways),
    }
}

/// The bars that longer ones are made of.
struct Shorter<'a, 'py> {
    source: &'a Source<'py>,
    ts: &'a [i64],
    ticks: Option<&'a [i64]>,
}

impl<'py> Shorter<'_, 'py> {
    fn four<N: Cell>(&self, names: [&'static str; 4]) -> PyResult<[Values<'py, N>; 4]> {
        let column = |name: &str| alike::<N>(name, self.source.need(name)?.numbers(name)?);
        let [open, high, low, close] = names;
        Ok([column(open)?, column(high)?, column(low)?, column(close)?])
    }

    fn trades<N: Cell>(
        &self,
        py: Python<'py>,
        by: Option<(String, SymbolColumn<'_>)>,
        time: Time<'_>,
        ways: &Ways<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let price = self.four::<N>(TRADE)?;
        let volume = self.source.get("volume")?;
        let volume = volume.map(|volume| alike::<N>("volume", volume.numbers("volume")?)).transpose()?;
        let prices = Prices::Bars(vec![(TRADE, slices(&price))]);
        let volume = volume.as_deref().map(|volume| ("volume", volume));
        self.run(py, Feed { ts: self.ts, prices, volume, ticks: self.ticks, symbols: None }, by, time, ways, &[TRADE])
    }

    fn quotes<N: Cell>(
        &self,
        py: Python<'py>,
        by: Option<(String, SymbolColumn<'_>)>,
        time: Time<'_>,
        ways: &Ways<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (bid, ask) = (self.four::<N>(BID)?, self.four::<N>(ASK)?);
        let prices = Prices::Bars(vec![(BID, slices(&bid)), (ASK, slices(&ask))]);
        let feed = Feed { ts: self.ts, prices, volume: None, ticks: self.ticks, symbols: None };
        self.run(py, feed, by, time, ways, &[BID, ASK])
    }

    fn run<N: Cell>(
        &self,
        py: Python<'py>,
        feed: Feed<'_, N>,
        by: Option<(String, SymbolColumn<'_>)>,
        time: Time<'_>,
        ways: &Ways<'_>,
        names: &[[&'static str; 4]],
    ) -> PyResult<Bound<'py, PyAny>> {
        let plan = gate::guard(|| Ok(planned(rules::rule(time, Count::default())?, ways, self.ts.len())?))?;
        run(py, feed, by, &plan, names)
    }
}

fn slices<'a, N: Cell>([open, high, low, close]: &'a [Values<'_, N>; 4]) -> OhlcSlices<'a, N> {
    OhlcSlices { open, high, low, close }
}

/// The values of a column that must have the type of the first one.
pub fn alike<'py, N: Cell>(name: &str, numbers: Numbers<'py>) -> PyResult<Values<'py, N>> {
    N::pick(numbers).ok_or_else(|| {
        schema_error(format!("column '{name}' mixes float64 with int64 fixed point: convert all prices to one type"))
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(bars_from_ticks, module)?)?;
    module.add_function(wrap_pyfunction!(quote_bars_from_ticks, module)?)?;
    module.add_function(wrap_pyfunction!(resample, module)?)
}
