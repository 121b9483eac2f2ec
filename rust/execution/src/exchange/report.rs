//! What the exchange says of an order, and when its owner hears it.

use std::fmt;

use exuvia_model::{Price, Quantity, Time};

use super::Refusal;
use crate::{Amendment, Fee};

/// Whether an execution was waited for or come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The order rested, and somebody came.
    Maker,
    /// The order came and took what was there.
    Taker,
}

/// Why an order was taken out of the market without having been executed whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Its owner asked for it.
    Asked,
    /// It was immediate or nothing, and the rest could not be had at once.
    NotAtOnce,
    /// It was all or nothing, and all could not be had.
    NotWhole,
    /// It was a market order larger than what was shown ([`Beyond::Cancel`](super::Beyond)).
    Beyond,
    /// It met an order of its own account.
    SelfTrade,
    /// Its execution leaves the range of what can be booked.
    Unbookable,
}

impl fmt::Display for Removal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Asked => "cancelled by its owner",
            Self::NotAtOnce => "what could not be had at once was cancelled",
            Self::NotWhole => "all of it could not be had at once",
            Self::Beyond => "the rest of a market order larger than what was shown was cancelled",
            Self::SelfTrade => "it met an order of its own account",
            Self::Unbookable => "its execution would leave the range of quantities or money",
        })
    }
}

/// What became of an order or a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The exchange has the order.
    Accepted,
    /// It does not.
    Refused(Refusal),
    /// The stop was set off: from now on it is a market or a limit order.
    SetOff,
    /// The stop of a trailing order moved.
    Trailed(Price),
    /// Some of it was executed.
    Executed {
        /// Number of the execution, from 1 over all accounts; the two sides of a meeting of orders have two numbers.
        number: u64,
        /// How much, positive.
        quantity: Quantity,
        /// At what price.
        price: Price,
        /// What it cost.
        fee: Fee,
        /// Which part it had.
        role: Role,
        /// Whether that was all of the order.
        last: bool,
    },
    /// The order has these terms now.
    Replaced(Amendment),
    /// It keeps those it had.
    ReplaceRefused(Refusal),
    /// It was taken out.
    Cancelled(Removal),
    /// The cancel came to nothing.
    CancelRefused(Refusal),
    /// The session ended, and the order with it.
    Expired,
}

/// Something that the exchange says to an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// To whom.
    pub account: u32,
    /// Of which order.
    pub order: u64,
    /// The owner's id of it.
    pub client_id: String,
    /// What happened.
    pub event: Event,
    /// When it happened.
    pub happened: Time,
    /// When the owner hears it.
    pub heard: Time,
}
