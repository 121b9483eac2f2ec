//! Why an order may not go: which check, which value, which limit, and what to do now.

use std::fmt;

use thiserror::Error;

use super::Check;

/// What one check has against an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Which check.
    pub check: Check,
    /// A word for programs; it stays the same when the sentence changes.
    pub code: &'static str,
    /// What was found.
    pub value: String,
    /// What would have been allowed.
    pub limit: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Objection {
    /// The note that the bot's own manager writes for the checks that it has: `size: 7 > 5`, `duplicate: LB-trend-000001`.
    #[must_use]
    pub fn legacy_note(&self) -> String {
        match self.check {
            Check::Duplicates => format!("duplicate: {}", self.value),
            check => format!("{check}: {} > {}", self.value, self.limit),
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}, limit {}: {}", self.check, self.value, self.limit, self.remedy)
    }
}

/// An order that the checks refused; all that they have against it is listed, the first of it decides.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Refused {
    pub(super) client_id: String,
    pub(super) profile: String,
    pub(super) first: Objection,
    pub(super) others: Vec<Objection>,
}

impl Refused {
    /// Our own id of the order.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What decided.
    #[must_use]
    pub const fn first(&self) -> &Objection {
        &self.first
    }

    /// Everything, what decided first.
    pub fn objections(&self) -> impl Iterator<Item = &Objection> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The word of what decided.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.first.code
    }

    /// The order's note: all objections in one line, for [`Step::Refused`](crate::Step::Refused).
    #[must_use]
    pub fn note(&self) -> String {
        self.objections().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "order {} is refused by profile {:?}: {}", self.client_id, self.profile, self.note())
    }
}
