//! Names that both sides make up for themselves: order ids, nonces, counters. They are equal if they
//! have the same shape and if one renaming, a bijection, explains all of them.

use std::collections::BTreeMap;

use crate::value::Value;

/// How long a renaming holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// For one comparison.
    Call,
    /// Over all calls, as long as the comparator lives.
    Unit,
}

impl Scope {
    /// The scope of that name.
    fn of(name: &str) -> Option<Self> {
        match name {
            "call" => Some(Self::Call),
            "unit" => Some(Self::Unit),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Unit => "unit",
        }
    }
}

/// What is declared of the ids at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// Whether any text stands for any other.
    any: bool,
    /// How long the renaming holds.
    scope: Scope,
    /// The renaming's name: ids of two names are never mixed up.
    name: String,
}

/// The most names that one renaming remembers.
const MOST: usize = 250_000;

impl Ids {
    /// Reads what stands inside of `ids(…)`.
    pub(crate) fn parse(inside: &str) -> Result<Self, String> {
        let mut made = Self { any: false, scope: Scope::Unit, name: String::new() };
        for part in inside.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                None if part == "any" => made.any = true,
                Some(("scope", scope)) => {
                    made.scope = Scope::of(scope).ok_or_else(|| format!("scope '{scope}' is not call or unit"))?;
                }
                Some(("name", name)) if !name.is_empty() => made.name = name.to_owned(),
                _ => return Err(format!("'{part}' is not known here: ids(any, scope=call, name=order)")),
            }
        }
        Ok(made)
    }

    /// The rule as it is written.
    pub(crate) fn text(&self) -> String {
        let mut parts = Vec::new();
        if self.any {
            parts.push("any".to_owned());
        }
        if self.scope != Scope::Unit {
            parts.push(format!("scope={}", self.scope.name()));
        }
        if !self.name.is_empty() {
            parts.push(format!("name={}", self.name));
        }
        if parts.is_empty() { "ids".to_owned() } else { format!("ids({})", parts.join(", ")) }
    }

    /// Whether two values may be names of one thing, by type and shape; `None` if they are no names.
    pub(crate) fn alike(&self, legacy: &Value, candidate: &Value) -> Option<bool> {
        match (legacy, candidate) {
            (Value::Text(one), Value::Text(two)) => Some(self.any || same_shape(one, two)),
            (Value::Bytes(one), Value::Bytes(two)) => Some(self.any || one.len() == two.len()),
            (Value::Int(one), Value::Int(two)) => Some((*one < 0) == (*two < 0)),
            (Value::Named { class: c1, text: one }, Value::Named { class: c2, text: two }) if c1 == c2 => {
                Some(self.any || same_shape(one, two))
            }
            (Value::Sub { class: c1, of: one }, Value::Sub { class: c2, of: two }) if c1 == c2 => self.alike(one, two),
            _ => None,
        }
    }
}

/// Runs of ASCII letters and digits and what stands between them: what is between must be equal, numbers
/// may have any length, words of letters alone must be equal, and mixed runs must be equally long.
fn same_shape(one: &str, two: &str) -> bool {
    let (mut one, mut two) = (Runs(one), Runs(two));
    loop {
        match (one.next(), two.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) if word(a) && word(b) => {
                let digits = |run: &str| run.bytes().all(|byte| byte.is_ascii_digit());
                let letters = |run: &str| run.bytes().all(|byte| byte.is_ascii_alphabetic());
                if (digits(a) && digits(b)) || (a.len() == b.len() && !(letters(a) && letters(b))) {
                    continue;
                }
                return false;
            }
            _ => return false,
        }
    }
}

fn word(run: &str) -> bool {
    run.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

struct Runs<'a>(&'a str);

impl<'a> Iterator for Runs<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let first = self.0.chars().next()?;
        let inside = first.is_ascii_alphanumeric();
        let end = self.0.find(|c: char| c.is_ascii_alphanumeric() != inside).unwrap_or(self.0.len());
        let (run, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(run)
    }
}

/// One renaming, in both directions.
#[derive(Debug, Clone, Default)]
struct Renaming {
    there: BTreeMap<String, String>,
    back: BTreeMap<String, String>,
}

/// All renamings of a unit, by scope and name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Renamings {
    all: BTreeMap<(Scope, String), Renaming>,
}

impl Renamings {
    /// Whether the two names fit what is known; they are remembered if so and if `keep`. The error says
    /// what stands against it.
    pub(crate) fn fit(&mut self, ids: &Ids, legacy: &str, candidate: &str, keep: bool) -> Result<(), String> {
        let renaming = self.all.entry((ids.scope, ids.name.clone())).or_default();
        match (renaming.there.get(legacy), renaming.back.get(candidate)) {
            (Some(known), _) if known == candidate => Ok(()),
            (Some(known), _) => Err(format!("; it was {known} before")),
            (None, Some(known)) => Err(format!("; that stands for {known} already")),
            (None, None) if renaming.there.len() >= MOST => Err(format!(
                "; the renaming holds {MOST} names and takes no more: if ids meet within one call only, declare scope=call"
            )),
            (None, None) => {
                if keep {
                    renaming.there.insert(legacy.to_owned(), candidate.to_owned());
                    renaming.back.insert(candidate.to_owned(), legacy.to_owned());
                }
                Ok(())
            }
        }
    }

    /// What a name of legacy's stands for, if that is known.
    pub(crate) fn known(&self, ids: &Ids, legacy: &str) -> Option<&str> {
        self.all.get(&(ids.scope, ids.name.clone()))?.there.get(legacy).map(String::as_str)
    }

    /// Forgets the renamings that hold for one comparison only.
    pub(crate) fn end_call(&mut self) {
        self.all.retain(|(held, _), _| *held != Scope::Call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_keep_words_and_separators_and_let_numbers_grow() {
        for (one, two) in [
            ("LB-trend-9", "LB-trend-10"),
            ("3f0c9a1e-77", "b20011fe-1"),
            ("TradingBot-v1.0-stop-3-1399420800", "TradingBot-v1.0-stop-4-1399420801"),
            ("", ""),
            ("ñ7", "ñ8"),
        ] {
            assert!(same_shape(one, two), "{one} {two}");
        }
        for (one, two) in [
            ("LB-trend-9", "LB-reversal-9"),
            ("LB-stop-9", "LB-take-9"),
            ("A-1", "A_1"),
            ("A-1", "A-1-1"),
            ("3f0c9a1e", "3f0c9a1"),
            ("ñ7", "n7"),
            ("7", ""),
        ] {
            assert!(!same_shape(one, two), "{one} {two}");
        }
    }

    #[test]
    fn a_renaming_is_one_to_one_and_one_for_a_call_ends_with_it() {
        let unit = Ids::parse("").unwrap();
        let call = Ids::parse("scope=call").unwrap();
        let mut all = Renamings::default();
        assert_eq!(all.fit(&unit, "1", "7", true), Ok(()));
        assert_eq!(all.fit(&unit, "1", "7", true), Ok(()));
        assert!(all.fit(&unit, "1", "8", true).unwrap_err().contains("was 7"));
        assert!(all.fit(&unit, "2", "7", true).unwrap_err().contains("stands for 1"));
        assert_eq!(all.fit(&unit, "3", "9", false), Ok(()));
        assert_eq!(all.fit(&unit, "3", "10", true), Ok(()));
        assert_eq!(all.fit(&call, "1", "8", true), Ok(()));
        all.end_call();
        assert_eq!(
            (all.known(&call, "1"), all.known(&unit, "1"), all.known(&unit, "3")),
            (None, Some("7"), Some("10"))
        );
        assert_eq!(all.fit(&call, "1", "9", true), Ok(()));
    }

    #[test]
    fn what_is_written_is_read() {
        for text in ["", "any", "scope=call", "any, scope=call, name=order"] {
            let ids = Ids::parse(text).unwrap();
            let written = ids.text();
            let inside = written.strip_prefix("ids(").and_then(|rest| rest.strip_suffix(')')).unwrap_or("");
            assert_eq!(inside, text);
        }
        assert!(Ids::parse("scope=session").is_err());
        assert!(Ids::parse("all").is_err());
    }
}
