//! What a comparison found.

use crate::Kind;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where, for instance `$.fills[3].price`.
    pub path: String,
    /// The same with every index as `[*]`: what differences are grouped by.
    pub place: String,
    /// What kind.
    pub kind: Kind,
    /// Legacy's value, as text, cut.
    pub legacy: String,
    /// The candidate's value, as text, cut.
    pub candidate: String,
    /// The rule that was in force there.
    pub rule: String,
}

/// The outcome of one comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The first differences, up to the comparator's limit.
    pub differences: Vec<Difference>,
    /// How many there were in all.
    pub total: usize,
    /// How many leaves were compared.
    pub compared: usize,
    /// Ignored differences: the path of the rule, the rule, how often it hit.
    pub ignored: Vec<(String, String, usize)>,
    /// What was seen but is no difference, for instance another order of keys.
    pub notes: Vec<String>,
}

impl Verdict {
    /// Whether something was compared and nothing differed.
    pub fn equal(&self) -> bool {
        self.total == 0 && self.compared > 0
    }
}
