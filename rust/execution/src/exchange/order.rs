//! An order as the exchange keeps it.

use exuvia_model::{OrderIntent, OrderStatus, OrderType, Price, Quantity, Side, Symbol, Time};

use super::fees::Charged;
use crate::holding::{Value, half_even};

/// What an account sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Whose order it is.
    pub account: u32,
    /// The owner's id of it; one order for ever.
    pub client_id: String,
    /// What is wanted.
    pub intent: OrderIntent,
    /// How many legs the strategy has that it is a part of: for [`FillModel::PerLeg`](super::FillModel); 1 for an order by itself.
    pub legs: u32,
}

/// An order at the exchange, or on its way there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperOrder {
    /// Its number, from 1 in the order in which orders were sent.
    pub id: u64,
    /// What was sent.
    pub placement: Placement,
    /// Where it stands: pending, working, partially filled, filled, cancelled, rejected or expired.
    pub status: OrderStatus,
    /// The total amount, as it was changed last.
    pub quantity: Quantity,
    /// What was executed.
    pub filled: Quantity,
    /// The limit as it is now.
    pub limit: Option<Price>,
    /// The stop as it is now.
    pub stop: Option<Price>,
    /// Whether its stop was set off; orders without a stop are.
    pub set_off: bool,
    /// When it ends by itself.
    pub expires: Option<Time>,
    /// When it changed last.
    pub updated: Time,
    /// Why it was refused or taken out; empty otherwise.
    pub words: String,
    /// Since when it stands at its price: the lower, the earlier.
    pub(super) rank: u64,
    /// How much of what is shown at its price is ahead of it; none while nobody knows.
    pub(super) ahead: Option<i64>,
    /// Since when it may meet the market, while it has not.
    pub(super) fresh: Option<Time>,
    pub(super) value: Value,
    pub(super) charged: Charged,
    /// The price by which the account's room was reserved.
    pub(super) reckoned: Price,
}

impl PaperOrder {
    pub(super) fn new(id: u64, placement: Placement, now: Time) -> Self {
        let OrderIntent { quantity, limit, stop, order_type, .. } = placement.intent;
        Self {
            id,
            placement,
            status: OrderStatus::PendingNew,
            quantity,
            filled: Quantity::ZERO,
            limit,
            stop,
            set_off: !order_type.is_stop(),
            expires: None,
            updated: now,
            words: String::new(),
            rank: 0,
            ahead: None,
            fresh: None,
            value: 0,
            charged: Charged::default(),
            reckoned: Price::ZERO,
        }
    }

    /// What is still to be executed; nothing once it has ended.
    #[must_use]
    pub fn open(&self) -> Quantity {
        if self.status.is_terminal() {
            Quantity::ZERO
        } else {
            Quantity::from_raw(self.quantity.raw() - self.filled.raw())
        }
    }

    /// The average price of what was executed, to the nearest 10⁻⁹.
    #[must_use]
    pub fn average(&self) -> Option<Price> {
        let filled = i128::from(self.filled.raw());
        let price = (filled > 0).then(|| half_even(0, self.value, filled))?;
        i64::try_from(price).ok().map(Price::from_raw)
    }

    /// Whether it stands in the market: accepted, set off, and not ended.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.set_off && self.is_live()
    }

    pub(super) const fn is_live(&self) -> bool {
        matches!(self.status, OrderStatus::Working | OrderStatus::PartiallyFilled)
    }

    pub(super) const fn side(&self) -> Side {
        self.placement.intent.side
    }

    pub(super) const fn symbol(&self) -> Symbol {
        self.placement.intent.symbol
    }

    pub(super) const fn order_type(&self) -> OrderType {
        self.placement.intent.order_type
    }

    /// Whether a price is within its limit.
    pub(super) fn takes(&self, price: Price) -> bool {
        self.limit.is_none_or(|limit| !is_worse(self.side(), price, limit))
    }

    /// Where it stands among the orders of its side: market orders first, then by price, then by time.
    pub(super) fn place(&self) -> Place {
        let key =
            self.limit.map_or(i64::MIN, |limit| limit.raw().saturating_mul(-self.side().sign()).max(i64::MIN + 1));
        Place { key, rank: self.rank, id: self.id }
    }
}

/// The place of a standing order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    key: i64,
    rank: u64,
    pub(super) id: u64,
}

/// Whether `price` is worse than `than` for an order of this side.
pub(super) fn is_worse(side: Side, price: Price, than: Price) -> bool {
    match side {
        Side::Buy => price > than,
        Side::Sell => price < than,
    }
}
