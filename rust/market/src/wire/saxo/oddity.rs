//! What was strange about an element that gave a quote all the same: counted, and the last one kept, so that a
//! quote that is taken as it comes is not taken in silence.

use std::fmt;

use exuvia_model::Time;

use super::said::Said;

/// What was strange, with the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// `LastUpdated` is before that of the quote that it replaced.
    Older {
        /// The instrument.
        uic: i64,
        /// What came.
        time: Time,
        /// What the quote before had.
        held: Time,
    },
    /// `MarketState` came as something else than text: the quote says `Unknown`.
    State {
        /// The instrument.
        uic: i64,
        /// What came.
        said: Option<Said>,
    },
}

impl Oddity {
    /// The names of the kinds, in the order of the counts of [`Oddities`].
    pub const KINDS: [&'static str; 2] = ["older", "state"];

    const fn index(&self) -> usize {
        match self {
            Self::Older { .. } => 0,
            Self::State { .. } => 1,
        }
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Older { uic, time, held } => {
                write!(f, "Uic {uic}: LastUpdated {time} is before that of the quote it replaced, {held}")
            }
            Self::State { uic, said: Some(said) } => {
                write!(f, "Uic {uic}: MarketState {said} is no text: the quote says Unknown")
            }
            Self::State { uic, said: None } => write!(f, "Uic {uic}: MarketState is no text: the quote says Unknown"),
        }
    }
}

/// Counts by kind, and the last one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Oddities {
    counts: [u64; 2],
    last: Option<Oddity>,
}

impl Oddities {
    /// Every kind with its count.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Oddity::KINDS.into_iter().zip(self.counts)
    }

    /// The last one.
    #[must_use]
    pub const fn last(&self) -> Option<Oddity> {
        self.last
    }

    pub(super) fn note(&mut self, oddity: Oddity) {
        if let Some(count) = self.counts.get_mut(oddity.index()) {
            *count += 1;
        }
        self.last = Some(oddity);
    }
}
