//! The kinds of difference a verdict can name.

/// What a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The two values have different types or classes.
    Type,
    /// One type, another value.
    Value,
    /// A numeric rule was declared and is exceeded.
    ToleranceExceeded,
    /// Legacy has it, the candidate has not.
    Missing,
    /// The candidate has it, legacy has not.
    Extra,
    /// The same items in another order.
    OrderOnly,
    /// Sequences or shapes of different length.
    Length,
    /// One side raised, or both raised different errors.
    Exception,
    /// The two sides left the arguments in different states.
    Mutation,
    /// The candidate panicked.
    Panic,
    /// A later difference on an object that had differed before.
    Cascade,
}

impl Kind {
    /// The name in verdicts, evidence and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Value => "value",
            Self::ToleranceExceeded => "tolerance-exceeded",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::OrderOnly => "order-only",
            Self::Length => "length",
            Self::Exception => "exception",
            Self::Mutation => "mutation",
            Self::Panic => "panic",
            Self::Cascade => "cascade",
        }
    }
}
