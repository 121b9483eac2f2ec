//! What the exchange refuses, and what it cannot take at all.

use exuvia_market::sessions::CalendarError;
use exuvia_model::{Money, OrderStatus, Price, Quantity, Symbol, Time};
use thiserror::Error;

use crate::{Currency, OrderError};

/// Why an order, a change or a cancel was refused; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Refusal {
    /// Type, prices, tick or lot.
    #[error(transparent)]
    Terms(Box<OrderError>),
    /// The client id named an order of this account before.
    #[error(
        "client id {client_id:?} is already that of order {earlier}: look up what became of it, or take a new id for another order"
    )]
    Repeated {
        /// The id.
        client_id: String,
        /// The order that had it first.
        earlier: u64,
    },
    /// The market is closed.
    #[error(
        "the market of {instrument} is closed at {time}: send the order in a session, or list the instrument with Closed::Queue"
    )]
    Closed {
        /// Which instrument.
        instrument: String,
        /// When the order arrived.
        time: Time,
    },
    /// The calendar does not know the day.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// More than what is held would be sold.
    #[error(
        "selling {amount} with {selling} on offer already is more than the {held} held of {instrument}: this account does not sell short"
    )]
    Short {
        /// Which instrument.
        instrument: String,
        /// What was to be sold.
        amount: Quantity,
        /// What other orders sell.
        selling: Quantity,
        /// What is held.
        held: Quantity,
    },
    /// Not enough cash.
    #[error(
        "the order needs {needed} {currency} with its fee, but only {available} of the cash is not reserved by other orders: reduce it or cancel some"
    )]
    Cash {
        /// Its value and fee.
        needed: Money,
        /// What is left.
        available: Money,
        /// Of which currency.
        currency: Currency,
    },
    /// Not enough margin.
    #[error(
        "an exposure worth {exposure} {currency} is more than {leverage} times the equity of {equity}: reduce the order or cancel working ones"
    )]
    Margin {
        /// Greatest value that positions and orders could have.
        exposure: Money,
        /// Cash and what is held, at the market.
        equity: Money,
        /// How much one unit of equity carries.
        leverage: u32,
        /// In which currency.
        currency: Currency,
    },
    /// Position and orders together leave the range of a quantity, or their value that of money.
    #[error(
        "{amount} of {instrument} together with position and working orders is out of range: amounts stay below 9.2e9, values below 1.7e29"
    )]
    TooMuch {
        /// Which instrument.
        instrument: String,
        /// What was ordered.
        amount: Quantity,
    },
    /// Nothing says what the order is worth.
    #[error(
        "{instrument} has no price yet, so nobody can say whether the account carries the order: wait for data, or give a limit"
    )]
    NoPrice {
        /// Which instrument.
        instrument: String,
    },
    /// The exchange never got this order of this account.
    #[error("order {0} is not at the exchange: it was never placed by this account, or is still on its way")]
    NoSuchOrder(u64),
    /// The order has ended.
    #[error("order {order} is {status} already: there is nothing to change or to cancel")]
    Ended {
        /// Which order.
        order: u64,
        /// How it ended.
        status: OrderStatus,
    },
    /// A new total that leaves nothing.
    #[error("a total of {quantity} is not more than the {filled} already executed of order {order}: cancel it instead")]
    NothingLeft {
        /// Which order.
        order: u64,
        /// The new total.
        quantity: Quantity,
        /// What was executed.
        filled: Quantity,
    },
    /// A stop that was set off is no stop any more.
    #[error("the stop of order {0} was set off already: change its limit, or cancel it")]
    SetOff(u64),
}

impl From<OrderError> for Refusal {
    fn from(error: OrderError) -> Self {
        Self::Terms(Box::new(error))
    }
}

impl Refusal {
    /// A word for programs; it stays the same when the sentence changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Terms(error) => error.code(),
            Self::Repeated { .. } => "repeated",
            Self::Closed { .. } => "closed",
            Self::Calendar(_) => "calendar",
            Self::Short { .. } => "short",
            Self::Cash { .. } => "cash",
            Self::Margin { .. } => "margin",
            Self::TooMuch { .. } => "too_much",
            Self::NoPrice { .. } => "no_price",
            Self::NoSuchOrder(_) => "no_such_order",
            Self::Ended { .. } => "ended",
            Self::NothingLeft { .. } => "nothing_left",
            Self::SetOff(_) => "set_off",
        }
    }
}

/// What the exchange cannot take; it is as before then.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ExchangeError {
    /// A rule, fee, delay or account that cannot be.
    #[error("{what}: {why}")]
    BadConfig {
        /// Which part.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// An account that was not opened.
    #[error("account {0} is not open at this exchange: name it in Config::accounts")]
    UnknownAccount(u32),
    /// An instrument that was not listed.
    #[error("symbol {0:?} is not listed at this exchange: name it in Config::listings")]
    Unlisted(Symbol),
    /// Time goes forward.
    #[error("the exchange is at {clock}, {now} is before that: give orders and data in order of time")]
    ClockBack {
        /// Where the exchange is.
        clock: Time,
        /// What it was told.
        now: Time,
    },
    /// Bid above ask.
    #[error("{instrument} at {time} is crossed: bid {bid} > ask {ask}; it was not traded on")]
    Crossed {
        /// Which instrument.
        instrument: String,
        /// When.
        time: Time,
        /// Its bid.
        bid: Price,
        /// Its ask.
        ask: Price,
    },
    /// A price at or below zero.
    #[error(
        "{instrument} at {time} has a price of {price}, which is not positive: it was not traded on; where it may trade below zero, list it with negative_prices"
    )]
    NotPositive {
        /// Which instrument.
        instrument: String,
        /// When.
        time: Time,
        /// The price.
        price: Price,
    },
    /// Levels out of order, or with a negative size.
    #[error(
        "{instrument} at {time}: level {price} × {size} does not follow the one before it; give bids descending, asks ascending, no price twice and no size below zero"
    )]
    BadLevel {
        /// Which instrument.
        instrument: String,
        /// When.
        time: Time,
        /// The price.
        price: Price,
        /// The size.
        size: Quantity,
    },
    /// Data of a kind that the instrument is not matched by.
    #[error("{instrument} is listed with Feed::{feed:?}: it does not take {got}")]
    WrongFeed {
        /// Which instrument.
        instrument: String,
        /// How it is listed.
        feed: super::Feed,
        /// What came.
        got: &'static str,
    },
    /// The calendar does not know the day.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

impl ExchangeError {
    /// A word for programs; it stays the same when the sentence changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadConfig { .. } => "bad_config",
            Self::UnknownAccount(_) => "unknown_account",
            Self::Unlisted(_) => "unlisted",
            Self::ClockBack { .. } => "clock_back",
            Self::Crossed { .. } => "crossed",
            Self::NotPositive { .. } => "not_positive",
            Self::BadLevel { .. } => "bad_level",
            Self::WrongFeed { .. } => "wrong_feed",
            Self::Calendar(_) => "calendar",
        }
    }
}
