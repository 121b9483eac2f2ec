//! Streaming builders for many instruments: a call a tick.

use std::collections::BTreeMap;
use std::sync::Mutex;

use exuvia_market::bars::{self as market, BarError, Interval, Late};
use exuvia_model::Time;
use pyo3::intern;
use pyo3::prelude::*;

use super::records::{Bar, QuoteBar};
use super::{Every, policy};
use crate::gate::{self, locked};
use crate::integers;

/// A streaming builder of one instrument, and the bar for Python that it makes.
trait Streaming: Sized {
    type Bar: Copy;

    fn make(every: Interval, offset: i64, late: Late) -> Self;
    fn close(&mut self, uic: i64) -> Option<Self::Bar>;
    fn late(&self) -> u64;
    fn disordered(&self) -> u64;
}

/// One builder for each instrument, in order of its number; the last one used is found first.
struct Instruments<B: Streaming> {
    builders: Vec<(i64, B)>,
    last: usize,
    every: Interval,
    offset: i64,
    late: Late,
    closed: u64,
    /// Closed bars that no caller has got yet, in the order of their closing: `record` may refuse one.
    waiting: BTreeMap<u64, B::Bar>,
}

impl<B: Streaming> Instruments<B> {
    fn new(every: &Every, offset: i64, late: &str) -> Result<Mutex<Self>, BarError> {
        let (every, late) = (every.interval()?, policy(late)?);
        let (builders, waiting) = (Vec::new(), BTreeMap::new());
        Ok(Mutex::new(Self { builders, last: 0, every, offset, late, closed: 0, waiting }))
    }

    fn get(&mut self, uic: i64) -> Option<&mut B> {
        if self.builders.get(self.last).is_none_or(|(known, _)| *known != uic) {
            self.last = self.builders.binary_search_by_key(&uic, |(known, _)| *known).unwrap_or_else(|at| {
                self.builders.insert(at, (uic, B::make(self.every, self.offset, self.late)));
                at
            });
        }
        self.builders.get_mut(self.last).map(|(_, builder)| builder)
    }

    /// Adds the bar that a tick closed to those that wait and takes the oldest of them.
    fn next(&mut self, closed: Option<B::Bar>) -> Option<(u64, B::Bar)> {
        if let Some(bar) = closed {
            self.closed += 1;
            self.waiting.insert(self.closed, bar);
        }
        self.waiting.pop_first()
    }

    /// Closes all open bars and takes all that wait.
    fn drain(&mut self) -> BTreeMap<u64, B::Bar> {
        let Self { builders, closed, waiting, .. } = self;
        for (uic, builder) in builders {
            if let Some(bar) = builder.close(*uic) {
                *closed += 1;
                waiting.insert(*closed, bar);
            }
        }
        std::mem::take(waiting)
    }

    fn late(&self) -> u64 {
        self.builders.iter().map(|(_, builder)| builder.late()).sum()
    }

    fn disordered(&self) -> u64 {
        self.builders.iter().map(|(_, builder)| builder.disordered()).sum()
    }
}

/// Runs `build`, which calls Python, on a bar without the lock; a bar that could not be built waits again.
fn deliver<'py, B: Streaming>(
    instruments: &Mutex<Instruments<B>>,
    next: Option<(u64, B::Bar)>,
    build: impl FnOnce(B::Bar) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some((number, bar)) = next else { return Ok(None) };
    gate::guard(|| build(bar)).map(Some).inspect_err(|_| {
        locked(instruments).waiting.insert(number, bar);
    })
}

/// As [`deliver`], for all bars: if one of them cannot be built, all of them wait again.
fn deliver_all<'py, B: Streaming>(
    instruments: &Mutex<Instruments<B>>,
    build: impl Fn(B::Bar) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut taken = gate::stay(|| Ok::<_, BarError>(locked(instruments).drain()))?;
    gate::guard(|| taken.values().map(|bar| build(*bar)).collect())
        .inspect_err(|_| locked(instruments).waiting.append(&mut taken))
}

impl Streaming for market::QuoteBarBuilder<f64> {
    type Bar = QuoteBar;

    fn make(every: Interval, offset: i64, late: Late) -> Self {
        Self::new(every, offset, late)
    }

    fn close(&mut self, uic: i64) -> Option<QuoteBar> {
        self.flush().map(|bar| QuoteBar::of(uic, &bar))
    }

    fn late(&self) -> u64 {
        Self::late(self)
    }

    fn disordered(&self) -> u64 {
        Self::disordered(self)
    }
}

impl Streaming for market::TradeBarBuilder<f64> {
    type Bar = Bar;

    fn make(every: Interval, offset: i64, late: Late) -> Self {
        Self::new(every, offset, late)
    }

    fn close(&mut self, uic: i64) -> Option<Bar> {
        self.flush().map(|bar| Bar::of(uic, &bar))
    }

    fn late(&self) -> u64 {
        Self::late(self)
    }

    fn disordered(&self) -> u64 {
        Self::disordered(self)
    }
}

/// Makes bars of bid and ask from quotes, one at a time, for any number of instruments.
///
/// A quote of a later interval closes the open bar; intervals without quotes have no bar. May be used from several threads.
///
/// Prices are taken as they come, negative ones and a bid above the ask too: to leave such quotes out is the work of
/// `exuvia.quotes.QuoteBook`. Only NaN and infinity are refused.
///
/// Args:
///     every: Length of a bar: text such as "1m", or nanoseconds, at least 1,000,000 (a bare 60 is refused).
///     late: What becomes of a quote before the current interval (counted in `late`), or before a newer one of the
///         current interval (counted in `disordered`): "into_current" takes it as it comes, "drop" or "reject".
///     record: A class to make bars of, called with uic, ts, four bids, four asks (open, high, low, close) and
///         ticks; QuoteBar if left out.
///     offset: Nanoseconds by which the intervals are shifted from 1970-01-01 UTC.
///
/// Raises:
///     BarError: A bad interval or policy.
#[pyclass(frozen, weakref, module = "exuvia.bars", subclass)]
struct QuoteBarBuilder {
    instruments: Mutex<Instruments<market::QuoteBarBuilder<f64>>>,
    record: Option<Py<PyAny>>,
}

#[pymethods]
impl QuoteBarBuilder {
    #[new]
    #[pyo3(signature = (every, late="into_current", record=None, *, offset=0))]
    fn new(
        every: Every,
        late: &str,
        record: Option<Py<PyAny>>,
        #[pyo3(from_py_with = integers::offset)] offset: i64,
    ) -> PyResult<Self> {
        Ok(Self { instruments: gate::stay(|| Instruments::new(&every, offset, late))?, record })
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
        let next = gate::stay(|| {
            let mut instruments = locked(&self.instruments);
            let closed = match instruments.get(uic) {
                Some(builder) => builder.push(Time(ts), bid, ask)?,
                None => None,
            };
            Ok::<_, BarError>(instruments.next(closed.map(|bar| QuoteBar::of(uic, &bar))))
        })?;
        deliver(&self.instruments, next, |bar| bar.build(py, self.record.as_ref().map(|record| record.bind(py))))
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

    /// Closes all open bars and returns them in order of uic, after those that wait from before.
    ///
    /// If `record` raises, none of them is lost: the next flush returns them all.
    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let record = self.record.as_ref().map(|record| record.bind(py));
        deliver_all(&self.instruments, |bar| bar.build(py, record))
    }

    /// How many quotes came after their interval had ended, of all instruments, whatever became of them.
    #[getter]
    fn late(&self) -> u64 {
        locked(&self.instruments).late()
    }

    /// How many quotes came after a newer one of the same interval, of all instruments, whatever became of them.
    #[getter]
    fn disordered(&self) -> u64 {
        locked(&self.instruments).disordered()
    }
}

/// Makes bars of price and volume from trades, one at a time, for any number of instruments.
///
/// May be used from several threads. Negative prices are taken as they come; NaN, infinity and negative sizes are refused.
///
/// Args:
///     every: Length of a bar: text such as "1m", or nanoseconds, at least 1,000,000 (a bare 60 is refused).
///     late: What becomes of a trade before the current interval (counted in `late`), or before a newer one of the
///         current interval (counted in `disordered`): "into_current" takes it as it comes, "drop" or "reject".
///     record: A class to make bars of, called with uic, ts, open, high, low, close, volume and ticks; Bar if
///         left out.
///     offset: Nanoseconds by which the intervals are shifted from 1970-01-01 UTC.
///
/// Raises:
///     BarError: A bad interval or policy.
#[pyclass(frozen, weakref, module = "exuvia.bars", subclass)]
struct TradeBarBuilder {
    instruments: Mutex<Instruments<market::TradeBarBuilder<f64>>>,
    record: Option<Py<PyAny>>,
}

#[pymethods]
impl TradeBarBuilder {
    #[new]
    #[pyo3(signature = (every, late="into_current", record=None, *, offset=0))]
    fn new(
        every: Every,
        late: &str,
        record: Option<Py<PyAny>>,
        #[pyo3(from_py_with = integers::offset)] offset: i64,
    ) -> PyResult<Self> {
        Ok(Self { instruments: gate::stay(|| Instruments::new(&every, offset, late))?, record })
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
        let next = gate::stay(|| {
            let mut instruments = locked(&self.instruments);
            let closed = match instruments.get(uic) {
                Some(builder) => builder.push(Time(ts), price, size)?,
                None => None,
            };
            Ok::<_, BarError>(instruments.next(closed.map(|bar| Bar::of(uic, &bar))))
        })?;
        deliver(&self.instruments, next, |bar| bar.build(py, self.record.as_ref().map(|record| record.bind(py))))
    }

    /// Closes all open bars and returns them in order of uic, after those that wait from before.
    ///
    /// If `record` raises, none of them is lost: the next flush returns them all.
    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let record = self.record.as_ref().map(|record| record.bind(py));
        deliver_all(&self.instruments, |bar| bar.build(py, record))
    }

    /// How many trades came after their interval had ended, of all instruments, whatever became of them.
    #[getter]
    fn late(&self) -> u64 {
        locked(&self.instruments).late()
    }

    /// How many trades came after a newer one of the same interval, of all instruments, whatever became of them.
    #[getter]
    fn disordered(&self) -> u64 {
        locked(&self.instruments).disordered()
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<QuoteBarBuilder>()?;
    module.add_class::<TradeBarBuilder>()
}
