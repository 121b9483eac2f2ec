//! The quote book as Python sees it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use exuvia_market::wire::saxo;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::{bytes_of, quote, refuses, table};
use crate::failure::Failure;
use crate::gate::{self, locked};
use crate::integers;
use crate::words::Words;

/// Merges snapshots and deltas of an infoprices subscription into one row for each instrument.
///
/// An element is counted in `skipped` and `skips`, and nothing of it merged, if it has no whole `Uic`, a price that is not finite, not
/// positive or crossed, or a `LastUpdated` that is no instant. An element after which bid, ask or time are still missing is
/// merged, and counted too.
///
/// Args:
///     record: What to build for each quote, called with uic, ts (UTC nanoseconds), bid, ask and market state; your own
///         dataclass for example. `Quote` if not given.
///     allow_negative: Whether prices of zero and below are taken, for instruments that permit them.
///     older: What becomes of a quote whose `LastUpdated` is before that of the one it replaces: "take" it, counted in
///         `oddities`, or "refuse" it, counted in `skips`.
#[pyclass(frozen, weakref, module = "exuvia.quotes", subclass)]
pub struct QuoteBook {
    inner: Mutex<Inner>,
    record: Option<Py<PyAny>>,
}

struct Inner {
    book: saxo::QuoteBook<f64>,
    ticks: Vec<saxo::QuoteTick<f64>>,
    words: Words,
}

#[pymethods]
impl QuoteBook {
    #[new]
    #[pyo3(signature = (record = None, allow_negative = false, older = "take"))]
    fn new(record: Option<Py<PyAny>>, allow_negative: bool, older: &str) -> PyResult<Self> {
        let book = saxo::QuoteBook::new(allow_negative).refusing_older(refuses(older)?);
        Ok(Self { inner: Mutex::new(Inner { book, ticks: Vec::new(), words: Words::default() }), record })
    }

    /// Merge one payload and return a quote for each element that leaves bid, ask and time known.
    ///
    /// Args:
    ///     payload: JSON: an array of infoprices objects, an object with a `Data` array, or one object.
    ///
    /// Returns:
    ///     The quotes in the order of the elements.
    ///
    /// Raises:
    ///     DecodeError: If it is not such JSON; then nothing was merged or counted.
    #[pyo3(signature = (payload))]
    fn apply<'py>(&self, py: Python<'py>, payload: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let payload = bytes_of(payload)?;
        let mut inner = locked(&self.inner);
        let Inner { book, ticks, words } = &mut *inner;
        ticks.clear();
        gate::stay(|| book.apply(&payload, ticks).map_err(|error| Failure::new("DecodeError", &error)))?;
        let found: Vec<_> = ticks.iter().map(|tick| (*tick, words.get(py, book.names(), tick.market_state))).collect();
        // `record` is the user's code: it may come back to this book.
        drop(inner);
        let list = PyList::empty(py);
        for (tick, state) in found {
            list.append(quote::build(py, self.record.as_ref(), &tick, state)?)?;
        }
        Ok(list)
    }

    /// Return the last quote of an instrument, or None.
    ///
    /// Args:
    ///     uic: The instrument.
    #[pyo3(signature = (uic))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = integers::uic)] uic: i64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut inner = locked(&self.inner);
        let Some(tick) = inner.book.get(uic) else { return Ok(None) };
        let Inner { book, words, .. } = &mut *inner;
        let state = words.get(py, book.names(), tick.market_state);
        drop(inner);
        quote::build(py, self.record.as_ref(), &tick, state).map(Some)
    }

    /// How many elements gave no quote.
    #[getter]
    fn skipped(&self) -> u64 {
        locked(&self.inner).book.skipped()
    }

    /// How many elements gave no quote, by reason: `no uic`, `no price`, `not positive`, `crossed`, `field`,
    /// `incomplete`, `older`.
    #[getter]
    fn skips(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.inner).book.skips().counts().collect()
    }

    /// Why the last element gave no quote, with the instrument and the values; None if each gave one.
    #[getter]
    fn last_skip(&self) -> Option<String> {
        locked(&self.inner).book.skips().last().map(|skip| skip.to_string())
    }

    /// What was strange about elements that gave a quote all the same, by kind: `older` (`LastUpdated` before that of
    /// the quote that was replaced), `state` (`MarketState` is no text: the quote says "Unknown").
    #[getter]
    fn oddities(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.inner).book.oddities().counts().collect()
    }

    /// What was strange about the last such element, with the instrument and the values; None if nothing was.
    #[getter]
    fn last_oddity(&self) -> Option<String> {
        locked(&self.inner).book.oddities().last().map(|oddity| oddity.to_string())
    }

    /// Return the rows as a table, in order of uic: prices, sizes, states and times, null where the venue did not say.
    ///
    /// Returns:
    ///     An `arro3.core.Table`, which pandas, polars, pyarrow and DuckDB take as it is.
    fn to_arrow<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let batch = gate::stay(|| table::book(&locked(&self.inner).book))?;
        table::export(py, batch)
    }

    fn __len__(&self) -> usize {
        locked(&self.inner).book.len()
    }

    fn __repr__(&self) -> String {
        let inner = locked(&self.inner);
        format!("<QuoteBook of {} instruments, {} skipped>", inner.book.len(), inner.book.skipped())
    }
}
