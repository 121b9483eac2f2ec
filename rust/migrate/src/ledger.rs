//! The ledger of declared divergences, and the memory of a comparator: what was hit how often, which
//! names stand for which. A divergence that is past its day or over its budget is a difference again.

use std::collections::BTreeMap;

use crate::ids::Renamings;
use crate::path::Pattern;
use crate::rule::Rule;
use crate::value::Value;
use crate::{MigrateError, day};

/// A difference that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// Where, as in a rule.
    pub path: Pattern,
    /// Legacy's value as it is shown, or any.
    pub legacy: Option<String>,
    /// The candidate's value as it is shown, or any.
    pub candidate: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is right.
    pub reason: String,
    /// The last day on which it holds, as written.
    pub expires: String,
    /// The same as days since 1970.
    last_day: i64,
    /// How many hits are declared.
    pub budget: u64,
}

impl Divergence {
    /// A divergence as declared.
    ///
    /// # Errors
    /// `MigrateError` for a path or a day that cannot be read, and where owner, reason or budget is missing.
    pub fn new(
        path: &str,
        values: (Option<String>, Option<String>),
        (owner, reason): (&str, &str),
        expires: &str,
        budget: u64,
    ) -> Result<Self, MigrateError> {
        let refuse = |what: String| MigrateError::Rule { path: path.into(), rule: "declared divergence".into(), what };
        let pattern = Pattern::parse(path)?;
        let last_day = day::parse(expires)
            .ok_or_else(|| refuse(format!("it expires on '{expires}', which is not a day such as 2027-01-31")))?;
        if owner.trim().is_empty() || reason.trim().is_empty() {
            return Err(refuse("it names an owner and a reason".into()));
        }
        if budget == 0 {
            return Err(refuse("it has a budget of hits, at least 1".into()));
        }
        let (legacy, candidate) = values;
        Ok(Self {
            path: pattern,
            legacy,
            candidate,
            owner: owner.trim().into(),
            reason: reason.trim().into(),
            expires: expires.into(),
            last_day,
            budget,
        })
    }

    /// The divergence as it stands in verdicts and evidence.
    pub fn name(&self) -> String {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "any".into());
        let values = match (&self.legacy, &self.candidate) {
            (None, None) => String::new(),
            (one, two) => format!("{} -> {}, ", side(one), side(two)),
        };
        let Self { owner, reason, expires, budget, .. } = self;
        format!("declared({values}{owner}, {reason}, until={expires}, budget={budget})")
    }

    /// Whether the divergence speaks of these two values.
    pub(crate) fn speaks_of(&self, legacy: &Side<'_>, candidate: &Side<'_>) -> bool {
        let fits = |written: &Option<String>, side: &Side<'_>| written.as_ref().is_none_or(|text| side.is(text));
        fits(&self.legacy, legacy) && fits(&self.candidate, candidate)
    }
}

/// One side of a difference: the value, or words about it.
pub(crate) enum Side<'a> {
    Value(&'a Value),
    Typed(&'a Value),
    Words(&'a dyn Fn() -> String),
}

impl Side<'_> {
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Value(value) => value.shown(),
            Self::Typed(value) => format!("{}: {}", value.type_name(), value.shown()),
            Self::Words(words) => words(),
        }
    }

    /// Whether the side is what was written, as Python's repr or as it is shown.
    fn is(&self, written: &str) -> bool {
        match self {
            Self::Value(value) | Self::Typed(value) => is_written(value, written),
            Self::Words(words) => words() == written,
        }
    }
}

fn is_written(value: &Value, written: &str) -> bool {
    let written = written.trim();
    let quoted = |text: &str| {
        ["'", "\""].iter().any(|quote| {
            written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).is_some_and(|inside| inside == text)
        })
    };
    let inside = |name: &str| {
        let inner = written.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.trim_matches(['\'', '"']))
    };
    match value {
        Value::Float(value) => written
            .parse::<f64>()
            .is_ok_and(|read| read.to_bits() == value.to_bits() || (read.is_nan() && value.is_nan())),
        Value::Int(value) => written.parse() == Ok(*value),
        Value::Text(text) => text == written || quoted(text),
        Value::Decimal(text) => text == written || inside("Decimal") == Some(text),
        Value::Sub { of, .. } => value.shown() == written || is_written(of, written),
        other => other.shown() == written,
    }
}

/// What a comparator remembers between calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    pub(crate) renamings: Renamings,
    /// Hits by path and name of what is ignored or declared.
    hits: BTreeMap<(String, String), u64>,
}

impl Memory {
    /// Counts one more hit of an ignoring rule; what stands against it is the error.
    pub(crate) fn ignore(&mut self, path: &str, rule: &Rule, today: i64) -> Result<(), String> {
        let Rule::Ignore { until, budget, .. } = rule else { return Ok(()) };
        if until.is_none() && budget.is_none() {
            return Ok(());
        }
        let last = until.as_ref().map_or((i64::MAX, ""), |(text, day)| (*day, text));
        self.hit(path, rule.name(), last, budget.unwrap_or(u64::MAX), today)
    }

    /// Counts one more hit of a divergence; what stands against it is the error.
    pub(crate) fn diverge(&mut self, found: &Divergence, today: i64) -> Result<(), String> {
        self.hit(found.path.text(), found.name(), (found.last_day, &found.expires), found.budget, today)
    }

    fn hit(&mut self, path: &str, name: String, last: (i64, &str), budget: u64, today: i64) -> Result<(), String> {
        let against = if today > last.0 { Some(format!("{name} expired on {}", last.1)) } else { None };
        let hits = self.hits.entry((path.to_owned(), name)).or_default();
        *hits = hits.saturating_add(1);
        match against {
            Some(text) => Err(text),
            None if *hits > budget => Err(format!("hit {hits} of a budget of {budget}")),
            None => Ok(()),
        }
    }

    /// How often a path and name was hit.
    pub(crate) fn hits(&self, path: &str, name: &str) -> u64 {
        self.hits.get(&(path.to_owned(), name.to_owned())).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_without_owner_reason_day_or_budget_is_refused() {
        let make = |who, day, budget| Divergence::new("$.x", (None, None), who, day, budget).map_err(|e| e.to_string());
        assert!(make(("ana", "legacy is wrong"), "2027-01-31", 3).is_ok());
        assert!(make(("", "legacy is wrong"), "2027-01-31", 3).unwrap_err().contains("owner"));
        assert!(make(("ana", " "), "2027-01-31", 3).unwrap_err().contains("reason"));
        assert!(make(("ana", "x"), "soon", 3).unwrap_err().contains("'soon'"));
        assert!(make(("ana", "x"), "2027-01-31", 0).unwrap_err().contains("budget"));
    }

    #[test]
    fn a_budget_is_used_up_and_a_day_passes() {
        let declared = Divergence::new("$.x", (None, None), ("ana", "y"), "1970-01-11", 2).unwrap();
        let mut memory = Memory::default();
        assert_eq!(memory.diverge(&declared, 10), Ok(()));
        assert!(memory.diverge(&declared, 11).unwrap_err().contains("expired on 1970-01-11"));
        assert!(memory.diverge(&declared, 10).unwrap_err().contains("hit 3 of a budget of 2"));
        assert_eq!(memory.hits("$.x", &declared.name()), 3);
    }

    #[test]
    fn values_are_known_as_python_writes_them() {
        for (value, written) in [
            (Value::Float(1e16), "1e+16"),
            (Value::Float(f64::NAN), "nan"),
            (Value::Float(25_299.8), "25299.80"),
            (Value::Int(7), "7"),
            (Value::Bool(true), "True"),
            (Value::None, "None"),
            (Value::Text("Buy".into()), "'Buy'"),
            (Value::Text("Buy".into()), "Buy"),
            (Value::Decimal("1.10".into()), "Decimal('1.10')"),
        ] {
            assert!(is_written(&value, written), "{written}");
        }
        assert!(!is_written(&Value::Float(-0.0), "0.0"));
        assert!(!is_written(&Value::Decimal("1.10".into()), "Decimal('1.1')"));
        assert!(!is_written(&Value::Text("Buy".into()), "'Sell'"));
    }
}
