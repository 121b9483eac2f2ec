//! Ticks or bars as columns: one call for all of them, with the GIL released.

use exuvia_market::bars::{
    Fixed, Grid, Interval, OhlcSlices, check_whole, quote_bars, resample_quotes, resample_trades, trade_bars,
};
use exuvia_market::sessions::SessionGrid;
use pyo3::prelude::*;

use super::calendars::Calendar;
use super::source::{Column, Numbers, Source, Values, schema_error};
use super::table::{self, Cell};
use super::{Every, Failure};
use crate::{gate, integers};

/// Bars of trades from columns of ticks.
///
/// Args:
///     ts: Sorted stamps: int64 UTC nanoseconds, datetime64, or an Arrow timestamp. Or, alone, a table or
///         dict with columns ts, price and perhaps size.
///     price: float64, or int64 at 1e-9 for fixed point.
///     size: Amounts of the same type; without them there is no volume.
///     every: Length of a bar: text such as "1m", or nanoseconds, at least 1,000,000 (a bare 60 is refused).
///     offset: Nanoseconds by which the intervals are shifted from 1970-01-01 UTC.
///
/// Returns:
///     An arro3.core.Table: ts, open, high, low, close, volume (with sizes), ticks.
///
/// Raises:
///     BarError: A stamp out of order, NaN, columns of different lengths, a bad interval; names the row.
///     SchemaError: A column is missing or of another type.
#[pyfunction]
#[pyo3(signature = (ts, price=None, size=None, *, every, offset=0))]
fn bars_from_ticks<'py>(
    ts: &Bound<'py, PyAny>,
    price: Option<&Bound<'py, PyAny>>,
    size: Option<&Bound<'py, PyAny>>,
    every: Every,
    #[pyo3(from_py_with = integers::offset)] offset: i64,
) -> PyResult<Bound<'py, PyAny>> {
    let (stamps, price, size) = match price {
        Some(price) => {
            let size = size.map(|size| Column::new("size", size)).transpose()?;
            (Column::new("ts", ts)?, Column::new("price", price)?, size)
        }
        None => {
            let source = Source::new(ts)?;
            (source.need("ts")?, source.need("price")?, source.get("size")?)
        }
    };
    let (stamps, size) = (stamps.stamps("ts")?, size.map(|size| size.numbers("size")).transpose()?);
    let grid = Fixed::new(gate::stay(|| every.interval())?, offset);
    match price.numbers("price")? {
        Numbers::Floats(price) => trades_from_ticks(ts.py(), &stamps, &price, size, grid),
        Numbers::Fixed(price) => trades_from_ticks(ts.py(), &stamps, &price, size, grid),
    }
}

fn trades_from_ticks<'py, N: Cell>(
    py: Python<'py>,
    ts: &[i64],
    price: &[N],
    size: Option<Numbers<'_>>,
    mut grid: Fixed,
) -> PyResult<Bound<'py, PyAny>> {
    let size = size.map(|size| alike::<N>("size", size)).transpose()?;
    let size = size.as_deref();
    let bars = gate::enter(py, || trade_bars(ts, price, size, &mut grid))?;
    table::trades(py, bars)
}

/// Bars of bid and ask from columns of quotes.
///
/// Args:
///     ts: Sorted stamps, as in bars_from_ticks. Or, alone, a table or dict with columns ts, bid and ask.
///     bid: float64, or int64 at 1e-9 for fixed point.
///     ask: The same type as bid.
///     every: Length of a bar: text such as "1m", or nanoseconds, at least 1,000,000 (a bare 60 is refused).
///     offset: Nanoseconds by which the intervals are shifted from 1970-01-01 UTC.
///
/// Returns:
///     An arro3.core.Table: ts, bid_open … bid_close, ask_open … ask_close, ticks.
///
/// Raises:
///     BarError: A stamp out of order, NaN, columns of different lengths, a bad interval; names the row.
///     SchemaError: A column is missing or of another type.
#[pyfunction]
#[pyo3(signature = (ts, bid=None, ask=None, *, every, offset=0))]
fn quote_bars_from_ticks<'py>(
    ts: &Bound<'py, PyAny>,
    bid: Option<&Bound<'py, PyAny>>,
    ask: Option<&Bound<'py, PyAny>>,
    every: Every,
    #[pyo3(from_py_with = integers::offset)] offset: i64,
) -> PyResult<Bound<'py, PyAny>> {
    let (stamps, bid, ask) = match (bid, ask) {
        (Some(bid), Some(ask)) => (Column::new("ts", ts)?, Column::new("bid", bid)?, Column::new("ask", ask)?),
        (None, None) => {
            let source = Source::new(ts)?;
            (source.need("ts")?, source.need("bid")?, source.need("ask")?)
        }
        _ => return Err(schema_error("pass ts, bid and ask, or one table that has them".to_owned())),
    };
    let (stamps, ask) = (stamps.stamps("ts")?, ask.numbers("ask")?);
    let grid = Fixed::new(gate::stay(|| every.interval())?, offset);
    match bid.numbers("bid")? {
        Numbers::Floats(bid) => quotes_from_ticks(ts.py(), &stamps, &bid, ask, grid),
        Numbers::Fixed(bid) => quotes_from_ticks(ts.py(), &stamps, &bid, ask, grid),
    }
}

fn quotes_from_ticks<'py, N: Cell>(
    py: Python<'py>,
    ts: &[i64],
    bid: &[N],
    ask: Numbers<'_>,
    mut grid: Fixed,
) -> PyResult<Bound<'py, PyAny>> {
    let ask = alike::<N>("ask", ask)?;
    let ask: &[N] = &ask;
    let bars = gate::enter(py, || quote_bars(ts, bid, ask, &mut grid))?;
    table::quotes(py, bars)
}

/// Longer bars from shorter ones.
///
/// Args:
///     bars: A table or dict of bars: ts and open, high, low, close (perhaps volume, ticks), or ts and
///         bid_open … ask_close (perhaps ticks), sorted by ts.
///     every: Length of a bar: text such as "5m", or nanoseconds, at least 1,000,000 (a bare 60 is refused).
///     calendar: A Calendar or its name: intervals start at each session's open, and "1d" is the whole
///         session. Rows outside sessions are left out; the table's metadata counts them (outside_session).
///     offset: Nanoseconds by which the intervals are shifted from 1970-01-01 UTC; not with a calendar.
///     of: Length of the bars that come in, as `every`. If left out it is the smallest step between them, if at least
///         half of the steps (of fewer than eight: all) are that and the rest multiples of it; if not, nothing is checked.
///
/// Returns:
///     An arro3.core.Table with the columns that came in.
///
/// Raises:
///     BarError: As in bars_from_ticks; a bar that lies in two intervals: it cannot be split.
///     SchemaError: A column is missing or of another type.
///     CalendarError: The calendar is unknown, or has no sessions at that time.
#[pyfunction]
#[pyo3(signature = (bars, *, every, calendar=None, offset=0, of=None))]
fn resample<'py>(
    bars: &Bound<'py, PyAny>,
    every: Every,
    calendar: Option<Calendar>,
    #[pyo3(from_py_with = integers::offset)] offset: i64,
    of: Option<Every>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = bars.py();
    let of = gate::stay(|| of.map(|of| of.interval()).transpose())?;
    let mut grid = gate::stay(|| grid(every.interval()?, calendar, offset))?;
    let source = Source::new(bars)?;
    let ts = source.need("ts")?.stamps("ts")?;
    let stamps: &[i64] = &ts;
    gate::enter(py, || check_whole(stamps, of, &mut grid))?;
    let ticks = source.get("ticks")?.map(|ticks| ticks.integers("ticks")).transpose()?;
    let ticks = ticks.as_deref();
    if let Some(open) = source.get("bid_open")? {
        return match open.numbers("bid_open")? {
            Numbers::Floats(open) => longer_quotes(py, &source, &ts, &open, ticks, grid),
            Numbers::Fixed(open) => longer_quotes(py, &source, &ts, &open, ticks, grid),
        };
    }
    match source.need("open")?.numbers("open")? {
        Numbers::Floats(open) => longer_trades(py, &source, &ts, &open, ticks, grid),
        Numbers::Fixed(open) => longer_trades(py, &source, &ts, &open, ticks, grid),
    }
}

fn longer_trades<'py, N: Cell>(
    py: Python<'py>,
    source: &Source<'_>,
    ts: &[i64],
    open: &[N],
    ticks: Option<&[i64]>,
    mut grid: Box<dyn Grid + Send>,
) -> PyResult<Bound<'py, PyAny>> {
    let column = |name: &'static str| alike::<N>(name, source.need(name)?.numbers(name)?);
    let (high, low, close) = (column("high")?, column("low")?, column("close")?);
    let volume = source.get("volume")?.map(|volume| alike::<N>("volume", volume.numbers("volume")?)).transpose()?;
    let (price, volume) = (OhlcSlices { open, high: &high, low: &low, close: &close }, volume.as_deref());
    let bars = gate::enter(py, || resample_trades(ts, price, volume, ticks, &mut grid))?;
    table::trades(py, bars)
}

fn longer_quotes<'py, N: Cell>(
    py: Python<'py>,
    source: &Source<'_>,
    ts: &[i64],
    bid_open: &[N],
    ticks: Option<&[i64]>,
    mut grid: Box<dyn Grid + Send>,
) -> PyResult<Bound<'py, PyAny>> {
    let column = |name: &'static str| alike::<N>(name, source.need(name)?.numbers(name)?);
    let (bid_high, bid_low, bid_close) = (column("bid_high")?, column("bid_low")?, column("bid_close")?);
    let (ask_open, ask_high) = (column("ask_open")?, column("ask_high")?);
    let (ask_low, ask_close) = (column("ask_low")?, column("ask_close")?);
    let bid = OhlcSlices { open: bid_open, high: &bid_high, low: &bid_low, close: &bid_close };
    let ask = OhlcSlices { open: &ask_open, high: &ask_high, low: &ask_low, close: &ask_close };
    let bars = gate::enter(py, || resample_quotes(ts, bid, ask, ticks, &mut grid))?;
    table::quotes(py, bars)
}

fn grid(every: Interval, calendar: Option<Calendar>, offset: i64) -> Result<Box<dyn Grid + Send>, Failure> {
    match calendar {
        None => Ok(Box::new(Fixed::new(every, offset))),
        Some(_) if offset != 0 => {
            Err(Failure::text("BarError", format!("offset={offset} with a calendar: sessions say where bars start")))
        }
        Some(calendar) => Ok(Box::new(SessionGrid::new(calendar.resolve()?, every)?)),
    }
}

/// The values of a column that must have the type of the first one.
fn alike<'py, N: Cell>(name: &str, numbers: Numbers<'py>) -> PyResult<Values<'py, N>> {
    N::pick(numbers).ok_or_else(|| {
        schema_error(format!("column '{name}' mixes float64 with int64 fixed point: convert all prices to one type"))
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(bars_from_ticks, module)?)?;
    module.add_function(wrap_pyfunction!(quote_bars_from_ticks, module)?)?;
    module.add_function(wrap_pyfunction!(resample, module)?)
}
