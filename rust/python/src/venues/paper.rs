//! Bindings of `exuvia.brokers`: the paper broker and what it hands back.

use std::sync::{Mutex, PoisonError};

use exuvia_brokers::paper::{PaperBroker, PaperError};
use exuvia_execution::Activity;
use exuvia_execution::matching::{NewOrder, Refusal, Terms};
use exuvia_model::{Fill, ModelError, Money, Price, Quantity, Quote, Side, Symbol, Time};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFloat, PyType};

use crate::failure::Failure;
use crate::gate;
use crate::integers;

impl From<Refusal> for Failure {
    fn from(error: Refusal) -> Self {
        Self::new("OrderError", &error)
    }
}

/// What a broker answered to an order.
#[pyclass(frozen, eq, hash, module = "exuvia.brokers")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlaceResult {
    /// The broker's id of the order; `None` if it was refused.
    #[pyo3(get)]
    order_id: Option<String>,
    /// Why it was refused; `None` if it works.
    #[pyo3(get)]
    error: Option<String>,
    /// Whether nobody knows if it works; never so on paper.
    #[pyo3(get)]
    unknown: bool,
}

#[pymethods]
impl PlaceResult {
    #[new]
    #[pyo3(signature = (order_id = None, error = None, unknown = false))]
    const fn new(order_id: Option<String>, error: Option<String>, unknown: bool) -> Self {
        Self { order_id, error, unknown }
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (Option<String>, Option<String>, bool)) {
        (py.get_type::<Self>(), (self.order_id.clone(), self.error.clone(), self.unknown))
    }

    fn __repr__(&self) -> String {
        let text = |value: &Option<String>| value.as_ref().map_or("None".to_owned(), |value| format!("{value:?}"));
        let unknown = if self.unknown { "True" } else { "False" };
        format!("PlaceResult(order_id={}, error={}, unknown={unknown})", text(&self.order_id), text(&self.error))
    }
}

/// One execution on paper.
#[pyclass(frozen, eq, hash, module = "exuvia.brokers")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PaperFill {
    fill: Fill,
}

#[pymethods]
impl PaperFill {
    #[new]
    fn new(
        client_id: String,
        order_id: String,
        #[pyo3(from_py_with = integers::uic)] uic: u32,
        side: &str,
        amount: &Bound<'_, PyAny>,
        price: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = integers::ts)] ts: i64,
    ) -> PyResult<Self> {
        let (side, quantity, price) = (side_of(side)?, quantity_of(amount)?, price_of(price, None)?);
        let symbol = Symbol(uic);
        let fill = Fill {
            client_order_id: client_id,
            venue_order_id: order_id,
            symbol,
            side,
            quantity,
            price,
            time: Time(ts),
        };
        Ok(Self { fill })
    }

    /// The client's own id of the order.
    #[getter]
    fn client_id(&self) -> &str {
        &self.fill.client_order_id
    }

    /// The broker's id of the order.
    #[getter]
    fn order_id(&self) -> &str {
        &self.fill.venue_order_id
    }

    /// Which instrument.
    #[getter]
    const fn uic(&self) -> u32 {
        self.fill.symbol.0
    }

    /// `Buy` or `Sell`.
    #[getter]
    const fn side(&self) -> &'static str {
        self.fill.side.as_str()
    }

    /// How much, as a `Decimal`.
    #[getter]
    fn amount<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        decimal(py, self.fill.quantity)
    }

    /// At what price, as a `Decimal`.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        decimal(py, self.fill.price)
    }

    /// Time of the quote that filled it, UTC nanoseconds.
    #[getter]
    const fn ts(&self) -> i64 {
        self.fill.time.0
    }

    #[allow(clippy::type_complexity)]
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> (Bound<'py, PyType>, (String, String, u32, &'static str, String, String, i64)) {
        let Fill { client_order_id, venue_order_id, symbol, side, quantity, price, time } = &self.fill;
        let numbers = (quantity.to_string(), price.to_string());
        (
            py.get_type::<Self>(),
            (client_order_id.clone(), venue_order_id.clone(), symbol.0, side.as_str(), numbers.0, numbers.1, time.0),
        )
    }

    fn __repr__(&self) -> String {
        let Fill { client_order_id, venue_order_id, symbol, side, quantity, price, time } = &self.fill;
        format!(
            "PaperFill(client_id={client_order_id:?}, order_id={venue_order_id:?}, uic={}, side='{side}', \
             amount='{quantity}', price='{price}', ts={})",
            symbol.0, time.0
        )
    }
}

/// A broker on paper; see `exuvia.brokers`.
#[pyclass(frozen, name = "PaperBroker", module = "exuvia.brokers")]
pub struct PyPaperBroker {
    broker: Mutex<PaperBroker>,
    tick: Option<Price>,
}

impl PyPaperBroker {
    fn with<T>(&self, work: impl FnOnce(&mut PaperBroker) -> T) -> T {
        work(&mut self.broker.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl PyPaperBroker {
    #[new]
    #[pyo3(
        signature = (cash = None, *, leverage = Some(30), tick = None, negative_prices = false),
        text_signature = "(cash=None, *, leverage=30, tick=None, negative_prices=False)"
    )]
    fn new(
        cash: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = leverage_of)] leverage: Option<u32>,
        tick: Option<&Bound<'_, PyAny>>,
        negative_prices: bool,
    ) -> PyResult<Self> {
        let cash = match cash {
            Some(cash) => text(cash, "cash")?.parse().map_err(refuse)?,
            None => Money::from_whole(1_000_000).map_err(refuse)?,
        };
        let tick = tick.map(|tick| price_of(tick, None)).transpose()?;
        if let Some(tick) = tick.filter(|tick| *tick <= Price::ZERO) {
            return Err(refuse(ModelError::BadTick(tick.to_string())));
        }
        Ok(Self { broker: Mutex::new(PaperBroker::new(Terms { cash, leverage, negative_prices })), tick })
    }

    /// Places an order; that of an instrument without a quote so far waits for its first one.
    ///
    /// A `client_id` names one order for ever: one that was used before sends nothing, and the refusal names the earlier
    /// order. The id of an order that was refused may be used again.
    ///
    /// Args:
    ///     order: Any object with `client_id`, `uic`, `side`, `amount`, `order_type`, `limit_price`, `decided`.
    ///
    /// Returns:
    ///     The order's id, or the reason of the refusal.
    ///
    /// Raises:
    ///     OrderError: An unknown side or order type, or a limit order without a limit.
    ///     ValueRangeError: A number that does not fit.
    fn place_order(&self, order: &Bound<'_, PyAny>) -> PyResult<PlaceResult> {
        let order_type: String = order.getattr("order_type")?.extract()?;
        let limit_price = order.getattr("limit_price")?;
        let limit = match (order_type.as_str(), limit_price.is_none()) {
            ("Market", _) => None,
            ("Limit", false) => Some(price_of(&limit_price, self.tick)?),
            ("Limit", true) => return Err(Failure::text("OrderError", "a Limit order needs a limit_price").into()),
            (other, _) => {
                return Err(Failure::text("OrderError", format!("order type {other:?} is not Market or Limit")).into());
            }
        };
        let order = NewOrder {
            reference: order.getattr("client_id")?.extract()?,
            symbol: Symbol(integers::uic(&order.getattr("uic")?)?),
            side: side_of(&order.getattr("side")?.extract::<String>()?)?,
            quantity: quantity_of(&order.getattr("amount")?)?,
            limit,
            decided: Time(integers::whole(&order.getattr("decided")?, "decided")?),
        };
        gate::stay(|| {
            Ok::<_, Failure>(match self.with(|broker| broker.place(order)) {
                Ok(order_id) => PlaceResult::new(Some(order_id), None, false),
                Err(refusal) => PlaceResult::new(None, Some(PaperError::to_string(&refusal)), false),
            })
        })
    }

    /// Takes a working order back; `False` if it does not work: filled, cancelled or never placed.
    fn cancel_order(&self, order_id: &str) -> PyResult<bool> {
        gate::stay(|| Ok::<_, Failure>(self.with(|broker| broker.cancel(order_id)).is_ok()))
    }

    /// Takes a quote and hands back the fills that it brought, in order of arrival.
    ///
    /// A quote older than the newest one of its instrument changes nothing and is counted in `late`. An order that
    /// it reaches and that would take the cash out of its range is rejected, as `activities` says; the others fill.
    ///
    /// Args:
    ///     quote: Any object with `uic`, `ts` (UTC nanoseconds), `bid`, `ask`, and `market_state` if it has one:
    ///         while that is not `Open` nothing fills and market orders are refused.
    ///
    /// Raises:
    ///     OrderError: A crossed quote, or one at or below zero where `negative_prices` was not said; nothing was filled.
    ///     ValueRangeError: A price that does not fit.
    ///     TypeError: A float price and no `tick` to round it to.
    fn on_quote(&self, quote: &Bound<'_, PyAny>) -> PyResult<Vec<PaperFill>> {
        let symbol = Symbol(integers::uic(&quote.getattr("uic")?)?);
        let state = quote.getattr_opt("market_state")?;
        let open = state.is_none_or(|state| state.eq("Open").unwrap_or(false));
        let quote = Quote {
            symbol,
            time: Time(integers::ts(&quote.getattr("ts")?)?),
            bid: price_of(&quote.getattr("bid")?, self.tick)?,
            ask: price_of(&quote.getattr("ask")?, self.tick)?,
            bid_size: Quantity::ZERO,
            ask_size: Quantity::ZERO,
        };
        gate::stay(|| {
            let fills = self.with(|broker| broker.on_quote_while(open, &quote))?;
            Ok::<_, Failure>(fills.into_iter().map(|fill| PaperFill { fill }).collect())
        })
    }

    /// Takes what became of the orders since the last call, oldest first, as `OrderManager.on_activity` takes it:
    /// placed, cancelled, filled. The last 10,000 are kept for who does not ask.
    fn activities<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let activities = gate::stay(|| Ok::<_, Failure>(self.with(PaperBroker::take_activities)))?;
        activities.iter().map(|activity| activity_dict(py, activity)).collect()
    }

    /// What is held of an instrument, as a signed `Decimal`; 0 of one that was never seen.
    fn position<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = integers::uic)] uic: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        decimal(py, self.with(|broker| broker.position(Symbol(uic))).quantity)
    }

    /// Cash at the start plus all that was realised, as a `Decimal`.
    #[getter]
    fn cash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        decimal(py, self.with(|broker| broker.cash()))
    }

    /// How many quotes were older than the newest one of their instrument.
    #[getter]
    fn late(&self) -> u64 {
        self.with(|broker| broker.late())
    }

    /// The ids of the working orders, oldest first.
    #[getter]
    fn working(&self) -> Vec<String> {
        self.with(|broker| broker.working())
    }

    fn __repr__(&self) -> String {
        self.with(|broker| format!("<PaperBroker cash {}, {} working>", broker.cash(), broker.working().len()))
    }
}

/// An activity in the shape of the venue's event stream, its numbers as decimals.
fn activity_dict<'py>(py: Python<'py>, activity: &Activity) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("ActivityType", "Orders")?;
    dict.set_item("SequenceId", &activity.sequence)?;
    dict.set_item("ActivityTime", activity.time.map(|time| time.to_string()))?;
    dict.set_item("OrderId", &activity.venue_id)?;
    dict.set_item("Uic", activity.symbol.map(|symbol| symbol.0))?;
    dict.set_item("BuySell", activity.side.map(Side::as_str))?;
    dict.set_item("ExternalReference", &activity.reference)?;
    dict.set_item("Status", activity.status.as_str())?;
    dict.set_item("SubStatus", "Confirmed")?;
    if let (Some(quantity), Some(price)) = (activity.fill_quantity, activity.execution_price) {
        dict.set_item("FillAmount", decimal(py, quantity)?)?;
        dict.set_item("FilledAmount", decimal(py, quantity)?)?;
        dict.set_item("ExecutionPrice", decimal(py, price)?)?;
        dict.set_item("AveragePrice", decimal(py, price)?)?;
    }
    Ok(dict)
}

fn leverage_of(value: &Bound<'_, PyAny>) -> PyResult<Option<u32>> {
    if value.is_none() {
        return Ok(None);
    }
    let leverage: i64 = integers::whole(value, "leverage")?;
    match u32::try_from(leverage) {
        Ok(leverage) if leverage > 0 => Ok(Some(leverage)),
        _ => {
            let text = format!("leverage {leverage} must be 1 to {}, or None: margin is not checked then", u32::MAX);
            Err(Failure::text("ValueRangeError", text).into())
        }
    }
}

fn refuse(error: ModelError) -> PyErr {
    Failure::from(error).into()
}

fn decimal<'py>(py: Python<'py>, value: impl std::fmt::Display) -> PyResult<Bound<'py, PyAny>> {
    static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    DECIMAL.import(py, "decimal", "Decimal")?.call1((value.to_string(),))
}

/// The decimal text of an `int`, a `str` or a `Decimal`.
fn text(value: &Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    if value.is_instance_of::<PyFloat>() {
        return Err(PyTypeError::new_err(format!(
            "{what} {value} is a float: give a Decimal, str or int, or for prices name the tick: PaperBroker(tick='0.00001')"
        )));
    }
    Ok(value.str()?.to_string())
}

fn price_of(value: &Bound<'_, PyAny>, tick: Option<Price>) -> PyResult<Price> {
    match (value.cast::<PyFloat>(), tick) {
        (Ok(value), Some(tick)) => Price::from_float(value.value(), tick).map_err(refuse),
        _ => text(value, "price")?.parse().map_err(refuse),
    }
}

fn quantity_of(value: &Bound<'_, PyAny>) -> PyResult<Quantity> {
    text(value, "amount")?.parse().map_err(refuse)
}

fn side_of(text: &str) -> PyResult<Side> {
    text.parse().map_err(|error: ModelError| Failure::new("OrderError", &error).into())
}

/// Adds this part to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyPaperBroker>()?;
    module.add_class::<PlaceResult>()?;
    module.add_class::<PaperFill>()
}
