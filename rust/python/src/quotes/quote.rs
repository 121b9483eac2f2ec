//! A quote as Python sees it.

use exuvia_market::wire::saxo::QuoteTick;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::integers;

/// Best bid and ask of an instrument after an update.
///
/// Args:
///     uic: The instrument.
///     ts: When the venue says it was, UTC nanoseconds.
///     bid: Best price to sell at.
///     ask: Best price to buy at.
///     market_state: Such as `Open` or `Closed`; `Unknown` if the venue did not say.
#[pyclass(frozen, module = "exuvia.quotes")]
pub struct Quote {
    /// The instrument.
    #[pyo3(get)]
    uic: i64,
    /// UTC nanoseconds.
    #[pyo3(get)]
    ts: i64,
    /// Best price to sell at.
    #[pyo3(get)]
    bid: f64,
    /// Best price to buy at.
    #[pyo3(get)]
    ask: f64,
    /// Such as `Open` or `Closed`.
    #[pyo3(get)]
    market_state: Py<PyString>,
}

type Parts<'a> = (i64, i64, f64, f64, &'a Py<PyString>);

impl Quote {
    fn parts(&self) -> Parts<'_> {
        (self.uic, self.ts, self.bid, self.ask, &self.market_state)
    }
}

#[pymethods]
impl Quote {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str, &'static str, &'static str) {
        ("uic", "ts", "bid", "ask", "market_state")
    }

    #[new]
    #[pyo3(signature = (uic, ts, bid, ask, market_state))]
    fn new(
        #[pyo3(from_py_with = integers::uic)] uic: i64,
        #[pyo3(from_py_with = integers::ts)] ts: i64,
        bid: f64,
        ask: f64,
        market_state: Py<PyString>,
    ) -> Self {
        Self { uic, ts, bid, ask, market_state }
    }

    fn __eq__(&self, py: Python<'_>, other: PyRef<'_, Self>) -> PyResult<bool> {
        self.parts().into_pyobject(py)?.eq(other.parts())
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.parts().into_pyobject(py)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (bid, ask) = (self.bid.into_pyobject(py)?.repr()?, self.ask.into_pyobject(py)?.repr()?);
        let (uic, ts, state) = (self.uic, self.ts, self.market_state.bind(py).repr()?);
        Ok(format!("Quote(uic={uic}, ts={ts}, bid={bid}, ask={ask}, market_state={state})"))
    }

    fn __reduce__<'py>(&'py self, py: Python<'py>) -> (Bound<'py, PyType>, Parts<'py>) {
        (py.get_type::<Self>(), self.parts())
    }
}

/// Builds what the user asked for: a call of `record`, or a [`Quote`].
pub fn build<'py>(
    py: Python<'py>,
    record: Option<&Py<PyAny>>,
    tick: &QuoteTick<f64>,
    market_state: Py<PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    let QuoteTick { uic, time, bid, ask, .. } = *tick;
    match record {
        Some(record) => record.bind(py).call1((uic, time.0, bid, ask, market_state)),
        None => Ok(Bound::new(py, Quote { uic, ts: time.0, bid, ask, market_state })?.into_any()),
    }
}
