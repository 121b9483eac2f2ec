//! What is known when an order is checked: of the desk, of the market, of the account, and what time it is. `None` is always
//! "not known" and never "nothing": a check that needs it then does what its profile says.

use exuvia_model::{Money, OrderStatus, Price, Quantity, Side, Symbol, Time};
use serde::{Deserialize, Serialize};

use crate::{Currency, Instrument, Order, Rate, text};

/// Money of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// How much.
    #[serde(with = "text")]
    pub amount: Money,
    /// Of what.
    #[serde(with = "text")]
    pub currency: Currency,
}

/// What the other open orders of the scenario in the instrument may still execute, both scaled by 10⁹. Of orders of which only
/// one can be executed, such as the exits of a bracket, the larger one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Open {
    /// Bought.
    pub buys: i128,
    /// Sold.
    pub sells: i128,
}

/// A price that an order's price is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The last price, or the middle of bid and ask.
    pub price: Price,
    /// When it was.
    pub time: Time,
}

/// A trade or an open order at the venue that is not of this desk: placed by hand, or before the journal began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// In what.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// When it was executed, or placed if it is open.
    pub time: Time,
    /// Whether it is an order that is still open.
    pub open: bool,
}

/// Who answers for an order that passes by the cooldown, the hold and the frequency. Without both words it is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bypass<'a> {
    /// A person.
    pub by: &'a str,
    /// For what reason.
    pub why: &'a str,
}

impl Bypass<'_> {
    pub(super) fn is_signed(self) -> bool {
        !self.by.trim().is_empty() && !self.why.trim().is_empty()
    }
}

/// Orders of the desk, all or those that still matter.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    orders: &'a [Order],
    at: Option<&'a [usize]>,
}

impl<'a> Past<'a> {
    /// All of these.
    #[must_use]
    pub const fn all(orders: &'a [Order]) -> Self {
        Self { orders, at: None }
    }

    /// Those at these places: every open one, and every one that is not older than [`Profile::looks_back`](super::Profile::looks_back).
    #[must_use]
    pub const fn at(orders: &'a [Order], at: &'a [usize]) -> Self {
        Self { orders, at: Some(at) }
    }

    /// The orders.
    pub fn iter(self) -> impl Iterator<Item = &'a Order> {
        let count = self.at.map_or(self.orders.len(), <[usize]>::len);
        (0..count).filter_map(move |place| {
            let at = self.at.map_or(Some(place), |at| at.get(place).copied())?;
            self.orders.get(at)
        })
    }
}

/// What is known. All of it is of the order's scenario and instrument where that makes sense.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What time it is.
    pub now: Time,
    /// The terms of the instrument.
    pub instrument: Option<&'a Instrument>,
    /// Its ISIN.
    pub isin: Option<&'a str>,
    /// Where it trades, by the name that the profile has.
    pub exchange: Option<&'a str>,
    /// What the scenario holds of it, signed.
    pub held: Option<Quantity>,
    /// What its other open orders may do to that.
    pub open: Option<Open>,
    /// The desk's orders; the one that is checked may be among them.
    pub orders: Option<Past<'a>>,
    /// What the venue shows beside them, as far back as [`Profile::looks_back`](super::Profile::looks_back).
    pub elsewhere: Option<&'a [Seen]>,
    /// Where the market is.
    pub reference: Option<Reference>,
    /// What may be spent now: without what open orders have reserved.
    pub cash: Option<Sum>,
    /// What one contract needs as margin, in the instrument's currency.
    pub margin: Option<Money>,
    /// Between the instrument's currency and that of cash and limits.
    pub rate: Option<Rate>,
    /// What the account has made since the day began, realised and not; a loss is negative.
    pub day_result: Option<Sum>,
    /// An emergency that somebody answers for.
    pub bypass: Option<Bypass<'a>>,
}

impl Context<'_> {
    /// Nothing is known but the time.
    #[must_use]
    pub const fn unknown(now: Time) -> Self {
        Self {
            now,
            instrument: None,
            isin: None,
            exchange: None,
            held: None,
            open: None,
            orders: None,
            elsewhere: None,
            reference: None,
            cash: None,
            margin: None,
            rate: None,
            day_result: None,
            bypass: None,
        }
    }

    /// How much of an order of this side and amount makes the position larger or turns it, scaled by 10⁹: all of it as long as
    /// position and open orders are not known. An order of which nothing does only closes what is held.
    ///
    /// ```
    /// use exuvia_execution::precheck::{Context, Open};
    /// use exuvia_model::{Quantity, Side, Time};
    /// let five = Quantity::from_whole(5)?;
    /// let context = Context { held: Some(five), open: Some(Open::default()), ..Context::unknown(Time(0)) };
    /// assert_eq!(context.opening(Side::Sell, five), 0);
    /// assert_eq!(context.opening(Side::Buy, five), 5_000_000_000);
    /// # Ok::<(), exuvia_model::ModelError>(())
    /// ```
    #[must_use]
    pub fn opening(&self, side: Side, quantity: Quantity) -> i128 {
        opening(side, quantity, self.held.map(|held| i128::from(held.raw())), self.open)
    }
}

pub(super) fn opening(side: Side, quantity: Quantity, held: Option<i128>, open: Option<Open>) -> i128 {
    let quantity = i128::from(quantity.raw());
    let (Some(held), Some(open)) = (held, open) else { return quantity };
    let closable = (held * -i128::from(side.sign())).max(0);
    let free = (closable - open.of(side)).max(0);
    (quantity - free).max(0)
}

impl Open {
    pub(super) const fn of(self, side: Side) -> i128 {
        match side {
            Side::Buy => self.buys,
            Side::Sell => self.sells,
        }
    }
}

/// Whether an order is, or may become, a trade: it was executed in part at least, or it lives.
pub(super) fn counts(order: &Order) -> bool {
    order.state().filled() > Quantity::ZERO || is_open(order)
}

/// Whether something may still be executed. `Unknown` is open.
pub(super) const fn is_open(order: &Order) -> bool {
    !order.status().is_terminal()
}

/// When an order was traded, as the desk knows it: when the venue took it, else when it was decided.
pub(super) fn traded(order: &Order) -> Time {
    order.placed().unwrap_or(order.intent().decided)
}

/// Whether an order left the desk or still may.
pub(super) fn tried(order: &Order) -> bool {
    order.state().was_sent() || matches!(order.status(), OrderStatus::Intent | OrderStatus::Checked)
}
