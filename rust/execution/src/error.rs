//! What can go wrong with an order; each message names the order, the value and what to do.

use exuvia_model::{ModelError, OrderType};
use thiserror::Error;

use crate::{Decimal, DecimalError, StepError};

/// An order, or a step of one, that is not allowed.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum OrderError {
    /// The amount is zero or negative.
    #[error(
        "intent of scenario {scenario:?} has amount {amount}: an order needs a positive amount, the side says which way"
    )]
    BadAmount {
        /// Who wants it.
        scenario: String,
        /// The amount as it came.
        amount: String,
    },
    /// A limit order without a positive limit, or a market order with one.
    #[error(
        "intent of scenario {scenario:?} is a {order_type} order with limit price {limit}: a Limit needs a positive price, a Market none"
    )]
    BadLimit {
        /// Who wants it.
        scenario: String,
        /// Market or Limit.
        order_type: OrderType,
        /// The limit as it came.
        limit: String,
    },
    /// The machine has no such step.
    #[error("order {client_id}: {source}")]
    Step {
        /// Which order.
        client_id: String,
        /// The step.
        source: StepError,
    },
    /// An id that the book never gave out.
    #[error("order {client_id} is not in this book: answers must carry the client id that the book gave")]
    NoSuchOrder {
        /// The id as it came.
        client_id: String,
    },
    /// A fill without amount or price.
    #[error("activity {sequence:?} of order {client_id} has status {status} but no {field}: the fill cannot be booked")]
    Incomplete {
        /// Which order.
        client_id: String,
        /// The activity's sequence id.
        sequence: String,
        /// Its status.
        status: &'static str,
        /// What is missing.
        field: &'static str,
    },
    /// An activity that names our order and says something else of it.
    #[error(
        "activity {sequence:?} of order {client_id} says {field} {said}, but the order is {ours}: it was not booked, ask the venue whose it is"
    )]
    Contradiction {
        /// Which order.
        client_id: String,
        /// The activity's sequence id.
        sequence: String,
        /// The field in the venue's words.
        field: &'static str,
        /// What the activity says.
        said: String,
        /// What we sent.
        ours: String,
    },
    /// An execution price that no instrument here can have.
    #[error("order {client_id} was executed at {price}: a price must be positive, ask the venue")]
    BadPrice {
        /// Which order.
        client_id: String,
        /// The price as it came.
        price: Decimal,
    },
    /// A fill that would turn a position to the other side.
    #[error(
        "fill of {change} by {client_id} exceeds the position of {position}: an order that closes must not be larger than what it closes"
    )]
    TurnsPosition {
        /// Which order.
        client_id: String,
        /// The signed amount of the fill.
        change: Decimal,
        /// The signed position before it.
        position: Decimal,
    },
    /// The broker panicked: what it did is not known.
    #[error(
        "orders are halted since the broker panicked while it placed {client_id}: reconcile that order with the venue and start a new manager"
    )]
    Halted {
        /// The order that was under way.
        client_id: String,
    },
    /// A number that does not fit.
    #[error(transparent)]
    Value(#[from] ModelError),
    /// A sum that is not exact any more.
    #[error(transparent)]
    Decimal(#[from] DecimalError),
}
