//! The value types of `exuvia.bars`: frozen, comparable, hashable, picklable.

use exuvia_market::bars::Candle;
use exuvia_model::{self as model, Ohlc};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::integers;

/// A bar of bid and ask; `ts` is the start of its interval in UTC nanoseconds.
#[pyclass(frozen, eq, get_all, module = "exuvia.bars")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuoteBar {
    /// Number of the instrument.
    pub uic: i64,
    /// Start of the interval, UTC nanoseconds.
    pub ts: i64,
    /// First bid.
    pub bid_open: f64,
    /// Greatest bid.
    pub bid_high: f64,
    /// Least bid.
    pub bid_low: f64,
    /// Last bid.
    pub bid_close: f64,
    /// First ask.
    pub ask_open: f64,
    /// Greatest ask.
    pub ask_high: f64,
    /// Least ask.
    pub ask_low: f64,
    /// Last ask.
    pub ask_close: f64,
    /// Quotes in it.
    pub ticks: i64,
}

/// The fields of a quote bar in order, as a record class takes them.
pub type QuoteFields = (i64, i64, f64, f64, f64, f64, f64, f64, f64, f64, i64);

#[rustfmt::skip]
const QUOTE_NAMES: [&str; 11] = [
    "uic", "ts", "bid_open", "bid_high", "bid_low", "bid_close",
    "ask_open", "ask_high", "ask_low", "ask_close", "ticks",
];

impl QuoteBar {
    /// The bar of an instrument.
    pub fn of(uic: i64, bar: &model::QuoteBar<f64>) -> Self {
        let (bid, ask) = (bar.bid, bar.ask);
        Self {
            uic,
            ts: bar.start.0,
            bid_open: bid.open,
            bid_high: bid.high,
            bid_low: bid.low,
            bid_close: bid.close,
            ask_open: ask.open,
            ask_high: ask.high,
            ask_low: ask.low,
            ask_close: ask.close,
            ticks: i64::try_from(bar.ticks).unwrap_or(i64::MAX),
        }
    }

    /// The bar that a stream made; without prices they are NaN.
    pub fn streamed(uic: i64, candle: &Candle<f64, 2>) -> Self {
        let mut bar: model::QuoteBar<f64> = (*candle).into();
        if candle.empty {
            (bar.bid, bar.ask) = (Ohlc::new(f64::NAN), Ohlc::new(f64::NAN));
        }
        Self::of(uic, &bar)
    }

    /// Its fields in order.
    #[rustfmt::skip]
    pub const fn fields(&self) -> QuoteFields {
        (
            self.uic, self.ts, self.bid_open, self.bid_high, self.bid_low, self.bid_close,
            self.ask_open, self.ask_high, self.ask_low, self.ask_close, self.ticks,
        )
    }

    /// The bar as the caller's class, called with the fields in order; as itself without one.
    pub fn build<'py>(self, py: Python<'py>, record: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        match record {
            Some(record) => record.call1(self.fields()),
            None => Ok(Bound::new(py, self)?.into_any()),
        }
    }
}

#[pymethods]
impl QuoteBar {
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        #[pyo3(from_py_with = integers::uic)] uic: i64,
        #[pyo3(from_py_with = integers::ts)] ts: i64,
        bid_open: f64,
        bid_high: f64,
        bid_low: f64,
        bid_close: f64,
        ask_open: f64,
        ask_high: f64,
        ask_low: f64,
        ask_close: f64,
        #[pyo3(from_py_with = integers::ticks)] ticks: i64,
    ) -> Self {
        Self { uic, ts, bid_open, bid_high, bid_low, bid_close, ask_open, ask_high, ask_low, ask_close, ticks }
    }

    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, QUOTE_NAMES)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        repr("QuoteBar", &QUOTE_NAMES, self.fields().into_pyobject(py)?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.fields().into_pyobject(py)?.hash()
    }

    fn __getnewargs__(&self) -> QuoteFields {
        self.fields()
    }
}

/// A bar of trades; `ts` is the start of its interval in UTC nanoseconds.
#[pyclass(frozen, eq, get_all, module = "exuvia.bars")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Number of the instrument.
    pub uic: i64,
    /// Start of the interval, UTC nanoseconds.
    pub ts: i64,
    /// First price.
    pub open: f64,
    /// Greatest price.
    pub high: f64,
    /// Least price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Sum of the sizes.
    pub volume: f64,
    /// Trades in it.
    pub ticks: i64,
}

type TradeFields = (i64, i64, f64, f64, f64, f64, f64, i64);

const TRADE_NAMES: [&str; 8] = ["uic", "ts", "open", "high", "low", "close", "volume", "ticks"];

impl Bar {
    /// The bar of an instrument.
    pub fn of(uic: i64, bar: &model::Bar<f64>) -> Self {
        let Ohlc { open, high, low, close } = bar.ohlc;
        let ticks = i64::try_from(bar.ticks).unwrap_or(i64::MAX);
        Self { uic, ts: bar.start.0, open, high, low, close, volume: bar.volume, ticks }
    }

    /// The bar that a stream made; without prices they are NaN.
    pub fn streamed(uic: i64, candle: &Candle<f64, 1>) -> Self {
        let mut bar: model::Bar<f64> = (*candle).into();
        if candle.empty {
            bar.ohlc = Ohlc::new(f64::NAN);
        }
        Self::of(uic, &bar)
    }

    /// The bar as the caller's class, called with the fields in order; as itself without one.
    pub fn build<'py>(self, py: Python<'py>, record: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        match record {
            Some(record) => record.call1(self.__getnewargs__()),
            None => Ok(Bound::new(py, self)?.into_any()),
        }
    }
}

#[pymethods]
impl Bar {
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        #[pyo3(from_py_with = integers::uic)] uic: i64,
        #[pyo3(from_py_with = integers::ts)] ts: i64,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
        volume: f64,
        #[pyo3(from_py_with = integers::ticks)] ticks: i64,
    ) -> Self {
        Self { uic, ts, open, high, low, close, volume, ticks }
    }

    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, TRADE_NAMES)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        repr("Bar", &TRADE_NAMES, self.__getnewargs__().into_pyobject(py)?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.__getnewargs__().into_pyobject(py)?.hash()
    }

    const fn __getnewargs__(&self) -> TradeFields {
        (self.uic, self.ts, self.open, self.high, self.low, self.close, self.volume, self.ticks)
    }
}

/// As a dataclass prints itself, with Python's own text of each number.
fn repr(class: &str, names: &[&str], fields: Bound<'_, PyTuple>) -> PyResult<String> {
    let texts: Vec<String> = names
        .iter()
        .zip(fields)
        .map(|(name, value)| Ok(format!("{name}={}", value.repr()?)))
        .collect::<PyResult<_>>()?;
    Ok(format!("{class}({})", texts.join(", ")))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<QuoteBar>()?;
    module.add_class::<Bar>()
}
