//! What the bot's order manager asks of its way to a venue, and what that may answer. No answer is an answer too:
//! the order is then unknown, not rejected. A desk speaks to a [`Broker`](crate::Broker), which answers more.

use crate::CheckedOrder;

/// The answer to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceAnswer {
    /// The venue has it, under this id.
    Accepted(String),
    /// The venue refused it, with these words.
    Rejected(String),
    /// It may be live: time-out, 5xx, reset connection, 202.
    Unknown(String),
}

/// The answer to a cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelAnswer {
    /// The venue took the request; its activity confirms it.
    Requested,
    /// The venue did not take it, or has no such order.
    Refused(String),
    /// No answer: the cancel may be under way.
    Unknown(String),
}

/// A way to a venue for the book of a bot.
pub trait Gateway {
    /// Sends an order; only a checked one can be sent.
    fn place(&mut self, order: &CheckedOrder) -> PlaceAnswer;

    /// Asks the venue to take back the order that it knows by `venue_id`.
    fn cancel(&mut self, venue_id: &str) -> CancelAnswer;
}
