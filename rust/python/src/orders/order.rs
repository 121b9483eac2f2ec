//! `Limits` and `Order`.

use exuvia_execution as execution;
use exuvia_model::{OrderStatus, OrderType, Side};
use pyo3::prelude::*;

use super::money::units;
use super::refused;
use crate::failure::Failure;
use crate::integers;
use crate::scan::value::{value, value_methods};

/// The pre-trade limits.
///
/// Args:
///     max_amount: Largest amount of one order, units.
///     max_position: Largest position of a scenario, long or short, counting open orders; units.
///     duplicate_window_s: For how many seconds the same order is a duplicate.
#[pyclass(frozen, get_all, module = "exuvia.orders")]
pub struct Limits {
    /// Largest amount of one order, units.
    max_amount: i64,
    /// Largest position of a scenario, long or short, counting open orders; units.
    max_position: i64,
    /// For how many seconds the same order is a duplicate.
    duplicate_window_s: i64,
}

value!(Limits {
    max_amount => |this, _py| this.max_amount,
    max_position => |this, _py| this.max_position,
    duplicate_window_s => |this, _py| this.duplicate_window_s,
});

value_methods!(Limits {
    #[new]
    #[pyo3(signature = (max_amount, max_position, duplicate_window_s))]
    fn new(#[pyo3(from_py_with = integers::max_amount)] max_amount: i64, #[pyo3(from_py_with = integers::max_position)] max_position: i64, #[pyo3(from_py_with = integers::duplicate_window_s)] duplicate_window_s: i64) -> PyResult<Self> {
        execution::Limits::whole(max_amount, max_position, duplicate_window_s).map_err(|error| refused(&error))?;
        Ok(Self { max_amount, max_position, duplicate_window_s })
    }
});

/// An order at one moment: a snapshot, the manager's next step makes another.
///
/// Args:
///     client_id: Our own id, `PREFIX-scenario-NNNNNN`.
///     scenario: Whose it is.
///     uic: The instrument.
///     side: "Buy" or "Sell".
///     amount: Units.
///     order_type: "Market" or "Limit".
///     limit_price: The limit of a limit order, else None.
///     decided: When it was decided, UTC nanoseconds.
///     reason: Why.
///     status: "pending", "unknown", "working" (also while partly filled), "pending_cancel", "filled", "cancelled", "rejected"
///         or "expired".
///     order_id: The venue's id, once it is known.
///     placed: When the venue took it.
///     filled: Units executed.
///     note: Why it was refused; empty otherwise.
///
/// Raises:
///     ValueRangeError: If side, type or status is unknown.
#[pyclass(frozen, module = "exuvia.orders")]
pub struct Order {
    /// Our own id, `PREFIX-scenario-NNNNNN`.
    #[pyo3(get)]
    client_id: String,
    /// Whose it is.
    #[pyo3(get)]
    scenario: String,
    /// The instrument.
    #[pyo3(get)]
    uic: i64,
    side: Side,
    /// Units.
    #[pyo3(get)]
    amount: i64,
    order_type: OrderType,
    /// The limit of a limit order, else None.
    #[pyo3(get)]
    limit_price: Option<f64>,
    /// When it was decided, UTC nanoseconds.
    #[pyo3(get)]
    decided: i64,
    /// Why.
    #[pyo3(get)]
    reason: String,
    status: OrderStatus,
    /// The venue's id, once it is known.
    #[pyo3(get)]
    order_id: Option<String>,
    /// When the venue took it.
    #[pyo3(get)]
    placed: Option<i64>,
    /// Units executed.
    #[pyo3(get)]
    filled: i64,
    /// Why it was refused; empty otherwise.
    #[pyo3(get)]
    note: String,
}

impl Order {
    /// The book's order as Python sees it.
    pub fn of(order: &execution::Order, uic: i64) -> Self {
        let intent = order.intent();
        Self {
            client_id: order.client_id().to_owned(),
            scenario: intent.scenario.clone(),
            uic,
            side: intent.side,
            amount: units(intent.quantity),
            order_type: intent.order_type,
            limit_price: intent.limit.map(exuvia_model::Price::to_f64),
            decided: intent.decided.0,
            reason: intent.reason.clone(),
            // The word of the bot: an order works until all of it is filled.
            status: match order.status() {
                OrderStatus::PartiallyFilled => OrderStatus::Working,
                status => status,
            },
            order_id: order.venue_id().map(str::to_owned),
            placed: order.placed().map(|time| time.0),
            filled: units(order.state().filled()),
            note: order.note().to_owned(),
        }
    }
}

value!(Order {
    client_id => |this, _py| this.client_id.as_str(),
    scenario => |this, _py| this.scenario.as_str(),
    uic => |this, _py| this.uic,
    side => |this, _py| this.side.as_str(),
    amount => |this, _py| this.amount,
    order_type => |this, _py| this.order_type.as_str(),
    limit_price => |this, _py| this.limit_price,
    decided => |this, _py| this.decided,
    reason => |this, _py| this.reason.as_str(),
    status => |this, _py| this.status.as_str(),
    order_id => |this, _py| this.order_id.as_deref(),
    placed => |this, _py| this.placed,
    filled => |this, _py| this.filled,
    note => |this, _py| this.note.as_str(),
});

value_methods!(Order {
    #[new]
    #[pyo3(signature = (client_id, scenario, uic, side, amount, order_type, limit_price, decided, reason, status, order_id = None, placed = None, filled = 0, note = String::new()))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        client_id: String,
        scenario: String,
        #[pyo3(from_py_with = integers::uic)] uic: i64,
        side: &str,
        #[pyo3(from_py_with = integers::amount)] amount: i64,
        order_type: &str,
        limit_price: Option<f64>,
        #[pyo3(from_py_with = integers::decided)] decided: i64,
        reason: String,
        status: &str,
        order_id: Option<String>,
        placed: Option<i64>,
        #[pyo3(from_py_with = integers::filled)] filled: i64,
        note: String,
    ) -> PyResult<Self> {
        let side = side.parse().map_err(Failure::from)?;
        let order_type = order_type.parse().map_err(Failure::from)?;
        let status = status.parse().map_err(Failure::from)?;
        Ok(Self {
            client_id, scenario, uic, side, amount, order_type, limit_price, decided, reason, status, order_id, placed,
            filled, note,
        })
    }

    /// "Buy" or "Sell".
    #[getter]
    fn side(&self) -> &'static str {
        self.side.as_str()
    }

    /// "Market" or "Limit".
    #[getter]
    fn order_type(&self) -> &'static str {
        self.order_type.as_str()
    }

    /// Where it stands.
    #[getter]
    fn status(&self) -> &'static str {
        self.status.as_str()
    }
});
