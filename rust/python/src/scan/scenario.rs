//! `Scenario`: one strategy on one instrument with its rules.

use exuvia_engine::{OrderStyle, Rules};
use pyo3::prelude::*;

use super::Refusal;
use super::read::unknown_style;
use super::value::{value, value_methods};
use crate::integers;

/// One strategy on one instrument, with its order, exit and entry rules; prices in price units.
///
/// Args:
///     name: Key of its view, and part of client order ids.
///     uic: The instrument.
///     amount: Units of an entry.
///     strategy: `SmaCross`, `ZScoreReversion`, or your own object with `target(closes, position)`.
///     order_type: "market" or "limit": how it enters.
///     limit_offset: Distance of a limit from the bid (buy) or ask (sell).
///     tick: Grid of limit prices.
///     max_spread: Widest spread to enter at.
///     stop: Loss per unit at which it leaves.
///     take: Gain per unit at which it leaves.
///     max_hold_s: Longest time in a position, seconds.
///     cooldown_s: Shortest time between an exit and the next entry, seconds.
///     order_ttl_s: Longest time that a limit order rests, seconds.
///     max_quote_age_s: Oldest quote to act on, seconds.
///
/// Raises:
///     ScanError: If a parameter makes no sense.
#[pyclass(frozen, get_all, module = "exuvia.scan")]
pub struct Scenario {
    /// Key of its view, and part of client order ids.
    name: String,
    /// The instrument.
    uic: i64,
    /// Units of an entry.
    amount: i64,
    /// `SmaCross`, `ZScoreReversion`, or your own object with `target(closes, position)`.
    strategy: Py<PyAny>,
    /// "market" or "limit": how it enters.
    order_type: String,
    /// Distance of a limit from the bid (buy) or ask (sell).
    limit_offset: f64,
    /// Grid of limit prices.
    tick: f64,
    /// Widest spread to enter at.
    max_spread: f64,
    /// Loss per unit at which it leaves.
    stop: f64,
    /// Gain per unit at which it leaves.
    take: f64,
    /// Longest time in a position, seconds.
    max_hold_s: f64,
    /// Shortest time between an exit and the next entry, seconds.
    cooldown_s: f64,
    /// Longest time that a limit order rests, seconds.
    order_ttl_s: f64,
    /// Oldest quote to act on, seconds.
    max_quote_age_s: f64,
}

impl Scenario {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn uic(&self) -> i64 {
        self.uic
    }

    pub const fn strategy(&self) -> &Py<PyAny> {
        &self.strategy
    }

    /// The rules; they were checked when the scenario was made.
    pub fn rules(&self) -> Rules {
        Rules {
            amount: self.amount,
            style: if self.order_type == "limit" {
                OrderStyle::Limit { offset: self.limit_offset, tick: self.tick }
            } else {
                OrderStyle::Market
            },
            max_spread: self.max_spread,
            stop: self.stop,
            take: self.take,
            max_hold_s: self.max_hold_s,
            cooldown_s: self.cooldown_s,
            order_ttl_s: self.order_ttl_s,
            max_quote_age_s: self.max_quote_age_s,
        }
    }
}

value!(Scenario {
    name => |this, _py| this.name.as_str(),
    uic => |this, _py| this.uic,
    amount => |this, _py| this.amount,
    strategy => |this, py| this.strategy.clone_ref(py),
    order_type => |this, _py| this.order_type.as_str(),
    limit_offset => |this, _py| this.limit_offset,
    tick => |this, _py| this.tick,
    max_spread => |this, _py| this.max_spread,
    stop => |this, _py| this.stop,
    take => |this, _py| this.take,
    max_hold_s => |this, _py| this.max_hold_s,
    cooldown_s => |this, _py| this.cooldown_s,
    order_ttl_s => |this, _py| this.order_ttl_s,
    max_quote_age_s => |this, _py| this.max_quote_age_s,
});

value_methods!(Scenario {
    #[new]
    #[pyo3(signature = (name, uic, amount, strategy, order_type, limit_offset, tick, max_spread, stop, take, max_hold_s, cooldown_s, order_ttl_s, max_quote_age_s))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        name: String,
        #[pyo3(from_py_with = integers::uic)] uic: i64,
        #[pyo3(from_py_with = integers::amount)] amount: i64,
        strategy: Py<PyAny>,
        order_type: String,
        limit_offset: f64,
        tick: f64,
        max_spread: f64,
        stop: f64,
        take: f64,
        max_hold_s: f64,
        cooldown_s: f64,
        order_ttl_s: f64,
        max_quote_age_s: f64,
    ) -> PyResult<Self> {
        if !matches!(order_type.as_str(), "market" | "limit") {
            return Err(unknown_style(&name, &order_type));
        }
        let scenario = Self {
            name, uic, amount, strategy, order_type, limit_offset, tick, max_spread, stop, take,
            max_hold_s, cooldown_s, order_ttl_s, max_quote_age_s,
        };
        scenario.rules().checked(&scenario.name).map_err(Refusal::from)?;
        Ok(scenario)
    }
});
