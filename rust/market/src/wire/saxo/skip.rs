//! Why an element gave no quote: counted by reason, and the last one kept with its values, so that a stream that goes
//! on does not go on in silence.

use std::fmt;

use super::quote::Reading;

/// A side of a quote, as the wire names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `Bid`.
    Bid,
    /// `Ask`.
    Ask,
}

/// Why an element gave no quote, with the values that decided it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Skip<N> {
    /// It has no whole `Uic`: nothing can be merged.
    NoUic,
    /// A price that is no finite number, or that the wanted type cannot hold exactly.
    NoPrice {
        /// The instrument.
        uic: i64,
        /// Which price.
        side: Side,
    },
    /// A price of zero or below, which this book was not told to allow.
    NotPositive {
        /// The instrument.
        uic: i64,
        /// Which price.
        side: Side,
        /// What it was.
        price: N,
    },
    /// A bid above the ask.
    Crossed {
        /// The instrument.
        uic: i64,
        /// Best price to sell at.
        bid: N,
        /// Best price to buy at.
        ask: N,
    },
    /// `LastUpdated` or `MarketState` with a value that may not be used.
    Field {
        /// The instrument.
        uic: i64,
    },
    /// The element was merged, but bid, ask or time are still missing.
    Incomplete {
        /// The instrument.
        uic: i64,
    },
}

impl<N> Skip<N> {
    /// The names of the reasons, in the order of the counts of [`Skips`].
    pub const REASONS: [&'static str; 6] = ["no uic", "no price", "not positive", "crossed", "field", "incomplete"];

    const fn index(&self) -> usize {
        match self {
            Self::NoUic => 0,
            Self::NoPrice { .. } => 1,
            Self::NotPositive { .. } => 2,
            Self::Crossed { .. } => 3,
            Self::Field { .. } => 4,
            Self::Incomplete { .. } => 5,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bid => "Bid",
            Self::Ask => "Ask",
        })
    }
}

impl<N: Reading> fmt::Display for Skip<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUic => f.write_str("an element without a whole Uic: nothing says which instrument it is of"),
            Self::NoPrice { uic, side } => write!(f, "Uic {uic}: {side} is no finite number that fits"),
            Self::NotPositive { uic, side, price } => {
                write!(
                    f,
                    "Uic {uic}: {side} {price} is not above zero: pass allow_negative if the instrument permits it"
                )
            }
            Self::Crossed { uic, bid, ask } => write!(f, "Uic {uic}: Bid {bid} is above Ask {ask}"),
            Self::Field { uic } => write!(f, "Uic {uic}: LastUpdated is no instant, or MarketState is no text"),
            Self::Incomplete { uic } => write!(f, "Uic {uic}: Bid, Ask or LastUpdated has not come yet"),
        }
    }
}

/// Counts by reason, and the last element that was skipped.
///
/// ```
/// use exuvia_market::wire::saxo::QuoteBook;
/// let mut book = QuoteBook::<f64>::new(false);
/// book.apply(br#"[{"Uic":21,"Quote":{"Bid":1.4,"Ask":1.3}}]"#, &mut Vec::new())?;
/// assert_eq!(book.skips().last().unwrap().to_string(), "Uic 21: Bid 1.4 is above Ask 1.3");
/// assert_eq!(book.skips().counts().find(|(reason, _)| *reason == "crossed"), Some(("crossed", 1)));
/// # Ok::<(), exuvia_market::wire::saxo::QuoteError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Skips<N> {
    counts: [u64; 6],
    last: Option<Skip<N>>,
}

impl<N: Copy> Skips<N> {
    /// How many elements gave no quote.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Every reason with its count.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Skip::<N>::REASONS.into_iter().zip(self.counts)
    }

    /// The last one.
    #[must_use]
    pub const fn last(&self) -> Option<Skip<N>> {
        self.last
    }

    pub(super) fn note(&mut self, skip: Skip<N>) {
        if let Some(count) = self.counts.get_mut(skip.index()) {
            *count += 1;
        }
        self.last = Some(skip);
    }
}
