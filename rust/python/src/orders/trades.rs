//! `Fill`, `ClosedTrade` and `Account`: what the manager gives to the ledger, and what the ledger gives out.

use exuvia_execution as execution;
use exuvia_execution::Decimal;
use exuvia_model::Side;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::money::{exact, to_python};
use crate::failure::Failure;
use crate::integers;
use crate::scan::value::{value, value_methods};

/// One execution of an order.
///
/// Args:
///     client_id: Our own id of the order.
///     scenario: Whose it is.
///     uic: The instrument.
///     side: "Buy" or "Sell".
///     amount: Units executed.
///     price: At what price: a Decimal, str or int.
///     ts: When, UTC nanoseconds.
///
/// Raises:
///     TypeError: If the price is a float.
///     ValueRangeError: If the price is no number or the side unknown.
#[pyclass(frozen, module = "exuvia.orders")]
pub struct Fill {
    /// Our own id of the order.
    #[pyo3(get)]
    client_id: String,
    /// Whose it is.
    #[pyo3(get)]
    scenario: String,
    /// The instrument.
    #[pyo3(get)]
    uic: i64,
    side: Side,
    /// Units executed.
    #[pyo3(get)]
    amount: i64,
    price: Decimal,
    /// When, UTC nanoseconds.
    #[pyo3(get)]
    ts: i64,
}

impl Fill {
    /// The book's fill as Python sees it.
    pub fn of(fill: execution::BookedFill, uic: i64) -> Self {
        Self {
            client_id: fill.client_id,
            scenario: fill.scenario,
            uic,
            side: fill.side,
            amount: super::money::units(fill.quantity),
            price: fill.price,
            ts: fill.time.0,
        }
    }
}

value!(Fill {
    client_id => |this, _py| this.client_id.as_str(),
    scenario => |this, _py| this.scenario.as_str(),
    uic => |this, _py| this.uic,
    side => |this, _py| this.side.as_str(),
    amount => |this, _py| this.amount,
    price => |this, py| to_python(py, &this.price)?,
    ts => |this, _py| this.ts,
});

value_methods!(Fill {
    #[new]
    #[pyo3(signature = (client_id, scenario, uic, side, amount, price, ts))]
    fn new(
        client_id: String,
        scenario: String,
        #[pyo3(from_py_with = integers::uic)] uic: i64,
        side: &str,
        #[pyo3(from_py_with = integers::amount)] amount: i64,
        price: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = integers::ts)] ts: i64,
    ) -> PyResult<Self> {
        let side = side.parse().map_err(Failure::from)?;
        Ok(Self { client_id, scenario, uic, side, amount, price: exact(price, "price")?, ts })
    }

    /// "Buy" or "Sell".
    #[getter]
    fn side(&self) -> &'static str {
        self.side.as_str()
    }

    /// At what price, a Decimal.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.price)
    }
});

/// A round trip.
///
/// Args:
///     scenario: Whose it is.
///     uic: The instrument.
///     side: "Buy" for one that was long.
///     amount: Units.
///     entry_ts: When it was entered, UTC nanoseconds.
///     entry_price: Average entry price, to 0.00001.
///     exit_ts: When it was left.
///     exit_price: Average exit price, to 0.00001.
///     pnl: Profit, to 0.01.
///     reason: Why it was closed.
///
/// Raises:
///     TypeError: If a price or the profit is a float.
///     ValueRangeError: If one is no number, or the side unknown.
#[pyclass(frozen, module = "exuvia.orders")]
pub struct ClosedTrade {
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
    /// When it was entered, UTC nanoseconds.
    #[pyo3(get)]
    entry_ts: i64,
    entry_price: Decimal,
    /// When it was left.
    #[pyo3(get)]
    exit_ts: i64,
    exit_price: Decimal,
    pnl: Decimal,
    /// Why it was closed.
    #[pyo3(get)]
    reason: String,
}

impl ClosedTrade {
    /// The ledger's trade as Python sees it.
    pub fn of(trade: execution::ClosedTrade, uic: i64) -> Self {
        Self {
            scenario: trade.scenario,
            uic,
            side: trade.side,
            amount: super::money::units(trade.quantity),
            entry_ts: trade.entry_time.0,
            entry_price: trade.entry_price,
            exit_ts: trade.exit_time.0,
            exit_price: trade.exit_price,
            pnl: trade.pnl,
            reason: trade.reason,
        }
    }
}

value!(ClosedTrade {
    scenario => |this, _py| this.scenario.as_str(),
    uic => |this, _py| this.uic,
    side => |this, _py| this.side.as_str(),
    amount => |this, _py| this.amount,
    entry_ts => |this, _py| this.entry_ts,
    entry_price => |this, py| to_python(py, &this.entry_price)?,
    exit_ts => |this, _py| this.exit_ts,
    exit_price => |this, py| to_python(py, &this.exit_price)?,
    pnl => |this, py| to_python(py, &this.pnl)?,
    reason => |this, _py| this.reason.as_str(),
});

value_methods!(ClosedTrade {
    #[new]
    #[pyo3(signature = (scenario, uic, side, amount, entry_ts, entry_price, exit_ts, exit_price, pnl, reason))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        scenario: String,
        #[pyo3(from_py_with = integers::uic)] uic: i64,
        side: &str,
        #[pyo3(from_py_with = integers::amount)] amount: i64,
        #[pyo3(from_py_with = integers::entry_ts)] entry_ts: i64,
        entry_price: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = integers::exit_ts)] exit_ts: i64,
        exit_price: &Bound<'_, PyAny>,
        pnl: &Bound<'_, PyAny>,
        reason: String,
    ) -> PyResult<Self> {
        let side = side.parse().map_err(Failure::from)?;
        let (entry_price, exit_price) = (exact(entry_price, "entry_price")?, exact(exit_price, "exit_price")?);
        let pnl = exact(pnl, "pnl")?;
        Ok(Self { scenario, uic, side, amount, entry_ts, entry_price, exit_ts, exit_price, pnl, reason })
    }

    /// "Buy" for one that was long.
    #[getter]
    fn side(&self) -> &'static str {
        self.side.as_str()
    }

    /// Average entry price, a Decimal.
    #[getter]
    fn entry_price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.entry_price)
    }

    /// Average exit price, a Decimal.
    #[getter]
    fn exit_price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.exit_price)
    }

    /// Profit, a Decimal.
    #[getter]
    fn pnl<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.pnl)
    }
});

/// One scenario's share of the ledger at one moment.
///
/// Args:
///     position: Signed units held.
///     cost: What they cost, negative for a short position.
///     realised: Profit of the closed trades.
///     closed_trades: How many there are.
///     entry_ts: When the open position was entered, UTC nanoseconds.
///     last_exit_ts: When the last one was left.
///     opened: Units that opened the position.
///     opened_notional: Price times units of them.
///     closed_notional: Price times units of what was closed of it so far.
///
/// Raises:
///     TypeError: If an amount of money is a float.
///     ValueRangeError: If one is no number.
#[pyclass(frozen, module = "exuvia.orders")]
pub struct Account {
    /// Signed units held.
    #[pyo3(get)]
    position: i64,
    cost: Decimal,
    realised: Decimal,
    /// How many there are.
    #[pyo3(get)]
    closed_trades: u64,
    /// When the open position was entered, UTC nanoseconds.
    #[pyo3(get)]
    entry_ts: Option<i64>,
    /// When the last one was left.
    #[pyo3(get)]
    last_exit_ts: Option<i64>,
    /// Units that opened the position.
    #[pyo3(get)]
    opened: i64,
    opened_notional: Decimal,
    closed_notional: Decimal,
}

value!(Account {
    position => |this, _py| this.position,
    cost => |this, py| to_python(py, &this.cost)?,
    realised => |this, py| to_python(py, &this.realised)?,
    closed_trades => |this, _py| this.closed_trades,
    entry_ts => |this, _py| this.entry_ts,
    last_exit_ts => |this, _py| this.last_exit_ts,
    opened => |this, _py| this.opened,
    opened_notional => |this, py| to_python(py, &this.opened_notional)?,
    closed_notional => |this, py| to_python(py, &this.closed_notional)?,
});

impl Account {
    /// The ledger's account as Python sees it.
    pub fn of(account: &execution::Account) -> PyResult<Self> {
        let whole = |raw: i128| {
            i64::try_from(raw / i128::from(exuvia_model::NANO))
                .map_err(|_| Failure::text("ValueRangeError", format!("position {raw}e-9 does not fit")))
        };
        Ok(Self {
            position: whole(account.position)?,
            cost: account.cost,
            realised: account.realised,
            closed_trades: account.closed_trades,
            entry_ts: account.entry_time.map(|time| time.0),
            last_exit_ts: account.last_exit.map(|time| time.0),
            opened: whole(account.opened)?,
            opened_notional: account.opened_notional,
            closed_notional: account.closed_notional,
        })
    }
}

value_methods!(Account {
    #[new]
    #[pyo3(signature = (position, cost, realised, closed_trades, entry_ts, last_exit_ts, opened, opened_notional, closed_notional))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        #[pyo3(from_py_with = integers::position)] position: i64,
        cost: &Bound<'_, PyAny>,
        realised: &Bound<'_, PyAny>,
        closed_trades: u64,
        entry_ts: Option<i64>,
        last_exit_ts: Option<i64>,
        #[pyo3(from_py_with = integers::opened)] opened: i64,
        opened_notional: &Bound<'_, PyAny>,
        closed_notional: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        Ok(Self {
            position,
            cost: exact(cost, "cost")?,
            realised: exact(realised, "realised")?,
            closed_trades,
            entry_ts,
            last_exit_ts,
            opened,
            opened_notional: exact(opened_notional, "opened_notional")?,
            closed_notional: exact(closed_notional, "closed_notional")?,
        })
    }

    /// What the position cost, a Decimal.
    #[getter]
    fn cost<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.cost)
    }

    /// Profit of the closed trades, a Decimal.
    #[getter]
    fn realised<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.realised)
    }

    /// Price times units of what opened the position, a Decimal.
    #[getter]
    fn opened_notional<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.opened_notional)
    }

    /// Price times units of what was closed so far, a Decimal.
    #[getter]
    fn closed_notional<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.closed_notional)
    }

    /// Return the account as a state file has it: decimals as text.
    fn as_state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let entry_price = self.entry_price(py)?.map(|price| price.str()).transpose()?;
        let state = PyDict::new(py);
        state.set_item("position", self.position)?;
        state.set_item("cost", self.cost.to_string())?;
        state.set_item("realised", self.realised.to_string())?;
        state.set_item("entry_ts", self.entry_ts)?;
        state.set_item("entry_price", entry_price)?;
        state.set_item("last_exit_ts", self.last_exit_ts)?;
        state.set_item("closed_trades", self.closed_trades)?;
        Ok(state)
    }

    /// Average price at which the open position was entered, to 0.00001; None without one.
    #[getter]
    fn entry_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.opened == 0 {
            return Ok(None);
        }
        let price = self.opened_notional.divided(&Decimal::from(self.opened), -5);
        Ok(Some(to_python(py, &price.map_err(|error| super::refused(&error.into()))?)?))
    }
});
