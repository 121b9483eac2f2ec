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
    /// Differences that a rule or the ledger takes: its path, the rule, how often it hit.
    pub ignored: Vec<(String, String, usize)>,
    /// What was seen but is no difference, for instance another order of keys.
    pub notes: Vec<String>,
    /// The class and the place of an object that could not be read: then nothing was decided.
    pub unreadable: Option<(String, String)>,
}

impl Verdict {
    /// Whether something was compared and nothing differed.
    pub fn equal(&self) -> bool {
        self.total == 0 && self.compared > 0 && self.unreadable.is_none()
    }
}
