//! Why an element gave no quote: counted by reason, and the last one kept with its values, so that a stream that goes
//! on does not go on in silence.

use std::fmt;

use exuvia_model::Time;

use super::quote::Reading;
use super::said::Said;

/// A side of a quote, as the wire names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `Bid`.
    Bid,
    /// `Ask`.
    Ask,
}

/// Why a price is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// It is known.
    Known,
    /// It has not come yet.
    NotYet,
    /// It came as this, which is no number; None if that was in an element before.
    NoNumber(Option<Said>),
    /// `Quote` came as no object.
    NoObject,
}

/// Why an element gave no quote, with the values that decided it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Skip<N> {
    /// It has no whole `Uic`: nothing can be merged.
    NoUic {
        /// What stands there instead, if anything.
        said: Option<Said>,
    },
    /// A price that is no finite number, or that the wanted type cannot hold exactly.
    NoPrice {
        /// The instrument.
        uic: i64,
        /// Which price.
        side: Side,
        /// What came.
        said: Option<Said>,
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
        /// Which of the two, and what it must be.
        field: &'static str,
        /// What came.
        said: Option<Said>,
    },
    /// The element was merged, but bid, ask or time are still missing.
    Incomplete {
        /// The instrument.
        uic: i64,
        /// Why there is no bid.
        bid: Gap,
        /// Why there is no ask.
        ask: Gap,
        /// Whether `LastUpdated` has not come yet.
        no_time: bool,
    },
    /// `LastUpdated` is before that of the quote that is held, which this book was told to refuse.
    Older {
        /// The instrument.
        uic: i64,
        /// What came.
        time: Time,
        /// What the quote that is held has.
        held: Time,
    },
}

impl<N> Skip<N> {
    /// The names of the reasons, in the order of the counts of [`Skips`].
    pub const REASONS: [&'static str; 7] =
        ["no uic", "no price", "not positive", "crossed", "field", "incomplete", "older"];

    const fn index(&self) -> usize {
        match self {
            Self::NoUic { .. } => 0,
            Self::NoPrice { .. } => 1,
            Self::NotPositive { .. } => 2,
            Self::Crossed { .. } => 3,
            Self::Field { .. } => 4,
            Self::Incomplete { .. } => 5,
            Self::Older { .. } => 6,
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
            Self::NoUic { said: None } => {
                f.write_str("an element without a whole Uic: nothing says which instrument it is of")
            }
            Self::NoUic { said: Some(said) } => {
                write!(
                    f,
                    "an element with Uic {said}, which is no whole number: nothing says which instrument it is of"
                )
            }
            Self::NoPrice { uic, side, said } => {
                write!(f, "Uic {uic}: {side} {}is no finite number that fits", Shown(*said))
            }
            Self::NotPositive { uic, side, price } => {
                write!(
                    f,
                    "Uic {uic}: {side} {price} is not above zero: pass allow_negative if the instrument permits it"
                )
            }
            Self::Crossed { uic, bid, ask } => write!(f, "Uic {uic}: Bid {bid} is above Ask {ask}"),
            Self::Field { uic, field: field @ "LastUpdated", said } => {
                let said = Shown(*said);
                write!(
                    f,
                    "Uic {uic}: {field} {said}is no instant: UTC as 2014-05-07T00:00:07.135Z, at most nine decimals"
                )
            }
            Self::Field { uic, field, said } => write!(f, "Uic {uic}: {field} {}is no text in Unicode", Shown(*said)),
            Self::Incomplete { uic, bid, ask, no_time } => {
                let mut missing = Vec::new();
                for (side, gap) in [(Side::Bid, bid), (Side::Ask, ask)] {
                    match gap {
                        Gap::Known => {}
                        Gap::NotYet => missing.push(format!("{side} has not come yet")),
                        Gap::NoNumber(Some(said)) => missing.push(format!("{side} came as {said}, which is no number")),
                        Gap::NoNumber(None) => missing.push(format!("{side} is not known since it came as no number")),
                        Gap::NoObject => missing.push(format!("{side} is not known since Quote came as no object")),
                    }
                }
                if *no_time {
                    missing.push("LastUpdated has not come yet".to_owned());
                }
                write!(f, "Uic {uic}: {}", missing.join("; "))
            }
            Self::Older { uic, time, held } => {
                write!(f, "Uic {uic}: LastUpdated {time} is before that of the quote that is held, {held}")
            }
        }
    }
}

/// A value and a space, or nothing.
struct Shown(Option<Said>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |said| write!(f, "{said} "))
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
    counts: [u64; 7],
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
