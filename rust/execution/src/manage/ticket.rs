//! What callers fill in: the order's common part, the entry of a bracket, new terms, and which orders are meant.

use exuvia_model::{OrderIntent, OrderType, Price, Quantity, Side, Symbol, Time, TimeInForce, Trail};

use crate::Order;

/// What every order has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Which scenario wants it.
    pub scenario: String,
    /// The instrument by its name; it must be listed.
    pub instrument: String,
    /// Which way.
    pub side: Side,
    /// How much, positive.
    pub quantity: Quantity,
    /// How long it works.
    pub duration: TimeInForce,
    /// Why, in a word.
    pub reason: String,
}

/// How an order is priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pricing {
    /// At the first price there is.
    Market,
    /// At this limit or better.
    Limit(Price),
    /// At the first price there is, once this was reached.
    Stop(Price),
    /// At the limit or better, once the stop was reached.
    StopLimit {
        /// The stop.
        stop: Price,
        /// The limit.
        limit: Price,
    },
    /// At a distance behind the market.
    Trailing {
        /// How far.
        trail: Trail,
        /// Where it starts, if the venue wants to know.
        start: Option<Price>,
    },
}

impl Ticket {
    pub(super) fn intent(&self, symbol: Symbol, pricing: Pricing, decided: Time) -> OrderIntent {
        let (order_type, limit, stop, trail) = match pricing {
            Pricing::Market => (OrderType::Market, None, None, None),
            Pricing::Limit(limit) => (OrderType::Limit, Some(limit), None, None),
            Pricing::Stop(stop) => (OrderType::Stop, None, Some(stop), None),
            Pricing::StopLimit { stop, limit } => (OrderType::StopLimit, Some(limit), Some(stop), None),
            Pricing::Trailing { trail, start } => (OrderType::TrailingStop, None, start, Some(trail)),
        };
        OrderIntent {
            scenario: self.scenario.clone(),
            symbol,
            side: self.side,
            quantity: self.quantity,
            order_type,
            limit,
            stop,
            trail,
            duration: self.duration,
            decided,
            reason: self.reason.clone(),
        }
    }
}

/// New terms of an order; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NewTerms {
    /// The new total amount, with what was executed.
    pub quantity: Option<Quantity>,
    /// The new limit.
    pub limit: Option<Price>,
    /// The new stop.
    pub stop: Option<Price>,
}

/// Which orders and positions are meant; nothing named means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Of this scenario only.
    pub scenario: Option<String>,
    /// In this instrument only, by its name.
    pub instrument: Option<String>,
}

/// A scope whose instrument was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) scenario: Option<&'a str>,
    pub(super) symbol: Option<Symbol>,
}

impl Found<'_> {
    pub(super) fn holds(self, scenario: &str, symbol: Symbol) -> bool {
        self.scenario.is_none_or(|wanted| wanted == scenario) && self.symbol.is_none_or(|wanted| wanted == symbol)
    }

    pub(super) fn has(self, order: &Order) -> bool {
        self.holds(&order.intent().scenario, order.intent().symbol)
    }
}
