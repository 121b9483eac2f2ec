//! What can go wrong with an order; each message names the order, the value and what to do.

use exuvia_model::{ModelError, OrderType, Price, Quantity};
use thiserror::Error;

use crate::{Decimal, DecimalError, JournalError, StepError};

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
    /// A price that the type of the order needs is missing, or there is one too many.
    #[error("intent of scenario {scenario:?} is a {order_type} order: {why}")]
    BadTerms {
        /// Who wants it.
        scenario: String,
        /// Its type.
        order_type: OrderType,
        /// The rule.
        why: &'static str,
    },
    /// A number of an instrument that cannot be.
    #[error("instrument {name:?} has a {field} of {value}: it must be positive")]
    BadInstrument {
        /// Which instrument.
        name: String,
        /// Which number.
        field: &'static str,
        /// The number.
        value: String,
    },
    /// An instrument that was not listed, or that was listed with other terms.
    #[error("instrument {name} {why}")]
    Unlisted {
        /// Its name or number.
        name: String,
        /// What to do.
        why: &'static str,
    },
    /// A price between two ticks.
    #[error("price {price} of {instrument} is no multiple of its tick {tick}: use {below} or {above}")]
    OffTick {
        /// Which instrument.
        instrument: String,
        /// The price as it came.
        price: Price,
        /// The tick.
        tick: Price,
        /// The tick below.
        below: Price,
        /// The tick above.
        above: Price,
    },
    /// A price at or below zero.
    #[error(
        "price {price} of {instrument} is not positive: where an instrument may trade below zero, list it with negative_prices"
    )]
    NotPositive {
        /// Which instrument.
        instrument: String,
        /// The price as it came.
        price: Price,
    },
    /// An amount that is no multiple of the lot.
    #[error("amount {quantity} of {instrument} must be a positive multiple of its lot {lot}")]
    OffLot {
        /// Which instrument.
        instrument: String,
        /// The amount as it came.
        quantity: Quantity,
        /// The lot.
        lot: Quantity,
    },
    /// Orders that cannot hang together as was asked.
    #[error("{link} of scenario {scenario:?}: {why}")]
    BadLink {
        /// What they should be.
        link: &'static str,
        /// Whose they are.
        scenario: String,
        /// The rule with the values.
        why: String,
    },
    /// A client id that this desk would not give.
    #[error("client id {client_id:?} {why}")]
    BadId {
        /// The id.
        client_id: String,
        /// What is wrong with it.
        why: String,
    },
    /// The first change of a desk is its opening, and no other.
    #[error("a desk is opened once, before anything else: it {0}")]
    Opening(&'static str),
    /// A stop that is moved although the order has none that trails.
    #[error("order {client_id} is a {order_type} order: only the stop of a TrailingStop moves by itself")]
    NotTrailing {
        /// Which order.
        client_id: String,
        /// Its type.
        order_type: OrderType,
    },
    /// The journal could not take the change: nothing happened, nothing may be sent.
    #[error(transparent)]
    Journal(#[from] JournalError),
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

impl OrderError {
    /// A word for programs; it stays the same when the sentence changes.
    ///
    /// ```
    /// use exuvia_execution::OrderError;
    /// assert_eq!(OrderError::NoSuchOrder { client_id: "LB-trend-000001".into() }.code(), "no_such_order");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadAmount { .. } => "bad_amount",
            Self::BadLimit { .. } => "bad_limit",
            Self::BadTerms { .. } => "bad_terms",
            Self::BadInstrument { .. } => "bad_instrument",
            Self::Unlisted { .. } => "unlisted",
            Self::OffTick { .. } => "off_tick",
            Self::NotPositive { .. } => "not_positive",
            Self::OffLot { .. } => "off_lot",
            Self::BadLink { .. } => "bad_link",
            Self::BadId { .. } => "bad_id",
            Self::Opening(_) => "opening",
            Self::NotTrailing { .. } => "not_trailing",
            Self::Journal(error) => error.code(),
            Self::Step { source, .. } => source.code(),
            Self::NoSuchOrder { .. } => "no_such_order",
            Self::Incomplete { .. } => "incomplete",
            Self::Contradiction { .. } => "contradiction",
            Self::BadPrice { .. } => "bad_price",
            Self::TurnsPosition { .. } => "turns_position",
            Self::Halted { .. } => "halted",
            Self::Value(_) => "bad_value",
            Self::Decimal(_) => "bad_decimal",
        }
    }
}
