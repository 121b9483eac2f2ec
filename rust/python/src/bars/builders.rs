//! Streaming builders for many instruments: a call a tick, or a batch of rows.

use std::sync::Mutex;

use pyo3::PyTypeInfo;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyType};

use super::Every;
use super::calendars::Calendar;
use super::desk::{self, Batch, Instruments, Uics, Words, deliver, deliver_all, hold};
use super::records::{Bar, QuoteBar};
use super::rules::{Count, Offset, OriginArgument, Time};
use super::source::Column;
use super::table::{ASK, BID, TRADE};
use crate::gate;
use crate::integers;

/// How many closed bars of an instrument late ticks may still change.
const KEEP: usize = 64;

/// Makes bars of bid and ask from quotes, one at a time, for any number of instruments.
///
/// A quote of a later interval closes the open bar; intervals without quotes have no bar. May be used from several threads.
///
/// Prices are taken as they come, negative ones and a bid above the ask too: to leave such quotes out is the work of
/// `exuvia.quotes.QuoteBook`. Only NaN and infinity are refused.
///
/// The whole state goes into bytes and back (`to_bytes`, `from_bytes`, or a pickle): a builder that is resumed makes the
/// bars that one makes which never stopped.
///
/// Args:
///     every: Length of a bar: text such as "1m", "1d", "1w", "1mo", or nanoseconds, at least 1,000,000 (a bare 60 is
///         refused). Or `ticks`.
///     late: What becomes of a quote before the current interval (counted in `late`), or before a newer one of the current
///         interval (counted in `disordered`): "into_current" takes it as it comes, "drop", "reject", or "revise" (it
///         goes where its time belongs, and the bar of an earlier interval is returned again).
///     record: A class to make bars of, called with uic, ts, four bids, four asks (open, high, low, close) and
///         ticks; QuoteBar if left out.
///     offset: Added to the origin: nanoseconds, or text such as "5h".
///     closed: Which end of an interval belongs to it, "left" or "right", as in pandas.
///     label: Which end is the stamp.
///     origin: From where intervals are counted: "epoch", "start" or "start_day" of the first quote, or an instant.
///     zone: IANA zone whose midnights, weeks and months count.
///     calendar: A Calendar or its name: intervals within sessions; quotes outside are counted (`outside`) and left out.
///     gaps: What stands for an interval without quotes between two bars: "skip", "fill" or "null" (prices are NaN).
///         There may be several such bars at once: a push returns the oldest bar that waits.
///     keep: With late="revise", how many closed bars of an instrument may still change.
///     ticks: A bar ends with so many quotes.
///
/// Raises:
///     BarError: A bad interval or policy.
#[pyclass(frozen, weakref, module = "exuvia.bars", subclass)]
struct QuoteBarBuilder {
    instruments: Mutex<Instruments<2>>,
    record: Option<Py<PyAny>>,
}

#[pymethods]
impl QuoteBarBuilder {
    #[new]
    #[pyo3(signature = (every=None, late="into_current", record=None, *, offset=Offset::default(), closed="left",
        label="left", origin=OriginArgument::default(), zone=None, calendar=None, gaps="skip", keep=KEEP, ticks=None),
        text_signature = "(every=None, late='into_current', record=None, *, offset=0, closed='left', label='left', origin='epoch', zone=None, calendar=None, gaps='skip', keep=64, ticks=None)")]
    #[allow(clippy::too_many_arguments)]
    fn new(
        every: Option<Every>,
        late: &str,
        record: Option<Py<PyAny>>,
        offset: Offset,
        closed: &str,
        label: &str,
        origin: OriginArgument,
        zone: Option<&str>,
        calendar: Option<Calendar>,
        gaps: &str,
        keep: usize,
        ticks: Option<u64>,
    ) -> PyResult<Self> {
        let time = Time { every, closed, label, origin, offset, zone, calendar };
        let count = Count { ticks, ..Count::default() };
        Ok(Self { instruments: Instruments::new(time, count, &Words { late, gaps, keep })?, record })
    }

    /// Takes a quote; returns the bar that it closed, or None.
    ///
    /// What `record` raises passes through. The quote is taken then, and the bar waits: the next push or flush calls
    /// `record` with it again. While bars wait, a push returns the oldest of them.
    ///
    /// Args:
    ///     uic: Number of the instrument.
    ///     ts: UTC nanoseconds.
    ///     bid: Best price to sell at.
    ///     ask: Best price to buy at.
    ///
    /// Raises:
    ///     BarError: NaN or infinity, or a late or disordered quote where the policy is "reject"; the open bar stays as it was.
    fn push<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = integers::uic)] uic: i64,
        #[pyo3(from_py_with = integers::ts)] ts: i64,
        bid: f64,
        ask: f64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let next = gate::stay(|| hold(py, &self.instruments).push(uic, ts, [bid, ask], 0.0))?;
        deliver(py, &self.instruments, next, |(uic, candle)| {
            QuoteBar::streamed(*uic, candle).build(py, self.record.as_ref().map(|record| record.bind(py)))
        })
    }

    /// Takes a quote object with attributes uic, ts, bid and ask; returns the bar that it closed, or None.
    ///
    /// Raises:
    ///     BarError: As push.
    fn push_quote<'py>(&self, quote: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = quote.py();
        let uic = integers::uic(&quote.getattr(intern!(py, "uic"))?)?;
        let ts = integers::ts(&quote.getattr(intern!(py, "ts"))?)?;
        let bid = quote.getattr(intern!(py, "bid"))?.extract()?;
        let ask = quote.getattr(intern!(py, "ask"))?.extract()?;
        self.push(py, uic, ts, bid, ask)
    }

    /// Takes a batch of quotes, rows of many instruments interleaved, in one call without the GIL.
    ///
    /// Args:
    ///     uic: Number of the instrument, one for all rows or a column (int64, int32 or uint32).
    ///     ts: A column of stamps, as in bars_from_ticks.
    ///     bid: A column of float64.
    ///     ask: The same.
    ///
    /// Returns:
    ///     An arro3.core.Table of the bars that were closed, in the order of their closing: uic, ts, bid_open … ask_close,
    ///     ticks, and with late="revise" whether a bar was returned before (revised).
    ///
    /// Raises:
    ///     BarError: As push, with the row: those before it were taken, and the bars that they closed come with the next call.
    fn push_columns<'py>(
        &self,
        py: Python<'py>,
        uic: &Bound<'py, PyAny>,
        ts: &Bound<'py, PyAny>,
        bid: &Bound<'py, PyAny>,
        ask: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (uics, ts) = (Uics::new(uic)?, Column::new("ts", ts)?.stamps("ts")?);
        let (bid, ask) = (desk::floats("bid", bid)?, desk::floats("ask", ask)?);
        let batch = Batch { uics: &uics, ts: &ts, names: ["bid", "ask"], prices: [&bid, &ask], sizes: None };
        desk::push_columns(py, &self.instruments, &batch, &[BID, ASK])
    }

    /// Closes all open bars and returns them in order of uic, after those that wait from before.
    ///
    /// If `record` raises, none of them is lost: the next flush returns them all.
    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let record = self.record.as_ref().map(|record| record.bind(py));
        deliver_all(py, &self.instruments, |(uic, candle)| QuoteBar::streamed(*uic, candle).build(py, record))
    }

    /// As flush, as a table.
    fn flush_columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        desk::flush_columns(py, &self.instruments, &[BID, ASK])
    }

    /// How many quotes came after their interval had ended, of all instruments, whatever became of them.
    #[getter]
    fn late(&self, py: Python<'_>) -> u64 {
        hold(py, &self.instruments).tally().late
    }

    /// How many quotes came after a newer one of the same interval, of all instruments, whatever became of them.
    #[getter]
    fn disordered(&self, py: Python<'_>) -> u64 {
        hold(py, &self.instruments).tally().disordered
    }

    /// How many quotes of both kinds went into no bar: by policy, or because their bar is no longer kept.
    #[getter]
    fn dropped(&self, py: Python<'_>) -> u64 {
        hold(py, &self.instruments).tally().dropped
    }

    /// How many late quotes changed a closed bar, or made one.
    #[getter]
    fn revised(&self, py: Python<'_>) -> u64 {
        hold(py, &self.instruments).tally().revised
    }

    /// How many quotes lay outside of all sessions.
    #[getter]
    fn outside(&self, py: Python<'_>) -> u64 {
        hold(py, &self.instruments).tally().outside
    }

    /// The whole state: settings, open bars, counts, and bars that wait. It has a format version and a checksum.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &hold(py, &self.instruments).save())
    }

    /// A builder with the state that to_bytes returned.
    ///
    /// Args:
    ///     state: The bytes.
    ///     record: As in the constructor; it is not part of the bytes.
    ///
    /// Raises:
    ///     BarError: The bytes are none of this builder, of a newer format, or were cut or changed.
    #[classmethod]
    #[pyo3(signature = (state, record=None))]
    fn from_bytes<'py>(
        cls: &Bound<'py, PyType>,
        state: &[u8],
        record: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = blank::<Self>(cls, record)?;
        let builder = made.cast::<Self>()?;
        gate::stay(|| hold(cls.py(), &builder.get().instruments).resume(state))?;
        Ok(made)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        reduced(slf.as_any(), slf.get().to_bytes(py), slf.get().record.as_ref())
    }
}

/// Makes bars of price and volume from trades, one at a time, for any number of instruments.
///
/// As QuoteBarBuilder, with price and size for bid and ask; a negative size is refused.
///
/// Args:
///     every: Length of a bar: text such as "1m", "1d", "1w", "1mo", or nanoseconds, at least 1,000,000 (a bare 60 is
///         refused). Or one of `ticks`, `volume` and `value`.
///     late: What becomes of a trade before the current interval (counted in `late`), or before a newer one of the current
///         interval (counted in `disordered`): "into_current" takes it as it comes, "drop", "reject", or "revise" (it
///         goes where its time belongs, and the bar of an earlier interval is returned again).
///     record: A class to make bars of, called with uic, ts, open, high, low, close, volume and ticks; Bar if left out.
///     offset: Added to the origin: nanoseconds, or text such as "5h".
///     closed: Which end of an interval belongs to it, "left" or "right", as in pandas.
///     label: Which end is the stamp; of bars of ticks, volume or value the first or the last trade.
///     origin: From where intervals are counted: "epoch", "start" or "start_day" of the first trade, or an instant.
///     zone: IANA zone whose midnights, weeks and months count.
///     calendar: A Calendar or its name: intervals within sessions; trades outside are counted (`outside`) and left out.
///     gaps: What stands for an interval without trades between two bars: "skip", "fill" or "null" (prices are NaN).
///         There may be several such bars at once: a push returns the oldest bar that waits.
///     keep: With late="revise", how many closed bars of an instrument may still change.
///     ticks: A bar ends with so many trades.
///     volume: A bar ends with the trade that brings the sum of the sizes to this; whole trades, nothing is carried over.
///     value: The same for the sum of price times size.
///
/// Raises:
///     BarError: A bad interval or policy.
#[pyclass(frozen, weakref, module = "exuvia.bars", subclass)]
struct TradeBarBuilder {
    instruments: Mutex<Instruments<1>>,
    record: Option<Py<PyAny>>,
}

#[pymethods]
impl TradeBarBuilder {
    #[new]
    #[pyo3(signature = (every=None, late="into_current", record=None, *, offset=Offset::default(), closed="left",
        label="left", origin=OriginArgument::default(), zone=None, calendar=None, gaps="skip", keep=KEEP, ticks=None,
        volume=None, value=None),
        text_signature = "(every=None, late='into_current', record=None, *, offset=0, closed='left', label='left', origin='epoch', zone=None, calendar=None, gaps='skip', keep=64, ticks=None, volume=None, value=None)")]
    #[allow(clippy::too_many_arguments)]
    fn new(
        every: Option<Every>,
        late: &str,
        record: Option<Py<PyAny>>,
        offset: Offset,
        closed: &str,
        label: &str,
        origin: OriginArgument,
        zone: Option<&str>,
        calendar: Option<Calendar>,
        gaps: &str,
        keep: usize,
        ticks: Option<u64>,
        volume: Option<&Bound<'_, PyAny>>,
        value: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let time = Time { every, closed, label, origin, offset, zone, calendar };
        let count = Count { ticks, volume, value };
        Ok(Self { instruments: Instruments::new(time, count, &Words { late, gaps, keep })?, record })
    }

    /// Takes a trade; returns the bar that it closed, or None.
    ///
    /// What `record` raises passes through. The trade is taken then, and the bar waits: the next push or flush calls
    /// `record` with it again. While bars wait, a push returns the oldest of them.
    ///
    /// Args:
    ///     uic: Number of the instrument.
    ///     ts: UTC nanoseconds.
    ///     price: At what price.
    ///     size: How much; not negative.
    ///
    /// Raises:
    ///     BarError: NaN, infinity or a negative size, or a late or disordered trade where the policy is "reject".
    #[pyo3(signature = (uic, ts, price, size=0.0))]
    fn push<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = integers::uic)] uic: i64,
        #[pyo3(from_py_with = integers::ts)] ts: i64,
        price: f64,
        size: f64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let next = gate::stay(|| hold(py, &self.instruments).push(uic, ts, [price], size))?;
        deliver(py, &self.instruments, next, |(uic, candle)| {
            Bar::streamed(*uic, candle).build(py, self.record.as_ref().map(|record| record.bind(py)))
        })
    }

    /// Takes a batch of trades, rows of many instruments interleaved, in one call without the GIL.
    ///
    /// Args:
    ///     uic: Number of the instrument, one for all rows or a column (int64, int32 or uint32).
    ///     ts: A column of stamps, as in bars_from_ticks.
    ///     price: A column of float64.
    ///     size: The same, or None.
    ///
    /// Returns:
    ///     An arro3.core.Table of the bars that were closed, in the order of their closing: uic, ts, open, high, low,
    ///     close, volume, ticks, and with late="revise" whether a bar was returned before (revised).
    ///
    /// Raises:
    ///     BarError: As push, with the row: those before it were taken, and the bars that they closed come with the next call.
    #[pyo3(signature = (uic, ts, price, size=None))]
    fn push_columns<'py>(
        &self,
        py: Python<'py>,
        uic: &Bound<'py, PyAny>,
        ts: &Bound<'py, PyAny>,
        price: &Bound<'py, PyAny>,
        size: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (uics, ts) = (Uics::new(uic)?, Column::new("ts", ts)?.stamps("ts")?);
        let (price, size) = (desk::floats("price", price)?, size.map(|size| desk::floats("size", size)).transpose()?);
        let batch = Batch { uics: &uics, ts: &ts, names: ["price"], prices: [&price], sizes: size.as_deref() };
        desk::push_columns(py, &self.instruments, &batch, &[TRADE])
    }

    /// Closes all open bars and returns them in order of uic, after those that wait from before.
    ///
    /// If `record` raises, none of them is lost: the next flush returns them all.
    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let record = self.record.as_ref().map(|record| record.bind(py));
        deliver_all(py, &self.instruments, |(uic, candle)| Bar::streamed(*uic, candle).build(py, record))
    }

    /// As flush, as a table.
    fn flush_columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        desk::flush_columns(py, &self.instruments, &[TRADE])
    }

    /// How many trades came after their interval had ended, of all instruments, whatever became of them.
    #[getter]
    fn late(&self, py: Python<'_>) -> u64 {
        hold(py, &self.instruments).tally().late
    }

    /// How many trades came after a newer one of the same interval, of all instruments, whatever became of them.
    #[getter]
    fn disordered(&self, py: Python<'_>) -> u64 {
        hold(py, &self.instruments).tally().disordered
    }

    /// How many trades of both kinds went into no bar: by policy, or because their bar is no longer kept.
    #[getter]
    fn dropped(&self, py: Python<'_>) -> u64 {
        hold(py, &self.instruments).tally().dropped
    }

    /// How many late trades changed a closed bar, or made one.
    #[getter]
    fn revised(&self, py: Python<'_>) -> u64 {
        hold(py, &self.instruments).tally().revised
    }

    /// How many trades lay outside of all sessions.
    #[getter]
    fn outside(&self, py: Python<'_>) -> u64 {
        hold(py, &self.instruments).tally().outside
    }

    /// The whole state: settings, open bars, counts, and bars that wait. It has a format version and a checksum.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &hold(py, &self.instruments).save())
    }

    /// A builder with the state that to_bytes returned.
    ///
    /// Args:
    ///     state: The bytes.
    ///     record: As in the constructor; it is not part of the bytes.
    ///
    /// Raises:
    ///     BarError: The bytes are none of this builder, of a newer format, or were cut or changed.
    #[classmethod]
    #[pyo3(signature = (state, record=None))]
    fn from_bytes<'py>(
        cls: &Bound<'py, PyType>,
        state: &[u8],
        record: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = blank::<Self>(cls, record)?;
        let builder = made.cast::<Self>()?;
        gate::stay(|| hold(cls.py(), &builder.get().instruments).resume(state))?;
        Ok(made)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        reduced(slf.as_any(), slf.get().to_bytes(py), slf.get().record.as_ref())
    }
}

/// An object of a builder's class, or of a subclass whose own `__new__` and `__init__` are not called.
fn blank<'py, T: PyTypeInfo>(
    cls: &Bound<'py, PyType>,
    record: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = cls.py();
    let named = PyDict::new(py);
    named.set_item(intern!(py, "record"), record)?;
    py.get_type::<T>().getattr(intern!(py, "__new__"))?.call((cls, "1d"), Some(&named))
}

/// What pickle needs: `from_bytes` of the object's class, its arguments, and attributes that a subclass has added.
fn reduced<'py>(
    object: &Bound<'py, PyAny>,
    state: Bound<'py, PyBytes>,
    record: Option<&Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let make = object.get_type().getattr(intern!(py, "from_bytes"))?;
    let added = object.getattr_opt(intern!(py, "__dict__"))?;
    Ok((make, (state, record), added).into_pyobject(py)?.into_any())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<QuoteBarBuilder>()?;
    module.add_class::<TradeBarBuilder>()
}
