//! By what rules an instrument is matched. All of them are declared, none is guessed from the data.

use exuvia_market::sessions::Calendar;
use exuvia_model::{Price, Symbol};

use super::{ExchangeError, Fees, FillModel};
use crate::Instrument;

/// Millionths in a whole: shares, ratios and probabilities are written in them, so that no float decides about money.
pub const MILLION: u32 = 1_000_000;

/// What orders are matched with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Feed {
    /// Best bid and ask. Trades only move queues and fill what rests.
    #[default]
    Quotes,
    /// Trades alone: an order meets the trades that come after it. Quotes only say how much was ahead.
    Trades,
    /// Levels of bids and asks; an order goes through as many of them as it needs.
    Depth,
}

/// How much of what is shown can be had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Liquidity {
    /// What is shown, not more; of a size of zero nothing.
    #[default]
    Shown,
    /// So many millionths of it.
    Share(u32),
    /// As much as is wanted, at the best price: for feeds without sizes.
    Unlimited,
}

/// Whether what was taken of a price comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Refill {
    /// It stays taken for as long as the price is shown; what is added to the price can be had.
    #[default]
    WhenPriceReturns,
    /// Each quote or depth shows new liquidity.
    EachUpdate,
}

/// When an order that rests at its limit is filled there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// It waits behind what was shown at its price when it came. Trades at the price serve what is ahead first; of a size that
    /// shrinks without a trade this many millionths were ahead. It is filled as well when the price trades through, or the other
    /// side comes to it.
    Behind {
        /// The share of cancellations that was ahead.
        cancels: u32,
    },
    /// It is the first at its price.
    Front,
    /// Each time its price trades, or the other side comes to it, it is filled with this probability in millionths; always when the
    /// price goes through.
    Chance(u32),
    /// Only when the price goes through.
    Through,
}

impl Default for Queue {
    fn default() -> Self {
        Self::Behind { cancels: 0 }
    }
}

/// At what price an order is filled that rests, when the other side comes to it or through it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Resting {
    /// At its limit: whoever came met it there.
    #[default]
    AtLimit,
    /// At the price that came, which may be better.
    AtMarket,
}

/// What becomes of a market order that is larger than what can be had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Beyond {
    /// The rest waits, ahead of all limits.
    #[default]
    Wait,
    /// The rest is cancelled.
    Cancel,
    /// The rest is filled so many ticks beyond the worst price that was shown.
    Ticks(u32),
}

/// What an order meets first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Entry {
    /// The market as it stands when the order arrives.
    #[default]
    Standing,
    /// The first data strictly after its arrival.
    NextData,
}

/// What sets off a stop and moves a trailing one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trigger {
    /// The price at which it would be filled: the ask for a buy, the bid for a sale.
    #[default]
    Quote,
    /// The last trade.
    Trade,
}

/// What becomes of an order that arrives while the market is closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Closed {
    /// It is refused.
    #[default]
    Refuse,
    /// It waits for the next session. An order that is immediate or nothing is refused all the same.
    Queue,
}

/// How a trade is paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Settlement {
    /// Cash moves by the whole value: shares, options.
    #[default]
    Paid,
    /// Cash moves by what is realised: futures, currencies on margin.
    Margined,
}

/// The rules of an instrument. The defaults are the cautious ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// What orders are matched with.
    pub feed: Feed,
    /// How much of it can be had.
    pub liquidity: Liquidity,
    /// Whether what was taken comes back.
    pub refill: Refill,
    /// When a resting order is filled.
    pub queue: Queue,
    /// At what price then.
    pub resting: Resting,
    /// The rest of a market order.
    pub beyond: Beyond,
    /// What an order meets first.
    pub entry: Entry,
    /// What sets off stops.
    pub trigger: Trigger,
    /// Where between bid and ask fills are assumed.
    pub fill: FillModel,
    /// Orders while the market is closed.
    pub closed: Closed,
    /// How trades are paid.
    pub settlement: Settlement,
}

/// An instrument that the exchange trades.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// By what number its data and orders name it.
    pub symbol: Symbol,
    /// Tick, lot, multiplier, currency.
    pub instrument: Instrument,
    /// How it is matched.
    pub rules: Rules,
    /// What trading it costs.
    pub fees: Fees,
    /// When it trades.
    pub calendar: Calendar,
}

impl Listing {
    /// An instrument by the default rules, without fees, that trades around the clock; its sessions are days in UTC.
    #[must_use]
    pub fn new(symbol: Symbol, instrument: Instrument) -> Self {
        Self { symbol, instrument, rules: Rules::default(), fees: Fees::default(), calendar: Calendar::ALWAYS }
    }

    /// The listing, if it can be.
    pub(super) fn sound(self) -> Result<Self, ExchangeError> {
        let name = self.instrument.name.clone();
        let bad = |why: String| Err(ExchangeError::BadConfig { what: format!("listing {name:?}"), why });
        if let Err(error) = self.instrument.clone().sound() {
            return bad(error.to_string());
        }
        let share = match (self.rules.queue, self.rules.liquidity) {
            (Queue::Behind { cancels: share } | Queue::Chance(share), _) if share > MILLION => share,
            (_, Liquidity::Share(share)) if share == 0 || share > MILLION => share,
            _ => MILLION,
        };
        if share != MILLION {
            return bad(format!(
                "a share of {share} millionths is not between 0 and {MILLION}, or leaves nothing to trade"
            ));
        }
        if self.rules.fill != FillModel::Touch && self.rules.feed != Feed::Quotes {
            return bad(format!("{:?} places fills between bid and ask: it needs Feed::Quotes", self.rules.fill));
        }
        if self.rules.feed == Feed::Trades && self.rules.trigger == Trigger::Quote {
            return bad(
                "with Feed::Trades no quote need come that could set off a stop: declare Trigger::Trade".to_owned()
            );
        }
        match self.rules.fill.fault().or_else(|| self.fees.fault()) {
            Some(fault) => bad(fault),
            None => Ok(self),
        }
    }
}

/// A price and what is shown there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// At what price.
    pub price: Price,
    /// How much.
    pub size: exuvia_model::Quantity,
}

/// The levels of a market at an instant, best first on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth<'a> {
    /// Which instrument.
    pub symbol: Symbol,
    /// When the venue says it was.
    pub time: exuvia_model::Time,
    /// Prices to sell at, descending.
    pub bids: &'a [Level],
    /// Prices to buy at, ascending.
    pub asks: &'a [Level],
}
