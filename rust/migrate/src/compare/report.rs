//! What the walk puts into the verdict: differences, hits of what is ignored or declared, notes.

use super::Walk;
use crate::Kind;
use crate::ledger::Side;
use crate::path::{self, Step};
use crate::rule::{Alive, Rule};
use crate::value::Value;
use crate::verdict::Difference;

const NOTES: usize = 10;

impl Walk<'_> {
    pub(super) fn differ(&mut self, kind: Kind, legacy: &Side<'_>, candidate: &Side<'_>, alive: &Alive) {
        let mut rule = None;
        if !self.trial {
            match self.declared(legacy, candidate) {
                Some(Ok(())) => return,
                Some(Err(text)) => rule = Some(text),
                None => {}
            }
        }
        self.found.total += 1;
        if self.trial || self.found.differences.len() >= self.limit {
            return;
        }
        let in_force = || self.here(alive).map_or_else(|| "exact".to_owned(), |(_, rule)| rule.name());
        let rule = rule.or_else(|| self.stamp.clone()).unwrap_or_else(in_force);
        self.found.differences.push(Difference {
            path: self.place(),
            place: path::write(self.root, &self.steps, true),
            kind: by_root(self.root, kind),
            legacy: legacy.shown(),
            candidate: candidate.shown(),
            rule,
        });
    }

    /// Whether the ledger knows this difference; the error says why it counts all the same.
    fn declared(&mut self, legacy: &Side<'_>, candidate: &Side<'_>) -> Option<Result<(), String>> {
        let ledger = self.ledger;
        let found = ledger
            .iter()
            .find(|entry| entry.path.reaches(self.root, &self.steps) && entry.speaks_of(legacy, candidate))?;
        let allowed = self.memory.diverge(found, self.decode.today());
        if allowed.is_ok() {
            self.count_ignored(found.path.text(), &found.name());
        }
        Some(allowed.map_err(|against| format!("{}: {against}", found.name())))
    }

    /// A value that only one side has.
    pub(super) fn absent(&mut self, kind: Kind, value: &Value, alive: &Alive) {
        self.gone(kind, &Side::Value(value), alive);
    }

    pub(super) fn gone(&mut self, kind: Kind, side: &Side<'_>, alive: &Alive) {
        self.found.compared += 1;
        if let Some((pattern, rule @ Rule::Ignore { .. })) = self.here(alive)
            && self.ignore(pattern.text(), rule).is_ok()
        {
            return;
        }
        let words = || "(nothing)".to_owned();
        let nothing = Side::Words(&words);
        match kind {
            Kind::Missing | Kind::EffectMissing => self.differ(kind, side, &nothing, alive),
            _ => self.differ(kind, &nothing, side, alive),
        }
    }

    /// Counts a hit of an ignoring rule; the error says why the difference counts all the same.
    pub(super) fn ignore(&mut self, path: &str, rule: &Rule) -> Result<(), String> {
        if !self.trial {
            self.memory.ignore(path, rule, self.decode.today())?;
            self.count_ignored(path, &rule.name());
        }
        Ok(())
    }

    fn count_ignored(&mut self, path: &str, rule: &str) {
        match self.found.ignored.iter_mut().find(|(known, name, _)| known == path && name == rule) {
            Some((_, _, hits)) => *hits += 1,
            None => self.found.ignored.push((path.to_owned(), rule.to_owned(), 1)),
        }
    }

    pub(super) fn note(&mut self, note: String) {
        if self.found.notes.len() < NOTES && !self.found.notes.contains(&note) {
            self.found.notes.push(note);
        }
    }

    /// The way to here, as text.
    pub(super) fn place(&self) -> String {
        path::write(self.root, &self.steps, false)
    }
}

/// What a difference is called below a root that says more than its kind.
fn by_root(root: &str, kind: Kind) -> Kind {
    match (root, kind) {
        ("$args", _) => Kind::Mutation,
        ("$effects", Kind::EffectMissing | Kind::EffectExtra) => kind,
        ("$effects", _) => Kind::EffectDifferent,
        ("$reads", _) => Kind::ExtraRead,
        _ => kind,
    }
}

pub(super) fn key_step(key: &Value) -> Step {
    match key {
        Value::Text(text) => Step::Field(text.as_str().into()),
        Value::Int(number) => usize::try_from(*number).map_or_else(|_| Step::Key(number.to_string()), Step::Index),
        other => Step::Key(other.shown()),
    }
}
