//! Why rows and messages were left out: counted by reason, the last one kept with its place and value.

use std::fmt;

/// Why something was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The frame is not JSON, or too large.
    Broken,
    /// A row that is null, or nothing that could be a row.
    NoRow,
    /// A field that must be there is not, or is null.
    Missing,
    /// A value of another type.
    Type,
    /// NaN or an infinity.
    NotFinite,
    /// More than nine decimals.
    TooPrecise,
    /// A number that does not fit.
    OutOfRange,
    /// A price that is not above zero.
    NotPositive,
    /// An amount below zero.
    Negative,
    /// No instant, or one that its unit puts far from today.
    Time,
    /// A code that the declaration does not name.
    Code,
    /// A bid above the ask.
    Crossed,
    /// The sequence number of the message before.
    Repeated,
    /// Merged, but a field that must be there has not come yet.
    Incomplete,
    /// More symbols than are kept.
    Symbols,
}

impl Reason {
    /// All reasons, in the order of the counts.
    pub const ALL: [Self; 15] = [
        Self::Broken,
        Self::NoRow,
        Self::Missing,
        Self::Type,
        Self::NotFinite,
        Self::TooPrecise,
        Self::OutOfRange,
        Self::NotPositive,
        Self::Negative,
        Self::Time,
        Self::Code,
        Self::Crossed,
        Self::Repeated,
        Self::Incomplete,
        Self::Symbols,
    ];

    /// The name under which it is counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::NoRow => "no row",
            Self::Missing => "missing",
            Self::Type => "type",
            Self::NotFinite => "not finite",
            Self::TooPrecise => "too precise",
            Self::OutOfRange => "out of range",
            Self::NotPositive => "not positive",
            Self::Negative => "negative",
            Self::Time => "time",
            Self::Code => "code",
            Self::Crossed => "crossed",
            Self::Repeated => "repeated",
            Self::Incomplete => "incomplete",
            Self::Symbols => "too many symbols",
        }
    }
}

/// One thing that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// Why.
    pub reason: Reason,
    /// What, where and what to do, in a sentence.
    pub words: String,
}

impl fmt::Display for Skip {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.words)
    }
}

/// Counts by reason, and the last one.
#[derive(Debug, Clone, Default)]
pub struct Skips {
    counts: [u64; Reason::ALL.len()],
    last: Option<Skip>,
}

impl Skips {
    /// How many were left out.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many for this reason.
    #[must_use]
    pub fn count(&self, reason: Reason) -> u64 {
        self.counts.get(reason as usize).copied().unwrap_or_default()
    }

    /// The reasons that occurred, with their counts.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Reason::ALL.into_iter().map(|reason| (reason.name(), self.count(reason))).filter(|(_, count)| *count > 0)
    }

    /// The last one.
    #[must_use]
    pub const fn last(&self) -> Option<&Skip> {
        self.last.as_ref()
    }

    pub(in crate::wire) fn note(&mut self, reason: Reason, words: String) {
        if let Some(count) = self.counts.get_mut(reason as usize) {
            *count += 1;
        }
        self.last = Some(Skip { reason, words });
    }
}
