//! What goes into a decision and what comes out: `ScenarioView` and `Intent`.

use exuvia_engine as engine;
use exuvia_model::{OrderType, Side};
use pyo3::prelude::*;

use super::value::{value, value_methods};
use crate::failure::Failure;
use crate::integers;

/// What a scan may know of a scenario: its position and its open order.
///
/// Args:
///     position: Signed units held; short is negative.
///     entry_price: Average entry price of the position.
///     entry_ts: When it was entered, UTC nanoseconds.
///     last_exit_ts: When the last one was left.
///     open_order: Client id of the open order.
///     open_side: Its side, "Buy" or "Sell".
///     open_type: Its type, "Market" or "Limit".
///     open_decided: When it was decided.
///
/// Raises:
///     ValueRangeError: If a side or type is unknown.
#[pyclass(frozen, module = "exuvia.scan")]
pub struct ScenarioView {
    /// Signed units held; short is negative.
    #[pyo3(get)]
    position: i64,
    /// Average entry price of the position.
    #[pyo3(get)]
    entry_price: Option<f64>,
    /// When it was entered, UTC nanoseconds.
    #[pyo3(get)]
    entry_ts: Option<i64>,
    /// When the last one was left.
    #[pyo3(get)]
    last_exit_ts: Option<i64>,
    /// Client id of the open order.
    #[pyo3(get)]
    open_order: Option<String>,
    open_side: Option<Side>,
    open_type: Option<OrderType>,
    /// When it was decided.
    #[pyo3(get)]
    open_decided: Option<i64>,
}

impl ScenarioView {
    /// The view as the engine takes it.
    pub fn view(&self) -> engine::View {
        engine::View {
            position: self.position,
            entry_price: self.entry_price,
            entry_time: self.entry_ts.map(exuvia_model::Time),
            last_exit: self.last_exit_ts.map(exuvia_model::Time),
            open: self.open_order.is_some().then(|| engine::OpenOrder {
                side: self.open_side,
                order_type: self.open_type,
                decided: self.open_decided.map(exuvia_model::Time),
            }),
        }
    }
}

value!(ScenarioView {
    position => |this, _py| this.position,
    entry_price => |this, _py| this.entry_price,
    entry_ts => |this, _py| this.entry_ts,
    last_exit_ts => |this, _py| this.last_exit_ts,
    open_order => |this, _py| this.open_order.as_deref(),
    open_side => |this, _py| this.open_side.map(Side::as_str),
    open_type => |this, _py| this.open_type.map(OrderType::as_str),
    open_decided => |this, _py| this.open_decided,
});

value_methods!(ScenarioView {
    #[new]
    #[pyo3(signature = (position = 0, entry_price = None, entry_ts = None, last_exit_ts = None, open_order = None, open_side = None, open_type = None, open_decided = None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        #[pyo3(from_py_with = integers::position)] position: i64,
        entry_price: Option<f64>,
        entry_ts: Option<i64>,
        last_exit_ts: Option<i64>,
        open_order: Option<String>,
        open_side: Option<&str>,
        open_type: Option<&str>,
        open_decided: Option<i64>,
    ) -> PyResult<Self> {
        let open_side = open_side.map(str::parse).transpose().map_err(Failure::from)?;
        let open_type = open_type.map(str::parse).transpose().map_err(Failure::from)?;
        Ok(Self { position, entry_price, entry_ts, last_exit_ts, open_order, open_side, open_type, open_decided })
    }

    /// Side of the open order.
    #[getter]
    fn open_side(&self) -> Option<&'static str> {
        self.open_side.map(Side::as_str)
    }

    /// Type of the open order.
    #[getter]
    fn open_type(&self) -> Option<&'static str> {
        self.open_type.map(OrderType::as_str)
    }
});

/// What a scan decided.
///
/// Args:
///     action: "place" or "cancel".
///     scenario: Name of the scenario.
///     uic: The instrument.
///     side: "Buy" or "Sell".
///     amount: Units; 0 for a cancel.
///     order_type: "Market" or "Limit".
///     limit_price: The limit of a limit order, else None.
///     decided: When, UTC nanoseconds.
///     reason: "entry", "stop", "take", "time", "signal" or "ttl".
///
/// Raises:
///     ScanError: If the action is unknown.
///     ValueRangeError: If the side or the type is unknown.
#[pyclass(frozen, module = "exuvia.scan")]
pub struct Intent {
    action: engine::Action,
    /// Name of the scenario.
    #[pyo3(get)]
    scenario: String,
    /// The instrument.
    #[pyo3(get)]
    uic: i64,
    side: Side,
    /// Units; 0 for a cancel.
    #[pyo3(get)]
    amount: i64,
    order_type: OrderType,
    /// The limit of a limit order, else None.
    #[pyo3(get)]
    limit_price: Option<f64>,
    /// When, UTC nanoseconds.
    #[pyo3(get)]
    decided: i64,
    /// "entry", "stop", "take", "time", "signal" or "ttl".
    #[pyo3(get)]
    reason: String,
}

impl From<engine::Intent> for Intent {
    fn from(intent: engine::Intent) -> Self {
        Self {
            action: intent.action,
            scenario: intent.scenario,
            uic: intent.uic,
            side: intent.side,
            amount: intent.amount,
            order_type: intent.order_type,
            limit_price: intent.limit,
            decided: intent.decided.0,
            reason: intent.reason.as_str().to_owned(),
        }
    }
}

value!(Intent {
    action => |this, _py| this.action.as_str(),
    scenario => |this, _py| this.scenario.as_str(),
    uic => |this, _py| this.uic,
    side => |this, _py| this.side.as_str(),
    amount => |this, _py| this.amount,
    order_type => |this, _py| this.order_type.as_str(),
    limit_price => |this, _py| this.limit_price,
    decided => |this, _py| this.decided,
    reason => |this, _py| this.reason.as_str(),
});

value_methods!(Intent {
    #[new]
    #[pyo3(signature = (action, scenario, uic, side, amount, order_type, limit_price, decided, reason))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        action: &str,
        scenario: String,
        #[pyo3(from_py_with = integers::uic)] uic: i64,
        side: &str,
        #[pyo3(from_py_with = integers::amount)] amount: i64,
        order_type: &str,
        limit_price: Option<f64>,
        #[pyo3(from_py_with = integers::decided)] decided: i64,
        reason: String,
    ) -> PyResult<Self> {
        let action = match action {
            "place" => engine::Action::Place,
            "cancel" => engine::Action::Cancel,
            _ => return Err(Failure::text("ScanError", format!("action {action:?} is unknown: use one of place, cancel")).into()),
        };
        let side = side.parse().map_err(Failure::from)?;
        let order_type = order_type.parse().map_err(Failure::from)?;
        Ok(Self { action, scenario, uic, side, amount, order_type, limit_price, decided, reason })
    }

    /// "place" or "cancel".
    #[getter]
    fn action(&self) -> &'static str {
        self.action.as_str()
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
});
