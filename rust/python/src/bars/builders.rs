//! Streaming builders for many instruments: a call a tick.

use exuvia_market::bars::{self as market, BarError, Interval, Late};
use exuvia_model::Time;
use pyo3::intern;
use pyo3::prelude::*;

use super::records::{Bar, QuoteBar};
use super::{Every, policy};
use crate::gate;

/// One builder for each instrument, in order of its number; the last one used is found first.
struct Instruments<B> {
    builders: Vec<(i64, B)>,
    last: usize,
    every: Interval,
    offset: i64,
    late: Late,
}

impl<B> Instruments<B> {
    fn new(every: &Every, offset: i64, late: &str) -> Result<Self, BarError> {
        Ok(Self { builders: Vec::new(), last: 0, every: every.interval()?, offset, late: policy(late)? })
    }

    fn get(&mut self, uic: i64, make: impl FnOnce(Interval, i64, Late) -> B) -> Option<&mut B> {
        if self.builders.get(self.last).is_none_or(|(known, _)| *known != uic) {
            self.last = self.builders.binary_search_by_key(&uic, |(known, _)| *known).unwrap_or_else(|at| {
                self.builders.insert(at, (uic, make(self.every, self.offset, self.late)));
                at
            });
        }
        self.builders.get_mut(self.last).map(|(_, builder)| builder)
    }
}

/// Makes bars of bid and ask from quotes, one at a time, for any number of instruments.
///
/// A quote of a later interval closes the open bar; intervals without quotes have no bar.
///
/// Args:
///     every: Length of a bar: nanoseconds, or text such as "1m".
///     late: What becomes of a quote before the current interval: "into_current", "drop" or "reject".
///     record: A class to make bars of, called with uic, ts, four bids, four asks (open, high, low, close) and
///         ticks; QuoteBar if left out.
///     offset: Nanoseconds by which the intervals are shifted from 1970-01-01 UTC.
///
/// Raises:
///     BarError: A bad interval or policy.
#[pyclass(module = "exuvia.bars", subclass)]
struct QuoteBarBuilder {
    instruments: Instruments<market::QuoteBarBuilder<f64>>,
    record: Option<Py<PyAny>>,
}

#[pymethods]
impl QuoteBarBuilder {
    #[new]
    #[pyo3(signature = (every, late="into_current", record=None, *, offset=0))]
    fn new(every: Every, late: &str, record: Option<Py<PyAny>>, offset: i64) -> PyResult<Self> {
        Ok(Self { instruments: gate::stay(|| Instruments::new(&every, offset, late))?, record })
    }

    /// Takes a quote; returns the bar that it closed, or None.
    ///
    /// Args:
    ///     uic: Number of the instrument.
    ///     ts: UTC nanoseconds.
    ///     bid: Best price to sell at.
    ///     ask: Best price to buy at.
    ///
    /// Raises:
    ///     BarError: NaN or infinity, or a late quote where the policy is "reject"; the open bar stays as it was.
    fn push<'py>(
        &mut self,
        py: Python<'py>,
        uic: i64,
        ts: i64,
        bid: f64,
        ask: f64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let closed = gate::stay(|| match self.instruments.get(uic, market::QuoteBarBuilder::new) {
            Some(builder) => builder.push(Time(ts), bid, ask),
            None => Ok(None),
        })?;
        let record = self.record.as_ref().map(|record| record.bind(py));
        closed.map(|bar| QuoteBar::of(uic, &bar).build(py, record)).transpose()
    }

    /// Takes a quote object with attributes uic, ts, bid and ask; returns the bar that it closed, or None.
    ///
    /// Raises:
    ///     BarError: As push.
    fn push_quote<'py>(&mut self, quote: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = quote.py();
        let uic = quote.getattr(intern!(py, "uic"))?.extract()?;
        let ts = quote.getattr(intern!(py, "ts"))?.extract()?;
        let bid = quote.getattr(intern!(py, "bid"))?.extract()?;
        let ask = quote.getattr(intern!(py, "ask"))?.extract()?;
        self.push(py, uic, ts, bid, ask)
    }

    /// Closes all open bars and returns them in order of uic.
    fn flush<'py>(&mut self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let record = self.record.as_ref().map(|record| record.bind(py));
        let open = self.instruments.builders.iter_mut();
        let closed = open.filter_map(|(uic, builder)| builder.flush().map(|bar| QuoteBar::of(*uic, &bar)));
        closed.map(|bar| bar.build(py, record)).collect()
    }

    /// How many quotes came late, of all instruments, whatever became of them.
    #[getter]
    fn late(&self) -> u64 {
        self.instruments.builders.iter().map(|(_, builder)| builder.late()).sum()
    }
}

/// Makes bars of price and volume from trades, one at a time, for any number of instruments.
///
/// Args:
///     every: Length of a bar: nanoseconds, or text such as "1m".
///     late: What becomes of a trade before the current interval: "into_current", "drop" or "reject".
///     record: A class to make bars of, called with uic, ts, open, high, low, close, volume and ticks; Bar if
///         left out.
///     offset: Nanoseconds by which the intervals are shifted from 1970-01-01 UTC.
///
/// Raises:
///     BarError: A bad interval or policy.
#[pyclass(module = "exuvia.bars", subclass)]
struct TradeBarBuilder {
    instruments: Instruments<market::TradeBarBuilder<f64>>,
    record: Option<Py<PyAny>>,
}

#[pymethods]
impl TradeBarBuilder {
    #[new]
    #[pyo3(signature = (every, late="into_current", record=None, *, offset=0))]
    fn new(every: Every, late: &str, record: Option<Py<PyAny>>, offset: i64) -> PyResult<Self> {
        Ok(Self { instruments: gate::stay(|| Instruments::new(&every, offset, late))?, record })
    }

    /// Takes a trade; returns the bar that it closed, or None.
    ///
    /// Args:
    ///     uic: Number of the instrument.
    ///     ts: UTC nanoseconds.
    ///     price: At what price.
    ///     size: How much; not negative.
    ///
    /// Raises:
    ///     BarError: NaN, infinity or a negative size, or a late trade where the policy is "reject".
    #[pyo3(signature = (uic, ts, price, size=0.0))]
    fn push<'py>(
        &mut self,
        py: Python<'py>,
        uic: i64,
        ts: i64,
        price: f64,
        size: f64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let closed = gate::stay(|| match self.instruments.get(uic, market::TradeBarBuilder::new) {
            Some(builder) => builder.push(Time(ts), price, size),
            None => Ok(None),
        })?;
        let record = self.record.as_ref().map(|record| record.bind(py));
        closed.map(|bar| Bar::of(uic, &bar).build(py, record)).transpose()
    }

    /// Closes all open bars and returns them in order of uic.
    fn flush<'py>(&mut self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let record = self.record.as_ref().map(|record| record.bind(py));
        let open = self.instruments.builders.iter_mut();
        let closed = open.filter_map(|(uic, builder)| builder.flush().map(|bar| Bar::of(*uic, &bar)));
        closed.map(|bar| bar.build(py, record)).collect()
    }

    /// How many trades came late, of all instruments, whatever became of them.
    #[getter]
    fn late(&self) -> u64 {
        self.instruments.builders.iter().map(|(_, builder)| builder.late()).sum()
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<QuoteBarBuilder>()?;
    module.add_class::<TradeBarBuilder>()
}
