//! `Ledger`: positions, closed trades and equity in exact decimals.

use std::sync::{Mutex, MutexGuard, PoisonError};

use exuvia_execution as execution;
use exuvia_execution::BookedFill;
use exuvia_model::{SymbolTable, Time};
use pyo3::intern;
use pyo3::prelude::*;

use super::trades::{Account, ClosedTrade};
use super::{money, refused};
use crate::failure::Failure;
use crate::{gate, integers};

/// Books fills of all scenarios; each starts with the same equity.
///
/// Args:
///     start_equity: A Decimal, str or int.
///     record: What to build for each closed trade, called with the fields of `ClosedTrade` in their order; `ClosedTrade` if
///         not given.
///
/// Raises:
///     TypeError: If the equity is a float.
///     ValueRangeError: If it is no number.
#[pyclass(frozen, weakref, module = "exuvia.orders")]
pub struct Ledger {
    inner: Mutex<Inner>,
    record: Option<Py<PyAny>>,
}

struct Inner {
    ledger: execution::Ledger,
    instruments: SymbolTable,
}

impl Ledger {
    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Ledger {
    #[new]
    #[pyo3(signature = (start_equity = None, record = None), text_signature = "(start_equity='100000.00', record=None)")]
    fn new(start_equity: Option<&Bound<'_, PyAny>>, record: Option<Py<PyAny>>) -> PyResult<Self> {
        let start = match start_equity {
            Some(start) => money::exact(start, "start_equity")?,
            None => "100000.00".parse().map_err(|error| Failure::new("ValueRangeError", &error))?,
        };
        let inner = Inner { ledger: execution::Ledger::new(start), instruments: SymbolTable::default() };
        Ok(Self { inner: Mutex::new(inner), record })
    }

    /// Book a fill.
    ///
    /// Args:
    ///     fill: A `Fill`, or an object with the same attributes.
    ///     reason: Why it was done: the reason of the trade that it closes.
    ///
    /// Returns:
    ///     The trade that it closed, or None.
    ///
    /// Raises:
    ///     OrderError: If it would turn a position to the other side, or its price is not positive; nothing is booked then.
    ///     TypeError: If its price is a float.
    ///     ValueRangeError: If a number in it cannot be.
    #[pyo3(signature = (fill, reason))]
    fn on_fill<'py>(
        &self,
        py: Python<'py>,
        fill: &Bound<'py, PyAny>,
        reason: &str,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        use crate::scan::value::Value as _;
        let uic: i64 = integers::whole(&fill.getattr(intern!(py, "uic"))?, "uic")?;
        let side: String = fill.getattr(intern!(py, "side"))?.extract()?;
        let client_id: String = fill.getattr(intern!(py, "client_id"))?.extract()?;
        let amount: i64 = integers::whole(&fill.getattr(intern!(py, "amount"))?, "amount")?;
        if amount <= 0 {
            let message = format!("fill of {amount} by {client_id} is not positive: the side says which way");
            return Err(Failure::text("OrderError", message).into());
        }
        let scenario = fill.getattr(intern!(py, "scenario"))?.extract()?;
        let booked = BookedFill {
            client_id,
            scenario,
            symbol: self.locked().instruments.intern(&uic.to_string()),
            side: side.parse().map_err(Failure::from)?,
            quantity: money::amount(amount)?,
            price: money::exact(&fill.getattr(intern!(py, "price"))?, "price")?,
            time: Time(integers::whole(&fill.getattr(intern!(py, "ts"))?, "ts")?),
        };
        let closed = gate::guard(|| self.locked().ledger.on_fill(&booked, reason).map_err(|error| refused(&error)))?;
        let Some(trade) = closed else { return Ok(None) };
        let trade = ClosedTrade::of(trade, uic);
        match &self.record {
            Some(record) => record.bind(py).call1(trade.values(py)?).map(Some),
            None => Ok(Some(Bound::new(py, trade)?.into_any())),
        }
    }

    /// Return the scenario's share as it is now; an empty one if it has not traded.
    ///
    /// Args:
    ///     scenario: Whose.
    #[pyo3(signature = (scenario))]
    fn account(&self, scenario: &str) -> PyResult<Account> {
        gate::guard(|| {
            let account = self.locked().ledger.account(scenario).map_err(|error| refused(&error))?;
            Account::of(&account)
        })
    }

    /// Return start + realised + the open position at the price at which it could be closed, to 0.01.
    ///
    /// Args:
    ///     scenario: Whose.
    ///     quote: An object with bid and ask, floats; they enter by their shortest text. None values nothing that is open.
    ///
    /// Raises:
    ///     ValueRangeError: If the price is NaN.
    #[pyo3(signature = (scenario, quote))]
    fn equity<'py>(
        &self,
        py: Python<'py>,
        scenario: &str,
        quote: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let prices = match quote {
            Some(quote) => {
                Some((quote.getattr(intern!(py, "bid"))?.extract()?, quote.getattr(intern!(py, "ask"))?.extract()?))
            }
            None => None,
        };
        let equity = gate::guard(|| self.locked().ledger.equity(scenario, prices).map_err(|error| refused(&error)))?;
        money::to_python(py, &equity)
    }
}
