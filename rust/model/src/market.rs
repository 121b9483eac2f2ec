//! What a market sends and what is made of it: quotes, trades, bars.

use crate::{Price, Quantity, Symbol, Time};

/// Best bid and ask at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quote {
    /// Which instrument.
    pub symbol: Symbol,
    /// When the venue says it was.
    pub time: Time,
    /// Best price to sell at.
    pub bid: Price,
    /// Best price to buy at.
    pub ask: Price,
    /// Amount at the bid; zero where the feed has none.
    pub bid_size: Quantity,
    /// Amount at the ask; zero where the feed has none.
    pub ask_size: Quantity,
}

impl Quote {
    /// Whether the bid is above the ask.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        self.bid > self.ask
    }
}

/// One execution on a venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trade {
    /// Which instrument.
    pub symbol: Symbol,
    /// When the venue says it was.
    pub time: Time,
    /// At what price.
    pub price: Price,
    /// How much.
    pub size: Quantity,
}

/// Open, high, low and close of any ordered number: `f64` in columns, `i64` at 10⁻⁹ in fixed point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Ohlc<N> {
    /// First value.
    pub open: N,
    /// Greatest value.
    pub high: N,
    /// Least value.
    pub low: N,
    /// Last value.
    pub close: N,
}

impl<N: Copy + PartialOrd> Ohlc<N> {
    /// A bar of one value.
    #[must_use]
    pub const fn new(value: N) -> Self {
        Self { open: value, high: value, low: value, close: value }
    }

    /// Takes one more value.
    pub fn push(&mut self, value: N) {
        if value > self.high {
            self.high = value;
        }
        if value < self.low {
            self.low = value;
        }
        self.close = value;
    }

    /// Takes the bar that follows.
    pub fn extend(&mut self, next: &Self) {
        if next.high > self.high {
            self.high = next.high;
        }
        if next.low < self.low {
            self.low = next.low;
        }
        self.close = next.close;
    }
}

/// A bar of one price series; `start` is the start of its interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Bar<N> {
    /// Start of the interval.
    pub start: Time,
    /// Prices.
    pub ohlc: Ohlc<N>,
    /// Traded amount; zero for quotes.
    pub volume: N,
    /// How many ticks went in.
    pub ticks: u64,
}

/// A bar of bid and ask; `start` is the start of its interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct QuoteBar<N> {
    /// Start of the interval.
    pub start: Time,
    /// Bid prices.
    pub bid: Ohlc<N>,
    /// Ask prices.
    pub ask: Ohlc<N>,
    /// How many ticks went in.
    pub ticks: u64,
}
