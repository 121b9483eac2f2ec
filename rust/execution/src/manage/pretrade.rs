//! The seam between a manager and the pre-trade checks, the trading mode and the kill switch: one question, asked before an
//! order is taken, before it is changed, and again at the moment before its bytes leave.

use exuvia_model::Time;

use crate::{Amendment, Desk, Order};

/// What is asked of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked<'a> {
    /// May this order be? It is on the desk's record as an intent, and so are those that hang together with it.
    Order(&'a Order),
    /// May it be changed to these terms?
    Change(&'a Order, &'a Amendment),
    /// May its bytes leave now? It passed `Order` before, perhaps long before: here the trading mode and the kill switch answer.
    Send(&'a Order),
}

impl Asked<'_> {
    /// The order that it is about.
    #[must_use]
    pub const fn order(&self) -> &Order {
        match self {
            Self::Order(order) | Self::Change(order, _) | Self::Send(order) => order,
        }
    }
}

/// Why the checks refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// A word for programs: which check it was.
    pub code: &'static str,
    /// Which check, which value, which limit.
    pub words: String,
}

/// The checks of a desk. Cancels are not asked for: taking an order back is always allowed.
pub trait PreTrade {
    /// Lets it pass, or says why not.
    ///
    /// # Errors
    /// The refusal; nothing is sent then.
    fn check(&mut self, desk: &Desk, asked: Asked<'_>, now: Time) -> Result<(), Refused>;
}
