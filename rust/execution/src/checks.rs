//! The pre-trade checks, in their order: `size`, `position`, `duplicate`. Each refusal says which check,
//! which value and which limit. All of them fail closed.

use std::fmt;

use exuvia_model::{OrderIntent, OrderType, Price, Quantity, Trail};

use crate::OrderError;
use crate::instrument::is_tighter;

/// What a scenario may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Largest amount of one order.
    pub max_amount: Quantity,
    /// Largest position of a scenario, long or short, counting what is open.
    pub max_position: Quantity,
    /// How long the same order is a duplicate, in nanoseconds.
    pub duplicate_window: i64,
}

/// Why the checks refused an order; its text is the order's note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The order is too large.
    Size {
        /// Its amount.
        value: Quantity,
        /// The limit.
        limit: Quantity,
    },
    /// The position would become too large.
    Position {
        /// What it would become, scaled by 10⁹.
        value: i128,
        /// The limit.
        limit: Quantity,
    },
    /// The same order was submitted a moment ago.
    Duplicate {
        /// Client id of the earlier order.
        earlier: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size { value, limit } => write!(out, "size: {value} > {limit}"),
            Self::Position { value, limit } => {
                write!(out, "position: {} > {limit}", exuvia_model::Money::from_raw(*value))
            }
            Self::Duplicate { earlier } => write!(out, "duplicate: {earlier}"),
        }
    }
}

/// Refuses an intent that is no order at all.
///
/// # Errors
/// `BadAmount`, `BadLimit`.
pub(crate) fn well_formed(intent: &OrderIntent) -> Result<(), OrderError> {
    if intent.quantity <= Quantity::ZERO {
        return Err(OrderError::BadAmount { scenario: intent.scenario.clone(), amount: intent.quantity.to_string() });
    }
    if intent.order_type == OrderType::Limit && intent.limit.is_some_and(|price| price <= Price::ZERO) {
        return Err(bad_limit(intent));
    }
    complete(intent)
}

/// Refuses an intent that lacks a price that its type needs, or has one that it must not have.
///
/// # Errors
/// `BadLimit`, `BadTerms`.
pub(crate) fn complete(intent: &OrderIntent) -> Result<(), OrderError> {
    let bad = |why| {
        let (scenario, order_type) = (intent.scenario.clone(), intent.order_type);
        Err(OrderError::BadTerms { scenario, order_type, why })
    };
    match (intent.order_type, intent.limit, intent.stop, intent.trail) {
        (OrderType::Market, None, None, None)
        | (OrderType::Limit, Some(_), None, None)
        | (OrderType::Stop, None, Some(_), None) => Ok(()),
        (OrderType::Market | OrderType::Limit, _, None, None) => Err(bad_limit(intent)),
        (OrderType::Market | OrderType::Limit, ..) => bad("neither a stop nor a trailing distance belongs to it"),
        (OrderType::Stop, ..) => bad("it needs a stop and nothing else"),
        (OrderType::StopLimit, Some(limit), Some(stop), None) => {
            if limit != stop && is_tighter(intent.side, limit, stop) {
                return bad("its limit must not be nearer to the market than its stop");
            }
            Ok(())
        }
        (OrderType::StopLimit, ..) => bad("it needs a stop and a limit"),
        (OrderType::TrailingStop, None, _, Some(Trail::Ticks(1..) | Trail::BasisPoints(1..10_000))) => Ok(()),
        (OrderType::TrailingStop, ..) => {
            bad("it needs a distance of at least a tick, or between 1 and 9999 basis points, and no limit")
        }
    }
}

fn bad_limit(intent: &OrderIntent) -> OrderError {
    OrderError::BadLimit {
        scenario: intent.scenario.clone(),
        order_type: intent.order_type,
        limit: intent.limit.map_or_else(|| "none".to_owned(), |price| price.to_string()),
    }
}

/// Runs the checks. `exposure` is the scenario's signed position with all that is open, scaled by 10⁹;
/// `earlier` finds the client id of the same order submitted within the window.
pub(crate) fn refusal(
    limits: &Limits,
    intent: &OrderIntent,
    exposure: impl FnOnce() -> i128,
    earlier: impl FnOnce() -> Option<String>,
) -> Option<Refusal> {
    if intent.quantity > limits.max_amount {
        return Some(Refusal::Size { value: intent.quantity, limit: limits.max_amount });
    }
    if intent.reason == "entry" {
        let value = (exposure() + i128::from(intent.quantity.raw()) * i128::from(intent.side.sign())).abs();
        if value > i128::from(limits.max_position.raw()) {
            return Some(Refusal::Position { value, limit: limits.max_position });
        }
    }
    earlier().map(|earlier| Refusal::Duplicate { earlier })
}
