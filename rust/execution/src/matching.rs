//! The paper exchange's matching engine: orders and quotes in, executions out; positions net by
//! instrument, cash moves by what was realised. Pure: no clock, the quotes are the time.
//!
//! An order fills whole at the first quote whose time is strictly after its decision time: a market
//! order at once, a limit order when the quote has reached its limit; buys at the ask, sells at the bid.

use std::collections::BTreeMap;

use exuvia_model::{Money, NANO, OrderType, Position, Price, Quantity, Quote, Side, Symbol, Time};
use thiserror::Error;

use crate::holding::share;

/// Why the paper exchange refused; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Zero or less.
    #[error("quantity {0} must be positive: the side says which way")]
    Quantity(Quantity),
    /// A market order while the market is closed.
    #[error("the market of symbol {0:?} is closed: place a limit order, or wait until it opens")]
    MarketClosed(Symbol),
    /// The worst case of position and working orders needs more margin than there is cash.
    #[error(
        "an exposure of {exposure} needs more margin than the cash of {cash} at a leverage of {leverage}: reduce the amount or cancel working orders"
    )]
    Margin {
        /// Greatest exposure that the orders could lead to, in units of the instrument.
        exposure: Quantity,
        /// Cash balance.
        cash: Money,
        /// Notional that one unit of cash carries.
        leverage: u32,
    },
    /// Position and orders together leave the range of a quantity.
    #[error("quantity {0} together with position and working orders is out of range: it must stay below 9.2e9")]
    TooMuch(Quantity),
    /// No working order has this id.
    #[error("order {0} is not working: it was filled, cancelled, or never placed")]
    NotWorking(u64),
    /// Bid above ask; nothing fills on it.
    #[error("quote at {time} is crossed: bid {bid} > ask {ask}; it was not traded on")]
    Crossed {
        /// When.
        time: Time,
        /// Its bid.
        bid: Price,
        /// Its ask.
        ask: Price,
    },
    /// A price at or below zero on an account whose instruments forbid it; nothing fills on it.
    #[error(
        "quote at {time} has bid {bid} and ask {ask}: prices must be positive, it was not traded on; where an instrument may trade below zero, say so (negative_prices)"
    )]
    NotPositive {
        /// When.
        time: Time,
        /// Its bid.
        bid: Price,
        /// Its ask.
        ask: Price,
    },
    /// A limit at or below zero on an account whose instruments forbid it.
    #[error("limit {0} must be positive: where an instrument may trade below zero, say so (negative_prices)")]
    Limit(Price),
    /// The account's money left its range: the order is taken out of the book.
    #[error("order {0} would take the cash out of the range of money: it was rejected")]
    Cash(u64),
}

/// What the account starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Cash at the start, in the quote currency.
    pub cash: Money,
    /// Notional that one unit of cash carries (30: a margin rate of 1/30); `None`: margin is not checked.
    pub leverage: Option<u32>,
    /// Whether prices at or below zero trade, as those of spreads and of some futures may.
    pub negative_prices: bool,
}

/// What someone wants to trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// The client's own id, handed back with each execution.
    pub reference: String,
    /// Which instrument.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// How much, positive.
    pub quantity: Quantity,
    /// The limit; `None` is a market order.
    pub limit: Option<Price>,
    /// The decision time: quotes up to and including it do not fill the order.
    pub decided: Time,
}

/// An order that the exchange works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingOrder {
    /// Counter from 1 in order of arrival.
    pub id: u64,
    /// What was asked.
    pub order: NewOrder,
}

impl WorkingOrder {
    /// Market or limit.
    #[must_use]
    pub const fn order_type(&self) -> OrderType {
        if self.order.limit.is_some() { OrderType::Limit } else { OrderType::Market }
    }

    /// The price at which `quote` fills the order, if it does.
    fn fills_at(&self, quote: &Quote) -> Option<Price> {
        let order = &self.order;
        if order.symbol != quote.symbol || quote.time <= order.decided {
            return None;
        }
        let (price, reached) = match order.side {
            Side::Buy => (quote.ask, order.limit.is_none_or(|limit| quote.ask <= limit)),
            Side::Sell => (quote.bid, order.limit.is_none_or(|limit| quote.bid >= limit)),
        };
        reached.then_some(price)
    }
}

/// A filled order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// The order; it works no longer.
    pub order: WorkingOrder,
    /// At what price, all of it.
    pub price: Price,
    /// The time of the quote.
    pub time: Time,
    /// Profit or loss that it realised.
    pub realised: Money,
}

/// What a quote did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// What it filled, in order of arrival.
    pub fills: Vec<Execution>,
    /// Orders that it reached and that cannot be booked: they work no longer.
    pub rejected: Vec<(WorkingOrder, Refusal)>,
}

/// What the exchange knows of one instrument.
#[derive(Debug, Clone, Copy, Default)]
struct Book {
    /// Bid + ask of the last quote: twice the mid, so that it stays exact.
    twice_mid: i128,
    closed: bool,
    position: Position,
}

/// Matches orders against quotes, for one account.
///
/// ```
/// use exuvia_execution::matching::{Matching, NewOrder, Terms};
/// use exuvia_model::{Money, Quantity, Quote, Side, Symbol, Time};
///
/// let mut exchange = Matching::new(Terms { cash: Money::from_whole(1_000_000)?, leverage: Some(30), negative_prices: false });
/// let order = NewOrder {
///     reference: "LB-trend-000001".into(), symbol: Symbol(0), side: Side::Buy,
///     quantity: Quantity::from_whole(1_000)?, limit: None, decided: Time(10),
/// };
/// exchange.place(order)?;
/// let quote = |time| Quote {
///     symbol: Symbol(0), time: Time(time), bid: "1.1".parse().unwrap(), ask: "1.2".parse().unwrap(),
///     bid_size: Quantity::ZERO, ask_size: Quantity::ZERO,
/// };
/// assert!(exchange.on_quote(&quote(10))?.fills.is_empty()); // not after the decision
/// assert_eq!(exchange.on_quote(&quote(11))?.fills[0].price.to_string(), "1.2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Matching {
    terms: Terms,
    cash: Money,
    placed: u64,
    books: BTreeMap<Symbol, Book>,
    working: BTreeMap<u64, WorkingOrder>,
}

impl Matching {
    /// An exchange without orders or positions.
    #[must_use]
    pub const fn new(terms: Terms) -> Self {
        Self { terms, cash: terms.cash, placed: 0, books: BTreeMap::new(), working: BTreeMap::new() }
    }

    /// Takes an order to work.
    ///
    /// # Errors
    /// `Quantity`, `Limit`, `MarketClosed`, `TooMuch`, `Margin`.
    pub fn place(&mut self, order: NewOrder) -> Result<WorkingOrder, Refusal> {
        if order.quantity <= Quantity::ZERO {
            return Err(Refusal::Quantity(order.quantity));
        }
        if let Some(limit) = order.limit.filter(|limit| *limit <= Price::ZERO && !self.terms.negative_prices) {
            return Err(Refusal::Limit(limit));
        }
        let closed = self.books.get(&order.symbol).is_some_and(|book| book.closed);
        if closed && order.limit.is_none() {
            return Err(Refusal::MarketClosed(order.symbol));
        }
        self.check_exposure(&order)?;
        self.placed += 1;
        let working = WorkingOrder { id: self.placed, order };
        self.working.insert(working.id, working.clone());
        Ok(working)
    }

    /// Takes an order back.
    ///
    /// # Errors
    /// `NotWorking`.
    pub fn cancel(&mut self, id: u64) -> Result<WorkingOrder, Refusal> {
        self.working.remove(&id).ok_or(Refusal::NotWorking(id))
    }

    /// Whether this quote can be traded on.
    ///
    /// # Errors
    /// `Crossed`, `NotPositive`.
    pub fn check_quote(&self, quote: &Quote) -> Result<(), Refusal> {
        let Quote { time, bid, ask, .. } = *quote;
        if quote.is_crossed() {
            return Err(Refusal::Crossed { time, bid, ask });
        }
        if !self.terms.negative_prices && bid.min(ask) <= Price::ZERO {
            return Err(Refusal::NotPositive { time, bid, ask });
        }
        Ok(())
    }

    /// Takes a quote and fills what it fills, in order of arrival. While the market is closed nothing fills.
    ///
    /// An order that it reaches and that would take the money out of its range is rejected; the others fill.
    ///
    /// # Errors
    /// `Crossed`, `NotPositive`: nothing has changed then.
    pub fn on_quote(&mut self, quote: &Quote) -> Result<Matched, Refusal> {
        self.check_quote(quote)?;
        self.mark(quote.symbol, quote.bid, quote.ask);
        let mut matched = Matched::default();
        if self.working.is_empty() || self.books.get(&quote.symbol).is_some_and(|book| book.closed) {
            return Ok(matched);
        }
        let reached: Vec<(u64, Price)> =
            self.working.values().filter_map(|order| Some((order.id, order.fills_at(quote)?))).collect();
        for (id, price) in reached {
            match self.execute(id, price, quote.time) {
                Ok(execution) => matched.fills.push(execution),
                Err(refusal) => matched.rejected.extend(self.working.remove(&id).map(|order| (order, refusal))),
            }
        }
        Ok(matched)
    }

    /// Sets the price by which margin is reckoned, without filling anything.
    pub fn mark(&mut self, symbol: Symbol, bid: Price, ask: Price) {
        self.books.entry(symbol).or_default().twice_mid = i128::from(bid.raw()) + i128::from(ask.raw());
    }

    /// Opens or closes the market of an instrument; it starts open.
    pub fn set_open(&mut self, symbol: Symbol, open: bool) {
        self.books.entry(symbol).or_default().closed = !open;
    }

    /// What is held of an instrument.
    #[must_use]
    pub fn position(&self, symbol: Symbol) -> Position {
        self.books.get(&symbol).map(|book| book.position).unwrap_or_default()
    }

    /// Cash at the start plus all that was realised.
    #[must_use]
    pub const fn cash(&self) -> Money {
        self.cash
    }

    /// The working orders in order of arrival.
    pub fn working(&self) -> impl ExactSizeIterator<Item = &WorkingOrder> {
        self.working.values()
    }

    fn execute(&mut self, id: u64, price: Price, time: Time) -> Result<Execution, Refusal> {
        let order = self.working.get(&id).ok_or(Refusal::NotWorking(id))?;
        let NewOrder { symbol, side, quantity, .. } = order.order;
        let book = self.books.entry(symbol).or_default();
        let (position, realised) = book_fill(book.position, Quantity::from_raw(side.sign() * quantity.raw()), price)
            .ok_or(Refusal::Cash(id))?;
        let cash = self.cash.checked_add(realised).map_err(|_| Refusal::Cash(id))?;
        (book.position, self.cash) = (position, cash);
        let order = self.cancel(id)?;
        Ok(Execution { order, price, time, realised })
    }

    /// Refuses what could lead to an exposure that the cash does not carry: for each instrument the worst
    /// of the position with any of the working orders; of the order's own instrument, those with this
    /// order in them. What only reduces a position is always allowed.
    fn check_exposure(&self, order: &NewOrder) -> Result<(), Refusal> {
        let quantity = i128::from(order.quantity.raw());
        let held = i128::from(self.position(order.symbol).quantity.raw());
        let (buys, sells) = self.open(order.symbol);
        let with = held + i128::from(order.side.sign()) * quantity;
        let worst = (with + buys).abs().max((with - sells).abs());
        let exposure = i64::try_from(worst).map(Quantity::from_raw).map_err(|_| Refusal::TooMuch(order.quantity))?;
        let Some(leverage) = self.terms.leverage else { return Ok(()) };
        if worst <= held.abs() {
            return Ok(());
        }
        let mut needed = worst.checked_mul(self.twice_price(order).abs());
        for (symbol, book) in self.books.iter().filter(|(symbol, _)| **symbol != order.symbol) {
            let (held, (buys, sells)) = (i128::from(book.position.quantity.raw()), self.open(*symbol));
            let worst = (held + buys).abs().max((held - sells).abs());
            let more = worst.checked_mul(book.twice_mid.abs());
            needed = needed.zip(more).and_then(|(sum, more)| sum.checked_add(more));
        }
        let carried = self.cash.raw().checked_mul(2 * i128::from(NANO) * i128::from(leverage));
        match (needed, carried) {
            (Some(needed), Some(carried)) if needed <= carried => Ok(()),
            _ => Err(Refusal::Margin { exposure, cash: self.cash, leverage }),
        }
    }

    /// Twice the price by which an order's margin is reckoned: the mid, before the first quote the limit.
    fn twice_price(&self, order: &NewOrder) -> i128 {
        match self.books.get(&order.symbol) {
            Some(book) if book.twice_mid != 0 => book.twice_mid,
            _ => order.limit.map_or(0, |limit| 2 * i128::from(limit.raw())),
        }
    }

    /// Sums of the working buys and of the working sells.
    fn open(&self, symbol: Symbol) -> (i128, i128) {
        let orders = self.working.values().map(|working| &working.order).filter(|order| order.symbol == symbol);
        orders.fold((0, 0), |(buys, sells), order| match order.side {
            Side::Buy => (buys + i128::from(order.quantity.raw()), sells),
            Side::Sell => (buys, sells + i128::from(order.quantity.raw())),
        })
    }
}

/// Price × quantity, to the nearest 10⁻⁹, ties to even.
fn notional(price: Price, quantity: Quantity) -> Option<Money> {
    let product = Money::from_raw(i128::from(price.raw()).checked_mul(i128::from(quantity.raw()))?);
    Some(Money::from_raw(product.round_to(NANO).ok()?.raw() / i128::from(NANO)))
}

/// The position after a signed fill at average cost, and what the fill realised. No money is lost to
/// rounding: cost − realised stays the exact sum of the fills' notionals. `None` when it leaves its range.
#[must_use]
pub fn book_fill(position: Position, signed: Quantity, price: Price) -> Option<(Position, Money)> {
    let (held, fill) = (position.quantity.raw(), signed.raw());
    let after = Quantity::from_raw(held.checked_add(fill)?);
    let paid = notional(price, signed)?;
    let closing = if held.signum() * fill.signum() < 0 { held.unsigned_abs().min(fill.unsigned_abs()) } else { 0 };
    let opening = i64::try_from(fill.unsigned_abs() - closing).ok()?;
    let opened = if opening == 0 {
        Money::ZERO
    } else if closing == 0 {
        paid
    } else {
        notional(price, Quantity::from_raw(fill.signum() * opening))?
    };
    let released = share(position.cost.raw(), i128::from(closing), i128::from(held.unsigned_abs()));
    // What was paid for the closing part, less what it had cost: a sale's payment is negative.
    let spent = paid.checked_sub(opened).ok()?.checked_add(Money::from_raw(released)).ok()?;
    let cost = position.cost.checked_sub(Money::from_raw(released)).ok()?.checked_add(opened).ok()?;
    let realised = Money::ZERO.checked_sub(spent).ok()?;
    let total = position.realised.checked_add(realised).ok()?;
    Some((Position { quantity: after, cost, realised: total }, realised))
}
