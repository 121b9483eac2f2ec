//! A scenario: one strategy on one instrument with its rules for order, exit and entry. Prices and
//! times come as floats because the rules are compared in floats, bit for bit as the bot does.

use crate::{ScanError, Strategy};

/// How a scenario enters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OrderStyle {
    /// At the market.
    Market,
    /// With a limit `offset` away from the quote, on a grid of `tick`.
    Limit {
        /// Distance from the bid (buy) or the ask (sell).
        offset: f64,
        /// The price grid.
        tick: f64,
    },
}

/// The rules of a scenario, checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Units of an entry.
    pub amount: i64,
    /// How it enters.
    pub style: OrderStyle,
    /// Widest spread to enter at.
    pub max_spread: f64,
    /// Loss per unit at which it leaves.
    pub stop: f64,
    /// Gain per unit at which it leaves.
    pub take: f64,
    /// Longest time in a position, in seconds.
    pub max_hold_s: f64,
    /// Shortest time between an exit and an entry, in seconds.
    pub cooldown_s: f64,
    /// How long a limit order rests, in seconds.
    pub order_ttl_s: f64,
    /// Oldest quote to act on, in seconds.
    pub max_quote_age_s: f64,
}

/// A strategy with its rules on one instrument.
#[derive(Debug)]
pub struct Scenario<S = Box<dyn Strategy>> {
    /// Its name: the key of its view, and part of client order ids.
    pub name: String,
    /// The venue's number of the instrument.
    pub uic: i64,
    /// What it does.
    pub rules: Rules,
    /// What it wants.
    pub strategy: S,
}

impl Rules {
    /// Checks the rules of scenario `name`.
    ///
    /// # Errors
    /// `Parameter` for an amount that is not positive, a number that is NaN or a tick that is not positive.
    pub fn checked(self, name: &str) -> Result<Self, ScanError> {
        positive(name, self.amount)?;
        self.style.checked(name)?;
        for (field, value) in [
            ("max_spread", self.max_spread),
            ("stop", self.stop),
            ("take", self.take),
            ("max_hold_s", self.max_hold_s),
            ("cooldown_s", self.cooldown_s),
            ("order_ttl_s", self.order_ttl_s),
            ("max_quote_age_s", self.max_quote_age_s),
        ] {
            number(name, field, value)?;
        }
        Ok(self)
    }
}

impl OrderStyle {
    /// Checks how scenario `name` enters.
    ///
    /// # Errors
    /// `Parameter` for a tick that is not positive or an offset that is NaN.
    pub fn checked(self, name: &str) -> Result<Self, ScanError> {
        if let Self::Limit { offset, tick } = self {
            number(name, "limit_offset", offset)?;
            if tick.is_nan() || tick <= 0.0 {
                return Err(refusal(name, "tick", tick.to_string(), "it must be positive"));
            }
        }
        Ok(self)
    }
}

/// The amount of scenario `name`.
///
/// # Errors
/// `Parameter` unless it is positive.
pub fn positive(name: &str, amount: i64) -> Result<i64, ScanError> {
    if amount > 0 { Ok(amount) } else { Err(refusal(name, "amount", amount.to_string(), "it must be positive")) }
}

/// The rule `field` of scenario `name`.
///
/// # Errors
/// `Parameter` if it is NaN.
pub fn number(name: &str, field: &'static str, value: f64) -> Result<f64, ScanError> {
    if value.is_nan() { Err(refusal(name, field, value.to_string(), "it must be a number")) } else { Ok(value) }
}

fn refusal(name: &str, field: &'static str, value: String, rule: &'static str) -> ScanError {
    ScanError::Parameter { owner: format!("scenario {name:?}"), field, value, rule }
}
