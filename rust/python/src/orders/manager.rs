//! `OrderManager`: the book over a broker in Python.

use std::sync::{Mutex, MutexGuard, PoisonError};

use exuvia_execution as execution;
use exuvia_execution::{Admission, CancelAnswer, OrderBook, PlaceAnswer, Shelf};
use exuvia_model::{ModelError, OrderIntent, SymbolTable, Time, TimeInForce};
use pyo3::exceptions::PyAttributeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMappingProxy, PyString};

use super::order::Order;
use super::trades::Fill;
use super::{activity, money, refused};
use crate::failure::Failure;
use crate::gate;

/// Owns every order of a desk: checks intents, sends orders, follows them by the venue's activities until they end.
///
/// An order is in exactly one of three read-only views, dicts by client id: `pending` (sent, no answer that can be trusted
/// yet), `active` (known to the venue) and `terminal` (filled, cancelled, rejected, expired).
///
/// Args:
///     broker: An object with `place_order(order)`, whose answer has `order_id`, `error` and `unknown`, and
///         `cancel_order(order_id)`, whose answer is true if the venue took the request.
///     limits: `Limits`, or an object with the same attributes.
///     prefix: With what client ids begin.
///     record: What to build for each order, called with the fields of `Order` in their order. An object that can be changed is
///         kept and updated for as long as the order lives; `Order` if not given, a new snapshot after each step.
///     fill_record: What to build for each fill, called with the fields of `Fill`; `Fill` if not given.
#[pyclass(frozen, weakref, module = "exuvia.orders", subclass)]
pub struct OrderManager {
    /// Never locked while Python runs: the broker may come back to this manager.
    inner: Mutex<Inner>,
    broker: Py<PyAny>,
    record: Option<Py<PyAny>>,
    fill_record: Option<Py<PyAny>>,
    pending: Py<PyDict>,
    active: Py<PyDict>,
    terminal: Py<PyDict>,
}

struct Inner {
    book: OrderBook,
    instruments: SymbolTable,
}

impl Inner {
    fn uic(&self, symbol: exuvia_model::Symbol) -> Result<i64, ModelError> {
        let name = self.instruments.name(symbol)?;
        name.parse().map_err(|_| ModelError::NotANumber { what: "uic", text: name.to_owned() })
    }

    /// The error with the venue's numbers of instruments in it.
    fn by_uic(&self, error: execution::OrderError) -> execution::OrderError {
        use execution::OrderError::Contradiction;
        let name = |text: String| {
            let symbol = text.parse().map(exuvia_model::Symbol);
            symbol.ok().and_then(|symbol| self.instruments.name(symbol).ok()).map_or(text, str::to_owned)
        };
        match error {
            Contradiction { client_id, sequence, field: "Uic", said, ours } => {
                Contradiction { client_id, sequence, field: "Uic", said: name(said), ours: name(ours) }
            }
            other => other,
        }
    }

    fn order(&self, client_id: &str) -> PyResult<(execution::Order, i64)> {
        let order = self.book.find(client_id).cloned();
        let order = order.ok_or_else(|| execution::OrderError::NoSuchOrder { client_id: client_id.to_owned() });
        let order = order.map_err(|error| refused(&error))?;
        let uic = self.uic(order.intent().symbol).map_err(Failure::from)?;
        Ok((order, uic))
    }
}

#[pymethods]
impl OrderManager {
    #[new]
    #[pyo3(signature = (broker, limits, prefix = "LB", record = None, fill_record = None))]
    fn new(
        py: Python<'_>,
        broker: Py<PyAny>,
        limits: &Bound<'_, PyAny>,
        prefix: &str,
        record: Option<Py<PyAny>>,
        fill_record: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let whole = |name| -> PyResult<i64> { limits.getattr(name)?.extract() };
        let limits = execution::Limits::whole(
            whole(intern!(py, "max_amount"))?,
            whole(intern!(py, "max_position"))?,
            whole(intern!(py, "duplicate_window_s"))?,
        );
        let book = OrderBook::new(limits.map_err(|error| refused(&error))?, prefix);
        Ok(Self {
            inner: Mutex::new(Inner { book, instruments: SymbolTable::default() }),
            broker,
            record,
            fill_record,
            pending: PyDict::new(py).unbind(),
            active: PyDict::new(py).unbind(),
            terminal: PyDict::new(py).unbind(),
        })
    }

    /// Check an intent and send it as a new order.
    ///
    /// Args:
    ///     intent: An `Intent` to "place", or an object with the same attributes.
    ///
    /// Returns:
    ///     The order: "working"; "rejected" by a check, which its note names with value and limit, or by the venue; or
    ///     "unknown", if the broker does not know. If the broker raises, the order is unknown and the exception goes on.
    ///
    /// Raises:
    ///     OrderError: If the intent is no order: a cancel, an amount that is not positive, a limit without a price.
    ///     ValueRangeError: If a side, type, amount or price cannot be.
    #[pyo3(signature = (intent))]
    fn submit<'py>(&self, py: Python<'py>, intent: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        gate::guard(|| {
            let admission = self.admit(intent)?;
            let checked = match admission {
                Admission::Refused(order) => return self.show(py, order.client_id()),
                Admission::Send(checked) => checked,
            };
            let client_id = checked.order().client_id();
            let object = self.show(py, client_id).inspect_err(|error| {
                // Nothing has left: this one is known not to live.
                let note = PlaceAnswer::Rejected(format!("not sent: {error}"));
                let _ = self.settle(client_id, &note);
            })?;
            let answer = self
                .broker
                .bind(py)
                .call_method1(intern!(py, "place_order"), (&object,))
                .and_then(|answer| outcome(&answer));
            match answer {
                Ok(outcome) => {
                    self.settle(client_id, &outcome)?;
                    self.show(py, client_id)
                }
                Err(error) => {
                    // It may have left before the broker failed: unknown, not rejected.
                    self.settle(client_id, &PlaceAnswer::Unknown(error.to_string()))?;
                    self.show(py, client_id)?;
                    Err(error)
                }
            }
        })
    }

    /// Ask the venue to cancel the scenario's open order; it ends when an activity says so.
    ///
    /// Args:
    ///     scenario: Whose order.
    ///     now: When, UTC nanoseconds.
    ///
    /// Returns:
    ///     The order, "pending_cancel" if the venue took the request; None if there is none, the venue has not named it yet or a
    ///     cancel is under way.
    #[pyo3(signature = (scenario, now))]
    fn cancel<'py>(&self, py: Python<'py>, scenario: &str, now: i64) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _ = now;
        gate::guard(|| {
            let request = self.locked().book.begin_cancel(scenario).map_err(|error| refused(&error))?;
            let Some(request) = request else { return Ok(None) };
            let answer = self.broker.bind(py).call_method1(intern!(py, "cancel_order"), (&request.venue_id,));
            let outcome = match answer.and_then(|answer| answer.is_truthy()) {
                Ok(true) => Ok(CancelAnswer::Requested),
                Ok(false) => Ok(CancelAnswer::Refused(String::new())),
                Err(error) => Err(error),
            };
            let settled = match &outcome {
                Ok(outcome) => outcome.clone(),
                Err(error) => CancelAnswer::Unknown(error.to_string()),
            };
            let answer = self.locked().book.settle_cancel(&request.client_id, &settled).map(|_| ());
            answer.map_err(|error| refused(&error))?;
            let object = self.show(py, &request.client_id)?;
            outcome.map(|_| Some(object))
        })
    }

    /// Take one order activity of the venue.
    ///
    /// Args:
    ///     activity: The dict that `json.loads` makes of it; parse with `parse_float=Decimal`.
    ///
    /// Returns:
    ///     The fill, if it is one. Repeated activities and those of unknown or ended orders are counted in `ignored`.
    ///
    /// Raises:
    ///     OrderError: If its status is unknown, a fill has no amount, price or time, or more is filled than was ordered; the
    ///         order is then as it was.
    ///     ValueRangeError: If a number in it cannot be.
    #[pyo3(signature = (activity))]
    fn on_activity<'py>(&self, py: Python<'py>, activity: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, PyAny>>> {
        gate::guard(|| {
            let (reference, sequence) = activity::identity(activity)?;
            if !self.locked().book.screen(reference.as_deref(), sequence.as_deref()) {
                return Ok(None);
            }
            let mut activity = activity::read(activity)?;
            let (fill, uic) = {
                let mut inner = self.locked();
                // The book knows instruments by the numbers of this table.
                activity.symbol = activity.symbol.map(|uic| inner.instruments.intern(&uic.0.to_string()));
                let heard = inner.book.on_activity(&activity);
                let fill = heard.map_err(|error| refused(&inner.by_uic(error)))?;
                let uic = fill.as_ref().map(|fill| inner.uic(fill.symbol)).transpose().map_err(Failure::from)?;
                (fill, uic)
            };
            self.show(py, reference.as_deref().unwrap_or_default())?;
            let Some((fill, uic)) = fill.zip(uic) else { return Ok(None) };
            self.fill(py, Fill::of(fill, uic)).map(Some)
        })
    }

    /// Return the order of the scenario that has not ended, or None.
    ///
    /// Args:
    ///     scenario: Whose order.
    #[pyo3(signature = (scenario))]
    fn open_order<'py>(&self, py: Python<'py>, scenario: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let client_id = self.locked().book.open_order(scenario).map(|order| order.client_id().to_owned());
        client_id.map_or(Ok(None), |client_id| self.find(py, &client_id))
    }

    /// Return the order with this client id, in whichever view it is, or None.
    ///
    /// Args:
    ///     client_id: Our own id.
    #[pyo3(signature = (client_id))]
    fn find<'py>(&self, py: Python<'py>, client_id: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        for view in [&self.pending, &self.active, &self.terminal] {
            if let Some(order) = view.bind(py).get_item(client_id)? {
                return Ok(Some(order));
            }
        }
        Ok(None)
    }

    /// Return all orders, in the order in which they were submitted.
    fn orders<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        gate::guard(|| {
            let ids: Vec<_> = self.locked().book.orders().iter().map(|order| order.client_id().to_owned()).collect();
            ids.iter().filter_map(|client_id| self.find(py, client_id).transpose()).collect()
        })
    }

    /// Orders without an answer that can be trusted, by client id.
    #[getter]
    fn pending<'py>(&self, py: Python<'py>) -> Bound<'py, PyMappingProxy> {
        PyMappingProxy::new(py, self.pending.bind(py).as_mapping())
    }

    /// Orders that the venue has, by client id.
    #[getter]
    fn active<'py>(&self, py: Python<'py>) -> Bound<'py, PyMappingProxy> {
        PyMappingProxy::new(py, self.active.bind(py).as_mapping())
    }

    /// Orders that have ended, by client id.
    #[getter]
    fn terminal<'py>(&self, py: Python<'py>) -> Bound<'py, PyMappingProxy> {
        PyMappingProxy::new(py, self.terminal.bind(py).as_mapping())
    }

    /// Signed position of each scenario that has traded, from its fills.
    #[getter]
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let positions = self.locked().book.positions().clone();
        let dict = PyDict::new(py);
        for (scenario, raw) in positions {
            dict.set_item(scenario, raw / i128::from(exuvia_model::NANO))?;
        }
        Ok(dict)
    }

    /// How many client ids were given out.
    #[getter]
    fn counter(&self) -> usize {
        self.locked().book.counter()
    }

    /// How many activities were ignored.
    #[getter]
    fn ignored(&self) -> u64 {
        self.locked().book.ignored()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let [pending, active, terminal] = [&self.pending, &self.active, &self.terminal].map(|view| view.bind(py).len());
        format!("<OrderManager: {pending} pending, {active} active, {terminal} terminal>")
    }
}

impl OrderManager {
    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, intent: &Bound<'_, PyAny>) -> PyResult<Admission> {
        let py = intent.py();
        let text = |name| -> PyResult<String> { intent.getattr(name)?.extract() };
        let action = text(intern!(py, "action"))?;
        let scenario = text(intern!(py, "scenario"))?;
        if action != "place" {
            let message = format!(
                "intent of scenario {scenario:?} has action {action:?}: only \"place\" is submitted; use cancel(scenario, now) for \"cancel\""
            );
            return Err(Failure::text("OrderError", message).into());
        }
        let uic: i64 = intent.getattr(intern!(py, "uic"))?.extract()?;
        let side = text(intern!(py, "side"))?.parse().map_err(Failure::from)?;
        let quantity = money::amount(intent.getattr(intern!(py, "amount"))?.extract()?)?;
        let order_type = text(intern!(py, "order_type"))?.parse().map_err(Failure::from)?;
        let limit = money::limit(&intent.getattr(intern!(py, "limit_price"))?)?;
        let decided = Time(intent.getattr(intern!(py, "decided"))?.extract()?);
        let reason = text(intern!(py, "reason"))?;
        let mut inner = self.locked();
        let symbol = inner.instruments.intern(&uic.to_string());
        let (stop, trail, duration) = (None, None, TimeInForce::Day);
        let intent =
            OrderIntent { scenario, symbol, side, quantity, order_type, limit, stop, trail, duration, decided, reason };
        inner.book.admit(intent).map_err(|error| refused(&error))
    }

    fn settle(&self, client_id: &str, outcome: &PlaceAnswer) -> PyResult<()> {
        self.locked().book.settle(client_id, outcome).map(|_| ()).map_err(|error| refused(&error))
    }

    /// Brings the order's object in the views up to the book, and gives it.
    fn show<'py>(&self, py: Python<'py>, client_id: &str) -> PyResult<Bound<'py, PyAny>> {
        let (order, uic) = self.locked().order(client_id)?;
        let here = match OrderBook::shelf(&order) {
            Shelf::Pending => &self.pending,
            Shelf::Active => &self.active,
            Shelf::Terminal => &self.terminal,
        };
        let old = self.find(py, client_id)?;
        let object = self.object(py, Order::of(&order, uic), old)?;
        for view in [&self.pending, &self.active, &self.terminal] {
            let view = view.bind(py);
            if !std::ptr::eq(view.as_ptr(), here.as_ptr()) && view.contains(client_id)? {
                view.del_item(client_id)?;
            }
        }
        here.bind(py).set_item(client_id, &object)?;
        Ok(object)
    }

    fn object<'py>(
        &self,
        py: Python<'py>,
        order: Order,
        old: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        use crate::scan::value::Value as _;
        let Some(record) = &self.record else { return Ok(Bound::new(py, order)?.into_any()) };
        let values = order.values(py)?;
        if let Some(old) = old {
            let mut changes = Order::FIELDS.iter().zip(&values).skip(9);
            let changed = changes.try_for_each(|(field, value)| old.setattr(*field, value));
            match changed {
                Ok(()) => return Ok(old),
                // A frozen record: the next one takes its place.
                Err(error) if error.is_instance_of::<PyAttributeError>(py) => {}
                Err(error) => return Err(error),
            }
        }
        record.bind(py).call1(values)
    }

    fn fill<'py>(&self, py: Python<'py>, fill: Fill) -> PyResult<Bound<'py, PyAny>> {
        use crate::scan::value::Value as _;
        match &self.fill_record {
            Some(record) => record.bind(py).call1(fill.values(py)?),
            None => Ok(Bound::new(py, fill)?.into_any()),
        }
    }
}

/// The broker's answer: `unknown` first, then an id, then an error.
fn outcome(answer: &Bound<'_, PyAny>) -> PyResult<PlaceAnswer> {
    let py = answer.py();
    let error = || -> PyResult<Option<String>> {
        let error = answer.getattr(intern!(py, "error"))?;
        if error.is_truthy()? { Ok(Some(error.str()?.to_str()?.to_owned())) } else { Ok(None) }
    };
    if answer.getattr(intern!(py, "unknown"))?.is_truthy()? {
        return Ok(PlaceAnswer::Unknown(error()?.unwrap_or_default()));
    }
    let order_id = answer.getattr(intern!(py, "order_id"))?;
    if order_id.is_none() {
        return Ok(PlaceAnswer::Rejected(error()?.unwrap_or_else(|| "no order id".to_owned())));
    }
    Ok(PlaceAnswer::Accepted(order_id.cast::<PyString>()?.to_str()?.to_owned()))
}
