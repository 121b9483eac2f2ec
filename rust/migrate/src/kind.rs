//! The kinds of difference a verdict can name.

/// What a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The two values have different types or classes.
    Type,
    /// One type, another value.
    Value,
    /// A rule with an amount was declared and is exceeded.
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
    /// Legacy acted, the candidate did not.
    EffectMissing,
    /// The candidate would have acted, legacy did not.
    EffectExtra,
    /// Both acted, in different ways.
    EffectDifferent,
    /// The candidate read what legacy never read.
    ExtraRead,
    /// The candidate panicked.
    Panic,
    /// The candidate did not answer before its deadline.
    Timeout,
    /// A later difference on an object that had differed before.
    Cascade,
    /// A difference that a rule or the ledger takes: counted, not judged.
    Ignored,
}

impl Kind {
    /// All kinds, in the order of the design.
    pub const ALL: [Self; 17] = [
        Self::Type,
        Self::Value,
        Self::ToleranceExceeded,
        Self::Missing,
        Self::Extra,
        Self::OrderOnly,
        Self::Length,
        Self::Exception,
        Self::Mutation,
        Self::EffectMissing,
        Self::EffectExtra,
        Self::EffectDifferent,
        Self::ExtraRead,
        Self::Panic,
        Self::Timeout,
        Self::Cascade,
        Self::Ignored,
    ];

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
            Self::EffectMissing => "effect-missing",
            Self::EffectExtra => "effect-extra",
            Self::EffectDifferent => "effect-different",
            Self::ExtraRead => "extra-read",
            Self::Panic => "panic",
            Self::Timeout => "timeout",
            Self::Cascade => "cascade",
            Self::Ignored => "ignored",
        }
    }

    /// The kind of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_no_name_is_used_twice() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.name()), Some(kind));
        }
        assert_eq!(Kind::of("almost"), None);
    }
}
